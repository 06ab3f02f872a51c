"""Questions about cases: the forms, and the buttons that answer."""

import logging
import re
from dataclasses import dataclass
from functools import partial

from slack_bolt import Ack, App

from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.commands import DecisionKind
from bot.cases.errors import BadRequest, ChatFailed
from bot.cases.inquiry import Addressee, AnswerType
from bot.desk.decision_path import Request
from bot.desk.decisions import Decisions
from bot.desk.inquiries import Inquiries, InquiryReply, InquiryRequest
from handlers.cards import ids
from handlers.cards.inquiry_form import answer_form
from handlers.cards.text import Json, JsonMapping
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import MALFORMED_BUTTON, MALFORMED_FORM, FormSubmission, person_id
from handlers.slack.listeners import form_listener, run_press
from handlers.slack.services import SlackServices

log = logging.getLogger(__name__)
# What ``handlers.cards.inquiry_message`` writes; the last part is the place of an option.
REFERENCE = re.compile(r"(?P<case_id>EX-[0-9]{1,12}) (?P<inquiry>[0-9]{1,9})(?: (?P<place>[0-9]))?")


def register(app: App, services: SlackServices) -> None:
    """Listen for questions and answers."""
    forms = InquiryForms(services.conversation.inquiries, services.decisions)
    app.view(ids.ASK_FORM)(form_listener(forms.ask))
    app.view(ids.ANSWER_FORM)(form_listener(forms.answer))
    buttons = InquiryButtons(services.conversation.inquiries, services.chat)
    for action_id in (ids.INQUIRY_ANSWER, *ids.INQUIRY_CHOICES):
        app.action(action_id)(buttons.on_press)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPress:
    """A press on a button of a question.

    Only ``reply.by`` is certain. The rest is a claim that the desk checks.
    """

    reply: InquiryReply
    #: The place of the option; None for the button that opens the form.
    place: int | None
    user: str
    channel: str
    trigger_id: str

    @classmethod
    def parse(cls, body: JsonMapping) -> "AnswerPress":
        """Read the payload ``block_actions``; raise ``BadRequest`` when it is none of ours."""
        try:
            match = REFERENCE.fullmatch(str(body["actions"][0]["value"]))
            if match is None:
                raise BadRequest(MALFORMED_BUTTON)
            return cls(
                reply=_reply(match, person_id(body)),
                place=int(match["place"]) if match["place"] else None,
                user=str(body["user"]["id"]),
                channel=str((body.get("channel") or {}).get("id", "")),
                trigger_id=str(body["trigger_id"]),
            )
        except (KeyError, IndexError, TypeError, AttributeError):
            raise BadRequest(MALFORMED_BUTTON) from None


@dataclass(frozen=True)
class InquiryForms:
    """One method for each form."""

    inquiries: Inquiries
    decisions: Decisions

    def ask(self, form: FormSubmission) -> None:
        """Ask the question, once for each form."""
        addressee = _addressee(form)
        colleague = ""
        if addressee is Addressee.COLLEAGUE:
            colleague = form.principal(ids.TO, "choose a colleague")
        question = InquiryRequest(
            addressee=addressee,
            colleague=colleague,
            text=form.text(ids.QUESTION),
            answer_type=_answer_type(form),
            options=tuple(form.text(ids.OPTIONS).splitlines()),
            fact=form.text(ids.FACT),
            key=form.view_id,
        )
        self.inquiries.ask(self._request(form), question)

    def answer(self, form: FormSubmission) -> None:
        """Record the answer."""
        match = REFERENCE.fullmatch(form.metadata)
        if match is None:
            raise BadRequest(MALFORMED_FORM)
        self.inquiries.answer(_reply(match, form.person), form.text(ids.ANSWER))

    def _request(self, form: FormSubmission) -> Request:
        if form.snapshot is None:
            raise self.decisions.refuse_outdated(
                form.case_id,
                by=form.person,
                decision=DecisionKind.ASK,
                surface=Surface.SLACK,
            )
        return Request(
            case_id=CaseId(form.case_id),
            by=UserId(form.person),
            snapshot=form.snapshot,
            surface=Surface.SLACK,
        )


@dataclass(frozen=True)
class InquiryButtons:
    """The buttons under a question."""

    inquiries: Inquiries
    chat: SlackChat

    def on_press(self, body: Json, ack: Ack) -> None:
        """Record the chosen answer, or open the form."""
        try:
            press = AnswerPress.parse(body)
        except BadRequest as failure:
            log.warning("a malformed press: %s", failure)
            ack()
            return
        refusal_text = run_press(partial(self._answer, press))
        ack()
        if refusal_text:
            self._send_refusal(press, refusal_text)

    def _answer(self, press: AnswerPress) -> None:
        if press.place is not None:
            self.inquiries.choose(press.reply, press.place)
            return
        case, inquiry = self.inquiries.open(press.reply)
        self.chat.open_modal(press.trigger_id, answer_form(case, inquiry))

    def _send_refusal(self, press: AnswerPress, text: str) -> None:
        try:
            self.chat.send_ephemeral(press.channel, press.user, text)
        except ChatFailed as failure:
            log.warning("could not answer %s privately: %s", press.user, failure.error)


def _reply(match: re.Match[str], person: str) -> InquiryReply:
    return InquiryReply(
        case_id=CaseId(match["case_id"]),
        inquiry=int(match["inquiry"]),
        by=UserId(person),
        surface=Surface.SLACK,
    )


def _addressee(form: FormSubmission) -> Addressee:
    try:
        return Addressee(form.text(ids.WHOM))
    except ValueError:
        raise BadRequest("choose whom to ask", field="whom") from None


def _answer_type(form: FormSubmission) -> AnswerType:
    try:
        return AnswerType(form.text(ids.ANSWER_TYPE))
    except ValueError:
        raise BadRequest("choose the sort of answer", field="type") from None
