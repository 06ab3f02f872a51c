"""The cases that fill the placeholders of a question."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from tests.bench.questions.oracle import NAMES, Oracle
from tests.bench.questions.records import Record

PLACEHOLDER = re.compile(r"\{([a-z]+)(2?)\}")
_VINTAGE = re.compile(r"\s+\d{4}$")

#: Which evidence a placeholder stands for.
EVIDENCE = {
    "customer": ("lead.company", "shipment.customer"),
    "product": ("stock.product",),
    "supplier": ("invoice.supplier", "renewal.supplier"),
    "service": ("renewal.service",),
    "invoice": ("invoice.number",),
    "guest": ("booking.guest",),
    "venue": ("booking.venue", "note.venue", "task.venue"),
    "contact": ("lead.contact",),
}

Question = Mapping[str, Any]


def pick_cases(question: Question, oracle: Oracle, asker: str) -> dict[str, Record] | None:
    """Return the case of each pick; None when one of them fits no case."""
    picked = {}
    for name, pick in question.get("pick", {}).items():
        record = _pick(pick, oracle, asker)
        if record is None:
            return None
        picked[name] = record
    return picked


def fill(node: Any, picked: Mapping[str, Record]) -> Any:
    """Fill the placeholders of a text, and of whatever holds texts."""
    if isinstance(node, str):
        return PLACEHOLDER.sub(lambda match: _value(match[1], picked[f"case{match[2]}"]), node)
    if isinstance(node, list):
        return [fill(one, picked) for one in node]
    if isinstance(node, dict):
        return {key: fill(value, picked) for key, value in node.items()}
    return node


def _pick(pick: Mapping[str, Any], oracle: Oracle, asker: str) -> Record | None:
    is_visible = pick.get("visible", True)
    matching = []
    for record in oracle.data.records:
        if oracle.may_see(asker, record) == is_visible and _fits(pick, record, oracle, asker):
            matching.append(record)
    matching.sort(key=lambda record: -record.number)
    place = pick.get("nth", 1) - 1
    return matching[place] if place < len(matching) else None


def _fits(pick: Mapping[str, Any], record: Record, oracle: Oracle, asker: str) -> bool:
    if "kind" in pick and oracle.kind(record) != pick["kind"]:
        return False
    if "risk" in pick and record.risk != pick["risk"]:
        return False
    if pick.get("may") == "asker" and not oracle.waits_on(record, asker):
        return False
    return STATES[pick["pick"]](record)


def _is_decided(record: Record, how: str) -> bool:
    return record.final is not None and record.final.how == how


def _has_entry(record: Record, name: str) -> bool:
    return any(entry["type"] == name for entry in record.entries)


STATES: dict[str, Callable[[Record], bool]] = {
    "any": lambda record: True,
    "open": lambda record: record.is_open,
    "ended": lambda record: not record.is_open,
    "waiting": lambda record: record.state == "proposed",
    "approved": lambda record: _is_decided(record, "approved"),
    "approved_done": lambda record: _is_decided(record, "approved") and record.state == "resolved",
    "approved_not_done": lambda record: (
        _is_decided(record, "approved") and record.state in {"approved", "running", "parked"}
    ),
    "rejected": lambda record: record.state == "rejected",
    "edited": lambda record: record.was_edited,
    "expired": lambda record: record.state == "expired",
    "automatic": lambda record: record.is_automatic,
    "snoozed": lambda record: record.state == "snoozed",
    "drifted": lambda record: record.state == "proposed" and _has_entry(record, "plan.drifted"),
    "escalated": lambda record: bool(record.body["timers"]["is_escalated"]),
    "recognised": lambda record: bool(
        (record.body["classification"]["recognition"] or {}).get("kind")
    ),
}


def _value(name: str, record: Record) -> str:
    match name:
        case "case":
            return record.id
        case "number":
            return str(record.number)
        case "wine":
            return _VINTAGE.sub("", _evidence(record, "product")).casefold()
        case "person":
            decision = record.last or record.final
            account = sorted(decision.by)[-1] if decision else ""
            return NAMES.get(account, "").partition(" ")[0]
        case "amount":
            return f"{record.stake:.0f}" if record.stake is not None else ""
        case _:
            return _evidence(record, name)


def _evidence(record: Record, placeholder: str) -> str:
    wanted = EVIDENCE[placeholder]
    for one in record.body["assessment"]["evidence"]:
        if one["name"] in wanted and one["value"] is not None:
            return unicodedata.normalize("NFC", str(one["value"]))
    return ""
