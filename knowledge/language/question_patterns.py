"""Patterns of the words in which people ask a desk.

The first pattern that fits decides. The text is in lower case, with single spaces and plain
apostrophes.
"""

import re

from bot.views.questions import Intent, StatusFilter

INTENTS: tuple[tuple[Intent, str], ...] = (
    (Intent.HELP, r"^\W*(help|hi|hello|hey|what can you do|what can i ask)\W*$"),
    (
        Intent.WHY_ASKED,
        r"why (didn'?t|did not|don'?t|do not) you (just )?(do|run|handle|fix|approve|carry)"
        r"|why (are|did|do) you ask",
    ),
    (
        Intent.PAUSED,
        r"\b(is|what'?s|what is|anything|are we) .*\bpaused\b|\bpaused\?|kill switch",
    ),
    (
        Intent.HANDLED,
        r"\b(without (me|us|anyone|anybody|asking)|by (yourself|itself|themselves)"
        r"|on your own|automatically|auto-?(resolved|handled))\b",
    ),
    (
        Intent.MINE,
        r"\b(waits?|waiting|wait|wants?|needs?|pending|left|assigned|open|late|due)\b"
        r".{0,20}\b(on|for|from|to|with)? ?\bme\b"
        r"|\bmy (queue|cases|approvals|decisions|list|work|exceptions)\b"
        r"|\bwhat (should|must|do) i\b|^\W*mine\W*$|\bfor me\b",
    ),
    (Intent.COUNT, r"\bhow many\b|\bnumber of\b|\bcount\b"),
    (
        Intent.WHY,
        r"\bwhy\b|\bwho\b|\bwhat happened (to|with)\b|\bhow did\b.*\bend\b|\bhow was\b",
    ),
    (
        Intent.LIST,
        r"\b(what|which|list|show|any|anything|anybody|is there|are there|give|find|search"
        r"|look for|everything|all|open|late|overdue|news?)\b",
    ),
)
STATUSES: tuple[tuple[StatusFilter, str], ...] = (
    (
        StatusFilter.UNRECOGNISED,
        r"\b(unrecogni[sz]ed|not recogni[sz]ed|not recogni[sz]e|unknown kind)\b",
    ),
    (StatusFilter.LATE, r"\b(late|overdue|past due|behind|too long)\b"),
    (StatusFilter.REJECTED, r"\b(rejected|declined|refused|turned down)\b"),
    (StatusFilter.EXPIRED, r"\b(expired|timed out|lapsed)\b"),
    (StatusFilter.CLEARED, r"\b(cleared|went away)\b"),
    (StatusFilter.SNOOZED, r"\b(snoozed|asleep|sleeping)\b"),
    (StatusFilter.RESOLVED, r"\b(resolved|solved|fixed|worked)\b"),
    (StatusFilter.ENDED, r"\b(closed|ended|finished|done|handled)\b"),
    (
        StatusFilter.OPEN,
        r"\b(open|pending|outstanding|waiting|undecided|right now|going on|unresolved)\b",
    ),
)
CASE_NUMBER = re.compile(r"\bEX-?\s?(\d{1,9})\b", re.IGNORECASE)
DURATION_REQUEST = r"\bhow (long|fast|quick(ly)?)\b.*|\b(take|took|duration|median|average)\b.*"
WORD = re.compile(r"[\w&'-]+")
# Words that carry no meaning of their own in a question to a desk.
FILLER_WORDS = """
a about all an and any anybody anyone anything are as at be been by can case cases concerning
could count currently did do does done ever everything exception exceptions find for from get
give had happen happened has have how i in is issue issues it its just kind list long look many
may me my new news now number of on one ones or our out over please problem problems regarding
search show since so some state status still take tell than that the their them there these
they thing things this those to today tonight took until up us was we were what what's whats
when which who whom why with you your
"""
FILLERS = frozenset(FILLER_WORDS.split())
