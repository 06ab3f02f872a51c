"""The names of a case in JSON: programs rely on them."""

import json

from bot.cases.case import Case
from bot.views.case_record import PARTS, case_record, trail_record
from bot.views.labels import Labels
from tests.cases.making import approved, opened
from tests.cases.test_evaluation import CARRIED_OUT, history

NAMES = {
    "plan_decisions",
    "practice",
    "review",
    "approvals",
    "changes",
    "channel",
    "cleared_at",
    "comparison",
    "is_on_trial",
    "playbook_version",
    "conflicts",
    "count",
    "decided_at",
    "earlier_steps",
    "earlier_undone",
    "drifted",
    "due_at",
    "editors",
    "ending",
    "escalated",
    "evidence",
    "expires_at",
    "fingerprint",
    "generation",
    "id",
    "inquiries",
    "is_novel",
    "is_urgent",
    "kind",
    "last_decision",
    "named_by",
    "nudge_count",
    "nudged_at",
    "opened_at",
    "changed_at",
    "owner",
    "people",
    "plan",
    "probe",
    "raised_again",
    "recognition",
    "recommendation",
    "refusals",
    "remind_at",
    "reminded",
    "reopened",
    "revision",
    "signal",
    "sla",
    "snoozed_until",
    "stake",
    "state",
    "step_ups",
    "steps",
    "team",
    "undo_approvals",
    "undo_until",
    "undoing",
    "verdict",
    "version",
    "what",
    "why",
    "words",
}


def test_a_program_finds_every_field_of_a_case_under_the_name_that_it_knows():
    assert set(case_record(opened())) == NAMES
    record = case_record(approved())
    assert (record["revision"], record["count"], record["ending"]) == (1, 1, None)
    assert record["approvals"][0]["name"] == "Ana"
    assert record["plan"]["actions"][0]["name"] == "house.order_stock"
    assert record["fingerprint"] == approved().signal.fingerprint


def test_no_field_of_one_part_hides_one_of_another():
    case = approved()
    parts = [getattr(case, part) for part in PARTS]
    names = [name for part in parts for name in part.__dataclass_fields__]
    assert len(names) == len(set(names))
    assert not set(names) & (set(Case.__dataclass_fields__) - set(PARTS))
    assert all(len(part.__dataclass_fields__) <= 15 for part in (case, *parts))


def test_a_trail_has_each_entry_as_recorded_and_in_words():
    entries = history(*CARRIED_OUT)
    records = trail_record(entries, Labels())
    assert [record["type"] for record in records] == [entry.body.name for entry in entries]
    assert records[1]["sentence"] == "Looked up: 1 fact"
    assert records[1]["body"]["evidence"][0]["value"] == 4
    assert {"label": "Why it matters", "text": "matters"} in records[1]["lines"]
    assert (records[0]["author"], records[0]["state"]) == ("api", "OPEN")
    json.dumps(records)
