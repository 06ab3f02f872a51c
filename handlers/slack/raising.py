"""Raise an exception by hand: from any message, from the global shortcut, from the App Home. A form for each playbook."""

from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App

from bot.cases.errors import BadRequest
from bot.cases.signal import UNRECOGNISED
from bot.desk.raising import Raising
from bot.ports.case_store import ReceiptOutcome
from bot.ports.library import Library
from handlers.cards import forms, ids
from handlers.cards.text import Json
from handlers.slack.answers import on_submit
from handlers.slack.asking import plain_words
from handlers.slack.chat import SlackChat
from handlers.slack.press import Submission

NOT_SURE = "not_sure"


def register(app: App, raising: Raising, library: Library, chat: SlackChat) -> None:
    """Listen for the shortcuts, for the kind being chosen, and for the form."""
    forms_ = RaiseForms(raising, library, chat)
    app.shortcut(ids.FROM_MESSAGE)(forms_.from_message)
    app.shortcut(ids.FROM_ANYWHERE)(forms_.from_anywhere)
    app.action(ids.HOME_RAISE)(forms_.from_anywhere)
    app.action(ids.RAISE_KIND)(forms_.choose_kind)
    app.view(ids.RAISE_FORM)(on_submit(forms_.submit))


@dataclass(frozen=True)
class RaiseForms:
    raising: Raising
    library: Library
    chat: SlackChat

    def from_message(self, body: dict[str, Any], ack: Ack) -> None:
        """The message is quoted, and the way back to it is kept."""
        message = body["message"]
        words = plain_words(str(message.get("text", "")))
        place = f"{body['channel']['id']} {message['ts']}"
        self.chat.open_form(str(body["trigger_id"]), self._form("", place, words))
        ack()

    def from_anywhere(self, body: dict[str, Any], ack: Ack) -> None:
        self.chat.open_form(str(body["trigger_id"]), self._form("", "", ""))
        ack()

    def choose_kind(self, body: dict[str, Any], ack: Ack) -> None:
        """Another kind asks for other facts: the form is drawn again, with what was typed so far."""
        chosen = str((body["actions"][0].get("selected_option") or {}).get("value", NOT_SURE))
        try:
            view = body["view"]
            typed = Submission.values_of(view)
        except (KeyError, TypeError, AttributeError):
            raise BadRequest("this form says nothing that can be understood") from None
        words = str(typed.get(ids.NOTE) or "")
        form = self._form(
            "" if chosen == NOT_SURE else chosen, str(view.get("private_metadata", "")), words
        )
        self.chat.update_form(str(view["id"]), str(view.get("hash", "")), form)
        ack()

    def submit(self, form: Submission) -> None:
        kind = str(form.values.get(ids.RAISE_KIND) or NOT_SURE)
        channel, _, ts = form.place.partition(" ")
        facts = {
            name.removeprefix(ids.PARAMETER): form.text(name)
            for name in form.values
            if name.startswith(ids.PARAMETER)
        }
        missing = next((name for name, value in facts.items() if not value), None)
        if missing:
            raise BadRequest("this kind needs it", field=missing)
        receipt = self.raising.raise_case(
            by=form.person,
            title=form.text(ids.TITLE),
            key=f"{channel}:{ts}:{form.user}" if ts else form.view_id,
            kind="" if kind in {NOT_SURE, UNRECOGNISED} else kind,
            words=form.text(ids.NOTE),
            link=self.chat.link(channel, ts) if ts else "",
            subject=form.text(ids.SUBJECT),
            facts=facts,
        )
        told = (
            "is open"
            if receipt.outcome is ReceiptOutcome.OPENED
            else "is known already; it was counted"
        )
        self.chat.tell(
            form.user, f"{receipt.case_id} {told}. You raised it, so somebody else decides."
        )

    def _form(self, kind: str, place: str, words: str) -> Json:
        asks = self.library.playbook(kind).facts_asked if kind else ()
        return forms.raise_form(self.library.titles(), kind or NOT_SURE, asks, place, words)
