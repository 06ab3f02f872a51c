"""Corrections of the ask, by what was found in the words."""

import re

from bot.views.query import About, Act, Ask, Order, Query
from knowledge.language import left_aside
from knowledge.language.parts import THIS_CASE, Parts
from knowledge.language.queries import HABIT
from knowledge.language.question_text import phrase
from knowledge.language.question_words import word_set

#: Nothing but cases has these.
CLEAR_FIELDS = frozenset(
    {
        "approver",
        "is_overdue",
        "is_unrecognised",
        "min_stake",
        "max_stake",
        "min_age",
        "max_age",
        "expires_within",
        "due",
        "due_within",
        "is_part_approved",
        "min_approvals",
        "is_snoozed",
    }
)
DECIDER_FIELDS = frozenset({"approver", "min_approvals", "is_part_approved", "is_overdue"})
PEOPLE_FIELDS = frozenset({"waits_on", "owner", "decided_by", "raised_by"})
QUESTION_WORDS = word_set("what which who any anything how is are when why does has have did")
#: The words without which nobody asks for these.
WORDS_OF_ASKS = {
    "who": phrase(
        r"who|whom|whose|anybody|anyone|somebody|person|people|human" r"|\{group\}|owner|deputy"
    ),
    "who_may_approve": phrase(
        r"who|whom|whose|anybody|anyone|somebody|someone|person|people|i|me|can|may|must"
        r"|\{group\}|\{person\}|approvers?"
    ),
    "why": phrase(r"why|how come|reason|what for|because|grounds"),
    "when": phrase(
        r"when|what time|deadline|how long|how soon|until when|by when" r"|what day|time|since"
    ),
    "status": phrase(
        r"status|state|happen(?:ed|ing|s)?|going on|what is up|story" r"|news|update|explain|about"
    ),
    "explain_decision": phrase(r"why|how come|rule|policy|reason|explain"),
}
#: Of one case only; of several these are a list.
LIST_FACTS = frozenset(
    {
        "status.changes",
        "status.outcome",
        "status.execution",
        "status.decision",
        "status.drift",
        "status.plan",
        "status.recommendation",
    }
)
RATE_WORDS = phrase(
    r"how|often|share|percent(?:age)?|proportion|fraction|rate|ratio|frequently|usually|normally"
    r"|right|accurate|accuracy|record"
)
WITHOUT_OWNER = phrase(r"(?:without|no|lack(?:s|ing)?|missing) (?:an |any )?owners?|unowned")
#: Why there are many is not recorded; how many there are is.
HOW_MANY_LATELY = phrase(
    r"(?:why|how come) (?:[^ ]+ ){0,5}(?:so many|so few|more|fewer|all these|all the|such a lot"
    r"|loads of|lots of|many)"
)
ACT_VERBS = phrase(
    r"approve|reject|decline|refuse|veto|snooze|postpone|hand|give|pass|assign|forward|transfer"
    r"|escalate|remind|nudge|ping|poke|chase|prod|pause|stop|halt|freeze|resume|restart|start|undo"
    r"|reverse|revert|cancel|take|claim|cover|raise|log|report|record|file|order|change|make|edit"
    r"|adjust|amend|increase|reduce|sign|say|ok|go|do|put|turn|switch|let|hold|release|tell|ask"
    r"|send|move|delegate|wake|park|book|pay|add|set|mark|push|call|get|drop|kill|bin|press|confirm"
    r"|authori[sz]e|accept|green ?light|stand|yes|yep|nope|fine"
    r"|no(?! (?:more|less|bigger|higher))|deal|done|sleep|mute|later"
    r"|bring|fill|deputise|shall|should|will|please|close|open"
)
MONEY_WORDS = phrase(r"money|£|pounds|quid|stakes?|values?|worth|exposure|amounts?")
_DECIDE = (
    r"(?:approve|reject|cancel|decline|refuse|accept|sign|decide|let|say (?:yes|no)|turn|handle|do"
    r"|order|pay|edit|change|keep|renew|agree|go|stop|drop|book|hold|said (?:yes|no)|approved"
    r"|rejected|cancelled|canceled|declined|refused|accepted|signed|decided|turned|done|get|got)"
)
_SUCH = (
    r"(?:these|those|this|such(?: an? [^ ]+| [^ ]+)?|(?:ones|cases|things|something) like (?:this"
    r"|that|these)|this (?:kind|sort|type)(?: of (?:thing|case))?|them|it)"
)
#: Others like the case of a thread: "do we mostly cancel these".
DO_WE_MOSTLY = phrase(
    r"(?:do|did|have|are|were|does|has) (?:we|they|people|you|managers|the team|colleagues)"
    r" (?:(?:mostly|usually|normally|often|always|ever|generally|typically|mainly|tend to|rather"
    r"|commonly|tended to|more often) )+"
    rf"{_DECIDE}(?: [^ ]+){{0,3}} {_SUCH}",
    rf"(?:do|did|are|were) {_SUCH} (?:mostly|usually|normally|always|generally|typically|mainly"
    rf"|tend to|commonly|mostly get|usually get)(?: be| get)? {_DECIDE}(?: [^ ]+)?",
    rf"how (?:do|did|have) (?:we|they|people) (?:[^ ]+ )?(?:decide|decided|handle|handled|end) "
    rf"{_SUCH}(?: (?:so far|until now|before|in the past|mostly|usually))+",
)
MAY_DECIDE = phrase(
    r"(?:can|could|may|must|should|do|have|need) (?:i|we|you|one) (?:still |now |yet |even )*"
    r"(?:have to |need to |got to )?(?:decide|answer|vote|react|respond)",
    r"(?:i|we|you|one) (?:can|could|may|must|should|have to|need to|got to) (?:still |now )*"
    r"(?:decide|answer|vote|react|respond)",
)
CAN_YOU = phrase(r"(?:[^ ]+ )?(?:can|could|would|will|do|are) you")
#: "Do we have a case for …" asks, and wants nothing done.
HAVE_WE = phrase(
    r"^(?:so |and |ok |well |hi |hey )*(?:do|did|have|has|is|are|was|were|got|any) (?:we|you|i"
    r"|there|they|anything|something|any)"
)
#: Who only tells of trouble wants somebody to know it.
TROUBLE = phrase(
    r"leak(?:s|ing|ed|y)?|drip(?:s|ping)?|flood(?:s|ed|ing)?|soak(?:ed|ing)|broke|broken|breaks"
    r"|smash(?:ed)?|crack(?:ed|s)?|smell(?:s|ing|y)?|stink(?:s|ing)?|noise|noisy|smoke|smoking"
    r"|burnt"
    r"|burning|sparks?|dead|died|dies|jammed|stuck|blocked|clogged|locked|rattl(?:es|ing)|collapsed"
    r"|fell|fallen|falling|loose|slipped|slippery|tripped|injured|hurt|rats?|mice|mouse|cockroach"
    r"|mould|mouldy|rotten|freezing|overheating|crash(?:ed|es)|stolen|vandali[sz]ed|filthy|dirty"
    r"|torn|ripped|shattered|faulty|kaput|bust|busted|(?:not|never) (?:work(?:ing)?|open(?:ing)?"
    r"|close|closing|shut|start(?:ing)?|turn on|switch on|heat(?:ing)?|cool(?:ing)?)"
    r"|out of (?:order|service)|(?:come|came|fell|fallen) off|gave up|given up|(?:will|does|do|can)"
    r" not (?:[^ ]+ )?(?:shut|close|open|start|work|turn on|switch on|lock|flush|drain)"
)
FINITE_VERB = phrase(
    r"is|are|was|were|has|have|had|will|can|does|do|did|makes?|leaks|drips|smells|stinks|died"
    r"|left|broke|fell|came|keeps?|gave|went|goes|looks|needs|won't|crashed|slipped"
)
#: Whoever says one of these wants an answer, whatever trouble comes before it.
CLEAR_REQUEST = phrase(
    r"(?:show|give|tell|send|bring|get|pull|fetch|find|read) (?:me|us)(?! a (?:hand|break))"
    r"|list(?: me| us)? (?:all|the|my|our|every|everything|any|what|whatever)"
    r"|which (?!is|was|has|keeps?|makes?|leaks?|drips?)[^ ]+"
    r"|what (?:is|are|do|does|did|has|have|can|should|must|may|needs?|waits?|else|still)"
    r"(?! (?:wrong|going on|happening|happened|causing|the (?:matter|cause|problem))(?![^ ]))"
    r"|how (?:many|much)|is there|are there|do (?:i|we) have|have (?:i|we) (?:got|any)"
    r"|any (?:open|cases?|exceptions?|of)|(?:pull|bring|read) (?:up|out) (?:the|my|all|what)"
)
#: Without any of these nobody asks for anything.
ASKING = phrase(
    r"which|what|who|whom|whose|why|when|how|where|show|list|give|find|count|any|anything|cases?"
    r"|ones|exceptions?|open|overdue|pending|tell|see|get|all|every|everything|approve|reject"
    r"|is there|are there|do (?:we|i|you)|have (?:we|i|you)|can (?:we|i|you)|status|total"
)
MIN_REPORT_WORDS = 8
#: A verdict in the thread of a case.
VERDICT = re.compile(
    r"^(?P<verdict>declined|rejected|refused|denied|vetoed|approved|accepted)"
    r"(?! (?:ones|cases|by|in|since|on|over|under|this|last|\{period\}|or|and)(?![^ ]))"
)
COUNT_WORDS = phrase(
    r"how|many|howmany|numbers?|count|no|tally|totals?|volume|amount|figures?|quantity|headcount"
    r"|busy|why|#|sum"
)
SUM_WORDS = phrase(
    r"how much|total|totals|sum|together|altogether|in all|all in|add(?:ed|s)? up|combined|value of"
)
#: The question before, once more.
SAME_AGAIN = phrase(
    r"(?:and |ok |now |so |then )*(?:(?:the )?same(?! day| time)|again for|once more for|likewise"
    r"|(?:and |but )for|repeat (?:that|it|this))"
)
#: A command for a machine.
CODE = phrase(
    r"select (?:\*|[^ ]+) from|drop (?:table|database)|insert into|delete from [^ ]+"
    r"|truncate table|union select|update [^ ]+ set|alter table"
)
WHO_THEN = re.compile(
    r"^(?:(?:and|so|ok|but|well) )*(?:who then|then who|who else|who instead|who can|who may|who)$"
)
WORTH = phrase(r"how many|number of|count")


def correct_label(label: str, parts: Parts) -> str:
    """Correct a label by what was found in the words."""
    clear_label = _clear_label(parts)
    if clear_label:
        return clear_label
    ask = label.partition(".")[0]
    if parts.grouping is not None and ask in ("list", "count", "sum", "who", "group"):
        is_sum = ask == "sum" or (parts.rule is not None and parts.rule[0] == "sum")
        is_sum = is_sum or parts.text.search(MONEY_WORDS) is not None
        return "group.stake_sum" if is_sum else "group"
    if ask == "group":
        return parts.rule[0] if parts.rule is not None else "list"
    if _asks_for_precedents(parts):
        return "status.precedents"
    if ask == "act" and parts.rule is None:
        label = _correct_act(label, parts)
        ask = label.partition(".")[0]
    if label == "why.decision" and parts.text.search(HOW_MANY_LATELY) is not None:
        return "count"
    if _asks_how_late(label, parts):
        return "when.due"
    if _is_habit(ask, label, parts) or _lacks_words(ask, label, parts):
        return "list"
    if _is_list(ask, label, parts):
        is_count = ask == "who_may_approve" and parts.rule is not None and parts.rule[0] == "count"
        return "count" if is_count else "list"
    return _correct_number(ask, label, parts)


def _clear_label(parts: Parts) -> str:
    """Return the label of a question that can be nothing else.

    Empty where there is a doubt.
    """
    if parts.whole.search(CODE) is not None:
        return "out_of_scope"
    previous = parts.context.previous
    if previous is not None and parts.text.search(WHO_THEN) is not None:
        return _who_then(previous.query)
    if parts.rule is not None:
        return ""
    if parts.is_bare_period and not parts.leans:
        return "list"
    verdict = VERDICT.match(parts.text.text) if parts.context.case_id else None
    if verdict is not None:
        return "act.approve" if verdict["verdict"] in ("approved", "accepted") else "act.reject"
    return "act.raise" if is_report(parts) else ""


def _asks_how_late(label: str, parts: Parts) -> bool:
    """Tell whether a thread asks how long its case may be decided."""
    is_of_thread = bool(parts.context.case_id) and not (parts.case_ids or parts.names)
    if not is_of_thread or parts.kinds or parts.asks_cases or not label.startswith("list"):
        return False
    return parts.text.search(MAY_DECIDE) is not None


def _correct_act(label: str, parts: Parts) -> str:
    """Correct an act that only a classifier saw."""
    if parts.leans and SAME_AGAIN.match(parts.whole.text) is not None:
        return "list"
    if label == "act.remind" and parts.asks_cases and not parts.people:
        return "list"
    if parts.exclusion.condition is not None or parts.text.search(HAVE_WE) is not None:
        return "list"
    if label == "act.raise" and parts.text.search(CLEAR_REQUEST) is not None:
        return "list"
    if parts.text.search(ACT_VERBS) is not None or parts.case_ids:
        return label
    # "Approvals" alone is a noun.
    return "status" if parts.has_case and not parts.selects else "list"


def _correct_number(ask: str, label: str, parts: Parts) -> str:
    """Tell numbers, lists and one case apart."""
    is_count = parts.text.search(WORTH) is not None
    if ask == "count" and "." in label and parts.text.search(RATE_WORDS) is None:
        return "count" if is_count else "list"
    if label in LIST_FACTS and not parts.has_case and (parts.filters.fields or parts.asks_cases):
        return "list"
    if parts.case_ids and label in ("list", "count", "sum", "small_talk"):
        return "status"
    if ask == "sum" and is_count and parts.text.search(phrase("£|pounds")) is None:
        return "count"
    return label


def is_report(parts: Parts) -> bool:
    """Tell whether somebody only tells of trouble, and asks for nothing."""
    is_new = not (parts.context.case_id or parts.case_ids or parts.leans)
    if not is_new or len(parts.text.tokens) < MIN_REPORT_WORDS:
        return False
    tells_of_people = parts.people or PEOPLE_FIELDS & set(parts.filters.fields)
    if tells_of_people or parts.text.search(ASKING) is not None:
        return False
    has_verb = parts.text.search(FINITE_VERB) is not None
    return has_verb and parts.text.search(TROUBLE) is not None


def _is_habit(ask: str, label: str, parts: Parts) -> bool:
    """Tell whether it is asked how such cases ended before."""
    is_past = label == "status.precedents" or parts.text.search(HABIT) is not None
    is_of_some = ask == "status" and is_past and bool(parts.names or parts.kinds)
    return is_of_some and not parts.case_ids and not parts.context.case_id


def _lacks_words(ask: str, label: str, parts: Parts) -> bool:
    """Tell whether a classifier alone, and no word, speaks for a label."""
    match label:
        case "who.owner":
            return parts.text.search(WITHOUT_OWNER) is not None
        case "status":
            return not (parts.has_case or parts.selects)
        case "count":
            return parts.rule is None and parts.text.search(COUNT_WORDS) is None
        case "sum":
            return _is_of_extreme(parts)
        case _:
            return ask in ("out_of_scope", "capability", "help") and _is_bare_order(parts)


def _is_bare_order(parts: Parts) -> bool:
    """Tell whether only an order is said, as in "what's the biggest"."""
    has_order = parts.rule is None and parts.ordering.order is not None
    return has_order and not left_aside.phrases(parts.request, is_narrowed=False)


def _is_of_extreme(parts: Parts) -> bool:
    """Tell whether the largest or smallest case is asked for.

    A sum of money is not.
    """
    is_extreme = parts.ordering.order in (Order.LARGEST, Order.SMALLEST)
    return is_extreme and parts.text.search(SUM_WORDS) is None


def _asks_for_precedents(parts: Parts) -> bool:
    """Tell whether a thread asks what happened to others like its case."""
    is_rule = parts.rule is not None and parts.rule[0] == "status.precedents"
    is_of_thread = bool(parts.context.case_id) and not parts.names
    if is_of_thread and parts.text.search(DO_WE_MOSTLY) is not None:
        return True
    return is_rule and is_of_thread and parts.text.search(THIS_CASE) is not None


def _who_then(before: Query) -> str:
    """Return what "who then?" asks after another question."""
    is_of_approval = before.about in (About.APPROVER, About.VERDICT)
    if before.ask is Ask.WHO_MAY_APPROVE or is_of_approval or before.act is Act.APPROVE:
        return "who_may_approve.approver"
    return "who.decision" if before.about is About.DECISION else "who.owner"


def _is_list(ask: str, label: str, parts: Parts) -> bool:
    """Tell whether filters turn another question into a list."""
    fields = set(parts.filters.fields)
    rule = parts.rule[0] if parts.rule is not None else ""
    if parts.has_case or not fields:
        return False
    if ask == "capability" and DECIDER_FIELDS & fields:
        return True
    if ask == "out_of_scope" and parts.asks_cases:
        return True
    if rule == label:
        return False
    if ask in ("capability", "help"):
        wants_queue = not rule and "waits_on" in fields and CAN_YOU.match(parts.text.text) is None
        return bool(CLEAR_FIELDS & fields) or wants_queue
    if ask in ("out_of_scope", "small_talk"):
        return bool((CLEAR_FIELDS | PEOPLE_FIELDS) & fields)
    if ask == "act":
        return bool(QUESTION_WORDS & set(parts.text.words[:2])) or label == "act.remind"
    words = WORDS_OF_ASKS.get(ask)
    return words is not None and not parts.names and parts.text.search(words) is None
