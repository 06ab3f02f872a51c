"""A system of record in memory: counts every effect by its key, and can lose answers, refuse, or change under our feet."""

from datetime import timedelta
from decimal import Decimal

from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.plan import Action, Idempotency, Money
from bot.ports.connector import NOTHING, Effect, EffectStatus


class Died(BaseException):
    """The end of a process, as far as a test in one process can have it."""


class FakeConnector:
    def __init__(self, name: str = "house") -> None:
        self.name = name
        self.facts = {"on_hand": 4, "on_order": 0}
        self.rows: list[dict] = []
        self.effects: list[str] = []
        self.done_actions: list[Action] = []
        self.amount: Decimal | None = Decimal(100)
        self.reversible = True
        self.undo_for = timedelta(0)
        self.idempotency = Idempotency.MARKER
        self.faults: dict[str, list[str]] = {}
        self.failing_lookups: set[str] = set()
        self.timeout = timedelta(seconds=2)
        self.calls: list[str] = []
        #: The types of the facts that an action returns, and what it then tells.
        self.returns: dict[str, dict] = {}
        self.told: dict[str, dict] = {}

    def _fault(self, verb: str) -> str:
        return self.faults[verb].pop(0) if self.faults.get(verb) else ""

    def look_up(self, query, parameters, limit):
        if query in self.failing_lookups:
            raise ConnectorFailed("the system is away")
        return self.rows[:limit]

    def prepare(self, action, parameters, words=NOTHING):
        if any(value is None for value in parameters.values()):
            raise ConnectorFailed("a parameter is missing")
        amount = Money(self.amount, "GBP") if self.amount is not None else None
        target = f"{action}:{parameters.get('product_id', 1)}"
        return Action(
            name=f"{self.name}.{action}",
            version=1,
            system=self.name,
            connector="fake",
            target=target,
            parameters={name: parameters[name] for name in parameters if name not in words},
            summary=" ".join([f"Do {action}", *map(str, words.values())]),
            preview=f"{action} done",
            reversible=self.reversible,
            idempotency=self.idempotency,
            precondition=dict(self.facts),
            amount=amount,
            undo_for=self.undo_for,
            returns=self.returns.get(action, {}),
        )

    def precondition(self, action):
        if fault := self._fault("precondition"):
            raise ConnectorFailed("exactly one row must match", retryable=fault == "away")
        return dict(self.facts)

    def execute(self, action, key):
        self.calls.append("execute")
        fault = self._fault("execute")
        self._fail_before(fault)
        if list_changes(action.precondition, self.facts):
            raise WorldMoved("it moved")
        self.effects.append(key)
        self._fail_after(fault)
        self.done_actions.append(action)
        name = action.name.partition(".")[2]
        return Effect("done", self.told[name]) if name in self.told else "done"

    def read_facts(self, action, key):
        self.calls.append("read facts")
        if self._fault("facts"):
            raise ConnectorFailed("the system is away", retryable=True)
        return self.told.get(action.name.partition(".")[2], {})

    def verify(self, action, key):
        self.calls.append("verify")
        fault = self._fault("verify")
        if fault == "away":
            raise ConnectorFailed("the system is away", retryable=True)
        if fault == "bug":
            raise RuntimeError("a bug in the look")
        if fault:
            return EffectStatus(fault)
        return EffectStatus.LANDED if key in self.effects else EffectStatus.ABSENT

    def undo(self, action, key, undo_key):
        self.calls.append("undo")
        fault = self._fault("undo")
        self._fail_before(fault)
        self.effects.append(undo_key)
        self._fail_after(fault)
        return "taken back"

    @staticmethod
    def _fail_before(fault):
        if fault == "refuse for good":
            raise SystemRefused("its rules forbid it")
        if fault == "refuse":
            raise ConnectorFailed("no")
        if fault == "busy":
            raise ConnectorFailed("database is locked", retryable=True)
        if fault == "lost before":
            raise OutcomeUnknown("no answer")
        if fault == "die before":
            raise Died
        if fault == "moved":
            raise WorldMoved("it moved")

    @staticmethod
    def _fail_after(fault):
        if fault == "lost after":
            raise OutcomeUnknown("no answer")
        if fault == "bug after":
            raise RuntimeError("a bug after the deed")
        if fault == "die after":
            raise Died
