"""What an answer must do. Each check returns what is wrong; empty when it holds."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from tests.bench.questions import facts, figures, texts
from tests.bench.questions.asked import Asked
from tests.bench.questions.oracle import GROUPS, GUESTS, NAMES
from tests.bench.questions.people import wanted_people
from tests.bench.questions.records import Record, words_of
from tests.bench.questions.shown import Control, squeeze
from tests.bench.questions.times import wanted_moments

#: An answer shows at most so many rows, and says how many there are.
MAX_ROWS = 10
MIN_PARTIAL_ROWS = 3
POUND = Decimal(1)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

Check = Callable[[Asked], str]


# --- cases -------------------------------------------------------------------------------------


def shown_cases(asked: Asked) -> list[str]:
    """List the cases that are shown as the answer."""
    return asked.shown.rows or asked.shown.said_ids


def check_cases(asked: Asked) -> str:
    """Compare the cases that are shown with those that are meant."""
    if asked.about == "precedents":
        return _check_precedents(asked)
    if not asked.selection.certain:
        return _check_none(asked)
    match asked.mode:
        case "exactly":
            return _check_exactly(asked)
        case "at_least":
            return _check_at_least(asked)
        case "top":
            return _check_top(asked)
        case _:
            return _check_some(asked)


def _check_none(asked: Asked) -> str:
    extra = [one for one in asked.shown.rows if one not in asked.selection.allowed]
    if extra:
        return f"expected none, got {_ids(extra)}"
    if shown_cases(asked) and set(shown_cases(asked)) <= asked.selection.allowed:
        return ""
    if not figures.says_none(asked.shown.said):
        return f"does not say that there is none: {asked.shown.first[:80]!r}"
    text = asked.meaning["where"].get("text", "")
    if not set(words_of(text)) <= set(words_of(asked.shown.text)):
        return f"does not say what was looked for: {text}"
    return ""


def _check_exactly(asked: Asked) -> str:
    cases = shown_cases(asked)
    certain = asked.selection.ids
    extra = [one for one in cases if one not in asked.selection.allowed]
    if extra:
        return f"{len(certain)} cases; shows {_ids(extra)} beside them"
    missing = [one for one in certain if one not in cases]
    if missing and not _is_cut_with_total(asked, cases):
        return f"of {len(certain)} cases misses {_ids(missing)}"
    return _check_order(asked, cases) if asked.order and asked.shown.rows else ""


def _is_cut_with_total(asked: Asked, cases: list[str]) -> bool:
    """Tell whether the first rows are shown, with how many there are."""
    certain, allowed = len(asked.selection.certain), len(asked.selection.allowed)
    if certain <= MAX_ROWS or len(cases) < MIN_PARTIAL_ROWS:
        return False
    numbers = figures.counts_in(asked.shown.text)
    # "Show all, 12 more" says it too.
    numbers += [number + len(cases) for number in numbers]
    return any(certain <= number <= allowed for number in numbers)


def _check_order(asked: Asked, cases: list[str]) -> str:
    by_id = asked.oracle.data.by_id()
    values = [asked.oracle.order_value(by_id[one], asked.order) for one in cases]
    is_falling = asked.order in {"largest", "newest"}
    if values != sorted(values, reverse=is_falling):
        return f"not sorted by {asked.order}"
    expected = asked.oracle.ordered(asked.selection.certain, asked.order)[: len(cases)]
    wanted = [asked.oracle.order_value(one, asked.order) for one in expected]
    if asked.selection.possible or len(wanted) < len(values) or wanted == values:
        return ""
    return f"not the first by {asked.order}"


def _check_at_least(asked: Asked) -> str:
    cases = shown_cases(asked)
    missing = [one for one in asked.selection.ids if one not in cases]
    extra = [one for one in cases if one not in asked.selection.allowed]
    if extra and not re.search(r"\b(?:also|too|beside|as well|team)\b", asked.shown.text):
        return f"shows {_ids(extra)} without a reason"
    if missing and not _is_cut_with_total(asked, cases):
        return f"misses {_ids(missing)}"
    return ""


def _check_top(asked: Asked) -> str:
    cases = shown_cases(asked)
    ordered = asked.oracle.ordered(asked.selection.certain, asked.order)
    nth = asked.meaning.get("nth", 0)
    chosen = ordered[nth - 1 : nth] if nth else ordered[: asked.meaning.get("limit", 1)]
    value = asked.oracle.order_value
    wanted = sorted(value(one, asked.order) for one in chosen)
    by_id = asked.oracle.data.by_id()
    extra = [one for one in cases if one not in asked.selection.allowed]
    if extra:
        return f"shows {_ids(extra)}, which are not asked for"
    got = sorted(value(by_id[one], asked.order) for one in cases)
    if got != wanted:
        return f"expected {_ids([one.id for one in chosen])} by {asked.order}, got {_ids(cases)}"
    return ""


def _check_some(asked: Asked) -> str:
    cases = shown_cases(asked)
    extra = [one for one in cases if one not in asked.selection.allowed]
    if extra:
        return f"shows {_ids(extra)}, which are not asked for"
    return "" if cases else f"shows none of {_ids(asked.selection.ids)}"


def _check_precedents(asked: Asked) -> str:
    record = asked.record
    assert record
    by_id = asked.oracle.data.by_id()
    cases = [one for one in shown_cases(asked) if one != record.id]
    wrong = []
    for one in cases:
        other = by_id.get(one)
        if other is None or other.kind != record.kind or other.is_open:
            wrong.append(one)
    if wrong:
        return f"{_ids(wrong)} are no decided cases of this kind"
    return "" if cases else "shows no decided case of this kind"


def _ids(cases: list[str]) -> str:
    more = f" and {len(cases) - 5} more" if len(cases) > 5 else ""
    return ", ".join(cases[:5]) + more


# --- numbers -----------------------------------------------------------------------------------


def check_number(asked: Asked) -> str:
    """Compare the number that is stated with that of the query."""
    if asked.ask == "group":
        return _check_group(asked)
    if asked.ask == "how_long" and asked.record:
        return _check_own_span(asked, asked.record)
    measure = asked.meaning.get("measure", "count")
    if measure == "count":
        return _check_count(asked)
    if measure == "stake_sum":
        return _check_sum(asked)
    if measure.startswith("median"):
        return _check_median(asked, measure)
    return _check_share(asked, measure)


def _check_count(asked: Asked) -> str:
    certain, allowed = len(asked.selection.certain), len(asked.selection.allowed)
    said = asked.shown.said
    if certain == 0 and figures.says_none(said):
        return ""
    # The sentence that answers must have the number; without any, a fact may.
    numbers = figures.counts_in(asked.shown.first) or figures.counts_in(said)
    if any(certain <= number <= allowed for number in numbers):
        return ""
    return f"expected {certain}, got {numbers[:4] or asked.shown.first[:60]!r}"


def _check_sum(asked: Asked) -> str:
    total = asked.oracle.total(asked.selection.certain)
    if total == 0 and figures.says_none(asked.shown.said):
        return ""
    upper = total + asked.oracle.total(asked.selection.possible)
    amounts = figures.money_in(asked.shown.first) or figures.money_in(asked.shown.said)
    if any(total - POUND < amount < upper + POUND for amount in amounts):
        return ""
    return f"expected £{total:,.2f}, got {[str(one) for one in amounts[:4]]}"


def _check_median(asked: Asked, measure: str) -> str:
    medians = asked.oracle.medians(asked.selection.certain, measure)
    if medians is None:
        return "" if figures.says_none(asked.shown.said) else "there are none to measure"
    median, mean = medians
    if figures.has_span(asked.shown.said, median):
        return ""
    is_mean = re.search(r"\b(?:on average|mean|average)\b", asked.shown.said, re.IGNORECASE)
    if is_mean and figures.has_span(asked.shown.said, mean):
        return ""
    return f"expected a median of {median / 60:.0f} minutes, got {asked.shown.first[:80]!r}"


def _check_own_span(asked: Asked, record: Record) -> str:
    end = record.ended or asked.oracle.now
    if asked.about == "decision":
        end = record.first_decided or asked.oracle.now
    seconds = (end - record.opened).total_seconds()
    if figures.has_span(asked.shown.said, seconds):
        return ""
    return f"expected {seconds / 3600:.1f} hours, got {asked.shown.first[:80]!r}"


def _check_share(asked: Asked, measure: str) -> str:
    part, whole = asked.oracle.share(asked.selection.certain, measure)
    if whole == 0:
        return "" if figures.says_none(asked.shown.said) else "nothing was decided"
    if figures.has_share(asked.shown.said, part, whole):
        return ""
    return (
        f"expected {part} of {whole} ({100 * part / whole:.0f} %), got {asked.shown.first[:80]!r}"
    )


def _check_group(asked: Asked) -> str:
    group_by = asked.meaning["group_by"]
    measure = asked.meaning["measure"]
    tables = asked.oracle.groups(asked.selection.certain, group_by)
    complaints = [_compare_table(asked, group_by, measure, table) for table in tables]
    return "" if "" in complaints else complaints[0]


def _compare_table(
    asked: Asked, group_by: str, measure: str, table: Mapping[str, tuple[int, Decimal]]
) -> str:
    if not table:
        return "" if figures.says_none(asked.shown.said) else "expected no rows"
    rows = list(asked.shown.table)
    for key, (count, total) in table.items():
        row = next((one for one in rows if label_fits(asked, group_by, key, one[0])), None)
        if row is None:
            return f"no row for {key} ({count}) in {[label for label, _ in rows][:6]}"
        rows.remove(row)
        if not _value_fits(row[1], measure, count, total):
            return f"{key}: expected {count if measure == 'count' else total}, got {row[1]!r}"
    extra = [row for row in rows if _is_above_zero(row[1]) and not _is_sum(row[0])]
    return f"rows too many: {extra[:3]}" if extra else ""


def _value_fits(value: str, measure: str, count: int, total: Decimal) -> bool:
    if measure == "count":
        return count in figures.counts_in(value)
    amounts = figures.money_in(value)
    return any(abs(amount - total) < POUND for amount in amounts) or (not total and not amounts)


def _is_above_zero(value: str) -> bool:
    return any(figures.counts_in(value)) or any(figures.money_in(value))


def _is_sum(label: str) -> bool:
    return squeeze(label) in {"total", "together", "inall", "all", "sum"}


def label_fits(asked: Asked, group_by: str, key: str, label: str) -> bool:
    """Tell whether a label in words stands for a stored name."""
    flat = squeeze(label)
    match group_by:
        case "kind":
            title = asked.wordings.kinds.get(key, key)
            return flat in {squeeze(title), squeeze(key)} or _begins_alike(flat, squeeze(title))
        case "owner" | "team":
            return flat in {squeeze(key), squeeze(NAMES.get(key, key))}
        case "decider":
            if key == "policy":
                return bool(re.search(r"policy|by itself|alone|automatic|countersign", label, re.I))
            return flat == squeeze(NAMES.get(key, key))
        case "state":
            return bool(texts.states_of(key).search(label))
        case "day":
            return _is_day(label, date.fromisoformat(key))
        case _:
            return _is_month(label, key)


def _begins_alike(one: str, other: str) -> bool:
    """Tell whether one is the other, cut off."""
    return min(len(one), len(other)) >= 12 and (one.startswith(other) or other.startswith(one))


def _is_day(label: str, day: date) -> bool:
    folded = label.casefold()
    if f"{day:%Y-%m-%d}" in folded:
        return True
    has_number = re.search(rf"\b{day.day}\b", folded)
    return bool(has_number) and (
        MONTHS[day.month - 1] in folded or f"{day:%a}".casefold() in folded
    )


def _is_month(label: str, key: str) -> bool:
    month = MONTHS[int(key[5:]) - 1]
    folded = label.casefold()
    year = re.search(r"\b20\d\d\b", folded)
    return key in folded or (month in folded and (year is None or year[0] == key[:4]))


# --- people, times, reasons, states --------------------------------------------------------------


def check_names(asked: Asked) -> str:
    """Compare the people who are named with those who are meant."""
    wanted = wanted_people(asked)
    said = f"{asked.shown.said}\n{_table_text(asked)}"
    if not wanted.required:
        return "" if re.search(_NOBODY, said) else f"nobody is meant; got {said[:80]!r}"
    for choice in wanted.required:
        if not any(_is_named(asked, said, account) for account in choice):
            return f"does not name {' or '.join(sorted(map(_name, choice)))}"
    allowed = {account for choice in wanted.required for account in choice} | wanted.allowed
    extra = texts.other_people(said, allowed)
    return f"names {', '.join(extra)} too" if extra else ""


_NOBODY = re.compile(
    r"\b(?:nobody|no one|no person|none|nothing|not|never|no)\b|by itself|n['’]t\b", re.IGNORECASE
)


def _is_named(asked: Asked, said: str, account: str) -> bool:
    if account == asked.asker and re.search(r"\byou(?:rself)?\b", said, re.IGNORECASE):
        return True
    if account == "policy":
        return bool(re.search(r"policy|by itself|without a person|nobody", said, re.IGNORECASE))
    if account == "source":
        return True
    return texts.names_account(said, account)


def _name(account: str) -> str:
    return NAMES.get(account, account)


def _table_text(asked: Asked) -> str:
    return "\n".join(f"{label} {value}" for label, value in asked.shown.table)


def check_time(asked: Asked) -> str:
    """Compare the moment that is given with the recorded one."""
    moments = wanted_moments(asked)
    said = asked.shown.said
    if not moments:
        return "" if re.search(_NOBODY, said) else f"there is no such time: {said[:80]!r}"
    now, zone = asked.oracle.now, asked.oracle.zone
    for moment in moments:
        if figures.has_moment(said, moment, now, zone):
            return ""
    if asked.about in {"undo", "expiry"} and max(moments) < now:
        is_over = re.search(r"\b(?:over|too late|no longer|expired|not any more|past)\b", said)
        if is_over:
            return ""
    local = moments[0].astimezone()
    return f"expected {local:%a %d %b %H:%M} (UTC {moments[0]:%H:%M}), got {said[:100]!r}"


def check_reason(asked: Asked) -> str:
    """Look for the recorded reason in what is said."""
    reasons = facts.wanted_reasons(asked)
    if not reasons:
        return "" if re.search(_NOBODY, asked.shown.said) else "there is no recorded reason"
    text = asked.shown.text
    given = [
        any(all(texts.is_covered(text, part) for part in choice) for choice in choices)
        for choices in reasons
    ]
    needed = len(given) if len(given) <= 5 else 3
    if sum(given) >= needed:
        return ""
    first = reasons[given.index(False)][0]
    return f"gives {sum(given)} of {needed} reasons; not {' · '.join(first)[:120]!r}"


def check_state(asked: Asked) -> str:
    """Look for the state of the case in words."""
    subjects = asked.subjects
    if not subjects:
        return "there is no such case"
    text = asked.shown.text
    for record in subjects[:MAX_ROWS]:
        is_stated = texts.states_of(record.state).search(text)
        if is_stated and (texts.is_about(text, record) or asked.row["surface"] == "thread"):
            return ""
    return f"does not say that {subjects[0].id} is {subjects[0].state}: {asked.shown.first[:80]!r}"


def check_facts(asked: Asked) -> str:
    """Look for what is recorded or configured."""
    return facts.missing_facts(asked)


# --- controls and replies ------------------------------------------------------------------------

BUTTONS = {
    "approve": r"approv",
    "reject": r"reject|decline",
    "edit": r"edit|change",
    "snooze": r"snooz|postpone",
    "hand_over": r"hand|give|pass|hand_over",
    "claim": r"claim|on it|take it",
    "take_back": r"take.{0,6}back|undo",
    "remind": r"remind|ask again",
    "pause": r"pause",
    "resume": r"resume",
    "stand_in": r"stand.?in|delegat|decide for you|deputy",
    "raise": r"rais|report|log it|exception",
}
COMMANDS = {
    "pause": "/exceptions pause",
    "resume": "/exceptions resume",
    "stand_in": "/exceptions stand-in",
    "raise": "/exceptions raise",
}
#: They open the card, or are about the answer itself.
OTHER_CONTROLS = re.compile(r"(?:case\.open|case\.show_all|answer\.|question\.(?:reread|choose))")


def check_button(asked: Asked) -> str:
    """Look for the control that does what was asked for."""
    act = asked.row["answer"]["button"]
    if any(_is_control(asked, act, control) for control in asked.shown.controls):
        return ""
    if act in COMMANDS and COMMANDS[act] in asked.shown.text:
        return ""
    if act == "take_back" and asked.record and not _is_undo_open(asked, asked.record):
        if re.search(r"too late|over|no longer|cannot|can['’]t|not be", asked.shown.said):
            return ""
        return "does not say that it is too late"
    if _is_refused_rightly(asked, act):
        return ""
    return f"no control for {act}: {[one.text for one in asked.shown.controls][:6]}"


def _is_control(asked: Asked, act: str, control: Control) -> bool:
    if OTHER_CONTROLS.match(control.action_id):
        return False
    record = asked.record
    if record and "EX-" in control.value and not re.search(rf"\b{record.id}\b", control.value):
        return False
    pattern = BUTTONS[act]
    return bool(re.search(pattern, f"{control.text} {control.action_id}", re.IGNORECASE))


def _is_undo_open(asked: Asked, record: Record) -> bool:
    moments = wanted_moments(asked, about="undo")
    return record.state == "resolved" and bool(moments) and max(moments) > asked.oracle.now


REFUSABLE = frozenset({"approve", "reject", "edit", "snooze", "hand_over", "claim", "take_back"})


def _is_refused_rightly(asked: Asked, act: str) -> bool:
    """Tell whether somebody who may not is told so, and who may."""
    record = asked.record
    if record is None or act not in REFUSABLE:
        return False
    if asked.oracle.may_approve(record, asked.asker):
        return False
    deciders = {one for group, _ in record.factors for one in GROUPS.get(group, frozenset())}
    if act == "take_back" and asked.asker in deciders:
        return False
    said = asked.shown.text
    groups = {group for group, _ in record.factors} | {record.team, record.owner}
    names_some = any(texts.names_account(said, group) for group in groups if group)
    people = {one for group in groups for one in GROUPS.get(group, frozenset())} - GUESTS
    names_some = names_some or any(texts.names_person(said, one) for one in people)
    return bool(texts.REFUSALS.search(said) or "only" in said.casefold()) and names_some


def check_reply(asked: Asked) -> str:
    """Require a short reply that is none of the usual excuses."""
    said = asked.shown.said.strip()
    if not said:
        return "says nothing"
    if asked.ask == "help":
        is_helpful = "“" in asked.shown.text or "?" in asked.shown.text or asked.shown.controls
        return "" if is_helpful else "gives no example"
    if len(said) > texts.MAX_REPLY:
        return f"{len(said)} characters for small talk"
    return "it is taken for a question about cases" if asked.shown.rows else ""


def check_says_cannot(asked: Asked) -> str:
    """Require a plain no, and what can be done instead."""
    text = asked.shown.text
    controls = [one for one in asked.shown.controls if not OTHER_CONTROLS.match(one.action_id)]
    act = str(asked.meaning.get("act", ""))
    if act and any(_is_control(asked, act, control) for control in controls):
        return ""
    if not texts.REFUSALS.search(asked.shown.said):
        return f"does not say that it cannot: {asked.shown.first[:80]!r}"
    is_hidden = "visible" in str(asked.row.get("pick", {}))
    if is_hidden or controls or texts.ALTERNATIVES.search(text):
        return ""
    return "does not say what to do instead"


def check_admits(asked: Asked) -> str:
    """Require the words that mean nothing to be named as such."""
    lines = [line for line in asked.shown.text.splitlines() if texts.LEFT_ASIDE.search(line)]
    named = set(words_of(" ".join([*asked.shown.left_aside, *lines])))
    for phrase in asked.row["answer"]["admits"]:
        wanted = set(words_of(phrase))
        if len(wanted & named) < max(1, round(len(wanted) * 0.6)):
            return f"does not say that it left aside {phrase!r}"
    return ""


CHECKS: dict[str, Check] = {
    "cases": check_cases,
    "number": check_number,
    "names": check_names,
    "time": check_time,
    "reason": check_reason,
    "state": check_state,
    "facts": check_facts,
    "button": check_button,
    "reply": check_reply,
    "says_cannot": check_says_cannot,
    "admits": check_admits,
}
