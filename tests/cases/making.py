"""Makers of cases, plans and people for the tests of the rules."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.cases import commands as m
from bot.cases.approval import ApprovalRequirement, Person
from bot.cases.case import Case, evolve
from bot.cases.decide import decide
from bot.cases.plan import Action, Idempotency, Money, Plan, Proposer
from bot.cases.policy import RiskTier, Ruling, Verdict
from bot.cases.recommendation import Recommendation
from bot.cases.seen import Seen
from bot.cases.signal import Signal
from bot.cases.sla import promise_sla
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


OWNERS = ("floor-managers", "ops-leads")


def asker(person: Person, **more) -> m.Asker:
    return m.Asker(person, GROUPS, playbook_owners=OWNERS, **more)


def action(*, amount=100, currency="GBP", **changes) -> Action:
    money = Money(Decimal(amount), currency) if amount is not None else None
    base = Action(
        "house.order_stock",
        1,
        "house",
        "fake",
        "product:1",
        {"quantity": 24},
        "Order 24",
        "24 more",
        True,
        Idempotency.MARKER,
        {"on_hand": 4},
        money,
    )
    return replace(base, **changes)


def plan(*, revision=1, quantity=24, actions=None, **changes) -> Plan:
    actions = (action(parameters={"quantity": quantity}),) if actions is None else actions
    base = Plan(
        "EX-1",
        revision,
        actions,
        "low_stock",
        "0" * 64,
        "p" * 64,
        Proposer.PLAYBOOK,
        None,
        None,
        NOW + 72 * HOUR,
    )
    return replace(base, **changes)


def verdict(
    *,
    ruling=Ruling.ASK,
    tier=RiskTier.LOW,
    reason="fine",
    factors=(ApprovalRequirement("floor-managers", 1),),
) -> Verdict:
    return Verdict(ruling, tier, "rule", reason, factors, 24 * HOUR, "p" * 64)


def signal(**changes) -> Signal:
    return replace(
        Signal(
            "api", "k", "low_stock", "product:1", "Merlot is running low", NOW, {"product_id": 1}
        ),
        **changes,
    )


def fold_all(case, entries) -> Case:
    for entry in entries:
        case = evolve(case, entry)
    return case


def opened(**changes) -> Case:
    opening = m.Open(
        "EX-1",
        signal(**changes),
        "floor-managers",
        "C0STOCK",
        promise_sla(NOW, decide_for=HOUR, resolve_for=8 * HOUR),
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
    found = more.get("verdict") or verdict(factors=factors)
    case = opened(requester=requester)
    proposal = plan(requester=requester, beneficiary=beneficiary, actions=actions)
    return fold_all(
        case,
        decide(
            case,
            m.Recommend(Recommendation("house.order_stock", "because", "rule 1"), proposal, found),
            NOW,
        ),
    )


def approved(**more) -> Case:
    case = proposed(**more)
    return fold_all(case, decide(case, m.Approve(asker(ANA), Seen.of(case)), NOW))


def start_step(case: Case, **changes) -> m.StartStep:
    base = m.StartStep(
        0,
        case.plan.plan_hash,
        case.verdict,
        GROUPS,
        {person.id: person for person in (ANA, BEN, CARLA, OMAR)},
        dict(case.plan.actions[0].precondition),
    )
    return replace(base, **changes)


# A case as ``proposed()`` shows it, whoever must say yes to its plan.
SEEN = Seen.of(proposed())
