"""The trail of a case: each ledger entry as a sentence."""

from bot.cases import entries
from bot.cases.entries import Entry
from bot.cases.signal import UNRECOGNISED
from bot.cases.source import BY_HAND
from bot.cases.version_record import VersionComparison
from bot.desk.answers.case_file import CaseFile, Statement
from bot.desk.case_texts import as_sentence, count_noun, phrase
from bot.views.labels import start_upper
from bot.views.plan_words import plan_items

#: Longer lines are cut when they are shown.
MAX_LINE = 280


def describe_trail(file: CaseFile) -> Statement:
    """Tell everything that happened, the oldest first, a line for each time."""
    lines: list[str] = []
    last_time = ""
    for entry in file.entries:
        at = file.time(entry.at)
        sentence = describe_entry(file, entry)
        is_same_line = at == last_time and len(lines[-1]) + len(sentence) < MAX_LINE
        if is_same_line:
            lines[-1] = f"{lines[-1]} {sentence}"
        else:
            lines.append(f"{at}: {sentence}")
        last_time = at
    count = count_noun(len(file.entries), "entry", "entries")
    text = f"{file.id} has {count} in its ledger, the oldest first:"
    return Statement(text=text, facts=tuple(lines))


def describe_entry(file: CaseFile, entry: Entry) -> str:
    """Say what happened, and by whom."""
    at = file.time(entry.at)
    text = (
        _describe_signal(file, entry.body)
        or _describe_triage(file, entry.body)
        or _describe_votes(file, entry)
        or _describe_handling(file, entry.body)
        or _describe_step(file, entry.body)
        # The time stands in front of the line.
        or file.decision_text(entry).replace(f" on {at}", "", 1)
    )
    return as_sentence(start_upper(file.words(text)))


def _describe_signal(file: CaseFile, body: entries.Body) -> str:
    match body:
        case entries.Opened(signal=signal):
            return f"It was opened: {signal.title}"
        case entries.Recurred(signal=signal):
            origin = file.labels.system(signal.source)
            if signal.source == BY_HAND and signal.requester:
                origin = file.names.person(signal.requester)
            return f"It was reported again by {origin}"
        case entries.MarkedClear():
            return "The source said that it was over, after the decision"
        case entries.Conflicted(source=source):
            return f"{source} sent another text under the same key"
        case _:
            return ""


def _describe_triage(file: CaseFile, body: entries.Body) -> str:
    match body:
        case entries.Recognised(recognition=recognition):
            title = file.labels.kind(recognition.kind) if recognition.kind else "no known kind"
            return f"It was recognised as {title}"
        case entries.Named(kind=kind, by_name=name) if kind != UNRECOGNISED:
            return f"{name} said that it is {file.labels.kind(kind)}"
        case entries.Named(by_name=name) | entries.Novel(by_name=name):
            return f"{name} said that it is of no known kind"
        case entries.Narrated():
            return "A language model put it into words"
        case entries.Gathered(evidence=evidence):
            facts = [fact for fact in evidence if fact.label or fact.failure]
            return f"It was looked up: {count_noun(len(facts), 'fact')} for its card"
        case entries.Recommended(plan=plan, verdict=verdict):
            summaries = "; ".join(plan_items(plan, str, file.labels.system))
            groups = [file.names.group(factor.group) for factor in verdict.factors]
            return f"A plan was recommended ({summaries}), for {' and '.join(groups)} to decide"
        case entries.VersionCompared(comparison=comparison):
            return _describe_comparison(comparison)
        case _:
            return ""


def _describe_comparison(comparison: VersionComparison) -> str:
    """Say how a changed playbook that is tried judges the case."""
    subject = "A new version of its playbook"
    if comparison.failure:
        return f"{subject} could not judge it: {comparison.failure}"
    if not comparison.differences:
        return f"{subject} judges it likewise"
    pairs = [f"{one.name} {one.in_force} → {one.candidate}" for one in comparison.differences]
    return f"{subject} judges it otherwise: {'; '.join(pairs)}"


def _describe_votes(file: CaseFile, entry: Entry) -> str:
    match entry.body:
        case entries.StepUpAsked(by_name=name):
            return f"{name} was asked to sign with a passkey"
        case entries.Withdrawn(person=person):
            return f"{file.names.account(person)} withdrew their approval"
        case entries.Authorised(by=by) if not by or not by[0].startswith("policy:"):
            return "The approvals were complete"
        case entries.AttemptRefused(attempt=attempt, reason=reason):
            name = file.names.account(str(entry.actor))
            return f"{name} tried to {attempt.replace('_', ' ')}, which was refused: {reason}"
        case _:
            return ""


def _describe_handling(file: CaseFile, body: entries.Body) -> str:
    match body:
        case entries.HandedOver(to=to, by_name=name, note=note):
            return f"{name} handed it over to {file.names.account(to)}: {note}"
        case entries.Claimed(by_name=name):
            return f"{name} took it on"
        case entries.Nudged(by_name=name):
            return f"{name} asked again for a decision"
        case entries.Retracted(by_name=name):
            return f"{name} took it back"
        case entries.Escalated(to=to):
            return f"Nobody had decided, so it went to {file.names.account(to)}"
        case entries.Reminded(to=to):
            return f"{file.names.account(to)} was reminded"
        case entries.Woken():
            return "The snooze was over"
        case _:
            return ""


def _describe_step(file: CaseFile, body: entries.Body) -> str:
    match body:
        case entries.StepStarted(step=step):
            return f"Step {step + 1} began: {_summary(file, step)}"
        case entries.StepReported(step=step, state=state, detail=detail):
            return f"Step {step + 1}: {state}{phrase(' ({})', detail)}"
        case entries.Parked(step=step, reason=reason):
            return f"The outcome of step {step + 1} became unknown: {reason}"
        case entries.Settled(step=step, landed=has_landed, note=note, by_name=name):
            outcome = "happened" if has_landed else "did not happen"
            return f"{name} looked: step {step + 1} {outcome}, “{note}”"
        case _:
            return ""


def _summary(file: CaseFile, step: int) -> str:
    plan = file.case.proposal.plan
    # The plan may be another one by now.
    is_present = plan is not None and 0 <= step < len(plan.actions)
    return plan.actions[step].summary if plan and is_present else "a step of an earlier plan"
