"""Questions to the bot, and whether the answers helped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Update, or_, select, update

from bot.cases.canonical import from_json, to_json
from bot.ports.outbox import OutboxMessage
from bot.ports.question_log import AnsweredQuestion, QuestionRecord
from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore
from bot.store.unit_of_work import UnitOfWork
from bot.views.query import Query, Turn

MAX_TEXT = 2_000
MAX_READING = 500
# An answer shows ten; "the next ones" needs some more.
MAX_CASE_IDS = 200

T = TypeVar("T")
Names = tuple[str, ...]
Queries = tuple[Query, ...]

_questions = tables.questions.c
_RECORD = insert_or_ignore(tables.questions, returning=_questions.id)


class SqlQuestionLog:
    """Record questions, how they were read, and votes on the answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, question: QuestionRecord, message: OutboxMessage | None) -> bool:
        """Record a question once and request its answer.

        Tell whether it was new.
        """
        row = {
            "id": question.id,
            "asked_at": question.asked_at.timestamp(),
            "person": question.person,
            "text": question.text[:MAX_TEXT],
            "understood": question.reading,
            "vote": "",
            "conversation": question.conversation,
            "left_aside": _json(question.left_aside, Names),
        }

        def job(unit: UnitOfWork) -> bool:
            record = unit.connection.execute(_RECORD.on(unit.connection), row).first()
            if record is not None and message is not None:
                unit.enqueue([message])
            return record is not None

        return self._database.write(job, appends=False)

    def record_reading(self, question_id: str, reading: str) -> None:
        """Record how the question was read; empty when it was not understood."""
        is_this = _questions.id == question_id
        values = {"understood": reading[:MAX_READING]}
        self._update(update(tables.questions).where(is_this).values(values))

    def record_answer(self, question_id: str, answer: AnsweredQuestion) -> None:
        """Record how a question was answered."""
        values = {
            "understood": answer.reading[:MAX_READING],
            "query": _json(answer.query, Query),
            "case_ids": _json(answer.case_ids[:MAX_CASE_IDS], Names),
            "alternatives": _json(answer.alternatives, Queries),
            "left_aside": _json(answer.left_aside, Names),
        }
        is_this = _questions.id == question_id
        self._update(update(tables.questions).where(is_this).values(values))

    def find_answer(self, question_id: str, person: str) -> AnsweredQuestion | None:
        """Return how a question of this person was answered.

        None when they put no such question.
        """
        row = self._row_of(question_id, person)
        if row is None:
            return None
        return AnsweredQuestion(
            reading=row.understood,
            query=_value(row.query, Query),
            case_ids=_value(row.case_ids, Names) or (),
            alternatives=_value(row.alternatives, Queries) or (),
            left_aside=_value(row.left_aside, Names) or (),
        )

    def last_turn(self, person: str, conversation: str, since: datetime) -> Turn | None:
        """Return the person's last question in this conversation that was understood."""
        query = (
            select(_questions.query, _questions.case_ids)
            .where(
                _questions.person == person,
                _questions.conversation == conversation,
                _questions.asked_at >= since.timestamp(),
                _questions.query != "",
            )
            .order_by(_questions.asked_at.desc())
            .limit(1)
        )
        for row in self._database.fetch(query):
            previous = _value(row.query, Query)
            if previous is not None:
                return Turn(query=previous, case_ids=_value(row.case_ids, Names) or ())
        return None

    def record_choice(self, question_id: str, person: str, choice: int) -> Query | None:
        """Record which of the alternatives was meant, and return it.

        None when the person did not put the question, or was offered no such reading.
        """
        row = self._row_of(question_id, person)
        alternatives = _value(row.alternatives, Queries) if row else None
        if not alternatives or not 0 <= choice < len(alternatives):
            return None
        query = alternatives[choice]
        is_this = _questions.id == question_id
        values = {"choice": _json(query, Query)}
        self._update(update(tables.questions).where(is_this).values(values))
        return query

    def record_vote(self, question_id: str, person: str, vote: str) -> bool:
        """Record whether the answer helped.

        Tell whether the person had put the question.
        """
        is_theirs = (_questions.id == question_id, _questions.person == person)
        return bool(self._update(update(tables.questions).where(*is_theirs).values(vote=vote)))

    def questions(
        self, since: datetime, *, only_unanswered: bool, limit: int = 100
    ) -> list[QuestionRecord]:
        """Return questions since then, the latest first.

        ``only_unanswered``: only those that were not understood, or whose answer did not help.
        """
        query = select(tables.questions).where(_questions.asked_at >= since.timestamp())
        if only_unanswered:
            query = query.where(or_(_questions.understood == "", _questions.vote == "down"))
        rows = self._database.fetch(query.order_by(_questions.asked_at.desc()).limit(limit))
        return [_question_record(row) for row in rows]

    def _row_of(self, question_id: str, person: str) -> Any:
        query = select(tables.questions).where(
            _questions.id == question_id, _questions.person == person
        )
        rows: Sequence[Any] = self._database.fetch(query)
        return rows[0] if rows else None

    def _update(self, statement: Update) -> int:
        def job(unit: UnitOfWork) -> int:
            return unit.connection.execute(statement).rowcount

        return self._database.write(job, appends=False)


def _question_record(row: Any) -> QuestionRecord:
    return QuestionRecord(
        id=row.id,
        asked_at=datetime.fromtimestamp(row.asked_at, UTC),
        person=row.person,
        text=row.text,
        reading=row.understood,
        vote=row.vote,
        conversation=row.conversation,
        left_aside=_value(row.left_aside, Names) or (),
        choice=_value(row.choice, Query),
    )


def _json(value: Any, shape: Any) -> str:
    """Write a value for its column; empty where there is none."""
    return to_json(value, shape) if value else ""


def _value(text: str, shape: type[T]) -> T | None:
    """Read what ``_json`` wrote.

    None where there is nothing, or another release wrote it.
    """
    if not text:
        return None
    try:
        return from_json(shape, text)
    except ValidationError:
        return None
