"""A case is the fold of its ledger entries. ``evolve`` applies one entry; nothing else changes a case."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.cases import entries as e
from bot.cases.approval import Approval
from bot.cases.entries import IN_DOUBT, UNDO_BEGUN, Body, Entry, StepState
from bot.cases.errors import DoubtDropped, LedgerBroken
from bot.cases.evidence import Evidence
from bot.cases.lifecycle import TERMINAL, State, next_state, recorded_state
from bot.cases.passkey import StepUp
from bot.cases.plan import Action, Money, Plan
from bot.cases.policy import Verdict
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation, Words
from bot.cases.signal import Signal
from bot.cases.sla import Sla

# Who acts when nobody asked: the program itself.
DESK_ACTOR = "countersign"
# An outcome that nobody knows is asked about after this.
PARKED_REMINDER_DELAY = timedelta(hours=1)
# So many people who raised it again are kept by name. Whoever comes after them makes the case
# one that somebody unknown has raised.
MAX_REQUESTERS = 100
OTHERS = "*"


@dataclass(frozen=True, slots=True)
class Step:
    """How far one action of the current plan has come."""

    state: StepState
    key: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Requester:
    """Who raised the trouble, under which account, and when first."""

    account: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusReason:
    """How it was decided or ended, for the card: who, when, why."""

    at: datetime
    by: str
    reason: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """``version`` is the compare-and-set token, ``revision`` what approvals bind, ``generation`` which card shows it.

    ``team`` is the group that it belongs to, whoever of it (``owner``) has taken it on. ``people`` are those who raised it, were
    given it or did something about it: they may know of it wherever they are.
    """

    id: str
    state: State
    version: int
    revision: int
    generation: int
    kind: str
    fingerprint: str
    signal: Signal
    owner: str
    channel: str
    opened_at: datetime
    changed_at: datetime
    sla: Sla
    count: int = 1
    conflicts: int = 0
    refusals: int = 0
    evidence: tuple[Evidence, ...] = ()
    what: str = ""
    why: str = ""
    stake: Money | None = None
    recommendation: Recommendation | None = None
    plan: Plan | None = None
    verdict: Verdict | None = None
    editors: tuple[str, ...] = ()
    changes: tuple[e.FieldChange, ...] = ()
    approvals: tuple[Approval, ...] = ()
    steps: tuple[Step, ...] = ()
    expires_at: datetime | None = None
    escalated: bool = False
    snoozed_until: datetime | None = None
    cleared_at: datetime | None = None
    drifted: tuple[str, ...] = ()
    reopened: str = ""
    ending: StatusReason | None = None
    due_at: datetime | None = None
    recognition: Recognition | None = None
    is_urgent: bool = False
    named_by: str = ""
    is_novel: bool = False
    words: Words | None = None
    team: str = ""
    remind_at: datetime | None = None
    reminded: int = 0
    undo_until: datetime | None = None
    undoing: bool = False
    decided_at: datetime | None = None
    people: tuple[str, ...] = ()
    step_ups: tuple[StepUp, ...] = ()
    raised_again: tuple[Requester, ...] = ()
    undo_approvals: tuple[Approval, ...] = ()

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL

    @property
    def was_auto_approved(self) -> bool:
        """Tell whether policy let the plan run without an approval."""
        return any(approval.is_by_policy for approval in self.approvals)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, if it has."""
        return (self.ending.at if self.ending else self.changed_at) if self.is_terminal else None

    @property
    def waits_on(self) -> tuple[str, ...]:
        """The groups and people of whom something is wanted now."""
        if self.state is State.PROPOSED and self.verdict:
            asked = [factor.group for factor in self.verdict.factors]
            return tuple(dict.fromkeys([*asked, self.owner] if is_principal(self.owner) else asked))
        if self.state not in {State.REFERRED, State.OUTCOME_UNKNOWN}:
            return ()
        # A person who was given it may not be one who may decide it; somebody of the group is.
        groups = [self.team] if is_principal(self.owner) and self.team else []
        return (self.owner, *groups)

    @property
    def step_in_doubt(self) -> int | None:
        """The first step whose outcome nobody knows."""
        doubtful = (index for index, step in enumerate(self.steps) if step.state in IN_DOUBT)
        return next(doubtful, None)

    @property
    def authors(self) -> tuple[str, ...]:
        """Those who may not approve: whoever raised it, edited it or gains from it."""
        return self._authors(self.requesters)

    def authors_before(self, at: datetime) -> tuple[str, ...]:
        """Those who could not approve then: raising it later does not take back a yes."""
        return self._authors(one for one in self.requesters if one.at <= at)

    @property
    def requesters(self) -> tuple[Requester, ...]:
        """Whoever raised the trouble since the case was opened, once each."""
        first = self.signal.requester
        return (*((Requester(first, self.opened_at),) if first else ()), *self.raised_again)

    def _authors(self, requesters: Iterable[Requester]) -> tuple[str, ...]:
        plan = self.plan
        named = (plan.requester, plan.beneficiary) if plan else ()
        raised = [one.account for one in requesters]
        accounts = [*raised, *(name for name in named if name), *self.editors]
        return tuple(dict.fromkeys(accounts))

    @property
    def is_undo_begun(self) -> bool:
        """Tell whether a step is being undone or has been: then it goes on to the end."""
        return any(step.state in UNDO_BEGUN for step in self.steps)

    @property
    def undo_votes_needed(self) -> int:
        """Count the people who must say that the plan is taken back: as many as approved it."""
        return max(1, self.verdict.approvals_needed) if self.verdict else 0

    def action(self, step: int) -> Action:
        if self.plan is None:
            raise LedgerBroken(f"{self.id} has no plan")
        return self.plan.actions[step]


def fold(entries: Iterable[Entry]) -> Case | None:
    """The case that these entries tell of."""
    case: Case | None = None
    for entry in entries:
        case = evolve(case, entry)
    return case


def evolve(case: Case | None, entry: Entry) -> Case:
    """The case after this entry. Pure: the same entries always give the same case.

    Raises:
        LedgerBroken: the entry does not follow on what came before.
        DoubtDropped: the entry forgets a step whose outcome nobody knows.
        MoveNotAllowed: the lifecycle has no such arrow.
    """
    if case is None:
        return _opened(entry)
    if entry.case_id != case.id or entry.version != case.version + 1:
        raise LedgerBroken(
            f"{entry.case_id} entry {entry.version} does not follow {case.id} entry {case.version}"
        )
    state = recorded_state(case.state, entry.body.transition)
    moved = replace(case, state=state, version=entry.version, changed_at=entry.at)
    folded = FOLDS[type(entry.body)](moved, entry.body, entry)
    _must_keep_doubt(case, folded, entry)
    named = _named_by(case, entry)
    people = (*folded.people, *named) if named else folded.people
    due_at = _due_at(folded)
    if due_at == folded.due_at and not named:
        return folded
    return replace(folded, due_at=due_at, people=people)


def _must_keep_doubt(before: Case, after: Case, entry: Entry) -> None:
    """Hold on to every step in doubt until it is reported, or a person says what happened."""
    if before.step_in_doubt is None or isinstance(entry.body, e.StepReported | e.Settled):
        return
    if _drifted_unreported(before, entry):
        return
    is_carried_out = after.state in {State.RUNNING, State.OUTCOME_UNKNOWN}
    for index, step in enumerate(before.steps):
        kept = after.steps[index] if index < len(after.steps) else None
        if step.state in IN_DOUBT and not (is_carried_out and kept == step):
            raise DoubtDropped(f"nobody knows yet what came of step {index + 1} of {before.id}")


def _drifted_unreported(before: Case, entry: Entry) -> bool:
    """The one way in which an earlier release left a step that had begun: found absent, and drifted.

    Its executor knew that nothing had happened, and wrote no report of it.
    """
    body = entry.body
    return (
        isinstance(body, e.Drifted)
        and not body.is_settled
        and entry.actor == DESK_ACTOR
        and before.step_in_doubt == 0
        and len(before.steps) == 1
        and before.steps[0].state is not StepState.UNDOING
    )


def _named_by(case: Case, entry: Entry) -> tuple[str, ...]:
    """Whom this entry makes a party to the case. A refused attempt makes nobody one."""
    if isinstance(entry.body, e.AttemptRefused):
        return ()
    names = (entry.actor, getattr(entry.body, "to", ""))
    return tuple(
        dict.fromkeys(name for name in names if is_principal(name) and name not in case.people)
    )


def is_principal(name: str) -> bool:
    """Whether this names a person ("team/user"), and not a group, a source or policy."""
    return "/" in name and ":" not in name


def _due_at(case: Case) -> datetime | None:
    """When time itself next has something to do with this case."""
    if case.state is State.SNOOZED:
        return case.snoozed_until
    if case.state not in {State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN}:
        return None
    times = [case.remind_at]
    if case.state is State.PROPOSED:
        times.append(case.expires_at)
    if case.state is not State.OUTCOME_UNKNOWN and not case.escalated:
        times.append(case.sla.decide_by)
    return min((at for at in times if at), default=None)


def _opened(entry: Entry) -> Case:
    body = entry.body
    if not isinstance(body, e.Opened) or entry.version != 1:
        raise LedgerBroken(f"{entry.case_id} does not begin with its opening")
    return Case(
        id=entry.case_id,
        state=next_state(State.NEW, body.transition),
        version=1,
        revision=0,
        generation=1,
        kind=body.signal.kind,
        fingerprint=body.signal.fingerprint,
        signal=body.signal,
        owner=body.owner,
        channel=body.channel,
        opened_at=entry.at,
        changed_at=entry.at,
        sla=body.sla,
        team=body.owner,
        remind_at=body.sla.remind_at,
        people=tuple(name for name in [body.signal.requester or ""] if is_principal(name)),
    )


def _recurred(case: Case, body: e.Recurred, entry: Entry) -> Case:
    again = Requester(body.signal.requester, entry.at) if body.signal.requester else None
    if again and len(case.raised_again) >= MAX_REQUESTERS:
        again = Requester(OTHERS, entry.at)
    is_new = again is not None and all(again.account != one.account for one in case.requesters)
    raised_again = (*case.raised_again, again) if again and is_new else case.raised_again
    return replace(case, count=case.count + 1, cleared_at=None, raised_again=raised_again)


def _cleared(case: Case, body: e.Cleared, entry: Entry) -> Case:
    ending = StatusReason(entry.at, entry.actor, "it went away by itself")
    return replace(case, cleared_at=entry.at, ending=ending, snoozed_until=None)


def _recognised(case: Case, body: e.Recognised, entry: Entry) -> Case:
    kind = body.recognition.kind or case.kind
    return replace(
        case,
        kind=kind,
        recognition=body.recognition,
        owner=body.owner,
        channel=body.channel,
        sla=body.sla,
        is_urgent=body.is_urgent,
        team=body.owner,
        remind_at=body.sla.remind_at,
    )


def _named(case: Case, body: e.Named, entry: Entry) -> Case:
    """In another channel it is another card; the old one says where it went."""
    return replace(
        case,
        kind=body.kind,
        named_by=body.by_name,
        is_urgent=False,
        owner=body.owner,
        channel=body.channel,
        sla=body.sla,
        generation=case.generation + (body.channel != case.channel),
        ending=None,
        team=body.owner,
        remind_at=body.sla.remind_at,
    )


def _novel(case: Case, body: e.Novel, entry: Entry) -> Case:
    return replace(case, is_novel=True, named_by=body.by_name)


def _narrated(case: Case, body: e.Narrated, entry: Entry) -> Case:
    return replace(case, words=body.words) if body.on_revision == case.revision else case


def _gathered(case: Case, body: e.Gathered, entry: Entry) -> Case:
    return replace(case, evidence=body.evidence, what=body.what, why=body.why, stake=body.stake)


def _proposal(case: Case, body: e.Recommended | e.Referred | e.Authorised, entry: Entry) -> Case:
    sla = getattr(body, "sla", None) or case.sla
    return replace(
        case,
        revision=entry.revision,
        recommendation=body.recommendation,
        plan=body.plan,
        verdict=body.verdict,
        approvals=(),
        steps=(),
        editors=(),
        changes=(),
        words=None,
        escalated=False,
        sla=sla,
        remind_at=sla.remind_at,
        reminded=0,
        step_ups=(),
        undo_approvals=(),
        expires_at=body.expires_at if isinstance(body, e.Recommended) else None,
        ending=None,
    )


def _referred(case: Case, body: e.Referred, entry: Entry) -> Case:
    return replace(
        _proposal(case, body, entry), ending=StatusReason(entry.at, entry.actor, body.reason)
    )


def _authorised(case: Case, body: e.Authorised, entry: Entry) -> Case:
    case = replace(case, decided_at=case.decided_at or entry.at)
    if body.plan is None:
        return case
    alone = Approval(body.by[0], "policy", body.digest, entry.at)
    return replace(_proposal(case, body, entry), approvals=(alone,))


def _step_up_asked(case: Case, body: e.StepUpAsked, entry: Entry) -> Case:
    """A new link takes the place of the last one."""
    asked = StepUp(
        person=entry.actor,
        name=body.by_name,
        revision=entry.revision,
        ticket=body.ticket,
        note=body.note,
        until=body.until,
        purpose=body.purpose,
    )
    return replace(case, step_ups=(*_others(case, entry.actor), asked))


def _others(case: Case, person: str) -> tuple[StepUp, ...]:
    return tuple(one for one in case.step_ups if one.person != person)


def _approval_given(case: Case, body: e.ApprovalGiven, entry: Entry) -> Case:
    """Whatever link this person had has done its work."""
    return replace(
        case, approvals=(*case.approvals, body.approval), step_ups=_others(case, entry.actor)
    )


def _withdrawn(case: Case, body: e.Withdrawn, entry: Entry) -> Case:
    return replace(
        case, approvals=tuple(given for given in case.approvals if given.person != body.person)
    )


def _rejected(case: Case, body: e.Rejected, entry: Entry) -> Case:
    ending = StatusReason(entry.at, body.by_name, body.reason.description, body.note)
    return replace(case, ending=ending, snoozed_until=None, decided_at=case.decided_at or entry.at)


def _edited(case: Case, body: e.Edited, entry: Entry) -> Case:
    return replace(
        case,
        revision=entry.revision,
        plan=body.plan,
        verdict=body.verdict,
        editors=(*case.editors, entry.actor),
        changes=body.changes,
        approvals=(),
        step_ups=(),
        expires_at=body.expires_at,
    )


def _handed_over(case: Case, body: e.HandedOver, entry: Entry) -> Case:
    return replace(case, owner=body.to, team=case.team if "/" in body.to else body.to)


def _claimed(case: Case, body: e.Claimed, entry: Entry) -> Case:
    return replace(case, owner=entry.actor)


def _snoozed(case: Case, body: e.Snoozed, entry: Entry) -> Case:
    ending = StatusReason(entry.at, body.by_name, body.reason)
    return replace(case, snoozed_until=body.until, approvals=(), ending=ending)


def _woken(case: Case, body: e.Woken, entry: Entry) -> Case:
    return replace(case, snoozed_until=None, ending=None, generation=case.generation + 1)


def _escalated(case: Case, body: e.Escalated, entry: Entry) -> Case:
    later = max(case.expires_at, body.expires_at) if case.expires_at else None
    return replace(
        case,
        owner=body.to,
        team=body.to,
        expires_at=later,
        escalated=True,
        remind_at=body.remind_at,
        reminded=0,
    )


def _reminded(case: Case, body: e.Reminded, entry: Entry) -> Case:
    return replace(case, remind_at=body.next_at, reminded=case.reminded + 1)


def _expired(case: Case, body: e.Expired, entry: Entry) -> Case:
    return replace(
        case, ending=StatusReason(entry.at, entry.actor, "nobody decided in time; nothing was done")
    )


def _step_started(case: Case, body: e.StepStarted, entry: Entry) -> Case:
    started = Step(StepState.STARTED, body.key, "", entry.at)
    if body.step < len(case.steps):
        return _with_step(case, body.step, started)
    return replace(case, steps=(*case.steps, started))


def _step_reported(case: Case, body: e.StepReported, entry: Entry) -> Case:
    return _report(case, body.step, body.state, body.detail, entry)


def _report(case: Case, step: int, state: StepState, detail: str, entry: Entry) -> Case:
    return _with_step(case, step, Step(state, case.steps[step].key, detail, entry.at))


def _with_step(case: Case, step: int, record: Step) -> Case:
    return replace(case, steps=(*case.steps[:step], record, *case.steps[step + 1 :]))


def _drifted(case: Case, body: e.Drifted, entry: Entry) -> Case:
    """Back to the beginning, on a fresh card: whoever approved the old one must see that it is another question now."""
    return replace(
        case,
        drifted=body.reasons,
        approvals=(),
        expires_at=None,
        ending=None,
        generation=case.generation + 1,
    )


def _retriage_asked(case: Case, body: e.RetriageAsked, entry: Entry) -> Case:
    reasons = (f"{body.by_name} asked to look again",)
    return replace(
        case,
        drifted=reasons,
        approvals=(),
        expires_at=None,
        ending=None,
        generation=case.generation + 1,
    )


def _stopped(case: Case, body: e.Stopped, entry: Entry) -> Case:
    ending = StatusReason(entry.at, entry.actor, body.reason)
    return replace(case, ending=ending, undoing=False, undo_until=None)


def _parked(case: Case, body: e.Parked, entry: Entry) -> Case:
    """Whoever owns it is asked at the next look, and then with growing gaps."""
    return replace(
        case,
        ending=StatusReason(entry.at, entry.actor, body.reason),
        remind_at=entry.at + PARKED_REMINDER_DELAY,
        reminded=0,
    )


def _settled(case: Case, body: e.Settled, entry: Entry) -> Case:
    before = case.steps[body.step].state
    after = _settled_as(before, landed=body.landed)
    return replace(
        _report(case, body.step, after, f"{body.by_name}: {body.note}", entry), ending=None
    )


def _settled_as(before: StepState, *, landed: bool) -> StepState:
    """What a person's word makes of a step whose outcome was in doubt: the doing of it, or the undoing of it."""
    if before in {
        StepState.UNDOING,
        StepState.UNDO_UNKNOWN,
        StepState.UNDO_MISSING,
        StepState.LANDED,
    }:
        return StepState.UNDONE if landed else StepState.LANDED
    return StepState.LANDED if landed else StepState.FAILED


def _resolved(case: Case, body: e.Resolved, entry: Entry) -> Case:
    ending = StatusReason(entry.at, body.by_name, body.resolution, body.note)
    return replace(
        case,
        ending=ending,
        undo_until=body.undo_until,
        undo_approvals=(),
        decided_at=case.decided_at or entry.at,
    )


def _undo_approved(case: Case, body: e.UndoApproved, entry: Entry) -> Case:
    """Whatever link this person had has done its work."""
    votes = (*case.undo_approvals, body.approval)
    return replace(case, undo_approvals=votes, step_ups=_others(case, entry.actor))


def _undo_asked(case: Case, body: e.UndoAsked, entry: Entry) -> Case:
    ending = StatusReason(entry.at, body.by_name, "taken back", body.note)
    return replace(case, undoing=True, undo_until=body.until, ending=ending)


def _undo_lapsed(case: Case, body: e.UndoLapsed, entry: Entry) -> Case:
    ending = StatusReason(entry.at, entry.actor, f"not taken back: {body.reason}")
    return replace(
        case,
        undoing=False,
        undo_until=body.undo_until,
        undo_approvals=(),
        ending=ending,
    )


def _reopened(case: Case, body: e.Reopened, entry: Entry) -> Case:
    return replace(
        case,
        reopened=body.reason,
        cleared_at=None,
        ending=None,
        approvals=(),
        steps=(),
        drifted=(),
        undo_until=None,
        undoing=False,
        undo_approvals=(),
        generation=case.generation + 1,
    )


def _refused(case: Case, body: e.AttemptRefused, entry: Entry) -> Case:
    return replace(case, refusals=case.refusals + 1)


def _conflicted(case: Case, body: e.Conflicted, entry: Entry) -> Case:
    return replace(case, conflicts=case.conflicts + 1)


def _marked_clear(case: Case, body: e.MarkedClear, entry: Entry) -> Case:
    return replace(case, cleared_at=entry.at)


FOLDS: dict[type[Body], Callable[[Case, Any, Entry], Case]] = {
    e.Recurred: _recurred,
    e.Cleared: _cleared,
    e.MarkedClear: _marked_clear,
    e.Conflicted: _conflicted,
    e.Recognised: _recognised,
    e.Named: _named,
    e.Novel: _novel,
    e.Narrated: _narrated,
    e.Gathered: _gathered,
    e.Recommended: _proposal,
    e.Referred: _referred,
    e.StepUpAsked: _step_up_asked,
    e.ApprovalGiven: _approval_given,
    e.Withdrawn: _withdrawn,
    e.Authorised: _authorised,
    e.Rejected: _rejected,
    e.Edited: _edited,
    e.HandedOver: _handed_over,
    e.Claimed: _claimed,
    e.Snoozed: _snoozed,
    e.Woken: _woken,
    e.Escalated: _escalated,
    e.Reminded: _reminded,
    e.Expired: _expired,
    e.StepStarted: _step_started,
    e.StepReported: _step_reported,
    e.Drifted: _drifted,
    e.RetriageAsked: _retriage_asked,
    e.Stopped: _stopped,
    e.Parked: _parked,
    e.Settled: _settled,
    e.Resolved: _resolved,
    e.Reopened: _reopened,
    e.UndoApproved: _undo_approved,
    e.UndoAsked: _undo_asked,
    e.UndoLapsed: _undo_lapsed,
    e.AttemptRefused: _refused,
}
