"""Makers of cases, plans and people for the tests of the rules."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.cases.actor import DESK, Actor, CaseId, Surface
from bot.cases.approval import ApprovalRequirement, Person
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    Clear,
    Command,
    Expire,
    Open,
    Recommend,
    Reject,
    Retract,
    Snooze,
    StartStep,
)
from bot.cases.decide import Decision, DeskRecord, decide, record_entry
from bot.cases.delegation import Delegation
from bot.cases.entries import (
    Body,
    Entry,
    Parked,
    Recognised,
    RejectReason,
    StepReported,
    StepState,
    Stopped,
)
from bot.cases.evolve import evolve
from bot.cases.lifecycle import State
from bot.cases.passkey import (
    Assertion,
    Passkey,
    Purpose,
    b64url_encode,
    challenge,
    link_hash,
)
from bot.cases.plan import Action, Idempotency, Money, Plan, Proposer
from bot.cases.policy import RiskTier
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation
from bot.cases.signal import Signal
from bot.cases.sla import promise_sla
from bot.cases.steps import finish
from bot.cases.usage import Usage, UsedActions
from bot.cases.verdict import Ruling, Verdict
from bot.views.case_record import PARTS
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
    step_up=False,
) -> Verdict:
    return Verdict(
        ruling=ruling,
        tier=tier,
        rule="rule",
        reason=reason,
        factors=factors,
        expires_for=24 * HOUR,
        policy_digest="p" * 64,
        step_up=step_up,
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


def do(case: Case | None, *moves: Command | DeskRecord | Finish, at=NOW) -> Case:
    """Carry out one move after the other, and fold what they wrote."""
    for move in moves:
        decision = write(case, move, at)
        case = fold_all(case, decision)
        assert case == decision.case
    return case


def entry_after(case: Case, body: Body, *, actor: Actor = DESK, at=NOW, ahead: int = 1) -> Entry:
    """Make an entry that no command decided: of an earlier release, or forged."""
    return Entry(
        case_id=case.id,
        version=case.version + ahead,
        revision=case.proposal.revision,
        at=at,
        actor=actor,
        surface=Surface.SLACK,
        body=body,
    )


def record(case: Case, *bodies: Body, actor: Actor = DESK, at=NOW) -> Case:
    """Fold entries that no command decided."""
    for body in bodies:
        case = evolve(case, entry_after(case, body, actor=actor, at=at))
    return case


def opening(**changes) -> Open:
    return Open(
        case_id=CaseId("EX-1"),
        signal=signal(**changes),
        owner="floor-managers",
        channel="C0STOCK",
        sla=promise_sla(NOW, decide_for=HOUR, resolve_for=8 * HOUR),
    )


def opened(**changes) -> Case:
    return fold_all(None, decide(None, opening(**changes), NOW))


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


def standing_in(person: Person, *givers: Person, groups=GROUPS) -> Caller:
    """A caller to whom these people have delegated."""
    return caller(person, groups, behalf_of=givers)


def delegation(giver=BEN, taker=OMAR, *, kind="", begins=NOW, hours=8) -> Delegation:
    return Delegation(
        giver=giver.id,
        giver_name=giver.name,
        taker=taker.id,
        taker_name=taker.name,
        kind=kind,
        begins_at=begins,
        ends_at=begins + hours * HOUR,
    )


# --- step-up approval -----------------------------------------------------------------------------

TICKET = link_hash("the secret of a link")


def passkey(person=ANA, credential="device-1", **changes) -> Passkey:
    base = Passkey(
        person=person.id,
        name=person.name,
        credential=credential,
        public_key="MFkw",
        site="http://localhost:8080",
        added_at=NOW,
    )
    return replace(base, **changes)


def assertion(expected: bytes, *, credential="device-1", ticket=TICKET) -> Assertion:
    """The answer of a device to this challenge; its signature is verified elsewhere."""
    client_data = {"type": "webauthn.get", "challenge": b64url_encode(expected)}
    return Assertion(
        ticket=ticket,
        credential=credential,
        client_data=b64url_encode(json.dumps(client_data).encode()),
        authenticator_data="",
        signature="",
    )


def sign(case: Case, person=ANA, *, purpose=Purpose.APPROVE, ticket=TICKET, **more) -> Assertion:
    """The answer of a person's device to the challenge of their vote on this case."""
    expected = challenge(
        case_id=case.id,
        revision=case.proposal.revision,
        plan_hash=case.proposal.plan.plan_hash,
        person=person.id,
        ticket=ticket,
        purpose=purpose,
    )
    return assertion(expected, ticket=ticket, **more)


# --- a case in each state -------------------------------------------------------------------------


def recognition(kind: str = "") -> Recognition:
    return Recognition(kind=kind, confidence=3, guesses=(), basis="few words", model="m1")


def unrecognised() -> Case:
    """A case of no kind that is known, in the hands of a person."""
    case = opened(kind="unrecognised")
    finding = Recognised(
        recognition=recognition(),
        owner="floor-managers",
        channel="C0OPS",
        sla=opening().sla,
    )
    return do(case, finding, Recommend(Recommendation("", "", ""), None, None))


def running(*reports, **more) -> Case:
    case = approved(**more)
    return do(case, start_step(case), *reports)


def landed(**more) -> Case:
    return running(StepReported(0, StepState.LANDED, ""), **more)


def parked(**more) -> Case:
    return running(Parked(0, "nobody knows"), **more)


def referred() -> Case:
    """A case whose plan failed."""
    return running(StepReported(0, StepState.FAILED, "no"), Stopped("given up"))


def resolved(minutes: int = 60, **more) -> Case:
    return do(landed(**more), Finish("done", NOW + timedelta(minutes=minutes)))


def snoozed() -> Case:
    return do(proposed(), Snooze(caller(ANA), SEEN, until=NOW + HOUR, reason="later"))


def rejected() -> Case:
    return do(proposed(), Reject(caller(ANA), SEEN, RejectReason.DUPLICATE))


def expired() -> Case:
    late = do(proposed(), Expire("ops-leads"), at=NOW + 24 * HOUR)
    return do(late, Expire("ops-leads"), at=NOW + 48 * HOUR)


def cleared() -> Case:
    return do(proposed(), Clear(signal(key="gone")))


#: A maker for each state that a case can be in.
def withdrawn() -> Case:
    case = proposed(requester=OMAR.id)
    return do(case, Retract(caller(OMAR), CardSnapshot.of(case)))


CASES = {
    State.OPEN: opened,
    State.PROPOSED: proposed,
    State.REFERRED: referred,
    State.SNOOZED: snoozed,
    State.APPROVED: approved,
    State.RUNNING: running,
    State.OUTCOME_UNKNOWN: parked,
    State.RESOLVED: resolved,
    State.REJECTED: rejected,
    State.EXPIRED: expired,
    State.CLEARED: cleared,
    State.WITHDRAWN: withdrawn,
}

# A case as ``proposed()`` shows it, whoever must approve its plan.
SEEN = CardSnapshot.of(proposed())


def used(times=None, amounts=None, target_times=None, **common) -> Usage:
    """What was done lately, by action and by "action target"."""
    rows = []
    times, amounts = dict(times or {}), dict(amounts or {})
    for key, count in (target_times or {}).items():
        name, _, target = key.partition(" ")
        times[name] = times.get(name, 0) - count
        rows.append(UsedActions(action=name, target=target, times=count, **common))
    for name in {**times, **amounts}:
        count, amount = max(times.get(name, 0), 0), Decimal(amounts.get(name, 0))
        rows.append(UsedActions(action=name, times=count, amount=amount, **common))
    return Usage(tuple(rows))
