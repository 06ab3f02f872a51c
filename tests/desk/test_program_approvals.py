"""Requests of programs, from the question to the report."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.commands import ReportedOutcome
from bot.cases.entries import RejectReason
from bot.cases.errors import (
    BadRequest,
    KeyReused,
    NoSuchCase,
    NotEligible,
    TooLate,
    TooMany,
)
from bot.cases.lifecycle import State
from bot.cases.plan import Money, Proposer
from bot.cases.policy import RiskTier
from bot.cases.program import Program, ProgramAction
from bot.cases.program_request import GivenEvidence, ProgramRequest
from bot.cases.verdict import IDENTITY_UNKNOWN
from bot.desk.program_approvals import ProgramReport, RequestOutcome
from bot.views.approval_record import approval_record
from tests.fakes.directory import principal
from tests.world import HOUR, request

AGENT = Program(
    name="stock-agent",
    title="Stock agent",
    acts_for=(principal("ben"),),
    actions={
        "house.order_stock": ProgramAction(per_request=Decimal(500)),
        "refund": ProgramAction(
            title="Refund a deposit",
            amount="deposit",
            per_request=Decimal(1000),
            amount_per_day=Decimal(1500),
        ),
        "publish": ProgramAction(title="Publish the menu", times_per_day=5, reversible=True),
    },
    follow_up=2 * HOUR,
    max_open=3,
)
ORDER = ProgramRequest(
    action="house.order_stock",
    arguments={"product_id": 1, "quantity": 24},
    summary="The cellar is low",
)
REFUND = ProgramRequest(
    action="refund",
    arguments={"booking": "B-17", "deposit": 40},
    summary="The guest cancelled in time",
)


class Agent:
    """The program, signed in."""

    def __init__(self, world, program=AGENT, **token):
        world.library.programs[program.name] = program
        self.world = world
        tokens = world.desk.program_tokens
        self.caller = tokens.find_caller(tokens.make(program.name, operator="root", **token))
        self.approvals = world.desk.program_approvals
        self.count = 0

    def ask(self, asked=REFUND, *, key="", work=True):
        self.count += 1
        receipt = self.approvals.ask(self.caller, asked, key=key or f"key-{self.count}", raw=b"{}")
        if work:
            self.world.work()
        return replace(receipt, case=self.look(receipt.case.id))

    def look(self, case_id):
        return self.approvals.find(self.caller, case_id)

    def record(self, case):
        return approval_record(self.look(case.id))

    def report(self, case, outcome=ReportedOutcome.DONE, **more):
        return self.approvals.report(self.caller, case.id, ProgramReport(outcome=outcome, **more))


@pytest.fixture
def world(small_world):
    small_world.library.programs[AGENT.name] = AGENT
    small_world.start("")
    return small_world


@pytest.fixture
def agent(world):
    return Agent(world)


def approve(world, case, *names):
    for name in names or ("ana",):
        world.approve(world.case(case), name, note="seen")
    world.work()


def reject(world, case, name="ana"):
    world.desk.decisions.reject(
        request(case.id, principal(name), world.seen(case)), RejectReason.NOT_WORTH_IT, "no"
    )
    world.work()


def test_what_was_approved_is_handed_back_and_reported(world, agent):
    case = agent.ask().case
    assert (case.state, agent.record(case)["state"]) == (State.PROPOSED, "pending")
    plan = case.proposal.plan
    assert plan.proposer is Proposer.PROGRAM
    assert plan.actions[0].parameters == {"booking": "B-17", "deposit": 40}
    assert plan.amount == Money(Decimal(40), "GBP")

    approve(world, case, "elsie")

    record = agent.record(case)
    assert record["state"] == "approved"
    assert record["decision"]["by"] == [{"id": principal("elsie"), "name": "Elsie"}]
    assert record["decision"]["arguments"] == {"booking": "B-17", "deposit": 40}
    assert record["decision"]["plan_hash"] == record["plan_hash"] == plan.plan_hash
    assert record["execution"]["state"] == "waiting"
    agent.report(case, detail="paid", facts={"reference": "R1"})
    record = agent.record(case)
    assert (record["state"], record["execution"]["result"]) == ("done", {"reference": "R1"})
    assert world.case(case).state is State.RESOLVED
    with pytest.raises(TooLate, match="there is no outcome to report"):
        agent.report(case)


def test_an_action_of_the_systems_is_carried_out_by_us(world, agent):
    case = agent.ask(ORDER).case
    approve(world, case)

    record = agent.record(case)
    assert (record["state"], record["execution"]["by"]) == ("done", "countersign")
    assert len(world.house.effects) == 1
    with pytest.raises(TooLate):
        agent.report(case)


def test_edited_arguments_come_back_and_the_price_follows_them(world, agent):
    case = agent.ask().case
    world.desk.decisions.edit(
        request(case.id, principal("elsie"), world.seen(case)), {"deposit": 30}
    )
    world.work()
    edited = world.case(case)
    assert edited.proposal.plan.amount == Money(Decimal(30), "GBP")
    with pytest.raises(NotEligible, match="whoever raised or edited"):
        approve(world, case, "elsie")
    world.people.members["ops-leads"].add("dev")

    approve(world, case, "dev")

    decision = agent.record(case)["decision"]
    assert (decision["outcome"], decision["arguments"]["deposit"]) == ("edited", 30)
    assert decision["plan_hash"] == edited.proposal.plan.plan_hash


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (40, "30", 30),
        (40, "30.5", 30.5),
        (True, "no", False),
        (None, "None", None),
        ("17", "18", "18"),
        (40, "40", 40),
    ],
)
def test_what_a_form_gives_back_is_of_the_sort_that_the_program_gave(
    world, agent, before, text, after
):
    publish = ProgramRequest(action="publish", arguments={"menu": before, "x": 1}, summary="New")
    case = agent.ask(publish).case
    edit = {"menu": text, "x": "2"}
    world.desk.decisions.edit(request(case.id, principal("ana"), world.seen(case)), edit)
    parameters = world.case(case).proposal.plan.actions[0].parameters
    assert (parameters, type(parameters["menu"])) == ({"menu": after, "x": 2}, type(after))


def test_an_edit_of_another_sort_is_refused(world, agent):
    case = agent.ask().case
    for text in ("much", "NaN", ""):
        with pytest.raises(BadRequest, match="cannot be done|nothing was changed"):
            world.desk.decisions.edit(
                request(case.id, principal("elsie"), world.seen(case)), {"deposit": text}
            )


def test_neither_the_program_nor_those_it_acts_for_approve(world, agent):
    world.library.people_by_name["Elsie"] = principal("elsie")
    case = agent.ask(replace(REFUND, on_behalf_of="Elsie")).case

    for name in ("ben", "elsie"):
        with pytest.raises(NotEligible, match="whoever raised or edited"):
            approve(world, case, name)


def test_a_stranger_on_whose_behalf_it_asks_brings_in_the_governance_owners(world, agent):
    case = agent.ask(replace(REFUND, on_behalf_of="somebody@example.com")).case
    assert "owners" in [factor.group for factor in case.proposal.verdict.factors]


def test_named_approvers_are_added_and_replace_nobody(world, agent):
    case = agent.ask(replace(REFUND, approvers=("finance",))).case
    groups = {factor.group for factor in case.proposal.verdict.factors}
    assert groups == {"ops-leads", "finance"}
    with pytest.raises(BadRequest, match="nobody here decides as the-agents"):
        agent.ask(replace(REFUND, approvers=("the-agents",)))


def test_risk_is_that_of_policy_and_a_claim_lowers_nothing(world, agent):
    publish = ProgramRequest(action="publish", arguments={"menu": "lunch"}, summary="It is ready")
    tiers = [
        agent.ask(asked).case.proposal.verdict.tier
        for asked in (
            publish,
            replace(publish, arguments={"menu": "dinner"}, reversible=False),
            replace(REFUND, arguments={"booking": "B-1", "deposit": 300}),
        )
    ]
    assert tiers == [RiskTier.LOW, RiskTier.MEDIUM, RiskTier.HIGH]


def test_what_neither_file_nor_token_allows_is_refused_without_a_case(world, agent):
    with pytest.raises(NotEligible, match=r"may not ask for house\.give_notice"):
        agent.ask(replace(ORDER, action="house.give_notice"))
    with pytest.raises(NotEligible, match=r"£2,000\.00 is more than the £1,000\.00"):
        agent.ask(replace(REFUND, arguments={"booking": "B-1", "deposit": 2000}))
    narrow = Agent(world, actions=["refund"], limit=Decimal(50))
    with pytest.raises(NotEligible, match=r"may not ask for house\.order_stock"):
        narrow.ask(ORDER)
    with pytest.raises(NotEligible, match=r"£51\.00 is more than the £50\.00"):
        narrow.ask(replace(REFUND, arguments={"booking": "B-1", "deposit": 51}))
    for deposit in (None, True, "much", -1, float("nan")):
        with pytest.raises(BadRequest, match="must be an amount of money"):
            agent.ask(replace(REFUND, arguments={"booking": "B-1", "deposit": deposit}))
    with pytest.raises(BadRequest, match="amount is not what deposit says"):
        agent.ask(replace(REFUND, amount=Money(Decimal(4), "GBP")))
    assert world.store.queries.open_ids() == []


def test_a_price_above_what_the_program_may_ask_for_ends_the_request_at_once(world, agent):
    world.house.amount = Decimal(501)

    case = agent.ask(ORDER).case

    record = agent.record(case)
    assert (case.state, record["state"]) == (State.REJECTED, "rejected")
    assert record["decision"]["reason"].endswith(
        "£501.00 is more than the £500.00 that it may ask for"
    )


def test_what_policy_refuses_ends_at_once_and_says_why(world, agent):
    world.library.rules = replace(world.library.rules, actions={})

    record = agent.record(agent.ask(ORDER).case)

    assert record["state"] == "rejected"
    assert record["decision"]["by"] == [{"id": "countersign", "name": "policy"}]
    assert "not on the list of allowed actions" in record["decision"]["reason"]


def test_a_system_that_is_away_leaves_the_request_with_its_owner(world, agent):
    world.house.faults["prepare"] = ["away"]
    prepare = world.house.prepare

    def away(*arguments, **named):
        from bot.cases.errors import ConnectorFailed

        raise ConnectorFailed("the system is away", retryable=True)

    world.house.prepare = away
    case = agent.ask(ORDER).case
    assert (case.state, agent.record(case)["state"]) == (State.REFERRED, "pending")
    world.house.prepare = prepare


def test_an_amount_split_into_small_ones_is_as_risky_as_the_whole(world, agent):
    world.library.rules = replace(world.library.rules, window=24 * HOUR)
    tiers = []
    for number in range(8):
        asked = replace(REFUND, arguments={"booking": f"B-{number}", "deposit": 40})
        case = agent.ask(asked).case
        tiers.append(case.proposal.verdict.tier)
        approve(world, case, *(["elsie", "carla"] if tiers[-1] is RiskTier.HIGH else ["elsie"]))
        agent.report(case)
    # 250 is what one person may still decide.
    assert tiers == [RiskTier.MEDIUM] * 6 + [RiskTier.HIGH] * 2


def test_the_budget_of_a_day_holds_over_all_requests(world, agent):
    for booking in ("B-1", "B-2"):
        case = agent.ask(replace(REFUND, arguments={"booking": booking, "deposit": 700})).case
        approve(world, case, "elsie", "carla")
        agent.report(case)

    record = agent.record(
        agent.ask(replace(REFUND, arguments={"booking": "B-3", "deposit": 700})).case
    )

    assert record["state"] == "rejected"
    assert "would pass the limit of £1,500.00" in record["decision"]["reason"]


def test_the_same_key_is_the_same_request_and_nothing_else(world, agent):
    first = agent.ask(key="one")
    again = agent.ask(key="one")
    assert (again.case.id, again.outcome) == (first.case.id, RequestOutcome.SAME)
    with pytest.raises(KeyReused):
        agent.ask(replace(REFUND, arguments={"booking": "B-17", "deposit": 41}), key="one")
    assert world.case(first.case).activity.conflict_count == 1
    assert len(world.store.queries.open_ids()) == 1


def test_the_same_action_and_arguments_wait_once(world, agent):
    first, second = agent.ask(), agent.ask(replace(REFUND, summary="Please!"))
    assert (second.case.id, second.outcome) == (first.case.id, RequestOutcome.SAME)
    with pytest.raises(KeyReused, match="states another amount"):
        agent.ask(replace(REFUND, on_behalf_of="ana"))


def test_the_same_after_a_no_has_the_earlier_answer_for_a_day(world, agent):
    case = agent.ask().case
    reject(world, case, "elsie")
    for _ in range(3):
        world.clock.forward(hours=7)
        again = agent.ask(replace(REFUND, summary="It is urgent, approve it now"))
        assert (again.outcome, again.case.id) == (RequestOutcome.REFUSED_BEFORE, case.id)
    record = agent.record(case)
    assert record["decision"]["by"] == [{"id": principal("elsie"), "name": "Elsie"}]
    assert record["decision"]["reason"] == "Not worth acting on: no"

    world.clock.forward(hours=4)

    assert agent.ask().outcome is RequestOutcome.NEW


def test_what_was_done_may_be_asked_for_again(world, agent):
    case = agent.ask(ORDER).case
    approve(world, case)
    assert agent.record(case)["state"] == "done"
    assert agent.ask(ORDER).outcome is RequestOutcome.NEW


def test_a_flood_opens_no_more_cases_than_may_wait(world, agent):
    def ask(number):
        return agent.ask(replace(REFUND, arguments={"booking": f"B-{number}", "deposit": 1}))

    first, *_ = [ask(number) for number in range(3)]
    with pytest.raises(TooMany, match="3 requests of stock-agent wait"):
        ask(4)
    # What waits already is still answered, and room is made by a decision.
    assert (
        agent.ask(replace(REFUND, arguments={"booking": "B-0", "deposit": 1})).outcome
        is RequestOutcome.SAME
    )
    agent.approvals.cancel(agent.caller, first.case.id)
    assert ask(4).outcome is RequestOutcome.NEW


def test_a_request_of_another_program_is_not_there(world, agent):
    case = agent.ask().case
    other = Agent(world, replace(AGENT, name="other", title="Other"))
    for act in (
        lambda: other.look(case.id),
        lambda: other.approvals.cancel(other.caller, case.id),
        lambda: other.report(case),
        lambda: agent.look("EX-99"),
        lambda: agent.look(world.proposed().id),
    ):
        with pytest.raises(NoSuchCase):
            act()


def test_a_program_takes_back_what_nobody_has_decided(world, agent):
    case = agent.ask().case
    agent.approvals.cancel(agent.caller, case.id)
    world.work()
    record = agent.record(case)
    assert (record["state"], record["decision"]["outcome"]) == ("cancelled", "cancelled")
    with pytest.raises(TooLate):
        approve(world, case, "elsie")

    case = agent.ask(ORDER).case
    approve(world, case)
    with pytest.raises(TooLate, match="cannot be taken back any more"):
        agent.approvals.cancel(agent.caller, case.id)


def test_a_request_expires_when_it_says_whoever_was_asked(world, agent):
    asked = replace(REFUND, expires_for=timedelta(hours=6))
    case = agent.ask(asked).case
    assert case.proposal.expires_at == world.clock() + 6 * HOUR
    world.clock.forward(hours=5)
    world.desk.upkeep.deadlines.process_due()
    world.work()
    # The next owner is asked meanwhile, and has no longer.
    assert world.case(case).timers.is_escalated
    assert world.case(case).proposal.expires_at == case.proposal.expires_at

    world.clock.forward(hours=1)
    world.desk.upkeep.deadlines.process_due()
    world.work()

    assert agent.record(case)["state"] == "expired"
    with pytest.raises(TooLate):
        approve(world, case, "elsie")


def test_a_failure_that_is_reported_goes_to_the_owner(world, agent):
    case = agent.ask().case
    approve(world, case, "elsie")
    agent.report(case, ReportedOutcome.FAILED, detail="the bank refused it")

    record = agent.record(case)
    assert (world.case(case).state, record["state"]) == (State.REFERRED, "failed")
    assert "the bank refused it" in record["execution"]["detail"]


def test_an_unknown_outcome_stays_unknown_until_somebody_says(world, agent):
    case = agent.ask().case
    approve(world, case, "elsie")
    agent.report(case, ReportedOutcome.UNKNOWN, detail="a timeout")
    assert (world.case(case).state, agent.record(case)["state"]) == (
        State.OUTCOME_UNKNOWN,
        "unknown",
    )
    with pytest.raises(TooLate):
        agent.report(case, ReportedOutcome.UNKNOWN)
    agent.report(case, detail="it is there after all")
    assert agent.record(case)["state"] == "done"


def test_the_owner_is_asked_when_no_report_comes(world, agent):
    case = agent.ask().case
    approve(world, case, "elsie")
    world.clock.forward(minutes=119)
    world.work()
    assert agent.record(case)["state"] == "approved"

    world.clock.forward(minutes=2)
    world.work()

    assert (world.case(case).state, agent.record(case)["state"]) == (
        State.OUTCOME_UNKNOWN,
        "unknown",
    )
    assert "has not reported what came of it" in world.case(case).activity.status_reason.reason


def test_a_paused_desk_hands_nothing_back(world, agent):
    case = agent.ask().case
    world.desk.controls.pause("", by=principal("elsie"), reason="look", surface=Surface.SLACK)
    approve(world, case, "elsie")
    assert (world.case(case).state, agent.record(case)["state"]) == (State.APPROVED, "pending")


def test_a_dry_run_lets_a_program_do_nothing(world):
    world.start("dry-run")
    agent = Agent(world)
    case = agent.ask().case
    approve(world, case, "elsie")
    record = agent.record(case)
    assert (record["state"], record["execution"]) == ("rejected", None)
    assert "dry run" in record["decision"]["reason"]


def test_evidence_stands_as_the_programs_own_word(world, agent):
    given = GivenEvidence(
        title="Booking", text="cancelled", url="https://x.example", facts={"days_before": 9}
    )
    case = agent.ask(replace(REFUND, evidence=(given,))).case
    assert {(fact.label, fact.value, fact.source) for fact in case.assessment.evidence} == {
        ("Booking", "cancelled (https://x.example)", "program:stock-agent"),
        ("Booking, days before", 9, "program:stock-agent"),
    }
    assert case.signal.title == "Stock agent: “The guest cancelled in time”"


def test_no_source_passes_for_a_program_that_has_signed_in(world):
    """A stranger brings in the governance owners, whatever they call themselves."""
    receipt = world.receive(world.signal(requester=AGENT.source))
    world.work()
    verdict = world.store.cases.case(receipt.case_id).proposal.verdict
    assert verdict.rule == IDENTITY_UNKNOWN
