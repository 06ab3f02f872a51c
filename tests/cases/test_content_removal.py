"""What a case was about goes from its entries; what happened stays."""

import dataclasses
import types
import typing

from bot.cases import content_removal
from bot.cases.content_removal import remove_content
from bot.cases.entries import CaseBody
from bot.cases.erasure import ERASED_TEXT

#: Texts of entries that say what happened, to which rows and by whom, and nothing about the world.
KEPT_TEXTS = frozenset(
    [
        "action",
        "attempt",
        "authenticator_data",
        "behalf_name",
        "behalf_of",
        "by",
        "by_name",
        "channel",
        "client_data",
        "code",
        "connector",
        "credential",
        "currency",
        "digest",
        "editable",
        "fact",
        "field",
        "grant",
        "group",
        "id",
        "key",
        "kind",
        "label",
        "local_time",
        "means",
        "mode",
        "model",
        "name",
        "needs",
        "of_case",
        "one_of",
        "owner",
        "person",
        "playbook",
        "playbook_digest",
        "playbook_version",
        "policy_digest",
        "principals",
        "promise",
        "requester",
        "risk",
        "rule",
        "rules",
        "signature",
        "source",
        "standing_rule",
        "system",
        "ticket",
        "to",
        "to_name",
        "version",
        "when",
        "words",
        "case_id",
        "earlier_keys",
        "ended",
        "domain",
        "minimum",
        "maximum",
    ]
)


def text_fields(annotation, found=None):
    """Return the names of the fields below a type that hold texts or scalars of the world."""
    found = {} if found is None else found
    for one in typing.get_args(annotation):
        text_fields(one, found)
    if dataclasses.is_dataclass(annotation) and annotation not in found:
        found[annotation] = set()
        hints = typing.get_type_hints(annotation)
        for field in dataclasses.fields(annotation):
            if _holds_text(hints[field.name]):
                found[annotation].add(field.name)
            text_fields(hints[field.name], found)
    return found


def _holds_text(annotation) -> bool:
    if annotation is str:
        return True
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType, tuple, typing.Annotated):
        return any(_holds_text(one) for one in typing.get_args(annotation))
    return False


def test_every_text_of_every_entry_is_removed_or_kept_on_purpose():
    """A field that somebody adds to an entry must be on one of the lists."""
    removed = (
        content_removal.CONTENT_FIELDS
        | content_removal.LABELLED_FIELDS
        | content_removal.VALUE_MAPS
        | content_removal.CHANGED_VALUES
    )
    names = {name for fields in text_fields(CaseBody).values() for name in fields}
    assert names - removed - KEPT_TEXTS == set()
    assert (removed | KEPT_TEXTS) - names - content_removal.VALUE_MAPS == set()


def entry(body, name="case.opened"):
    return {
        "type": name,
        "case": "EX-7",
        "version": 1,
        "revision": 0,
        "at": "2026-01-01T00:00:00Z",
        "actor": "T1/U1",
        "surface": "slack",
        "salt": "ab",
        "body": body,
    }


def test_equal_names_stay_equal_and_different_ones_different():
    def opened(key):
        signal = {"source": "till", "key": key, "group": "", "subject": "guest:1", "facts": {}}
        return entry({"signal": signal})

    one, two, same = remove_content([opened("a"), opened("b"), opened("a")])
    keys = [plain["body"]["signal"]["key"] for plain in (one, two, same)]
    assert keys == ["erased-by-policy-ex-7-1", "erased-by-policy-ex-7-2", keys[0]]
    assert one["body"]["signal"]["subject"] == ERASED_TEXT
    assert one["body"]["signal"]["source"] == "till"
    assert "salt" not in one
    assert (one["actor"], one["at"], one["version"]) == ("T1/U1", "2026-01-01T00:00:00Z", 1)


def test_a_second_removal_changes_nothing():
    signal = {"source": "till", "key": "a", "subject": "guest:1", "facts": {"n": 3, "none": None}}
    (once,) = remove_content([entry({"signal": signal, "owner": "ops"})])
    assert once["body"]["signal"]["facts"] == {"n": ERASED_TEXT, "none": None}
    (twice,) = remove_content([once])
    assert twice is once


def test_the_closed_list_of_reasons_stays_and_the_note_goes():
    body = {"reason": "not_worth_it", "note": "she is away", "by_name": "Ana"}
    (new,) = remove_content([entry(body, "plan.rejected")])
    assert new["body"] == {"reason": "not_worth_it", "note": ERASED_TEXT, "by_name": "Ana"}
    (new,) = remove_content([entry({**body, "reason": "it drifted"}, "plan.stopped")])
    assert new["body"]["reason"] == ERASED_TEXT


def test_numbers_of_a_step_stay_and_edited_values_go():
    plan = {"branches": [{"name": "pay", "after": 0}], "actions": [{"target": "guest:1"}]}
    changes = [{"field": "quantity", "before": 12, "after": 24}]
    (new,) = remove_content([entry({"plan": plan, "changes": changes}, "plan.edited")])
    assert new["body"]["plan"]["branches"] == [{"name": "pay", "after": 0}]
    assert new["body"]["plan"]["actions"] == [{"target": "erased-by-policy-ex-7-1"}]
    assert new["body"]["changes"] == [
        {"field": "quantity", "before": ERASED_TEXT, "after": ERASED_TEXT}
    ]
