"""After the deed: has the trouble really gone? And what time itself asks for: waking what was snoozed, closing what nobody decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.cases import commands as m
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.decide import Decision, decide, record_entry
from bot.cases.entries import Reopened, Resolution
from bot.cases.errors import Conflict, ConnectorFailed, MoveNotAllowed
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.cases.signal import Signal
from bot.cases.sla import next_reminder
from bot.cases.text import bounded_key, storable
from bot.desk.effects import change
from bot.ports import Clock, LeasedMessage, Library, Store, Systems

MOST_ROWS = 5_000
AT_ONCE = 100
MOST_PAGES = 500
MAX_SUBJECT = 500


@dataclass(frozen=True)
class FollowUp:
    store: Store
    library: Library
    systems: Systems
    clock: Clock

    def run(self, work: LeasedMessage) -> None:
        """Look once more where the signal came from; a case whose trouble is still there is opened again."""
        case = self.store.case(work.case_id)
        playbook = self.library.playbook(case.kind)
        worked = (
            case.state is State.RESOLVED
            and case.ending is not None
            and case.ending.reason == Resolution.WORKED
        )
        if not (worked and self._still_there(case.signal, playbook)):
            self.store.finish(work)
            return
        now = self.clock()
        reopened = Reopened("what was done did not help: it is still there")
        self._write(case, record_entry(case, reopened, now), work)

    def _still_there(self, signal: Signal, playbook: Playbook) -> bool:
        detection = playbook.detection
        if detection is None or signal.source != detection.system:
            return False
        rows = self.systems[detection.system].look_up(
            detection.query, detection_parameters(self.clock()), MOST_ROWS
        )
        if any(subject_of(row) == signal.subject for row in rows):
            return True
        if len(rows) == MOST_ROWS:
            # Not among the first is not the same as gone.
            raise ConnectorFailed(f"{detection.system} has more rows than can be looked through")
        return False

    def process_due(self) -> int:
        """Do what has become due, a page at a time; returns how many cases moved. One that somebody moved first is left alone."""
        now, moved = self.clock(), 0
        for _ in range(MOST_PAGES):
            page = self.store.due(now, AT_ONCE)
            done = sum(self._keep(case, now) for case in page)
            moved += done
            if done < AT_ONCE:
                break
        return moved

    def _keep(self, case: Case, now: datetime) -> bool:
        try:
            self._write(case, decide(case, self._due_move(case, now), now), None)
        except (Conflict, MoveNotAllowed):
            return False
        return True

    def _due_move(self, case: Case, now: datetime) -> m.Command:
        """To wake; escalation to the next owner, or the end; or a reminder to the same person."""
        if case.state is State.SNOOZED:
            return m.Wake()
        playbook, hours = self.library.playbook(case.kind), self.library.hours(case.channel)
        times = playbook.measure
        is_over = (
            case.state is State.PROPOSED and case.expires_at is not None and now >= case.expires_at
        )
        is_late = (
            case.state is not State.OUTCOME_UNKNOWN
            and not case.escalated
            and now >= case.sla.decide_by
        )
        if is_over or is_late:
            remind_at = hours.after(now, times.decide_for / 2)
            wait = case.verdict.expires_for if case.verdict else times.decide_for
            return m.Expire(
                playbook.owners.next_owner,
                remind_at=remind_at,
                decide_for=times.decide_for,
                expires_at=hours.opening(now + wait),
            )
        next_at = next_reminder(
            case.sla,
            reminders=case.reminded,
            is_escalated=case.escalated or case.state is State.OUTCOME_UNKNOWN,
            now=now,
            decide_for=times.decide_for,
            hours=hours,
        )
        return m.Remind(next_at)

    def _write(self, case: Case, decision: Decision, done: LeasedMessage | None) -> None:
        playbook = self.library.playbook(case.kind)
        self.store.commit(change(case, decision, playbook), finished=done)


def detection_parameters(now: datetime) -> dict[str, str | int | float | bool | None]:
    """What every detection query may ask for: ``:now`` as text that sorts, in UTC."""
    return {"now": f"{now:%Y-%m-%d %H:%M:%S}"}


def subject_of(row: Mapping[str, Scalar]) -> str:
    """Name what a detected row is about; bounded, for it becomes part of a key that a database indexes."""
    return bounded_key(storable(str(row.get("subject"))), MAX_SUBJECT)
