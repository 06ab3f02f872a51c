"""The controls of the App Home."""

from collections.abc import Callable
from dataclasses import dataclass

from slack_bolt import Ack, App

from bot.cases.actor import Surface
from bot.cases.errors import ChatFailed, Refusal
from bot.desk.app_home import AppHome
from bot.desk.controls import Controls
from bot.desk.digest import Digest
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.views.app_home import HomePeriod
from handlers.cards import forms, ids
from handlers.cards.digest_card import digest_modal
from handlers.cards.forms import notice
from handlers.cards.home_view import EVERY_KIND, delegations_modal, pause_form
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import FormSubmission, person_id, selected_option
from handlers.slack.listeners import error_text, form_listener, open_form_for
from handlers.slack.services import SlackServices

# Before the scope in the value of a button, which may not be empty.
RESUME = "resume "
STOPPED = "Stopped. From now on such plans ask again."


def register(app: App, services: SlackServices) -> None:
    """Give the controls of the App Home their listeners."""
    controls = HomeControls(
        app_home=services.app_home,
        digests=services.digests,
        controls=services.controls,
        library=services.library,
        chat=services.chat,
        clock=services.clock,
    )
    app.action(ids.HOME_KIND)(controls.on_kind_selected)
    app.action(ids.HOME_WHEN)(controls.on_time_selected)
    app.action(ids.HOME_DIGEST)(controls.on_digest_switched)
    app.action(ids.HOME_DELEGATE)(controls.on_delegate_pressed)
    app.action(ids.HOME_DIGEST_NOW)(controls.on_digest_requested)
    app.action(ids.HOME_PAUSE)(controls.on_pause_pressed)
    app.action(ids.HOME_RESUME)(controls.on_resume_pressed)
    app.action(ids.HOME_END_DELEGATION)(controls.on_end_delegation)
    app.action(ids.STOP_GRANT)(controls.on_stop_grant)
    app.view(ids.DELEGATE_FORM)(form_listener(controls.delegate))
    app.view(ids.PAUSE_FORM)(form_listener(controls.pause))


@dataclass(frozen=True, kw_only=True)
class HomeControls:
    """One method for each control."""

    app_home: AppHome
    digests: Digest
    controls: Controls
    library: Library
    chat: SlackChat
    clock: Clock

    def on_kind_selected(self, body: Json, ack: Ack) -> None:
        """Show the cases of one kind, or of every kind."""
        kind = _kind(selected_option(body, default=EVERY_KIND))
        self.app_home.show(person_id(body), kind=kind)
        ack()

    def on_time_selected(self, body: Json, ack: Ack) -> None:
        """Show everything, what is late, or what is new today."""
        when = selected_option(body, default=HomePeriod.ALWAYS)
        self.app_home.show(person_id(body), when=when)
        ack()

    def on_digest_switched(self, body: Json, ack: Ack) -> None:
        """Subscribe to the daily digest, or unsubscribe."""
        is_on = body["actions"][0].get("value") == "on"
        self.app_home.subscribe_to_digest(person_id(body), subscribe=is_on)
        ack()

    def on_delegate_pressed(self, body: Json, ack: Ack) -> None:
        """Open the form that names a stand-in."""
        form = forms.delegate_form(self.library.titles())
        open_form_for(self.chat, body, form, require=self.controls.must_be_able_to_delegate)
        ack()

    def on_digest_requested(self, body: Json, ack: Ack) -> None:
        """Show the person's own digest as it is now."""
        digest = self.digests.show_now(person_id(body))
        view = digest_modal(digest, self.chat.permalink)
        self.chat.open_modal(str(body["trigger_id"]), view)
        ack()

    def on_pause_pressed(self, body: Json, ack: Ack) -> None:
        """Open the form that pauses everything, or one kind."""
        form = pause_form(self.library.titles())
        open_form_for(self.chat, body, form, require=self.controls.must_be_able_to_pause)
        ack()

    def pause(self, form: FormSubmission) -> None:
        """Pause what the form names."""
        scope = self.controls.scope_of(form.text(ids.SCOPE))
        self.controls.pause(
            scope,
            by=form.person,
            reason=form.text(ids.NOTE),
            surface=Surface.SLACK,
        )
        self.app_home.show(form.person)

    def on_resume_pressed(self, body: Json, ack: Ack) -> None:
        """End the pause of the button."""
        scope = _button_value(body).removeprefix(RESUME)

        def resume(person: str) -> None:
            self.controls.resume(
                scope,
                by=person,
                surface=Surface.SLACK,
            )

        self._act(body, resume)
        ack()

    def on_end_delegation(self, body: Json, ack: Ack) -> None:
        """End the delegation of the button before its time."""
        giver, _, rest = _button_value(body).partition(" ")
        taker, _, kind = rest.partition(" ")

        def end(person: str) -> None:
            self.controls.end_delegation(
                by=person,
                giver=giver,
                taker=taker,
                kind=kind,
                surface=Surface.SLACK,
            )

        self._act(body, end)
        ack()

    def on_stop_grant(self, body: Json, ack: Ack) -> None:
        """Stop what the button's meter counts."""

        def stop(person: str) -> None:
            self.controls.stop_grant(_button_value(body), by=person, surface=Surface.SLACK)
            if (body.get("container") or {}).get("is_ephemeral"):
                # Card and Home are drawn again; the answer to a command stays as it is.
                self.chat.open_modal(str(body["trigger_id"]), notice(STOPPED))

        self._act(body, stop)
        ack()

    def _act(self, body: Json, act: Callable[[str], None]) -> None:
        """Act for the presser, and redraw what they see."""
        person = person_id(body)
        try:
            act(person)
        except (Refusal, ChatFailed) as error:
            view = notice(error_text(error, "press"))
            self.chat.open_modal(str(body["trigger_id"]), view)
        else:
            self._redraw_modal(body, person)
        self.app_home.show(person)

    def _redraw_modal(self, body: Json, person: str) -> None:
        """Redraw the window in which a delegation was ended."""
        view = body.get("view") or {}
        if view.get("type") == "modal":
            modal = delegations_modal(self.app_home.delegations(person))
            self.chat.update_modal(view, modal)

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


def _button_value(body: Json) -> str:
    return str(body["actions"][0].get("value", ""))


def _kind(option: str) -> str:
    return "" if option == EVERY_KIND else option
