"""The report of thirty days: how much, how fast and how well, over what a person may see."""

from datetime import timedelta

from bot.cases.entries import RejectReason
from bot.desk.report import REPORT_PERIOD
from tests.fakes.directory import principal
from tests.world import request

ANA, FINN = map(principal, ("ana", "finn"))


def report(world, by=ANA):
    answer = world.desk.conversation.questions.report(by=by)
    return " ".join([answer.text, *answer.facts])


def new_case(world, key):
    case_id = world.receive(world.signal(key)).case_id
    world.work()
    return world.store.cases.case(case_id)


def test_it_counts_and_compares_decisions_with_recommendations(world):
    approved_case, rejected_case, _ = (new_case(world, f"product:{n}") for n in range(3))
    world.clock.forward(minutes=10)
    world.approve(approved_case)
    world.desk.decisions.reject(
        request(rejected_case.id, ANA, world.seen(rejected_case)), reason=RejectReason.WRONG_PLAN
    )
    world.work()
    world.clock.forward(minutes=1)
    assert report(world) == (
        "Cases in the last thirty days: 3 opened, 2 ended."
        " 0 of 2 were handled alone (0 %)."
        " 1 of 2 recommendations were accepted unedited (50 %)."
        " Half were decided within 10 minutes. Half ended within 10 minutes."
        " Not carried out: 1 rejected."
    )


def test_it_compares_with_the_thirty_days_before(world):
    world.approve(new_case(world, "product:1"))
    world.work()
    world.clock.at += REPORT_PERIOD + timedelta(days=1)
    later_case = new_case(world, "product:2")
    world.clock.forward(hours=1)
    world.desk.decisions.reject(
        request(later_case.id, ANA, world.seen(later_case)), reason=RejectReason.WRONG_PLAN
    )
    world.work()
    world.clock.forward(minutes=1)
    text = report(world)
    assert "1 opened, 1 ended (1 in the thirty days before)." in text
    assert "0 of 1 recommendations were accepted unedited (0 %, down from 100 %)." in text
    assert "Half were decided within 1 hour, before within 0 seconds." in text


def test_it_leaves_out_what_the_person_may_not_see_and_what_is_older(world):
    world.approve(new_case(world, "product:1"))
    world.work()
    world.clock.forward(minutes=1)
    assert "1 opened, 1 ended" in report(world)
    world.people.channels["C0STOCK"] = {"ana"}
    empty_report = "Cases in the last thirty days: 0 opened, 0 ended."
    assert report(world, FINN) == empty_report
    world.clock.at += REPORT_PERIOD + timedelta(hours=1)
    assert report(world) == f"{empty_report[:-1]} (1 in the thirty days before)."
