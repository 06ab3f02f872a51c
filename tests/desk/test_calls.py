"""Calls: whoever a case waits for is reached once about each matter, and a storm calls once."""

from datetime import time, timedelta
from decimal import Decimal

import pytest

from bot.cases.actor import Surface
from bot.cases.call_rules import CallRules, Reach
from bot.cases.calls import MAX_MENTIONS, CallSubject
from bot.cases.commands import Nudge, Retract, Withdraw
from bot.cases.entries import RejectReason
from bot.cases.errors import ChatUnknown, NotEligible, NotNow, TooLate
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.ports.case_queries import CaseFilter
from bot.ports.outbox import OutboxMessage, Topic
from bot.store import tables
from tests.fakes.directory import principal
from tests.store.rows import rows_of
from tests.world import policy, request

pytestmark = pytest.mark.usefixtures("small_world")
ANA, BEN, CARLA, DEV, ELSIE, OMAR = map(principal, ("ana", "ben", "carla", "dev", "elsie", "omar"))
CLOSED = Hours(opens=time(9), closes=time(11))


@pytest.fixture
def world(small_world):
    return small_world


def waiting(world, amount, subject="product:1"):
    world.house.amount = Decimal(amount)
    case_id = world.receive(world.signal(subject)).case_id
    world.work()
    return world.store.cases.case(case_id)


def called(world):
    """Who got a direct message, by the account."""
    return sorted(calls[0].person for calls in world.chat.direct_calls.values())


def last_call(world, person):
    (calls,) = [calls for calls in world.chat.direct_calls.values() if calls[0].person == person]
    return calls[-1]


def request_again(world, case):
    """Request the call once more, as a commit that is repeated would."""
    call = OutboxMessage(
        topic=Topic.CALL,
        key=f"call:{case.id}:r{case.proposal.revision}",
        case_id=case.id,
        run_at=world.clock(),
        payload={"subject": "decision", "to": ""},
    )
    world.store.outbox.enqueue([call])
    world.work()


def test_low_risk_calls_nobody_and_medium_risk_the_group(world):
    waiting(world, 100)
    assert (world.chat.mentions, called(world)) == ([], [])
    waiting(world, 300, "product:2")
    assert (world.chat.mentions, called(world)) == ([("ops-leads",)], [])


def test_a_call_that_reaches_nobody_is_not_even_requested(world):
    def calls():
        return [row.key for row in rows_of(world.store, tables.outbox) if row.topic == "call"]

    waiting(world, 100)
    assert calls() == []
    case = waiting(world, 300, "product:2")
    assert calls() == [f"call:{case.id}:r1"]


def test_high_risk_calls_the_group_and_those_on_duty(world):
    world.people.change("elsie", away="On holiday")
    waiting(world, 3000)
    assert world.chat.mentions == [("ops-leads",)]
    assert called(world) == [BEN]


def test_the_settings_of_the_channel_decide(world):
    world.library.calls = CallRules(low=Reach.DUTY, high=Reach.NOBODY)
    waiting(world, 3000)
    assert (world.chat.mentions, called(world)) == ([], [])
    waiting(world, 100, "product:2")
    assert world.chat.mentions == [("floor-managers",)]
    assert called(world) == [ANA, principal("omar")]


def test_a_direct_message_becomes_the_outcome_when_it_is_decided_elsewhere(world):
    case = waiting(world, 3000)
    assert last_call(world, BEN).is_pending
    world.desk.decisions.reject(
        request(case.id, ELSIE, world.seen(case)), reason=RejectReason.DUPLICATE
    )
    world.work()
    call = last_call(world, BEN)
    assert not call.is_pending
    assert call.row.case.state is State.REJECTED
    assert called(world) == [BEN, ELSIE]


def test_the_next_factor_is_called_when_the_first_has_approved(world):
    case = waiting(world, 3000)
    assert CARLA not in called(world)
    world.approve(case, "ben", note="needed")
    world.work()
    assert world.chat.mentions == [("ops-leads",), ("finance",)]
    assert CARLA in called(world)
    # The one who has approved has no button any more.
    assert not last_call(world, BEN).is_pending


def test_an_approval_that_is_withdrawn_and_given_again_calls_nobody_twice(world):
    case = waiting(world, 3000)
    for _ in range(2):
        world.approve(case, "ben", note="needed")
        world.work()
        world.desk.decisions.decide(request(case.id, BEN, world.seen(case)), Withdraw)
        world.work()
    assert world.chat.mentions == [("ops-leads",), ("finance",)]
    assert called(world).count(CARLA) == 1


def test_whoever_is_handed_a_case_is_told_with_the_buttons(world):
    case = waiting(world, 100)
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to=BEN, progress="none", remains="all"
    )
    world.work()
    assert called(world) == [BEN]
    assert last_call(world, BEN).is_pending
    # The note in the thread mentions them; there is no second mention.
    assert world.chat.mentions == []
    assert (BEN, False) in world.chat.calls


def test_an_escalation_calls_those_on_duty_of_the_next_owner(world):
    waiting(world, 100)
    world.clock.forward(hours=4)
    world.desk.upkeep.deadlines.process_due()
    world.work()
    assert called(world) == [BEN, ELSIE]


def test_what_is_of_medium_risk_waits_for_the_opening(world):
    world.library.calendars["C0STOCK"] = CLOSED
    waiting(world, 300)
    assert world.chat.mentions == []
    world.clock.forward(hours=20)
    world.work()
    assert world.chat.mentions == []
    world.clock.forward(hours=1)
    world.work()
    assert world.chat.mentions == [("ops-leads",)]


def test_what_was_decided_before_the_opening_calls_nobody(world):
    world.library.calendars["C0STOCK"] = CLOSED
    case = waiting(world, 300)
    world.approve(case, "ben")
    world.clock.forward(hours=21)
    world.work()
    assert world.chat.mentions == []


def test_high_risk_is_called_at_once_at_any_hour(world):
    world.library.calendars["C0STOCK"] = CLOSED
    waiting(world, 3000)
    assert world.chat.mentions == [("ops-leads",)]
    assert called(world) == [BEN, ELSIE]


def test_nobody_is_called_twice_however_often_it_is_requested(world):
    case = waiting(world, 3000)
    request_again(world, case)
    request_again(world, case)
    assert world.chat.mentions == [("ops-leads",)]
    assert called(world) == [BEN, ELSIE]


def test_a_post_in_doubt_is_tried_again_with_its_mention_and_calls_once(world):
    world.chat.failures = [ChatUnknown("timeout")]
    world.house.amount = Decimal(300)
    world.receive()
    world.work()
    assert world.chat.mentions == []
    world.clock.forward(minutes=1)
    world.work()
    assert world.chat.mentions == [("ops-leads",)]


def test_a_case_that_is_proposed_again_on_its_card_calls_in_the_thread(world):
    case = waiting(world, 300)
    until = world.clock() + timedelta(hours=1)
    world.desk.decisions.snooze(
        request(case.id, BEN, world.seen(case)), until=until, reason="later"
    )
    world.work()
    world.clock.forward(hours=1)
    world.desk.upkeep.deadlines.process_due()
    world.work()
    assert world.case(case).state is State.PROPOSED
    assert world.chat.mentions == [("ops-leads",), ("ops-leads",)]


def test_a_series_of_one_kind_calls_a_few_times_and_is_then_quiet(world):
    for number in range(MAX_MENTIONS + 4):
        waiting(world, 300, f"product:{number}")
        world.clock.forward(seconds=61)
    assert len(world.chat.mentions) == MAX_MENTIONS
    world.clock.forward(minutes=11)
    waiting(world, 300, "product:later")
    assert len(world.chat.mentions) == MAX_MENTIONS + 1


def test_what_comes_within_a_minute_calls_once(world):
    for number in range(4):
        waiting(world, 300, f"product:{number}")
    assert world.chat.mentions == [("ops-leads",)]


def test_high_risk_is_called_about_each_time_however_close(world):
    for number in range(3):
        waiting(world, 3000, f"product:{number}")
    assert world.chat.mentions == [("ops-leads",)] * 3


def burst(world, count):
    world.house.amount = Decimal(300)
    for number in range(count):
        world.receive(world.signal(f"product:{number}"))
    for _ in range(5):
        world.work(rounds=1000)
        world.clock.forward(seconds=2)


@pytest.mark.parametrize("max_cards", [1, 2, 10, 30])
def test_a_storm_of_thirty_signals_calls_once(world, max_cards):
    world.desk.screens.storms.max_cards = max_cards
    burst(world, 30)
    assert len(world.chat.cards) == max_cards
    assert world.chat.mentions == [("ops-leads",)]
    assert not world.store.outbox.has_due([Topic.CALL], world.clock())


def test_a_storm_that_begins_later_calls_once_more_and_then_no_more(world):
    world.desk.screens.storms.max_cards = 1
    waiting(world, 300, "product:first")
    world.clock.forward(minutes=2)
    burst(world, 10)
    assert world.chat.mentions == [("ops-leads",)] * 2
    world.clock.forward(minutes=2)
    waiting(world, 300, "product:last")
    assert world.chat.mentions == [("ops-leads",)] * 2


def test_a_person_whom_slack_does_not_know_holds_nobody_up(world):
    del world.people.people[ELSIE]
    waiting(world, 3000)
    assert called(world) == [BEN]


def test_an_edited_plan_is_another_matter(world):
    case = waiting(world, 300)
    world.desk.decisions.edit(request(case.id, BEN, world.seen(case)), values={"quantity": "12"})
    world.work()
    assert world.chat.mentions == [("ops-leads",), ("ops-leads",)]


def test_whoever_raised_a_case_sees_what_it_waits_for_and_is_told_how_it_ended(world):
    world.house.amount = Decimal(100)
    case_id = world.receive(world.signal(requester=CARLA)).case_id
    world.work()
    case = world.store.cases.case(case_id)
    (line,) = [calls for key, calls in world.chat.direct_calls.items() if key.endswith(CARLA)]
    assert (line[-1].subject, line[-1].is_pending) == (CallSubject.REQUEST, True)
    assert line[-1].row.case.state is State.PROPOSED
    world.desk.decisions.reject(
        request(case.id, ANA, world.seen(case)), reason=RejectReason.DUPLICATE
    )
    world.work()
    assert not line[-1].is_pending
    subjects = [calls[-1].subject for calls in world.chat.direct_calls.values()]
    assert subjects == [CallSubject.REQUEST, CallSubject.RESULT]
    assert called(world) == [CARLA, CARLA]


def test_a_program_that_raised_a_case_is_not_written_to(world):
    world.receive(world.signal(requester="billing"))
    world.work()
    assert called(world) == []


def delegate(world, by, to, kind="", begins_in=timedelta()):
    begins_at = world.clock() + begins_in
    world.desk.controls.delegate(
        by=by,
        to=to,
        kind=kind,
        begins_at=begins_at,
        ends_at=begins_at + timedelta(hours=8),
        surface=Surface.SLACK,
    )


def test_whoever_gets_a_delegation_is_told_once(world):
    delegate(world, ANA, BEN)
    world.chat.failures = [ChatUnknown("timeout")]
    world.work()
    world.clock.forward(minutes=1)
    world.work()
    (text,) = world.chat.sent.values()
    assert text.startswith("Ana lets you decide for them on everything")


def test_whoever_gets_a_delegation_gets_what_waits_for_the_giver_with_the_buttons(world):
    low, medium = waiting(world, 100), waiting(world, 300, "product:2")
    delegate(world, ANA, CARLA)
    world.work()
    ((slot,),) = world.chat.slot_calls.values()
    assert slot.person == CARLA
    # What ops leads decide is nothing of Ana's.
    assert [(row.case.id, row.is_decidable) for row in slot.rows] == [(low.id, True)]
    assert medium.id != low.id
    world.approve(low, "carla")
    world.work()
    (calls,) = world.chat.slot_calls.values()
    assert calls[-1].rows[0].case.state is State.RESOLVED


def test_whoever_stands_in_for_somebody_who_is_away_is_called_in_their_place(world):
    delegate(world, BEN, DEV)
    world.people.change("ben", away="On holiday")
    case = waiting(world, 3000)
    assert called(world) == [DEV, ELSIE]
    world.approve(case, "dev", note="needed")
    world.work()
    assert not last_call(world, DEV).is_pending


def test_the_cases_of_a_delegation_come_when_it_begins(world):
    delegate(world, ANA, CARLA, begins_in=timedelta(hours=2))
    case = waiting(world, 100)
    assert world.chat.slot_calls == {}
    world.clock.forward(hours=2)
    world.work()
    ((slot,),) = world.chat.slot_calls.values()
    assert [row.case.id for row in slot.rows] == [case.id]


def test_a_delegation_of_another_kind_or_of_nothing_that_waits_sends_no_list(world):
    waiting(world, 300)
    delegate(world, ANA, CARLA)
    delegate(world, BEN, CARLA, kind="lead_cold")
    world.work()
    assert world.chat.slot_calls == {}


def test_whoever_gets_a_passkey_is_told(world):
    world.desk.enrolment.invite(BEN, operator="root")
    world.work()
    (text,) = world.chat.sent.values()
    assert text.startswith("You may add a passkey")


# --- whoever raised it ----------------------------------------------------------------------------


def raised(world, amount, by=DEV):
    """A case that a person raised, and that waits for its approval."""
    world.house.amount = Decimal(amount)
    case_id = world.receive(world.signal(requester=by)).case_id
    world.work()
    return world.store.cases.case(case_id)


def line(world, person, subject=CallSubject.REQUEST):
    """The message to this person about the case that they raised, as it is now."""
    (calls,) = [
        calls
        for calls in world.chat.direct_calls.values()
        if (calls[0].person, calls[0].subject) == (person, subject)
    ]
    return calls[-1]


def ask_again(world, case, by=DEV):
    world.desk.decisions.decide(request(case.id, by, world.seen(case)), Nudge)
    world.work()


def withdraw(world, case, by=DEV):
    world.desk.decisions.decide(request(case.id, by, world.seen(case)), Retract)
    world.work()


def test_the_line_says_who_must_still_approve_and_is_kept_true(world):
    case = raised(world, 3000)
    request_line = line(world, DEV)
    assert request_line.progress.waits_for == ("@finance", "@ops-leads")
    assert request_line.progress.approvals_missing == request_line.progress.approvals_needed == 2
    world.approve(case, "ben", note="needed")
    world.work()
    request_line = line(world, DEV)
    assert (request_line.progress.waits_for, request_line.progress.approvals_missing) == (
        ("@finance",),
        1,
    )
    world.approve(case, "carla", note="needed")
    world.work()
    assert not line(world, DEV).is_pending
    # The outcome rings; the line became it without a sound.
    assert line(world, DEV, CallSubject.RESULT).row.case.state is State.RESOLVED


def test_the_line_names_the_person_who_has_the_case(world):
    case = raised(world, 100)
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to=OMAR, progress="none", remains="all"
    )
    world.work()
    assert line(world, DEV).progress.waits_for == ("Omar", "@floor-managers")


def test_a_nudge_sends_the_call_again_and_is_counted(world):
    case = raised(world, 300)
    assert world.chat.mentions == [("ops-leads",)]
    ask_again(world, case)
    assert world.chat.mentions == [("ops-leads",)] * 2
    assert world.case(case).activity.nudge_count == 1
    assert "case.nudged" in world.entry_names(case)
    with pytest.raises(NotNow, match="asked again already"):
        ask_again(world, case)
    assert world.chat.mentions == [("ops-leads",)] * 2


def test_a_nudge_reaches_somebody_where_nobody_was_called(world):
    case = raised(world, 100)
    assert world.chat.mentions == []
    ask_again(world, case)
    assert world.chat.mentions == [("floor-managers",)]


def test_a_nudge_never_reaches_those_who_have_approved(world):
    case = raised(world, 3000)
    world.approve(case, "ben", note="needed")
    world.work()
    before = called(world)
    ask_again(world, case)
    assert world.chat.mentions[-1] == ("finance",)
    assert sorted([*before, CARLA]) == called(world)


def test_the_button_is_offered_again_after_four_hours(world):
    case = raised(world, 300)
    ask_again(world, case)
    again_at = line(world, DEV).next_nudge_at
    assert again_at == world.clock() + timedelta(hours=4)
    world.clock.forward(hours=4)
    world.work()
    assert line(world, DEV).next_nudge_at is None
    ask_again(world, case)
    assert world.case(case).activity.nudge_count == 2


def test_a_nudge_about_a_case_on_a_shared_card_goes_to_those_on_duty(world):
    world.desk.screens.storms.max_cards = 1
    world.house.amount = Decimal(300)
    for number in range(4):
        world.receive(world.signal(f"product:{number}", requester=DEV))
    world.work(rounds=1000)
    shared = world.store.queries.find(CaseFilter(), 10)[-1]
    mentions = len(world.chat.mentions)
    ask_again(world, shared)
    assert called(world).count(BEN) == called(world).count(ELSIE) == 1
    assert len(world.chat.mentions) == mentions


def test_whoever_raised_a_case_withdraws_it_and_all_see_it(world):
    case = raised(world, 3000)
    withdraw(world, case)
    assert world.case(case).state is State.WITHDRAWN
    assert not line(world, DEV).is_pending
    assert not last_call(world, BEN).is_pending
    # They know it themselves.
    subjects = [calls[0].subject for calls in world.chat.direct_calls.values()]
    assert CallSubject.RESULT not in subjects
    assert world.chat.cards[f"{case.id}/1"][-1].state is State.WITHDRAWN
    with pytest.raises(TooLate, match="is withdrawn by Dev since"):
        world.approve(case, "ben", note="needed")


def test_a_case_that_is_withdrawn_before_its_first_step_changes_nothing(world):
    case = raised(world, 100)
    world.approve(case)
    assert world.case(case).state is State.APPROVED
    withdraw(world, case)
    assert world.case(case).state is State.WITHDRAWN
    assert "step.started" not in world.entry_names(case)
    assert world.house.effects == []


def test_nobody_else_withdraws_or_asks_again(world):
    case = raised(world, 300)
    for person in (ANA, BEN):
        with pytest.raises(NotEligible, match="only whoever raised this"):
            withdraw(world, case, by=person)
        with pytest.raises(NotEligible, match="only whoever raised this"):
            ask_again(world, case, by=person)
    assert world.entry_names(case).count("attempt.refused") == 4
    assert world.case(case).state is State.PROPOSED


def test_a_trouble_that_is_raised_again_after_a_withdrawal_is_a_new_case(world):
    case = raised(world, 300)
    withdraw(world, case)
    again = raised(world, 300)
    assert again.id != case.id
    assert again.state is State.PROPOSED


def test_what_policy_would_refuse_is_not_asked_for(world):
    """The group hears that a person must look; nobody is asked to approve the plan."""
    world.library.rules = policy(actions={})
    case = waiting(world, 300)
    assert case.state is State.REFERRED
    assert world.chat.mentions == [("floor-managers",)]
    assert called(world) == []
