"""Last year's cases of Harbour & Vine, played through the real desk.

Signals come from the real detection queries, actions change the real tables, and people decide by
seeded dice. Only the clock is set back, and nobody is written to. So the ledger of these cases is
a real one.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.cases.actor import Surface, UserId
from bot.cases.approval import Groups, Person
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import ReviewRight
from bot.cases.desk_kinds import DESK_SOURCE, stage_kind
from bot.cases.errors import Refusal
from bot.cases.group_lists import Gap, Gaps
from bot.cases.lifecycle import State
from bot.cases.signal import Signal, SignalStatus
from bot.demo.company import SampleException
from bot.demo.notes import MISTAKE_NOTE, NOTES, PROMOTION_NOTE
from bot.demo.people import TEAM, WORKSPACE, principal
from bot.desk.decision_path import Request
from bot.desk.detection import detection_parameters
from bot.ports.directory import Directory
from bot.ports.outbox import Topic
from bot.use_cases import Desk
from scheduler.detectors import signal_from_row

CLEARED_SHARE = 0.1
REJECTED_SHARE = 0.16
#: What happens often is hardly ever decided otherwise.
ROUTINE_REJECTED_SHARE = 0.03
ROUTINE = frozenset({"booking_no_cover", "service_note_open", "task_no_evidence"})
REVIEWED_SHARE = 0.9
#: Those who govern look at what may run alone once a month. What the last month has earned is put
#: before them by the running bot.
GOVERNING_INTERVAL = timedelta(days=30)
#: So long before the end a review finds a run of this kind wrong.
MISTAKE_BEFORE = timedelta(days=210)
MISTAKEN_KIND = "booking_no_cover"
EDITED_SHARE = 0.25
EXTRA_BOTTLES = 6
CLOCK_STEP = timedelta(milliseconds=40)
LEASE_SECONDS = 60
CLAIM_LIMIT = 50
#: Farther ahead than any follow-up of the sample's playbooks.
WORK_HORIZON = timedelta(days=2)


@dataclass
class ManualClock:
    """A clock set by hand, which moves on a little when read."""

    at: datetime

    def __call__(self) -> datetime:
        self.at += CLOCK_STEP
        return self.at


class SampleDirectory(Directory):
    """The sample company's people, known without Slack."""

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        user = next(user for user in WORKSPACE["users"] if f"{TEAM}/{user['id']}" == principal)
        return Person(
            principal,
            user["real_name"],
            guest=user.get("is_restricted", False),
        )

    def find_people(self, name: str) -> list[Person]:
        return []

    def members_of(self, channel: str) -> frozenset[str]:
        members = {one["id"]: one["members"] for one in WORKSPACE["channels"]}
        return frozenset(map(principal, members.get(channel, [])))

    def groups(self, handles: Sequence[str], *, fresh: bool = False) -> Groups:
        members = {group["handle"]: group["users"] for group in WORKSPACE["groups"]}
        return {handle: frozenset(map(principal, members.get(handle, []))) for handle in handles}

    def group_gaps(self, handles: Sequence[str]) -> Gaps:
        groups = self.groups(handles)
        return {handle: Gap.UNKNOWN for handle in handles if not groups[handle]}


def _seeded_dice() -> random.Random:
    return random.Random(11)  # noqa: S311 (a sample, not a secret)


@dataclass(kw_only=True)
class HistoryPlayer:
    """Play exceptions of the past through a desk that reads this clock."""

    desk: Desk
    clock: ManualClock
    #: Ends an exception in the company's database.
    settle: Callable[[SampleException], None]
    directory: SampleDirectory = field(default_factory=SampleDirectory)
    dice: random.Random = field(default_factory=_seeded_dice)
    #: When the past is over; set by ``play``.
    ends_at: datetime = datetime(9999, 1, 1, tzinfo=UTC)

    def play(
        self, exceptions: Sequence[SampleException], progress: Callable[[int, int], None]
    ) -> None:
        """Play each exception from its signal to the end of its case.

        ``progress`` is called with how many are done, and how many there are.
        """
        first, last = (exceptions[index].at.replace(tzinfo=UTC) for index in (0, -1))
        self.ends_at = last
        meetings = _governing_times(first, last)
        for count, exception in enumerate(exceptions, start=1):
            while meetings and meetings[0] <= exception.at.replace(tzinfo=UTC):
                self._govern(meetings.pop(0))
            self._play_exception(exception)
            progress(count, len(exceptions))
        # Nobody is to be shown the past, nor is anything to be found out about it.
        self.desk.store.outbox.discard([Topic.CARD, Topic.NOTE, Topic.CALL, Topic.OBSERVE])

    def _govern(self, at: datetime) -> None:
        """Let those who govern decide on what was earned."""
        self.clock.at = max(self.clock.at, at)
        self.desk.upkeep.promotions.review()
        self._work()
        for kind, _ in self.desk.library.titles():
            for case in self.desk.store.queries.open_from(DESK_SOURCE, stage_kind(kind)):
                self._wait(1800, 5400)
                governor = self._anyone_of(case.owner)
                self.desk.decisions.approve(_request(case, governor), note=PROMOTION_NOTE)
        self._work()

    def _play_exception(self, exception: SampleException) -> None:
        self.clock.at = max(self.clock.at, exception.at.replace(tzinfo=UTC))
        signal = self._detect(exception)
        receipt = self.desk.intake.receive(signal, b"")
        if receipt.case_id is None:
            return
        self._work()
        case = self.desk.store.cases.case(receipt.case_id)
        if case.was_auto_approved:
            self._review(case)
            return
        self._wait(30, 5400)
        if self.dice.random() < CLEARED_SHARE:
            self.settle(exception)
            self.desk.intake.receive(_clear_signal(signal), b"")
        else:
            self._decide(receipt.case_id)
        self._work()

    def _review(self, case: Case) -> None:
        """Let an owner review a run alone of the sample."""
        if not case.is_review_due or self.dice.random() > REVIEWED_SHARE:
            return
        self._wait(1800, 14_400)
        owners = self.desk.library.playbook(case.kind).owners
        request = _request(case, self._anyone_of(owners.business))
        if case.kind == MISTAKEN_KIND and self.clock.at > self.ends_at - MISTAKE_BEFORE:
            self.desk.decisions.review_wrong(request, note=MISTAKE_NOTE)
        else:
            self.desk.decisions.decide(request, ReviewRight)

    def _detect(self, exception: SampleException) -> Signal:
        """Find the exception's row by its playbook's own query."""
        playbook = self.desk.library.playbook(exception.kind)
        detection = playbook.detection
        if detection is None:
            raise LookupError(f"{exception.kind} has no detection")
        # The query is that of our own playbook.
        query = f"SELECT * FROM ({detection.query}) WHERE subject = :subject"  # noqa: S608
        parameters = {**detection_parameters(self.clock()), "subject": exception.subject}
        (row,) = self.desk.systems[detection.system].look_up(query, parameters, 2)
        return signal_from_row(
            playbook=playbook,
            detection=detection,
            row=row,
            count_episodes=_no_episodes,
        )

    def _decide(self, case_id: str) -> None:
        """Let people decide.

        Mostly they approve, at times with another quantity, at times they reject.
        """
        case = self.desk.store.cases.case(case_id)
        if case.state is State.REFERRED:
            self._resolve(case)
        if case.state is not State.PROPOSED or case.proposal.verdict is None:
            return
        groups = [factor.group for factor in case.proposal.verdict.factors]
        share = ROUTINE_REJECTED_SHARE if case.kind in ROUTINE else REJECTED_SHARE
        if self.dice.random() < share:
            self._reject(case, groups[0])
            return
        if case.kind == "low_stock" and self.dice.random() < EDITED_SHARE and case.proposal.plan:
            case = self._edit(case)
            # Another quantity may need other approvers.
            groups = (
                [factor.group for factor in case.proposal.verdict.factors]
                if case.proposal.verdict
                else []
            )
        for group in groups:
            self._wait(20, 1800)
            self._approve(case, group)

    def _resolve(self, case: Case) -> None:
        self.desk.decisions.resolve(
            _request(case, self._anyone_of(case.owner)),
            note=NOTES[case.kind].resolution,
        )

    def _reject(self, case: Case, group: str) -> None:
        reason, note = self.dice.choice(NOTES[case.kind].rejections())
        self.desk.decisions.reject(
            _request(case, self._anyone_of(group)),
            reason=reason,
            note=note,
        )

    def _edit(self, case: Case) -> Case:
        quantity = EXTRA_BOTTLES
        if case.proposal.plan:
            quantity += int(str(case.proposal.plan.actions[0].parameters["quantity"]))
        try:
            return self.desk.decisions.edit(
                _request(case, self._anyone_of(case.owner)),
                values={"quantity": quantity},
            )
        except Refusal:
            return self.desk.store.cases.case(case.id)

    def _approve(self, case: Case, group: str) -> None:
        """Approve as the first member who may.

        Whoever edited the plan may not.
        """
        for person in sorted(self.directory.groups([group])[group]):
            try:
                self.desk.decisions.approve(_request(case, person), note=NOTES[case.kind].approval)
            except Refusal:
                continue
            return

    def _anyone_of(self, group: str) -> str:
        members = sorted(self.directory.groups([group])[group])
        staff = [member for member in members if not self.directory.person(member).guest]
        return self.dice.choice(staff)

    def _wait(self, minimum: int, maximum: int) -> None:
        """Let some seconds pass, as many as the dice says."""
        self.clock.at += timedelta(seconds=self.dice.randrange(minimum, maximum))

    def _work(self) -> None:
        """Empty the outbox as the workers would, without drawing cards."""
        handlers = {
            Topic.TRIAGE: self.desk.triage.run,
            Topic.EXECUTE: self.desk.execution.executor.run,
            Topic.FOLLOW_UP: self.desk.execution.follow_up.run,
        }
        horizon = self.clock.at + WORK_HORIZON
        topics = list(handlers)
        while rows := self.desk.store.outbox.claim(
            topics,
            limit=CLAIM_LIMIT,
            now=horizon,
            lease_seconds=LEASE_SECONDS,
        ):
            for row in rows:
                handlers[row.topic](row)


def _governing_times(first: datetime, last: datetime) -> list[datetime]:
    """Return the times at which those who govern meet."""
    count = (last - first) // GOVERNING_INTERVAL
    return [last - GOVERNING_INTERVAL * number for number in range(count, 0, -1)]


def _no_episodes(fingerprints: Sequence[str]) -> int:
    # Each exception of the sample is a new one.
    return 0


def _clear_signal(signal: Signal) -> Signal:
    return Signal(
        source=signal.source,
        key=f"{signal.key}#clear",
        kind=signal.kind,
        subject=signal.subject,
        title=signal.title,
        occurred_at=None,
        facts={},
        status=SignalStatus.CLEAR,
    )


def _request(case: Case, person: str) -> Request:
    return Request(
        case_id=case.id,
        by=UserId(person),
        snapshot=CardSnapshot.of(case),
        surface=Surface.HISTORY,
    )
