"""Decide what a command does to a case.

It is pure, and the only place where commands are judged.

The lifecycle says which transitions a state allows. These rules say who may ask for one, on
which revision, and in time. Every refusal is a sentence to the person who asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.cases import (
    agreement,
    handling,
    hindsight,
    inquiries,
    intake,
    probes,
    program_reports,
    requester,
    steps,
    timers,
    triage,
    undo,
    votes,
)
from bot.cases.actor import DESK, Actor, Surface
from bot.cases.authority import ineligibility
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case, StatusReason
from bot.cases.commands import (
    CHANGES_COURSE,
    OFFERED,
    Approve,
    Command,
    DecisionKind,
    GiveAnswer,
    HandlingCommand,
    HindsightCommand,
    InquiryCommand,
    Open,
    OutcomeCommand,
    PersonDecision,
    ProgramCommand,
    RequesterCommand,
    SignalCommand,
    StepCommand,
    TimerCommand,
    TriageCommand,
    UndoCommand,
    VoteCommand,
)
from bot.cases.entries import (
    AttemptRefused,
    CaseBody,
    Conflicted,
    Drifted,
    Entry,
    Gathered,
    Opened,
    Parked,
    PracticeObserved,
    ProbeAnswered,
    Recognised,
    Recommended,
    Rejected,
    Reopened,
    Resolved,
    StepReported,
    Stopped,
    VersionCompared,
)
from bot.cases.errors import (
    BadRequest,
    DoubtDropped,
    LedgerBroken,
    MoveNotAllowed,
    NotEligible,
    Superseded,
    TooLate,
)
from bot.cases.evolve import apply_entry, evolve
from bot.cases.lifecycle import DECIDED, State, next_state
from bot.cases.plan import Plan

#: Entries that the desk writes of its own accord: what it found out, and what it did.
DeskRecord = (
    Recognised
    | Gathered
    | StepReported
    | Parked
    | Drifted
    | Stopped
    | Resolved
    | Reopened
    | PracticeObserved
    | VersionCompared
    | Rejected
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The entries of a command, and the case after them."""

    entries: tuple[Entry, ...]
    case: Case

    def then(self, later: "Decision") -> "Decision":
        """Append a decision that was made on the case after this one."""
        return Decision((*self.entries, *later.entries), later.case)


def decide(case: Case | None, command: Command, now: datetime) -> Decision:
    """Judge a command on this case, and make its entries.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    if case is None:
        return _open(command, now)
    if isinstance(command, PersonDecision):
        must_be_current(case, command.decision, command.snapshot)
        _must_be_allowed(case, command)
    if probes.is_practised(case, command):
        bodies = probes.decide(case, command, now)
        return _write(case, bodies, actor=DESK, surface=Surface.DESK, now=now)
    actor, surface = _author(command)
    return _write(
        case,
        _find_bodies(case, command, now),
        actor=actor,
        surface=surface,
        now=now,
    )


def open_probe(command: Open, evidence: Gathered, proposal: Recommended, now: datetime) -> Decision:
    """Open a probe with evidence and plan of its past case."""
    opening = _open(command, now)
    content = _write(opening.case, (evidence, proposal), actor=DESK, surface=Surface.DESK, now=now)
    return opening.then(content)


def answer_probe(
    case: Case, decision: DecisionKind, by: Caller, snapshot: CardSnapshot, now: datetime
) -> Decision:
    """Judge a decision on a probe without its command.

    To make one may read other systems.
    """
    must_be_current(case, decision, snapshot)
    reason = ineligibility(case, decision, by)
    if reason:
        raise NotEligible(reason)
    body = ProbeAnswered(probes.ANSWERS[decision])
    return _write(case, (body,), actor=DESK, surface=Surface.DESK, now=now)


def record_entry(case: Case, body: DeskRecord, now: datetime) -> Decision:
    """Write what the desk has found out or done.

    Raises:
        MoveNotAllowed: the lifecycle has no such transition, or a step is in doubt.
    """
    if isinstance(body, StepReported | Parked):
        steps.must_be_recordable(case, body)
    return _write(
        case,
        (body,),
        actor=DESK,
        surface=Surface.DESK,
        now=now,
    )


def record_refusal(
    case: Case,
    by: Caller,
    *,
    attempt: str,
    revision: int,
    refusal: Exception,
    now: datetime,
) -> Decision:
    """Write an attempt that was refused.

    Refused attempts are part of the record.
    """
    body = AttemptRefused(
        attempt=str(attempt),
        code=getattr(refusal, "code", "refused"),
        reason=str(refusal),
        on_revision=revision,
    )
    return _write(
        case,
        (body,),
        actor=by.actor,
        surface=by.surface,
        now=now,
    )


def record_conflict(case: Case, *, source: str, key: str, checksum: str, now: datetime) -> Decision:
    """Write that a known key came with another body."""
    body = Conflicted(source, key, checksum)
    actor = Actor.from_source(source)
    return _write(
        case,
        (body,),
        actor=actor,
        surface=Surface.INTAKE,
        now=now,
    )


# --- dispatch and writing -----------------------------------------------------------------------


def _open(command: Command, now: datetime) -> Decision:
    if not isinstance(command, Open):
        raise LedgerBroken("a case begins with its opening")
    entry = Entry(
        case_id=command.case_id,
        version=1,
        revision=0,
        at=now,
        actor=Actor.from_source(command.signal.source),
        surface=Surface.INTAKE,
        body=Opened(
            signal=command.signal,
            owner=command.owner,
            channel=command.channel,
            sla=command.sla,
            probe=command.probe,
        ),
    )
    return Decision((entry,), evolve(None, entry))


def _find_bodies(case: Case, command: Command, now: datetime) -> tuple[CaseBody, ...]:
    """Hand the command to the module of its subject."""
    if isinstance(command, Open):
        raise LedgerBroken(f"{case.id} is open already")
    if isinstance(command, SignalCommand):
        return intake.decide(case, command)
    if isinstance(command, TriageCommand):
        return triage.decide(case, command, now)
    if isinstance(command, VoteCommand):
        return votes.decide(case, command, now)
    if isinstance(command, HandlingCommand):
        return handling.decide(case, command, now)
    if isinstance(command, InquiryCommand):
        return inquiries.decide(case, command)
    if isinstance(command, RequesterCommand):
        return requester.decide(case, command, now)
    if isinstance(command, TimerCommand):
        return timers.decide(case, command, now)
    if isinstance(command, ProgramCommand):
        return program_reports.decide(case, command)
    return _find_progress_bodies(case, command, now)


def _find_progress_bodies(
    case: Case,
    command: StepCommand | UndoCommand | HindsightCommand | OutcomeCommand,
    now: datetime,
) -> tuple[CaseBody, ...]:
    """Hand a command about the execution to the module of its subject."""
    if isinstance(command, StepCommand):
        return steps.decide(case, command, now)
    if isinstance(command, UndoCommand):
        return undo.decide(case, command, now)
    if isinstance(command, HindsightCommand):
        return hindsight.decide(case, command)
    return agreement.decide(case, command)


def _author(command: Command) -> tuple[Actor, Surface]:
    """Find whom the ledger records as the author, and where they acted."""
    if isinstance(command, PersonDecision | GiveAnswer):
        return command.by.actor, command.by.surface
    if isinstance(command, SignalCommand):
        return Actor.from_source(command.signal.source), Surface.INTAKE
    if isinstance(command, TimerCommand):
        return DESK, Surface.SCHEDULER
    if isinstance(command, ProgramCommand):
        return Actor.from_source(command.source), Surface.INTAKE
    return DESK, Surface.DESK


def _write(
    case: Case,
    bodies: Iterable[CaseBody],
    *,
    actor: Actor,
    surface: Surface,
    now: datetime,
) -> Decision:
    """Make entries of these bodies and fold them, each once."""
    entries = []
    for body in bodies:
        # A body with a plan begins the plan's revision.
        plan: Plan | None = getattr(body, "plan", None)
        entry = Entry(
            case_id=case.id,
            version=case.version + 1,
            revision=plan.revision if plan else case.proposal.revision,
            at=now,
            actor=actor,
            surface=surface,
            body=body,
        )
        # Old ledgers may take transitions that are not offered any more; new entries may not.
        state = next_state(case.state, body.transition)
        try:
            case = apply_entry(case, entry, state)
        except DoubtDropped as failure:
            raise MoveNotAllowed(f"{failure}: that is found out first") from None
        entries.append(entry)
    return Decision(tuple(entries), case)


# --- currency and authority ---------------------------------------------------------------------


def must_be_current(case: Case, decision: DecisionKind, snapshot: CardSnapshot) -> None:
    """Refuse a decision that the card or the state does not offer.

    Raises:
        TooLate: it has been decided or has ended; the text says by whom and how.
        Superseded: the card showed another plan, or another state.
        MoveNotAllowed: the card of this state does not offer it.
    """
    is_offered = case.state in OFFERED[decision]
    if not is_offered:
        _must_not_be_over(case, decision)
    _must_be_of_revision(case, snapshot.revision)
    current = CardSnapshot.of(case)
    if snapshot.checksum != current.checksum:
        subject = "plan" if case.proposal.plan else "case"
        raise Superseded(
            f"that card shows another {subject} than {case.id} has now; look at its card again"
        )
    if not is_offered:
        raise MoveNotAllowed(f"cannot {decision} a case that {case.state.predicate}")
    if decision in CHANGES_COURSE and snapshot != current:
        raise Superseded(
            f"{case.id} has moved on since that card was drawn ({case.state}); look at it again"
        )


def _must_be_allowed(case: Case, command: PersonDecision) -> None:
    """Refuse a person without the authority."""
    # Whom policy names for emergencies is checked in ``decide_controls``.
    if isinstance(command, Approve) and command.emergency:
        return
    reason = ineligibility(case, command.decision, command.by)
    if reason:
        raise NotEligible(reason)


def _must_be_of_revision(case: Case, revision: int) -> None:
    if revision < case.proposal.revision:
        raise Superseded(
            f"{case.id} has a newer plan (revision {case.proposal.revision});"
            " please look at it again"
        )
    if revision > case.proposal.revision:
        raise BadRequest(f"{case.id} has no revision {revision}")


def _must_not_be_over(case: Case, decision: DecisionKind) -> None:
    """Refuse a decision on a case that is decided or ended."""
    if decision is DecisionKind.SETTLE:
        raise TooLate(f"{case.id} {case.state.predicate}; there is nothing in doubt")
    if decision is DecisionKind.UNDO:
        raise TooLate(undo.nothing_to_undo(case))
    reason = case.activity.status_reason
    if case.is_terminal and reason:
        raise TooLate(_describe_ending(case, reason))
    if decision is DecisionKind.WITHDRAW and case.state in DECIDED:
        raise TooLate(
            f"{case.id} {case.state.predicate}: what has begun can only be undone, not withdrawn"
        )
    if case.state in DECIDED:
        names = ", ".join(vote.name for vote in case.proposal.approvals)
        raise TooLate(
            f"{case.id} was approved by {names} and {case.state.predicate}; too late to {decision}"
        )


def _describe_ending(case: Case, ending: StatusReason) -> str:
    is_of_program = ending.by in {"", str(DESK)} or ending.by.startswith("source:")
    is_named = case.state is State.REJECTED or not is_of_program
    by = f" by {ending.by}" if is_named else ""
    at = f"{ending.at:%d %b %H:%M} UTC"
    return f"{case.id} {case.state.predicate}{by} since {at}: {ending.reason}"
