"""Answer what people ask, in Slack and by command.

A reader turns the words into a query. Counts, names and times come from the query alone, over the
cases that the asker may see now.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from bot.cases.errors import BadRequest, ChatFailed, NotEligible
from bot.cases.hours import Hours
from bot.desk.answers.answering import QueryAnswers, needs_case
from bot.desk.answers.asker import Asker
from bot.desk.answers.closest import ClosestCases
from bot.desk.answers.doubts import DoubtfulFilters
from bot.desk.question_neighbours import neighbours
from bot.desk.report import report
from bot.desk.visibility import Visibility
from bot.desk.vocabulary import Vocabulary
from bot.ports.case_queries import CaseQueries, Viewer
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.language import QuestionReader
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.question_log import AnsweredQuestion, PostedQuestion, QuestionLog, QuestionRecord
from bot.views.answers import EXAMPLES, Answer
from bot.views.query import ME, Condition, NameType, Query, QuestionContext, Reading, Turn
from bot.views.thread_orders import describe_orders

log = logging.getLogger(__name__)

NOBODY = ""
#: A question refers to the one before it for so long.
CONVERSATION_LIFETIME = timedelta(hours=1)
#: A longer question is read in its beginning.
MAX_QUESTION = 2_000
MAX_CHOICES = 3
#: Says a time and an amount, so that the parts that read them are loaded.
WARM_UP_TEXT = "what is open over £5,000 since last friday"
READING = "Reading your question"
LOOKING = "Looking through the cases that you may see"
NOT_UNDERSTOOD = "I did not understand that."
CLOSEST = "The closest cases:"
WHICH_ONE = "I can read that in more than one way. Which do you mean?"
NOT_OFFERED = "this reading is not offered any more; ask again"

#: Of a question that was not understood.
NO_RECORD = AnsweredQuestion(reading="", query=None)

OnProgress = Callable[[str], None]


def _ignore_progress(step: str) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """An answer, and how the log keeps it."""

    answer: Answer
    record: AnsweredQuestion


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Read, answer and record questions."""

    answers: QueryAnswers
    doubts: DoubtfulFilters
    closest: ClosestCases
    vocabulary: Vocabulary
    visibility: Visibility
    queries: CaseQueries
    question_log: QuestionLog
    outbox: Outbox
    library: Library
    directory: Directory
    reader: QuestionReader
    chat: Chat
    clock: Clock
    #: Asked first; whatever it cannot say is read by ``reader``.
    model_reader: QuestionReader | None = None

    def warm_up(self) -> None:
        """Prepare for the first question, which would wait for it otherwise.

        Names are read, and the models and rules of reading are loaded.
        """
        names = self.vocabulary.warm_up()
        reading = self.reader.read(WARM_UP_TEXT, QuestionContext(person=NOBODY, names=names))
        if reading is not None:
            self.answers.answer(reading.query, _nobody())

    def receive(self, question: PostedQuestion) -> None:
        """Record a question and the order to answer it, in one transaction.

        Slack may deliver a message twice: the id makes both one question.
        """
        now = self.clock()
        record = QuestionRecord(
            id=question.id,
            asked_at=now,
            person=question.person,
            text=question.text[:MAX_QUESTION],
            conversation=question.conversation,
        )
        message = OutboxMessage(
            topic=Topic.ANSWER,
            key=f"answer:{question.id}",
            case_id=question.case_id,
            run_at=now,
            payload=asdict(question),
        )
        self.question_log.record(record, message)

    def run(self, message: LeasedMessage) -> None:
        """Answer a posted question where it was asked."""
        question = PostedQuestion(**message.payload)
        # A retry may find a half-streamed answer, so it posts a whole one.
        is_first_attempt = message.uncertain_attempts <= 1
        stream_ts = self.chat.start_answer(question) if is_first_attempt else ""

        def show_progress(step: str) -> None:
            if stream_ts:
                self.chat.post_progress(question, stream_ts, step)

        context = self._context(
            question.person,
            case_id=question.case_id,
            channel=question.channel,
            conversation=question.conversation,
        )
        asker = self._asker(question.person, question.channel)
        result = self._answer_text(question.text, context, asker=asker, on_progress=show_progress)
        answer = result.answer
        if not question.is_direct and self._is_same_for_all(question, result, asker):
            answer = _publish(answer)
        self.question_log.record_answer(question.id, result.record)
        self.chat.answer(
            question,
            answer,
            look_first=not is_first_attempt,
            stream_ts=stream_ts,
        )
        self.outbox.finish(message)

    def report(self, *, by: str) -> Answer:
        """Report the last thirty days, over what this person may see."""
        return report(
            queries=self.queries,
            viewer=self.visibility.viewer(by),
            now=self.clock(),
        )

    def answer(
        self,
        text: str,
        *,
        by: str,
        case_id: str = "",
        channel: str = "",
        conversation: str = "",
        question_id: str = "",
        on_progress: OnProgress = _ignore_progress,
    ) -> Answer:
        """Answer this person, for their eyes alone.

        ``case_id``: the case in whose thread the question was posted. What is asked in a
        conversation is kept for the next question in it, under ``question_id`` if that is given.
        """
        context = self._context(by, case_id=case_id, channel=channel, conversation=conversation)
        result = self._answer_text(
            text,
            context,
            asker=self._asker(by, channel),
            on_progress=on_progress,
        )
        if conversation:
            now = self.clock()
            # It does not begin with a channel: nobody else has read it.
            question = QuestionRecord(
                id=question_id or f"{conversation}:{by}:{now.timestamp()}",
                asked_at=now,
                person=by,
                text=text[:MAX_QUESTION],
                conversation=conversation,
            )
            self.question_log.record(question, None)
            self.question_log.record_answer(question.id, result.record)
        return result.answer

    def answer_query(self, query: Query, *, by: str, channel: str = "") -> Answer:
        """Answer a question that needs no reading."""
        return self.answers.answer(query, self._asker(by, channel))

    def choices(self, question_id: str, *, by: str) -> tuple[str, ...]:
        """Describe the other readings of this person's question."""
        record = self.question_log.find_answer(question_id, by)
        if record is None:
            return ()
        asker = self._asker(by, "")
        return tuple(self.answers.describe(query, asker) for query in record.alternatives)

    def answer_choice(self, question_id: str, number: int, *, by: str) -> Answer:
        """Answer the reading that the person chose, and record it.

        Raises:
            BadRequest: no such reading was offered to this person.
        """
        query = self.question_log.record_choice(question_id, by, number)
        if query is None:
            raise BadRequest(NOT_OFFERED)
        record = self.question_log.find_answer(question_id, by) or NO_RECORD
        answer = self.answers.answer(query, self._asker(by, ""))
        record = replace(
            record,
            reading=answer.reading,
            query=query,
            case_ids=tuple(row.case.id for row in answer.rows),
        )
        # What is asked next refers to the reading that was meant.
        self.question_log.record_answer(question_id, record)
        return answer

    def describe(self, query: Query) -> str:
        """Say a query in words, to nobody in particular."""
        return self.answers.describe(query, _nobody())

    # --- reading -------------------------------------------------------------------------------

    def _asker(self, person: str, channel: str) -> Asker:
        """Return the asker, with what they may see now."""
        return Asker(
            person=person,
            viewer=self.visibility.viewer(person),
            hours=self._hours(person, channel),
            channel=channel if channel in self.library.channels() else "",
        )

    def _hours(self, person: str, channel: str) -> Hours:
        hours = self.library.hours(channel)
        try:
            zone = self.directory.person(person).zone
        except (NotEligible, ChatFailed):
            return hours
        return replace(hours, zone=zone) if zone else hours

    def _context(
        self,
        person: str,
        *,
        case_id: str,
        channel: str,
        conversation: str,
    ) -> QuestionContext:
        previous = None
        if conversation:
            since = self.clock() - CONVERSATION_LIFETIME
            previous = self.question_log.last_turn(person, conversation, since)
        return QuestionContext(
            person=person,
            case_id=case_id,
            channel=channel if channel in self.library.channels() else "",
            previous=previous,
            names=self.vocabulary.names(self.visibility.viewer(person)),
        )

    def _read(self, text: str, context: QuestionContext) -> Reading | None:
        text = text[:MAX_QUESTION]
        return self._read_by_model(text, context) or self.reader.read(text, context)

    def _read_by_model(self, text: str, context: QuestionContext) -> Reading | None:
        """Read with the chat model; None where it cannot say or fails."""
        if self.model_reader is None:
            return None
        try:
            return self.model_reader.read(text, context)
        except Exception:
            # A model may answer anything, and its library raise anything: the other reader goes on.
            log.exception("the chat model could not read a question")
            return None

    # --- answering -----------------------------------------------------------------------------

    def _answer_text(
        self,
        text: str,
        context: QuestionContext,
        *,
        asker: Asker,
        on_progress: OnProgress,
    ) -> _Result:
        on_progress(READING)
        reading = self._read(text, context)
        if reading is None:
            return self._admit(text, context, asker)
        if reading.is_uncertain and reading.alternatives:
            return self._offer(reading, asker)
        on_progress(LOOKING)
        reading = replace(reading, query=_name_case(reading.query, context))
        reading = self.doubts.drop(reading, asker)
        return self._answer_reading(reading, asker)

    def _answer_reading(self, reading: Reading, asker: Asker) -> _Result:
        """Answer what was read, and name what else may have been meant."""
        answer = self.answers.answer(reading.query, asker)
        others = reading.alternatives
        # Of a case that is not there, or not for the asker's eyes, there is nothing else to ask.
        if answer.rows or not reading.query.case_id:
            others = (*others, *neighbours(reading.query))
        alternatives = _distinct(others, reading.query)[:MAX_CHOICES]
        answer = replace(
            answer,
            left_aside=reading.left_aside,
            choices=tuple(self.answers.describe(query, asker) for query in alternatives),
            read_by=reading.model,
        )
        record = AnsweredQuestion(
            reading=answer.reading,
            # A question about no case must not hide the case that was spoken of before.
            query=None if needs_case(reading.query) else reading.query,
            case_ids=tuple(row.case.id for row in answer.rows),
            alternatives=alternatives,
            left_aside=reading.left_aside,
        )
        return _Result(answer=answer, record=record)

    def _offer(self, reading: Reading, asker: Asker) -> _Result:
        """Offer the readings instead of guessing."""
        queries = (reading.query, *reading.alternatives)[:MAX_CHOICES]
        answer = Answer(
            text=WHICH_ONE,
            choices=tuple(self.answers.describe(query, asker) for query in queries),
            left_aside=reading.left_aside,
            read_by=reading.model,
        )
        record = AnsweredQuestion(
            reading="",
            query=None,
            alternatives=queries,
            left_aside=reading.left_aside,
        )
        return _Result(answer=answer, record=record)

    def _admit(self, text: str, context: QuestionContext, asker: Asker) -> _Result:
        """Say that the question was not understood, with what may help."""
        if context.case_id:
            text = f"{NOT_UNDERSTOOD} {describe_orders()}"
            return _Result(answer=Answer(text=text, examples=EXAMPLES), record=NO_RECORD)
        cases = self.closest.find(text[:MAX_QUESTION], asker)
        answer = Answer(
            text=NOT_UNDERSTOOD,
            rows=self.answers.lists.rows(cases, asker),
            rows_title=CLOSEST if cases else "",
            total=len(cases),
            examples=EXAMPLES,
        )
        return _Result(answer=answer, record=NO_RECORD)

    # --- where others read it ------------------------------------------------------------------

    def _is_same_for_all(self, question: PostedQuestion, result: _Result, asker: Asker) -> bool:
        """Tell whether everyone in the channel would get this answer."""
        query = result.record.query
        answer = result.answer
        if query is None or not answer.rows or answer.offers:
            return False
        # Nobody in particular sees the cases of this channel and is a party to none, so that a
        # number which counts anything else comes out differently.
        viewer = Viewer(NOBODY, frozenset({question.channel}))
        everyone = replace(asker, person=NOBODY, viewer=viewer)
        if _names_asker(query) or not self._is_known_to_all(query, question.text, viewer):
            return False
        public_answer = self.answers.answer(query, everyone)
        return _public_parts(public_answer) == _public_parts(answer)

    def _is_known_to_all(self, query: Query, text: str, viewer: Viewer) -> bool:
        """Tell whether everyone here may know the names in a query."""
        condition = query.condition
        texts = {condition.text}
        if condition.exclusion:
            texts.add(condition.exclusion.text)
        corrections = {name for name in texts if name.casefold() not in text.casefold()}
        if not corrections:
            return True
        names = self.vocabulary.names(viewer)
        return corrections <= {name.value for name in names if name.type is NameType.TEXT}


def _nobody() -> Asker:
    """Return an asker who may see nothing."""
    return Asker(person=NOBODY, viewer=Viewer(NOBODY, frozenset()), hours=Hours())


def _distinct(queries: Iterable[Query], query: Query) -> tuple[Query, ...]:
    """Return each query once, and leave out the one that was answered."""
    return tuple(other for other in dict.fromkeys(queries) if other != query)


def _name_case(query: Query, context: QuestionContext) -> Query:
    """Ask about the case at hand where a query names none."""
    if not needs_case(query):
        return query
    return replace(query, case_id=context.case_id or _last_case_id(context.previous))


def _last_case_id(previous: Turn | None) -> str:
    """Return the one case of the question before.

    Empty when it was about several, or none.
    """
    if previous is None:
        return ""
    if previous.query.case_id:
        return previous.query.case_id
    return previous.case_ids[0] if len(previous.case_ids) == 1 else ""


def _names_asker(query: Query) -> bool:
    """Tell whether a query means whoever asks."""
    return ME in {query.of, query.to} or _condition_names_asker(query.condition)


def _condition_names_asker(condition: Condition) -> bool:
    people = {
        condition.owner,
        condition.waits_on,
        condition.decided_by,
        condition.raised_by,
    }
    if ME in people:
        return True
    return condition.exclusion is not None and _condition_names_asker(condition.exclusion)


def _public_parts(answer: Answer) -> tuple[object, ...]:
    """Return what a reader of an answer learns from it."""
    return (
        answer.text,
        answer.facts,
        answer.total,
        answer.rows_title,
        answer.table,
        answer.offers,
        [row.case.id for row in answer.rows],
        answer.reading,
    )


def _publish(answer: Answer) -> Answer:
    """Return an answer for everyone, without the asker's own readings."""
    rows = tuple(replace(row, is_decidable=True) for row in answer.rows)
    return replace(answer, rows=rows, choices=(), is_public=True)
