"""The priority of people and signals over the work of lanes."""

from dataclasses import dataclass, field

from bot.desk.decision_priority import DecisionPriority
from bot.desk.signal_rush import SignalRush


@dataclass(frozen=True)
class LanePriority:
    """Decisions of people and signals that come in a rush."""

    decisions: DecisionPriority = field(default_factory=DecisionPriority)
    signals: SignalRush = field(default_factory=SignalRush)

    def wait_for_turn(self) -> None:
        """Wait while others go first, but not for long."""
        self.decisions.wait_while_deciding()
        self.signals.wait_for_end()
