"""A signal that names no kind: recognised, or put before a person who names it. Nothing is dropped, and every answer is kept."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import CallNovel
from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest, ConnectorFailed, NotEligible, TooLate
from bot.cases.kind_origin import KindOrigin, KindSource
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.cases.playbook import Stake
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.cases.signal import UNRECOGNISED
from bot.desk.triage import stake_of
from bot.ports.outbox import Topic
from tests.desk.test_grants import give, raised
from tests.fakes.directory import principal
from tests.fakes.mind import FakeRecogniser, altered_mind, mind
from tests.world import World, policy, request

pytestmark = pytest.mark.both_databases


@pytest.fixture
def unsure(store):
    return World(store, mind(recogniser=FakeRecogniser()))


@pytest.fixture
def sure(store):
    return World(store, mind(recogniser=FakeRecogniser("low_stock", 97)))


@pytest.fixture
def altered(store):
    """A desk whose small orders run alone, and may be undone."""
    world = World(store, altered_mind)
    world.house.undo_for = timedelta(days=1)
    world.library.book = replace(world.library.book, terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    actions = {**policy().actions, "house.order_stock": ActionLimit(alone=True)}
    world.library.rules = policy(actions=actions)
    return world


def nameless(world, **changes):
    given = {"kind": UNRECOGNISED, "title": "Two bottles left", **changes}
    receipt = world.receive(world.signal(**given))
    world.work()
    return world.store.cases.case(receipt.case_id)


def test_what_is_recognised_goes_the_way_of_its_kind(sure):
    case = nameless(sure)
    assert (case.state, case.kind, case.channel, case.classification.recognition.confidence) == (
        State.PROPOSED,
        "low_stock",
        "C0STOCK",
        97,
    )
    assert sure.store.queries.of_kinds(["low_stock"])[0].id == case.id


def test_what_fits_nothing_waits_for_a_person_with_an_owner_and_a_clock(unsure):
    case = nameless(unsure)
    assert (case.state, case.kind, case.owner, case.classification.is_urgent) == (
        State.REFERRED,
        UNRECOGNISED,
        unsure.library.book.owners.business,
        False,
    )
    assert case.timers.sla.decide_by > case.timers.opened_at
    assert unsure.entry_names(case)[:2] == ["case.opened", "kind.recognised"]


@pytest.mark.parametrize("said", [{"title": "They want £40,000"}, {"facts": {"amount": 40000}}])
def test_something_new_with_much_at_stake_goes_up_the_queue(unsure, said):
    case = nameless(unsure, **said)
    owners, usual = unsure.library.book.owners, unsure.library.book.measure.decide_for
    assert (case.classification.is_urgent, case.owner, str(case.assessment.stake)) == (
        True,
        owners.next_owner,
        "£40,000.00",
    )
    assert case.timers.sla.decide_by - case.timers.opened_at == usual / 4


def test_a_signal_whose_kind_is_named_is_not_second_guessed(unsure):
    unsure.receive()
    unsure.work()
    assert unsure.mind.recogniser.asked == []


def test_a_person_names_it_and_it_goes_to_that_playbook_on_a_new_card(unsure):
    case = nameless(unsure)
    unsure.desk.decisions.name_kind(
        request(case.id, principal("ana"), unsure.seen(case)), kind="low_stock"
    )
    unsure.work()
    named = unsure.case(case)
    assert (
        named.state,
        named.kind,
        named.channel,
        named.classification.named_by,
        named.generation,
    ) == (
        State.PROPOSED,
        "low_stock",
        "C0STOCK",
        "Ana",
        2,
    )
    (label,) = unsure.shelf.labels()
    assert (label.kind, label.signal_text, label.by) == ("low_stock", "Two bottles left", "Ana")


def test_something_new_is_an_answer_too(unsure):
    case = nameless(unsure)
    unsure.desk.decisions.decide(request(case.id, principal("ana"), unsure.seen(case)), CallNovel)
    unsure.work()
    assert (
        unsure.case(case).state,
        unsure.case(case).classification.is_novel,
        unsure.shelf.labels()[0].kind,
    ) == (
        State.REFERRED,
        True,
        "",
    )


def test_an_answer_is_given_once_by_those_it_belongs_to_and_names_a_playbook(unsure):
    case, decisions = nameless(unsure), unsure.desk.decisions
    with pytest.raises(NotEligible):
        decisions.name_kind(
            request(case.id, principal("carla"), CardSnapshot.of(case)), kind="low_stock"
        )
    with pytest.raises(BadRequest, match="no playbook"):
        decisions.name_kind(
            request(case.id, principal("ana"), CardSnapshot.of(case)), kind=UNRECOGNISED
        )
    decisions.decide(request(case.id, principal("ana"), CardSnapshot.of(case)), CallNovel)
    with pytest.raises(TooLate):
        decisions.name_kind(
            request(case.id, principal("ana"), CardSnapshot.of(case)), kind="low_stock"
        )
    assert unsure.entry_names(case).count("attempt.refused") == 3


def test_a_wrong_guess_is_taken_back_and_its_plan_with_it(sure):
    case = nameless(sure)
    by_ana = request(case.id, principal("ana"), sure.seen(case))
    with pytest.raises(BadRequest, match="taken for low stock already"):
        sure.desk.decisions.name_kind(by_ana, kind="low_stock")
    sure.desk.decisions.name_kind(by_ana, kind=UNRECOGNISED)
    sure.work()
    case = sure.case(case)
    # Nobody asks recognition again, and the plan of the wrong kind is gone.
    assert (case.state, case.kind, case.proposal.plan) == (State.REFERRED, UNRECOGNISED, None)
    assert (case.channel, case.classification.is_novel) == ("C0OPS", True)
    assert len(sure.mind.recogniser.asked) == 1
    (label,) = sure.shelf.labels()
    assert (label.kind, label.recognised_kind, label.origin.is_corrected) == ("", "low_stock", True)
    with pytest.raises(TooLate):
        sure.desk.decisions.name_kind(
            request(case.id, principal("ana"), sure.seen(case)), kind="low_stock"
        )


def test_who_named_the_kind_is_remembered_with_the_decision(sure):
    recognised = nameless(sure)
    from_source = nameless(sure, kind="low_stock", subject="product:2", key="known")
    sure.mind.recogniser.answer = FakeRecogniser().answer
    named = nameless(sure, subject="product:3", key="unknown")
    sure.desk.decisions.name_kind(
        request(named.id, principal("ana"), sure.seen(named)), kind="low_stock"
    )
    sure.work()
    for case in (recognised, from_source, named):
        sure.approve(sure.case(case))
        sure.work()
    origins = {one.case_id: one.kind_origin for one in sure.shelf.of_kind("low_stock", 10)}
    assert origins == {
        recognised.id: KindOrigin(KindSource.RECOGNITION, "low_stock"),
        from_source.id: KindOrigin(KindSource.SIGNAL),
        named.id: KindOrigin(KindSource.PERSON),
    }


def test_a_case_whose_kind_was_guessed_teaches_nothing_until_a_person_approves(sure):
    case = nameless(sure)
    sure.desk.decisions.reject(
        request(case.id, principal("ana"), sure.seen(case)), reason=RejectReason.WRONG_FACTS
    )
    sure.work()
    (precedent,) = sure.shelf.of_kind("low_stock", 10)
    assert (precedent.is_kind_known, precedent.is_reviewed) == (False, True)
    again = nameless(sure, subject="product:2")
    sure.approve(again)
    sure.work()
    assert [one.is_kind_known for one in sure.shelf.of_kind("low_stock", 10)] == [False, True]


def test_cases_are_read_judged_and_written_apart(world):
    """So that a worker may read several at once, and write them together."""
    triage = world.desk.triage
    for number in range(2):
        world.receive(world.signal(f"product:{number}"))
    messages = world.store.outbox.claim([Topic.TRIAGE], 2, world.clock(), 30)
    cases = [triage.read(message) for message in messages]
    outcomes = [triage.judge(case, message) for case, message in zip(cases, messages, strict=True)]
    assert {world.case(case).state for case in cases} == {State.OPEN}
    for outcome, message in zip(outcomes, messages, strict=True):
        triage.commit(outcome, message).result()
    assert {world.case(case).state for case in cases} == {State.PROPOSED}
    assert triage.judge(world.case(cases[0]), messages[0]) is None


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ConnectorFailed("the house is dark"), "the house is dark"),
        (KeyError("x"), "something that was read about it makes no sense"),
    ],
)
def test_what_cannot_be_judged_is_referred_with_the_reason(world, failure, reason):
    world.receive()
    (message,) = world.store.outbox.claim([Topic.TRIAGE], 1, world.clock(), 30)
    case = world.desk.triage.read(message)
    outcome = world.desk.triage.refer(case, failure, message)
    assert outcome.after.state is State.REFERRED
    assert reason in outcome.after.activity.status_reason.reason


def test_a_reopened_case_corrects_what_was_remembered(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    assert [str(one.outcome) for one in world.shelf.of_kind("low_stock", 10)] == ["worked"]
    world.clock.forward(seconds=60)
    world.receive(world.signal())
    world.work()
    assert [str(one.outcome) for one in world.shelf.of_kind("low_stock", 10)] == ["reopened"]


@pytest.mark.parametrize(
    ("currency", "money"),
    [
        ("USD", Money(Decimal("42.00"), "USD")),
        # What is no code of a currency leaves the playbook's own.
        ("usd", Money(Decimal("42.00"), "GBP")),
        (None, Money(Decimal("42.00"), "GBP")),
        (5, Money(Decimal("42.00"), "GBP")),
    ],
)
def test_the_stake_is_in_the_currency_that_the_source_says(currency, money):
    stake = Stake("Nobody knows", "signal.amount", "GBP", currency_from="signal.currency")
    assert stake_of(stake, {"signal": {"amount": 42, "currency": currency}}) == money
    assert stake_of(stake, {"signal": {"currency": "USD"}}) is None


def test_what_is_not_kept_at_present_asks_where_it_would_run_alone_and_says_why(altered):
    assert altered.proposed().state is State.RESOLVED
    altered.mind.recommender.changes = {"lapsed_percent": 90}
    case = altered.case(raised(altered, 2))
    assert case.state is State.PROPOSED
    assert case.proposal.verdict.inputs.objection == (
        "at least 90 of 100 such suggestions were promised to be right, and lately fewer were"
    )
    altered.mind.recommender.changes = {"promised_percent": 90}
    assert raised(altered, 3).state is State.RESOLVED


def test_what_was_allowed_in_advance_is_asked_about_while_a_promise_is_not_kept(altered):
    altered.library.book = replace(altered.library.book, terms=PlaybookTerms())
    give(altered)
    assert raised(altered, 1).grant_id
    altered.mind.recommender.changes = {"lapsed_percent": 90}
    case = raised(altered, 2)
    assert (case.state, case.grant_id) == (State.PROPOSED, "")
