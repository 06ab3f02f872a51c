"""The window *Trail*: the history of a case, entry by entry.

Long entries are folded to their first lines, and unfold with one press. A page fits into a window.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.cases.case import Case
from bot.views.content_lines import ContentLine
from bot.views.entry_content import TrailItem
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button, heading, modal
from handlers.cards.case_words import case_wording
from handlers.cards.text import Json, bullets, date_run, paragraph, rich_text, text_run
from handlers.cards.wording import Wording, plural

#: Entries of one page, and the characters that they may have together.
MAX_ENTRIES = 10
MAX_PAGE_LENGTH = 12_000
#: Lines of a folded entry.
MAX_FOLDED_LINES = 6
#: Lines of an unfolded one; a look-up may have found hundreds of facts.
MAX_LINES = 150
MAX_SENTENCE = 300
MAX_LINE = 600
MAX_FOLDED_LINE = 200
#: The text of one block.
MAX_BLOCK_LENGTH = 2_500
LATEST = -1
_VALUE = re.compile(r"(EX-[0-9]{1,12}) (-1|[0-9]{1,4}) (folded|full)")


@dataclass(frozen=True, slots=True)
class TrailPlace:
    """A page of a trail, as the buttons name it."""

    case_id: str
    #: From 0; LATEST for the last.
    page: int = LATEST
    is_full: bool = False

    @classmethod
    def parse(cls, value: str) -> "TrailPlace | None":
        """Read the value of a button; None for any other text."""
        match = _VALUE.fullmatch(value)
        return cls(match[1], int(match[2]), match[3] == "full") if match else None

    def __str__(self) -> str:
        return f"{self.case_id} {self.page} {'full' if self.is_full else 'folded'}"


def trail_view(
    case: Case, items: Sequence[TrailItem], *, place: TrailPlace, labels: Labels
) -> Json:
    """Build the window with one page of the trail."""
    wording = case_wording(case, labels)
    pages = _pages([_entry_lines(item, wording, is_full=place.is_full) for item in items])
    is_known = 0 <= place.page < len(pages)
    number = place.page if is_known else len(pages) - 1
    first, *_ = pages[number] if pages else (0,)
    title = f"{case.id} has {plural(len(items), 'entry', 'entries')}"
    if len(pages) > 1:
        title += f". Page {number + 1} of {len(pages)}, the latest is the last"
    blocks = [heading(title)]
    previous = items[first - 1] if first else None
    for index in pages[number] if pages else ():
        blocks += _entry_blocks(items[index], previous, wording, is_full=place.is_full)
        previous = items[index]
    buttons = _buttons(TrailPlace(case.id, number, place.is_full), len(pages))
    return modal(f"Trail {case.id}", [*blocks, actions_block("trail", buttons)], close="Close")


def _pages(entries: Sequence[Sequence[str]]) -> list[list[int]]:
    """Split entries into pages, and no entry into two."""
    pages: list[list[int]] = []
    length = 0
    for index, lines in enumerate(entries):
        size = sum(map(len, lines)) + MAX_SENTENCE
        is_full = bool(pages) and (len(pages[-1]) >= MAX_ENTRIES or length + size > MAX_PAGE_LENGTH)
        if is_full or not pages:
            pages.append([])
            length = 0
        pages[-1].append(index)
        length += size
    return pages


def _entry_lines(item: TrailItem, wording: Wording, *, is_full: bool) -> list[str]:
    """Write the lines of an entry that are shown."""
    lines = item.content.lines[: MAX_LINES if is_full else MAX_FOLDED_LINES]
    limit = MAX_LINE if is_full else MAX_FOLDED_LINE
    texts = [_line_text(line, wording, limit) for line in lines]
    more = len(item.content.lines) - len(lines)
    if more > 0:
        texts.append(f"… and {plural(more, 'more line')}")
    return texts


def _line_text(line: ContentLine, wording: Wording, limit: int) -> str:
    return wording.prose(f"{line.label}: {line.text}", limit)


def _entry_blocks(
    item: TrailItem, earlier: TrailItem | None, wording: Wording, *, is_full: bool
) -> Iterator[Json]:
    """Build the blocks of one entry: sentence, time and author, lines."""
    sentence = wording.prose(item.content.sentence, MAX_SENTENCE)
    byline = [text_run("  "), date_run(item.entry.at), text_run(f", {item.author}")]
    state = item.case.state
    if earlier is None or earlier.case.state is not state:
        byline.append(text_run(f" → {state}", italic=True))
    yield rich_text(paragraph(text_run(sentence, bold=True), *byline))
    for chunk in _chunks(_entry_lines(item, wording, is_full=is_full)):
        yield rich_text(bullets([text_run(text)] for text in chunk))


def _chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Group lines so that each group fits into one block."""
    chunk: list[str] = []
    length = 0
    for line in lines:
        if chunk and length + len(line) > MAX_BLOCK_LENGTH:
            yield chunk
            chunk, length = [], 0
        chunk.append(line)
        length += len(line)
    if chunk:
        yield chunk


def _buttons(place: TrailPlace, page_count: int) -> list[Json]:
    """Build the buttons to the neighbouring pages, and the one that unfolds."""
    case_id, page = place.case_id, place.page
    buttons = []
    if page > 0:
        earlier = TrailPlace(case_id, page - 1, place.is_full)
        buttons.append(button("Earlier", ids.TRAIL_BACK, str(earlier)))
    if page + 1 < page_count:
        later = TrailPlace(case_id, page + 1, place.is_full)
        buttons.append(button("Later", ids.TRAIL_NEXT, str(later)))
    # The pages are others then: it begins again with the latest.
    other = TrailPlace(case_id, LATEST, not place.is_full)
    label = "Show less" if place.is_full else "Show everything"
    return [*buttons, button(label, ids.TRAIL_UNFOLD, str(other))]
