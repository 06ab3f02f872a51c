"""Practice cases by the rules alone: what may be one, and what any command comes to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases import commands
from bot.cases.actor import DESK
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import DecisionKind
from bot.cases.decide import answer_probe, decide
from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.entries import Authorised, Entry, ProbeAnswered, RejectReason
from bot.cases.errors import LedgerBroken, MoveNotAllowed, NotEligible, Superseded
from bot.cases.evolve import evolve
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.probe import Probe, ProbeAnswer
from bot.cases.probes import ANSWERS, MIN_AGE, probe_of
from tests.cases.making import ANA, BEN, NOW, caller, do, proposed, with_fields

PROBE = Probe(of_case="EX-0", group="floor-managers", source="api", reason="The plan is wrong")
LATER = NOW + MIN_AGE + timedelta(days=1)


def practice():
    return with_fields(proposed(), probe=PROBE)


def refused(reason=RejectReason.WRONG_PLAN, note="none is sold"):
    case = proposed()
    return do(case, commands.Reject(caller(ANA), CardSnapshot.of(case), reason, note))


def seen(case):
    return CardSnapshot.of(case)


# --- which past case may be one -------------------------------------------------------------------


def test_a_case_that_was_rightly_refused_has_a_known_answer():
    probe = probe_of(refused(), "", LATER)
    assert (probe.group, probe.source) == ("floor-managers", "api")
    assert probe.reason == "The plan is wrong: none is sold"
    assert probe.answer is None


@pytest.mark.parametrize(
    "reason",
    sorted(
        set(RejectReason)
        - {RejectReason.WRONG_PLAN, RejectReason.WRONG_FACTS, RejectReason.NOT_ALLOWED}
    ),
)
def test_a_refusal_that_the_card_does_not_explain_is_no_practice(reason):
    assert probe_of(refused(reason), "", LATER) is None


def with_verdict(case, **changes):
    return with_fields(case, verdict=replace(case.proposal.verdict, **changes))


@pytest.mark.parametrize(
    "change",
    [
        lambda case: with_verdict(case, tier=RiskTier.HIGH),
        lambda case: with_verdict(case, step_up=True),
        lambda case: with_verdict(case, factors=case.proposal.verdict.factors * 2),
        lambda case: replace(case, signal=replace(case.signal, source=DESK_SOURCE)),
        lambda case: replace(case, signal=replace(case.signal, requester=BEN.id)),
        lambda case: with_fields(case, probe=PROBE),
        lambda case: replace(case, state=State.EXPIRED),
        lambda case: with_fields(case, editors=(BEN.id,)),
        lambda case: with_fields(case, plan=replace(case.proposal.plan, mode="dry-run")),
        lambda case: with_fields(case, plan=None),
    ],
)
def test_what_is_risky_personal_or_of_another_mode_is_no_practice(change):
    assert probe_of(refused(), "", LATER) is not None
    assert probe_of(change(refused()), "", LATER) is None


def test_what_people_may_remember_is_no_practice_yet():
    assert probe_of(refused(), "", NOW + MIN_AGE - timedelta(hours=1)) is None


# --- what a command comes to ----------------------------------------------------------------------


@pytest.mark.parametrize("decision", ANSWERS)
def test_every_decision_on_it_is_one_entry_that_names_nobody(decision):
    case = practice()
    outcome = answer_probe(case, decision, caller(ANA), seen(case), NOW)
    (entry,) = outcome.entries
    assert entry.body == ProbeAnswered(ANSWERS[decision])
    assert entry.actor == DESK
    assert outcome.case.state is State.WITHDRAWN
    assert outcome.case.probe.answer is ANSWERS[decision]
    assert ANA.id not in str(outcome.case.activity)


def test_an_approval_authorises_nothing():
    case = practice()
    outcome = decide(case, commands.Approve(caller(ANA), seen(case)), NOW)
    bodies = [entry.body for entry in outcome.entries]
    assert bodies == [ProbeAnswered(ProbeAnswer.APPROVED)]
    assert not any(isinstance(body, Authorised) for body in bodies)
    assert outcome.case.proposal.approvals == ()


def test_an_emergency_is_no_reason_to_run_it():
    case = practice()
    with pytest.raises(MoveNotAllowed):
        decide(case, commands.Approve(caller(ANA), seen(case), "fire", emergency=True), NOW)


@pytest.mark.parametrize(
    "command",
    [
        commands.LookFirst(0),
        commands.Remind(LATER),
        commands.Wake(),
        commands.Recur(proposed().signal),
        commands.Clear(proposed().signal),
        commands.Expire("ops-leads"),
    ],
)
def test_nothing_else_is_done_with_it_before_its_time_is_over(command):
    with pytest.raises(MoveNotAllowed):
        decide(practice(), command, NOW)


def test_it_ends_without_an_answer_when_its_time_is_over():
    case = practice()
    outcome = decide(case, commands.Expire("ops-leads"), case.proposal.expires_at)
    assert outcome.case.probe.answer is ProbeAnswer.NONE


def test_who_may_not_decide_it_and_who_saw_something_else_is_refused():
    case = practice()
    with pytest.raises(NotEligible):
        answer_probe(case, DecisionKind.APPROVE, caller(BEN), seen(case), NOW)
    old = replace(seen(case), checksum="0" * 64)
    with pytest.raises(Superseded):
        answer_probe(case, DecisionKind.APPROVE, caller(ANA), old, NOW)


def test_only_practice_can_be_answered_as_practice():
    case = proposed()
    entry = Entry(
        case_id=case.id,
        version=case.version + 1,
        revision=1,
        at=NOW,
        actor=DESK,
        surface="desk",
        body=ProbeAnswered(ProbeAnswer.APPROVED),
    )
    with pytest.raises(LedgerBroken):
        evolve(case, entry)


@pytest.mark.parametrize("answer", ProbeAnswer)
def test_it_is_noticed_unless_it_is_simply_approved_or_left(answer):
    assert answer.is_noticed is (answer not in {ProbeAnswer.APPROVED, ProbeAnswer.NONE})
