"""Cards in the terminal: their blocks as text and boxes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

Block = Mapping[str, Any]
MAX_WIDTH = 84
#: Slack writes times in the zone of whoever reads them; here stands what it falls back to.
SLACK_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
LINK = re.compile(r"<(?:[^|>]*\|)?([^>]*)>")
MARK = re.compile(r"\*(?P<bold>[^*\n]+)\*|_(?P<italic>[^_\n]+)_|`(?P<code>[^`\n]+)`")
STYLES = {"bold": "bold", "italic": "italic", "code": "cyan"}
BUTTON_STYLES = {"primary": "bold green", "danger": "bold red"}


def card_view(blocks: Sequence[Block]) -> RenderableType:
    """Return the card in a frame."""
    parts = [part for block in blocks for part in _draw(block)]
    return Panel(Group(*parts), box=ROUNDED, width=MAX_WIDTH, padding=(0, 1))


def _draw(block: Block) -> Iterator[RenderableType]:
    match block.get("type"):
        case "header" | "markdown":
            yield _draw_words(block)
        case "divider":
            yield Rule(style="dim")
        case "section":
            yield from _draw_section(block)
        case "context":
            words = [_words(one) for one in block["elements"] if "text" in one]
            yield Text(" · ").join(words)
        case "rich_text":
            yield from (_draw_rich(one) for one in block["elements"])
        case "actions" | "context_actions":
            yield _draw_buttons(block["elements"])
        case "table" | "data_table":
            yield _draw_table(block["rows"])
        case "container":
            yield from _draw_container(block)
        case kind:
            yield Text(f"[{block.get('alt_text') or kind}]", style="dim")


def _draw_words(block: Block) -> Text:
    if block["type"] == "markdown":
        return Text(block["text"])
    return Text(block["text"]["text"], style="bold")


def _draw_section(block: Block) -> Iterator[RenderableType]:
    if "text" in block:
        yield _words(block["text"])
    fields = [_words(field) for field in block.get("fields", [])]
    if fields:
        grid = Table.grid(padding=(0, 3), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        # Slack sets fields in two columns.
        for left, right in zip_longest(fields[::2], fields[1::2], fillvalue=Text()):
            grid.add_row(left, right)
        yield grid
    if "accessory" in block:
        yield _draw_buttons([block["accessory"]])


def _draw_container(block: Block) -> Iterator[RenderableType]:
    title = block.get("title")
    text = title["text"] if title else ""
    mark = "▾ "
    if block.get("default_collapsed"):
        mark = "▸ "
    yield Text(mark + text, style="bold")
    for child in block["child_blocks"]:
        yield from (Padding(part, (0, 0, 0, 2)) for part in _draw(child))


def _draw_buttons(elements: Sequence[Block]) -> Text:
    line = Text()
    for element in elements:
        label, style = _label(element)
        line.append(f"[ {label} ]", style=style)
        line.append("  ")
    line.rstrip()
    return line


def _label(element: Block) -> tuple[str, str]:
    """Return what stands on an element, and its style."""
    match element.get("type"):
        case "overflow":
            names = ", ".join(option["text"]["text"] for option in element["options"])
            return f"⋯ {names}", "dim"
        case "feedback_buttons":
            return "👍 / 👎", "dim"
        case "image":
            return f"picture: {element['alt_text']}", "dim"
        case _:
            words = element.get("text") or element.get("placeholder") or {"text": "…"}
            return words["text"], BUTTON_STYLES.get(str(element.get("style")), "bold")


def _draw_table(rows: Sequence[Sequence[Block]]) -> Table:
    table = Table(box=ROUNDED)
    for cell in rows[0]:
        table.add_column(_cell(cell))
    for row in rows[1:]:
        table.add_row(*(_cell(cell) for cell in row))
    return table


def _cell(cell: Block) -> Text:
    if cell.get("type") == "rich_text":
        return Text("\n").join(_draw_rich(one) for one in cell["elements"])
    return Text(str(cell.get("text", cell.get("value", ""))))


def _draw_rich(element: Block) -> Text:
    """Return a container of rich text, its lists as lines."""
    if element["type"] == "rich_text_list":
        is_ordered = element.get("style") == "ordered"
        lines = []
        for number, item in enumerate(element["elements"], 1):
            mark = f"{number}. " if is_ordered else "• "
            lines.append(Text("  " * element.get("indent", 0) + mark) + _draw_rich(item))
        return Text("\n").join(lines)
    line = Text("│ " if element["type"] == "rich_text_quote" else "")
    for part in element["elements"]:
        style = " ".join(STYLES[name] for name in STYLES if part.get("style", {}).get(name))
        line.append(_part(part), style=style)
    return line


def _part(part: Block) -> str:
    match part["type"]:
        case "text" | "tag":
            return str(part["text"])
        case "link":
            return str(part.get("text") or part["url"])
        case "user" | "usergroup" | "channel":
            return f"@{part.get('user_id') or part.get('usergroup_id') or part.get('channel_id')}"
        case "date":
            return str(part.get("fallback") or part["format"])
        case "emoji":
            return f":{part['name']}:"
        case kind:
            return str(part.get("text") or f"[{kind}]")


def _words(text: Block) -> Text:
    """Return a text object; its markup becomes styles."""
    words = str(text["text"])
    if text.get("type") != "mrkdwn":
        return Text(words)
    words = LINK.sub(r"\1", SLACK_DATE.sub(r"\1", words))
    words = words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    line = Text()
    end = 0
    for match in MARK.finditer(words):
        line.append(words[end : match.start()])
        name = str(match.lastgroup)
        line.append(match[name], style=STYLES[name])
        end = match.end()
    line.append(words[end:])
    return line
