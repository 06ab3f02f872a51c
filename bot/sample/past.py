"""The past of Harbour & Vine: more than four hundred cases of the last year, played through the real desk, so that their ledger is real.

Signals come from the real detection queries, actions change the real tables, people decide by a seeded dice; only the clock is set
back, and nobody is written to.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.cases.actor import Surface, UserId
from bot.cases.approval import Groups, Person
from bot.cases.case import Case
from bot.cases.entries import RejectReason
from bot.cases.errors import Refusal
from bot.cases.lifecycle import State
from bot.cases.seen import Seen
from bot.cases.signal import Signal, SignalStatus
from bot.desk.decision_path import Request
from bot.desk.detection import detection_parameters
from bot.ports.directory import Directory
from bot.ports.outbox import Topic
from bot.sample.company import Trouble
from bot.sample.people import TEAM, WORKSPACE, principal
from bot.wiring import Desk
from scheduler.detectors import signal_of

REJECTIONS = (
    (RejectReason.WRONG_PLAN, "the usual supplier is closed that day"),
    (RejectReason.ALREADY_HANDLED, "sorted on the phone this morning"),
    (RejectReason.NOT_WORTH_IT, ""),
    (RejectReason.WRONG_FACTS, "the count in the system is old"),
)


@dataclass
class SetClock:
    """A clock that is set by hand and goes on a little with every look."""

    at: datetime

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=40)
        return self.at


class Register(Directory):
    """The sample people without asking Slack: who they are is in this package."""

    def person(self, principal: str, *, fresh: bool = False) -> Person:
        user = next(user for user in WORKSPACE["users"] if f"{TEAM}/{user['id']}" == principal)
        return Person(principal, user["real_name"], guest=user.get("is_restricted", False))

    def members_of(self, channel: str) -> frozenset[str]:
        found: list[str] = next(
            (one["members"] for one in WORKSPACE["channels"] if one["id"] == channel), []
        )
        return frozenset(map(principal, found))

    def groups(self, handles: Sequence[str], *, fresh: bool = False) -> Groups:
        members = {group["handle"]: group["users"] for group in WORKSPACE["groups"]}
        return {handle: frozenset(map(principal, members.get(handle, []))) for handle in handles}


@dataclass
class Past:
    """Plays the troubles of the past through a desk whose clock is ``clock``."""

    desk: Desk
    clock: SetClock
    dice: random.Random = field(default_factory=lambda: random.Random(11))  # noqa: S311 (a sample, not a secret)

    def play(self, troubles: Sequence[Trouble], progress: Callable[[], None] = lambda: None) -> int:
        """Every trouble, from its signal to its end; returns how many there were."""
        for trouble in troubles:
            self._live_through(trouble)
            progress()
        self.desk.store.outbox.discard([Topic.CARD, Topic.NOTE])
        return len(troubles)

    def _live_through(self, trouble: Trouble) -> None:
        self.clock.at = max(self.clock.at, trouble.at.replace(tzinfo=UTC))
        signal = self._noticed(trouble)
        receipt = self.desk.intake.receive(signal, b"")
        if receipt.case_id is None:
            return
        self._work(receipt.case_id)
        self._wait(30, 5400)
        if self.dice.random() < 0.1:
            self.desk.intake.receive(_cleared(signal), b"")
        else:
            self._decide(receipt.case_id)
        self._work(receipt.case_id)

    def _noticed(self, trouble: Trouble) -> Signal:
        playbook = self.desk.library.playbook(trouble.kind)
        detection = playbook.detection
        if detection is None:
            raise LookupError(f"{trouble.kind} has no detection")
        narrowed = f"SELECT * FROM ({detection.query}) WHERE subject = :subject"  # noqa: S608 (our own playbook)
        asked = {**detection_parameters(self.clock()), "subject": trouble.subject}
        (row,) = self.desk.systems[detection.system].look_up(narrowed, asked, 2)
        return signal_of(playbook, detection, row, lambda fingerprint: 0)

    def _decide(self, case_id: str) -> None:
        """Those who may decide do: mostly yes, now and then another quantity first, sometimes no."""
        case = self.desk.store.cases.case(case_id)
        if case.state is not State.PROPOSED or case.verdict is None:
            if case.state is State.REFERRED:
                self.desk.decisions.resolve(
                    _request(case, self._someone(case.owner)), "called them and settled it"
                )
            return
        groups = [factor.group for factor in case.verdict.factors]
        if self.dice.random() < 0.16:
            reason, note = self.dice.choice(REJECTIONS)
            self.desk.decisions.reject(_request(case, self._someone(groups[0])), reason, note)
            return
        if case.kind == "low_stock" and self.dice.random() < 0.25 and case.plan:
            case = self._edit(case)
        for group in [factor.group for factor in case.verdict.factors] if case.verdict else []:
            self._wait(20, 1800)
            self._approve(case, group)

    def _edit(self, case: Case) -> Case:
        quantity = int(str(case.plan.actions[0].parameters["quantity"])) + 6 if case.plan else 6
        try:
            return self.desk.decisions.edit(
                _request(case, self._someone(case.owner)), {"quantity": quantity}
            )
        except Refusal:
            return self.desk.store.cases.case(case.id)

    def _approve(self, case: Case, group: str) -> None:
        """Whoever of the group is free to: the first may have edited the plan."""
        for person in sorted(Register().groups([group])[group]):
            try:
                self.desk.decisions.approve(_request(case, person), "as discussed")
            except Refusal:
                continue
            return

    def _someone(self, group: str) -> str:
        able = [
            person
            for person in sorted(Register().groups([group])[group])
            if not Register().person(person).guest
        ]
        return self.dice.choice(able)

    def _wait(self, least: int, most: int) -> None:
        self.clock.at += timedelta(seconds=self.dice.randrange(least, most))

    def _work(self, case_id: str) -> None:
        """Do what the workers would, one row at a time; pictures of the past are not drawn."""
        handlers = {
            Topic.TRIAGE: self.desk.triage.run,
            Topic.EXECUTE: self.desk.executor.run,
            Topic.FOLLOW_UP: self.desk.follow_up.run,
        }
        later = self.clock.at + timedelta(days=2)
        while claimed := self.desk.store.outbox.claim(list(handlers), 50, later, 60):
            for work in claimed:
                handlers[work.topic](work)


def _cleared(signal: Signal) -> Signal:
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
    return Request(case_id=case.id, by=UserId(person), seen=Seen.of(case), surface=Surface.HISTORY)
