"""The reasons and facts that questions ask for, as they are recorded or configured."""

import re
from collections.abc import Sequence

from bot.cases.entries import REJECT_REASONS, RejectReason
from tests.bench.questions import figures, texts
from tests.bench.questions.asked import Asked
from tests.bench.questions.oracle import NAMES
from tests.bench.questions.records import Record
from tests.bench.questions.shown import squeeze
from tests.bench.questions.times import record_moments

#: Texts that must all be given.
Parts = tuple[str, ...]
#: Of these, one is enough.
Choices = list[Parts]

MAX_SUBJECTS = 10
HALF = 0.5
#: Of the titles of kinds, so many may be missing.
MAX_MISSING_KINDS = 1
EXPIRED = ("expired, nobody decided in time",)


# --- reasons -----------------------------------------------------------------------------------


def wanted_reasons(asked: Asked) -> list[Choices]:
    """List for each case the reasons of which one must be given."""
    reasons = []
    for record in asked.subjects[:MAX_SUBJECTS]:
        choices = [parts for parts in _reasons_of(asked, record) if any(parts)]
        if choices:
            reasons.append(choices)
    return reasons


def _reasons_of(asked: Asked, record: Record) -> Choices:
    proposal = record.body["proposal"]
    recommendation = proposal["recommendation"] or {}
    verdict = proposal["verdict"] or {}
    activity = record.body["activity"]
    match asked.about:
        case "verdict" | "approver":
            return [(verdict.get("reason", ""),), (recommendation.get("blocked", ""),)]
        case "recommendation":
            return [(recommendation.get("reason", ""),), (recommendation.get("basis", ""),)]
        case "recognition":
            recognition = record.body["classification"]["recognition"] or {}
            return [(recognition.get("basis", ""),)]
        case "execution":
            return _execution_reasons(asked, record)
        case "drift":
            return [tuple(activity["drift_reasons"]), *_drifts(record)]
        case "escalation":
            return [("nobody decided in time",), ("the time to decide had passed",)]
        case "confidence":
            return [(str(recommendation.get("promise", "")),)]
        case _:
            return _decision_reasons(record)


def _decision_reasons(record: Record) -> Choices:
    """Return why a case was decided or ended as it was."""
    if record.state == "expired":
        return [EXPIRED, ("ran out undecided",)]
    for entry in reversed(record.entries):
        body = entry["body"]
        if entry["type"] == "plan.rejected":
            return [(REJECT_REASONS[RejectReason(body["reason"])], body["note"])]
        if entry["type"] == "case.resolved" and body["resolution"] == "handled by hand":
            return [(body["note"],)]
        if entry["type"] == "signal.cleared":
            return [("cleared by itself",)]
        if entry["type"] == "plan.undo_asked":
            return [(body["note"],)]
    notes = [approval["note"] for approval in record.body["proposal"]["approvals"]]
    return [(note,) for note in notes if note]


def _execution_reasons(asked: Asked, record: Record) -> Choices:
    pauses = asked.oracle.data.pauses if asked.oracle.is_paused(record) else []
    choices: Choices = [(pause["reason"],) for pause in pauses]
    reason = record.body["activity"]["status_reason"] or {}
    choices.append((reason.get("reason", ""), reason.get("note", "")))
    choices += [(step["detail"],) for step in record.body["execution"]["steps"]]
    return choices


def _drifts(record: Record) -> Choices:
    return [
        tuple(entry["body"]["reasons"])
        for entry in record.entries
        if entry["type"] == "plan.drifted"
    ]


# --- facts -------------------------------------------------------------------------------------


def missing_facts(asked: Asked) -> str:
    """Say what of the recorded or configured facts is not given."""
    if asked.ask in {"capability", "help"}:
        return _missing_product_facts(asked)
    if asked.record is None:
        return _missing_habits(asked)
    record = asked.record
    match asked.about:
        case "evidence":
            return _missing_evidence(asked, record)
        case "consequence" | "plan":
            return _missing_plan(asked, record)
        case "changes":
            return _missing_changes(asked, record)
        case "trail":
            return _missing_trail(asked, record)
        case "precedents":
            return _missing_habits(asked)
        case "outcome" | "execution":
            return _missing_outcome(asked, record)
        case "confidence":
            return _missing_confidence(asked, record)
        case _:
            return _missing_summary(asked, record)


def _given_share(text: str, values: Sequence[object]) -> float:
    flat = squeeze(text)
    given = [value for value in values if is_given(text, flat, value)]
    return len(given) / len(values) if values else 1.0


def is_given(text: str, flat: str, value: object) -> bool:
    """Tell whether a value is in a text, in whatever form numbers and days have there."""
    plain = str(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?", plain):
        day = plain[8:10].lstrip("0")
        return plain in text or bool(re.search(rf"\b{day} [A-Z][a-z]{{2}}", text))
    if re.fullmatch(r"-?\d+(?:\.\d+)?", plain):
        number = float(plain)
        written = {f"{number:,.2f}", f"{number:,.0f}", f"{number:g}", plain}
        return any(re.search(rf"(?<![\d.,]){re.escape(one)}(?![\d])", text) for one in written)
    return squeeze(plain) in flat


def _missing_evidence(asked: Asked, record: Record) -> str:
    evidence = record.body["assessment"]["evidence"]
    values = [one["value"] for one in evidence if one["label"] and one["value"] is not None]
    share = _given_share(asked.shown.text, values)
    return "" if share >= HALF else f"gives {share:.0%} of the evidence {values[:4]}"


def _missing_plan(asked: Asked, record: Record) -> str:
    plan = record.body["proposal"]["plan"]
    if plan is None:
        return "" if figures.says_none(asked.shown.said) else "there is no plan"
    missing = []
    for action in plan["actions"]:
        sentences = (action["summary"], action["preview"])
        if not any(texts.is_covered(asked.shown.text, one) for one in sentences):
            missing.append(action["summary"])
    return f"does not say {missing[0]!r}" if missing else ""


def _missing_changes(asked: Asked, record: Record) -> str:
    changes = [
        change
        for entry in record.entries
        if entry["type"] == "plan.edited"
        for change in entry["body"]["changes"]
    ]
    values = [value for change in changes for value in (change["before"], change["after"])]
    share = _given_share(asked.shown.said, values)
    return "" if share == 1.0 else f"does not give {values}"


def _missing_trail(asked: Asked, record: Record) -> str:
    """Require everybody who acted, and the beginning and the end."""
    text = asked.shown.text
    actors = {entry["actor"] for entry in record.entries if entry["actor"] in NAMES}
    unnamed = [NAMES[one] for one in actors if not texts.names_person(text, one)]
    if unnamed:
        return f"does not name {', '.join(sorted(unnamed))}"
    if not texts.states_of(record.state).search(text):
        return f"does not say how it ended: {record.state}"
    moments = [record.opened, *record_moments(asked.oracle, record, "ending")]
    for at in moments:
        if not figures.has_clock(text, at, asked.oracle.zone):
            return f"does not say when: {at:%H:%M} UTC"
    return ""


def _missing_habits(asked: Asked) -> str:
    """Require how such cases were decided, with a number or a share."""
    said = asked.shown.said
    has_decision = re.search(
        r"approv|reject|paid|held|hold|notice|by hand|cleared|kept|assigned|gave|decided",
        said,
        re.I,
    )
    has_number = figures.counts_in(said) or figures.shares_in(said)
    if has_decision and (has_number or asked.shown.rows):
        return ""
    return f"does not say how such cases were decided: {said[:80]!r}"


def _missing_outcome(asked: Asked, record: Record) -> str:
    if texts.states_of(record.state).search(asked.shown.text):
        return ""
    details = [step["detail"] for step in record.body["execution"]["steps"]]
    given = any(texts.is_covered(asked.shown.text, detail) for detail in details)
    return "" if given else "does not say what came of it"


def _missing_confidence(asked: Asked, record: Record) -> str:
    recommendation = record.body["proposal"]["recommendation"] or {}
    confidence = recommendation.get("confidence")
    if confidence is None:
        said = texts.REFUSALS.search(asked.shown.said) or figures.says_none(asked.shown.said)
        basis = texts.is_covered(asked.shown.text, recommendation.get("basis", "-"))
        return "" if said or basis else "there is no recorded confidence"
    percent = confidence if confidence > 1 else confidence * 100
    near = any(abs(one - percent) <= 1.0 for one in figures.shares_in(asked.shown.said))
    return "" if near else f"expected {percent:.0f} %"


def _missing_summary(asked: Asked, record: Record) -> str:
    what = record.body["assessment"]["what"] or record.title
    return "" if texts.is_covered(asked.shown.text, what) else f"does not say {what[:80]!r}"


# --- the product -------------------------------------------------------------------------------


def _missing_product_facts(asked: Asked) -> str:
    text = asked.shown.text
    match asked.about:
        case "kinds":
            return _missing_titles(text, list(asked.wordings.kinds.values()))
        case "autonomy":
            return _missing_autonomy(asked)
        case "limits":
            return _missing_limits(asked)
        case "actions":
            titles = list(asked.wordings.actions.values())
            given = [one for one in titles if squeeze(one) in squeeze(text)]
            is_enough = len(given) * 2 >= len(titles)
            return "" if is_enough else f"names {len(given)} of {len(titles)} actions"
        case "cannot":
            is_negative = texts.REFUSALS.search(text)
            is_long = len(texts.content_words(text)) >= 12
            return "" if is_negative and is_long else "does not list what it cannot do"
        case "purpose":
            is_about_cases = re.search(r"exception|case", text, re.IGNORECASE)
            is_about_decisions = re.search(r"decid|decision|approv", text, re.IGNORECASE)
            return "" if is_about_cases and is_about_decisions else "does not say what it is for"
        case _:
            is_long = len(texts.content_words(text)) >= 6
            return "" if is_long else "says next to nothing"


def _missing_titles(text: str, titles: Sequence[str]) -> str:
    flat = squeeze(text)
    missing = [title for title in titles if squeeze(title) not in flat]
    if len(missing) <= MAX_MISSING_KINDS:
        return ""
    return f"does not name {len(missing)} of {len(titles)} kinds: {missing[:2]}"


def _missing_autonomy(asked: Asked) -> str:
    text = asked.shown.text
    if not asked.wordings.alone:
        is_none = figures.says_none(text) or re.search(r"\bevery\b|\balways\b|\ball\b", text, re.I)
        return "" if is_none else "none runs alone, and it does not say so"
    titles = [asked.wordings.kinds[kind] for kind in sorted(asked.wordings.alone)]
    return _missing_titles(text, titles)


def _missing_limits(asked: Asked) -> str:
    text = asked.shown.text
    if not asked.wordings.alone and figures.says_none(asked.shown.said):
        return ""
    amounts = {int(amount) for amount in figures.money_in(text)}
    known = amounts & set(asked.wordings.limits)
    return "" if known else f"gives none of the configured limits: {sorted(amounts)[:4]}"
