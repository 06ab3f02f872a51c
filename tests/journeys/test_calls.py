"""The phone rings: a mention, a direct message, a decision from it, and what becomes of it."""

import json

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN
from handlers.cards import ids
from tests.journeys.harbour import harbour, principal
from tests.world import request

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


@pytest.fixture
def town(tmp_path, emulator):
    with harbour(tmp_path, emulator) as running:
        yield running


def call_to(town, who, case):
    """The message that called this person about this case; None before there is one."""
    for message in town.direct(who):
        metadata = message.get("metadata") or {}
        uid = metadata.get("event_payload", {}).get("uid", "")
        if uid.startswith(f"call:{case.id}:"):
            return message
    return None


def action_ids(message):
    return {
        element["action_id"]
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    }


def test_a_manager_decides_from_the_message_that_called_them(town):
    """A case is handed to Ben; he approves it on his phone, in the message, which then says how it went."""
    town.emulator.post("home", {"as": BEN, "tab": "messages"})
    case = town.the("low_stock")
    town.desk.decisions.hand_over(
        request(case.id, principal(ANA), CardSnapshot.of(town.case(case))),
        to=principal(BEN),
        progress="called the supplier",
        remains="the decision",
    )
    town.until(lambda: call_to(town, BEN, case), "a direct message")
    message = call_to(town, BEN, case)
    assert message["text"] == town.card(case)["text"]
    assert "handed over to you" in json.dumps(message["blocks"])
    assert ids.APPROVE in action_ids(message)
    token = ids.token(town.case(case))
    town.press(BEN, f"D{BEN[1:]}", message["ts"], ids.APPROVE, value=token)
    town.until(lambda: town.case(case).state is State.RESOLVED, "the decision")
    town.until(
        lambda: "Done, approved by" in json.dumps(call_to(town, BEN, case)["blocks"]),
        "the outcome in its place",
    )
    assert action_ids(call_to(town, BEN, case)) == set()
    assert call_to(town, BEN, case)["ts"] == message["ts"]
