"""The controls of the App Home, and the form that lets somebody stand in."""

from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App

from bot.cases.actor import Surface
from bot.desk.app_home import AppHome
from bot.desk.controls import Controls
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.views.app_home import HomePeriod
from handlers.cards import forms, ids
from handlers.cards.home_view import EVERY_KIND
from handlers.slack.answers import on_submit
from handlers.slack.chat import SlackChat
from handlers.slack.press import Submission, person_of


def register(
    app: App,
    homes: AppHome,
    switchboard: Controls,
    library: Library,
    chat: SlackChat,
    clock: Clock,
) -> None:
    """Give the controls of the home their listeners."""
    controls = HomeControls(homes, switchboard, library, chat, clock)
    app.action(ids.HOME_KIND)(controls.choose)
    app.action(ids.HOME_WHEN)(controls.choose_when)
    app.action(ids.HOME_DIGEST)(controls.digest)
    app.action(ids.HOME_DELEGATE)(controls.open_delegation)
    app.view(ids.DELEGATE_FORM)(on_submit(controls.delegate))


@dataclass(frozen=True)
class HomeControls:
    homes: AppHome
    switchboard: Controls
    library: Library
    chat: SlackChat
    clock: Clock

    def choose(self, body: dict[str, Any], ack: Ack) -> None:
        """Another filter: the home shows one kind, or every kind."""
        chosen = _selected(body, EVERY_KIND)
        self.homes.show(person_of(body), kind="" if chosen == EVERY_KIND else chosen)
        ack()

    def choose_when(self, body: dict[str, Any], ack: Ack) -> None:
        """Everything, what is late, or what is new today."""
        self.homes.show(person_of(body), when=_selected(body, HomePeriod.ALWAYS))
        ack()

    def digest(self, body: dict[str, Any], ack: Ack) -> None:
        self.homes.subscribe_to_digest(
            person_of(body), subscribe=body["actions"][0].get("value") == "on"
        )
        ack()

    def open_delegation(self, body: dict[str, Any], ack: Ack) -> None:
        self.chat.open_form(str(body["trigger_id"]), forms.delegate_form(self.library.titles()))
        ack()

    def delegate(self, form: Submission) -> None:
        to = form.person_named(ids.TO, "choose who stands in")
        until, kind = form.moment(ids.UNTIL, "choose until when"), form.text(ids.KIND)
        kind = "" if kind == EVERY_KIND else kind
        self.switchboard.delegate(
            by=form.person,
            to=to,
            kind=kind,
            begins_at=self.clock(),
            ends_at=until,
            surface=Surface.SLACK,
        )
        self.homes.show(form.person)


def _selected(body: dict[str, Any], otherwise: str) -> str:
    return str((body["actions"][0].get("selected_option") or {}).get("value", otherwise))
