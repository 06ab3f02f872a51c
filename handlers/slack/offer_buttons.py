"""The buttons that an answer offers for a request in words."""

import re
from dataclasses import dataclass

from slack_bolt import Ack, App

from bot.cases.actor import Surface
from bot.cases.errors import ChatFailed, Refusal
from bot.desk.controls import Controls
from bot.desk.conversation import Conversation
from bot.desk.raising import Raising
from bot.ports.library import Library
from bot.views.raising import RaiseDraft
from handlers.cards import forms, ids
from handlers.cards.home_view import EVERYTHING, pause_form
from handlers.cards.offer_blocks import NOTHING
from handlers.cards.raise_form import raise_form
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import MAX_UNIX_TIME, SLACK_USER, person_id
from handlers.slack.listeners import error_text, open_form_for
from handlers.slack.services import SlackServices

# The sorts of what is paused, before the colon of a scope.
ACTION_SCOPE = "action"
SYSTEM_SCOPE = "system"
UNIX_TIME = re.compile(r"[0-9]{1,12}")


def register(app: App, services: SlackServices) -> None:
    """Give each button its listener."""
    buttons = OfferButtons(
        controls=services.controls,
        conversation=services.conversation,
        raising=services.raising,
        library=services.library,
        chat=services.chat,
    )
    app.action(ids.OFFER_PAUSE)(buttons.on_pause)
    app.action(ids.OFFER_RESUME)(buttons.on_resume)
    app.action(ids.OFFER_STAND_IN)(buttons.on_stand_in)
    app.action(ids.OFFER_RAISE)(buttons.on_raise)
    app.action(ids.OFFER_REMINDER)(buttons.on_reminder)


@dataclass(frozen=True, kw_only=True)
class OfferButtons:
    """One method for each button."""

    controls: Controls
    conversation: Conversation
    raising: Raising
    library: Library
    chat: SlackChat

    def on_pause(self, body: Json, ack: Ack) -> None:
        """Open the form that pauses, with scope and reason."""
        scope, _, reason = _value(body).partition(" ")
        sort, colon, name = scope.partition(":")
        scopes = self.library.titles()
        labels = self.library.labels()
        # The form lists kinds; an action or a system that was meant has to be in it too.
        if sort == ACTION_SCOPE:
            scopes = [*scopes, (name, labels.action(name))]
        elif sort == SYSTEM_SCOPE:
            scopes = [*scopes, (name, labels.system(name))]
        form = pause_form(scopes, scope=name if colon else EVERYTHING, reason=reason)
        open_form_for(self.chat, body, form, require=self.controls.must_be_able_to_pause)
        ack()

    def on_resume(self, body: Json, ack: Ack) -> None:
        """End the pause of the button."""
        scope = _value(body).partition(" ")[2]
        try:
            self.controls.resume(scope, by=person_id(body), surface=Surface.SLACK)
            text = "Resumed. What waited continues now."
        except (Refusal, ChatFailed) as error:
            text = error_text(error, "press")
        ack()
        self._tell(body, text)

    def on_stand_in(self, body: Json, ack: Ack) -> None:
        """Open the form that names a stand-in."""
        user_id, _, rest = _value(body).partition(" ")
        seconds, _, kind = rest.partition(" ")
        if not SLACK_USER.fullmatch(user_id):
            user_id = ""
        form = forms.delegate_form(
            self.library.titles(),
            to=user_id,
            kind=kind.removeprefix(NOTHING),
            until=_unix_time(seconds),
        )
        open_form_for(self.chat, body, form, require=self.controls.must_be_able_to_delegate)
        ack()

    def on_raise(self, body: Json, ack: Ack) -> None:
        """Open the form that raises an exception, with the person's words."""
        note = _value(body).partition(" ")[2]
        form = raise_form(self.library.titles(), RaiseDraft(note=note))
        open_form_for(self.chat, body, form, require=self.raising.must_be_able_to_raise)
        ack()

    def on_reminder(self, body: Json, ack: Ack) -> None:
        """Remind a colleague of one case, or of everything."""
        of, _, case_id = _value(body).partition(" ")
        try:
            text = self.conversation.reminders.remind(
                by=person_id(body),
                of=of,
                case_id="" if case_id == NOTHING else case_id,
            )
        except (Refusal, ChatFailed) as error:
            text = error_text(error, "press")
        ack()
        self._tell(body, text)

    def _tell(self, body: Json, text: str) -> None:
        """Answer the presser alone."""
        channel = str((body.get("channel") or {}).get("id", ""))
        container = body.get("container") or {}
        if channel:
            self.chat.send_ephemeral(
                channel,
                str(body["user"]["id"]),
                text,
                thread_ts=str(container.get("thread_ts") or ""),
            )


def _value(body: Json) -> str:
    return str(body["actions"][0].get("value", ""))


def _unix_time(text: str) -> int | None:
    is_time = UNIX_TIME.fullmatch(text) and int(text) < MAX_UNIX_TIME
    return int(text) if is_time else None
