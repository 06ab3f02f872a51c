"""The slash command ``/exceptions``. The answer is for its author alone."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from slack_bolt import Ack, App

from bot.cases.actor import Surface, UserId
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.errors import BadRequest
from bot.desk.decision_path import Request
from bot.ports.question_log import QuestionRecord
from bot.views.answers import EXAMPLES, Answer
from bot.views.query import ME, About, Ask, Condition, Query
from bot.views.raising import RaiseDraft
from handlers.cards import forms
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.cards.answer_table import without_tables
from handlers.cards.digest_card import digest_modal
from handlers.cards.home_view import delegations_modal
from handlers.cards.raise_form import raise_form
from handlers.cards.text import Json, JsonMapping
from handlers.slack.listeners import error_text
from handlers.slack.message_text import plain_text
from handlers.slack.question_limit import TOO_MANY, Admission
from handlers.slack.services import SlackServices

COMMAND = "/exceptions"
CASE_ID = re.compile(r"EX-\d{1,9}", re.IGNORECASE)
WHITESPACE = re.compile(r"\s+")
OPEN_CASES = Query(ask=Ask.LIST, condition=Condition(is_open=True))
WAITING_ON_ME = Query(ask=Ask.LIST, condition=Condition(is_open=True, waits_on=ME))
AUTONOMY = Query(ask=Ask.CAPABILITY, about=About.AUTONOMY)
#: Subcommands that are a question.
QUESTIONS = {"list": OPEN_CASES, "mine": WAITING_ON_ME, "autonomy": AUTONOMY}
USAGE = (
    "list: open cases",
    "mine: cases that wait on you",
    "show EX-12: one case",
    "raise: raise an exception",
    "digest: what waits for whom, now",
    "report: figures for the last thirty days",
    "autonomy: what runs without a person, and what is missing for more",
    "grants: what is approved in advance, each with its button to stop",
    "stop EX-12: stop what was approved in advance with that case",
    "supervise [kind] because …: let what runs alone ask people again",
    "pause [kind] because …: stop everything, or one kind, at once",
    "resume [kind]: end a pause",
    "stand-in: let a colleague decide for you until a date",
    "stand-ins: who stands in for whom, to end it",
    "emergency EX-12 because …: approve a plan alone, to be reviewed afterwards",
    "reviewed EX-12 …: confirm that you have reviewed an emergency",
)


def register(app: App, services: SlackServices) -> None:
    """Listen for the command."""
    app.command(COMMAND)(SlashCommand(services).on_command)


@dataclass(frozen=True, kw_only=True)
class SlashRequest:
    """The command as somebody typed it."""

    #: Team and user: "T1/U1".
    person: str
    channel: str
    trigger_id: str
    #: Everything after the command.
    text: str

    @classmethod
    def parse(cls, body: JsonMapping) -> "SlashRequest":
        """Read Slack's payload."""
        return cls(
            person=f"{body['team_id']}/{body['user_id']}",
            channel=str(body.get("channel_id", "")),
            trigger_id=str(body.get("trigger_id", "")),
            text=plain_text(str(body.get("text", ""))),
        )

    @property
    def conversation(self) -> str:
        """Name the conversation that a person has by commands in one channel."""
        return f"{COMMAND}:{self.channel}"

    @property
    def subcommand(self) -> str:
        """Return the first word."""
        return self.text.partition(" ")[0].casefold()

    @property
    def argument(self) -> str:
        """Return everything after the first word."""
        return self.text.partition(" ")[2].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """An answer, and the question that the buttons under it are about."""

    answer: Answer
    #: Empty where no question was read.
    question_id: str = ""


# Returns None when a form was opened instead of an answer.
Subcommand = Callable[[SlashRequest], Answer | None]


@dataclass(frozen=True)
class SlashCommand:
    """One method for each subcommand; anything else is taken for a question."""

    services: SlackServices

    def on_command(self, body: Json, ack: Ack) -> None:
        """Run a subcommand and answer in words, errors included."""
        request = SlashRequest.parse(body)
        try:
            reply = self._reply(request)
        except Exception as error:
            reply = _Reply(answer=Answer(text=error_text(error, "command")))
        if reply is None:
            ack()
            return
        answer = self._with_rollback_warning(reply.answer)
        blocks = answer_blocks(answer, self.services.chat.permalink, reply.question_id)
        ack(
            text=answer_text(answer),
            # A command is answered in one go: what Slack refuses could not be sent again.
            blocks=without_tables(blocks),
            response_type="ephemeral",
        )

    def _reply(self, request: SlashRequest) -> _Reply | None:
        if request.subcommand == "list" and request.argument:
            return self._answer_question(f"open {request.argument}", request)
        if request.subcommand in QUESTIONS:
            return _Reply(answer=self._query(QUESTIONS[request.subcommand], request))
        subcommand = self._subcommands().get(request.subcommand)
        # "Stop everything" is about a pause.
        is_other_stop = request.subcommand == "stop" and not CASE_ID.search(request.argument)
        if subcommand is None or is_other_stop:
            return self._answer_question(request.text, request)
        answer = subcommand(request)
        if answer is None:
            return None
        return _Reply(answer=answer)

    def _subcommands(self) -> dict[str, Subcommand]:
        return {
            "show": self._show,
            "raise": self._raise,
            "digest": self._digest,
            "report": self._report,
            "grants": self._list_grants,
            "stop": self._stop_grants,
            "supervise": self._supervise,
            "pause": self._pause,
            "resume": self._resume,
            "stand-in": self._stand_in,
            "stand-ins": self._list_delegations,
            "emergency": self._emergency,
            "reviewed": self._review,
            "help": self._help,
            "": self._help,
        }

    def _with_rollback_warning(self, answer: Answer) -> Answer:
        """Begin the answer with the warning that a backup was restored."""
        standing = self.services.controls.desk_controls.load()
        if not standing.is_behind:
            return answer
        return replace(answer, text=f"{standing.holds[0].description}. {answer.text}")

    def _show(self, request: SlashRequest) -> Answer:
        query = Query(ask=Ask.STATUS, case_id=_case_id(request.argument))
        return self._query(query, request)

    def _query(self, query: Query, request: SlashRequest) -> Answer:
        """Answer what needs no reading."""
        return self.services.conversation.questions.answer_query(
            query,
            by=request.person,
            channel=request.channel,
        )

    def _answer_question(self, text: str, request: SlashRequest) -> _Reply:
        """Answer a question, unless the person asks too many."""
        question_id = f"{request.conversation}:{uuid.uuid4().hex}"
        if self.services.questions.limit.admit(request.person) is not Admission.ANSWER:
            record = QuestionRecord(
                id=question_id,
                asked_at=self.services.clock(),
                person=request.person,
                text=text,
                conversation=request.conversation,
            )
            self.services.questions.log.record(record, None)
            return _Reply(answer=Answer(text=TOO_MANY))
        answer = self.services.conversation.questions.answer(
            text,
            by=request.person,
            channel=request.channel,
            conversation=request.conversation,
            question_id=question_id,
        )
        return _Reply(answer=answer, question_id=question_id)

    def _raise(self, request: SlashRequest) -> None:
        self.services.raising.must_be_able_to_raise(request.person)
        form = raise_form(self.services.library.titles(), RaiseDraft(note=request.argument))
        self.services.chat.open_modal(request.trigger_id, form)

    def _stand_in(self, request: SlashRequest) -> None:
        self.services.controls.must_be_able_to_delegate(request.person)
        form = forms.delegate_form(self.services.library.titles())
        self.services.chat.open_modal(request.trigger_id, form)

    def _list_delegations(self, request: SlashRequest) -> None:
        delegations = self.services.app_home.delegations(request.person)
        self.services.chat.open_modal(request.trigger_id, delegations_modal(delegations))

    def _digest(self, request: SlashRequest) -> None:
        """Show the digest of the channel, else the person's own."""
        digests = self.services.digests
        digest = digests.show_now(digests.place_for(request.person, request.channel))
        view = digest_modal(digest, self.services.chat.permalink)
        self.services.chat.open_modal(request.trigger_id, view)

    def _pause(self, request: SlashRequest) -> Answer:
        words, reason = _split_reason(request.argument)
        scope = self.services.controls.scope_of(words)
        self.services.controls.pause(
            scope,
            by=request.person,
            reason=reason,
            surface=Surface.SLACK,
        )
        return Answer(
            text=f"Paused: {words or 'everything'}. No further step starts until a governance owner"
            " resumes it.",
        )

    def _resume(self, request: SlashRequest) -> Answer:
        words = request.argument
        scope = self.services.controls.scope_of(words)
        self.services.controls.resume(
            scope,
            by=request.person,
            surface=Surface.SLACK,
        )
        return Answer(text=f"Resumed: {words or 'everything'}. What waited continues now.")

    def _emergency(self, request: SlashRequest) -> Answer:
        words, reason = _split_reason(request.argument)
        visibility = self.services.conversation.questions.visibility
        case = visibility.find_case(_case_id(words), visibility.viewer(request.person))
        emergency = Request(
            case_id=case.id,
            by=UserId(request.person),
            snapshot=CardSnapshot.of(case),
            surface=Surface.SLACK,
        )
        self.services.decisions.break_glass(emergency, reason)
        return Answer(
            text=f"{case.id} is approved as an emergency. Another governance owner must review it:"
            f" {COMMAND} reviewed {case.id} …",
        )

    def _review(self, request: SlashRequest) -> Answer:
        first_word, _, note = request.argument.partition(" ")
        case_id = _case_id(first_word)
        self.services.controls.review(
            case_id,
            by=request.person,
            note=note,
            surface=Surface.SLACK,
        )
        return Answer(text=f"Recorded: {case_id} was reviewed.")

    def _report(self, request: SlashRequest) -> Answer:
        return self.services.conversation.questions.report(by=request.person)

    def _list_grants(self, request: SlashRequest) -> Answer:
        """List what is approved in advance, for those who may stop it."""
        titles = dict(self.services.library.titles())
        meters = self.services.controls.grants(request.person)
        grants = [(meter, titles.get(meter.grant.kind, meter.grant.kind)) for meter in meters]
        nothing = "Nothing is approved in advance that you could stop."
        return Answer(text="Approved in advance:" if grants else nothing, grants=tuple(grants))

    def _stop_grants(self, request: SlashRequest) -> Answer:
        case_id = _case_id(request.argument)
        self.services.controls.stop_grants_on(case_id, by=request.person, surface=Surface.SLACK)
        return Answer(
            text=f"Stopped: what was approved in advance with {case_id}. Such plans ask again."
        )

    def _supervise(self, request: SlashRequest) -> Answer:
        words, reason = _split_reason(request.argument)
        self.services.controls.supervise(
            words,
            by=request.person,
            reason=reason,
            surface=Surface.SLACK,
        )
        return Answer(text=f"From now on people decide: {words}.")

    def _help(self, request: SlashRequest) -> Answer:
        notice = self.services.app_home.practice_notice
        return Answer(
            text=f"Type {COMMAND} and one of these, or a question:",
            facts=(notice,) if notice else (),
            examples=(*USAGE, *EXAMPLES),
        )


def is_asked_by_command(question_id: str) -> bool:
    """Tell whether a question was put by the command."""
    return question_id.startswith(f"{COMMAND}:")


def _split_reason(text: str) -> tuple[str, str]:
    """Split "low stock because it is late" into scope and reason."""
    scope, _, reason = WHITESPACE.sub(" ", text).partition("because ")
    return scope.strip(), reason.strip()


def _case_id(text: str) -> str:
    match = CASE_ID.search(text)
    if match is None:
        raise BadRequest("name the case, like EX-12")
    return match[0].upper()
