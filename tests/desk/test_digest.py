"""The digest: once, at the right hour, with what matters first, and true while the cases move."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.entries import RejectReason
from bot.cases.hours import ALWAYS, Hours
from bot.cases.lifecycle import State
from bot.cases.signal import UNRECOGNISED
from bot.ports.case_queries import CaseFilter
from bot.ports.question_log import QuestionRecord
from scheduler.digest import DigestSchedule, due_times
from tests.fakes.directory import principal
from tests.world import request

ANA, BEN, ELSIE, FINN = map(principal, ("ana", "ben", "elsie", "finn"))
OFFICE = Hours(
    zone="Europe/London",
    opens=time(9),
    closes=time(18),
    days=frozenset(range(5)),
    digest_at=time(8, 30),
)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def digest_times(world):
    return DigestSchedule(world.store.live_lists, world.store.outbox, world.library, world.clock)


def open_case(world, name, at_risk=100.0):
    world.house.rows = [{"product": name, "on_hand": 1, "quantity": 6, "at_risk": at_risk}]
    case = world.store.cases.case(world.receive(world.signal(name)).case_id)
    world.work()
    return world.case(case)


def digest_at(world, at=MONDAY):
    """The digest of the stock channel at this moment."""
    world.clock.at = at
    digest_times(world).enqueue_due()
    world.work()
    return next((one for one in reversed(world.chat.digests) if one.place == "C0STOCK"), None)


def case_ids(rows):
    return [row.case.id for row in rows]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 23, 8, 29, tzinfo=UTC), []),
        (datetime(2026, 11, 23, 8, 30, tzinfo=UTC), [datetime(2026, 11, 23, 8, 30, tzinfo=UTC)]),
        (datetime(2026, 11, 23, 20, 31, tzinfo=UTC), []),  # too late to be news
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), []),  # a Sunday
        (
            datetime(2026, 7, 1, 7, 30, tzinfo=UTC),
            [datetime(2026, 7, 1, 7, 30, tzinfo=UTC)],
        ),  # summer time
    ],
)
def test_a_digest_is_due_at_its_own_hour_on_working_days(now, due):
    assert list(due_times(OFFICE, now)) == due


def test_it_is_posted_once_however_often_and_from_wherever_one_looks(world):
    open_case(world, "Merlot")
    world.clock.at = MONDAY
    looks = [digest_times(world).enqueue_due() for _ in range(3)]
    assert looks[0] >= 1
    assert looks[1:] == [0, 0]
    world.work()
    world.clock.forward(minutes=-30)
    digest_times(world).enqueue_due()
    world.clock.forward(hours=2)
    digest_times(world).enqueue_due()
    world.work()
    assert [one.place for one in world.chat.digests] == ["C0STOCK"]
    world.clock.forward(days=1)
    digest_times(world).enqueue_due()
    world.work()
    assert len(world.chat.digests) == 2


@given(st.lists(st.integers(-90, 400), max_size=60))
def test_however_the_clock_jumps_no_digest_is_asked_for_twice(jumps):
    times, now = [], MONDAY
    for minutes in jumps:
        now += timedelta(minutes=minutes)
        times += [at for at in due_times(ALWAYS, now) if at not in times]
    assert len(times) == len(set(times))


def test_nothing_to_say_is_not_said(world):
    assert digest_at(world) is None


def test_what_needs_a_decision_comes_by_money_and_clock(world):
    world.clock.at = MONDAY - timedelta(hours=2)
    small, large = open_case(world, "Gin", 10), open_case(world, "Barolo", 900_000)
    world.clock.forward(minutes=30)
    later = open_case(world, "Rum", 10)
    digest = digest_at(world)
    assert case_ids(digest.needs) == [large.id, small.id, later.id]
    assert digest.figures.counts.openings == 3


def test_a_case_that_needs_a_person_is_counted_and_says_whose_it_is(world):
    world.house.failing_lookups.add("look")
    case = open_case(world, "Merlot")
    digest = digest_at(world, MONDAY)
    assert (case_ids(digest.needs), case_ids(digest.persons)) == ([], [case.id])
    assert digest.persons[0].case.owner == "floor-managers"
    assert (
        digest.figures.open.to_decide,
        digest.figures.open.to_handle,
        digest.figures.open.late,
    ) == (0, 1, 1)


def test_each_open_case_is_in_one_section(world):
    world.clock.at = MONDAY - timedelta(hours=1)
    to_decide, to_snooze, to_give = (open_case(world, name) for name in ("Gin", "Rum", "Ale"))
    world.desk.decisions.snooze(
        request(to_snooze.id, ANA, world.seen(to_snooze)),
        until=MONDAY + timedelta(days=1),
        reason="after lunch",
    )
    world.desk.decisions.hand_over(
        request(to_give.id, ANA, world.seen(to_give)), to=FINN, progress="counted", remains="order"
    )
    world.house.failing_lookups.add("look")
    to_handle = open_case(world, "Port")
    world.work()
    digest = digest_at(world)
    assert case_ids(digest.needs) == [to_decide.id]
    assert case_ids(digest.persons) == [to_handle.id]
    assert sorted(case_ids(digest.later)) == sorted([to_snooze.id, to_give.id])
    assert {row.owner_name for row in digest.later} == {"", "Finn"}
    assert len(set(case_ids(digest.rows))) == digest.figures.open.total == 4
    assert digest.more == 0


def test_a_case_of_an_unknown_kind_needs_a_person_and_counts_as_unrecognised(world):
    find_playbook = world.library.playbook
    world.library.playbook = lambda kind: find_playbook(
        kind if kind == "low_stock" else UNRECOGNISED
    )
    open_case(world, "Gin")
    case = world.store.cases.case(world.receive(world.signal("x", kind="gremlins")).case_id)
    world.work()
    assert world.case(case).kind == "gremlins"
    cases = world.store.queries.find(
        world.desk.conversation.queues.unrecognised_filter(CaseFilter()), 5
    )
    assert [one.id for one in cases] == [case.id]
    answer = world.desk.conversation.questions.answer("what could you not recognise", by=ANA)
    assert case_ids(answer.rows) == [case.id]


def test_the_money_that_waits_was_moved_and_was_lost(world):
    world.clock.at = MONDAY - timedelta(hours=50)
    lost = open_case(world, "Gin", 40)
    world.clock.forward(hours=25)
    world.desk.upkeep.deadlines.process_due()
    world.clock.at = MONDAY - timedelta(hours=1)
    world.desk.upkeep.deadlines.process_due()
    open_case(world, "Rum", 70)
    world.work()
    assert world.case(lost).state is State.EXPIRED
    digest = digest_at(world)
    assert [str(money) for money in digest.figures.money.at_stake] == ["£70.00"]
    assert [str(money) for money in digest.figures.money.losses] == ["£40.00"]
    assert digest.figures.money.turnover == ()
    assert case_ids(digest.expiries) == [lost.id]


def test_leads_get_one_digest_of_the_whole_desk(world):
    world.clock.at = MONDAY - timedelta(hours=1)
    case = open_case(world, "Gin")
    other = world.store.cases.case(world.receive(world.signal("odd", kind="unrecognised")).case_id)
    world.library.lead_channels = ["C0LEADS"]
    digest_at(world)
    (desk,) = [one for one in world.chat.digests if one.place == "desk/C0LEADS"]
    assert (case_ids(desk.needs), case_ids(desk.persons)) == ([case.id], [other.id])
    world.approve(case)
    world.work()
    assert world.chat.digests[-1].key == desk.key
    assert world.chat.digests[-1].needs[0].case.state is State.RESOLVED


def test_a_digest_is_shown_now_to_whoever_asks(world):
    case = open_case(world, "Gin")
    digests = world.desk.screens.digests
    assert digests.place_for(ANA, "C0STOCK") == "C0STOCK"
    assert digests.place_for(ANA, "D0ANA") == ANA
    world.people.channels["C0STOCK"] = {"ana"}
    assert digests.place_for(FINN, "C0STOCK") == FINN
    assert case_ids(digests.show_now("C0STOCK").needs) == [case.id]
    assert digests.show_now(FINN).rows == ()
    assert world.chat.digests == []


def test_a_row_that_is_decided_says_so_and_the_others_stay(world):
    world.clock.at = MONDAY - timedelta(hours=1)
    first, second = open_case(world, "Gin"), open_case(world, "Rum")
    before = digest_at(world)
    world.approve(first)
    world.work()
    after = world.chat.digests[-1]
    assert case_ids(after.needs) == case_ids(before.needs) == [first.id, second.id]
    assert [row.case.state for row in after.needs] == [State.RESOLVED, State.PROPOSED]
    assert after.key == before.key
    digest_count = len(world.chat.digests)
    world.receive(replace(first.signal, key="elsewhere", subject="another"))
    world.work()
    assert len(world.chat.digests) == digest_count


def test_the_week_shows_blind_spots_agreement_slow_hand_overs_and_rework(world):
    world.clock.at = MONDAY - timedelta(days=3)
    yes, no, slow = open_case(world, "Gin"), open_case(world, "Rum"), open_case(world, "Ale")
    world.approve(yes)
    world.desk.decisions.reject(request(no.id, ANA, world.seen(no)), reason=RejectReason.WRONG_PLAN)
    world.clock.forward(hours=5)
    world.desk.upkeep.deadlines.process_due()
    world.desk.decisions.approve(request(slow.id, ANA, world.seen(slow)))
    world.work()
    unknown_case = world.store.cases.case(
        world.receive(world.signal("odd", kind="unrecognised")).case_id
    )
    world.work()
    world.library.channels = lambda: ["C0STOCK", "C0OPS"]
    review = digest_at(world).review
    (agreement,) = review.agreements
    assert (agreement.as_recommended, agreement.after_edit, agreement.otherwise) == (2, 0, 1)
    assert case_ids(review.slow) == [slow.id]
    assert review.figures == (
        "0 of 3 were handled alone (0 %).",
        "2 of 3 recommendations were accepted unedited (67 %).",
        "Not carried out: 1 rejected.",
    )
    ops = next(one for one in world.chat.digests if one.place == "C0OPS")
    # It is in the digest above; the review does not show it again.
    assert (case_ids(ops.persons), ops.review) == ([unknown_case.id], None)
    digest_count = len(world.chat.digests)
    digest_at(world, MONDAY + timedelta(days=1))
    assert [one.review for one in world.chat.digests[digest_count:]] == [None]


def test_a_person_who_wants_one_gets_a_digest_of_their_own(world):
    world.clock.at = MONDAY - timedelta(hours=1)
    case = open_case(world, "Merlot")
    world.desk.screens.app_home.subscribe_to_digest(ANA, subscribe=True)
    world.clock.at = MONDAY
    digest_times(world).enqueue_due()
    world.work()
    mine = next(one for one in world.chat.digests if one.place == ANA)
    assert case_ids(mine.needs) == [case.id]
    world.desk.screens.app_home.subscribe_to_digest(ANA, subscribe=False)
    world.clock.forward(days=1)
    digest_times(world).enqueue_due()
    world.work()
    assert sum(one.place == ANA for one in world.chat.digests) == 1


def test_a_process_that_dies_before_a_card_is_done_leaves_no_list_with_a_dead_button(world):
    """The card was drawn and the row is not yet done when the power goes: the list is drawn again all the same."""
    world.clock.at = MONDAY - timedelta(hours=1)
    case = open_case(world, "Gin")
    digest_at(world)
    world.approve(case)
    record, crashes = world.store.cards.record, []

    def dying(card, *, finish=None, **more):
        if finish and not crashes:
            crashes.append(finish.key)
            raise SystemExit
        record(card, finish=finish, **more)

    world.store.cards.record = dying
    with pytest.raises(SystemExit):
        world.work()
    world.store.cards.record = record
    backlog = world.store.outbox.backlog()
    assert crashes == [f"card:{case.id}"]
    assert backlog["digest ready"] == 1
    world.clock.forward(seconds=40)
    world.work()
    assert world.chat.digests[-1].needs[0].case.state is State.RESOLVED


def test_a_weekly_review_lists_the_questions_of_its_channel_alone(world):
    """Neither those of another channel nor what somebody asked directly."""
    log = world.store.question_log
    for question_id, text in (
        ("C0STOCK:1.0", "is anything stuck?"),
        ("C0OPS:1.0", "of another channel"),
        ("D0ANA:1.0", "asked directly"),
    ):
        record = QuestionRecord(
            id=question_id,
            asked_at=MONDAY - timedelta(hours=3),
            person="T1/UANA",
            text=text,
        )
        log.record(record, None)
    open_case(world, "Merlot")
    digest = digest_at(world)
    assert digest.figures.questions == 1
    assert digest.figures.since is not None
    texts = [question.text for question in digest.review.questions.failures]
    assert texts == ["is anything stuck?"]


def test_decisions_about_the_assistant_wait_in_the_digest_and_count_in_no_figure(world):
    world.clock.at = MONDAY - timedelta(days=3)
    business = open_case(world, "Gin")
    receipt = world.receive(world.signal(kind="stage_of_low_stock", source=DESK_SOURCE))
    world.work()
    about_assistant = world.store.cases.case(receipt.case_id)
    world.desk.decisions.reject(
        request(business.id, ANA, world.seen(business)), reason=RejectReason.WRONG_PLAN
    )
    digest = digest_at(world)
    waiting = case_ids((*digest.needs, *digest.persons, *digest.others))
    assert waiting == [about_assistant.id]
    assert digest.review.figures[-1] == "Not carried out: 1 rejected."
    world.desk.decisions.reject(
        request(about_assistant.id, ELSIE, world.seen(about_assistant)),
        reason=RejectReason.WRONG_PLAN,
    )
    world.clock.forward(minutes=1)
    again = world.desk.screens.digests.show_now("C0STOCK")
    assert again.review.figures[-1] == "Not carried out: 1 rejected."
    # The case of the business ended before the last digest.
    assert again.figures.counts.rejections == 0
    answer = world.desk.conversation.questions.report(by=ANA)
    assert "1 opened, 1 ended" in answer.text
