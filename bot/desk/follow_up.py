"""Check some time after a remedy whether it has helped."""

from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.decide import record_entry
from bot.cases.entries import Reopened, Resolution
from bot.cases.errors import ConnectorFailed
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.cases.signal import Signal
from bot.desk.detection import detection_parameters, subject_of
from bot.desk.effects import change
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox

MAX_ROWS = 5_000
STILL_THERE = "what was done did not help: it is still there"


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """Open a resolved case again when its exception is still there."""

    cases: CaseStore
    outbox: Outbox
    library: Library
    systems: Systems
    clock: Clock

    def run(self, message: LeasedMessage) -> None:
        """Detect the exception of a resolved case once more."""
        case = self.cases.case(message.case_id)
        playbook = self.library.playbook(case.kind)
        if not _is_remedied(case) or not self._is_still_there(case.signal, playbook):
            self.outbox.finish(message)
            return
        decision = record_entry(case, Reopened(STILL_THERE), self.clock())
        self.cases.commit(change(case, decision, playbook), finish=message)

    def _is_still_there(self, signal: Signal, playbook: Playbook) -> bool:
        """Tell whether the detection of this kind still finds the signal's subject.

        Raises:
            ConnectorFailed: the system cannot say.
        """
        detection = playbook.detection
        if detection is None or signal.source != detection.system:
            return False
        system = self.systems[detection.system]
        parameters = detection_parameters(self.clock())
        rows = system.look_up(detection.query, parameters, MAX_ROWS)
        if any(subject_of(row) == signal.subject for row in rows):
            return True
        if len(rows) == MAX_ROWS:
            # Not among the first rows is not the same as gone.
            raise ConnectorFailed(f"{detection.system} has more rows than can be looked through")
        return False


def _is_remedied(case: Case) -> bool:
    """Tell whether the case was resolved by a plan that worked."""
    if case.state is not State.RESOLVED or case.activity.status_reason is None:
        return False
    return case.activity.status_reason.reason == Resolution.WORKED
