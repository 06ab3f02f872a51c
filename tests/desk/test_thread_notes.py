"""The thread of a card: the evidence once for each card, notes in order, and buttons that go when they work no longer."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.entries import RejectReason
from bot.cases.errors import ChatUnknown, RateLimited
from bot.cases.lifecycle import State
from bot.cases.policy import EmergencyRule
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
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


def test_evidence_gives_way_to_cards_that_are_due(world):
    case = world.store.cases.case(world.receive(world.signal()).case_id)
    busy = [True]
    outbox = world.desk.screens.notes.outbox

    class Busy:
        def __getattr__(self, name):
            return getattr(outbox, name)

        def has_due(self, topics, now):
            return busy[0] if topics == [Topic.CARD] else outbox.has_due(topics, now)

    object.__setattr__(world.desk.screens.notes, "outbox", Busy())
    world.work()
    world.clock.forward(seconds=3)
    world.work()
    assert world.chat.evidence == []
    busy[0] = False
    world.clock.forward(seconds=3)
    world.work()
    assert [one.case.id for one in world.chat.evidence] == [case.id]


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
