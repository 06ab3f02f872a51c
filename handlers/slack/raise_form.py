"""The form that raises an exception by hand."""

from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App

from bot.cases.errors import BadRequest
from bot.cases.signal import UNRECOGNISED
from bot.desk.raising import Raising
from bot.ports.case_store import Receipt, ReceiptOutcome
from bot.ports.library import Library
from handlers.cards import forms, ids
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import (
    MALFORMED_FORM,
    FormSubmission,
    form_values,
    selected_option,
)
from handlers.slack.listeners import form_listener
from handlers.slack.message_text import plain_text
from handlers.slack.services import SlackServices

NOT_SURE = "not_sure"


def register(app: App, services: SlackServices) -> None:
    """Listen for the shortcuts, and for the form."""
    form = RaiseForm(services.raising, services.library, services.chat)
    app.shortcut(ids.FROM_MESSAGE)(form.on_message_shortcut)
    app.shortcut(ids.FROM_ANYWHERE)(form.on_global_shortcut)
    app.action(ids.HOME_RAISE)(form.on_global_shortcut)
    app.action(ids.RAISE_KIND)(form.on_kind_selected)
    app.view(ids.RAISE_FORM)(form_listener(form.submit))


@dataclass(frozen=True)
class RaiseForm:
    """The form, which asks for other facts for each kind."""

    raising: Raising
    library: Library
    chat: SlackChat

    def on_message_shortcut(self, body: dict[str, Any], ack: Ack) -> None:
        """Open the form with the text of a message."""
        message = body["message"]
        form = self._build(
            note=plain_text(str(message.get("text", ""))),
            metadata=f"{body['channel']['id']} {message['ts']}",
        )
        self.chat.open_modal(str(body["trigger_id"]), form)
        ack()

    def on_global_shortcut(self, body: dict[str, Any], ack: Ack) -> None:
        """Open the empty form."""
        self.chat.open_modal(str(body["trigger_id"]), self._build())
        ack()

    def on_kind_selected(self, body: dict[str, Any], ack: Ack) -> None:
        """Redraw the form with the facts of another kind."""
        kind = selected_option(body, default=NOT_SURE)
        try:
            view = body["view"]
            values = form_values(view)
        except (KeyError, TypeError, AttributeError):
            raise BadRequest(MALFORMED_FORM) from None
        form = self._build(
            kind="" if kind == NOT_SURE else kind,
            note=str(values.get(ids.NOTE) or ""),
            metadata=str(view.get("private_metadata", "")),
        )
        self.chat.update_modal(str(view["id"]), str(view.get("hash", "")), form)
        ack()

    def submit(self, form: FormSubmission) -> None:
        """Raise the exception, and tell the person what came of it."""
        facts = form.parameters()
        for name, value in facts.items():
            if not value:
                raise BadRequest("this kind needs a value here", field=name)
        channel, _, ts = form.message_reference.partition(" ")
        receipt = self.raising.raise_case(
            by=form.person,
            title=form.text(ids.TITLE),
            # The same message raised twice by one person is one signal.
            key=f"{channel}:{ts}:{form.user}" if ts else form.view_id,
            kind=_kind(form),
            words=form.text(ids.NOTE),
            link=self.chat.permalink(channel, ts),
            subject=form.text(ids.SUBJECT),
            facts=facts,
        )
        self.chat.send_direct(form.user, _receipt_text(receipt))

    def _build(
        self,
        *,
        kind: str = "",
        note: str = "",
        metadata: str = "",
    ) -> Json:
        facts = self.library.playbook(kind).required_facts if kind else ()
        return forms.raise_form(
            self.library.titles(),
            kind=kind or NOT_SURE,
            facts=facts,
            place=metadata,
            words=note,
        )


def _kind(form: FormSubmission) -> str:
    kind = str(form.values.get(ids.RAISE_KIND) or NOT_SURE)
    return "" if kind in {NOT_SURE, UNRECOGNISED} else kind


def _receipt_text(receipt: Receipt) -> str:
    status = "already exists; your report was added to it"
    if receipt.outcome is ReceiptOutcome.OPENED:
        status = "was opened"
    return f"{receipt.case_id} {status}. Because you raised it, another person decides."
