"""Precedents and labels as JSON.

The names are those of the rows that earlier releases stored.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.cases.canonical import from_plain, to_json, to_plain
from bot.cases.kind_origin import KindOrigin
from bot.cases.precedent import Label, Precedent, PrecedentVersion

#: Who named the kind, and what recognition had named.
ORIGIN_FIELDS = ("kind_by", "recognised")


def precedent_to_plain(precedent: Precedent) -> dict[str, Any]:
    """Convert a precedent to the JSON types that are stored and hashed."""
    plain = to_plain(precedent)
    decision = plain["decision"]
    # The order is that of the stored text.
    fields = {
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
    # Left out where there is none: the checksums of earlier rows stay as they are.
    later_fields = {
        "promised": decision["card_promise"],
        "estimated": decision["model_confidence"],
    }
    fields |= {name: value for name, value in later_fields.items() if value is not None}
    return fields | _origin_fields(precedent.kind_origin)


def without_origin(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return what memory indexes of a precedent.

    Rows that were stored before their origin was written down are the same without it, so that a
    rebuild does not take them for new answers.
    """
    return {name: value for name, value in plain.items() if name not in ORIGIN_FIELDS}


def _origin_fields(origin: KindOrigin) -> dict[str, str]:
    """Return the fields of an origin, as far as they say anything."""
    fields = {"kind_by": origin.source.value, "recognised": origin.recognised_kind}
    return {name: value for name, value in fields.items() if value}


def precedent_from_json(raw: str | bytes) -> Precedent:
    """Read a stored precedent."""
    fields = json.loads(raw)
    plain = {
        "id": fields["id"],
        "kind": fields["kind"],
        "signal_text": fields["said"],
        "summary": fields["what"],
        "facts": fields["facts"],
        "decision": {
            "action": fields["action"],
            "steps": fields["steps"],
            "people": fields["decided_by"],
            "is_edited": fields.get("edited", False),
            "card_confidence": fields.get("shown"),
            "card_promise": fields.get("promised"),
            "model_confidence": fields.get("estimated"),
        },
        "outcome": fields["ended"],
        "reason": fields["reason"],
        "ended_at": fields["ended_at"],
        "channel": fields["channel"],
        "case_id": fields.get("case_id", ""),
        "batch": fields.get("batch", ""),
        "is_kind_known": fields.get("named", True),
        "kind_origin": {
            "source": fields.get("kind_by", ""),
            "recognised_kind": fields.get("recognised", ""),
        },
    }
    precedent: Precedent = from_plain(Precedent, plain)
    return precedent


def version_to_plain(version: PrecedentVersion) -> dict[str, Any]:
    """Convert a precedent with its times to JSON types."""
    return {
        "since": version.since.isoformat(),
        "until": version.until and version.until.isoformat(),
        "precedent": precedent_to_plain(version.precedent),
    }


def version_from_plain(plain: Mapping[str, Any]) -> PrecedentVersion:
    """Read what ``version_to_plain`` wrote."""
    until = plain["until"]
    return PrecedentVersion(
        precedent_from_json(json.dumps(plain["precedent"])),
        since=datetime.fromisoformat(plain["since"]),
        until=datetime.fromisoformat(until) if until else None,
    )


def label_to_json(label: Label) -> str:
    """Convert a label to its stored text."""
    plain = to_plain(label)
    fields = {
        "case_id": plain["case_id"],
        "said": plain["signal_text"],
        "kind": plain["kind"],
        "by": plain["by"],
        "at": plain["at"],
    }
    if label.recognised_kind:
        fields["recognised"] = label.recognised_kind
    return to_json(fields)


def label_from_json(raw: str | bytes) -> Label:
    """Read a stored label."""
    fields = json.loads(raw)
    fields["signal_text"] = fields.pop("said")
    fields["recognised_kind"] = fields.pop("recognised", "")
    label: Label = from_plain(Label, fields)
    return label
