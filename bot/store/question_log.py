"""Questions to the bot, and whether the answers helped."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Update, or_, select, update

from bot.ports.outbox import OutboxMessage
from bot.ports.question_log import QuestionRecord
from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore
from bot.store.unit_of_work import UnitOfWork

MAX_TEXT = 2_000
MAX_READING = 500

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
    )
