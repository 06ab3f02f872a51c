"""Precedents and labels as JSON, under the names of the rows that earlier releases stored."""

import json
from typing import Any

from bot.cases.canonical import from_plain, to_json, to_plain
from bot.cases.precedent import Label, Precedent


def precedent_to_plain(precedent: Precedent) -> dict[str, Any]:
    """Convert a precedent to the JSON types that are stored and hashed."""
    plain = to_plain(precedent)
    decision = plain["decision"]
    # The order is that of the stored text.
    return {
        "id": plain["id"],
        "kind": plain["kind"],
        "said": plain["signal_text"],
        "what": plain["summary"],
        "facts": plain["facts"],
        "action": decision["action"],
        "steps": decision["steps"],
        "decided_by": decision["people"],
        "ended": plain["outcome"],
        "reason": plain["reason"],
        "ended_at": plain["ended_at"],
        "channel": plain["channel"],
        "case_id": plain["case_id"],
        "batch": plain["batch"],
        "edited": decision["is_edited"],
        "named": plain["is_kind_known"],
        "shown": decision["card_confidence"],
    }


def precedent_from_json(raw: str | bytes) -> Precedent:
    """Read a stored precedent."""
    stored = json.loads(raw)
    plain = {
        "id": stored["id"],
        "kind": stored["kind"],
        "signal_text": stored["said"],
        "summary": stored["what"],
        "facts": stored["facts"],
        "decision": {
            "action": stored["action"],
            "steps": stored["steps"],
            "people": stored["decided_by"],
            "is_edited": stored.get("edited", False),
            "card_confidence": stored.get("shown"),
        },
        "outcome": stored["ended"],
        "reason": stored["reason"],
        "ended_at": stored["ended_at"],
        "channel": stored["channel"],
        "case_id": stored.get("case_id", ""),
        "batch": stored.get("batch", ""),
        "is_kind_known": stored.get("named", True),
    }
    precedent: Precedent = from_plain(Precedent, plain)
    return precedent


def label_to_json(label: Label) -> str:
    """Convert a label to its stored text."""
    plain = to_plain(label)
    stored = {
        "case_id": plain["case_id"],
        "said": plain["signal_text"],
        "kind": plain["kind"],
        "by": plain["by"],
        "at": plain["at"],
    }
    return to_json(stored)


def label_from_json(raw: str | bytes) -> Label:
    """Read a stored label."""
    stored = json.loads(raw)
    stored["signal_text"] = stored.pop("said")
    label: Label = from_plain(Label, stored)
    return label
