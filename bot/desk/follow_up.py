"""After the deed: has the trouble really gone? And what time itself asks for: waking what was snoozed, closing what nobody decided."""

from dataclasses import dataclass
from datetime import datetime

from bot.cases import moves as m
from bot.cases.case import Case
from bot.cases.decide import decide
from bot.cases.entry import Resolution
from bot.cases.errors import Conflict, MoveNotAllowed
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.cases.signal import Signal
from bot.desk.outgoing import change
from bot.ports import Clock, Library, Store, Systems, Work

MOST_ROWS = 5_000
AT_ONCE = 100


@dataclass(frozen=True)
class FollowUp:
    store: Store
    library: Library
    systems: Systems
    clock: Clock

    def run(self, work: Work) -> None:
        """Look once more where the signal came from; a case whose trouble is still there is opened again."""
        case = self.store.case(work.case_id)
        playbook = self.library.playbook(case.kind)
        worked = case.state is State.RESOLVED and case.ending is not None and case.ending.reason == Resolution.WORKED
        if not (worked and self._still_there(case.signal, playbook)):
            self.store.finish(work)
            return
        now = self.clock()
        self._write(case, m.Reopen("what was done did not help: it is still there"), now, work)

    def _still_there(self, signal: Signal, playbook: Playbook) -> bool:
        detection = playbook.detection
        if detection is None or signal.source != detection.system:
            return False
        rows = self.systems[detection.system].look_up(detection.query, detection_parameters(self.clock()), MOST_ROWS)
        return any(str(row.get("subject")) == signal.subject for row in rows)

    def keep_time(self) -> int:
        """Do what has become due; returns how many cases moved. A case that somebody moved first is left alone."""
        now, moved = self.clock(), 0
        for case in self.store.due(now, AT_ONCE):
            next_owner = self.library.playbook(case.kind).owners.next_owner
            move = m.Wake() if case.state is State.SNOOZED else m.Expire(next_owner)
            try:
                self._write(case, move, now, None)
            except (Conflict, MoveNotAllowed):
                continue
            moved += 1
        return moved

    def _write(self, case: Case, move: m.Move, now: datetime, done: Work | None) -> None:
        playbook = self.library.playbook(case.kind)
        self.store.commit(change(case, decide(case, move, now), playbook), done=done)


def detection_parameters(now: datetime) -> dict[str, str | int | float | bool | None]:
    """What every detection query may ask for: ``:now`` as text that sorts, in UTC."""
    return {"now": f"{now:%Y-%m-%d %H:%M:%S}"}
