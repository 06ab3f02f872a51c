"""Programs as systems, to which approved actions are handed back.

Handing back is no effect of its own: the record that it was done is the step in the ledger, from
which the program reads that it may act.
"""

from dataclasses import dataclass
from datetime import timedelta

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.errors import ConnectorFailed
from bot.cases.plan import Action
from bot.cases.program import Program
from bot.ports.connector import NOTHING, EffectStatus

TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True)
class ProgramConnector:
    """Hands the actions of one program back to it."""

    program: Program

    @property
    def timeout(self) -> timedelta:
        return TIMEOUT

    @property
    def report_within(self) -> timedelta:
        return self.program.follow_up

    @property
    def missing_report(self) -> str:
        return f"{self.program.title} was to do this itself, and has not reported what came of it"

    def look_up(self, query: str, parameters: ScalarMapping, limit: int) -> list[dict[str, Scalar]]:
        """Refuse: a program gives its evidence with the request."""
        raise ConnectorFailed(f"{self.program.title} has no look-ups")

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Refuse: such an action is made of a request alone."""
        raise ConnectorFailed(f"only {self.program.title} itself may ask for {action[:50]}")

    def precondition(self, action: Action) -> ScalarMapping:
        """Return that nothing outside was looked at."""
        return {}

    def execute(self, action: Action, key: str) -> str:
        """Hand the action back.

        The entry about it is what the program waits for.
        """
        return f"handed back to {self.program.title}"

    def verify(self, action: Action, key: str) -> EffectStatus:
        """Return that nothing is known but what the program reports."""
        return EffectStatus.ABSENT

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        """Refuse: what a program has done only it can take back."""
        raise ConnectorFailed(f"only {self.program.title} can take this back")
