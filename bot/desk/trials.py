"""What the desk would do with a signal: the same path as a real one, up to the card; nothing is opened, written or carried out."""

from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.signal import Signal
from bot.desk.intake import judge
from bot.desk.triage import Triage
from bot.ports.clock import Clock
from bot.ports.library import Library


@dataclass(frozen=True)
class Trials:
    triage: Triage
    library: Library
    clock: Clock

    def attempt(self, signal: Signal) -> Case:
        """The case as its card would first show it. Evidence is really looked up, and dry runs are really made."""
        now = self.clock()
        opened = judge(None, "EX-0", signal, self.library.playbook(signal.kind), now)
        if opened.after is None:
            raise ValueError("a signal that opens nothing")
        return self.triage.look_at(opened.after, now).case
