"""Puts questions to the desk as its users would, and reads what Slack would show."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from bot.demo.people import TEAM
from bot.ports.outbox import OutboxMessage, Topic
from bot.ports.question_log import PostedQuestion, QuestionRecord
from bot.views.answers import Answer
from bot.views.thread_orders import Confirmation, PostedOrder
from handlers.slack.message_text import plain_text
from handlers.slack.services import QuestionServices, SlackServices
from handlers.slack.slash_command import SlashCommand, SlashRequest
from handlers.slack.thread_words import read_order
from tests.bench.questions.asked import Asked, Wordings
from tests.bench.questions.company import NOW, ZONE, Company
from tests.bench.questions.oracle import CHANNELS, UNRECOGNISED, Oracle
from tests.bench.questions.picks import fill, pick_cases
from tests.bench.questions.records import Record, count_entries, read_data
from tests.bench.questions.shown import Shown, show_answer, show_confirmation

LEASE_SECONDS = 60
#: Between two questions of a conversation.
PAUSE = timedelta(minutes=1)
NO_SUCH_CASE = "EX-987654"


@dataclass
class Interviewer:
    """Asks every question of a file in one company."""

    company: Company
    oracle: Oracle = field(init=False)
    wordings: Wordings = field(init=False)

    def __post_init__(self) -> None:
        self._database = self.company.folder / "countersign.db"
        # A kept company remembers the questions of the last run.
        self._numbers = itertools.count(int(time.time()) * 1_000)
        library = self.company.library
        self.oracle = Oracle(
            data=read_data(self._database),
            now=NOW,
            zone=ZONE,
            kinds=frozenset(kind for kind, _ in library.titles()),
        )
        self.wordings = _wordings(library)

    def ask(self, row: Mapping[str, Any]) -> Asked | None:
        """Ask one question, with those that come before it; None where no case fits it."""
        asker = f"{TEAM}/{row['asker']['user']}"
        picked = pick_cases(row, self.oracle, asker)
        if picked is None:
            return None
        filled = fill(dict(row), picked)
        entries_before = count_entries(self._database)
        shown = self._converse(filled, asker, picked)
        return Asked(
            row=filled,
            asker=asker,
            shown=shown,
            oracle=self.oracle,
            wordings=self.wordings,
            picked=picked,
            entries_written=count_entries(self._database) - entries_before,
            twin=self._ask_twin(row, asker, picked),
        )

    def _converse(self, row: Mapping[str, Any], asker: str, picked: Mapping[str, Record]) -> Shown:
        """Ask what comes before, and then the question itself."""
        conversation = f"D{row['asker']['user'][1:]}:{next(self._numbers)}.0"
        before = row.get("context", {}).get("before", [])
        thread = row.get("context", {}).get("thread", "")
        texts = [*before, row["question"]]
        shown = None
        for place, text in enumerate(texts):
            message = Message(
                text=text,
                asker=asker,
                surface=row["surface"],
                channel=row.get("channel", ""),
                case_id=thread,
                conversation=conversation,
                minutes_ago=len(texts) - place,
            )
            shown = self._put(message)
        assert shown is not None
        return shown

    def _put(self, message: "Message") -> Shown:
        match message.surface:
            case "slash":
                return self._command(message)
            case "thread":
                return self._speak_in_thread(message)
            case _:
                return self._post(message)

    def _post(self, message: "Message") -> Shown:
        """Ask as a message does that somebody posts."""
        store = self.company.store
        posted = self._posted(message)
        record = QuestionRecord(
            id=posted.id,
            asked_at=NOW - message.minutes_ago * PAUSE,
            person=posted.person,
            text=posted.text,
            conversation=posted.conversation,
        )
        order = OutboxMessage(
            topic=Topic.ANSWER,
            key=f"answer:{posted.id}",
            case_id=posted.case_id,
            run_at=NOW,
            payload=asdict(posted),
        )
        store.question_log.record(record, order)
        (lease,) = store.outbox.claim([Topic.ANSWER], 1, NOW, LEASE_SECONDS)
        began = time.perf_counter()
        self.company.desk.conversation.questions.run(lease)
        seconds = time.perf_counter() - began
        answer = self.company.chat.answers.pop(posted.id)
        is_public = not posted.is_direct and answer.is_all_in(posted.channel)
        return _timed(show_answer(answer, is_public=is_public), seconds)

    def _posted(self, message: "Message") -> PostedQuestion:
        number = next(self._numbers)
        is_direct = message.surface in {"pane", "dm"}
        user = message.asker.partition("/")[2]
        channel = f"D{user[1:]}" if is_direct else self._channel(message)
        return PostedQuestion(
            id=f"{channel}:{number}.000",
            person=message.asker,
            user=user,
            text=plain_text(_escape(message.text)),
            channel=channel,
            thread=message.conversation.partition(":")[2],
            is_direct=is_direct,
            case_id=message.case_id,
            conversation=message.conversation,
        )

    def _channel(self, message: "Message") -> str:
        if message.case_id:
            return self.oracle.data.by_id()[message.case_id].channel
        return CHANNELS[message.channel]

    def _speak_in_thread(self, message: "Message") -> Shown:
        """Take an order as an order, and anything else for a question."""
        order = read_order(_escape(message.text), case_id=message.case_id)
        if order is None:
            return self._post(message)
        orders = self.company.desk.conversation.thread_orders
        posted = self._posted(message)
        orders.receive(
            PostedOrder(
                id=f"order{posted.id}",
                person=posted.person,
                user=posted.user,
                channel=posted.channel,
                thread=posted.thread,
                case_id=posted.case_id,
                text=posted.text,
                order=order,
            )
        )
        (lease,) = self.company.store.outbox.claim([Topic.ORDER], 1, NOW, LEASE_SECONDS)
        began = time.perf_counter()
        orders.run(lease)
        seconds = time.perf_counter() - began
        confirmation = self.company.chat.confirmations.pop()
        assert isinstance(confirmation, Confirmation)
        return _timed(show_confirmation(confirmation), seconds)

    def _command(self, message: "Message") -> Shown:
        """Ask as the slash command does."""
        request = SlashRequest(
            person=message.asker,
            channel=CHANNELS[message.channel],
            trigger_id="",
            text=plain_text(_escape(message.text)),
        )
        command = SlashCommand(self._services())
        began = time.perf_counter()
        reply = command._reply(request)
        seconds = time.perf_counter() - began
        answer = reply.answer if reply else Answer(text="")
        return _timed(show_answer(answer), seconds)

    def _services(self) -> SlackServices:
        company, desk = self.company, self.company.desk
        return SlackServices(
            chat=company.chat,  # type: ignore[arg-type]
            decisions=desk.decisions,
            controls=desk.controls,
            conversation=desk.conversation,
            app_home=desk.screens.app_home,
            digests=desk.screens.digests,
            case_lists=desk.screens.case_lists,
            group_decisions=desk.group_decisions,
            raising=desk.raising,
            card_store=company.store.cards,
            questions=QuestionServices(
                log=company.store.question_log, reviews=desk.screens.question_reviews
            ),
            library=company.library,
            clock=desk.decisions.clock,
            confirmation_link=lambda case_id, token: f"http://localhost/{case_id}/{token}",
        )

    def _ask_twin(
        self, row: Mapping[str, Any], asker: str, picked: Mapping[str, Record]
    ) -> Shown | None:
        """Ask about a case that does not exist, where the question is about a hidden one."""
        hidden = [
            name for name, pick in row.get("pick", {}).items() if not pick.get("visible", True)
        ]
        if not hidden:
            return None
        twin = fill(dict(row), picked)
        for name in hidden:
            text = str(twin["question"])
            twin["question"] = text.replace(picked[name].id, NO_SUCH_CASE)
        return self._converse(twin, asker, picked)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One thing that somebody says to the bot."""

    text: str
    asker: str
    surface: str
    channel: str
    case_id: str
    conversation: str
    minutes_ago: int


def _timed(shown: Shown, seconds: float) -> Shown:
    from dataclasses import replace

    return replace(shown, milliseconds=seconds * 1000)


def _escape(text: str) -> str:
    """Escape as Slack does what somebody types."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _wordings(library: Any) -> Wordings:
    labels = library.labels()
    policy = library.policy()
    limits = {policy.medium_above, policy.high_above, policy.step_up_above}
    for limit in policy.actions.values():
        limits |= {limit.per_plan, limit.amount_per_day}
    alone = set()
    for kind, _ in library.titles():
        stage = library.playbook(kind).terms.stage
        if stage is not None and stage.value == "autonomous":
            alone.add(kind)
    return Wordings(
        kinds={
            **dict(library.titles()),
            UNRECOGNISED: library.playbook(UNRECOGNISED).title,
        },
        actions=dict(labels.actions),
        limits=tuple(sorted(int(limit) for limit in limits if limit)),
        alone=frozenset(alone),
    )
