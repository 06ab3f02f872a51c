"""Text for Slack.

Text from outside goes into elements in which Slack reads no markup. Invisible characters are
removed: control characters, and those that reorder or hide text.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any

from bot.cases.approval import ApprovalRequirement, people_of
from bot.cases.missing_approvals import MissingApprovals

Json = dict[str, Any]
#: A JSON object that is only read.
JsonMapping = Mapping[str, Any]
ELLIPSIS = "…"
LETTER = re.compile(r"\w")
TIME = re.compile(r"<!date\^\d+\^\{time\}[^>]*>")
DATE = re.compile(r"<!date\^[^>]*>")
EMOJI = re.compile(r":[a-z_]+:")
NOT_IN_HANDLE = re.compile(r"[^A-Za-z0-9_.-]")
MAX_HANDLE_LENGTH = 80
#: Stands for a text of which nothing can be shown.
EMPTY = "-"
MAX_PLAIN_TEXTS = 1_000
# A list of people is shortened: Slack limits a text, and a reader does.
MAX_PEOPLE = 5
NUMBER_NAMES = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


def clean(text: str, limit: int, *, lines: int = 1) -> str:
    """Remove invisible characters and shorten the text.

    The result has at most ``limit`` characters on at most ``lines`` lines.
    """
    if _is_clean(text):
        return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS
    rows = []
    for line in text.split("\n"):
        if not line.isprintable():
            # Controls, direction marks, joiners, private use, unassigned; and odd blanks.
            line = "".join(letter if letter.isprintable() else " " for letter in line)
        row = " ".join(line.split())
        # Empty lines could push what follows out of sight.
        if row:
            rows.append(row)
    if len(rows) > lines:
        last_row = " ".join(rows[lines - 1 :])
        rows = [*rows[: lines - 1], last_row]
    result = "\n".join(rows)
    if len(result) <= limit:
        return result
    return result[: limit - 1] + ELLIPSIS


def _is_clean(text: str) -> bool:
    """Tell whether ``clean`` would remove nothing from this text."""
    # Of all blanks only the usual one is printable.
    return text.isprintable() and "  " not in text and text == text.strip()


def escape_mrkdwn(text: str, limit: int = 200) -> str:
    """Clean and escape text for a notification, which is mrkdwn."""
    return escape(clean(text, limit), quote=False)


def plain_text(text: str, limit: int = 75) -> Json:
    """Build a plain text object; Slack does not accept an empty one."""
    return {
        "type": "plain_text",
        "text": _plain(text, limit),
        # Or Slack would draw an emoji where the text has its name between colons.
        "emoji": False,
    }


# Most plain texts are labels, the same on every card.
@lru_cache(maxsize=MAX_PLAIN_TEXTS)
def _plain(text: str, limit: int) -> str:
    return _shorten_escaped(clean(text, limit), limit) or EMPTY


def _shorten_escaped(text: str, limit: int) -> str:
    """Shorten a text to what Slack stores of it, which is escaped."""
    if stored_length(text) <= limit:
        return text
    # Room for the ellipsis.
    size, end = 1, 0
    for letter in text:
        size += stored_length(letter)
        if size > limit:
            break
        end += 1
    return text[:end] + ELLIPSIS


def stored_length(text: str) -> int:
    """Count the characters of a plain text as Slack stores it."""
    # Slack escapes it, and counts as JavaScript does: an emoji is two.
    stored_text = escape(text, quote=False)
    return len(stored_text.encode("utf-16-le", "surrogatepass")) // 2


def text_run(text: str, *, bold: bool = False, italic: bool = False) -> Json:
    """Build a run of rich text, shown exactly as it is.

    Slack does not accept an empty one.
    """
    style: Json = {}
    if bold:
        style["bold"] = True
    if italic:
        style["italic"] = True
    run: Json = {"type": "text", "text": text or EMPTY}
    if style:
        run["style"] = style
    return run


def link_run(url: str, text: str) -> Json:
    """Build a bold link; bold text where there is no URL."""
    if not url:
        return text_run(text, bold=True)
    return {
        "type": "link",
        "url": url,
        "text": text,
        "style": {"bold": True},
    }


def date_run(at: datetime) -> Json:
    """Build a date that Slack shows in the reader's time zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": _utc(at),
    }


def mrkdwn_date(at: datetime) -> str:
    """Format a date in mrkdwn, shown in the reader's time zone."""
    timestamp = int(at.timestamp())
    return f"<!date^{timestamp}^{{date_short_pretty}} {{time}}|{_utc(at)}>"


def mrkdwn_time(at: datetime) -> str:
    """Format a time of day in mrkdwn, in the reader's time zone."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def _utc(at: datetime) -> str:
    return f"{at:%d %b %H:%M} UTC"


def count_words(content: Any) -> int:
    """Count the visible words of blocks, elements or a text.

    A date counts as Slack writes one nearby: "Tomorrow at 10:37 AM".
    """
    count = 0
    rest = [content]
    while rest:
        match rest.pop():
            case str(text):
                count += _count_words(text)
            case dict(block):
                rest += [block.get("text", ""), block.get("elements", ())]
            case elements:
                rest += elements
    return count


def _count_words(text: str) -> int:
    if "<!date" in text:
        text = DATE.sub(" 1 2 3 4 ", TIME.sub(" 1 2 ", text))
    if ":" in text:
        text = EMOJI.sub(" ", text)
    count = 0
    for word in text.split():
        # The first letter decides for nearly every word.
        if word[0].isalnum() or LETTER.search(word):
            count += 1
    return count


def rich_text(*parts: Json) -> Json:
    """Build a rich text block from paragraphs, quotes and lists."""
    return {
        "type": "rich_text",
        "elements": list(parts),
    }


def paragraph(*runs: Json) -> Json:
    """Build a paragraph of a rich text block."""
    return {
        "type": "rich_text_section",
        "elements": list(runs),
    }


def quote(text: str) -> Json:
    """Build a quotation of somebody else's text."""
    return {
        "type": "rich_text_quote",
        "elements": [text_run(text)],
    }


def preformatted_text(text: str) -> Json:
    """Build text in a fixed-width font."""
    return {
        "type": "rich_text_preformatted",
        "elements": [text_run(text)],
    }


def bullets(items: Iterable[list[Json]], *, is_numbered: bool = False) -> Json:
    """Build a list; each item is a list of runs."""
    return {
        "type": "rich_text_list",
        "style": "ordered" if is_numbered else "bullet",
        "elements": [paragraph(*item) for item in items],
    }


def describe_approvers(factors: Iterable[ApprovalRequirement]) -> str:
    """Describe in mrkdwn who may approve.

    An example is "one of @ops-leads and one of @finance".
    """
    phrases = []
    for factor in factors:
        number = NUMBER_NAMES.get(factor.count, factor.count)
        phrases.append(f"{number} of {_mention(factor.group)}")
    return " and ".join(phrases) or "nobody"


def describe_missing(missing: MissingApprovals) -> str:
    """Describe in mrkdwn whose approval is missing: "one of @finance"."""
    names = [_mention(group) for group in missing.groups]
    if len(names) == missing.count:
        return " and ".join(f"one of {name}" for name in names)
    number = NUMBER_NAMES.get(missing.count, missing.count)
    return f"{number} of {' or '.join(names) or 'those named for it'}"


def _mention(group: str) -> str:
    # A user id has no other characters; anything else could be markup.
    user_ids = [user_id for user_id in people_of(group) if user_id.isalnum()]
    if not user_ids:
        return f"@{safe_handle(group)}"
    names = ", ".join(f"<@{user_id}>" for user_id in user_ids[:MAX_PEOPLE])
    more = len(user_ids) - MAX_PEOPLE
    return f"{names} or {more} more" if more > 0 else names


def safe_handle(group: str) -> str:
    """Remove from a group's handle whatever Slack would read as markup."""
    return NOT_IN_HANDLE.sub("", group)[:MAX_HANDLE_LENGTH]
