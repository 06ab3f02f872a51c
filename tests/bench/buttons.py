"""The buttons of cards, and people who press them."""

import json
from typing import Any

from bot.demo.people import ANA, BEN
from handlers.cards import ids
from tests.bench.rig import Emulator


def waiting_cards(emulator: Emulator, channel: str) -> list[dict[str, Any]]:
    """Return the cards with a button that approves, the oldest first."""
    return [card for card in emulator.cards(channel) if _approve_button(card)]


def case_of(card: dict[str, Any]) -> str:
    """Return the id of a card's case."""
    uid: str = card["metadata"]["event_payload"]["uid"]
    return uid.partition("/")[0]


def approve(emulator: Emulator, card: dict[str, Any]) -> float:
    """Press the button of a card. Return the milliseconds until the acknowledgement."""
    button = _approve_button(card)
    press = {
        "as": _approver(card),
        "channel": card["channel"],
        "ts": card["ts"],
        "action_id": button["action_id"],
        "value": button["value"],
    }
    answer = emulator.post("click", press)
    if not answer.get("acked"):
        raise RuntimeError(f"the press was not acknowledged: {answer}")
    milliseconds: float = answer["ms"]
    return milliseconds


def _approve_button(card: dict[str, Any]) -> dict[str, Any]:
    for block in card.get("blocks", []):
        if block["type"] != "actions":
            continue
        for element in block["elements"]:
            if element["action_id"] == ids.APPROVE:
                button: dict[str, Any] = element
                return button
    return {}


def _approver(card: dict[str, Any]) -> str:
    """Return who may approve this card."""
    return ANA if "@floor-managers" in json.dumps(card["blocks"]) else BEN
