"""What somebody sees of an answer in Slack: its blocks as text, and its controls.

Only what is in the blocks counts. A field of an answer that no block shows is not there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.views.answers import Answer
from bot.views.thread_orders import Confirmation
from handlers.cards.answer_blocks import answer_blocks
from handlers.cards.thread_confirmation import confirmation_blocks

CASE_ID = re.compile(r"\bEX-\d+\b")
QUESTION_ID = "C0BENCH:1.0"
#: A moment that Slack would write on the reader's clock.
MOMENT_MARK = "⟦{}⟧"
CONTROLS = frozenset({"button", "workflow_button"})
MAX_COMPARED = 200
TEXT_TYPES = frozenset({"plain_text", "mrkdwn", "text"})

Json = Any


@dataclass(frozen=True, slots=True)
class Control:
    """A button, or a choice of a menu."""

    text: str
    action_id: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An answer as it stands in Slack."""

    #: Everything that can be read, one line a paragraph.
    text: str
    #: The sentences: the answer itself and its facts.
    said: str
    #: The first sentence of it.
    first: str = ""
    #: The cases that are shown as what was asked for.
    rows: list[str] = field(default_factory=list)
    #: Cases that are shown with the reason why they are there.
    others: list[str] = field(default_factory=list)
    #: Label and value of each row of the small table.
    table: list[tuple[str, str]] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    left_aside: list[str] = field(default_factory=list)
    #: Other readings are offered.
    has_choices: bool = False
    #: Readers of a channel see it too.
    is_public: bool = False
    milliseconds: float = 0.0

    @property
    def ids(self) -> list[str]:
        """List every case that is named anywhere, controls included."""
        values = " ".join(f"{one.text} {one.value}" for one in self.controls)
        return list(dict.fromkeys(CASE_ID.findall(f"{self.text} {values}")))

    @property
    def said_ids(self) -> list[str]:
        return list(dict.fromkeys(CASE_ID.findall(self.said)))


def show_answer(answer: Answer, *, is_public: bool = False) -> Shown:
    """Draw an answer, and read what is drawn."""
    blocks = answer_blocks(answer, _permalink, QUESTION_ID)
    text = "\n".join(lines_of(blocks))
    flat = squeeze(text)
    # A long sentence is cut off.
    facts = [fact for fact in answer.facts if squeeze(fact)[:MAX_COMPARED] in flat]
    sentence = answer.text if squeeze(answer.text)[:MAX_COMPARED] in flat else ""
    ids = frozenset(CASE_ID.findall(text))
    drawn = [row.case.id for row in answer.rows if row.case.id in ids]
    has_title = bool(answer.rows_title) and squeeze(answer.rows_title) in flat
    return Shown(
        text=text,
        said="\n".join([sentence, *facts]),
        first=sentence or text.partition("\n")[0],
        rows=[] if has_title else drawn,
        others=drawn if has_title else [],
        table=[
            (figure.label, figure.value)
            for figure in answer.table
            if squeeze(figure.label) in flat and squeeze(figure.value) in flat
        ],
        controls=list(_controls(blocks)),
        left_aside=[word for word in answer.left_aside if squeeze(word) in flat],
        has_choices=bool(answer.choices) and squeeze(answer.choices[0]) in flat,
        is_public=is_public,
    )


def show_confirmation(confirmation: Confirmation) -> Shown:
    """Draw the private answer to an order in words."""
    blocks = confirmation_blocks(confirmation)
    text = "\n".join(lines_of(blocks))
    return Shown(
        text=text,
        said=text,
        first=text.partition("\n")[0],
        rows=[],
        controls=list(_controls(blocks)),
    )


def _permalink(channel: str, ts: str) -> str:
    return f"https://harbour-vine.slack.com/archives/{channel}/p{ts.replace('.', '')}"


def squeeze(text: str) -> str:
    """Leave letters and digits alone, so that markup and blanks do not matter."""
    return re.sub(r"[\W_]+", "", text.casefold())


def lines_of(blocks: Json) -> list[str]:
    """Return what can be read, one line for each paragraph, cell row or element."""
    lines = []
    for block in blocks:
        lines += [line for line in _block_lines(block) if line.strip()]
    return lines


def _block_lines(block: Json) -> Iterator[str]:
    match block.get("type"):
        case "rich_text":
            for element in block["elements"]:
                yield from _rich_lines(element)
        case "table":
            for row in block["rows"]:
                yield " | ".join(_inline(cell) for cell in row)
        case "actions" | "context_actions":
            for element in block["elements"]:
                yield from _element_lines(element)
        case "image":
            yield str(block.get("alt_text", ""))
        case _:
            yield from _plain_lines(block)


def _rich_lines(element: Json) -> Iterator[str]:
    if element.get("type") == "rich_text_list":
        for item in element["elements"]:
            yield from _rich_lines(item)
    else:
        yield from _inline(element).splitlines()


def _plain_lines(block: Json) -> Iterator[str]:
    """Read sections, contexts, headers, cards and whatever else has texts in it."""
    for key, value in block.items():
        # It is asked when the button is pressed.
        if key == "confirm":
            continue
        if isinstance(value, dict):
            yield from _element_lines(value)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    yield from _element_lines(one)
        elif key in {"text", "alt_text", "title", "label"} and isinstance(value, str):
            yield from value.splitlines()


def _element_lines(element: Json) -> Iterator[str]:
    if element.get("type") in TEXT_TYPES and isinstance(element.get("text"), str):
        yield from element["text"].splitlines()
    elif element.get("type") == "rich_text":
        yield from _block_lines(element)
    else:
        yield from _plain_lines(element)


def _inline(element: Json) -> str:
    """Join the runs of a paragraph or cell."""
    if not isinstance(element, dict):
        return str(element)
    match element.get("type"):
        case "date":
            return MOMENT_MARK.format(element["timestamp"])
        case "user":
            return f"<@{element['user_id']}>"
        case "link":
            return str(element.get("text") or element.get("url", ""))
        case "emoji":
            return ""
    if "elements" in element:
        return "".join(map(_inline, element["elements"]))
    text = element.get("text", "")
    return _inline(text) if isinstance(text, dict) else str(text)


def _controls(node: Json) -> Iterator[Control]:
    """Find every button and menu choice, however deep."""
    if isinstance(node, list):
        for one in node:
            yield from _controls(one)
        return
    if not isinstance(node, dict):
        return
    label = node.get("text")
    is_choice = isinstance(label, dict) and "value" in node
    if node.get("type") in CONTROLS or is_choice:
        yield Control(
            _inline(label) if label else "",
            str(node.get("action_id", "")),
            str(node.get("value", node.get("url", ""))),
        )
    for value in node.values():
        yield from _controls(value)
