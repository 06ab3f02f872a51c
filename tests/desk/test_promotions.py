"""Autonomy from end to end: earned by decisions, decided by a person, lost at once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Lock

import pytest

from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.case import Case
from bot.cases.desk_kinds import stage_kind
from bot.cases.entries import RejectReason, StageChanged
from bot.cases.errors import NotEligible, TooLate
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.ports.case_queries import CaseFilter
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.world import World, playbook, policy, request

pytestmark = pytest.mark.proof

ORDER = "house.order_stock"
DAY = timedelta(days=1)
RULE = AutonomyRule(decisions=12, agreement=0.6, alone_per_day=3)


@pytest.fixture
def world(world) -> World:
    prepare(world)
    return world


def prepare(world: World) -> None:
    """Let policy allow that the action runs alone, once it has earned it."""
    limits = {**policy().actions, ORDER: ActionLimit(alone=True)}
    world.library.rules = policy(actions=limits, autonomy=RULE, medium_above=Decimal(1000))
    world.house.undo_for = DAY
    world.house.rows = [{**world.house.rows[0], "at_risk": 10}]


def decide(world: World, number: int, *, rejecting: bool = False) -> Case:
    """One case, decided by Ana."""
    case_id = world.receive(world.signal(f"product:{number}")).case_id
    world.work()
    case = world.store.cases.case(case_id)
    if rejecting:
        by = request(case.id, principal("ana"), world.seen(case))
        world.desk.decisions.reject(by, reason=RejectReason.WRONG_PLAN, note="not this one")
    else:
        world.approve(case)
    world.work()
    world.clock.at += timedelta(hours=1)
    return world.case(case)


def earn(world: World, *, first: int = 100) -> None:
    """As many decisions as the rule asks for, of which one goes against the bot."""
    for number in range(RULE.decisions):
        decide(world, first + number, rejecting=number == 7)


def promotion(world: World) -> Case | None:
    """The case that asks for a stage, if one waits."""
    filter = CaseFilter(kinds=(stage_kind("low_stock"),))
    cases = [case for case in world.store.queries.find(filter, 10) if not case.is_terminal]
    return cases[0] if cases else None


def ask(world: World) -> Case:
    assert world.desk.upkeep.promotions.review() == 1
    world.work()
    case = promotion(world)
    assert case is not None
    return case


def promote(world: World) -> Case:
    earn(world)
    case = ask(world)
    world.approve(case, "elsie")
    world.work()
    return world.case(case)


def next_case(world: World, subject: str = "product:next") -> Case:
    case_id = world.receive(world.signal(subject)).case_id
    world.work()
    return world.store.cases.case(case_id)


def stage(world: World) -> Stage:
    return world.store.desk_controls.load().stage_of("low_stock", ORDER, Stage.SUPERVISED)


def take_back(world: World, case: Case) -> None:
    by = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.undo(by, note="the wrong shop")
    world.work()


def notices(world: World) -> list[str]:
    """What those who govern the kind were told, each of them once."""
    sent = world.chat.sent.items()
    return [text for key, text in sent if ":stage:" in key and key.endswith(principal("elsie"))]


def test_from_decisions_to_a_card_to_running_alone_and_back(world):
    earn(world)
    case = ask(world)
    assert "Of 12 decisions it would have matched you 11 times" in case.assessment.what
    shown = {fact.label: fact.value for fact in case.assessment.evidence}
    assert shown["Decided otherwise"] == "EX-8"
    assert case.proposal.verdict.factors[0].group == "owners"
    # Whoever approves orders does not decide who need not be asked.
    with pytest.raises(NotEligible):
        world.approve(case, "ana")
    assert stage(world) is Stage.SUPERVISED
    world.approve(case, "elsie")
    world.work()
    assert world.case(case).state is State.RESOLVED
    (record,) = world.store.desk_controls.load().stages
    assert (record.stage, record.by_name, record.on_case) == (Stage.AUTONOMOUS, "Elsie", case.id)
    assert (record.evidence.decisions, record.evidence.agreements) == (12, 11)

    alone = next_case(world)
    assert (alone.state, alone.was_auto_approved) == (State.RESOLVED, True)

    take_back(world, alone)
    assert stage(world) is Stage.SUPERVISED
    (record,) = world.store.desk_controls.load().stages
    assert (record.is_demotion, record.on_case) == (True, alone.id)
    assert "the wrong shop" in record.reason
    (notice,) = notices(world)
    assert alone.id in notice
    assert "the wrong shop" in notice

    again = next_case(world, "product:again")
    assert (again.state, again.was_auto_approved) == (State.PROPOSED, False)


def test_the_stage_is_taken_back_in_the_commit_of_the_bad_outcome(world):
    promote(world)
    alone = next_case(world)
    by = request(alone.id, principal("ana"), world.seen(alone))
    world.desk.decisions.undo(by, note="the wrong shop")
    # No worker has run since.
    assert stage(world) is Stage.SUPERVISED


def test_trouble_that_comes_back_takes_the_stage_back(world):
    promote(world)
    next_case(world)
    world.receive(world.signal("product:next"))
    assert stage(world) is Stage.SUPERVISED


def test_a_reported_mistake_takes_the_stage_back_once(world):
    promote(world)
    alone = next_case(world)
    by = request(alone.id, principal("ana"), world.seen(alone))
    world.desk.decisions.report_mistake(by, "that shop has closed")
    world.work()
    assert stage(world) is Stage.SUPERVISED
    # What was done stands.
    assert world.case(alone).state is State.RESOLVED
    assert [note for note in notices(world) if "that shop has closed" in note]
    with pytest.raises(TooLate, match="reported as a mistake"):
        world.desk.decisions.report_mistake(by, "once more")


def test_what_a_person_approved_wrongly_keeps_the_gate_closed(world):
    earn(world)
    bad = decide(world, 500)
    by = request(bad.id, principal("ana"), world.seen(bad))
    world.desk.decisions.report_mistake(by, "too many")
    assert world.desk.upkeep.promotions.review() == 0
    world.clock.at += RULE.window + DAY
    earn(world, first=1000)
    assert world.desk.upkeep.promotions.review() == 1


def test_a_promotion_is_asked_for_once(world):
    earn(world)
    case = ask(world)
    assert world.desk.upkeep.promotions.review() == 0
    by = request(case.id, principal("elsie"), world.seen(case))
    world.desk.decisions.reject(by, reason=RejectReason.NOT_WORTH_IT, note="not yet")
    world.work()
    world.clock.at += 2 * DAY
    assert world.desk.upkeep.promotions.review() == 0
    world.clock.at += RULE.ask_again
    assert stage(world) is Stage.SUPERVISED
    assert world.desk.upkeep.promotions.review() == 1


def test_a_promotion_goes_away_with_its_evidence(world):
    earn(world)
    case = ask(world)
    bad = decide(world, 500)
    take_back(world, bad)
    world.desk.upkeep.promotions.review()
    assert world.case(case).state is State.CLEARED


def test_a_bad_outcome_after_the_card_stops_what_was_approved(world):
    earn(world)
    bad = decide(world, 500)
    case = ask(world)
    take_back(world, bad)
    world.approve(case, "elsie")
    world.work()
    assert stage(world) is Stage.SUPERVISED
    assert world.case(case).state is not State.RESOLVED


def test_undoing_a_promotion_lets_it_ask_again(world):
    case = promote(world)
    assert stage(world) is Stage.AUTONOMOUS
    by = request(case.id, principal("elsie"), world.seen(case))
    world.desk.decisions.undo(by, note="too soon")
    world.work()
    assert stage(world) is Stage.SUPERVISED
    assert next_case(world).state is State.PROPOSED


def test_what_is_not_of_low_risk_never_runs_alone(world):
    promote(world)
    for amount in (Decimal(1001), Decimal(2501)):
        world.house.amount = amount
        case = next_case(world, f"product:{amount}")
        assert (case.state, case.was_auto_approved) == (State.PROPOSED, False)
    world.house.amount, world.house.reversible = Decimal(100), False
    assert next_case(world, "product:final").state is State.PROPOSED


def test_the_budget_of_the_day_ends_what_runs_alone_until_tomorrow(world):
    promote(world)
    states = [
        next_case(world, f"product:n{number}").state for number in range(RULE.alone_per_day + 2)
    ]
    assert states == [State.RESOLVED] * RULE.alone_per_day + [State.PROPOSED] * 2
    world.clock.at += DAY
    assert next_case(world, "product:tomorrow").state is State.RESOLVED


def triaged(world: World, subject: str) -> Case:
    """A case whose plan policy has let run alone, and of which no step has begun."""
    case_id = world.receive(world.signal(subject)).case_id
    (message,) = world.store.outbox.claim([Topic.TRIAGE], 5, world.clock(), 30)
    world.desk.triage.run(message)
    case = world.store.cases.case(case_id)
    assert (case.state, case.was_auto_approved) == (State.APPROVED, True)
    return case


def between_check_and_commit(world: World, monkeypatch, act) -> None:
    """Act once, after the facts of a step were read and before its beginning is written."""
    precondition = world.house.precondition
    acts = [act]

    def read(action):
        if acts:
            acts.pop()()
        return precondition(action)

    monkeypatch.setattr(world.house, "precondition", read)


def test_a_stage_taken_back_before_the_step_stops_the_step(world):
    promote(world)
    case = triaged(world, "product:next")
    demote(world)
    world.work()
    after = world.case(case)
    assert (after.state, after.execution.steps) == (State.PROPOSED, ())


def test_a_stage_taken_back_in_the_last_moment_stops_the_step(world, monkeypatch):
    promote(world)
    case = triaged(world, "product:next")
    between_check_and_commit(world, monkeypatch, lambda: demote(world))
    begun = len(world.house.calls)
    (message,) = world.store.outbox.claim([Topic.EXECUTE], 5, world.clock(), 30)
    world.desk.execution.executor.run(message)
    assert world.house.calls[begun:] == []
    assert "plan.drifted" in world.entry_names(case)
    world.work()
    assert world.case(case).state is State.PROPOSED


def test_the_budget_of_the_day_is_not_overdrawn_in_the_last_moment(world, monkeypatch):
    rule = replace(RULE, alone_per_day=1)
    promote(world)
    world.library.rules = replace(world.library.rules, autonomy=rule)
    first, second = triaged(world, "product:first"), triaged(world, "product:second")
    messages = world.store.outbox.claim([Topic.EXECUTE], 5, world.clock(), 30)
    by_case = {message.case_id: message for message in messages}
    run = world.desk.execution.executor.run
    between_check_and_commit(world, monkeypatch, lambda: run(by_case[second.id]))
    run(by_case[first.id])
    assert world.case(second).state is State.RESOLVED
    assert "plan.drifted" in world.entry_names(first)
    world.work()
    assert world.case(first).state is State.PROPOSED


def demote(world: World) -> None:
    other = next(
        case
        for case in world.store.queries.find(CaseFilter(kinds=("low_stock",), is_over=True), 100)
        if case.state is State.RESOLVED
    )
    by = request(other.id, principal("ana"), world.seen(other))
    world.desk.decisions.undo(by, note="wrong")


def test_shadow_mode_outranks_what_was_earned(world):
    promote(world)
    world.start("shadow")
    case = next_case(world)
    assert (case.state, case.proposal.verdict.rule) == (State.REFERRED, "stage.shadow")


def test_the_record_begins_anew_after_a_demotion(world):
    promote(world)
    take_back(world, next_case(world))
    world.clock.at += RULE.window + DAY
    assert world.desk.upkeep.promotions.review() == 0
    earn(world, first=1000)
    assert world.desk.upkeep.promotions.review() == 1


def test_every_change_of_stage_is_in_the_ledger(world):
    promote(world)
    take_back(world, next_case(world))
    changes = [
        entry.body
        for entry in world.store.cases.entries("DESK")
        if isinstance(entry.body, StageChanged)
    ]
    assert [(one.before, one.stage) for one in changes] == [
        (Stage.SUPERVISED, Stage.AUTONOMOUS),
        (Stage.AUTONOMOUS, Stage.SUPERVISED),
    ]


def test_a_kind_of_an_earlier_file_that_said_autonomous_is_taken_back_too(world):
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    alone = next_case(world)
    assert alone.was_auto_approved
    take_back(world, alone)
    assert next_case(world, "product:again").state is State.PROPOSED


def watched(world: World) -> list[str]:
    kinds: list[str] = []
    world.store.database.score_listeners.append(kinds.append)
    return kinds


def test_each_scored_decision_is_reported_once_it_is_durable_and_nothing_else(world):
    kinds = watched(world)
    case_id = world.receive(world.signal("product:1")).case_id
    world.work()
    assert kinds == []
    case = world.store.cases.case(case_id)
    world.approve(case)
    assert kinds == ["low_stock"]


def test_a_decision_that_was_not_written_is_not_reported(world):
    case_id = world.receive(world.signal("product:1")).case_id
    world.work()
    case = world.store.cases.case(case_id)
    by = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.reject(by, reason=RejectReason.WRONG_PLAN, note="no")
    kinds = watched(world)
    with pytest.raises(TooLate):
        world.desk.decisions.reject(by, reason=RejectReason.WRONG_PLAN, note="no")
    assert kinds == []


def test_the_deciding_press_alone_opens_the_gate(world):
    kinds = watched(world)
    earn(world, first=200)
    opened_counts = [world.desk.upkeep.review_kind(kind) for kind in dict.fromkeys(kinds)]
    assert opened_counts == [1]
    world.work()
    assert promotion(world) is not None


def test_two_processes_that_look_at_once_open_one_case(world):
    earn(world)
    other = replace(
        world.desk.upkeep.promotions,
        clock=lambda: world.clock() + timedelta(seconds=3),
        # That of another process.
        _lock=Lock(),
    )
    signal_of_first = []
    receive = world.desk.upkeep.promotions.intake.receive

    class Slow:
        """An intake before which the other process looks, too."""

        def receive(self, signal, raw):
            signal_of_first.append(signal)
            assert other.review_kind("low_stock") == 1
            return receive(signal, raw)

    first = replace(world.desk.upkeep.promotions, intake=Slow())
    assert first.review_kind("low_stock") == 0
    case = promotion(world)
    assert case is not None
    assert signal_of_first == [case.signal]
    assert case.activity.signal_count == 1


def test_a_kind_that_policy_never_lets_go_further_costs_no_statement(world):
    world.library.rules = policy(autonomy=RULE)
    promotions = replace(world.desk.upkeep.promotions, desk_controls=None, queries=None)
    assert promotions.review_kind("low_stock") == 0
