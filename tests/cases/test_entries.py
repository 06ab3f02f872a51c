"""Entries of the ledger: names and fields that never change, and old ones that are still read."""

import json
from dataclasses import MISSING, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.cases.actor import Actor, Surface
from bot.cases.canonical import canonical_bytes
from bot.cases.entries import (
    BODIES,
    Authorised,
    CaseBody,
    ControlBody,
    Drifted,
    Entry,
    Recommended,
    Referred,
    Resolution,
    Resolved,
    StepReported,
    StepStarted,
    StepState,
    StepUpAsked,
    UndoAsked,
    UndoLapsed,
    entry_of,
    entry_plain,
)
from bot.cases.errors import UnreadableEntry
from bot.cases.lifecycle import Transition
from bot.cases.passkey import Purpose
from bot.cases.recommendation import Recommendation
from tests.cases.making import NOW, plan, verdict
from tests.cases.shapes import shapes

# Ledgers of every release have these names and fields. A field may be added, with a default.
WIRE = {
    "approval.begun": (Transition.NOTE, "ticket note until by_name purpose"),
    "approval.given": (Transition.VOTE, "approval"),
    "approval.withdrawn": (Transition.WITHDRAW, "person"),
    "attempt.refused": (Transition.NOTE, "attempt code reason on_revision"),
    "case.claimed": (Transition.HAND_OVER, "by_name"),
    "case.escalated": (Transition.ESCALATE, "to expires_at remind_at"),
    "case.expired": (Transition.EXPIRE, ""),
    "case.handed_over": (Transition.HAND_OVER, "to note by_name"),
    "case.narrated": (Transition.NOTE, "words on_revision"),
    "case.nudged": (Transition.NOTE, "by_name"),
    "case.opened": (Transition.OPEN, "signal owner channel sla probe"),
    "case.referred": (Transition.REFER, "reason recommendation plan verdict sla"),
    "case.reminded": (Transition.NOTE, "to next_at"),
    "case.reopened": (Transition.REOPEN, "reason"),
    "case.resolved": (
        Transition.FINISH,
        "resolution note by_name undo_until undo_votes review_one_in",
    ),
    "case.retracted": (Transition.RETRACT, "by_name"),
    "case.retriage_asked": (Transition.RETRIAGE, "by_name"),
    "case.snoozed": (Transition.SNOOZE, "until reason by_name"),
    "case.woken": (Transition.WAKE, ""),
    "case.woken_early": (Transition.WAKE, "by_name"),
    "delegation.ended": (Transition.NOTE, "giver taker kind by_name"),
    "delegation.given": (Transition.NOTE, "delegation"),
    "desk.paused": (Transition.NOTE, "scope reason by_name"),
    "desk.resumed": (Transition.NOTE, "scope by_name"),
    "evidence.gathered": (
        Transition.GATHER,
        "evidence what why stake playbook_version is_on_trial",
    ),
    "glass.broken": (Transition.NOTE, "on_case on_revision by_name reason review_by"),
    "glass.reviewed": (Transition.NOTE, "on_case note by_name"),
    "grant.ended": (Transition.NOTE, "grant reason by_name on_case"),
    "grant.given": (Transition.NOTE, "grant"),
    "inquiry.answered": (Transition.NOTE, "inquiry value by_name fact is_replanned"),
    "inquiry.opened": (
        Transition.NOTE,
        "to to_name question answer_type options fact key by_name",
    ),
    "kind.named": (Transition.NAME, "kind owner channel sla by_name"),
    "kind.novel": (Transition.NOTE, "by_name"),
    "kind.recognised": (Transition.RECOGNISE, "recognition owner channel sla is_urgent"),
    "data.expired": (Transition.NOTE, "run terms before redactions counts is_complete"),
    "data.erased": (Transition.NOTE, "label reason by_name redactions counts is_complete"),
    "ledger.acknowledged": (Transition.NOTE, "signed_size signed_root note by_name numbers_from"),
    "ledger.behind": (Transition.NOTE, "signed_size signed_root own_size common_size numbers_from"),
    "ledger.key_rotated": (Transition.NOTE, "old_key new_key by_name"),
    "passkey.added": (Transition.NOTE, "passkey ticket"),
    "passkey.invited": (Transition.NOTE, "to to_name ticket until"),
    "passkey.removed": (Transition.NOTE, "credential owner"),
    "mistake.reported": (Transition.NOTE, "text by_name"),
    "probe.answered": (Transition.RETRACT, "answer"),
    "plan.authorised": (Transition.AUTHORISE, "digest by recommendation plan verdict"),
    "plan.drifted": (Transition.DRIFT, "reasons is_settled is_unforeseen"),
    "plan.edited": (Transition.EDIT, "plan verdict changes by_name expires_at"),
    "plan.recommended": (Transition.RECOMMEND, "recommendation plan verdict expires_at sla"),
    "plan.rejected": (Transition.REJECT, "reason note by_name"),
    "plan.stopped": (Transition.STOP, "reason"),
    "plan.undo_asked": (Transition.UNDO, "note by_name by until earlier_keys"),
    "practice.observed": (
        Transition.NOTE,
        "action_agrees parameters_agree source detail by_name",
    ),
    "review.given": (Transition.NOTE, "verdict note by_name"),
    "rule.adopted": (Transition.NOTE, "rule by_name on_case key yeses counter_examples"),
    "rule.doubted": (Transition.NOTE, "rule reason until"),
    "rule.ended": (Transition.NOTE, "rule kind actions reason by_name on_case key"),
    "rule.prolonged": (Transition.NOTE, "rule until before by_name on_case key"),
    "signal.cleared": (Transition.CLEAR, "signal"),
    "signal.conflicted": (Transition.NOTE, "source key digest"),
    "signal.marked_clear": (Transition.MARK_CLEAR, "signal"),
    "signal.recurred": (Transition.RECUR, "signal"),
    "policy.adopted": (
        Transition.NOTE,
        "checksum record before before_version by_name on_case key",
    ),
    "token.made": (Transition.NOTE, "token"),
    "token.revoked": (Transition.NOTE, "token program by_name"),
    "version.adopted": (
        Transition.NOTE,
        "kind checksum text text_entry before reason by_name on_case key watch_until"
        " former_version is_unreadable",
    ),
    "version.begun": (Transition.NOTE, "kind checksum phase text reason"),
    "version.compared": (Transition.NOTE, "comparison"),
    "version.ended": (
        Transition.NOTE,
        "kind checksum reason by_name on_case may_return",
    ),
    "stage.changed": (
        Transition.NOTE,
        "kind action stage before reason by_name on_case key evidence",
    ),
    "step.parked": (Transition.PARK, "step reason"),
    "step.reported": (Transition.REPORT, "step state detail facts"),
    "step.settled": (Transition.SETTLE, "step landed note by_name"),
    "step.started": (Transition.START, "step key digest inputs"),
    "undo.approved": (Transition.UNDO_VOTE, "approval"),
    "undo.lapsed": (Transition.UNDO_LAPSE, "reason undo_until"),
}


def test_the_names_and_fields_of_the_ledger_never_change():
    wire = {
        name: (body.usual_transition, " ".join(field.name for field in fields(body)))
        for name, body in BODIES.items()
    }
    assert wire == WIRE


def test_no_two_entries_have_one_name():
    assert len({body.__name__ for body in BODIES.values()}) == len(BODIES)
    assert {body.name for body in BODIES.values()} == BODIES.keys()


# --- written and read -----------------------------------------------------------------------------


def entry_with(body) -> Entry:
    return Entry(
        case_id="EX-1",
        version=2,
        revision=1,
        at=NOW,
        actor=Actor.parse("T1/UANA"),
        surface=Surface.SLACK,
        body=body,
    )


@pytest.mark.parametrize("name", sorted(BODIES))
@settings(max_examples=12)
@given(data=st.data())
def test_an_entry_of_every_name_reads_back_from_its_bytes(name, data):
    entry = entry_with(data.draw(shapes(BODIES[name])))
    raw = canonical_bytes(entry_plain(entry))
    again = entry_of(json.loads(raw))
    assert again == entry
    # A second writing is the same leaf of the tree.
    assert canonical_bytes(entry_plain(again)) == raw


@settings(max_examples=25)
@given(shapes(Entry))
def test_whatever_the_envelope_says_is_read_back(entry):
    again = entry_of(json.loads(canonical_bytes(entry_plain(entry))))
    assert (again.case_id, again.version, again.revision) == (
        entry.case_id,
        entry.version,
        entry.revision,
    )
    assert (again.at, again.actor, again.surface) == (entry.at, entry.actor, entry.surface)
    assert again.body == entry.body


def test_an_entry_is_an_object_of_eight_fields():
    plain = entry_plain(entry_with(Drifted(("it moved",), is_settled=True)))
    assert plain == {
        "type": "plan.drifted",
        "case": "EX-1",
        "version": 2,
        "revision": 1,
        "at": NOW.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        "actor": "T1/UANA",
        "surface": "slack",
        "body": {"reasons": ["it moved"], "is_settled": True, "is_unforeseen": False},
    }


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("plan.drifted", {}),
        ("plan.drifted", {"reasons": "it moved"}),
        ("step.reported", {"step": 0, "state": "perhaps", "detail": ""}),
        ("step.reported", {"step": "first", "state": "done", "detail": ""}),
        ("plan.rejected", {"reason": "because", "note": "", "by_name": "Ana"}),
        ("approval.given", {"approval": {"person": "T1/UANA"}}),
    ],
)
def test_a_body_of_another_shape_is_no_entry(name, body):
    plain = {**entry_plain(entry_with(Drifted(("x",)))), "type": name, "body": body}
    with pytest.raises(ValidationError):
        entry_of(plain)


def test_an_old_ledger_may_name_a_surface_of_its_own():
    plain = {**entry_plain(entry_with(Drifted(("x",)))), "surface": "telegram"}
    assert entry_of(plain).surface == "telegram"


# --- ledgers of earlier releases ------------------------------------------------------------------

ADVICE = Recommendation("house.order_stock", "because", "rule 1")
LATER_FIELDS = [
    (Recommended(recommendation=ADVICE, plan=plan(), verdict=verdict(), expires_at=NOW), "sla"),
    (Referred(reason="x", recommendation=ADVICE), "sla"),
    (Referred(reason="x", recommendation=ADVICE), "plan"),
    (Authorised(digest="d", by=("T1/UANA",)), "plan"),
    (StepUpAsked(ticket="t", note="", until=NOW, by_name="Ana"), "purpose"),
    (Resolved(resolution=Resolution.WORKED, note=""), "undo_until"),
    (Resolved(resolution=Resolution.WORKED, note=""), "undo_votes"),
    (Resolved(resolution=Resolution.WORKED, note=""), "by_name"),
    (Drifted(("x",)), "is_settled"),
    (Drifted(("x",)), "is_unforeseen"),
    (StepStarted(0, "k", "d"), "inputs"),
    (StepReported(0, StepState.LANDED, ""), "facts"),
    (UndoAsked(note="", by_name="Ana"), "by"),
    (UndoAsked(note="", by_name="Ana"), "until"),
    (UndoLapsed("x"), "undo_until"),
]


@pytest.mark.parametrize(("body", "name"), LATER_FIELDS)
def test_a_field_of_a_later_release_may_be_missing(body, name):
    plain = entry_plain(entry_with(body))
    del plain["body"][name]
    assert entry_of(plain).body == body


def test_a_plan_and_a_verdict_of_an_earlier_release_are_read():
    body = Recommended(recommendation=ADVICE, plan=plan(), verdict=verdict(), expires_at=NOW)
    plain = entry_plain(entry_with(body))
    del plain["body"]["plan"]["mode"]
    del plain["body"]["plan"]["actions"][0]["undo_for"]
    del plain["body"]["verdict"]["step_up"]
    again = entry_of(plain).body
    assert again == body
    assert again.plan.plan_hash == body.plan.plan_hash


def test_fields_that_were_added_have_defaults():
    """The first release had these, and every entry of it is complete."""
    required = {
        name: {field.name for field in fields(body) if is_required(field)}
        for name, body in BODIES.items()
    }
    assert required["case.resolved"] == {"resolution", "note"}
    assert required["plan.undo_asked"] == {"note", "by_name"}
    assert required["plan.authorised"] == {"digest", "by"}


def is_required(field) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


@pytest.mark.parametrize(
    ("resolution", "transition"),
    [(Resolution.WORKED, Transition.FINISH), (Resolution.BY_HAND, Transition.RESOLVE)],
)
def test_a_resolution_moves_a_case_as_it_came_about(resolution, transition):
    assert Resolved(resolution=resolution, note="").transition is transition


def test_an_approval_of_an_earlier_release_needs_no_purpose():
    body = StepUpAsked(ticket="t", note="", until=NOW, by_name="Ana")
    assert body.purpose is Purpose.APPROVE


def test_the_entries_of_a_case_and_of_the_desk_are_apart():
    case_bodies, control_bodies = CaseBody.__args__, ControlBody.__args__
    assert not set(case_bodies) & set(control_bodies)
    assert len(BODIES) == len(case_bodies) + len(control_bodies)
    for body in control_bodies:
        assert body.usual_transition is Transition.NOTE


def test_an_entry_of_a_later_release_is_refused_by_its_name():
    plain = entry_plain(entry_with(Drifted(("it moved",))))
    with pytest.raises(
        UnreadableEntry, match=r"EX-\d+ has 'case.sung', an entry of a later release"
    ):
        entry_of({**plain, "type": "case.sung"})
