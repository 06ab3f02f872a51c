"""A case looked at again: the desk's own triage over what it knew then, and nothing written."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.advisors import without_models
from bot.cases.actor import Surface
from bot.cases.entries import RejectReason
from bot.cases.evaluation import Course
from bot.cases.playbook import Lookup
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.cases.precedent import CaseOutcome, signal_text
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation
from bot.cases.rule_use import RuleHistory
from bot.cases.usage import Usage
from bot.cli.recorded_cases import AbsentPlanner
from bot.connectors.parameters import ParameterType
from bot.connectors.recorded import RecordedSystems, Recording
from bot.connectors.sql import SqlAction, SqlSystem
from bot.desk.case_replay import CaseReplay, FrozenClock, RecordedCase, record_case
from bot.desk.null_store import NullOutbox, RecordedCases
from bot.store.past_cases import PastCases
from knowledge.memory.embedder import HashedWordsEmbedder
from knowledge.memory.past_memory import PastMemory
from tests.desk import test_standing_rules as standing_rules
from tests.fakes.directory import principal
from tests.fakes.mind import altered_mind
from tests.world import World, policy, request

pytestmark = pytest.mark.both_databases

HOUSE = SqlSystem(
    name="house",
    url_env="HOUSE_URL",
    actions={
        "order_stock": SqlAction(
            name="order_stock",
            parameters={"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER},
            target="order_stock:{product_id}",
            summary="Order {quantity}",
            preview="{quantity} ordered",
            precondition="SELECT 1",
            statement="UPDATE stock SET on_order = :quantity",
            undo="UPDATE stock SET on_order = 0",
        )
    },
)


def systems_of(trial, playbook):
    recommendation = trial.after.proposal.recommendation
    recording = Recording(
        evidence=trial.evidence,
        actions=trial.actions,
        alternatives=recommendation.alternatives if recommendation else (),
    )
    return RecordedSystems(specs={"house": HOUSE}, recording=recording, lookups=playbook.evidence)


def replay(world, recogniser=None):
    clock = FrozenClock()
    models = without_models(clock)
    return CaseReplay(
        library=world.library,
        recommender=models.recommender,
        recogniser=recogniser or models.recogniser,
        systems_of=systems_of,
        clock=clock,
    )


def record(world, case):
    histories = PastCases(world.store.database)
    entries = world.store.cases.entries(case.id)
    windows = world.library.policy().windows

    def usage_before(trial):
        return histories.usage_before(trial.at, windows, plan=trial.after.proposal.plan)

    return record_case(entries, usage_before)


def compare(world, case, **more):
    (comparison,) = replay(world, **more).compare(record(world, case))
    return comparison


def differing(comparison):
    return [difference.name for difference in comparison.differences]


def change_offer(world, **changes):
    (offer,) = world.library.book.offers
    world.library.book = replace(world.library.book, offers=(replace(offer, **changes),))


def test_with_the_same_rules_the_desk_says_the_same(world):
    case = world.proposed()
    assert compare(world, case).differences == ()


def test_the_same_holds_after_everything_has_changed_outside(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    world.house.rows = []
    world.house.facts = {"on_hand": 0, "on_order": 99}
    world.clock.forward(days=40)
    comparison = compare(world, case)
    assert comparison.differences == ()
    assert comparison.agrees_now


def test_nothing_is_asked_of_outside_systems_and_nothing_is_written(world):
    case = world.proposed()
    entries = world.store.ledger.head()
    world.house.look_up = world.house.prepare = None
    compare(world, case)
    assert world.store.ledger.head() == entries


def test_another_quantity_of_the_playbook_differs_in_the_plan_alone(world):
    case = world.proposed()
    world.approve(case)
    change_offer(world, parameters={"product_id": "signal.product_id", "quantity": "stock.on_hand"})
    comparison = compare(world, case)
    assert differing(comparison) == ["plan"]
    assert comparison.now.steps[0].parameters == {"product_id": 1, "quantity": 4}
    assert comparison.is_regression


def test_another_condition_of_the_playbook_leaves_the_case_to_a_person(world):
    case = world.proposed()
    change_offer(world, when="stock.on_hand > `4`")
    comparison = compare(world, case)
    assert comparison.now.course is Course.NO_PLAN
    assert "plan" in differing(comparison)


def test_a_kind_that_became_autonomous_would_run_alone(world):
    case = world.proposed()
    world.desk.decisions.reject(
        request(case.id, principal("ana"), world.seen(case)),
        reason=RejectReason.WRONG_PLAN,
        note="",
    )
    world.library.book = replace(world.library.book, terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = replace(
        world.library.rules, actions={"house.order_stock": ActionLimit(alone=True)}
    )
    comparison = compare(world, case)
    assert comparison.is_newly_alone
    assert comparison.is_regression


def test_a_look_up_that_is_new_has_no_answer_and_says_so(world):
    case = world.proposed()
    rota = Lookup(name="rota", system="house", query="rota")
    world.library.book = replace(world.library.book, evidence=(*world.library.book.evidence, rota))
    assert compare(world, case).unknown_names == ("rota",)


def test_usage_is_that_of_the_moment_and_not_of_today(world):
    world.library.rules = replace(
        world.library.rules, actions={"house.order_stock": ActionLimit(times_per_day=1)}
    )
    first = world.proposed()
    world.approve(first)
    world.work()
    world.clock.forward(minutes=5)
    receipt = world.receive(world.signal("product:2", facts={"product_id": 2}))
    world.work()
    second = world.store.cases.case(receipt.case_id)
    before = [compare(world, case) for case in (first, second)]
    assert [one.before.course for one in before] == [Course.ASK, Course.REFUSED]
    assert [one.differences for one in before] == [(), ()]


class NamesIt:
    """A recogniser that has learned since."""

    def recognise(self, text):
        return Recognition(kind="low_stock", confidence=90, guesses=(), basis="learned", model="m2")

    def is_trained(self):
        return True


def test_a_case_that_was_not_recognised_may_be_recognised_today(world):
    receipt = world.receive(world.signal(kind="unrecognised"))
    world.work()
    case = world.store.cases.case(receipt.case_id)
    comparison = compare(world, case, recogniser=NamesIt())
    assert (comparison.before.kind, comparison.now.kind) == ("unrecognised", "low_stock")
    assert comparison.unknown_names == ("stock",)


def test_a_recorded_case_is_the_same_from_a_file(world):
    case = world.proposed()
    world.desk.decisions.edit(
        request(case.id, principal("ana"), world.seen(case)), values={"quantity": 30}
    )
    recorded_case = record(world, case)
    line = json.dumps(recorded_case.to_plain())
    again = RecordedCase.from_plain(json.loads(line))
    assert again == recorded_case
    assert replay(world).compare(again) == replay(world).compare(recorded_case)


def test_a_file_of_another_format_is_refused(world):
    plain = record(world, world.proposed()).to_plain()
    with pytest.raises(ValueError, match="format"):
        RecordedCase.from_plain({**plain, "format": "other/9"})
    with pytest.raises(ValueError, match="1 trials"):
        RecordedCase.from_plain({**plain, "usage": []})


def test_whatever_would_write_fails(world):
    case = world.proposed()
    trial = record(world, case).trials[0]
    cases = RecordedCases(trial.before, record(world, case).usages[0])
    for write in (
        lambda: cases.commit(None),
        lambda: cases.submit(None),
        lambda: cases.receive(case.signal, b"", None, world.clock()),
        lambda: NullOutbox().enqueue([]),
        lambda: NullOutbox().finish(None),
    ):
        with pytest.raises(AssertionError, match="writes nothing"):
            write()


def test_a_case_that_ran_by_a_standing_rule_is_played_by_the_rules_of_then(world):
    standing_rules.prepare(world)
    # The action of this file declares no amount.
    world.house.amount = None
    standing_rules.adopt(world)
    alone = standing_rules.raise_case(world, 200, quantity=18)
    outside = standing_rules.raise_case(world, 201, quantity=36)
    world.clock.forward(hours=1)
    world.desk.controls.supervise(
        "low_stock", by=principal("ana"), reason="stock-taking", surface=Surface.SLACK
    )
    assert standing_rules.rules(world) == ()
    history = RuleHistory(world.store.cases.entries("DESK"))

    def played(case):
        entries = world.store.cases.entries(case.id)
        recorded_case = record_case(
            entries,
            lambda trial: Usage(),
            rules_before=lambda trial: history.at(trial.at, trial.after.kind),
        )
        # Saved and read again, it has the rules with it.
        recorded_case = RecordedCase.from_plain(json.loads(json.dumps(recorded_case.to_plain())))
        (comparison,) = replay(world).compare(recorded_case)
        return comparison

    assert played(alone).differences == ()
    assert played(alone).now.course is Course.ALONE
    assert played(outside).now.course is Course.ASK
    # Another quantity is outside what was approved.
    change_offer(world, parameters={"product_id": "signal.product_id", "quantity": "stock.on_hand"})
    assert played(alone).now.course is Course.ASK


def test_a_file_of_an_earlier_release_has_no_standing_rules(world):
    plain = record(world, world.proposed()).to_plain()
    del plain["standing_rules"]
    assert RecordedCase.from_plain(plain).rules_of(0) == ()


class CautiousRecommender:
    """Recommends nothing where a plan like it was rejected before."""

    def __init__(self, inner, memory, clock):
        self.inner, self.memory, self.clock = inner, memory, clock

    def recommend(self, case, playbook, evidence, prepare):
        result = self.memory.recall(
            signal_text=signal_text(case.signal),
            kind=playbook.kind,
            channel=case.channel,
            now=self.clock(),
        )
        if any(one.outcome is CaseOutcome.REJECTED for one in result.precedents):
            return Recommendation("", "", "", blocked="it was rejected before"), ()
        return self.inner.recommend(case, playbook, evidence, prepare)


def test_a_plan_that_rests_on_precedents_is_played_with_those_of_then(world, tmp_path):
    cases = []
    for number in (1, 2):
        case_id = world.receive(world.signal(f"product:{number}")).case_id
        world.work()
        case = world.store.cases.case(case_id)
        world.desk.decisions.reject(
            request(case.id, principal("ana"), world.seen(case)),
            reason=RejectReason.WRONG_PLAN,
            note="",
        )
        world.work()
        world.clock.forward(days=1)
        cases.append(case)
    versions = PastCases(world.store.database).precedent_versions()
    memory = PastMemory(versions, HashedWordsEmbedder(), tmp_path)
    plain = replay(world)
    cautious = replace(
        plain,
        recommender=CautiousRecommender(plain.recommender, memory, plain.clock),
        memory=memory,
    )
    first, second = (cautious.compare(record(world, case))[0] for case in cases)
    # Its own rejection came later, and is its own.
    assert first.now.course is Course.ASK
    assert (second.now.course, second.now.reason) == (Course.NO_PLAN, "it was rejected before")


def test_a_chat_model_is_counted_and_not_asked_where_no_plan_fits(world):
    case = world.proposed()
    change_offer(world, when="stock.on_hand > `4`")
    planner = AbsentPlanner()
    (comparison,) = replace(replay(world), planner=planner).compare(record(world, case))
    assert comparison.now.course is Course.NO_PLAN
    assert planner.requests == 1


def test_an_answer_to_another_query_is_no_known_one(world):
    case = world.proposed()
    changed = replace(replay(world), changed_lookups={"low_stock": ("stock", "rota")})
    (comparison,) = changed.compare(record(world, case))
    assert (comparison.changed_names, comparison.is_known) == (("stock",), False)


def test_what_people_had_said_by_then_asks_again_and_what_they_said_later_does_not(store):
    """The promise that lapsed is in the ledger; no later answer reaches a replay."""
    world = World(store, altered_mind)
    world.house.undo_for = timedelta(days=1)
    world.library.book = replace(world.library.book, terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    alone = {**policy().actions, "house.order_stock": ActionLimit(alone=True)}
    world.library.rules = policy(actions=alone)
    first = world.proposed()
    world.mind.recommender.changes = {"lapsed_percent": 90, "promise": "no promise at present"}
    case_id = world.receive(world.signal("product:2")).case_id
    world.work()
    second = world.store.cases.case(case_id)
    courses = []
    for case in (first, second):
        comparison = compare(world, case)
        assert comparison.differences == ()
        courses.append(comparison.now.course)
    assert courses == [Course.ALONE, Course.ASK]
