"""The form that raises an exception by hand."""

from dataclasses import dataclass

from slack_bolt import Ack, App

from bot.cases.canonical import Scalar
from bot.cases.errors import BadRequest
from bot.cases.signal import UNRECOGNISED
from bot.desk.raising import QuotedMessage, Raising
from bot.ports.case_store import Receipt, ReceiptOutcome
from bot.ports.library import Library
from bot.views.raising import RaiseDraft
from handlers.cards import ids
from handlers.cards.raise_form import NOT_SURE, raise_form, read_choice, read_origin
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import (
    MALFORMED_FORM,
    MESSAGE_REFERENCE,
    FormSubmission,
    form_values,
    selected_option,
)
from handlers.slack.listeners import form_listener, open_form_for
from handlers.slack.message_text import plain_text
from handlers.slack.services import SlackServices


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

    def on_message_shortcut(self, body: Json, ack: Ack) -> None:
        """Open the form with the text of a message."""
        message = body["message"]
        draft = RaiseDraft(
            reference=f"{body['channel']['id']} {message['ts']}",
            message=plain_text(str(message.get("text", ""))),
        )
        self._open(body, draft)
        ack()

    def on_global_shortcut(self, body: Json, ack: Ack) -> None:
        """Open the empty form."""
        self._open(body, RaiseDraft())
        ack()

    def _open(self, body: Json, draft: RaiseDraft) -> None:
        open_form_for(
            self.chat, body, self._build(draft), require=self.raising.must_be_able_to_raise
        )

    def on_kind_selected(self, body: Json, ack: Ack) -> None:
        """Redraw the form with the facts of another kind."""
        option = selected_option(body, default=NOT_SURE)
        kind = "" if option == NOT_SURE else option
        try:
            view = body["view"]
            values = form_values(view)
        except (KeyError, TypeError, AttributeError):
            raise BadRequest(MALFORMED_FORM) from None
        reference, message = read_origin(str(view.get("private_metadata", "")))
        draft = RaiseDraft(
            kind=kind,
            note=str(values.get(ids.NOTE) or ""),
            reference=reference,
            message=message,
            required_facts=self.raising.required_facts(kind),
            choices=self.raising.choices(kind),
        )
        self.chat.update_modal(view, self._build(draft))
        ack()

    def submit(self, form: FormSubmission) -> None:
        """Raise the exception, and tell the person what came of it."""
        reference, text = read_origin(form.metadata)
        if not MESSAGE_REFERENCE.fullmatch(reference):
            reference, text = "", ""
        channel, _, ts = reference.partition(" ")
        receipt = self.raising.raise_case(
            by=form.person,
            title=form.text(ids.TITLE),
            # The same message raised twice by one person is one signal.
            key=f"{channel}:{ts}:{form.user}" if ts else form.view_id,
            kind=_kind(form),
            words=form.text(ids.NOTE),
            message=QuotedMessage(text, self.chat.permalink(channel, ts)),
            subject=form.text(ids.SUBJECT),
            facts=self._facts(form),
        )
        self.chat.send_direct(form.user, _receipt_text(receipt))

    def _facts(self, form: FormSubmission) -> dict[str, Scalar]:
        """Read the facts that were chosen or typed; none may be missing."""
        typed_facts = form.parameters()
        facts: dict[str, Scalar] = {}
        for name, text in typed_facts.items():
            if text:
                facts[name] = text
        choice = read_choice(form.text(ids.CHOICE))
        needed_names = [*typed_facts, *self.raising.required_facts(_kind(form))]
        for name in needed_names:
            # What was typed is more exact than what was chosen.
            value = facts.get(name) or choice.get(name)
            if value is None:
                raise BadRequest("this kind needs a value here", field=name)
            facts[name] = value
        return facts

    def _build(self, draft: RaiseDraft) -> Json:
        return raise_form(self.library.titles(), draft)


def _kind(form: FormSubmission) -> str:
    kind = str(form.values.get(ids.RAISE_KIND) or NOT_SURE)
    return "" if kind in {NOT_SURE, UNRECOGNISED} else kind


def _receipt_text(receipt: Receipt) -> str:
    status = "already exists; your report was added to it"
    if receipt.outcome is ReceiptOutcome.OPENED:
        status = "was opened"
    return f"{receipt.case_id} {status}. Because you raised it, another person decides."
