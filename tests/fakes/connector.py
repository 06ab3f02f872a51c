"""A system of record in memory: counts every effect by its key, and can lose answers, refuse, or change under our feet."""

from datetime import timedelta
from decimal import Decimal

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.evidence import changed
from bot.cases.plan import Action, Idempotency, Money
from bot.ports import Landing


class FakeConnector:
    def __init__(self, name: str = "house") -> None:
        self.name = name
        self.facts = {"on_hand": 4, "on_order": 0}
        self.rows: list[dict] = []
        self.effects: list[str] = []
        self.amount: Decimal | None = Decimal(100)
        self.reversible = True
        self.undo_for = timedelta(0)
        self.idempotency = Idempotency.MARKER
        self.faults: dict[str, list[str]] = {}
        self.failing_lookups: set[str] = set()

    def _fault(self, verb: str) -> str:
        return self.faults[verb].pop(0) if self.faults.get(verb) else ""

    def look_up(self, query, parameters, limit):
        if query in self.failing_lookups:
            raise ConnectorFailed("the system is away")
        return self.rows[:limit]

    def prepare(self, action, parameters):
        if any(value is None for value in parameters.values()):
            raise ConnectorFailed("a parameter is missing")
        amount = Money(self.amount, "GBP") if self.amount is not None else None
        target = f"{action}:{parameters.get('product_id', 1)}"
        return Action(
            f"{self.name}.{action}",
            1,
            self.name,
            "fake",
            target,
            dict(parameters),
            f"Do {action}",
            f"{action} done",
            self.reversible,
            self.idempotency,
            dict(self.facts),
            amount,
            self.undo_for,
        )

    def precondition(self, action):
        if fault := self._fault("precondition"):
            raise ConnectorFailed("exactly one row must match", retryable=fault == "away")
        return dict(self.facts)

    def execute(self, action, key):
        fault = self._fault("execute")
        if fault == "refuse":
            raise ConnectorFailed("no")
        if fault == "lost before":
            raise OutcomeUnknown("no answer")
        if changed(action.precondition, self.facts):
            raise WorldMoved("it moved")
        self.effects.append(key)
        if fault == "lost after":
            raise OutcomeUnknown("no answer")
        return "done"

    def verify(self, action, key):
        fault = self._fault("verify")
        if fault:
            return Landing(fault)
        return Landing.LANDED if key in self.effects else Landing.ABSENT

    def undo(self, action, key, undo_key):
        if self._fault("undo") == "refuse":
            raise ConnectorFailed("cannot be undone today")
        self.effects.append(undo_key)
        return "taken back"
