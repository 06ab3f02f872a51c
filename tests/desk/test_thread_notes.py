"""The thread of a card: the evidence once for each card, notes in order, and buttons that go when they work no longer."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.entries import RejectReason
from bot.cases.errors import ChatFailed, ChatUnknown, RateLimited
from bot.cases.lifecycle import State
from bot.cases.policy import EmergencyRule
from bot.ports.outbox import Topic, card_message
from bot.store import tables
from tests.fakes.directory import principal
from tests.store.rows import lease, outbox_row, rows_of
from tests.world import policy, request

ANA, BEN, OMAR = map(principal, ("ana", "ben", "omar"))


def noted_versions(world):
    return [int(key.rpartition(":")[2]) for key in world.chat.notes]


def hand_over_twice(world, case):
    """Two changes of one case, each with a note of its own."""
    view = world.seen(case)
    for to in (BEN, OMAR):
        world.desk.decisions.hand_over(
            request(case.id, ANA, view), to=to, progress="counted", remains="order"
        )


def test_each_card_has_its_evidence_once(world):
    case = world.proposed()
    (evidence,) = world.chat.evidence
    assert (evidence.case.id, evidence.thread_ts) == (case.id, "1.0")
    world.clock.forward(minutes=5)
    hand_over_twice(world, case)
    world.work()
    assert len(world.chat.evidence) == 1
    world.house.facts["on_hand"] = 30
    world.approve(world.case(case))
    world.work()
    assert world.case(case).generation == 2
    assert [one.thread_ts for one in world.chat.evidence] == ["1.0", "2.0"]


def test_evidence_whose_reply_was_lost_is_looked_for(world):
    case = world.store.cases.case(world.receive(world.signal()).case_id)
    looked = []
    post = world.chat.post_evidence

    def lose_the_first_reply(evidence, *, look_first):
        looked.append(look_first)
        if len(looked) == 1:
            raise ChatUnknown("timeout")
        post(evidence, look_first=look_first)

    world.chat.post_evidence = lose_the_first_reply
    world.work()
    world.clock.forward(minutes=1)
    world.work()
    assert looked == [False, True]
    assert [one.case.id for one in world.chat.evidence] == [case.id]


def waiting_card(world):
    """A case whose card is under lease, and is about to be drawn."""
    case_id = world.receive(world.signal()).case_id
    world.lane.handle(lease(world.store, topic=Topic.TRIAGE, at=world.clock()))
    return lease(world.store, at=world.clock()), case_id


def evidence_rows(world):
    return [row for row in rows_of(world.store, tables.outbox) if ":evidence:" in row.key]


def test_evidence_is_posted_with_its_card_and_needs_no_message_of_its_own(world):
    card, case_id = waiting_card(world)
    world.lane.handle(card)
    assert [one.case.id for one in world.chat.evidence] == [case_id]
    assert evidence_rows(world) == []


def test_evidence_gives_way_to_cards_that_are_due(world):
    card, case_id = waiting_card(world)
    other_id = world.receive(world.signal("product:2")).case_id
    world.lane.handle(lease(world.store, topic=Topic.TRIAGE, at=world.clock()))
    world.lane.handle(card)
    assert world.chat.evidence == []
    world.work()
    assert [one.case.id for one in world.chat.evidence] == [other_id]
    world.clock.forward(seconds=3)
    world.work()
    assert [one.case.id for one in world.chat.evidence] == [other_id, case_id]


def test_evidence_gives_way_to_cards_that_wait_for_a_thread(world):
    card, _ = waiting_card(world)
    world.desk.screens.cards.evidence.backlog.add([card])
    world.lane.handle(card)
    assert world.chat.evidence == []
    assert [row.run_at - world.clock().timestamp() for row in evidence_rows(world)] == [3.0]


def test_evidence_that_comes_later_still_gives_way_to_cards(world):
    card, _ = waiting_card(world)
    world.desk.screens.cards.evidence.backlog.add([card])
    world.lane.handle(card)
    world.clock.forward(seconds=3)
    message = lease(world.store, topic=Topic.NOTE, at=world.clock())
    world.store.outbox.enqueue([card_message("EX-1", world.clock())])
    world.lane.handle(message)
    assert world.chat.evidence == []
    world.work()
    world.clock.forward(seconds=3)
    world.work()
    assert len(world.chat.evidence) == 1


def test_evidence_that_comes_too_early_for_slack_comes_when_slack_says(world):
    card, _ = waiting_card(world)
    waits = [RateLimited(7)]
    post = world.chat.post_evidence

    def wait_once(evidence, *, look_first):
        if waits:
            raise waits.pop()
        assert not look_first
        post(evidence, look_first=look_first)

    world.chat.post_evidence = wait_once
    world.lane.handle(card)
    assert [row.run_at - world.clock().timestamp() for row in evidence_rows(world)] == [7.0]
    world.clock.forward(seconds=7)
    world.work()
    assert len(world.chat.evidence) == 1


@pytest.mark.parametrize("failure", [ChatFailed("no_permission"), ValueError("a table of nothing")])
def test_a_card_stands_whatever_becomes_of_its_evidence(world, failure):
    card, case_id = waiting_card(world)

    def fail(evidence, *, look_first):
        raise failure

    world.chat.post_evidence = fail
    world.lane.handle(card)
    assert len(world.store.cards.cards(case_id)) == 1
    assert outbox_row(world.store, card.key).state == "done"
    assert [row.state for row in evidence_rows(world)] == ["ready"]


def test_a_worker_that_died_after_posting_both_leaves_the_evidence_once(world):
    """Card and evidence stand, and nothing is recorded: the next worker looks for both."""
    card, _ = waiting_card(world)
    looked = []
    post = world.chat.post_evidence

    def note_and_post(evidence, *, look_first):
        looked.append(look_first)
        post(evidence, look_first=look_first)

    world.chat.post_evidence = note_and_post
    record = type(world.store.cards).record

    def die(store, *args, **options):
        raise SystemExit

    type(world.store.cards).record = die
    try:
        with pytest.raises(SystemExit):
            world.lane.handle(card)
    finally:
        type(world.store.cards).record = record
    world.clock.forward(minutes=1)
    world.work()
    assert looked == [False, True]
    assert world.chat.looked_first == 1
    assert len(world.store.cards.cards("EX-1")) == 1


def test_notes_stand_in_the_order_of_versions(world):
    """The first note has to wait for Slack; the second waits for the first."""
    case = world.proposed()
    hand_over_twice(world, case)
    post = world.chat.post_note
    waits = [RateLimited(3)]

    def post_note(note, *, look_first):
        if waits:
            raise waits.pop()
        return post(note, look_first=look_first)

    world.chat.post_note = post_note
    for _ in range(8):
        world.work()
        world.clock.forward(seconds=1)
    versions = noted_versions(world)
    assert versions == sorted(versions)
    assert len(versions) == 2


def test_a_note_that_was_given_up_holds_up_no_other(world):
    case = world.proposed()
    hand_over_twice(world, case)
    first = min(world.store.outbox.waiting_keys(Topic.NOTE, case.id))
    (message,) = [
        one
        for one in world.store.outbox.claim([Topic.NOTE], 10, world.clock(), 30.0)
        if one.key == first
    ]
    world.store.outbox.park(message, "by hand")
    world.clock.forward(minutes=1)
    world.work()
    assert len(noted_versions(world)) == 1


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_note_that_asks_has_buttons_until_it_is_decided(world, decision):
    case = world.proposed()
    hand_over_twice(world, case)
    world.work()
    world.clock.forward(seconds=2)
    world.work()
    drawn = list(world.chat.drawn_notes.values())
    assert [note.has_buttons for note in drawn] == [True, True]
    if decision == "approve":
        world.approve(world.case(case))
    else:
        world.desk.decisions.reject(
            request(case.id, ANA, world.seen(world.case(case))), reason=RejectReason.DUPLICATE
        )
    for _ in range(4):
        world.work()
        world.clock.forward(seconds=1)
    assert world.case(case).state in {State.RESOLVED, State.REJECTED}
    assert [note.has_buttons for note in world.chat.drawn_notes.values()].count(True) == 0
    assert [key for key in world.store.live_lists.keys_with(case.id) if "note" in key] == []


def test_a_reminder_and_an_escalation_carry_buttons_and_call(world):
    case = world.proposed()
    while not world.case(case).timers.is_escalated:
        world.clock.forward(minutes=30)
        world.desk.upkeep.deadlines.process_due()
        world.work()
        world.clock.forward(seconds=2)
        world.work()
    notes = list(world.chat.drawn_notes.values())
    assert len(notes) >= 2
    assert all(note.has_buttons and note.call for note in notes)


def test_a_decision_while_the_note_is_posted_leaves_no_dead_button(world):
    case = world.proposed()
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to=BEN, progress="counted", remains="order"
    )
    post = world.chat.post_note

    def decide_meanwhile(note, *, look_first):
        ts = post(note, look_first=look_first)
        world.chat.post_note = post
        world.desk.decisions.reject(
            request(case.id, ANA, world.seen(world.case(case))), reason=RejectReason.DUPLICATE
        )
        return ts

    world.chat.post_note = decide_meanwhile
    for _ in range(4):
        world.work()
        world.clock.forward(seconds=1)
    assert [note.has_buttons for note in world.chat.drawn_notes.values()].count(True) == 0


def noted(world):
    """Return the names of the entries of each note."""
    notes = world.chat.drawn_notes.values()
    return [[entry.body.name for entry in note.entries] for note in notes]


def test_what_let_a_plan_run_is_noted_with_its_outcome(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    assert noted(world) == [
        ["approval.given", "plan.authorised", "step.reported", "case.resolved"],
    ]


def test_each_approval_is_noted_once(world):
    world.library.rules = policy(high_above=Decimal(50))
    case = world.proposed()
    world.approve(case, "ben", note="it is right")
    world.work()
    assert noted(world) == [["approval.given"]]
    world.approve(world.case(case), "carla", note="go on")
    world.work()
    assert noted(world) == [
        ["approval.given"],
        ["approval.given", "plan.authorised", "step.reported", "case.resolved"],
    ]


def test_an_emergency_is_noted_at_once_and_alone(world):
    world.library.rules = policy(emergency=EmergencyRule("owners", timedelta(hours=24)))
    case = world.proposed()
    elsie = request(case.id, principal("elsie"), world.seen(case))
    world.desk.decisions.break_glass(elsie, reason="the cellar floods")
    world.work()
    assert noted(world) == [
        ["approval.given", "plan.authorised"],
        ["step.reported", "case.resolved"],
    ]


def test_an_undo_is_noted_with_its_outcome(world):
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.approve(case)
    world.work()
    world.desk.decisions.undo(request(case.id, ANA, world.seen(case)), "too many")
    world.work()
    first, second, *_ = noted(world)
    assert first[-1] == "case.resolved"
    assert second[:2] == ["undo.approved", "plan.undo_asked"]
    assert second[2:]


def test_a_plan_that_drifted_says_that_it_was_approved(world):
    case = world.proposed()
    world.house.facts["on_hand"] = 30
    world.approve(case)
    world.work()
    assert noted(world)[0][:3] == ["approval.given", "plan.authorised", "plan.drifted"]
