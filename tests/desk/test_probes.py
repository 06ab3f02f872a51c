"""Practice cases: put before a queue now and then, counted of the queue alone, and never executed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.audit.approver_decisions import SqlApproverDecisions, read_decisions
from bot.audit.replay import replay
from bot.cases.actor import DESK
from bot.cases.approver_health import measure_health
from bot.cases.canonical import to_json
from bot.cases.case import Case
from bot.cases.commands import Claim
from bot.cases.entries import RejectReason
from bot.cases.errors import MoveNotAllowed, NotEligible, Refusal, TooLate
from bot.cases.evaluation import reasons_for_evaluation
from bot.cases.granting import GrantTerms
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import State
from bot.cases.policy import EmergencyRule
from bot.cases.probe import Probe, ProbeAnswer
from bot.cases.probes import MIN_AGE, PROBE_MODE
from bot.desk.inquiries import Addressee, InquiryRequest
from bot.measures.totals import ReportPeriod
from bot.ports.case_queries import CaseFilter, Viewer
from bot.ports.outbox import OutboxMessage, Topic
from bot.store import tables
from bot.store.case_histories import SqlCaseHistorySource
from bot.store.outbox_rows import LEASED, PARKED, READY
from handlers.cards.case_card import case_card
from handlers.cards.case_details import details_view
from tests.cases.making import with_fields
from tests.fakes.directory import principal
from tests.store.rows import rows_of
from tests.world import World, request

pytestmark = pytest.mark.proof

ANA, BEN, FINN, OMAR = map(principal, ("ana", "ben", "finn", "omar"))
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: Every table that a figure, list or index of the business is made from.
BUSINESS_TABLES = (
    tables.effects,
    tables.case_tallies,
    tables.decision_scores,
    tables.case_people,
    tables.precedents,
    tables.labels,
)


@pytest.fixture
def world(world) -> World:
    return with_probes(world)


def with_probes(world: World, per_week: int = 2) -> World:
    world.people.members["floor-managers"] = {"ana", "omar", "finn"}
    world.waits["probes_per_week"] = per_week
    world.start("")
    return world


def refused(world: World, number: int = 7, reason=RejectReason.WRONG_PLAN, note="none is sold"):
    """A case of the business that people rightly refused, a while ago."""
    receipt = world.receive(world.signal(f"product:{number}", source="tills"))
    world.work()
    case = world.store.cases.case(receipt.case_id)
    world.desk.decisions.reject(request(case.id, ANA, world.seen(case)), reason, note)
    world.work()
    return world.case(case)


def put(world: World, *, hours: int = 24 * 14) -> Case:
    """Wait until chance picks an hour, and return the practice case of it."""
    for _ in range(hours):
        if world.desk.upkeep.probes.put_due():
            world.work()
            return world.store.probe_records.since(world.clock() - DAY)[0]
        world.clock.forward(hours=1)
    raise AssertionError("no hour was picked")


@pytest.fixture
def practice(world) -> Case:
    refused(world)
    world.clock.forward(days=20)
    forbid(world)
    return put(world)


def forbid(world: World) -> None:
    """Let every call that could change something outside fail the test."""

    # A worker takes a failure for an outcome, so the calls are counted as well.
    world.house.calls.clear()

    def fail(verb: str, *arguments, **more):
        world.house.calls.append(verb)
        raise AssertionError("a connector was called for a practice case")

    for verb in ("execute", "verify", "undo", "verify_undo", "read_facts"):
        setattr(world.house, verb, partial(fail, verb))


def business(world: World) -> dict[str, list]:
    return {table.name: rows_of(world.store, table) for table in BUSINESS_TABLES}


def topics(world: World, case: Case) -> set[str]:
    return {row.topic for row in rows_of(world.store, tables.outbox) if row.case_id == case.id}


# --- what is put ----------------------------------------------------------------------------------


def test_a_case_that_was_rightly_refused_is_put_before_its_queue_as_it_was(world, practice):
    past = world.store.cases.case("EX-1")
    assert practice.state is State.PROPOSED
    assert (practice.kind, practice.channel, practice.team) == ("low_stock", "C0STOCK", past.team)
    assert practice.proposal.plan.actions == past.proposal.plan.actions
    assert practice.proposal.plan.mode == PROBE_MODE
    assert practice.probe.of_case == "EX-1"
    assert practice.probe.reason == "The plan is wrong: none is sold"
    (opening, *_) = world.store.cases.entries(practice.id)
    assert opening.body.probe == practice.probe


def test_its_card_and_its_details_look_like_those_of_any_case(world, practice):
    text = json.dumps(
        [case_card(practice), details_view(practice, world.library.labels(), links={})]
    )
    assert "ractice" not in text
    assert "probe" not in text.lower()
    assert "esk" not in text.replace(practice.assessment.what, "")
    assert practice.shown_source == "tills"
    assert practice.id in {row.case_id for row in rows_of(world.store, tables.cards)}


@pytest.mark.parametrize(
    "reason", [RejectReason.NOT_WORTH_IT, RejectReason.ALREADY_HANDLED, RejectReason.OTHER]
)
def test_what_has_no_plain_answer_is_no_practice(world, reason):
    refused(world, reason=reason)
    world.clock.forward(days=20)
    with pytest.raises(AssertionError, match="no hour"):
        put(world)


def test_what_people_may_remember_is_not_put_yet(world):
    refused(world)
    world.clock.forward(days=1)
    with pytest.raises(AssertionError, match="no hour"):
        put(world, hours=24 * (MIN_AGE.days - 2))


def test_it_is_off_by_default(small_world):
    refused(small_world)
    small_world.clock.forward(days=20)
    with pytest.raises(AssertionError, match="no hour"):
        put(small_world)


def test_a_group_of_two_gets_none(world):
    refused(world)
    world.people.members["floor-managers"] = {"ana", "omar"}
    world.clock.forward(days=20)
    with pytest.raises(AssertionError, match="no hour"):
        put(world)


def test_a_queue_gets_no_more_than_was_agreed_and_no_past_case_twice(world):
    for number in range(9):
        refused(world, number)
    world.clock.forward(days=20)
    begin = world.clock()
    opened_at = []
    while world.clock() < begin + 21 * DAY:
        if world.desk.upkeep.probes.put_due():
            opened_at.append(world.clock())
        for case in world.store.probe_records.since(begin):
            if not case.is_terminal:
                world.approve(case)
        world.clock.forward(hours=1)
    probes = world.store.probe_records.since(begin)
    assert len(probes) == len(opened_at) >= 3
    assert len({case.probe.of_case for case in probes}) == len(probes)
    for at in opened_at:
        assert sum(at <= other < at + 7 * DAY for other in opened_at) <= 2


# --- what is pressed ------------------------------------------------------------------------------


def ask(world: World, asked) -> None:
    question = InquiryRequest(
        addressee=Addressee.OWNER, text="Is it sold?", answer_type=AnswerType.TEXT
    )
    world.desk.conversation.inquiries.ask(asked, question)


PRESSES = {
    "approve": (lambda desk, asked: desk.approve(asked), ProbeAnswer.APPROVED),
    "submit": (lambda desk, asked: desk.submit_approval(asked).result(), ProbeAnswer.APPROVED),
    "approve with a note": (lambda desk, asked: desk.approve(asked, "yes"), ProbeAnswer.APPROVED),
    "reject": (
        lambda desk, asked: desk.reject(asked, RejectReason.WRONG_PLAN, ""),
        ProbeAnswer.REJECTED,
    ),
    "edit": (lambda desk, asked: desk.edit(asked, {"quantity": 1}), ProbeAnswer.EDITED),
    "hand over": (
        lambda desk, asked: desk.hand_over(asked, to=BEN, progress="a", remains="b"),
        ProbeAnswer.LOOKED_INTO,
    ),
    "snooze": (
        lambda desk, asked: desk.snooze(
            asked, until=desk.clock() + timedelta(days=1), reason="later"
        ),
        ProbeAnswer.LOOKED_INTO,
    ),
}


@pytest.mark.parametrize("name", PRESSES)
def test_whatever_is_pressed_ends_it_and_nothing_is_carried_out(world, practice, name):
    press, answer = PRESSES[name]
    before = business(world)
    press(world.desk.decisions, request(practice.id, OMAR, world.seen(practice)))
    world.work()
    world.clock.forward(days=3)
    world.desk.upkeep.deadlines.process_due()
    world.work()
    after = world.case(practice)
    assert (after.state, after.probe.answer) == (State.WITHDRAWN, answer)
    assert world.entry_names(practice) == [
        "case.opened",
        "evidence.gathered",
        "plan.recommended",
        "probe.answered",
    ]
    assert business(world) == before
    assert world.house.calls == []
    assert topics(world, practice) <= {Topic.CARD.value, Topic.SWEEP.value}
    assert replay(world.store.database).differences == ()
    # Who pressed stands nowhere in the ledger.
    assert {entry.actor for entry in world.store.cases.entries(practice.id)[1:]} == {DESK}
    assert OMAR not in after.activity.people


def test_a_question_about_it_ends_it_and_reaches_nobody(world, practice):
    ask(world, request(practice.id, OMAR, world.seen(practice)))
    world.work()
    assert world.case(practice).probe.answer is ProbeAnswer.LOOKED_INTO
    assert Topic.INQUIRY.value not in topics(world, practice)


def test_nobody_decides_it_twice_or_takes_it_back(world, practice):
    world.approve(practice, "omar")
    world.work()
    decisions, seen = world.desk.decisions, world.seen(practice)
    asked = request(practice.id, ANA, seen)
    for press in (
        lambda: decisions.undo(asked, "no"),
        lambda: decisions.approve(asked),
        lambda: decisions.reject(asked, RejectReason.WRONG_PLAN, ""),
        lambda: decisions.resolve(asked, "by hand"),
        lambda: decisions.settle(asked, has_landed=True, note="x"),
        lambda: decisions.report_mistake(asked, "wrong"),
    ):
        with pytest.raises(Refusal):
            press()
    world.work()
    assert world.case(practice).state is State.WITHDRAWN


def test_it_cannot_be_approved_by_who_may_not_or_on_an_old_card(world, practice):
    with pytest.raises(NotEligible):
        world.approve(practice, "ben")
    assert world.case(practice).state is State.PROPOSED
    world.approve(practice, "finn")
    with pytest.raises(TooLate, match="it was a practice case"):
        world.approve(practice, "ana")


def test_no_grant_is_given_with_it(world, practice):
    asked = request(practice.id, OMAR, world.seen(practice))
    terms = GrantTerms(count=3, amount=1_000, until=world.clock() + HOUR)
    with pytest.raises(NotEligible, match="decided by itself"):
        world.desk.decisions.grants.suggest(practice)
    with pytest.raises(NotEligible, match="decided by itself"):
        world.desk.decisions.approve_next(asked, terms)
    assert world.desk.controls.grants() == ()
    assert world.case(practice).state is State.PROPOSED


def test_no_glass_is_broken_for_it(world, practice):
    world.library.rules = replace(
        world.library.rules,
        emergency=EmergencyRule(group="floor-managers", review_for=DAY),
    )
    asked = request(practice.id, OMAR, world.seen(practice))
    with pytest.raises(MoveNotAllowed):
        world.desk.decisions.break_glass(asked, "fire")
    assert "glass.broken" not in {row.body for row in rows_of(world.store, tables.ledger)}
    assert world.case(practice).state is State.PROPOSED


def test_a_message_to_execute_it_finds_nothing_to_do(world, practice):
    """Whatever may have written such a message, the executor looks first."""
    message = OutboxMessage(
        topic=Topic.EXECUTE,
        key=f"execute:{practice.id}:1",
        case_id=practice.id,
        run_at=world.clock(),
        payload={"revision": 1},
    )
    for _ in range(2):
        world.store.outbox.enqueue([message])
        world.work()
        if not world.case(practice).is_terminal:
            world.approve(practice)
    assert "step.started" not in world.entry_names(practice)
    assert rows_of(world.store, tables.effects) == []
    assert world.house.calls == []


def test_an_edit_reads_no_other_system(world, practice):
    def fail(*arguments, **more):
        raise AssertionError("another system was asked about a practice case")

    world.house.prepare = world.house.look_up = fail
    asked = request(practice.id, OMAR, world.seen(practice))
    world.desk.decisions.edit(asked, {"quantity": 1})
    assert world.case(practice).probe.answer is ProbeAnswer.EDITED


def test_a_plan_that_was_approved_past_all_rules_is_not_begun(world):
    """Somebody writes into the database that an approved case is practice."""
    receipt = world.receive(world.signal("product:3"))
    world.work()
    approved = world.approve(world.store.cases.case(receipt.case_id))
    probe = Probe(of_case="EX-0", group="floor-managers", source="tills", reason="")
    forgery = with_fields(approved, probe=probe)
    with world.store.database.engine.begin() as connection:
        connection.execute(tables.cases.update().values(body=to_json(forgery)))
    forbid(world)
    world.work()
    assert world.house.calls == []
    assert "step.started" not in world.entry_names(approved)
    # The message is done with, and not tried again.
    (message,) = [row for row in rows_of(world.store, tables.outbox) if row.topic == Topic.EXECUTE]
    assert message.state not in {READY, LEASED, PARKED}


def test_it_may_be_taken_on_and_still_decided(world, practice):
    world.desk.decisions.decide(request(practice.id, OMAR, world.seen(practice)), Claim)
    world.work()
    claimed = world.case(practice)
    assert (claimed.owner, claimed.state) == (OMAR, State.PROPOSED)
    world.approve(claimed, "ana")
    assert world.case(practice).probe.answer is ProbeAnswer.APPROVED
    assert rows_of(world.store, tables.case_people) == business(world)["named"]
    assert replay(world.store.database).differences == ()


def test_nobody_is_reminded_and_it_ends_by_itself(world, practice):
    calls = list(world.chat.calls)
    for _ in range(30):
        world.clock.forward(hours=1)
        world.desk.upkeep.deadlines.process_due()
        world.work()
    after = world.case(practice)
    assert (after.state, after.probe.answer) == (State.WITHDRAWN, ProbeAnswer.NONE)
    assert after.owner == practice.owner
    assert topics(world, practice) <= {Topic.CARD.value, Topic.SWEEP.value}
    assert world.chat.calls == calls


def test_a_real_signal_about_the_same_thing_opens_a_case_of_its_own(world, practice):
    world.receive(world.signal("product:7", source="tills"))
    real = world.store.queries.find(CaseFilter(), 10)
    assert [case.probe for case in real] == [None]
    assert world.case(practice).activity.signal_count == 1


# --- where it counts ------------------------------------------------------------------------------


def everywhere() -> Iterator[CaseFilter]:
    yield CaseFilter()
    yield CaseFilter(is_any=True)
    yield CaseFilter(is_over=True)
    yield CaseFilter(states=tuple(State))
    yield CaseFilter(is_any=True, viewer=Viewer(OMAR, frozenset({"C0STOCK", "C0OPS"})))
    yield CaseFilter(is_any=True, viewer=Viewer(OMAR, frozenset()))
    yield CaseFilter(is_any=True, kind="low_stock")
    yield CaseFilter(is_any=True, source="desk")


@pytest.mark.parametrize("is_decided", [False, True])
def test_no_list_no_figure_and_no_report_has_it(world, practice, is_decided):
    if is_decided:
        world.approve(practice, "omar")
        world.work()
    queries, store = world.store.queries, world.store
    for filter in everywhere():
        assert practice.id not in {case.id for case in queries.find(filter, 50)}
        assert queries.count(filter) == len(queries.find(filter, 50))
    assert practice.id not in {case.id for case in queries.newest()}
    assert practice.id not in queries.case_ids()
    assert queries.kinds() == {"low_stock"}
    period = ReportPeriod(world.clock() - 40 * DAY, world.clock() + DAY)
    with SqlCaseHistorySource(store.database).snapshot() as histories:
        assert histories.find([(period.since, period.until)]) == [1]
    samples = read_decisions(store.database, world.clock() - 40 * DAY)
    assert [sample.case_id for sample in samples] == ["EX-1"]
    entries = store.cases.entries(practice.id)
    assert reasons_for_evaluation(entries) == ()
    digest = world.desk.screens.digests.show_now("C0STOCK")
    assert practice.id not in {row.case.id for row in digest.rows}


def test_a_queue_is_told_how_many_it_noticed_and_nobody_who(world):
    for number in range(6):
        refused(world, number)
    world.clock.forward(days=20)
    for name, answer in (("ana", "approve"), ("omar", "reject"), ("finn", "reject")):
        case = put(world)
        asked = request(case.id, principal(name), world.seen(case))
        PRESSES[answer][0](world.desk.decisions, asked)
        world.work()
        world.clock.forward(days=5)
    decisions = SqlApproverDecisions(world.store.database)
    since = world.clock() - 90 * DAY
    probes = decisions.probes(since)
    (queue,) = measure_health(decisions.read(since), probes)
    # Ana alone has decided cases of the business: a figure would be about her.
    assert (queue.practice_count, queue.noticed_count) == (None, None)
    for name in ("omar", "finn"):
        receipt = world.receive(world.signal(f"product:{name}"))
        world.work()
        world.approve(world.store.cases.case(receipt.case_id), name)
    (queue,) = measure_health(decisions.read(since), probes)
    assert (queue.practice_count, queue.noticed_count) == (3, 2)
