"""What texts say: states, reasons, names and refusals, by the words that people use for them."""

import re
from collections.abc import Iterable

from tests.bench.questions.oracle import GROUPS, NAMES
from tests.bench.questions.records import Record, words_of
from tests.bench.questions.shown import squeeze

#: The part of the words of a recorded text that must be found again.
MIN_COVERAGE = 0.6
MIN_WORD = 3
MAX_REPLY = 420

STATES = {
    "new": r"new|just come in|being looked at",
    "open": r"open|being looked at|just come in",
    "proposed": r"wait|pending|not (?:been )?decided|needs? .{0,30}(?:decision|approv|yes)|awaiting",
    "referred": r"need(?:s|ing)? a person|somebody must|someone must|needs? somebody|by hand|waits? for somebody",
    "snoozed": r"snooz|rests?\b|postponed|sleep",
    "approved": r"approved",
    "running": r"carried out|running|under way",
    "parked": r"outcome (?:is )?(?:not known|unknown)|unknown outcome",
    "resolved": r"resolved|done\b|carried out|handled|closed|worked",
    "rejected": r"rejected|turned down|declined",
    "expired": r"expired|ran out|nobody decided",
    "cleared": r"cleared|by itself|went away",
    "withdrawn": r"withdrawn|taken back",
}
REFUSALS = re.compile(
    r"\b(?:cannot|can['’]?t|can not|could not|couldn['’]?t|do not|don['’]?t|does not|doesn['’]?t"
    r"|may not|must not|not able|not allowed|unable|never|no such|none that you may|outside"
    r"|not something|not recorded|is not mine|only (?:a|the|people|know|about|answer|help)"
    r"|words (?:alone )?(?:do not|don['’]?t|never))\b",
    re.IGNORECASE,
)
ALTERNATIVES = re.compile(
    r"\b(?:you can|you may|ask (?:me|for|about|who|what|a)|try|press|open it|instead|what I can"
    r"|I can (?:tell|show|answer|say|help|list|count|do)|talk to|look at|its card|for example"
    r"|below|button|form|I know about|questions about)\b|“",
    re.IGNORECASE,
)
NOT_UNDERSTOOD = re.compile(
    r"(?:did|do|could) ?(?:not|n['’]t) (?:quite |fully )?understand|not understood"
    r"|not sure what|didn['’]t (?:get|catch)|no idea what|I understand questions about",
    re.IGNORECASE,
)
LEFT_ASIDE = re.compile(
    r"left aside|leave aside|did not understand|don['’]t understand|not understood|do not know"
    r"|don['’]t know|not found|found nothing|no (?:case|record|customer|one|such)|ignored"
    r"|nothing (?:about|called|named|for|in)",
    re.IGNORECASE,
)
SMALL_WORDS = frozenset(
    words_of(
        "the and for are was were has have had not but its this that with from into than then they"
        " them their there you your our can may will one all any who what when how out get"
    )
)


def states_of(state: str) -> re.Pattern[str]:
    """Return the words for a state."""
    return re.compile(STATES[state], re.IGNORECASE)


def is_covered(text: str, recorded: str) -> bool:
    """Tell whether a text gives what is recorded, word for word or nearly so."""
    wanted = content_words(recorded)
    if not wanted:
        return True
    found = set(words_of(text))
    return len(wanted & found) / len(wanted) >= MIN_COVERAGE


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that carry it."""
    words = words_of(text)
    return frozenset(
        word
        for word in words
        if word not in SMALL_WORDS and (len(word) >= MIN_WORD or word.isdigit())
    )


def names_person(text: str, account: str) -> bool:
    """Tell whether a text names a person, as Slack shows them or by first name."""
    name = NAMES.get(account, "")
    if not name:
        return False
    user = account.partition("/")[2]
    first = name.partition(" ")[0]
    pattern = rf"\b(?:{re.escape(name)}|{re.escape(first)})\b|<@{user}>"
    return bool(re.search(pattern, text))


def names_group(text: str, handle: str) -> bool:
    """Tell whether a text names a group by its handle or in words."""
    spoken = re.escape(handle).replace(r"\-", r"[\s-]")
    return bool(re.search(rf"(?<![\w-])@?{spoken}(?![\w-])", text, re.IGNORECASE))


def names_account(text: str, account: str) -> bool:
    """Tell whether a text names a person or group."""
    return names_group(text, account) if account in GROUPS else names_person(text, account)


def other_people(text: str, allowed: Iterable[str]) -> list[str]:
    """List the colleagues whom a text names in full beside these."""
    accounts = frozenset(allowed)
    return [name for account, name in NAMES.items() if account not in accounts and name in text]


def is_about(text: str, record: Record) -> bool:
    """Tell whether a text names a case by its id or title."""
    flat = squeeze(text)
    return bool(re.search(rf"\b{record.id}\b", text)) or squeeze(record.title) in flat
