"""Build listeners for buttons and forms: parse, ask the desk, acknowledge, reply.

The desk has committed before Slack gets its acknowledgement, because Slack does not send a press
again.
"""

import http.client
import logging
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt import Ack, Respond

from bot.cases.errors import BadRequest, ChatFailed, Refusal
from bot.ports.press_store import PressState
from handlers.cards import ids
from handlers.cards.copies import inactive_card_blocks, inactive_card_text
from handlers.cards.forms import notice
from handlers.cards.text import Json, JsonMapping
from handlers.cards.wording import as_sentence
from handlers.slack.acknowledgement import Acknowledgement
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import ButtonPress, FormSubmission, person_id
from handlers.slack.services import SlackServices

log = logging.getLogger(__name__)
QUESTION_ANSWERED = "Your approval is recorded. The card shows what comes of it."
Listener = Callable[..., None]
# Returns what the presser alone is told, if anything.
ButtonHandler = Callable[[ButtonPress], str | None]
# Begins what the handler of the same button does. Its future is that of the write.
ButtonSubmit = Callable[[ButtonPress], Future[Any]]
# Returns the view that takes the place of the form, if any.
FormHandler = Callable[[FormSubmission], Json | None]


@dataclass(frozen=True)
class _Reply:
    text: str
    blocks: Sequence[Json] = ()


def button_listener(
    services: SlackServices, handle: ButtonHandler, submit: ButtonSubmit | None = None
) -> Listener:
    """Build the listener of a button.

    A press on a message that is not the live card of its case decides nothing. After a press on
    the App Home that view is redrawn. With ``submit`` no thread waits until a press on a card is
    durable.
    """

    def listener(body: Json, ack: Ack, respond: Respond) -> None:
        try:
            press = ButtonPress.parse(body)
        except BadRequest as refusal:
            log.warning("a malformed press: %s", refusal)
            ack()
            return
        if submit and press.is_on_card and isinstance(ack, Acknowledgement):
            _submit_press(
                services,
                press,
                handle=handle,
                submit=submit,
                ack=ack,
            )
            return
        reply = _handle_press(services, press, handle)
        ack()
        if reply:
            _send_reply(services, press, reply)
        elif _answers_private_question(body):
            _close_private_question(respond)
        if not press.channel:
            services.app_home.show(press.person)

    return listener


def _submit_press(
    services: SlackServices,
    press: ButtonPress,
    *,
    handle: ButtonHandler,
    submit: ButtonSubmit,
    ack: Acknowledgement,
) -> None:
    """Acknowledge a press on a card from the callback of its write."""

    def handle_again() -> None:
        # Most often somebody else wrote first: a second look gives a specific answer.
        reply = _handle_press(services, press, handle)
        ack()
        if reply:
            _send_reply(services, press, reply)

    writes = []

    def submit_once(press: ButtonPress) -> None:
        writes.append(submit(press))

    reply = _handle_press(services, press, submit_once)
    if writes:
        ack.defer(writes[0], handle_again)
        return
    ack()
    if reply:
        _send_reply(services, press, reply)


def _answers_private_question(body: JsonMapping) -> bool:
    """Tell whether this press has decided what a private message asked."""
    is_private = bool((body.get("container") or {}).get("is_ephemeral"))
    has_decided = body["actions"][0].get("action_id") == ids.APPROVE
    return is_private and has_decided and bool(body.get("response_url"))


def _close_private_question(respond: Respond) -> None:
    """Replace a private question that is answered: its button is dead."""
    try:
        respond(text=QUESTION_ANSWERED, replace_original=True)
    except (OSError, http.client.HTTPException) as failure:
        log.warning("could not close a private question: %s", type(failure).__name__)


def form_listener(handle: FormHandler) -> Listener:
    """Build the listener of a form.

    A refusal is shown in the form, at the field it is about.
    """

    def listener(body: Json, ack: Ack) -> None:
        try:
            form = FormSubmission.parse(body)
        except BadRequest as refusal:
            log.warning("a malformed form: %s", refusal)
            ack()
            return
        try:
            next_view = handle(form)
        except Exception as error:
            field = getattr(error, "field", "")
            message = error_text(error, "form")
            ack(response_action="errors", errors={_error_block(form, field): message})
            return
        if next_view:
            ack(response_action="update", view=next_view)
        else:
            ack()

    return listener


def run_press(handle: Callable[[], object]) -> str:
    """Run a press, and return the private answer to the presser.

    Empty when there is nothing to say.
    """
    try:
        handle()
    except Exception as error:
        return error_text(error, "press")
    return ""


def error_text(error: Exception, listener: str) -> str:
    """Describe an error to a person.

    An unexpected error is logged, and the person gets its reference number.
    """
    match error:
        case Refusal():
            return as_sentence(f"Not done: {error}")
        case ChatFailed():
            return (
                f"Slack returned an error ({error.error}); nothing was decided."
                " Try again in a minute."
            )
        case _:
            reference = uuid.uuid4().hex[:8]
            log.error(
                "%s failed, reference %s",
                listener,
                reference,
                exc_info=error,
                extra={"reference": reference},
            )
            return (
                "Something went wrong on our side; nothing was decided. Try again. If it fails"
                f" again, tell your administrator. Reference {reference}."
            )


def _handle_press(
    services: SlackServices, press: ButtonPress, handle: ButtonHandler
) -> _Reply | None:
    try:
        state = services.decisions.presses.state(press.case_id)
        stray = _stray_reply(services, press, state)
        if stray:
            return stray
        text = handle(replace(press, state=state))
    except Exception as error:
        text = error_text(error, "press")
    return _Reply(text) if text else None


def _stray_reply(services: SlackServices, press: ButtonPress, state: PressState) -> _Reply | None:
    """Point to the live card when another message was pressed."""
    if services.message_cleanup is None or not press.is_on_card:
        return None
    card = services.message_cleanup.stray(
        state.case,
        state.card,
        channel=press.channel,
        ts=press.message_ts,
    )
    if card is None:
        return None
    link = services.chat.permalink(card.channel, card.ts)
    return _Reply(inactive_card_text(press.case_id), inactive_card_blocks(press.case_id, link))


def _send_reply(services: SlackServices, press: ButtonPress, reply: _Reply) -> None:
    try:
        if press.channel:
            services.chat.send_ephemeral(
                channel=press.channel,
                user=press.user,
                text=reply.text,
                blocks=reply.blocks,
            )
        else:
            # The App Home has no channel for an ephemeral message.
            services.chat.open_modal(press.trigger_id, notice(reply.text))
    except ChatFailed as failure:
        log.warning("could not answer %s privately: %s", press.user, failure.error)


def _error_block(form: FormSubmission, field: str) -> str:
    """Return the block of a field, else the last block."""
    if field:
        for action_id, block_id in form.blocks.items():
            if action_id.endswith(f".{field}"):
                return block_id
    block_ids = list(form.blocks.values())
    return block_ids[-1] if block_ids else "note"


def open_form_for(
    chat: SlackChat, body: Json, form: Json, *, require: Callable[[str], object]
) -> None:
    """Open a form, or tell the presser why it is useless."""
    try:
        require(person_id(body))
    except (Refusal, ChatFailed) as error:
        form = notice(error_text(error, "press"))
    chat.open_modal(str(body["trigger_id"]), form)
