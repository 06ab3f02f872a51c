"""Merits come from what the ledger proves: each rule, what revokes it, and what caps it."""

from datetime import timedelta

import pytest

from bot.cases.actor import DESK, Actor, ActorKind, CaseId
from bot.cases.approval import Approval
from bot.cases.controls import DESK_ID
from bot.cases.entries import (
    ApprovalGiven,
    Authorised,
    Claimed,
    Drifted,
    Edited,
    Entry,
    Escalated,
    FieldChange,
    GlassBroken,
    GlassReviewed,
    HandedOver,
    InquiryAnswered,
    InquiryOpened,
    Named,
    Opened,
    Parked,
    Recurred,
    Reopened,
    Resolution,
    Resolved,
    Settled,
    Stopped,
    UndoAsked,
    UndoLapsed,
    Withdrawn,
)
from bot.cases.identity import UNLINKED, Identities
from bot.cases.inquiry import AnswerType
from bot.cases.merit_rules import Merit, MeritCaps, MeritRule, MeritRules
from bot.cases.merits import (
    OWN_CASE,
    REVERSED,
    AwardState,
    cap_awards,
    find_awards,
    names_of,
)
from bot.cases.sla import promise_sla
from tests.cases.making import ANA, BEN, CARLA, NOW, OMAR, plan, signal, verdict

HOUR = timedelta(hours=1)
LATER = NOW + timedelta(days=30)
WORKED = Resolved(resolution=Resolution.WORKED, note="done")
BY_HAND = Resolved(resolution=Resolution.BY_HAND, note="done", by_name="Ana")
HANDED_TO_BEN = HandedOver(BEN.id, "Done: x Open: y", "Ana")
EDITED = Edited(
    plan=plan(revision=2),
    verdict=verdict(),
    changes=(FieldChange("quantity", 24, 36),),
    by_name="Ana",
    expires_at=LATER,
)
SLA = promise_sla(NOW, decide_for=HOUR, resolve_for=HOUR)
NAMED = Named(kind="low_stock", owner="ops-leads", channel="C0STOCK", sla=SLA, by_name="Ana")
ASKED = InquiryOpened(
    to=ANA.id, to_name="Ana", question="How many?", answer_type=AnswerType.TEXT, by_name="Ben"
)
ALL = {
    merit: MeritRule(kinds=("low_stock",) if merit in {Merit.TRAINING, Merit.REFERRAL} else ())
    for merit in Merit
}


def history(*steps, requester=None, kind="low_stock", case_id="EX-1", facts=None):
    """Write the entries of a case: its opening, and a body by somebody every hour."""
    changes = {"kind": kind, "requester": requester}
    if facts:
        changes["facts"] = facts
    opening = Opened(signal=signal(**changes), owner="floor-managers", channel="C0STOCK", sla=SLA)
    return entries_of([(opening, DESK), *steps], case_id)


def entries_of(steps, case_id):
    return [
        Entry(
            case_id=CaseId(case_id),
            version=number,
            revision=1,
            at=NOW + number * HOUR,
            actor=Actor(ActorKind.PERSON, by.id) if by is not DESK else DESK,
            surface="slack",
            body=body,
        )
        for number, (body, by) in enumerate(steps, start=1)
    ]


def awards(*histories, merits=ALL, identities=UNLINKED, now=LATER, **more):
    rules = MeritRules(merits=merits, **more)
    return find_awards(histories, rules, identities=identities, now=now)


def only(merit, *histories, rule=None, **more):
    """Find the awards of one merit alone, as person, state and the entries of deed and proof."""
    merits = {merit: rule or ALL[merit]}
    return [
        (award.person, award.state, award.deed, award.proof)
        for award in awards(*histories, merits=merits, **more)
    ]


# --- each merit -----------------------------------------------------------------------------------


def test_a_hand_over_counts_when_the_case_came_to_its_end_where_it_went():
    case = history((HANDED_TO_BEN, ANA), (ApprovalGiven(vote(CARLA)), CARLA), (WORKED, DESK))
    assert only(Merit.HAND_OVER, case) == [(ANA.id, AwardState.COUNTS, 2, 4)]


@pytest.mark.parametrize(
    "step",
    [
        (HandedOver(OMAR.id, "not mine", "Ben"), BEN),
        (HandedOver(ANA.id, "back to you", "Ben"), BEN),
        (Claimed("Ana"), ANA),
        (Escalated("ops-leads", LATER), DESK),
    ],
    ids=["passed on", "handed back", "taken back", "escalated"],
)
def test_a_hand_over_to_the_wrong_place_does_not_count(step):
    case = history((HANDED_TO_BEN, ANA), step, (WORKED, DESK))
    assert ANA.id not in {person for person, *_ in only(Merit.HAND_OVER, case)}


def test_a_case_handled_by_hand_counts_for_whoever_did_it():
    case = history((BY_HAND, ANA))
    assert only(Merit.RESOLUTION, case) == [(ANA.id, AwardState.COUNTS, 2, 2)]


def test_a_plan_that_worked_counts_for_whoever_had_the_case_and_not_for_who_approved():
    case = history((Claimed("Ana"), ANA), (ApprovalGiven(vote(CARLA)), CARLA), (WORKED, DESK))
    assert only(Merit.RESOLUTION, case) == [(ANA.id, AwardState.COUNTS, 2, 4)]


def test_a_case_that_a_group_had_counts_for_nobody():
    assert only(Merit.RESOLUTION, history((WORKED, DESK))) == []


def test_a_case_that_went_to_another_group_counts_no_more_for_whoever_had_it():
    case = history((Claimed("Ana"), ANA), (NAMED, BEN), (WORKED, DESK))
    assert only(Merit.RESOLUTION, case) == []


def test_an_answer_in_time_counts_and_a_late_one_does_not():
    answer = (InquiryAnswered(inquiry=2, value="12", by_name="Ana"), ANA)
    case = history((ASKED, BEN), answer)
    rule = MeritRule(within=HOUR)
    assert only(Merit.CHECK, case, rule=rule) == [(ANA.id, AwardState.COUNTS, 2, 3)]
    assert only(Merit.CHECK, case, rule=MeritRule(within=HOUR / 2)) == []


def test_an_answer_to_ones_own_question_is_no_check():
    case = history((ASKED, ANA), (InquiryAnswered(inquiry=2, value="12", by_name="Ana"), ANA))
    assert only(Merit.CHECK, case) == []


def test_a_look_into_the_system_counts_for_the_step_that_was_in_doubt():
    settled = Settled(step=1, landed=True, note="seen", by_name="Ana")
    case = history((Parked(1, "unknown"), DESK), (settled, ANA))
    assert only(Merit.CHECK, case) == [(ANA.id, AwardState.COUNTS, 2, 3)]
    other = history((Parked(0, "unknown"), DESK), (settled, ANA))
    assert only(Merit.CHECK, other) == []


@pytest.mark.parametrize(("hours", "count"), [(3, 1), (1, 0)])
def test_a_review_of_an_emergency_counts_before_its_deadline(hours, count):
    broken = GlassBroken(
        on_case="EX-9",
        on_revision=1,
        by_name="Ben",
        reason="fire",
        review_by=NOW + hours * HOUR,
    )
    desk = entries_of(
        [(broken, BEN), (GlassReviewed("EX-9", "it was right", "Ana"), ANA)], str(DESK_ID)
    )
    assert len(only(Merit.CHECK, desk)) == count


def test_a_training_counts_for_the_person_whom_the_system_names():
    rule = MeritRule(kinds=("low_stock",), person="signal.staff")
    case = history((WORKED, DESK), facts={"staff": "staff:17"})
    linked = Identities.of([[ANA.id, "staff:17"]])
    assert only(Merit.TRAINING, case, rule=rule, identities=linked) == [
        (ANA.id, AwardState.COUNTS, 1, 2)
    ]
    assert only(Merit.TRAINING, case, rule=rule) == []


def test_a_training_that_one_confirms_oneself_does_not_count():
    case = history((BY_HAND, ANA), requester=ANA.id)
    assert only(Merit.TRAINING, case) == []


def test_a_referral_counts_when_others_have_approved_it():
    approved = Authorised(digest="x", by=(BEN.id,))
    case = history((approved, DESK), (WORKED, DESK), requester=ANA.id)
    assert only(Merit.REFERRAL, case) == [(ANA.id, AwardState.COUNTS, 1, 2)]
    alone = history((Authorised(digest="x", by=()), DESK), requester=ANA.id)
    assert only(Merit.REFERRAL, alone) == []


@pytest.mark.parametrize("body", [Withdrawn(BEN.id), Drifted(("moved",)), Stopped("failed")])
def test_a_referral_that_was_not_carried_out_after_all_is_revoked(body):
    approved = Authorised(digest="x", by=(BEN.id,))
    case = history((approved, DESK), (body, DESK), requester=ANA.id)
    assert only(Merit.REFERRAL, case) == [(ANA.id, AwardState.REVOKED, 1, 2)]


def test_a_correction_counts_when_the_edited_plan_worked():
    assert only(Merit.CORRECTION, history((EDITED, ANA), (WORKED, DESK))) == [
        (ANA.id, AwardState.COUNTS, 2, 3)
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [(EDITED, BEN), (WORKED, DESK)],
        [(Drifted(("moved",)), DESK), (WORKED, DESK)],
        [(BY_HAND, BEN)],
    ],
    ids=["edited again", "made again", "not used"],
)
def test_a_correction_that_was_not_used_does_not_count(steps):
    found = only(Merit.CORRECTION, history((EDITED, ANA), *steps))
    assert ANA.id not in {person for person, *_ in found}


def test_a_kind_that_was_named_rightly_counts_however_the_case_ended():
    for end in (WORKED, BY_HAND):
        case = history((NAMED, ANA), (end, BEN))
        assert only(Merit.CORRECTION, case) == [(ANA.id, AwardState.COUNTS, 2, 3)]


# --- revocation -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reversal", [Reopened("it is back"), UndoAsked(note="wrong", by_name="Ben")]
)
def test_what_was_reversed_is_revoked_and_names_the_entry(reversal):
    case = history((HANDED_TO_BEN, ANA), (BY_HAND, BEN), (reversal, DESK))
    found = awards(case)
    assert {award.merit for award in found} == {Merit.HAND_OVER, Merit.RESOLUTION}
    assert {(award.state, award.reason, award.reversal) for award in found} == {
        (AwardState.REVOKED, REVERSED, 4)
    }


def test_an_undo_that_lapsed_revokes_nothing():
    case = history((EDITED, ANA), (WORKED, DESK), (UndoAsked(note="wrong", by_name="Ben"), BEN))
    lapsed = history(
        (EDITED, ANA),
        (WORKED, DESK),
        (UndoAsked(note="wrong", by_name="Ben"), BEN),
        (UndoLapsed("late"), DESK),
    )
    assert only(Merit.CORRECTION, case)[0][1] is AwardState.REVOKED
    assert only(Merit.CORRECTION, lapsed)[0][1] is AwardState.COUNTS


def test_what_was_reversed_and_done_again_counts_once():
    case = history((BY_HAND, ANA), (Reopened("back"), DESK), (BY_HAND, ANA))
    assert only(Merit.RESOLUTION, case) == [(ANA.id, AwardState.COUNTS, 4, 4)]


def test_an_outcome_counts_only_when_it_has_stood():
    case = history((BY_HAND, ANA))
    early = awards(case, now=NOW + 2 * HOUR + timedelta(days=3) - HOUR)
    late = awards(case, now=NOW + 2 * HOUR + timedelta(days=3))
    assert [award.state for award in (*early, *late)] == [AwardState.PENDING, AwardState.COUNTS]


# --- gaming ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", [ANA.id, "staff:17"])
def test_nothing_counts_for_a_case_that_one_raised_oneself(account):
    linked = Identities.of([[ANA.id, "staff:17"]])
    case = history((BY_HAND, ANA), requester=account)
    (award,) = awards(case, merits={Merit.RESOLUTION: MeritRule()}, identities=linked)
    assert (award.counts, award.reason) == (False, OWN_CASE)


def test_whoever_raised_it_too_gets_nothing_either():
    case = history((Recurred(signal(requester=ANA.id)), DESK), (BY_HAND, ANA))
    (award,) = awards(case, merits={Merit.RESOLUTION: MeritRule()})
    assert (award.counts, award.reason) == (False, OWN_CASE)


def many(count, *, person=ANA, requester=None, kind="low_stock", first=1):
    return [
        history((BY_HAND, person), requester=requester, kind=kind, case_id=f"EX-{number}")
        for number in range(first, first + count)
    ]


def count(*histories, **caps):
    merits = {Merit.RESOLUTION: MeritRule()}
    found = awards(*histories, merits=merits, caps=MeritCaps(**caps))
    return sum(award.counts for award in found)


def test_more_of_the_same_on_one_day_does_not_count():
    assert count(*many(5), same_per_day=2) == 2
    others = many(5, kind="lead_cold", first=6)
    assert count(*many(5), *others, same_per_day=2) == 4


def test_more_than_the_most_of_a_day_does_not_count():
    histories = [*many(3), *many(3, kind="lead_cold", first=4)]
    assert count(*histories, same_per_day=3, per_day=4) == 4


def test_two_people_cannot_take_turns_without_end():
    forth = many(3, person=ANA, requester=BEN.id)
    back = many(3, person=BEN, requester=ANA.id, first=4)
    assert count(*forth, *back, same_per_day=9, per_day=9, pair_per_month=4) == 4


def test_what_does_not_count_uses_up_no_cap():
    revoked = history((BY_HAND, ANA), (Reopened("back"), DESK), case_id="EX-1")
    assert count(revoked, *many(2, first=2), same_per_day=2) == 2


def test_a_cap_gives_its_reason():
    found = cap_awards(awards(*many(3)), MeritCaps(same_per_day=1))
    assert [award.state for award in found][1:] == [AwardState.NOT_COUNTED] * 2
    assert found[1].reason == "more of the same than count on one day"


# --- rules ----------------------------------------------------------------------------------------


def test_without_rules_nothing_is_recognised():
    assert awards(history((BY_HAND, ANA)), merits={}) == []


def test_a_rule_for_some_kinds_leaves_out_the_others():
    rule = MeritRule(kinds=("lead_cold",))
    assert only(Merit.RESOLUTION, history((BY_HAND, ANA)), rule=rule) == []


def test_approvals_count_for_nothing():
    case = history((ApprovalGiven(vote(BEN)), BEN), (Authorised(digest="x", by=(BEN.id,)), DESK))
    assert awards(case) == []


def test_names_are_those_that_the_entries_have():
    assert names_of(history((HANDED_TO_BEN, ANA), (WORKED, DESK))) == {ANA.id: "Ana"}


def vote(person):
    return Approval(person=person.id, name=person.name, digest="x", at=NOW)
