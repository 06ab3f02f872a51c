"""Whoever raised a case asks again, once in four hours, and takes back what is theirs alone."""

from datetime import timedelta

import pytest

from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import Approve, Edit, HandOver, Nudge, Recur, Retract
from bot.cases.decide import decide
from bot.cases.entries import FieldChange
from bot.cases.errors import NotEligible, NotNow, Superseded, TooLate
from bot.cases.identity import Identities
from bot.cases.lifecycle import State
from bot.cases.requester import NUDGE_INTERVAL, next_nudge_at
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    NOW,
    OMAR,
    caller,
    do,
    plan,
    proposed,
    running,
    signal,
    verdict,
)

BY_OMAR = caller(OMAR)
SECOND = timedelta(seconds=1)


def raised() -> Case:
    """A case that Omar has raised, and that waits for its approval."""
    return proposed(requester=OMAR.id)


def nudge(case: Case, by: Caller = BY_OMAR) -> Nudge:
    return Nudge(by, CardSnapshot.of(case))


def retract(case: Case, by: Caller = BY_OMAR) -> Retract:
    return Retract(by, CardSnapshot.of(case))


def test_whoever_raised_a_case_asks_again_once_in_four_hours_and_it_is_counted():
    case = raised()
    assert next_nudge_at(case) is None
    once = do(case, nudge(case))
    assert (once.activity.nudge_count, once.timers.nudged_at) == (1, NOW)
    assert once.state is State.PROPOSED
    assert next_nudge_at(once) == NOW + NUDGE_INTERVAL
    with pytest.raises(NotNow, match="asked again already; the next time is 21 Nov 16:00 UTC"):
        decide(once, nudge(once), NOW + NUDGE_INTERVAL - SECOND)
    twice = do(once, nudge(once), at=NOW + NUDGE_INTERVAL)
    assert twice.activity.nudge_count == 2


def test_a_nudge_from_an_older_message_counts_and_one_about_another_plan_does_not():
    case = raised()
    shown = nudge(case)
    hand_over = HandOver(
        caller(BEN),
        CardSnapshot.of(case),
        to=CARLA.id,
        progress="counted",
        remains="the order",
    )
    assert do(do(case, hand_over), shown).activity.nudge_count == 1
    edit = Edit(
        caller(ANA),
        CardSnapshot.of(case),
        plan=plan(revision=2, quantity=12, requester=OMAR.id),
        verdict=verdict(),
        changes=(FieldChange("quantity", 24, 12),),
    )
    with pytest.raises(Superseded):
        decide(do(case, edit), shown, NOW)


def test_whoever_raised_a_case_takes_it_back_and_it_ends():
    case = do(raised(), retract(raised()))
    assert (case.state, case.is_terminal) == (State.WITHDRAWN, True)
    reason = case.activity.status_reason
    assert (reason.by, reason.reason) == ("Omar", "no longer needed")
    assert case.timers.decided_at is None
    with pytest.raises(TooLate, match="is withdrawn by Omar since"):
        decide(case, Approve(caller(ANA), CardSnapshot.of(case)), NOW)


def test_what_another_person_has_raised_too_stays():
    case = do(raised(), Recur(signal(key="again", requester=CARLA.id)))
    for by in (BY_OMAR, caller(CARLA)):
        with pytest.raises(NotEligible, match="somebody else has raised this too"):
            decide(case, retract(case, by), NOW)


def test_two_accounts_of_one_person_are_one_who_raised_it():
    identities = Identities.of([("T1/UOMAR", "omar@example.com")])
    case = do(raised(), Recur(signal(key="again", requester="omar@example.com")))
    linked = caller(OMAR, identities=identities)
    assert do(case, retract(case, linked)).state is State.WITHDRAWN


def test_whoever_stands_in_for_the_one_who_raised_it_may_take_it_back():
    case = raised()
    assert do(case, retract(case, caller(CARLA, behalf_of=(OMAR,)))).state is State.WITHDRAWN


def test_what_has_begun_is_not_taken_back():
    case = running(requester=OMAR.id)
    with pytest.raises(TooLate, match="too late to withdraw a case"):
        decide(case, retract(case), NOW)
