"""A preview of what the desk would do with a signal."""

from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.signal import Signal
from bot.desk.intake import judge
from bot.desk.triage import Triage
from bot.ports.clock import Clock
from bot.ports.library import Library

#: What stands in place of the number of a case that is never stored.
PREVIEW_ID = "A trial"


@dataclass(frozen=True)
class Preview:
    """Open and triage a case in memory.

    Nothing is written or carried out.
    """

    triage: Triage
    library: Library
    clock: Clock

    def preview_signal(self, signal: Signal) -> Case:
        """Return the case as its card would first show it.

        Evidence is really looked up, and dry runs are really made.
        """
        now = self.clock()
        playbook = self.library.playbook(signal.kind)
        opening = judge(
            latest=None,
            new_id=PREVIEW_ID,
            signal=signal,
            playbook=playbook,
            now=now,
        )
        if opening is None:
            raise ValueError("a signal that opens nothing")
        return self.triage.look_at(opening.after, now).case
