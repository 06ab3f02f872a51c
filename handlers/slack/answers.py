"""How a listener answers: one wrapper for presses, one for forms. Commit first, then acknowledge, then say what could not be done."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slack_bolt import Ack

from bot.cases.errors import BadRequest, ChatFailed, Refusal
from bot.desk.message_cleanup import MessageCleanup
from handlers.cards.copies import stray_blocks, stray_text
from handlers.cards.forms import notice
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.press import Press, Pressed, Submission

log = logging.getLogger(__name__)


def on_press(
    chat: SlackChat,
    do: Callable[[Press], str | None],
    on_home: Callable[[str], None] = lambda person: None,
    sweeping: MessageCleanup | None = None,
) -> Callable[..., None]:
    """A listener for a button: ``do`` commits; what it returns, or its refusal, is told to the presser alone.

    A press on the App Home is followed by ``on_home``, so that the home shows at once what came of it. A press on a message
    that is not the card of its case decides nothing: ``sweeping`` knows which one is.
    """

    def listener(body: dict[str, Any], ack: Ack) -> None:
        said: str | None
        blocks: list[Json] = []
        try:
            press = Press.parse(body)
        except BadRequest as refusal:
            log.warning("a press that cannot be understood: %s", refusal)
            ack()
            return
        try:
            blocks = _strayed(chat, sweeping, press, Pressed.parse(body))
            said = stray_text(press.case_id) if blocks else do(press)
        except Refusal as refusal:
            said = f"Not done: {refusal}."
        except ChatFailed as failure:
            said = slack_said(failure)
        except Exception:
            said = reference("press")
        ack()
        if said:
            _whisper(chat, press, said, blocks)
        if not press.channel:
            on_home(press.person)

    return listener


def _strayed(
    chat: SlackChat, sweeping: MessageCleanup | None, press: Press, pressed: Pressed
) -> list[Json]:
    """Tell which message is the card of the case, when another one was pressed; nothing when it was the card, or a list."""
    standing = (
        sweeping.stray(press.case_id, pressed.channel, pressed.ts)
        if sweeping and pressed.is_card
        else None
    )
    return stray_blocks(press.case_id, chat.link(standing.channel, standing.ts)) if standing else []


def on_submit(do: Callable[[Submission], Json | None]) -> Callable[..., None]:
    """A listener for a form: what it returns takes its place; a refusal is shown in it, next to the field it is about."""

    def listener(body: dict[str, Any], ack: Ack) -> None:
        try:
            submission = Submission.parse(body)
        except BadRequest as refusal:
            log.warning("a form that cannot be understood: %s", refusal)
            ack()
            return
        try:
            following = do(submission)
        except Refusal as refusal:
            ack(
                response_action="errors",
                errors={_field(refusal, submission): f"Not done: {refusal}."},
            )
        except ChatFailed as failure:
            ack(response_action="errors", errors={_field(None, submission): slack_said(failure)})
        except Exception:
            ack(response_action="errors", errors={_field(None, submission): reference("form")})
        else:
            ack(response_action="update", view=following) if following else ack()

    return listener


def _field(refusal: Refusal | None, submission: Submission) -> str:
    """The block to show the message at: the field it names, or the last one."""
    named = getattr(refusal, "field", "")
    blocks: Mapping[str, str] = submission.blocks
    for action_id, block_id in blocks.items():
        if named and action_id.endswith(f".{named}"):
            return block_id
    return list(blocks.values())[-1] if blocks else "note"


def slack_said(failure: ChatFailed) -> str:
    """Slack did not do what was asked of it on the way; what to do about it."""
    return f"Slack did not answer as it should ({failure.error}); nothing was decided. Try again in a minute."


def reference(where: str) -> str:
    """An outermost handler: what went wrong is logged under a number, and the person gets the number, not the inside."""
    reference = uuid.uuid4().hex[:8]
    log.exception("%s failed, reference %s", where, reference, extra={"reference": reference})
    return f"Something went wrong on our side; nothing was decided. Reference {reference}."


def _whisper(chat: SlackChat, press: Press, text: str, blocks: Sequence[Json] = ()) -> None:
    """In the channel of the button; on the App Home, which has none, in a window of its own."""
    try:
        if press.channel:
            chat.whisper(press.channel, press.user, text, blocks)
        else:
            chat.open_form(press.trigger_id, notice(text))
    except ChatFailed as failure:
        log.warning("could not answer %s privately: %s", press.user, failure.error)
