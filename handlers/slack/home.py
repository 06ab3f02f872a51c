"""The controls of the App Home, and the form that lets somebody stand in."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App

from bot.cases.errors import BadRequest
from bot.desk.homes import Homes
from bot.desk.switchboard import Switchboard
from bot.ports import Clock, Library
from handlers.cards import forms, ids
from handlers.cards.home_view import EVERY_KIND
from handlers.slack.answers import on_submit
from handlers.slack.chat import SlackChat
from handlers.slack.press import Submission, person_of

SLACK_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
LATEST_SECOND = 2**33


def register(app: App, homes: Homes, switchboard: Switchboard, library: Library, chat: SlackChat, clock: Clock) -> None:
    """Give the controls of the home their listeners."""
    controls = HomeControls(homes, switchboard, library, chat, clock)
    app.action(ids.HOME_KIND)(controls.choose)
    app.action(ids.HOME_DIGEST)(controls.digest)
    app.action(ids.HOME_DELEGATE)(controls.open_delegation)
    app.view(ids.DELEGATE_FORM)(on_submit(controls.delegate))


@dataclass(frozen=True)
class HomeControls:
    homes: Homes
    switchboard: Switchboard
    library: Library
    chat: SlackChat
    clock: Clock

    def choose(self, body: dict[str, Any], ack: Ack) -> None:
        """Another filter: the home shows one kind, or every kind."""
        chosen = str((body["actions"][0].get("selected_option") or {}).get("value", EVERY_KIND))
        self.homes.opened(person_of(body), kind="" if chosen == EVERY_KIND else chosen)
        ack()

    def digest(self, body: dict[str, Any], ack: Ack) -> None:
        self.homes.wants_digest(person_of(body), wanted=body["actions"][0].get("value") == "on")
        ack()

    def open_delegation(self, body: dict[str, Any], ack: Ack) -> None:
        self.chat.open_form(str(body["trigger_id"]), forms.delegate_form(self.library.titles()))
        ack()

    def delegate(self, form: Submission) -> None:
        user, seconds = form.text(ids.TO), form.values.get(ids.UNTIL)
        if not SLACK_USER.fullmatch(user):
            raise BadRequest("choose who stands in", field="to")
        if not isinstance(seconds, int):
            raise BadRequest("choose until when", field="until")
        kind = form.text(ids.KIND)
        until = datetime.fromtimestamp(min(seconds, LATEST_SECOND), UTC)
        self.switchboard.delegate(
            by=form.person,
            to=f"{form.person.partition('/')[0]}/{user}",
            kind="" if kind == EVERY_KIND else kind,
            begins_at=self.clock(),
            ends_at=until,
        )
        self.homes.opened(form.person)
