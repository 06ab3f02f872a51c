"""The orders that people type in the thread of a case.

It is a small grammar and no model. A text is an order only as a whole: what follows or precedes
the words of an order makes it none. So "don't approve" is never read as an approval.
"""

import re

from bot.views.thread_orders import OrderKind, ThreadOrder
from handlers.slack.message_text import plain_text

# An order is short; whatever is longer is a text about something.
MAX_ORDER_LENGTH = 500
MAX_NOTE_LENGTH = 400

_QUOTE = re.compile(r"\s*(?:&gt;|>)")
_QUOTE_TO_THE_END = re.compile(r"(?:&gt;|>){3}.*", re.DOTALL)
_FIRST_MENTION = re.compile(r"\s*<@([UW][A-Z0-9]{1,20})(?:\|[^>]{0,80})?>[\s,:]*")
_LAST_MENTION = re.compile(r"[\s,]*<@([UW][A-Z0-9]{1,20})(?:\|[^>]{0,80})?>\s*$")
_COURTESY = re.compile(r"[,\s]*\b(?:please|pls|thanks|thank you|cheers)\s*$", re.IGNORECASE)

# An approval with one of these words in its reason may mean the opposite, or a condition.
_RESERVATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|but|unless|if|when|until|after|only|except|though"
    r"|although|instead|reject|decline|cannot|wait|hold)\b|n['’]?t\b",
    re.IGNORECASE,
)

_PLEASE = r"(?:(?:please|pls|ok|okay|yes|i|we)[, ] ?)?"
_OBJECT = r"(?: (?:it|this|that|the plan|the case|this case|EX-\d{1,12}))?"
_NOTE = r"(?:\s*(?:[;,—–-]|:(?=\s)|\bbecause\b|\bsince\b|\bas\b|\bdue to\b)\s*(?P<note>.+))?"
_NAME = r"(?P<name>@?[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*){0,2}?)"
_USER = r"<@(?P<user>[UW][A-Z0-9]{1,20})(?:\|[^>]{0,80})?>"

_PATTERNS: tuple[tuple[OrderKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(f"{_PLEASE}{pattern}", re.IGNORECASE))
    for kind, pattern in (
        (OrderKind.APPROVE, rf"(?:approved?|go ahead){_OBJECT}{_NOTE}"),
        (
            OrderKind.REJECT,
            rf"(?:(?:rejected|reject|decline){_OBJECT}|turn (?:it|this|that) down){_NOTE}",
        ),
        (
            OrderKind.HAND_OVER,
            rf"(?:give|hand|pass|assign|reassign|transfer){_OBJECT}(?: over)?(?: it| this)?"
            rf"(?: to (?:{_USER}|{_NAME}))?{_NOTE}",
        ),
        (
            OrderKind.SNOOZE,
            rf"(?:snooze|postpone){_OBJECT}"
            rf"(?:(?: (?:until|till|til|for|to|by))? (?P<until>[^,;—–]{{1,40}}?))?{_NOTE}",
        ),
    )
)
# These verbs alone speak to whoever carries out orders; the others are everyday words.
_BEGINS_LIKE_AN_ORDER = re.compile(
    rf"{_PLEASE}(?:approve|reject|snooze|postpone|hand (?:it|this) over)\b", re.IGNORECASE
)
_CASE = re.compile(r"\bEX-\d+", re.IGNORECASE)
_OVER = re.compile(r"\bover\b", re.IGNORECASE)


def read_order(text: str, *, case_id: str, bot_user: str = "") -> ThreadOrder | None:
    """Read an order; None for any other text.

    ``text`` is in Slack's markup. ``bot_user`` is the bot's own user id, whose mention is left out.
    """
    words = _own_words(text, bot_user)
    if not words or words.endswith("?"):
        return None
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(words)
        if match:
            return _order(kind, match, case_id=case_id)
    if _BEGINS_LIKE_AN_ORDER.match(words):
        return ThreadOrder(kind=OrderKind.UNCLEAR)
    return None


def _own_words(text: str, bot_user: str) -> str:
    """Return the person's own words; empty for no order.

    Quotations and code are the words of somebody else.
    """
    if len(text) > MAX_ORDER_LENGTH or "`" in text:
        return ""
    text = _QUOTE_TO_THE_END.sub("", text)
    lines = [line for line in text.splitlines() if not _QUOTE.match(line)]
    words = " ".join(lines)
    # Invisible characters could part or join words other than a reader sees them.
    words = "".join(letter if letter.isprintable() else " " for letter in words)
    words = _without_bot(" ".join(words.split()), bot_user)
    words = _COURTESY.sub("", words)
    return words.rstrip(" .!").strip()


def _without_bot(words: str, bot_user: str) -> str:
    """Leave out the mention of the bot before or behind the words."""
    first = _FIRST_MENTION.match(words)
    if first and first[1] == bot_user:
        words = words[first.end() :]
    last = _LAST_MENTION.search(words)
    if last and last[1] == bot_user:
        words = words[: last.start()]
    return words


def _order(kind: OrderKind, match: re.Match[str], *, case_id: str) -> ThreadOrder | None:
    groups = match.groupdict()
    reason = groups["note"] or ""
    command = match[0].removesuffix(reason)
    other_case = _CASE.search(command)
    if other_case and other_case[0].upper() != case_id:
        return ThreadOrder(kind=OrderKind.UNCLEAR)
    if kind is OrderKind.APPROVE and _RESERVATION.search(reason):
        return ThreadOrder(kind=OrderKind.UNCLEAR)
    to_user = groups.get("user") or ""
    to_name = (groups.get("name") or "").removeprefix("@").rstrip(".")
    if kind is OrderKind.HAND_OVER and not (to_user or to_name or _OVER.search(command)):
        # "give it" and "pass" are talk.
        return None
    return ThreadOrder(
        kind=kind,
        note=plain_text(reason)[:MAX_NOTE_LENGTH],
        to_user=to_user,
        to_name=to_name,
        until=(groups.get("until") or "").strip(),
    )
