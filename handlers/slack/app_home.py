"""The controls of the App Home."""

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
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import FormSubmission, person_id, selected_option
from handlers.slack.listeners import form_listener
from handlers.slack.services import SlackServices


def register(app: App, services: SlackServices) -> None:
    """Give the controls of the App Home their listeners."""
    controls = HomeControls(
        app_home=services.app_home,
        controls=services.controls,
        library=services.library,
        chat=services.chat,
        clock=services.clock,
    )
    app.action(ids.HOME_KIND)(controls.on_kind_selected)
    app.action(ids.HOME_WHEN)(controls.on_time_selected)
    app.action(ids.HOME_DIGEST)(controls.on_digest_switched)
    app.action(ids.HOME_DELEGATE)(controls.on_delegate_pressed)
    app.view(ids.DELEGATE_FORM)(form_listener(controls.delegate))


@dataclass(frozen=True, kw_only=True)
class HomeControls:
    """One method for each control."""

    app_home: AppHome
    controls: Controls
    library: Library
    chat: SlackChat
    clock: Clock

    def on_kind_selected(self, body: dict[str, Any], ack: Ack) -> None:
        """Show the cases of one kind, or of every kind."""
        kind = _kind(selected_option(body, default=EVERY_KIND))
        self.app_home.show(person_id(body), kind=kind)
        ack()

    def on_time_selected(self, body: dict[str, Any], ack: Ack) -> None:
        """Show everything, what is late, or what is new today."""
        when = selected_option(body, default=HomePeriod.ALWAYS)
        self.app_home.show(person_id(body), when=when)
        ack()

    def on_digest_switched(self, body: dict[str, Any], ack: Ack) -> None:
        """Subscribe to the daily digest, or unsubscribe."""
        is_on = body["actions"][0].get("value") == "on"
        self.app_home.subscribe_to_digest(person_id(body), subscribe=is_on)
        ack()

    def on_delegate_pressed(self, body: dict[str, Any], ack: Ack) -> None:
        """Open the form that names a stand-in."""
        form = forms.delegate_form(self.library.titles())
        self.chat.open_modal(str(body["trigger_id"]), form)
        ack()

    def delegate(self, form: FormSubmission) -> None:
        """Let a colleague decide for this person until a time."""
        self.controls.delegate(
            by=form.person,
            to=form.principal(ids.TO, "choose a colleague"),
            kind=_kind(form.text(ids.KIND)),
            begins_at=self.clock(),
            ends_at=form.time(ids.UNTIL, "choose an end date"),
            surface=Surface.SLACK,
        )
        self.app_home.show(form.person)


def _kind(option: str) -> str:
    return "" if option == EVERY_KIND else option
