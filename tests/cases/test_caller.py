"""Callers: a person with what was read of them, and those of whom nothing was."""

import pytest

from bot.cases.actor import Actor, ActorKind, Surface
from bot.cases.caller import Caller
from bot.cases.commands import Approve, HandOver, Reject, Withdraw
from bot.cases.control_commands import BreakGlass, Delegate, Pause, Resume
from bot.cases.control_decisions import decide_controls
from bot.cases.controls import DeskControls
from bot.cases.decide import decide
from bot.cases.entries import RejectReason
from bot.cases.errors import NotEligible
from tests.cases.making import ANA, BEN, HOUR, NOW, SEEN, caller, proposed


def test_the_ledger_records_the_account_of_a_caller_and_never_the_name():
    assert caller(ANA).actor == Actor(ActorKind.PERSON, ANA.id)
    assert Caller.by_account("T1/UZOE", Surface.INTAKE).actor.id == "T1/UZOE"


def test_an_operator_is_no_person_of_slack():
    operator = Caller.operator("root")
    assert (operator.surface, str(operator.actor)) == (Surface.COMMAND_LINE, "operator:root")
    assert not operator.actor.is_person
    assert operator.person.name == "root"


NOBODY_READ = Caller.by_account(ANA.id, Surface.SLACK)


@pytest.mark.parametrize(
    "command",
    [
        Approve(NOBODY_READ, SEEN),
        Withdraw(NOBODY_READ, SEEN),
        Reject(NOBODY_READ, SEEN, RejectReason.DUPLICATE),
        HandOver(NOBODY_READ, SEEN, to=BEN.id, progress="counted", remains="the order"),
    ],
    ids=lambda command: command.decision,
)
def test_a_caller_of_whom_nothing_was_read_decides_nothing(command):
    with pytest.raises(NotEligible):
        decide(proposed(), command, NOW)


@pytest.mark.parametrize(
    "command",
    [
        Pause(NOBODY_READ, "", "wait"),
        Delegate(by=NOBODY_READ, to=BEN, kind="", begins_at=NOW, ends_at=NOW + HOUR),
        BreakGlass(
            by=NOBODY_READ,
            case_id="EX-1",
            revision=1,
            reason="fire",
            group="owners",
            groups={},
            review_for=HOUR,
        ),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_caller_of_whom_nothing_was_read_controls_nothing(command):
    with pytest.raises(NotEligible):
        decide_controls(DeskControls(), command, NOW)


def test_an_operator_neither_pauses_nor_lets_go_on():
    """Whoever has a shell acknowledges backups and invites devices; people decide."""
    operator = Caller.operator("root")
    with pytest.raises(NotEligible):
        decide_controls(DeskControls(), Pause(operator, "", "wait"), NOW)
    decider = Caller(person=ANA, surface=Surface.SLACK, deciders=frozenset({ANA.id}))
    controls = decide_controls(DeskControls(), Pause(decider, "", "wait"), NOW).controls
    with pytest.raises(NotEligible, match="only the governance owners"):
        decide_controls(controls, Resume(operator, ""), NOW)
