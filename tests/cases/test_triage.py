"""Triage: naming a kind, gathering evidence, and what becomes of a recommendation."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, CallNovel, Edit, NameKind, Narrate, Recommend
from bot.cases.decide import decide
from bot.cases.entries import (
    Authorised,
    FieldChange,
    Gathered,
    Narrated,
    Novel,
    Recognised,
    Recommended,
    Referred,
)
from bot.cases.errors import BadRequest, LedgerBroken, MoveNotAllowed, Superseded, TooLate
from bot.cases.evidence import Evidence
from bot.cases.lifecycle import WAITING, State
from bot.cases.plan import Money
from bot.cases.recommendation import Recommendation, Words
from bot.cases.sla import promise_sla
from bot.cases.steps import drift
from bot.cases.verdict import Ruling
from tests.cases.making import (
    ANA,
    BEN,
    CASES,
    HOUR,
    NOW,
    SEEN,
    caller,
    do,
    opened,
    plan,
    proposed,
    recognition,
    record,
    referred,
    unrecognised,
    verdict,
)

SLA = promise_sla(NOW + HOUR, decide_for=2 * HOUR, resolve_for=9 * HOUR)
ADVICE = Recommendation("house.order_stock", "because", "rule 1")
WORDS = Words(model="m1", what="It is low", why="It sells", suggestion="")


def name_kind(case, person=ANA, **changes) -> NameKind:
    fields = {"kind": "low_stock", "owner": "ops-leads", "channel": "C0STOCK", "sla": SLA}
    return NameKind(caller(person), CardSnapshot.of(case), **{**fields, **changes})


# --- recognition ----------------------------------------------------------------------------------


def test_a_recognised_kind_brings_its_owner_channel_and_deadlines():
    case = opened(kind="unrecognised")
    finding = Recognised(
        recognition=recognition("low_stock"), owner="ops-leads", channel="C0STOCK", sla=SLA
    )
    case = do(case, finding)
    assert (case.kind, case.owner, case.team) == ("low_stock", "ops-leads", "ops-leads")
    assert (case.channel, case.timers.sla, case.classification.is_urgent) == ("C0STOCK", SLA, False)
    assert case.state is State.OPEN


def test_without_a_kind_a_case_keeps_its_own():
    urgent = Recognised(
        recognition=recognition(), owner="owners", channel="C0OPS", sla=SLA, is_urgent=True
    )
    case = do(opened(kind="unrecognised"), urgent)
    assert (case.kind, case.classification.is_urgent, case.classification.recognition.abstains) == (
        "unrecognised",
        True,
        True,
    )


# --- a person's word ------------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "generation"), [("C0OPS", 1), ("C0STOCK", 2)])
def test_a_named_kind_is_triaged_again_on_a_new_card_where_the_channel_is_another(
    channel, generation
):
    case = unrecognised()
    after = do(case, name_kind(case, channel=channel))
    assert (after.state, after.kind, after.classification.named_by) == (
        State.OPEN,
        "low_stock",
        "Ana",
    )
    assert (after.owner, after.channel, after.timers.sla) == ("ops-leads", channel, SLA)
    assert (after.generation, after.activity.status_reason) == (generation, None)


def test_something_new_stays_where_it_is():
    case = unrecognised()
    (entry,) = decide(case, CallNovel(caller(BEN), CardSnapshot.of(case)), NOW).entries
    assert entry.body == Novel("Ben")
    after = do(case, CallNovel(caller(BEN), CardSnapshot.of(case)))
    assert (after.state, after.classification.is_novel, after.classification.named_by) == (
        State.REFERRED,
        True,
        "Ben",
    )
    assert after.kind == "unrecognised"


@pytest.mark.parametrize("name", ["name", "novel"])
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        # Its source said which kind it is; a person did.
        (referred, "low stock"),
        (
            lambda: do(unrecognised(), CallNovel(caller(ANA), CardSnapshot.of(unrecognised()))),
            "unrecognised",
        ),
    ],
    ids=["its source", "a person"],
)
def test_a_kind_is_named_once(make, kind, name):
    case = make()
    commands = {"name": name_kind(case), "novel": CallNovel(caller(ANA), CardSnapshot.of(case))}
    with pytest.raises(TooLate) as failure:
        decide(case, commands[name], NOW)
    assert str(failure.value) == f"EX-1 is known as {kind}; reject its plan if that is wrong"


def taken_for(kind: str, *, has_plan: bool):
    case = do(
        opened(kind="unrecognised"),
        Recognised(recognition=recognition(kind), owner="a", channel="C0OPS", sla=SLA),
    )
    return do(
        case, Recommend(ADVICE, plan(), verdict()) if has_plan else Recommend(ADVICE, None, None)
    )


@pytest.mark.parametrize("has_plan", [True, False])
@pytest.mark.parametrize("kind", ["low_stock", "unrecognised"])
def test_what_recognition_named_wrongly_a_person_names_anew(kind, has_plan):
    case = taken_for("lead_cold", has_plan=has_plan)
    after = do(case, name_kind(case, kind=kind))
    classification = after.classification
    assert (after.state, after.kind, after.generation) == (State.OPEN, kind, 2)
    assert (classification.named_by, classification.recognition.kind) == ("Ana", "lead_cold")
    # Of no known kind: then it is as if recognition had abstained and she called it new.
    assert classification.is_novel == (kind == "unrecognised")
    again = do(after, Recommend(ADVICE, None, None))
    with pytest.raises(TooLate, match="EX-1 is known as"):
        decide(again, name_kind(again, kind="other"), NOW)


def test_a_wrong_kind_is_replaced_by_another_and_not_by_a_word_alone():
    case = taken_for("lead_cold", has_plan=True)
    with pytest.raises(BadRequest, match="EX-1 is taken for lead cold already"):
        decide(case, name_kind(case, kind="lead_cold"), NOW)
    case = taken_for("lead_cold", has_plan=False)
    with pytest.raises(TooLate, match="choose “Another kind…” if that is wrong"):
        decide(case, CallNovel(caller(ANA), CardSnapshot.of(case)), NOW)


# --- a model's words ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_a_models_words_are_shown_while_a_case_waits(state):
    case = CASES[state]()
    command = Narrate(WORDS, case.proposal.revision)
    if state not in WAITING:
        with pytest.raises(Superseded, match="EX-1 has moved on since the model was asked"):
            decide(case, command, NOW)
        return
    (entry,) = decide(case, command, NOW).entries
    assert entry.body == Narrated(WORDS, case.proposal.revision)
    assert do(case, command).proposal.words == WORDS


@pytest.mark.parametrize("revision", [0, 2])
def test_words_about_another_revision_are_shown_nowhere(revision):
    with pytest.raises(Superseded):
        decide(proposed(), Narrate(WORDS, revision), NOW)
    # An earlier release wrote what came too late.
    assert record(proposed(), Narrated(WORDS, revision)).proposal.words is None


# --- evidence -------------------------------------------------------------------------------------


def test_evidence_replaces_what_was_gathered_before():
    def fact(value: int) -> Evidence:
        return Evidence(
            name="stock.on_hand", label="On hand", value=value, source="house", read_at=NOW
        )

    stake = Money(Decimal(312), "GBP")
    case = do(opened(), Gathered(evidence=(fact(4),), what="4 left", why="it matters", stake=stake))
    case = do(case, Gathered(evidence=(fact(3),), what="3 left", why="still", stake=None))
    assert [one.value for one in case.assessment.evidence] == [3]
    assert (case.assessment.what, case.assessment.why, case.assessment.stake) == (
        "3 left",
        "still",
        None,
    )
    with pytest.raises(MoveNotAllowed, match="cannot gather evidence for a case"):
        do(proposed(), Gathered(evidence=(), what="", why="", stake=None))


# --- a recommendation -----------------------------------------------------------------------------

BLOCKED = replace(ADVICE, action="", blocked="nobody is free that day")
RULINGS = [
    (ADVICE, None, None, "no action of the playbook fits"),
    (BLOCKED, None, None, "nobody is free that day"),
    (BLOCKED, plan(), None, "nobody is free that day"),
    (ADVICE, None, verdict(), "no action of the playbook fits"),
    (ADVICE, plan(), verdict(ruling=Ruling.REFUSE, reason="over the limit"), "policy: over the"),
]


@pytest.mark.parametrize(("advice", "proposal", "ruling", "reason"), RULINGS)
def test_without_a_plan_that_policy_allows_a_person_must_find_one(advice, proposal, ruling, reason):
    command = Recommend(advice, proposal, ruling, sla=SLA)
    (entry,) = decide(opened(), command, NOW).entries
    assert isinstance(entry.body, Referred)
    assert entry.body.reason.startswith(reason)
    case = do(opened(), command)
    assert (case.state, case.timers.sla, case.timers.remind_at) == (
        State.REFERRED,
        SLA,
        SLA.remind_at,
    )
    assert case.activity.status_reason.reason == entry.body.reason
    assert case.proposal.expires_at is None


def test_a_plan_that_policy_refuses_stays_to_be_read():
    refusal = verdict(ruling=Ruling.REFUSE, reason="over the limit")
    case = do(opened(), Recommend(ADVICE, plan(), refusal))
    assert (case.proposal.revision, case.proposal.plan, case.proposal.verdict) == (
        1,
        plan(),
        refusal,
    )


def test_a_plan_that_people_are_asked_about_waits_for_them():
    (entry,) = decide(opened(), Recommend(ADVICE, plan(), verdict()), NOW).entries
    assert entry.body == Recommended(
        recommendation=ADVICE, plan=plan(), verdict=verdict(), expires_at=NOW + 24 * HOUR
    )
    longer = Recommend(ADVICE, plan(), verdict(), expires_at=NOW + 60 * HOUR)
    assert do(opened(), longer).proposal.expires_at == NOW + 60 * HOUR


def test_a_plan_that_policy_lets_run_alone_is_approved_by_that_policy():
    alone = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    (entry,) = decide(opened(), Recommend(ADVICE, plan(), alone), NOW).entries
    assert isinstance(entry.body, Authorised)
    assert entry.body.by == ("policy:" + "p" * 64,)
    case = do(opened(), Recommend(ADVICE, plan(), alone))
    (approval,) = case.proposal.approvals
    assert (case.state, approval.is_by_policy, approval.name) == (State.APPROVED, True, "policy")
    assert (approval.digest, case.timers.decided_at) == (plan().plan_hash, NOW)


@pytest.mark.parametrize("revision", [0, 2, 3])
def test_a_plan_follows_the_revision_before_it(revision):
    with pytest.raises(LedgerBroken) as failure:
        decide(opened(), Recommend(ADVICE, plan(revision=revision), verdict()), NOW)
    expected = f"revision {revision} does not follow revision 0 of EX-1"
    assert str(failure.value) == expected


def test_a_new_plan_begins_with_nothing_decided():
    """Votes, edits, links, words and deadlines of the last one are gone."""
    two = (ApprovalRequirement("floor-managers", 2),)
    case = proposed(factors=two)
    edit = Edit(
        caller(ANA),
        SEEN,
        plan=plan(revision=2, quantity=12),
        verdict=verdict(factors=two),
        changes=(FieldChange("quantity", 24, 12),),
    )
    case = do(case, edit)
    case = do(
        case, Narrate(WORDS, 2), Approve(caller(BEN), CardSnapshot.of(case), "x", emergency=True)
    )
    case = do(case, drift("it moved"), Recommend(ADVICE, plan(revision=3), verdict()))
    assert (case.proposal.revision, case.state) == (3, State.PROPOSED)
    assert (
        case.proposal.approvals,
        case.proposal.editors,
        case.proposal.changes,
        case.proposal.words,
    ) == ((), (), (), None)
    assert (
        case.execution.steps,
        case.proposal.step_ups,
        case.timers.is_escalated,
        case.timers.reminder_count,
    ) == ((), (), False, 0)
