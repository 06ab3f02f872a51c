"""Text for Slack. Text from outside goes into elements in which Slack reads no markup.

Invisible characters are removed: control characters, and those that reorder or hide text.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.cases.approval import Factor, people_of

Json = dict[str, Any]
ELLIPSIS = "…"
NOT_IN_HANDLE = re.compile(r"[^A-Za-z0-9_.-]")
MAX_HANDLE_LENGTH = 80
NUMBER_NAMES = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


def clean(text: str, limit: int, *, lines: int = 1) -> str:
    """Remove invisible characters and bound the text to ``limit`` characters on ``lines`` lines."""
    visible = "".join(map(_visible_letter, text))
    rows = [" ".join(row.split()) for row in visible.split("\n")]
    filled = [row for row in rows if row]
    if len(filled) > lines:
        overflow = " ".join(filled[lines - 1 :])
        filled = [*filled[: lines - 1], overflow]
    bounded = "\n".join(filled)
    if len(bounded) <= limit:
        return bounded
    return bounded[: limit - 1] + ELLIPSIS


def _visible_letter(letter: str) -> str:
    # Category C: controls, direction marks, joiners, private use and unassigned characters.
    if letter != "\n" and unicodedata.category(letter).startswith("C"):
        return " "
    return letter


def escape_mrkdwn(text: str, limit: int = 200) -> str:
    """Clean and escape text for the notification line, which Slack reads as mrkdwn."""
    cleaned = clean(text, limit)
    return cleaned.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain_text(text: str, limit: int = 75) -> Json:
    """Build a plain text object; Slack does not accept an empty one."""
    return {"type": "plain_text", "text": clean(text, limit) or "-", "emoji": False}


def text_run(text: str, *, bold: bool = False, italic: bool = False) -> Json:
    """Build a run of rich text, shown exactly as it is."""
    style: Json = {}
    if bold:
        style["bold"] = True
    if italic:
        style["italic"] = True
    run: Json = {"type": "text", "text": text}
    if style:
        run["style"] = style
    return run


def link_run(url: str, text: str) -> Json:
    """Build a bold link; bold text where there is no URL."""
    if not url:
        return text_run(text, bold=True)
    return {"type": "link", "url": url, "text": text, "style": {"bold": True}}


def date_run(at: datetime) -> Json:
    """Build a date that Slack shows in the reader's time zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": _utc(at),
    }


def mrkdwn_date(at: datetime) -> str:
    """Format a date in mrkdwn that Slack shows in the reader's time zone."""
    timestamp = int(at.timestamp())
    return f"<!date^{timestamp}^{{date_short_pretty}} {{time}}|{_utc(at)}>"


def _utc(at: datetime) -> str:
    return f"{at:%d %b %H:%M} UTC"


def rich_text(*parts: Json) -> Json:
    """Build a rich text block from paragraphs, quotes and lists."""
    return {"type": "rich_text", "elements": list(parts)}


def paragraph(*runs: Json) -> Json:
    """Build a paragraph of a rich text block."""
    return {"type": "rich_text_section", "elements": list(runs)}


def quote(text: str) -> Json:
    """Build a quotation of somebody else's text."""
    return {"type": "rich_text_quote", "elements": [text_run(text)]}


def preformatted_text(text: str) -> Json:
    """Build text in a fixed-width font."""
    return {"type": "rich_text_preformatted", "elements": [text_run(text)]}


def bullets(items: Iterable[list[Json]], *, ordered: bool = False) -> Json:
    """Build a list, numbered with ``ordered``; each item is a list of runs."""
    return {
        "type": "rich_text_list",
        "style": "ordered" if ordered else "bullet",
        "elements": [paragraph(*item) for item in items],
    }


def describe_approvers(factors: Iterable[Factor]) -> str:
    """Describe in mrkdwn who may approve: "one of @ops-leads and one of @finance"."""
    phrases = []
    for factor in factors:
        number = NUMBER_NAMES.get(factor.count, factor.count)
        phrases.append(f"{number} of {_mention(factor.group)}")
    return " and ".join(phrases) or "nobody"


def _mention(group: str) -> str:
    user_ids = [user_id for user_id in people_of(group) if user_id.isalnum()]
    if not user_ids:
        return f"@{safe_handle(group)}"
    return ", ".join(f"<@{user_id}>" for user_id in user_ids)


def safe_handle(group: str) -> str:
    """Remove from a group's handle whatever Slack would read as markup."""
    return NOT_IN_HANDLE.sub("", group)[:MAX_HANDLE_LENGTH]
