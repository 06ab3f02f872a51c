"""The measures of one case, folded from its ledger entries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.cases.case import Case
from bot.cases.desk_kinds import ASSISTANT, counted_kind
from bot.cases.entries import (
    ApprovalGiven,
    Claimed,
    Edited,
    Entry,
    Escalated,
    HandedOver,
    InquiryAnswered,
    InquiryOpened,
    MistakeReported,
    Named,
    Novel,
    Rejected,
    Reopened,
    Resolution,
    Resolved,
    RetriageAsked,
    ReviewGiven,
    Settled,
    Snoozed,
    StepStarted,
    Stopped,
    UndoApproved,
    Withdrawn,
    WokenEarly,
)
from bot.cases.evolve import evolve
from bot.cases.lifecycle import State
from bot.cases.results import EndedCases, agreement_of, is_undone
from bot.cases.review import ReviewVerdict
from bot.cases.signal import UNRECOGNISED

#: What costs a person working time, on a card or in its thread.
PERSON_ACTS = (
    ApprovalGiven,
    Withdrawn,
    Rejected,
    Edited,
    HandedOver,
    Claimed,
    Snoozed,
    WokenEarly,
    RetriageAsked,
    Named,
    Novel,
    InquiryOpened,
    InquiryAnswered,
    Settled,
    UndoApproved,
)
#: What decides a case, or has a part in deciding it.
DECISIONS = (ApprovalGiven, Rejected, Edited, UndoApproved)


@dataclass(frozen=True, slots=True)
class PersonAct:
    """One thing that a person did about the case."""

    at: datetime
    #: The account. It is counted, and leaves this room in no other way.
    person: str
    is_decision: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """A span between two entries."""

    since: datetime
    until: datetime


class Work(StrEnum):
    """The work that resolved a case."""

    #: None, or that of a dry run.
    NONE = "none"
    #: A plan changed something in an outside system.
    BY_PLAN = "by plan"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMeasures:
    """The measures of one case."""

    kind: str
    #: The group that answers for it.
    team: str
    #: Its working hours are those of the case.
    channel: str
    #: When the trouble began, where the source said so.
    occurred_at: datetime | None
    opened_at: datetime
    #: The first decision, of people or of policy.
    decided_at: datetime | None
    #: None while the case is open.
    ended_at: datetime | None
    #: How it ended, in the terms of the store's tallies; None while it is open.
    ending: EndedCases | None
    work: Work
    #: A plan that had begun failed or was undone, and a person had to put it right.
    is_put_right: bool
    #: It went to another owner or kind than it was first opened for.
    is_rerouted: bool
    is_escalated: bool
    acts: tuple[PersonAct, ...] = ()
    #: From each hand-over by a person to the next act of anybody.
    hand_overs: tuple[Wait, ...] = ()
    #: When a resolution proved wrong: it came back, or people called it a mistake. Once for each.
    leaks: tuple[datetime, ...] = ()

    @property
    def is_about_assistant(self) -> bool:
        """Tell whether it decides about the assistant."""
        return self.kind == ASSISTANT

    @property
    def is_recognised(self) -> bool:
        """Tell whether a playbook is for the case."""
        return self.kind != UNRECOGNISED

    @property
    def has_rework(self) -> bool:
        """Tell whether something had to be done twice."""
        ending = self.ending
        is_undone_or_reopened = ending is not None and bool(
            ending.reopened_count or ending.undone_count
        )
        return is_undone_or_reopened or self.is_put_right


@dataclass(slots=True, kw_only=True)
class CaseFold:
    """Folds the entries of one case, one after the other.

    It may stop anywhere and go on later: the result is that of all entries.
    """

    case: Case | None = None
    acts: list[PersonAct] = field(default_factory=list)
    hand_overs: list[Wait] = field(default_factory=list)
    leaks: list[datetime] = field(default_factory=list)
    #: The last resolution has proved wrong already.
    is_leaked: bool = False
    #: A hand-over that nobody has answered by an act.
    handed_over_at: datetime | None = None
    is_begun: bool = False
    is_stopped: bool = False
    is_put_right: bool = False
    is_rerouted: bool = False
    is_escalated: bool = False

    def add(self, entry: Entry) -> None:
        """Fold the next entry.

        Raises:
            CountersignError: it does not follow the one before.
        """
        state_before = self.case.state if self.case else State.NEW
        self.case = evolve(self.case, entry)
        self._note_act(entry)
        match entry.body:
            case Reopened() if state_before is State.RESOLVED:
                self._note_leak(entry.at)
            case MistakeReported() | ReviewGiven(verdict=ReviewVerdict.WRONG):
                self._note_leak(entry.at)
            case Escalated():
                self.is_escalated = True
            case Named() | HandedOver():
                self.is_rerouted = True
            case StepStarted():
                self.is_begun = True
            case Stopped():
                self.is_stopped = self.is_begun
            case Resolved():
                self.is_leaked = False
                is_by_hand = entry.body.resolution is Resolution.BY_HAND
                self.is_put_right |= is_by_hand and self.is_stopped

    def _note_leak(self, at: datetime) -> None:
        if not self.is_leaked:
            self.leaks.append(at)
        self.is_leaked = True

    def _note_act(self, entry: Entry) -> None:
        """Note what a person did, and the hand-over that it answers."""
        body = entry.body
        is_by_hand = isinstance(body, Resolved) and body.resolution is Resolution.BY_HAND
        if not (isinstance(body, PERSON_ACTS) or is_by_hand) or not entry.actor.is_person:
            return
        if self.handed_over_at is not None:
            self.hand_overs.append(Wait(self.handed_over_at, entry.at))
        self.handed_over_at = entry.at if isinstance(body, HandedOver) else None
        is_decision = isinstance(body, DECISIONS) or is_by_hand
        self.acts.append(PersonAct(entry.at, entry.actor.id, is_decision))

    def measures(self) -> CaseMeasures | None:
        """Return the measures so far.

        None before the first entry, and of a probe.
        """
        case = self.case
        if case is None or case.probe is not None:
            return None
        ending = _ending(case)
        plan = case.proposal.plan
        work = Work.NONE
        if _is_by_hand(case):
            work = Work.BY_HAND
        elif case.state is State.RESOLVED and plan is not None and not plan.is_dry_run:
            work = Work.BY_PLAN
        return CaseMeasures(
            kind=counted_kind(case.kind, case.signal.source),
            team=case.team,
            channel=case.channel,
            occurred_at=case.signal.occurred_at,
            opened_at=case.timers.opened_at,
            decided_at=case.timers.decided_at,
            ended_at=case.ended_at,
            ending=ending,
            work=work,
            is_put_right=self.is_put_right,
            is_rerouted=self.is_rerouted,
            is_escalated=self.is_escalated,
            acts=tuple(self.acts),
            hand_overs=tuple(self.hand_overs),
            leaks=tuple(self.leaks),
        )


def fold_case(entries: Iterable[Entry]) -> CaseMeasures | None:
    """Fold the entries of one case into its measures; None without entries.

    Raises:
        CountersignError: the entries do not follow on each other.
    """
    fold = CaseFold()
    for entry in entries:
        fold.add(entry)
    return fold.measures()


def _is_by_hand(case: Case) -> bool:
    """Tell whether a person resolved the case, and no plan did."""
    reason = case.activity.status_reason
    if case.state is not State.RESOLVED or reason is None:
        return False
    return reason.reason == Resolution.BY_HAND


def _ending(case: Case) -> EndedCases | None:
    """Classify the end of a case as the store does."""
    if not case.is_terminal:
        return None
    return EndedCases(
        kind=case.kind,
        state=case.state,
        is_automatic=case.was_auto_approved and not _is_by_hand(case),
        agreement=agreement_of(case),
        cases=1,
        reopened_count=int(bool(case.activity.reopening_reason)),
        undone_count=int(is_undone(case)),
    )
