"""The order, the number and the grouping that a question asks for."""

import re
from dataclasses import dataclass

from bot.views.query import Grouping, Order
from knowledge.language.money import NUMBER_WORDS
from knowledge.language.question_text import QuestionText, phrase
from knowledge.language.question_words import word_set

#: So many are "the big ones" and "a few".
FEW = 3
MAX_LIMIT = 100
_COMPARED = r"(?:ones |cases |bills |items |stuff |[a-z]{4,}s )?"
_ON_TOP = rf"{_COMPARED}(?:first|on top|(?:at|to) the (?:very )?(?:top|front|head)|up top|up front)"
_AT_BOTTOM = rf"{_COMPARED}(?:last|at the (?:very )?(?:bottom|end|back))"
_ORDER_WORDS: tuple[tuple[Order, str], ...] = (
    (
        Order.SOONEST_DUE,
        r"(?:soonest|earliest|nearest|next|first|closest)(?: one"
        r"| case)?(?: to be)? (?:due|deadlines?|to (?:expire|run out))"
        r"|(?:deadlines?|time limits?|due dates?|decisions?) (?:is |are |will |to "
        r"|that )*(?:comes?|coming"
        r"|falls?|falling|hits?|hitting|due|runs? out|running out|ends?|ending|strikes?|up)"
        r"(?: up| due)? (?:next|first|soonest|earliest)"
        r"|(?:decided|answered|approved|signed(?: off)?|dealt with|handled) (?:first|next|soonest)"
        r"|due (?:next|first|soonest|earliest)|(?:most |more "
        r"|really )?urgent|most pressing|pressing"
        r"|(?:look at|do|start with|tackle|deal with|see|handle|decide"
        r"|read|open|begin with|take|go) first"
        r"|start (?:with|on)|begin with|priorit(?:y|ise|ize|ies)"
        r"|top of (?:the|my) (?:list|queue|pile)"
        r"|(?:runs?|running) out (?:of time )?(?:first|next|soonest)"
        r"|(?:expires?|expiring) (?:first|next|soonest)"
        r"|(?:first|next|soonest)(?: (?:one|case|up))? to (?:run out|expire|lapse|time out"
        r"|be due|fall due|go)"
        r"(?: of time)?|(?:run|runs|running) out of time(?! (?:[^ ]+ )?\{period\})"
        r"|(?:nearest|closest|tightest|shortest)"
        r" (?:deadlines?|time|due dates?)"
        r"|most important|cannot wait|tightest|by (?:deadline|due date|urgency)"
        r"|closest to (?:the |its |their )?deadline"
        r"|least time(?: left)?|in order of urgency|burning",
    ),
    (
        Order.OLDEST,
        r"(?:the |most )?(?:oldest|eldest|most old|longest|most ancient|stalest)"
        r"(?: (?:waiting|open|outstanding|standing|running|sitting))?|waiting (?:the )?longest"
        r"|(?:been|sitting|open|here|around|there|hanging) (?:[^ ]+ ){0,2}(?:the )?longest"
        r"|first in(?= first out|$)|earliest|by age|age order|in order of age|old ones"
        r"|chronological(?:ly)?"
        rf"|older {_ON_TOP}|newer {_AT_BOTTOM}",
    ),
    (
        Order.NEWEST,
        r"(?<!at the )(?<!the very )(?:newest|latest|most recent|freshest|youngest"
        r"|most new)(?: first| on top| at the top)?"
        r"|last (?:one |thing |item )?(?:in|to come in|that came in|opened|case"
        r"|arrived)|came in last|recent ones|just in|by newest"
        rf"|(?:newer|more recent|fresher) {_ON_TOP}|older {_AT_BOTTOM}",
    ),
    (
        Order.LARGEST,
        r"(?:the )?(?:most |top )?(?:biggest|largest|highest|greatest"
        r"|most expensive|priciest|costliest|dearest"
        r"|most costly|most valuable|heaviest|most money|most big"
        r"|fattest|big|large|expensive|pricey|valuable)"
        r"(?: (?:ones|amounts?|stakes?|value|sums?|tickets?|first"
        r"|money))?|worth (?:the )?most|most (?:at stake|worth)"
        r"|by (?:value|amount|stake|size|money|worth)|(?:costs?|costing"
        r"|risks?) (?:us )?(?:the )?most"
        r"|hurts? (?:us )?(?:the )?most|size order|top by value"
        rf"|(?:bigger|larger|higher|dearer|pricier|costlier|more expensive) {_ON_TOP}"
        rf"|(?:smaller|cheaper|lower) {_AT_BOTTOM}",
    ),
    (
        Order.SMALLEST,
        r"(?:the )?(?:most |least )?(?:smallest|cheapest|lowest|tiniest"
        r"|least expensive|littlest|most cheap|most small"
        r"|most little|least valuable|cheap|small|tiny"
        r"|little)(?: (?:ones|amounts?|stakes?|value|sums?|first))"
        r"?|worth (?:the )?least|(?:costs?"
        r"|costing) (?:us )?(?:the )?least|least (?:at stake|money"
        r"|worth)"
        rf"|(?:smaller|cheaper|lower) {_ON_TOP}"
        rf"|(?:bigger|larger|higher|dearer|more expensive) {_AT_BOTTOM}",
    ),
)
#: Adjectives that only mean an order before "ones" and the like.
_WEAK = re.compile(
    r"^(?:the )?(?:big|large|small|tiny|little|cheap|expensive" r"|pricey|valuable|heaviest)$"
)
ORDERS = tuple((order, phrase(words)) for order, words in _ORDER_WORDS)
_ANY_ORDER = "|".join(words for _, words in _ORDER_WORDS)
_NUMBER = "|".join(word for word in NUMBER_WORDS if word not in ("a", "an", "couple"))
LIMIT = phrase(
    rf"(?:top|first|last|best|only|just|show(?: me)?|list|give me) (?P<count>\d{{1,3}}|{_NUMBER})"
    r"(?! (?:o'clock|am|pm|minutes?|hours?|days?|percent))",
    rf"the (?P<count_of>\d{{1,3}}|{_NUMBER}) (?:of (?:the )?)?(?:{_ANY_ORDER})",
    rf"(?P<before>\d{{1,3}}|{_NUMBER}) (?:most |of the )?(?:{_ANY_ORDER})",
    rf"(?:{_ANY_ORDER}) (?P<after>\d{{1,3}}|{_NUMBER})(?: (?!o'clock|am|pm|minutes?|hours?|days?"
    r"|weeks?|months?|percent)[a-z]+|$)",
    rf"(?:which|what|pick|name|find) (?P<which>\d{{1,3}}|{_NUMBER})(?: (?:cases?|ones|of them|items"
    rf"|exceptions|open ones))? (?=(?:[^ ]+ ){{0,5}}(?:{_ANY_ORDER}))[^ ]+",
    rf"the (?P<these>\d{{1,3}}|{_NUMBER}) (?=(?:[^ ]+ )?(?:that|which|with|waiting|sitting|open)"
    rf" (?:[^ ]+ ){{0,5}}(?:{_ANY_ORDER}))[^ ]+",
)
_NOUN_BEFORE = phrase(r"(?:which|what|list|show|all|my|every|the|of) (?P<noun>[a-z]+)")
#: A noun is looked for so many words after an order.
NEAR = 3
_ONE = phrase(r"(?:which|the|that|what|any|single|a|only) (?:single )?one|single|just one|only one")
_ORDINALS = {
    "second": 2,
    "2nd": 2,
    "third": 3,
    "3rd": 3,
    "fourth": 4,
    "4th": 4,
    "fifth": 5,
    "5th": 5,
    "sixth": 6,
    "6th": 6,
    "tenth": 10,
    "10th": 10,
}
NTH = phrase(
    rf"(?P<nth>{'|'.join(_ORDINALS)})[ -](?:{_ANY_ORDER}|in (?:line"
    rf"|the queue|the list)|one|from the top|on the list)"
)
ALL_SORTED = phrase(
    r"(?:newest|latest|oldest|biggest|largest|smallest|cheapest"
    r"|highest|most recent|most urgent|urgent|soonest due|lowest"
    r"|earliest|big ones|small ones"
    r"|most expensive|longest waiting|longest|closest deadlines?) (?:ones |cases |deadlines? )?"
    r"(?:first|on top|at the top|down|upwards|up|to [^ ]+)",
    r"(?:begin|beginning|start|starting|from|kick off|lead|leading) (?:with |from |at )?(?:the )?"
    r"(?:very )?(?:most )?(?:newest|latest|oldest|old|recent|urgent|biggest|largest|smallest"
    r"|cheapest|highest|lowest|longest|earliest|expensive|dearest)(?! (?:one|case)(?![^ ]))"
    r"(?: (?:ones|cases|first))?",
    r"(?:older|newer|more recent|fresher|bigger|larger|higher|dearer|pricier|costlier|cheaper"
    rf"|smaller|lower|more expensive) (?:{_ON_TOP}|{_AT_BOTTOM})",
    r"(?:ascending|descending)(?: order)?|in (?:date|time|size|age|deadline|due|value) order"
    r"|chronological(?:ly)?|in order of [^ ]+|sort(?:ed)? (?:it |them |these |those )?by [^ ]+",
    r"sort(?: it| them)?(?: by)?|sorted(?: it| them)? by"
    r"|sorted(?= (?:from|in|with|oldest|newest|biggest|largest|smallest|cheapest))|order(?:ed)? by"
    r"|in order(?: of)?|ranked|by (?:age|value|amount|stake|size"
    r"|deadline|due date|newest|worth)",
)
_PLURAL = re.compile(
    r"(?<![^ ])(?:ones|cases|exceptions|items|things|all|every"
    r"|everything|any|anything|are|those|these"
    r"|[a-z]{3,}(?<!s)s)(?![^ ])"
)
_NOT_PLURAL = word_set(
    """
    is was has this does its his always us yes less focus status business across towards whats
    needs waits costs expires runs hurts risks sits wants perhaps thanks plus hours days weeks
    months pounds longest owns
    """
)

_DIMENSIONS: tuple[tuple[Grouping, str], ...] = (
    (
        Grouping.KIND,
        r"kinds?|types?|category|categories|sorts?|playbooks?"
        r"|kinds? of [^ ]+|topics?|class(?:es)?",
    ),
    (Grouping.TEAM, r"teams?|groups?|departments?|dept|depts|units?|crews?"),
    (
        Grouping.OWNER,
        r"owners?|persons?|people|assignees?|head|colleagues?|staff" r"|members?|manager|managers",
    ),
    (Grouping.STATE, r"states?|status(?:es)?|stages?"),
    (Grouping.DAY, r"days?|dates?|daily|weekdays?"),
    (Grouping.MONTH, r"months?|monthly"),
    (
        Grouping.DECIDER,
        r"deciders?|approvers?|decision makers?|who (?:decided|approved"
        r"|rejected)(?: it| them)?",
    ),
)
_BY = (
    r"(?:by|per|for each|for every|each|every|across|broken down by"
    r"|break (?:it |that |them )?down by|split (?:up )?by"
    r"|split (?:it |that |them )?(?:up )?by|group(?:ed)? (?:it "
    r"|that |them )?by|sorted into|in each|of each|from each"
    r"|with each)"
)
GROUPINGS = tuple(
    (
        grouping,
        phrase(
            rf"{_BY} (?:the )?(?:{words})(?! own)",
            rf"(?:what|which) (?:{words}) (?:[^ ]+ ){{0,6}}(?:most|fewest"
            rf"|least|biggest|highest|busiest)",
        ),
    )
    for grouping, words in _DIMENSIONS
)
DAILY = phrase(
    r"(?:how many|how much|many|much|number)(?: [^ ]+){0,4} a day"
    r"|day by day|daily|each day|busiest day"
)
MONTHLY = phrase(
    r"(?:how many|how much|many|much|number)(?: [^ ]+){0,4} a month"
    r"|month by month|monthly|each month|busiest month"
)
WHO_MOST_DECIDES = phrase(
    r"who (?:[^ ]+ ){0,2}(?:decided|decides|approved|approves"
    r"|rejected|rejects|signed|said|turned|answered"
    r"|pressed)(?: [^ ]+){0,3} (?:most|least|fewest)"
    r"|who (?:[^ ]+ ){0,3}(?:made|makes|took"
    r"|takes) (?:[^ ]+ ){0,2}(?:most|least"
    r"|fewest) (?:[^ ]+ )?decisions|(?:most|least) active (?:decider"
    r"|approver)"
    r"|(?:decisions|approvals|rejections) (?:per|by"
    r"|for each) (?:person|head|people|manager|who)"
    r"|how many (?:[^ ]+ )?(?:did|has) (?:each|every"
    r"|everyone)(?: [^ ]+)? (?:decide|approve|reject)d?"
)
WHO_MOST_HAS = phrase(
    r"who (?:[^ ]+ ){0,2}(?:has|have|owns|holds|got|is carrying"
    r"|carries|is working on|works on)(?: [^ ]+){0,3} (?:most|least"
    r"|fewest)"
    r"|(?:busiest|most loaded) (?:person|people|colleague|manager)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """The order of a list, and how much of it is wanted."""

    order: Order | None = None
    limit: int | None = None
    nth: int = 0


#: By these nothing is counted here.
UNKNOWN_GROUPING = phrase(
    rf"(?<!ed )(?:{_BY}|group(?:ed)?(?: it| them)? by) (?:the )?(?P<words>weeks?|quarters?|years?"
    r"|hours?|suppliers?|customers?|clients?|vendors?|guests?|products?|wines?|venues?|sites?"
    r"|locations?|places?|channels?|sources?|systems?|risks?(?: tiers?| levels?)?|tiers?"
    r"|bands?|regions?|currency|currencies|brands?|floors?|rooms?)(?= |$)",
    r"(?P<often>weekly|hourly|yearly|quarterly|week by week|hour by hour|year by year)",
)
BREAK_DOWN = phrase(
    r"break(?: it| that| this| them)?(?: down)?|breakdown|split|divided?|grouped|tally"
)


def find_grouping(text: QuestionText) -> Grouping | None:
    """Find by what cases are to be counted, and take its words."""
    grouping = _find_grouping(text)
    if grouping is not None:
        text.take(BREAK_DOWN)
    return grouping


def find_unknown_groupings(text: QuestionText) -> list[str]:
    """List the groupings that there are not, as the asker wrote them."""
    groupings = []
    for match in text.find_all(UNKNOWN_GROUPING):
        text.explain(match)
        groupings.append(" ".join(token.spelling for token in text.tokens_of(match)))
    return groupings


def _find_grouping(text: QuestionText) -> Grouping | None:
    for pattern, grouping in (
        (WHO_MOST_DECIDES, Grouping.DECIDER),
        (WHO_MOST_HAS, Grouping.OWNER),
        (DAILY, Grouping.DAY),
        (MONTHLY, Grouping.MONTH),
    ):
        if text.take(pattern):
            return grouping
    for grouping, pattern in GROUPINGS:
        if text.take(pattern):
            return grouping
    return None


def find_ordering(text: QuestionText) -> Ordering:
    """Find the order, and how many of the list are wanted."""
    is_sorted = text.search(ALL_SORTED) is not None
    limit = _limit(text)
    nth = _nth(text)
    order, words = _order(text)
    if is_sorted:
        text.take(ALL_SORTED)
    if order is None:
        return Ordering(limit=limit)
    if nth:
        return Ordering(order=order, limit=1, nth=nth)
    if limit is None and not is_sorted:
        limit = _limit_of_order(text, words)
    return Ordering(order=order, limit=limit)


def _order(text: QuestionText) -> tuple[Order | None, str]:
    for order, pattern in ORDERS:
        match = text.search(pattern)
        if match is None or _WEAK.match(match[0]):
            continue
        text.explain(match)
        return order, match[0]
    return None, ""


def _limit_of_order(text: QuestionText, words: str) -> int | None:
    """Tell "the oldest" (one) from "the big ones" (a few)."""
    if re.search(r"\b(?:ones|amounts|stakes|sums|first)$", words) and words.split()[0] != "look":
        return FEW if not words.endswith(" first") else 1
    before, _, after = text.text.partition(words)
    if _ONE.search(text.text):
        return 1
    nouns = " ".join(match["noun"] for match in _NOUN_BEFORE.finditer(before))
    near = " ".join([nouns, *after.split()[:NEAR]])
    for match in _PLURAL.finditer(near):
        if match[0] not in _NOT_PLURAL and not match[0].endswith("est"):
            return _plural_limit(match[0])
    return 1


def _plural_limit(word: str) -> int | None:
    """Return how many cases a plural beside an order asks for."""
    if word in ("all", "every", "everything"):
        return None
    return 1 if word in ("are", "any", "anything", "those", "these") else FEW


def _limit(text: QuestionText) -> int | None:
    match = text.search(LIMIT)
    if match is None:
        return None
    words = next(filter(None, match.groupdict().values()))
    count = int(words) if words.isdigit() else NUMBER_WORDS[words]
    if words == "one" or not 1 <= count <= MAX_LIMIT:
        return None
    text.explain(match)
    return count


def _nth(text: QuestionText) -> int:
    match = text.search(NTH)
    if match is None:
        return 0
    text.explain(match)
    return _ORDINALS[match["nth"]]
