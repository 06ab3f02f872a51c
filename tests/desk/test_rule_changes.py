"""Changed rules from end to end: nothing is loosened before the governance owners let it."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.audit.ledger_check import LedgerCheck
from bot.cases.approval import ApprovalRequirement
from bot.cases.case import Case
from bot.cases.desk_kinds import RULES_KIND
from bot.cases.entries import PolicyAdopted, RejectReason
from bot.cases.errors import NotEligible, TooLate
from bot.cases.identity import Identities
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, EmergencyRule, PlaybookTerms, Stage, TierRule
from bot.cases.policy_rules import PolicyRule, RuleEffect
from bot.cases.verdict import Ruling
from bot.desk.rules_in_force import UNDECIDED
from bot.ports.case_queries import CaseFilter
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.world import World, playbook, policy, request

ORDER = "house.order_stock"
DAY = timedelta(days=1)


@pytest.fixture
def world(world) -> World:
    """A desk whose first rules limit orders to 500 at once."""
    world.house.rows = [{**world.house.rows[0], "at_risk": 10}]
    world.house.undo_for = DAY
    world.library.rules = limited(500)
    world.desk.upkeep.rule_review.review()
    return world


def limited(per_plan: int, **changes):
    limits = {**policy().actions, ORDER: ActionLimit(per_plan=Decimal(per_plan))}
    return policy(actions=limits, medium_above=Decimal(1000), **changes)


def restart(world: World, **changes) -> int:
    """Start again with other files; return how many cases that opens."""
    for name, value in changes.items():
        setattr(world.library, name, value)
    world.start("")
    count = world.desk.upkeep.rule_review.review()
    world.work()
    return count


def waiting(world: World) -> list[Case]:
    cases = world.store.queries.find(CaseFilter(kinds=(RULES_KIND,)), 10)
    return [case for case in cases if not case.is_terminal]


def the_change(world: World) -> Case:
    (case,) = waiting(world)
    return world.case(case)


def order(world: World, amount: int, subject: str) -> Case:
    world.house.amount = Decimal(amount)
    case_id = world.receive(world.signal(subject)).case_id
    world.work()
    return world.store.cases.case(case_id)


def ruling(case: Case) -> Ruling:
    assert case.proposal.verdict is not None
    return case.proposal.verdict.ruling


def adoptions(world: World) -> list[PolicyAdopted]:
    bodies = [entry.body for entry in world.store.cases.entries("DESK")]
    return [body for body in bodies if isinstance(body, PolicyAdopted)]


def test_the_rules_of_the_first_start_are_in_force_without_a_question(world):
    assert waiting(world) == []
    (first,) = adoptions(world)
    assert (first.by_name, first.on_case, first.before) == ("the first start", "", "")
    # Starting again with the same files says nothing more.
    assert restart(world) == 0
    assert len(adoptions(world)) == 1


def test_a_loosened_limit_waits_for_the_governance_owners(world):
    assert restart(world, rules=limited(2000)) == 1
    case = the_change(world)
    assert case.signal.title == "policy.yml was changed: let it be in force?"
    assert case.assessment.what.startswith(
        "Order stock, limits: £500.00 at once → £2,000.00 at once."
    )
    assert [factor.group for factor in case.proposal.verdict.factors] == ["owners"]
    assert ruling(order(world, 800, "product:1")) is Ruling.REFUSE

    with pytest.raises(NotEligible):
        world.approve(case, "ana")
    assert len(adoptions(world)) == 1
    world.approve(case, "elsie")
    world.work()
    assert world.case(case).state is State.RESOLVED
    # In force without a restart, and by whom.
    assert ruling(order(world, 800, "product:2")) is Ruling.ASK
    last = adoptions(world)[-1]
    assert (last.by_name, last.on_case) == ("Elsie", case.id)
    assert last.before == adoptions(world)[0].checksum
    assert world.desk.upkeep.rule_review.review() == 0


def test_what_only_the_changed_rules_let_run_alone_still_asks(world):
    restart(world, book=playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS)))
    world.approve(the_change(world), "elsie")
    world.work()
    assert ruling(order(world, 10, "product:1")) is Ruling.ASK
    limits = {**policy().actions, ORDER: ActionLimit(per_plan=Decimal(500), alone=True)}
    restart(world, rules=policy(actions=limits, medium_above=Decimal(1000)))
    asking = order(world, 10, "product:2")
    assert ruling(asking) is Ruling.ASK
    assert UNDECIDED in asking.proposal.verdict.reason
    world.approve(the_change(world), "elsie")
    world.work()
    assert ruling(order(world, 10, "product:3")) is Ruling.AUTO_APPROVE


def test_a_tightened_limit_holds_at_once(world):
    assert ruling(order(world, 400, "product:1")) is Ruling.ASK
    restart(world, rules=limited(100))
    assert ruling(order(world, 400, "product:2")) is Ruling.REFUSE
    assert waiting(world)


def test_a_plan_that_was_approved_before_is_judged_by_the_tightened_limit(world):
    case = order(world, 400, "product:1")
    restart(world, rules=limited(100))
    world.approve(case)
    world.work()
    assert world.case(case).state is not State.RESOLVED


def test_the_budget_of_the_rules_in_force_holds_where_a_step_is_claimed(world, monkeypatch):
    limits = {**policy().actions, ORDER: ActionLimit(times_per_day=1)}
    strict = policy(actions=limits, medium_above=Decimal(1000))
    loose = limited(500)
    # What the first start recorded is replaced: the stricter one is in force.
    restart(world, rules=strict)
    world.approve(the_change(world), "elsie")
    world.work()
    restart(world, rules=loose)
    first, second = order(world, 10, "product:1"), order(world, 10, "product:2")
    world.approve(first)
    world.approve(second)
    messages = world.store.outbox.claim([Topic.EXECUTE], 5, world.clock(), 30)
    by_case = {message.case_id: message for message in messages}
    run = world.desk.execution.executor.run
    precondition, acts = world.house.precondition, [lambda: run(by_case[second.id])]

    def read(action):
        if acts:
            acts.pop()()
        return precondition(action)

    monkeypatch.setattr(world.house, "precondition", read)
    run(by_case[first.id])
    assert world.case(second).state is State.RESOLVED
    assert world.case(first).execution.steps == ()


def test_a_rejected_change_stays_out_of_force_and_is_not_asked_again(world):
    restart(world, rules=limited(2000))
    case = the_change(world)
    by = request(case.id, principal("elsie"), world.seen(case))
    world.desk.decisions.reject(by, reason=RejectReason.NOT_WORTH_IT, note="too much")
    world.work()
    assert restart(world) == 0
    assert ruling(order(world, 800, "product:1")) is Ruling.REFUSE


def test_files_put_back_clear_the_case(world):
    before = world.library.rules
    restart(world, rules=limited(2000))
    case = the_change(world)
    restart(world, rules=before)
    assert world.case(case).state is State.CLEARED


def test_files_changed_again_are_another_case(world):
    restart(world, rules=limited(2000))
    case = the_change(world)
    assert restart(world, rules=limited(3000)) == 1
    assert world.case(case).state is State.CLEARED
    assert the_change(world).id != case.id


def test_what_was_let_in_can_be_taken_back(world):
    restart(world, rules=limited(2000))
    case = the_change(world)
    world.approve(case, "elsie")
    world.work()
    by = request(case.id, principal("elsie"), world.seen(world.case(case)))
    world.desk.decisions.undo(by, note="too soon")
    world.work()
    first, _, last = adoptions(world)
    assert last.checksum == first.checksum
    assert ruling(order(world, 800, "product:1")) is Ruling.REFUSE


def test_another_process_with_other_files_is_judged_by_both(world):
    other = World(world.store, outside=world)
    other.library.rules = limited(2000)
    other.library.saved_policies = world.library.saved_policies
    assert ruling(order(other, 800, "product:1")) is Ruling.REFUSE
    for amount, expected in ((400, Ruling.ASK), (800, Ruling.REFUSE)):
        other.receive()
        assert ruling(order(other, amount, f"product:n{amount}")) is expected


def test_groups_that_the_files_name_anew_do_not_decide_alone(world):
    terms = PlaybookTerms(factors=(ApprovalRequirement("floor-managers", 1),))
    owners = replace(world.library.book.owners, governance="floor-managers")
    restart(world, book=playbook(terms=terms, owners=owners))
    case = the_change(world)
    assert case.signal.title == "playbooks were changed: let them be in force?"
    assert {factor.group for factor in case.proposal.verdict.factors} == {
        "owners",
        "floor-managers",
    }
    world.approve(case, "ana")
    world.work()
    assert len(adoptions(world)) == 1
    world.approve(case, "elsie")
    world.work()
    assert len(adoptions(world)) == 2


def test_a_changed_connector_is_refused_until_it_is_decided(world):
    restart(world, definitions={ORDER: "2" * 64})
    refused = order(world, 10, "product:1")
    assert (ruling(refused), refused.proposal.verdict.rule) == (
        Ruling.REFUSE,
        "action.not_adopted",
    )
    world.approve(the_change(world), "elsie")
    world.work()
    assert ruling(order(world, 10, "product:2")) is Ruling.ASK


def test_accounts_declared_anew_put_every_plan_before_the_governance_owners(world):
    people = Identities.of([[principal("ana"), "staff:17"]])
    restart(world, people=people)
    case = order(world, 10, "product:1")
    assert "owners" in {factor.group for factor in case.proposal.verdict.factors}


def test_an_emergency_group_of_the_files_alone_may_do_nothing(world):
    restart(world, rules=limited(500, emergency=EmergencyRule("floor-managers", DAY)))
    case = order(world, 10, "product:1")
    by = request(case.id, principal("ana"), world.seen(case))
    with pytest.raises(NotEligible):
        world.desk.decisions.break_glass(by, "it cannot wait")


def test_a_rule_that_refuses_everything_can_be_replaced(world):
    stop = PolicyRule(when="true", effect=RuleEffect.REFUSE, because="nothing runs")
    restart(world, rules=limited(500, rules=(stop,)))
    assert ruling(order(world, 10, "product:1")) is Ruling.REFUSE
    world.approve(the_change(world), "elsie")
    world.work()
    restart(world, rules=limited(500))
    world.approve(the_change(world), "elsie")
    world.work()
    assert ruling(order(world, 10, "product:2")) is Ruling.ASK


def test_a_signal_from_outside_lets_no_rules_in(world):
    restart(world, rules=limited(2000))
    checksum = world.library.rule_record().checksum
    for case in waiting(world):
        by = request(case.id, principal("elsie"), world.seen(case))
        world.desk.decisions.reject(by, reason=RejectReason.NOT_WORTH_IT, note="no")
    signal = replace(
        world.signal("product:9"), kind=RULES_KIND, facts={"checksum": checksum}, source="house"
    )
    case_id = world.receive(signal).case_id
    world.work()
    case = world.store.cases.case(case_id)
    if case.state is State.PROPOSED:
        world.approve(case, "elsie")
        world.work()
    assert len(adoptions(world)) == 1


def test_the_card_has_the_figures_of_the_back_test(world):
    world.approve(order(world, 400, "product:1"))
    world.work()
    restart(world, rules=limited(100))
    shown = {fact.label: fact.value for fact in the_change(world).assessment.evidence}
    assert shown["Over the last 90 days"].startswith("With this, 0 would run alone, 0 would go")
    assert shown["Compared with what is in force"].startswith("1 of 1 cases would be ruled")


def test_shadow_mode_adopts_nothing_and_asks_nothing(world):
    world.library.rules = limited(2000)
    world.start("shadow")
    assert world.desk.upkeep.rule_review.review() == 0
    assert len(adoptions(world)) == 1


# --- accounts that are declared otherwise ---------------------------------------------------------

ELSIE_AND_ANA = Identities.of([[principal("elsie"), principal("ana")]])


def split(world: World, in_force: Identities, changed: Identities) -> Case:
    """Start with some accounts in force, and again with others in the file."""
    world.library.people = in_force
    restart(world)
    for case in waiting(world):
        world.approve(case, "elsie")
        world.work()
    assert world.desk.upkeep.rule_review.review() == 0
    restart(world, people=changed)
    return the_change(world)


def govern(world: World, *groups: str) -> None:
    """Let each of these groups govern a kind."""
    original = world.library.rule_record

    def rule_record():
        record = original()
        (terms, *_) = record.kinds.values()
        kinds = {
            f"kind_{group}": replace(terms, owners={**terms.owners, "governance": group})
            for group in groups
        }
        return replace(record, kinds={**record.kinds, **kinds})

    world.library.rule_record = rule_record
    world.library.governors = lambda: sorted({"owners", *groups})


def ask_two_owners(world: World) -> tuple[ApprovalRequirement, ...]:
    """Let two of the owners approve each order; two accounts of one of them are linked."""
    two = (ApprovalRequirement("owners", 2),)
    world.people.members["owners"] = {"elsie", "ana", "ben"}
    world.library.people = ELSIE_AND_ANA
    restart(world, rules=limited(500, tiers={**policy().tiers, "low": TierRule(two, DAY)}))
    case = the_change(world)
    for name in ("elsie", "ben"):
        world.approve(case, name)
    world.work()
    assert waiting(world) == []
    return two


def test_one_person_with_two_accounts_is_still_one_while_the_split_waits(world):
    """Both are in the group that governs, so that asking it as well would catch nobody."""
    two = ask_two_owners(world)
    restart(world, people=Identities())
    case = order(world, 10, "product:1")
    assert case.proposal.factors == two
    world.approve(case, "elsie")
    with pytest.raises(TooLate):
        world.approve(case, "ana")
    assert world.case(case).state is State.PROPOSED


def test_nobody_brings_the_own_split_into_force_with_two_accounts(world):
    govern(world, "finance")
    world.people.members["finance"] = {"ana", "ben"}
    restart(world, people=ELSIE_AND_ANA)
    the_first = the_change(world)
    world.approve(the_first, "elsie")
    world.approve(the_first, "ben")
    world.work()
    assert waiting(world) == []

    restart(world, people=Identities())
    case = the_change(world)
    assert {one.group for one in case.proposal.factors} == {"finance", "owners"}
    world.approve(case, "elsie")
    with pytest.raises(TooLate):
        world.approve(case, "ana")
    assert world.case(case).state is State.PROPOSED
    # Somebody else of that group decides; from then on they are two.
    world.approve(case, "ben")
    world.work()
    assert waiting(world) == []
    order(world, 10, "product:1")
    assert not world.library.identities().is_same_person(principal("elsie"), principal("ana"))


def test_whoever_raised_a_case_does_not_decide_it_by_giving_the_account_to_somebody_else(world):
    mine = Identities.of([[principal("elsie"), "staff:17"]])
    his = Identities.of([[principal("ben"), "staff:17"]])
    world.people.members["floor-managers"] = {"ana", "elsie"}
    split(world, mine, his)
    case_id = world.receive(world.signal("product:1", requester="staff:17")).case_id
    world.work()
    case = world.store.cases.case(case_id)
    with pytest.raises(NotEligible):
        world.approve(case, "elsie")
    # Nor does whoever it is said to be.
    world.people.members["floor-managers"] = {"ben"}
    with pytest.raises(NotEligible):
        world.approve(case, "ben")


def test_a_split_that_was_made_after_the_first_vote_counts_no_second_one(world):
    ask_two_owners(world)
    case = order(world, 10, "product:1")
    world.approve(case, "elsie")
    restart(world, people=Identities())
    with pytest.raises(TooLate):
        world.approve(case, "ana")


def test_a_process_that_asks_nobody_joins_the_accounts_before_it_works(world):
    split(world, ELSIE_AND_ANA, Identities())
    world.library.join_identities(None)
    world.start("")
    world.desk.upkeep.rule_review.load()
    assert world.library.identities().is_same_person(principal("elsie"), principal("ana"))


def test_where_the_accounts_before_are_not_known_nothing_is_proposed(world):
    split(world, ELSIE_AND_ANA, Identities())
    world.store.desk_controls.keep_accounts(Identities())
    tamper(world, [[principal("ben"), principal("ana")]])
    restart(world)
    case = order(world, 10, "product:1")
    assert ruling(case) is Ruling.REFUSE
    assert "who had which accounts before is not known" in case.proposal.verdict.reason
    # Put back, everything goes on, and they are known again.
    restart(world, people=ELSIE_AND_ANA)
    assert ruling(order(world, 10, "product:2")) is Ruling.ASK
    assert world.store.desk_controls.accounts_of(ELSIE_AND_ANA.checksum) == ELSIE_AND_ANA


def tamper(world: World, people: list[list[str]]) -> None:
    """Let the kept accounts say something else under the same checksum."""
    body = json.dumps({ELSIE_AND_ANA.checksum: people})
    statement = sa.text("UPDATE standing SET body = :body WHERE name = 'accounts'")
    with world.store.database.engine.begin() as connection:
        assert connection.execute(statement, {"body": body}).rowcount == 1


def test_accounts_that_are_kept_are_no_finding_of_the_doctor(world):
    split(world, ELSIE_AND_ANA, Identities())
    with world.store.database.snapshot() as connection:
        check = LedgerCheck(connection, None)
        assert list(check.differences()) == []
