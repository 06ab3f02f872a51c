"""The playbooks, systems and policy that the attacks run against: short time-outs, wide budgets, and no detectors."""

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.cases.source import Source
from knowledge.library import PACKAGED

OWNERS = {
    "business": "floor-managers",
    "operations": "ops-leads",
    "technical": "ops-leads",
    "governance": "owners",
    "next": "ops-leads",
}
MEASURE = {"decide_for": "8h", "resolve_for": "48h", "follow_up_for": "10m"}
STOCK = "SELECT p.name AS product, s.on_hand, {} AS quantity FROM stock s JOIN products p ON p.id = s.product_id"
WHERE = " WHERE p.id = :product_id"


def _playbook(
    kind: str, look: dict[str, Any] | None, offer: dict[str, Any], **more: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "title": kind.replace("_", " ").capitalize(),
        "channel": "C0STOCK",
        "what": "{signal.title}",
        "evidence": [look] if look else [],
        "stake": {"why": "It is what the attack is about."},
        "actions": [offer],
        "approval": {"expires": "12h", **more.pop("approval", {})},
        "owners": OWNERS,
        "measure": MEASURE,
        **more,
    }


def _stock(quantity: str) -> dict[str, Any]:
    query = STOCK.format(quantity) + WHERE
    return {
        "name": "stock",
        "system": "house",
        "query": query,
        "parameters": {"product_id": "signal.product_id"},
    }


def _order(edit: list[str]) -> dict[str, Any]:
    parameters = {"product_id": "signal.product_id", "quantity": "stock.quantity"}
    return {
        "action": "house.order_stock",
        "parameters": parameters,
        "edit": edit,
        "reason": "It is low.",
    }


def playbooks() -> dict[str, dict[str, Any]]:
    """One kind for each shape of plan: one step, two steps, a quorum of two, behind HTTP, soon expired, unrecognised."""
    claim = {
        "action": "house.open_claim",
        "parameters": {"shipment_id": "signal.shipment_id"},
        "reason": "Within the carrier's window.",
    }
    hold = {**claim, "action": "house.hold_shipment", "then": [claim]}
    issue = {
        "action": "depot.issue",
        "parameters": {"item": "signal.item"},
        "reason": "It is asked for.",
    }
    urgent = _playbook("hasty", _stock("6"), _order([]), approval={"expires": "6s"})
    unrecognised = _playbook("unrecognised", None, issue)
    unrecognised["actions"] = []
    alert = {**unrecognised, "kind": "service_alert", "title": "Alert"}
    return {
        "restock": _playbook("restock", _stock("6"), _order(["quantity"])),
        "bulk": _playbook(
            "bulk", _stock("CAST(3000 / p.cost AS INTEGER) + 1"), _order(["quantity"])
        ),
        "mismatch": _playbook("mismatch", None, hold),
        "issue": _playbook("issue", None, issue),
        "hasty": {**urgent, "measure": {**MEASURE, "decide_for": "8h"}},
        "unrecognised": unrecognised,
        "service_alert": alert,
    }


def systems(packaged: dict[str, Any], depot: str) -> dict[str, Any]:
    """The sample company's actions that the playbooks use, and the depot."""
    house = packaged["systems"]["house"]
    names = ("order_stock", "hold_shipment", "open_claim")
    actions = {name: house["actions"][name] for name in names}
    issue = {
        "parameters": {"item": "integer"},
        "target": "item:{item}",
        "summary": "Issue item {item}",
        "preview": "one less of item {item}",
        "idempotency": "native_key",
        "undo_for": "30m",
        "precondition": {"path": "/items/{item}", "fields": {"stock": "stock"}},
        "execute": {
            "method": "POST",
            "path": "/issues",
            "body": {"item": "item"},
            "landed": "ok",
            "detail": "id",
        },
        "verify": {"path": "/issues/{key}", "landed": "state == 'done'"},
        "undo": {"method": "POST", "path": "/returns", "body": {"item": "item"}, "landed": "ok"},
    }
    depot_system = {
        "connector": "http",
        "base_url": depot,
        "hosts": ["127.0.0.1"],
        "private_hosts": ["127.0.0.1"],
        "timeout": "1s",
        "actions": {"issue": issue},
    }
    return {
        "systems": {"house": {**house, "timeout": "1s", "actions": actions}, "depot": depot_system}
    }


def policy(packaged: dict[str, Any]) -> dict[str, Any]:
    """The sample policy with budgets that no attack uses up."""
    wide = {"per_plan": 50_000, "amount_per_day": 100_000_000, "times_per_day": 1_000_000}
    plain = {"times_per_day": 1_000_000}
    actions = {"house.order_stock": {**wide, "times_per_target_per_day": 1_000}}
    actions |= dict.fromkeys(("house.hold_shipment", "house.open_claim", "depot.issue"), plain)
    # What the shipped page names beside them is not here.
    return {**packaged, "actions": actions, "never_alone": []}


def sources() -> dict[str, Any]:
    """Every format of the intake, and two sources that may speak of the same kinds."""
    mapping = {
        "key": "body.id",
        "subject": "{body.object.id}",
        "title": "Payment {body.type}",
        "clear": "body.type == 'paid'",
        "kind": "body.what",
        "facts": {"amount": "body.object.amount"},
    }
    found: dict[str, Any] = {
        "api": {"format": "signal", "token_env": ["COUNTERSIGN_SOURCE_API_TOKEN"]},
        "other": {"format": "signal", "token_env": ["COUNTERSIGN_SOURCE_OTHER_TOKEN"]},
        "events": {"format": "cloudevents", "token_env": ["COUNTERSIGN_SOURCE_EVENTS_TOKEN"]},
        "alertmanager": {
            "format": "alertmanager",
            "kind": "service_alert",
            "token_env": ["COUNTERSIGN_SOURCE_ALERTMANAGER_TOKEN"],
        },
        "mapped": {
            "format": "mapping",
            "token_env": ["COUNTERSIGN_SOURCE_MAPPED_TOKEN"],
            "mapping": mapping,
        },
        "hooked": {
            "format": "mapping",
            "mapping": mapping,
            "verify": {
                "scheme": "hmac",
                "header": "X-Signature",
                "field": "v1",
                "timestamp": "field:t",
                "content": "{timestamp}.{body}",
                "secret_env": ["COUNTERSIGN_SOURCE_HOOKED_SECRET"],
            },
        },
    }
    for source in found.values():
        source["per_minute"] = 1_000_000
        if "kinds" in Source.__dataclass_fields__ and not source.get("kind"):
            source["kinds"] = [kind for kind in playbooks() if kind != "service_alert"]
    return {"sources": found}


def write(folder: Path, depot: str) -> Path:
    """Write the library into this folder."""
    yaml, packaged = YAML(typ="safe"), PACKAGED
    (folder / "playbooks").mkdir(parents=True)

    def read(name: str) -> dict[str, Any]:
        return yaml.load((packaged / name).read_text())

    files = {
        "systems.yml": systems(read("systems.yml"), depot),
        "policy.yml": policy(read("policy.yml")),
    }
    files |= {"sources.yml": sources()}
    files |= {f"playbooks/{kind}.yml": playbook for kind, playbook in playbooks().items()}
    for name, content in files.items():
        # JSON is YAML, and ours is read without anchors.
        (folder / name).write_text(json.dumps(content, indent=1))
    return folder
