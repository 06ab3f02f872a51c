"""Answers about cases: from queries and the ledger, and each sentence from what was recorded."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.actor import Surface
from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Claim, TryAgain
from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.desk.case_answers import describe_seconds
from bot.desk.case_texts import describe_state
from bot.views.questions import Intent, Question, Span, StatusFilter
from tests.cases.making import proposed
from tests.fakes.directory import principal
from tests.world import HOUR, playbook, policy, request

ANA, BEN, CARLA, ELSIE, FINN, OMAR = map(
    principal, ("ana", "ben", "carla", "elsie", "finn", "omar")
)
WHEN = "21 Nov 12:00"
AUTONOMOUS_RULES = policy(actions={"house.order_stock": ActionLimit(alone=True)})


def answer(world, intent, status=StatusFilter.OPEN, *, by=ANA, **more):
    return world.desk.conversation.questions.answer_question(
        Question(intent, status, **more), by=by
    )


def ids(reply):
    return [line.case_id for line in reply.lines]


def as_person(world, case, name):
    """A request of this person, who sees the case as it is now."""
    return request(case.id, principal(name), world.seen(case))


def history(world, case):
    """What was decided about the case, in sentences."""
    return world.desk.conversation.questions.answers.decisions(world.case(case))


# --- which cases --------------------------------------------------------------------------------


def one_of_each(world):
    """Open, snoozed, resolved, rejected and cleared, in this order."""
    for number in range(1, 6):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    cases = [world.store.cases.case(f"EX-{number}") for number in range(1, 6)]
    until = world.clock() + 2 * HOUR
    world.desk.decisions.snooze(as_person(world, cases[1], "ana"), until=until, reason="tomorrow")
    world.approve(cases[2])
    world.work()
    world.desk.decisions.reject(as_person(world, cases[3], "ana"), reason=RejectReason.NOT_WORTH_IT)
    world.clear(cases[4].signal)


@pytest.mark.parametrize(
    ("status", "cases"),
    [
        (StatusFilter.OPEN, {"EX-1", "EX-2"}),
        (StatusFilter.SNOOZED, {"EX-2"}),
        (StatusFilter.RESOLVED, {"EX-3"}),
        (StatusFilter.REJECTED, {"EX-4"}),
        (StatusFilter.CLEARED, {"EX-5"}),
        (StatusFilter.EXPIRED, set()),
        (StatusFilter.ENDED, {"EX-3", "EX-4", "EX-5"}),
        (StatusFilter.ANY, {"EX-1", "EX-2", "EX-3", "EX-4", "EX-5"}),
        (StatusFilter.UNRECOGNISED, set()),
        (StatusFilter.LATE, set()),
    ],
)
def test_a_list_has_the_cases_of_its_condition(small_world, status, cases):
    one_of_each(small_world)
    reply = answer(small_world, Intent.LIST, status)
    assert set(ids(reply)) == cases


def test_late_cases_are_those_whose_decision_is_overdue(small_world):
    world = small_world
    case = world.proposed()
    world.clock.forward(hours=5)
    assert ids(answer(world, Intent.LIST, StatusFilter.LATE)) == [case.id]


def test_a_count_of_open_cases_counts_what_was_opened_whatever_became_of_it(small_world):
    one_of_each(small_world)
    assert answer(small_world, Intent.COUNT).text == "5 cases."


def test_a_count_of_a_kind_in_a_span_names_both(small_world):
    world = small_world
    world.proposed()
    now = world.clock()
    span = Span(now - HOUR, now + HOUR, "today")
    reply = answer(world, Intent.COUNT, kind="low_stock", span=span)
    assert (reply.text, reply.reading) == (
        "1 case.",
        "how many open cases, of “Running low”, today",
    )
    before = Span(now - 2 * HOUR, now - HOUR, "earlier")
    assert answer(world, Intent.COUNT, span=before).text == "0 cases."


def test_how_long_it_took_is_not_known_before_anybody_has_decided(small_world):
    small_world.proposed()
    reply = answer(small_world, Intent.COUNT, how_long=True)
    assert reply.text == "1 case. None of them has been decided yet."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7_199, "120 minutes"),
        (7_200, "2 hours"),
        (9_000, "2.5 hours"),
        (172_800, "2 days"),
    ],
)
def test_a_time_is_said_in_the_largest_unit_that_fits_twice(seconds, words):
    assert describe_seconds(seconds) == words


def test_more_cases_than_lines_are_counted_below_them(small_world):
    for number in range(12):
        small_world.receive(small_world.signal(f"product:{number}"))
    reply = answer(small_world, Intent.LIST)
    assert (len(reply.lines), reply.more, reply.text) == (10, 2, "12 cases.")


def test_several_that_wait_on_a_person_wait(small_world):
    for number in (1, 2):
        small_world.receive(small_world.signal(f"product:{number}"))
    small_world.work()
    assert answer(small_world, Intent.MINE).text == "2 cases wait on you."


# --- one case -----------------------------------------------------------------------------------


def test_showing_a_case_says_its_state_and_what_it_is_about(small_world):
    case = small_world.proposed()
    reply = answer(small_world, Intent.SHOW, case_id=case.id)
    assert reply.text.startswith("EX-1 is waiting for a decision. Merlot: 4 left")
    assert ids(reply) == [case.id]


def test_a_case_that_nobody_has_looked_at_is_shown_by_its_title(small_world):
    small_world.receive()
    reply = answer(small_world, Intent.SHOW, case_id="EX-1")
    assert reply.text == "EX-1 is open. Merlot is running low"


def test_a_case_without_a_plan_says_that_there_was_nothing_to_do_by_itself(small_world):
    world = small_world
    world.receive()
    reply = answer(world, Intent.WHY_ASKED, case_id="EX-1")
    assert reply.text == "There was nothing to do by itself: no plan was found."
    world.house.failing_lookups.add("look")
    world.work()
    reply = answer(world, Intent.WHY_ASKED, case_id="EX-1")
    assert reply.text.startswith("There was nothing to do by itself: ")
    assert "no plan was found" not in reply.text


def test_a_plan_that_policy_carries_out_says_by_which_rule(small_world):
    world = small_world
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = AUTONOMOUS_RULES
    world.receive()
    world.work()
    reply = answer(world, Intent.WHY_ASKED, case_id="EX-1")
    assert reply.text.startswith("It was done without asking: ")


def test_a_plan_that_policy_refuses_says_by_which_rule(small_world):
    world = small_world
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(times_per_day=0)})
    world.receive()
    world.work()
    reply = answer(world, Intent.WHY_ASKED, case_id="EX-1")
    assert reply.text.startswith("Policy does not allow it: ")


def test_what_ran_by_itself_is_listed_by_the_span_that_was_named(small_world):
    world = small_world
    assert answer(world, Intent.HANDLED).text == (
        "Nothing was handled without anybody, in the last seven days."
    )
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = AUTONOMOUS_RULES
    world.receive()
    world.work()
    now = world.clock()
    span = Span(now - HOUR, now + HOUR, "today")
    reply = answer(world, Intent.HANDLED, span=span)
    assert reply.text == "1 case without anybody, today."
    assert history(world, world.store.cases.case("EX-1"))[0] == (
        f"Policy let it run by itself on {WHEN}."
    )


def test_what_is_paused_is_said_with_its_reason(small_world):
    world = small_world
    assert answer(world, Intent.PAUSED).text == "Nothing is paused."
    world.desk.controls.pause("", by=ANA, reason="stocktaking", surface=Surface.SLACK)
    assert answer(world, Intent.PAUSED).text == "everything is paused by Ana: stocktaking."


def test_help_gives_examples(small_world):
    reply = answer(small_world, Intent.HELP)
    assert reply.examples
    assert reply.lines == ()


# --- what was decided, from the ledger ----------------------------------------------------------


def test_an_approval_and_its_plan_that_worked(small_world):
    world = small_world
    case = world.proposed()
    world.approve(case, note="we are out by Friday")
    world.work()
    assert history(world, case) == [
        f"Ana approved it on {WHEN}: “we are out by Friday”.",
        f"It worked on {WHEN}.",
    ]


def test_an_approval_for_somebody_who_is_away_names_both(small_world):
    world = small_world
    case = world.proposed()
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA, to=FINN, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
    )
    world.approve(case, "finn")
    assert history(world, case) == [f"Finn approved it for Ana on {WHEN}."]


def test_an_edit_a_handover_and_a_snooze(small_world):
    world = small_world
    case = world.proposed()
    decisions = world.desk.decisions
    decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})
    decisions.hand_over(
        as_person(world, case, "ana"), to=OMAR, progress="counted", remains="decide"
    )
    decisions.snooze(
        as_person(world, case, "ana"), until=world.clock() + HOUR, reason="lorry is late"
    )
    edited, handed_over, snoozed = history(world, case)
    assert edited == f"Omar edited the plan on {WHEN}: quantity 24 → 12."
    assert handed_over.startswith(f"Ana handed it over on {WHEN}: ")
    assert snoozed == f"Ana snoozed it on {WHEN}: lorry is late."


def test_a_case_that_needs_a_person_who_then_handles_it(small_world):
    world = small_world
    world.house.failing_lookups.add("look")
    case = world.proposed()
    decisions = world.desk.decisions
    decisions.decide(as_person(world, case, "ana"), TryAgain)
    world.work()
    decisions.resolve(as_person(world, case, "ana"), note="bought it round the corner")
    sentences = history(world, case)
    assert sentences[0].startswith(f"It needed a person from {WHEN}: ")
    assert sentences[1] == f"Ana asked on {WHEN} to look again."
    assert sentences[-1] == (f"Ana handled it by hand on {WHEN}: bought it round the corner.")


def test_a_case_that_nobody_decides(small_world):
    world = small_world
    case = world.proposed()
    world.clock.forward(hours=25)
    world.desk.upkeep.deadlines.process_due()
    assert history(world, case)[-1].startswith("Nobody had decided by 22 Nov 13:00, so it went")
    world.clock.forward(days=30)
    world.desk.upkeep.deadlines.process_due()
    assert "it was closed unexecuted on" in history(world, case)[-1]


def test_a_source_that_says_it_is_over(small_world):
    world = small_world
    case = world.proposed()
    world.clear(case.signal)
    assert history(world, case) == [f"The source said on {WHEN} that it was over."]


def test_a_plan_that_is_taken_back_by_two(small_world):
    world = small_world
    world.house.undo_for = timedelta(hours=2)
    terms = PlaybookTerms((ApprovalRequirement("floor-managers", 2),))
    world.library.book = playbook(terms=terms)
    case = world.proposed()
    for name in ("ana", "omar"):
        world.approve(case, name)
    world.work()
    for name in ("ana", "omar"):
        world.desk.decisions.undo(as_person(world, case, name), note="wrong shop")
    sentences = history(world, case)
    assert f"Ana said on {WHEN} that it is taken back: wrong shop." in sentences
    assert f"Ana and Omar took it back on {WHEN}: wrong shop." in sentences


def test_owners_who_are_groups_are_named_in_a_list_and_people_are_not(small_world):
    world = small_world
    case = world.proposed()
    (line,) = answer(world, Intent.LIST).lines
    assert "@floor-managers, decide by" in line.detail
    world.desk.decisions.decide(request(case.id, ANA, CardSnapshot.of(case)), Claim)
    (line,) = answer(world, Intent.LIST).lines
    assert "@" not in line.detail
    assert ANA not in line.detail


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (State.REFERRED, "EX-1 needs a person"),
        (State.OUTCOME_UNKNOWN, "EX-1 has an unknown outcome"),
        (State.CLEARED, "EX-1 has cleared by itself"),
        (State.RESOLVED, "EX-1 is resolved"),
    ],
)
def test_the_state_of_a_case_is_told_in_a_sentence(state, sentence):
    assert describe_state(replace(proposed(), state=state)) == sentence
