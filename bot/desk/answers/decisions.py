"""Answers about what was decided on a case, by whom and why."""

from collections.abc import Sequence
from datetime import datetime

from bot.cases import entries
from bot.cases.actor import Actor, ActorKind
from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.entries import Entry
from bot.cases.grant import giving_case
from bot.cases.lifecycle import WAITING, State
from bot.cases.missing_approvals import missing_approvals
from bot.cases.verdict import Ruling, Verdict
from bot.desk.answers.case_file import CaseFile, Statement
from bot.desk.answers.verdict_grounds import ruling_text, verdict_facts
from bot.desk.case_texts import (
    STAGE_TEXTS,
    as_sentence,
    count_noun,
    describe_state,
    join_words,
    phrase,
    verb,
)
from bot.views.query import LastDecision

ENDINGS = (
    entries.Resolved,
    entries.Rejected,
    entries.Expired,
    entries.Cleared,
    entries.Retracted,
)
NO_REASON = "No reason was written down with it."


def describe_last_decision(file: CaseFile) -> Statement:
    """Say who decided last, when and why, and what came of it."""
    decision = find_last_decision(file.entries)
    if decision is None:
        return _describe_no_decision(file)
    sentences = _decision_sentences(file, decision)
    facts = [*sentences[1:], *_events_after(file, decision)]
    return Statement(text=f"{file.id}: {sentences[0]}", facts=tuple(facts))


def explain_last_decision(file: CaseFile) -> Statement:
    """Say why it was decided so, as far as that is recorded."""
    statement = describe_last_decision(file)
    decision = find_last_decision(file.entries)
    if decision is None or not isinstance(decision.body, entries.Authorised):
        return statement
    grounds = _recorded_grounds(file, decision)
    return Statement(text=statement.text, facts=(*grounds, *statement.facts))


def find_last_decision(history: Sequence[Entry]) -> Entry | None:
    """Return the decision in force; None where there is none.

    A case that was asked again after a change is undecided.
    """
    decision = None
    for entry in history:
        match entry.body:
            case entries.Authorised() | entries.Rejected() | entries.Retracted():
                decision = entry
            case entries.Resolved(resolution=entries.Resolution.BY_HAND):
                decision = entry
            case (
                entries.Drifted()
                | entries.Reopened()
                | entries.RetriageAsked()
                | entries.Withdrawn()
            ):
                decision = None
            case _:
                continue
    return decision


def find_decision(history: Sequence[Entry], type: LastDecision | None) -> Entry | None:
    """Return the last decision of this type.

    Without a type it is the decision in force.
    """
    match type:
        case LastDecision.EDITED:
            return _find_last(history, entries.Edited)
        case LastDecision.HANDED_OVER:
            return _find_last(history, entries.HandedOver)
        case LastDecision.TAKEN_BACK:
            return _find_last(history, entries.UndoAsked)
        case _:
            return find_last_decision(history)


def _find_last(
    history: Sequence[Entry], types: type[entries.Body] | tuple[type[entries.Body], ...]
) -> Entry | None:
    last_entry = None
    for entry in history:
        if isinstance(entry.body, types):
            last_entry = entry
    return last_entry


def describe_typed_decision(file: CaseFile, type: LastDecision | None) -> Statement:
    """Say who took the last decision of this type, and when."""
    decision = find_decision(file.entries, type)
    if decision is None or decision == find_last_decision(file.entries):
        return describe_last_decision(file)
    text = file.words(file.decision_text(decision))
    return Statement(text=f"{file.id}: {text}")


def decider_names(file: CaseFile, decision: Entry) -> tuple[str, ...]:
    """Name whoever took this decision; "policy" where nobody was asked."""
    match decision.body:
        case entries.Authorised(by=by):
            votes = _votes_for(file.entries, decision)
            names = [vote.name for vote in votes]
            return tuple(names) or tuple(file.names.account(account) for account in by)
        case (
            entries.Rejected()
            | entries.Resolved()
            | entries.Retracted()
            | entries.Edited()
            | entries.HandedOver()
            | entries.UndoAsked()
        ):
            return (decision.body.by_name,)
        case _:
            return ()


def _decision_sentences(file: CaseFile, decision: Entry) -> list[str]:
    at = file.time(decision.at)
    match decision.body:
        case entries.Retracted(by_name=name):
            return [f"{name} took it back on {at}."]
        case entries.Authorised():
            votes = _votes_for(file.entries, decision)
            if votes:
                return [_describe_vote(file, vote) for vote in votes]
            text = f"No person approved it; policy let it run by itself on {at}."
            verdict = file.case.proposal.verdict
            return [f"{text} Because: {file.words(verdict.reason)}." if verdict else text]
        case _:
            return [file.decision_text(decision)]


def _votes_for(history: Sequence[Entry], decision: Entry) -> list[Approval]:
    """Return the approvals that this decision rests on, the oldest first."""
    votes: dict[str, Approval] = {}
    for entry in history:
        if entry.version > decision.version:
            break
        match entry.body:
            case entries.ApprovalGiven(approval=approval) if entry.revision == decision.revision:
                votes[approval.person] = approval
            case entries.Withdrawn(person=person):
                votes.pop(person, None)
            case _:
                continue
    return list(votes.values())


def _describe_vote(file: CaseFile, vote: Approval) -> str:
    behalf = phrase(" for {}", vote.behalf_name)
    note = phrase(": “{}”", vote.note)
    emergency = ", alone in an emergency" if vote.emergency else ""
    advance = f", in advance with {giving_case(vote.grant)}" if vote.grant else ""
    manner = f"{emergency}{advance}{note}"
    return as_sentence(f"{vote.name} approved it{behalf} on {file.time(vote.at)}{manner}")


def _events_after(file: CaseFile, decision: Entry) -> list[str]:
    """Say when it ran, and what came of it, after this decision."""
    started_at: datetime | None = None
    sentences = []
    for entry in file.entries:
        if entry.version <= decision.version:
            continue
        match entry.body:
            case entries.StepStarted() if started_at is None:
                started_at = entry.at
                sentences.append(f"It began to run on {file.time(entry.at)}.")
            case (
                entries.Resolved()
                | entries.Stopped()
                | entries.UndoAsked()
                | entries.UndoLapsed()
                | entries.Parked()
                | entries.Cleared()
            ):
                sentences.append(describe_event(file, entry))
            case _:
                continue
    if isinstance(decision.body, entries.Authorised) and started_at is None:
        sentences.append(f"It has not run yet: {describe_state(file.case)}.")
    return sentences


def describe_event(file: CaseFile, entry: Entry) -> str:
    """Say what happened in carrying a plan out."""
    match entry.body:
        case entries.Parked(reason=reason):
            text = f"Its outcome became unknown on {file.time(entry.at)}: {file.words(reason)}"
            return as_sentence(text)
        case _:
            return file.words(file.decision_text(entry))


def _recorded_grounds(file: CaseFile, decision: Entry) -> list[str]:
    """Say why it was approved, as far as that is recorded."""
    votes = _votes_for(file.entries, decision)
    recommendation = file.case.proposal.recommendation
    facts = []
    if votes and not any(vote.note for vote in votes):
        facts.append(NO_REASON)
    if recommendation and recommendation.reason:
        reason = as_sentence(file.words(recommendation.reason))
        facts.append(f"The reason for the plan itself: {reason}")
    return facts


def _describe_no_decision(file: CaseFile) -> Statement:
    case = file.case
    if case.state is State.EXPIRED:
        return describe_ending(file)
    if case.state is State.CLEARED:
        return describe_ending(file)
    facts = [_describe_vote(file, vote) for vote in case.proposal.approvals]
    for change in (entries.Edited, entries.HandedOver, entries.Stopped):
        entry = _find_last(file.entries, change)
        if entry:
            facts.append(file.words(file.decision_text(entry)))
    if case.state is State.PROPOSED:
        facts.append(describe_missing(file))
    reasons = case.activity.drift_reasons
    if reasons and not case.is_terminal:
        facts.append(f"It was asked again because {file.words('; '.join(reasons))}.")
    text = f"Nobody has decided about {case.id} yet: it {case.state.predicate}."
    return Statement(text=text, facts=tuple(fact for fact in facts if fact))


def list_votes(case: Case) -> list[str]:
    """Say who has approved the plan so far."""
    return [f"{vote.name} has approved it." for vote in case.proposal.approvals]


def describe_missing(file: CaseFile) -> str:
    """Say how many approvals are missing, and from which groups."""
    verdict = file.case.proposal.verdict
    if verdict is None or not verdict.factors:
        return ""
    votes = file.library.identities().distinct_votes(file.case.proposal.approvals)
    groups = file.names.groups(factor.group for factor in verdict.factors)
    missing = missing_approvals(verdict.factors, votes, groups)
    if not missing.groups or missing.count < 1:
        return ""
    # Each group is needed, unless more of them can give an approval than are missing.
    conjunction = "and" if len(missing.groups) <= missing.count else "or"
    owners = [file.names.group_with_members(group) for group in missing.groups]
    names = join_words(owners, conjunction)
    are = verb(missing.count, "is", "are")
    return f"{count_noun(missing.count, 'approval')} {are} missing: {names}."


def describe_ending(file: CaseFile) -> Statement:
    """Say when and why the case ended, or that it has not."""
    case = file.case
    if not case.is_terminal:
        return Statement(text=f"{case.id} has not ended: it {case.state.predicate}.")
    ending = _find_ending(file.entries)
    if ending is None:
        ended_at = case.ended_at or case.timers.changed_at
        return Statement(text=f"{describe_state(case)} since {file.time(ended_at)}.")
    match ending.body:
        case entries.Expired():
            text = (
                f"{case.id} expired on {file.time(ending.at)}: nobody decided in time,"
                " and nothing was done."
            )
            return Statement(text=text, facts=_expiry_facts(file))
        case entries.Retracted(by_name=name):
            return Statement(text=f"{case.id}: {name} took it back on {file.time(ending.at)}.")
        case _:
            text = file.words(file.decision_text(ending))
            return Statement(text=f"{case.id}: {text}")


def _find_ending(history: Sequence[Entry]) -> Entry | None:
    return _find_last(history, ENDINGS)


def _expiry_facts(file: CaseFile) -> tuple[str, ...]:
    """Say until when it could be decided, and by whom."""
    facts = []
    verdict = file.case.proposal.verdict
    if file.case.proposal.expires_at:
        facts.append(f"The time to approve ended on {file.time(file.case.proposal.expires_at)}.")
    if verdict and verdict.factors:
        groups = [file.names.group(factor.group) for factor in verdict.factors]
        facts.append(f"It waited for {join_words(groups)}.")
    return (*facts, *escalation_facts(file))


def escalation_facts(file: CaseFile) -> tuple[str, ...]:
    """Say to whom the case was escalated, and when."""
    facts = []
    for entry in file.entries:
        match entry.body:
            case entries.Escalated(to=to):
                owner = file.names.group(to)
                facts.append(f"Nobody had decided by {file.time(entry.at)}, so it went to {owner}.")
            case _:
                continue
    return tuple(facts)


def describe_escalation(file: CaseFile) -> Statement:
    """Say whether, when and to whom the case was escalated."""
    facts = escalation_facts(file)
    if facts:
        return Statement(text=f"{file.id} was escalated. {facts[-1]}", facts=facts[:-1])
    text = f"{file.id} has not been escalated."
    if file.case.state not in WAITING:
        return Statement(text=text)
    next_owner = file.names.group(file.playbook.owners.next_owner)
    decide_by = file.time(file.case.timers.sla.decide_by)
    return Statement(text=text, facts=(f"Undecided on {decide_by}, it goes to {next_owner}.",))


def describe_drift(file: CaseFile) -> Statement:
    """Say whether the case was asked again, and what had changed."""
    facts = []
    for entry in file.entries:
        match entry.body:
            case entries.Drifted(reasons=reasons):
                changes = file.words("; ".join(reasons))
                facts.append(f"It was asked again on {file.time(entry.at)}: {changes}.")
            case _:
                continue
    if not facts:
        return Statement(text=f"{file.id} was never asked again: nothing changed under its plan.")
    return Statement(text=f"{file.id}: {facts[-1]}", facts=tuple(facts[:-1]))


def describe_changes(file: CaseFile) -> Statement:
    """Say what people edited, field by field."""
    facts = []
    for entry in file.entries:
        match entry.body:
            case entries.Edited(by_name=name, changes=changes, plan=plan):
                action = plan.actions[0].name if plan.actions else ""
                for change in changes:
                    field = file.labels.parameter(action, change.field)
                    values = f"{file.words(change.before)} → {file.words(change.after)}"
                    facts.append(f"{field}: {values}, by {name} on {file.time(entry.at)}.")
            case _:
                continue
    if not facts:
        return Statement(text=f"Nobody has edited the plan of {file.id}.")
    count = count_noun(len(facts), "change")
    return Statement(text=f"{count} to the plan of {file.id} by people:", facts=tuple(facts))


def describe_verdict(file: CaseFile) -> Statement:
    """Say why the case was put before a person, or was not."""
    verdict = file.case.proposal.verdict
    if verdict is None:
        return _describe_want_of_plan(file)
    requirement = _describe_requirement(file, verdict)
    text = ruling_text(file, verdict) or f"I do not do {file.id} without people: {requirement}."
    stage = file.playbook.terms.stage
    if file.case.proposal.plan:
        stage = file.controls.stage_of_plan(file.case.kind, file.case.proposal.plan, stage)
    kind = file.labels.kind(file.case.kind)
    stage_fact = f"The kind “{kind}” is {stage}: {STAGE_TEXTS[stage]}."
    rule = f"Rule of policy: {describe_rule(verdict.rule)}."
    facts = [rule, *verdict_facts(file, verdict)]
    if verdict.ruling is Ruling.ASK:
        facts += [stage_fact, describe_groups_needed(file, verdict)]
    return Statement(text=text, facts=tuple(facts))


def _describe_want_of_plan(file: CaseFile) -> Statement:
    recommendation = file.case.proposal.recommendation
    status = file.case.activity.status_reason
    reason = "there is no plan for it"
    if recommendation and recommendation.blocked:
        reason = recommendation.blocked
    elif status:
        reason = status.reason
    text = f"{file.id} has nothing that I could do by myself: {file.words(reason)}"
    return Statement(text=as_sentence(text))


_RULE_WORDS = {
    "alone.standing_rule": "a standing rule lets it run by itself",
    "alone.objection": "never alone, or not at this time",
    "rule.ask": "a condition that asks for people",
    "rule.refuse": "a condition that forbids it",
    "rule.failed": "a condition that could not be judged",
}


def describe_rule(rule: str) -> str:
    """Write the name of a rule as words: "tier.high" as "high risk"."""
    group, _, name = rule.partition(".")
    if group == "tier":
        return f"{name} risk"
    if rule in _RULE_WORDS:
        return _RULE_WORDS[rule]
    if group == "alone":
        return "low risk may run by itself"
    return rule.replace(".", ": ").replace("_", " ")


def _describe_requirement(file: CaseFile, verdict: Verdict) -> str:
    approvals = count_noun(verdict.approvals_needed, "approval")
    risk = verdict.tier.name.lower()
    return f"{file.words(verdict.reason)}: that is {risk} risk, and policy asks for {approvals}"


def describe_groups_needed(file: CaseFile, verdict: Verdict) -> str:
    """Say how many approvals of which groups a plan needs."""
    parts = []
    for factor in verdict.factors:
        parts.append(f"{factor.count} of {file.names.group_with_members(factor.group)}")
    return f"It needs {join_words(parts)}."


def is_by_policy(decision: Entry) -> bool:
    """Tell whether policy took this decision."""
    match decision.body:
        case entries.Authorised(by=by) if by:
            return Actor.parse(by[0]).kind is ActorKind.POLICY
        case _:
            return False
