"""The emulated Slack as the people of the story use it."""

import json
from dataclasses import dataclass
from typing import Any

from bot.cases.case import Case
from bot.demo.expectations import polls, require
from bot.demo.people import FLOOR, OPS, SALES, STOCK
from bot.demo.processes import EmulatorProcess
from handlers.cards import ids

Json = dict[str, Any]
CHANNELS = (FLOOR, STOCK, SALES, OPS)


@dataclass(frozen=True)
class SlackWorkspace:
    """Slack through the eyes and hands of its users."""

    emulator: EmulatorProcess

    def messages(self) -> list[Json]:
        """Return the messages of all channels."""
        messages: list[Json] = []
        for channel in CHANNELS:
            messages += self.emulator.messages(channel)
        return messages

    def cards(self) -> list[Json]:
        """Return the messages that are cards."""
        return [message for message in self.messages() if _event_type(message) == "exception_card"]

    def card(self, case: Case) -> Json:
        """Return the live card of the case, empty when it has none."""
        uid = f"{case.id}/{case.generation}"
        cards = [card for card in self.cards() if _uid(card) == uid]
        require(len(cards) < 2, f"{case.id} has {len(cards)} live cards")
        return cards[0] if cards else {}

    def shows(self, case: Case, *texts: str) -> bool:
        """Say whether the case's live card contains these texts."""
        card = self.card(case)
        # An empty card contains the empty list of texts, but is none.
        content = json.dumps(card)
        return bool(card) and all(text in content for text in texts)

    def message(self, ts: str) -> Json:
        """Return the message with this timestamp."""
        return next(message for message in self.messages() if message["ts"] == ts)

    def replies(self, case: Case) -> list[Json]:
        """Return the messages in the thread of the case's card."""
        ts = self.card(case)["ts"]
        return [
            message
            for message in self.emulator.messages(case.channel)
            if message.get("thread_ts") == ts and message["ts"] != ts
        ]

    def ephemerals(self, person: str) -> str:
        """Return all private answers to this person as text."""
        return json.dumps(self.emulator.get(f"state?as={person}")["ephemerals"])

    def press(self, person: str, case: Case, action: str) -> Json:
        """Press a button as soon as the card shows this revision."""
        self.wait_for_card(
            case,
            ids.token(case),
            expectation=f"the button of {case.id}",
        )
        return self._click(
            person,
            case,
            action_id=action,
        )

    def press_value(self, person: str, case: Case, action: str, value: str) -> None:
        """Press one of several elements, named by its value."""
        response = self._click(
            person,
            case,
            action_id=action,
            value=value,
        )
        require(response.get("acked"), f"{action} was not acknowledged: {response}")

    def press_stale(self, person: str, case: Case, action: str) -> bool:
        """Press a button of a moment ago.

        Return whether it was gone or answered: both are right.
        """
        response = self._click(
            person,
            case,
            action_id=action,
            forged_value=ids.token(case),
        )
        return response.get("error") == "no_such_element" or bool(response.get("acked"))

    def _click(self, person: str, case: Case, **element: str) -> Json:
        ts = self.card(case)["ts"]
        place = {"as": person, "channel": case.channel, "ts": ts}
        response: Json = self.emulator.post("click", {**place, **element})
        return response

    def open_form(self, person: str) -> str:
        """Return the id of the form that this person has open."""
        views = self.emulator.get(f"state?as={person}")["views"]
        view_id: str = views[-1]["id"]
        return view_id

    def submit(self, person: str, view_id: str, values: Json) -> Json | None:
        """Submit a form and return its errors; None when it is accepted."""
        form = {"as": person, "view_id": view_id, "values": values}
        payload: Json | None = self.emulator.post("submit", form)["payload"]
        return payload

    def close_form(self, person: str, view_id: str) -> None:
        """Close a form without submitting it."""
        self.emulator.post("close", {"as": person, "view_id": view_id})

    def command(self, person: str, channel: str, text: str) -> str:
        """Return the answer to ``/exceptions`` with this text."""
        command = {"as": person, "channel": channel, "command": "/exceptions", "text": text}
        payload = self.emulator.post("slash", command)["payload"] or {}
        return json.dumps(payload.get("blocks"), ensure_ascii=False)

    def ask(self, person: str, text: str) -> str:
        """Ask in a direct message and return the reply."""
        # The emulator names direct channels after their person.
        channel = f"D{person[1:]}"
        self.emulator.post("home", {"as": person, "tab": "messages"})
        question = {"as": person, "channel": channel, "text": text}
        ts = self.emulator.post("message", question)["ts"]
        replies: list[Json] = []
        for _ in polls(f"an answer to {text!r}"):
            messages = self.emulator.messages(channel)
            thread = [message for message in messages if message.get("thread_ts") == ts]
            # An answer comes in parts; only the last gives it its type.
            replies = [one for one in thread if _event_type(one) == "exception_answer"]
            if replies:
                break
        return json.dumps(replies[-1]["blocks"], ensure_ascii=False)

    def wait_for_cards(self, minimum: int, *, expectation: str) -> None:
        """Wait until there are this many cards."""
        for _ in polls(expectation):
            if len(self.cards()) >= minimum:
                return

    def wait_for_card(self, case: Case, *texts: str, expectation: str) -> None:
        """Wait until the case's live card contains these texts."""
        for _ in polls(expectation):
            if self.shows(case, *texts):
                return

    def wait_for_ephemeral(self, person: str, text: str, *, expectation: str) -> None:
        """Wait until a private answer to this person says this."""
        for _ in polls(expectation):
            if text in self.ephemerals(person):
                return


def details_of(slack: SlackWorkspace, person: str, case: Case) -> str:
    """Open the details of a case, and return them as text."""
    slack.press(person, case, ids.DETAILS)
    window = slack.emulator.get(f"state?as={person}")["views"][-1]
    slack.close_form(person, window["id"])
    return json.dumps(window, ensure_ascii=False)


def buttons_of(message: Json) -> list[Json]:
    """Return the rows of buttons of a message."""
    return [block for block in message.get("blocks", []) if block["type"] == "actions"]


def _uid(card: Json) -> str:
    return str(card["metadata"]["event_payload"]["uid"])


def _event_type(message: Json) -> str:
    metadata = message.get("metadata", {})
    return str(metadata.get("event_type", ""))
