"""Makers of cases, plans and people for the tests of the rules."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.cases.actor import CaseId, Surface
from bot.cases.approval import ApprovalRequirement, Person
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import Approve, Command, Open, Recommend, StartStep
from bot.cases.decide import Decision, DeskRecord, decide, record_entry
from bot.cases.entries import Entry
from bot.cases.evolve import evolve
from bot.cases.plan import Action, Idempotency, Money, Plan, Proposer
from bot.cases.policy import RiskTier, Ruling, Verdict
from bot.cases.recommendation import Recommendation
from bot.cases.signal import Signal
from bot.cases.sla import promise_sla
from bot.cases.steps import finish
from tests.fakes.clock import NOON

NOW = NOON
HOUR = timedelta(hours=1)
ANA, BEN, CARLA, OMAR = (
    Person(f"T1/U{name.upper()}", name) for name in ("Ana", "Ben", "Carla", "Omar")
)
GROUPS = {
    "floor-managers": frozenset({ANA.id, OMAR.id}),
    "ops-leads": frozenset({BEN.id}),
    "finance": frozenset({CARLA.id}),
}
PARTS = ("timers", "classification", "assessment", "proposal", "execution", "activity")
OWNERS = ("floor-managers", "ops-leads")


@dataclass(frozen=True)
class Finish:
    """Stands for the end of the plan, which the desk makes from the case."""

    note: str
    undo_until: datetime | None = None


def caller(person: Person, groups=GROUPS, **more) -> Caller:
    values = {"surface": Surface.SLACK, "playbook_owners": OWNERS, **more}
    return Caller(person=person, groups=groups, **values)


# The rooms beside this one know it under this name.
asker = caller


def action(*, amount=100, currency="GBP", **changes) -> Action:
    base = Action(
        name="house.order_stock",
        version=1,
        system="house",
        connector="fake",
        target="product:1",
        parameters={"quantity": 24},
        summary="Order 24",
        preview="24 more",
        reversible=True,
        idempotency=Idempotency.MARKER,
        precondition={"on_hand": 4},
        amount=Money(Decimal(amount), currency) if amount is not None else None,
    )
    return replace(base, **changes)


def plan(*, revision=1, quantity=24, actions=None, **changes) -> Plan:
    actions = (action(parameters={"quantity": quantity}),) if actions is None else actions
    base = Plan(
        case_id="EX-1",
        revision=revision,
        actions=actions,
        playbook="low_stock",
        playbook_digest="0" * 64,
        policy_digest="p" * 64,
        proposer=Proposer.PLAYBOOK,
        requester=None,
        beneficiary=None,
        not_after=NOW + 72 * HOUR,
    )
    return replace(base, **changes)


def verdict(
    *,
    ruling=Ruling.ASK,
    tier=RiskTier.LOW,
    reason="fine",
    factors=(ApprovalRequirement("floor-managers", 1),),
) -> Verdict:
    return Verdict(
        ruling=ruling,
        tier=tier,
        rule="rule",
        reason=reason,
        factors=factors,
        expires_for=24 * HOUR,
        policy_digest="p" * 64,
    )


def signal(**changes) -> Signal:
    base = Signal(
        source="api",
        key="k",
        kind="low_stock",
        subject="product:1",
        title="Merlot is running low",
        occurred_at=NOW,
        facts={"product_id": 1},
    )
    return replace(base, **changes)


def write(case: Case | None, command: Command | DeskRecord | Finish, now=NOW) -> Decision:
    """Decide a command, or record what the desk has found or done."""
    if isinstance(command, Finish):
        command = finish(case, command.note, command.undo_until)
    if isinstance(command, DeskRecord):
        return record_entry(case, command, now)
    return decide(case, command, now)


def fold_all(case: Case | None, entries: Decision | Iterable[Entry]) -> Case:
    """Fold entries into a case, as an old ledger is read."""
    if isinstance(entries, Decision):
        entries = entries.entries
    for entry in entries:
        case = evolve(case, entry)
    return case


def opened(**changes) -> Case:
    opening = Open(
        case_id=CaseId("EX-1"),
        signal=signal(**changes),
        owner="floor-managers",
        channel="C0STOCK",
        sla=promise_sla(NOW, decide_for=HOUR, resolve_for=8 * HOUR),
    )
    return fold_all(None, decide(None, opening, NOW))


def proposed(
    *,
    factors=(ApprovalRequirement("floor-managers", 1),),
    requester=None,
    beneficiary=None,
    actions=None,
    **more,
) -> Case:
    case = opened(requester=requester)
    recommendation = Recommend(
        Recommendation("house.order_stock", "because", "rule 1"),
        plan(requester=requester, beneficiary=beneficiary, actions=actions),
        more.get("verdict") or verdict(factors=factors),
    )
    return fold_all(case, decide(case, recommendation, NOW))


def approved(**more) -> Case:
    case = proposed(**more)
    return fold_all(case, decide(case, Approve(caller(ANA), CardSnapshot.of(case)), NOW))


def with_fields(case: Case, **values) -> Case:
    """Return the case with these values, each a field of the case or of one of its parts."""
    for name, value in values.items():
        if name in Case.__dataclass_fields__:
            case = replace(case, **{name: value})
            continue
        (part,) = [part for part in PARTS if name in getattr(case, part).__dataclass_fields__]
        case = replace(case, **{part: replace(getattr(case, part), **{name: value})})
    return case


def start_step(case: Case, **changes) -> StartStep:
    base = StartStep(
        step=0,
        plan_hash=case.proposal.plan.plan_hash,
        verdict=case.proposal.verdict,
        groups=GROUPS,
        people={person.id: person for person in (ANA, BEN, CARLA, OMAR)},
        precondition=dict(case.proposal.plan.actions[0].precondition),
    )
    return replace(base, **changes)


# A case as ``proposed()`` shows it, whoever must approve its plan.
SEEN = CardSnapshot.of(proposed())
