"""Logs of payment requests: what happened to each, and what should have come of it.

The reference reads a log on its own and knows nothing of the desk: a payment goes when everybody of
the chain has approved the latest submission and nobody has rejected it since.
"""

import gzip
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

FILE_NAME = "RequestForPayment.jsonl.gz"
OFFICE = "finance"
#: The groups of people, by the roles of the log.
GROUPS = {
    "ADMINISTRATION": "administration",
    "BUDGET OWNER": "budget-owner",
    "PRE_APPROVER": "pre-approver",
    "SUPERVISOR": "supervisor",
    "DIRECTOR": "director",
    # A rejection that names nobody comes from the office that pays, as does any other role.
    "MISSING": OFFICE,
}
EMPLOYEE = "EMPLOYEE"


class Act(StrEnum):
    """What somebody does in a log."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    PAY = "pay"


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a log."""

    at: datetime
    act: Act
    #: The group that acts; empty for the employee and the payment run.
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """All that happened to one request."""

    name: str
    amount: Decimal
    events: tuple[LogEvent, ...]
    #: The groups that must approve, the last of them for good.
    chain: tuple[str, ...]

    @property
    def payments(self) -> int:
        """Count the payments that are right by the log alone."""
        return len(self.right_payments())

    def right_payments(self) -> list[int]:
        """Return the places of the payment runs in which it should be paid."""
        approvals: set[str] = set()
        is_submitted = False
        places: list[int] = []
        for place, event in enumerate(self.events):
            match event.act:
                case Act.SUBMIT:
                    # A request that waits or is approved is not submitted anew by a second form.
                    if not is_submitted:
                        approvals = set()
                    is_submitted = True
                case Act.APPROVE if is_submitted:
                    approvals.add(event.group)
                case Act.REJECT:
                    is_submitted, approvals = False, set()
                case Act.PAY if is_submitted and approvals >= set(self.chain) and not places:
                    places.append(place)
        return places


def read_logs(folder: Path) -> list[Log] | None:
    """Read the logs; None where they are not there."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    with gzip.open(path, "rt", encoding="utf-8") as file:
        logs = [_read_log(json.loads(line)) for line in file if line.strip()]
    # One that was only ever saved has no event.
    return [log for log in logs if log.events]


def _read_log(plain: Mapping[str, Any]) -> Log:
    events = []
    for at, name, *_ in plain["events"]:
        event = _read_event(datetime.fromisoformat(at), name)
        if event is not None:
            events.append(event)
    return Log(
        name=str(plain["case"]),
        amount=round(Decimal(str(plain["amount"])), 2),
        events=tuple(events),
        chain=_chain(events),
    )


def _read_event(at: datetime, name: str) -> LogEvent | None:
    words = name.removeprefix("Request For Payment ")
    what, _, role = words.partition(" by ")
    if what == "Request Payment":
        return LogEvent(at, Act.PAY)
    if what == "SUBMITTED":
        return LogEvent(at, Act.SUBMIT)
    if what in {"APPROVED", "FINAL_APPROVED"}:
        return LogEvent(at, Act.APPROVE, GROUPS.get(role, OFFICE))
    if what == "REJECTED" and role != EMPLOYEE:
        return LogEvent(at, Act.REJECT, GROUPS.get(role, OFFICE))
    # Saved, handled by the bank, or taken back by its author after a rejection: nothing to do.
    return None


def _chain(events: Sequence[LogEvent]) -> tuple[str, ...]:
    """Read from a log who had to approve: those who did, in its last complete round."""
    rounds: list[list[str]] = [[]]
    complete: list[str] = []
    for event in events:
        if event.act is Act.SUBMIT:
            rounds.append([])
        elif event.act is Act.APPROVE:
            rounds[-1].append(event.group)
            if event.group in {"supervisor", "director"}:
                complete = list(rounds[-1])
    return tuple(dict.fromkeys(complete or [*rounds[-1], "supervisor"]))


class LogMutator:
    """Makes logs that must not be paid, or not twice, of those that were paid."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self.rules: Mapping[str, Callable[[Log], Log | None]] = {
            "an approval is missing": self._drop_approval,
            "rejected after the approval": self._reject_late,
            "paid before the approval": self._pay_early,
            "approved before the submission": self._approve_early,
            "approved only before a rejection": self._keep_old_approvals,
            "everything twice": self._double,
        }

    def mutate(self, log: Log, name: str) -> Log | None:
        """Change a log by a rule; None where the rule has nothing to change."""
        return self.rules[name](log)

    def _last_round(self, log: Log) -> tuple[int, list[int], int]:
        """Return the places of the last submission, of its approvals, and of its payment."""
        (payment,) = log.right_payments()
        submission = max(
            place for place, event in enumerate(log.events[:payment]) if event.act is Act.SUBMIT
        )
        approvals = [
            place for place in range(submission, payment) if log.events[place].act is Act.APPROVE
        ]
        return submission, approvals, payment

    def _drop_approval(self, log: Log) -> Log | None:
        _, approvals, _ = self._last_round(log)
        group = log.events[self._dice.choice(approvals)].group
        kept = [
            event
            for place, event in enumerate(log.events)
            if not (place in approvals and event.group == group)
        ]
        return replace(log, events=tuple(kept))

    def _reject_late(self, log: Log) -> Log | None:
        *_, payment = self._last_round(log)
        group = self._dice.choice([*log.chain, "finance"])
        rejection = LogEvent(log.events[payment].at - timedelta(seconds=1), Act.REJECT, group)
        events = (*log.events[:payment], rejection, *log.events[payment:])
        return replace(log, events=events)

    def _pay_early(self, log: Log) -> Log | None:
        _, approvals, payment = self._last_round(log)
        early = self._dice.choice(approvals)
        events = list(log.events)
        run = events.pop(payment)
        # An approval that comes twice in a round would count without the later one.
        later = {event.group for event in events[early:payment]}
        before = {event.group for event in events[approvals[0] : early]}
        if not later - before:
            return None
        events.insert(early, run)
        return replace(log, events=tuple(events))

    def _approve_early(self, log: Log) -> Log | None:
        submission, approvals, _ = self._last_round(log)
        group = log.events[self._dice.choice(approvals)].group
        moved = [place for place in approvals if log.events[place].group == group]
        rest = [event for place, event in enumerate(log.events) if place not in moved]
        early = [log.events[place] for place in moved]
        events = (*rest[:submission], *early, *rest[submission:])
        return replace(log, events=events)

    def _keep_old_approvals(self, log: Log) -> Log | None:
        submission, approvals, _ = self._last_round(log)
        if not any(event.act is Act.APPROVE for event in log.events[:submission]):
            return None
        kept = [event for place, event in enumerate(log.events) if place not in approvals]
        return replace(log, events=tuple(kept))

    def _double(self, log: Log) -> Log | None:
        return replace(log, events=tuple(event for event in log.events for _ in range(2)))
