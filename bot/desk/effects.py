"""The outbox messages that follow from entries.

It is pure: a commit and its effects are one decision.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.cases.autonomy import demotions_after
from bot.cases.call_rules import CallRules, Reach
from bot.cases.calls import Call, call_after, reach_of
from bot.cases.case import Case
from bot.cases.control_commands import (
    EndRulesAfterOutcome,
    EndVersion,
    TakeStageBack,
    TakeVersionBack,
)
from bot.cases.decide import Decision
from bot.cases.entries import (
    ApprovalGiven,
    AttemptRefused,
    Authorised,
    Body,
    Claimed,
    Cleared,
    Conflicted,
    Drifted,
    Edited,
    Escalated,
    Expired,
    HandedOver,
    InquiryAnswered,
    InquiryOpened,
    MarkedClear,
    MistakeReported,
    Named,
    Novel,
    Opened,
    Parked,
    PracticeObserved,
    Referred,
    Rejected,
    RejectReason,
    Reminded,
    Reopened,
    Resolution,
    Resolved,
    Retracted,
    RetriageAsked,
    ReviewGiven,
    Settled,
    Snoozed,
    StepReported,
    StepUpAsked,
    Stopped,
    UndoApproved,
    UndoAsked,
    UndoLapsed,
    VersionCompared,
    Withdrawn,
    Woken,
    WokenEarly,
)
from bot.cases.grant import giving_case
from bot.cases.granting import grant_ends_after
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.cases.rule_use import rule_ends_after
from bot.cases.version_outcomes import version_ends_after
from bot.ports.case_store import Change
from bot.ports.outbox import OutboxMessage, Topic, card_message

# A type check against a whole row of this table needs tuples.
Bodies = tuple[type[Body], ...]

#: The entries that cause a message. A card is refreshed by every entry but the invisible ones.
EFFECTS: Mapping[Topic, Bodies] = {
    Topic.TRIAGE: (
        Opened,
        Drifted,
        RetriageAsked,
        Reopened,
        Woken,
        WokenEarly,
        Named,
        InquiryAnswered,
    ),
    Topic.EXECUTE: (Authorised, Settled, UndoAsked),
    # A line in the card's thread.
    Topic.NOTE: (
        ApprovalGiven,
        Withdrawn,
        Authorised,
        Rejected,
        Edited,
        HandedOver,
        Claimed,
        InquiryAnswered,
        Snoozed,
        WokenEarly,
        Escalated,
        Reminded,
        Expired,
        StepReported,
        Drifted,
        RetriageAsked,
        Stopped,
        Parked,
        Settled,
        Resolved,
        Retracted,
        Reopened,
        UndoApproved,
        UndoAsked,
        UndoLapsed,
        Cleared,
        MarkedClear,
        Named,
        Novel,
        PracticeObserved,
        ReviewGiven,
        MistakeReported,
    ),
    Topic.REMEMBER: (Resolved, UndoAsked, Rejected, Stopped, Reopened, Named, Novel),
}
INVISIBLE: Bodies = (AttemptRefused, Conflicted, StepUpAsked, VersionCompared)
#: The entries that let a plan run, or its undo, and the approvals that come with them.
LAST_VOTES: Bodies = (ApprovalGiven, UndoApproved)
BEGINNINGS: Bodies = (Authorised, UndoAsked)
#: In these states a worker carries out the plan.
IN_HAND = frozenset({State.APPROVED, State.RUNNING})
#: A card that will show the outcome within this time is drawn once.
CARD_DELAY = timedelta(seconds=1)
#: Nobody waits for the card of a plan that runs alone: it is posted once, with the outcome.
ALONE_CARD_DELAY = timedelta(seconds=5)
#: Before the case and the number of a question, in the key of its message.
INQUIRY_PREFIX = "inquiry:"


def change(
    before: Case | None,
    decision: Decision,
    playbook: Playbook,
    *,
    call_rules: CallRules | None = None,
) -> Change:
    """Join the entries of a decision and their messages.

    With ``call_rules`` a call that reaches nobody by them is not requested.
    """
    if decision.case.probe is not None:
        return _probe_change(before, decision)
    messages = _messages(decision, playbook, call_rules)
    demotions = demotions_after(before, decision.case)
    rule_ends = rule_ends_after(before, decision.case)
    version_ends = version_ends_after(before, decision.entries, decision.case)
    return Change(
        before=before,
        entries=decision.entries,
        after=decision.case,
        messages=(
            *messages,
            *_demotion_messages(demotions, decision),
            *_rule_end_messages(rule_ends, decision),
            *_return_messages(version_ends, decision),
        ),
        control_commands=(
            *demotions,
            *grant_ends_after(before, decision.entries, decision.case),
            *rule_ends,
            *version_ends,
        ),
    )


def _probe_change(before: Case | None, decision: Decision) -> Change:
    """Draw the card of a probe, and nothing else.

    Nobody is called about practice, nothing is learned from it, and nothing is carried out.
    """
    case = decision.case
    return Change(
        before=before,
        entries=decision.entries,
        after=case,
        messages=(card_message(case.id, decision.entries[-1].at),),
    )


def _demotion_messages(
    demotions: Sequence[TakeStageBack], decision: Decision
) -> Iterator[OutboxMessage]:
    """Ask to tell those who govern the kind of each demotion."""
    for demotion in demotions:
        yield OutboxMessage(
            topic=Topic.CALL,
            key=f"call:{demotion.on_case}:stage:{demotion.action}",
            case_id=demotion.on_case,
            run_at=decision.entries[-1].at,
            payload={"demotion": demotion.action, "kind": demotion.kind},
        )


def _rule_end_messages(
    ends: Sequence[EndRulesAfterOutcome], decision: Decision
) -> Iterator[OutboxMessage]:
    """Ask to tell those who govern the kind which standing rules ended."""
    for end in ends:
        yield OutboxMessage(
            topic=Topic.CALL,
            key=f"call:{end.on_case}:rule:{end.action}",
            case_id=end.on_case,
            run_at=decision.entries[-1].at,
            payload={"ended_rules": end.action, "kind": end.kind},
        )


def _return_messages(
    ends: Sequence[TakeVersionBack | EndVersion], decision: Decision
) -> Iterator[OutboxMessage]:
    """Ask to tell the governance owners that a version went back."""
    for end in ends:
        if isinstance(end, TakeVersionBack):
            yield OutboxMessage(
                topic=Topic.CALL,
                key=f"call:{end.on_case}:version:{end.checksum}",
                case_id=end.on_case,
                run_at=decision.entries[-1].at,
                payload={"version": end.checksum, "kind": end.kind},
            )


def comparison_message(case: Case, now: datetime) -> OutboxMessage:
    """Ask to compare the version that is tried on a case."""
    return OutboxMessage(
        topic=Topic.COMPARE,
        key=f"compare:{case.id}",
        case_id=case.id,
        run_at=now,
    )


def _messages(
    decision: Decision, playbook: Playbook, call_rules: CallRules | None
) -> Iterator[OutboxMessage]:
    """Iterate over the outbox messages of one commit."""
    if not decision.entries:
        return
    case = decision.case
    now = decision.entries[-1].at
    bodies = [entry.body for entry in decision.entries]
    topics = {
        topic
        for topic, causes in EFFECTS.items()
        if any(isinstance(body, causes) for body in bodies)
    }
    if case.state is State.OPEN and Topic.TRIAGE in topics:
        # Triage refreshes the card itself.
        yield OutboxMessage(
            topic=Topic.TRIAGE,
            key=f"triage:{case.id}",
            case_id=case.id,
            run_at=now,
        )
    elif not all(isinstance(body, INVISIBLE) for body in bodies):
        yield card_message(case.id, now + _card_delay(case))
    if case.grant_id:
        # The card of the case that it was given on is the meter of the grant.
        yield card_message(giving_case(case.grant_id), now)
    if Topic.EXECUTE in topics:
        yield OutboxMessage(
            topic=Topic.EXECUTE,
            key=f"execute:{case.id}:{case.proposal.revision}",
            case_id=case.id,
            run_at=now,
            payload={"revision": case.proposal.revision},
        )
    if Topic.NOTE in topics and not _is_on_card(case, bodies):
        yield _note(decision, now)
    call = call_after(decision.entries, case)
    if call and not _is_for_nobody(call, case, call_rules):
        yield _call_message(case, call, now)
    yield from _inquiry_messages(decision, now)
    for body in bodies:
        yield from _look_backs(case, body, playbook=playbook, now=now)
    if Topic.REMEMBER in topics:
        yield OutboxMessage(
            topic=Topic.REMEMBER,
            key=f"remember:{case.id}",
            case_id=case.id,
            run_at=now,
        )


def _look_backs(
    case: Case, body: Body, *, playbook: Playbook, now: datetime
) -> Iterator[OutboxMessage]:
    """Ask to look later at what came of an entry."""
    if isinstance(body, Resolved):
        follow_up_at = now + playbook.measure.follow_up_for
        yield from _after_resolution(case, body.resolution, follow_up_at)
    if _leaves_it_to_people(case, body):
        yield from _observation(case, playbook, now)


def _leaves_it_to_people(case: Case, body: Body) -> bool:
    """Tell whether people may now do by hand what a plan recommends."""
    match body:
        case Referred():
            return case.is_in_shadow
        case Cleared() | Rejected(reason=RejectReason.ALREADY_HANDLED):
            return not case.execution.steps
        case _:
            return False


def _observation(case: Case, playbook: Playbook, now: datetime) -> Iterator[OutboxMessage]:
    """Ask to look for what people do, where the playbook says how."""
    plan = case.proposal.plan
    if plan is None or not playbook.observations([action.name for action in plan.actions]):
        return
    yield OutboxMessage(
        topic=Topic.OBSERVE,
        key=f"observe:{case.id}:{case.proposal.revision}",
        case_id=case.id,
        run_at=now,
        payload={"revision": case.proposal.revision},
    )


def _card_delay(case: Case) -> timedelta:
    """Return how long a card waits for the outcome of its plan."""
    if case.state not in IN_HAND:
        return timedelta(0)
    return ALONE_CARD_DELAY if case.was_auto_approved else CARD_DELAY


def _is_for_nobody(call: Call, case: Case, rules: CallRules | None) -> bool:
    return rules is not None and reach_of(call, case, rules) is Reach.NOBODY


def _is_on_card(case: Case, bodies: Sequence[Body]) -> bool:
    """Tell whether the card is enough to read of these entries."""
    return is_noted_with_outcome(bodies) or _is_success_alone(case, bodies)


def _is_success_alone(case: Case, bodies: Sequence[Body]) -> bool:
    """Tell whether a plan that ran alone has worked.

    Its card is posted with the outcome, so that there is no reader of an earlier one to tell.
    """
    is_end = any(isinstance(body, Resolved) for body in bodies)
    return is_end and case.generation == 1 and case.was_auto_approved


def is_noted_with_outcome(bodies: Sequence[Body]) -> bool:
    """Tell whether the case's next note shows these entries too.

    A plan begins to run with them. The card shows it, and its outcome comes soon.
    """
    causes = [body for body in bodies if isinstance(body, EFFECTS[Topic.NOTE])]
    if any(isinstance(body, ApprovalGiven) and body.approval.emergency for body in causes):
        # An emergency is announced at once.
        return False
    is_beginning = any(isinstance(body, BEGINNINGS) for body in causes)
    return is_beginning and all(isinstance(body, (*BEGINNINGS, *LAST_VOTES)) for body in causes)


def _inquiry_messages(decision: Decision, now: datetime) -> Iterator[OutboxMessage]:
    """Send a question, or show its answer where it was asked."""
    for entry in decision.entries:
        match entry.body:
            case InquiryOpened():
                yield inquiry_message(entry.case_id, entry.version, now)
            case InquiryAnswered(inquiry=number):
                yield inquiry_message(entry.case_id, number, now)
            case _:
                continue


def inquiry_message(case_id: str, number: int, now: datetime) -> OutboxMessage:
    """Ask for the message with a question, or for its update.

    There is one row per question, however often it is asked for.
    """
    return OutboxMessage(
        topic=Topic.INQUIRY,
        key=f"{INQUIRY_PREFIX}{case_id}:{number}",
        case_id=case_id,
        run_at=now,
        payload={"inquiry": number},
    )


def _note(decision: Decision, now: datetime) -> OutboxMessage:
    """Make one message in the thread for all entries of the commit."""
    causes = EFFECTS[Topic.NOTE]
    versions = [entry.version for entry in decision.entries if isinstance(entry.body, causes)]
    case = decision.case
    return OutboxMessage(
        topic=Topic.NOTE,
        key=f"note:{case.id}:{versions[0]}",
        case_id=case.id,
        run_at=now,
        payload={"versions": versions},
    )


def _call_message(case: Case, call: Call, now: datetime) -> OutboxMessage:
    """Ask to reach those for whom the case waits.

    The key is that of the matter, so that nobody is called twice about one.
    """
    return OutboxMessage(
        topic=Topic.CALL,
        key=f"call:{case.id}:{call.matter}",
        case_id=case.id,
        run_at=now,
        payload={"subject": call.subject, "to": call.to},
    )


def _after_resolution(
    case: Case, resolution: Resolution, follow_up_at: datetime
) -> Iterator[OutboxMessage]:
    """Schedule the follow-up, and the end of the undo window."""
    if resolution is Resolution.WORKED:
        yield OutboxMessage(
            topic=Topic.FOLLOW_UP,
            key=f"follow_up:{case.id}:{case.version}",
            case_id=case.id,
            run_at=follow_up_at,
        )
    if case.execution.undo_until:
        # When the window closes the button goes: there is never a dead one.
        yield OutboxMessage(
            topic=Topic.CARD,
            key=f"card:{case.id}:undo",
            case_id=case.id,
            run_at=case.execution.undo_until,
        )
