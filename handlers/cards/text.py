"""Text for Slack. Outside text goes into rich text, tables and plain text, where nothing is markup; these are the building blocks.

What people must not see is taken out: control characters, and the invisible ones that reorder or hide text.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.cases.approval import ApprovalRequirement, people_of

Json = dict[str, Any]
ELLIPSIS = "…"
NOT_IN_HANDLES = re.compile(r"[^A-Za-z0-9_.-]")


def clean(text: str, most: int, *, lines: int = 1) -> str:
    """At most so many characters on so many lines, without controls, direction marks, joiners and private use."""
    kept = "".join(
        letter if letter == "\n" or not unicodedata.category(letter).startswith("C") else " "
        for letter in text.replace("\t", " ")
    )
    rows = [" ".join(row.split()) for row in kept.split("\n")]
    rows = [row for row in rows if row]
    if len(rows) > lines:
        rows = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    joined = "\n".join(rows)
    return joined if len(joined) <= most else joined[: most - 1] + ELLIPSIS


def escaped(text: str, most: int = 200) -> str:
    """Outside text for the one place that only takes mrkdwn: the notification line."""
    cut = clean(text, most)
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, most: int = 75) -> Json:
    return {"type": "plain_text", "text": clean(text, most) or "-", "emoji": False}


def say(text: str, *, bold: bool = False, italic: bool = False) -> Json:
    """A run of rich text, shown exactly as it is."""
    styles = {name: True for name, on in (("bold", bold), ("italic", italic)) if on}
    return {"type": "text", "text": text, **({"style": styles} if styles else {})}


def paragraph(*runs: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(runs)}


def quote(text: str) -> Json:
    """Somebody else's words, marked as such."""
    return {"type": "rich_text_quote", "elements": [say(text)]}


def bullets(items: Iterable[list[Json]], *, ordered: bool = False) -> Json:
    style = "ordered" if ordered else "bullet"
    return {
        "type": "rich_text_list",
        "style": style,
        "elements": [paragraph(*item) for item in items],
    }


def rich(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": list(parts)}


def context(*parts: str | Json) -> Json:
    """Make small print. A string is our own words, and the only place where mrkdwn is read; outside text comes as ``plain``."""
    elements = [
        {"type": "mrkdwn", "text": part} if isinstance(part, str) else part
        for part in parts
        if part
    ]
    return {"type": "context", "elements": elements}


def when(at: datetime) -> str:
    """A moment in the reader's own time zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at:%d %b %H:%M} UTC>"


def link(url: str, text: str) -> Json:
    """A run that leads somewhere of ours; without an address, only bold."""
    return (
        {"type": "link", "url": url, "text": text, "style": {"bold": True}}
        if url
        else say(text, bold=True)
    )


def moment(at: datetime) -> Json:
    """A moment in the reader's own time zone, inside rich text."""
    fallback = f"{at:%d %b %H:%M} UTC"
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": fallback,
    }


def preformatted(text: str) -> Json:
    return {"type": "rich_text_preformatted", "elements": [say(text)]}


def groups(factors: Iterable[ApprovalRequirement]) -> str:
    """Who may say yes, as a phrase: "one of @ops-leads and one of @finance"."""
    numbers = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
    return (
        " and ".join(
            f"{numbers.get(factor.count, factor.count)} of {_set(factor.group)}"
            for factor in factors
        )
        or "nobody"
    )


def _set(group: str) -> str:
    people = [user for user in people_of(group) if user.isalnum()]
    return ", ".join(f"<@{user}>" for user in people) if people else f"@{handle(group)}"


def handle(group: str) -> str:
    """Give the handle of a group with nothing in it that Slack would read as markup."""
    return NOT_IN_HANDLES.sub("", group)[:80]
