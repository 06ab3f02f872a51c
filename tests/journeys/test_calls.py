"""The phone rings: a mention, a direct message, a decision from it, and what becomes of it."""

import json

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, OMAR
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


def request_line(town, who):
    """The message to whoever raised a case, with its buttons; None before there is one."""
    for message in town.direct(who):
        if ids.RETRACT in action_ids(message):
            return message
    return None


def test_whoever_raised_a_case_asks_again_and_takes_it_back(town):
    """Omar reports low stock, asks again for a decision, and then finds the bottles."""
    town.emulator.post("home", {"as": OMAR, "tab": "messages"})
    town.settled()
    case_id = town.desk.raising.raise_case(
        by=principal(OMAR), title="The cellar is out of Rioja", key="omar-1", kind="low_stock"
    ).case_id
    case = town.desk.store.cases.case(case_id)
    town.until(lambda: town.case(case).state in {State.PROPOSED, State.REFERRED}, "triage")
    town.until(
        lambda: "Waits for" in json.dumps(request_line(town, OMAR) or {}), "what it waits for"
    )
    message = request_line(town, OMAR)
    assert ids.NUDGE in action_ids(message)
    direct = f"D{OMAR[1:]}"
    town.press(OMAR, direct, message["ts"], ids.NUDGE, value=ids.token(town.case(case)))
    town.until(lambda: town.case(case).activity.nudge_count == 1, "the nudge")
    town.until(
        lambda: ids.NUDGE not in action_ids(request_line(town, OMAR)), "a line without the button"
    )
    town.press(OMAR, direct, message["ts"], ids.RETRACT, value=ids.token(town.case(case)))
    town.until(lambda: town.case(case).state is State.WITHDRAWN, "the withdrawal")
    town.until(lambda: "Withdrawn by" in json.dumps(town.card(case)["blocks"]), "the folded card")
    town.until(lambda: "Withdrawn by" in json.dumps(town.direct(OMAR)[-1]["blocks"]), "the outcome")
