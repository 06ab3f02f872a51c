"""Lists of cases for people: what is open, what waits on whom, what happened. Read from indexes, never by folding history."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy import case as choose
from sqlalchemy.dialects import postgresql, sqlite

from bot.cases.canonical import from_json
from bot.cases.case import Case
from bot.cases.lifecycle import WAITING, State
from bot.cases.signal import UNRECOGNISED
from bot.ports import (
    CardRef,
    CaseFilter,
    CaseTimes,
    LiveList,
    OutboxMessage,
    QuestionRecord,
    Viewer,
)
from bot.store import tables as t
from bot.store.store import SqlStore
from bot.store.unit_of_work import UnitOfWork, outbox_row
from bot.views.questions import Durations

MOST_MEASURED = 20_000


class Lists:
    """Read-only, but for the boards that stand somewhere and the record of what was asked."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._database = store.database

    # --- cases ---------------------------------------------------------------------------------------------------------

    def find(self, wanted: CaseFilter, limit: int) -> list[Case]:
        """The first of these, what needs looking at first to the front; what has ended by its end."""
        number = t.cases.c.number
        order = (
            (t.cases.c.ended_at.desc(), number.desc())
            if wanted.is_over
            else (t.cases.c.rank, number)
        )
        query = select(t.cases.c.body).where(_where(wanted)).order_by(*order).limit(limit)
        return [from_json(Case, row.body) for row in self._rows(query)]

    def count(self, wanted: CaseFilter) -> int:
        return int(
            self._rows(
                select(func.count().label("many")).select_from(t.cases).where(_where(wanted))
            )[0].many
        )

    def closest(self, words: Sequence[str], sight: Viewer | None, limit: int) -> list[Case]:
        """Cases that have some of these words, those with most of them first."""
        if not words:
            return []
        hits = [_has(word) for word in words]
        score = sum((_as_number(hit) for hit in hits[1:]), _as_number(hits[0]))
        query = (
            select(t.cases.c.body)
            .where(or_(*hits), _seen(sight))
            .order_by(score.desc(), t.cases.c.number.desc())
        )
        return [from_json(Case, row.body) for row in self._rows(query.limit(limit))]

    def durations(self, wanted: CaseFilter) -> Durations:
        """How many there are, and how long they took."""
        columns = (t.cases.c.opened_at, t.cases.c.decided_at, t.cases.c.ended_at)
        rows = self._rows(select(*columns).where(_where(wanted)).limit(MOST_MEASURED))
        decided = [row.decided_at - row.opened_at for row in rows if row.decided_at is not None]
        ended = [row.ended_at - row.opened_at for row in rows if row.ended_at is not None]
        return Durations(self.count(wanted), _median(decided), _median(ended))

    def case_times(self, wanted: CaseFilter, since: datetime, until: datetime) -> list[CaseTimes]:
        """What of these was opened and what ended meanwhile, one row a case: for a trend over some days."""
        begin, end = since.timestamp(), until.timestamp()
        inside = or_(
            t.cases.c.opened_at.between(begin, end), t.cases.c.ended_at.between(begin, end)
        )
        columns = (t.cases.c.opened_at, t.cases.c.decided_at, t.cases.c.ended_at)
        query = (
            select(*columns)
            .where(inside, _where(replace(wanted, is_any=True)))
            .limit(MOST_MEASURED)
        )
        return [tuple(row) for row in self._rows(query)]

    def by_id(self, ids: Sequence[str]) -> dict[str, Case]:
        query = select(t.cases.c.id, t.cases.c.body).where(t.cases.c.id.in_(list(ids)))
        return {row.id: from_json(Case, row.body) for row in self._rows(query)}

    def is_named(self, person: str, case_id: str) -> bool:
        """Whether this person is a party to the case."""
        query = select(t.case_people.c.case_id).where(
            t.case_people.c.person == person, t.case_people.c.case_id == case_id
        )
        return bool(self._rows(query))

    def cards_of(self, ids: Sequence[str]) -> dict[str, CardRef]:
        """Where the newest card of each of these stands."""
        query = (
            select(t.cards).where(t.cards.c.case_id.in_(list(ids))).order_by(t.cards.c.generation)
        )
        return {
            row.case_id: CardRef(
                row.case_id, row.generation, row.channel, row.ts, int(row.drawn), row.look
            )
            for row in self._rows(query)
        }

    def case_at(self, channel: str, ts: str) -> str:
        """The case whose card stands there; empty when none does."""
        rows = self._rows(
            select(t.cards.c.case_id)
            .where(t.cards.c.channel == channel, t.cards.c.ts == ts)
            .limit(1)
        )
        return str(rows[0].case_id) if rows else ""

    def last_signal_at(self, fingerprint: str, *, except_from: str) -> datetime | None:
        """When anything of this fingerprint was last received, an all-clear included, from any source but this one."""
        heard = (t.inbox.c.fingerprint == fingerprint, t.inbox.c.source != except_from)
        query = select(func.max(t.inbox.c.received_at).label("at")).where(*heard)
        found = self._rows(query)[0].at
        return datetime.fromisoformat(found) if found else None

    # --- boards --------------------------------------------------------------------------------------------------------

    def live_list(self, key: str) -> LiveList | None:
        rows = self._rows(select(t.live_lists).where(t.live_lists.c.key == key))
        return _board(rows[0]) if rows else None

    def live_lists(self, prefix: str, since: datetime) -> list[LiveList]:
        """The boards whose key begins so that were shown after this moment."""
        inside = (
            t.live_lists.c.key.startswith(prefix, autoescape=True),
            t.live_lists.c.shown_at >= since.timestamp(),
        )
        return [
            _board(row)
            for row in self._rows(select(t.live_lists).where(*inside).order_by(t.live_lists.c.key))
        ]

    def live_lists_with(self, case_id: str) -> list[str]:
        """The keys of the boards that list this case."""
        query = (
            select(t.live_list_items.c.board)
            .where(t.live_list_items.c.case_id == case_id)
            .order_by(t.live_list_items.c.board)
        )
        return [row.board for row in self._rows(query)]

    def save_live_list(self, board: LiveList, *, follow: bool = True) -> None:
        """The board stands there now and lists these cases; with ``follow`` those and no others are followed."""
        row = {
            "key": board.key,
            "place": board.place,
            "ts": board.ts,
            "shown_at": board.shown_at.timestamp(),
        }
        row["body"] = json.dumps({name: list(ids) for name, ids in board.sections.items()})
        cases = dict.fromkeys(case_id for ids in board.sections.values() for case_id in ids)
        listed = [{"case_id": case_id, "board": board.key} for case_id in cases]

        def job(unit: UnitOfWork) -> None:
            unit.connection.execute(_SHOW[unit.connection.dialect.name], row)
            if follow:
                unit.connection.execute(
                    delete(t.live_list_items).where(t.live_list_items.c.board == board.key)
                )
            if listed and follow:
                unit.connection.execute(insert(t.live_list_items), listed)

        self._database.write(job, appends=False)

    def add_to_live_list(self, case_id: str, board: str) -> None:
        """This case is told of on that board."""
        row = {"case_id": case_id, "board": board}
        self._database.write(
            lambda unit: unit.connection.execute(_JOIN[unit.connection.dialect.name], row) and None,
            appends=False,
        )

    def delete_live_list(self, key: str) -> None:
        """The board is no more."""

        def job(unit: UnitOfWork) -> None:
            unit.connection.execute(
                delete(t.live_list_items).where(t.live_list_items.c.board == key)
            )
            unit.connection.execute(delete(t.live_lists).where(t.live_lists.c.key == key))

        self._database.write(job, appends=False)

    def enqueue(self, outgoing: Sequence[OutboxMessage]) -> None:
        """Ask for effects that follow from no decision: a board to be drawn again."""
        rows = [outbox_row(asked) for asked in outgoing]
        if rows:
            self._database.write(lambda unit: unit.enqueue(rows), appends=False)
            for taker in self._store.local_workers:
                taker.wake()

    def enqueue_once(self, job: str, slot: int, outgoing: OutboxMessage) -> bool:
        """Ask for this effect, if nobody has for this slot: the tick and the effect are one transaction, so neither is without the other."""
        tick, row = {"job": job, "slot": slot}, outbox_row(outgoing)

        def write(unit: UnitOfWork) -> bool:
            mine = (
                unit.connection.execute(_TICK[unit.connection.dialect.name], tick).first()
                is not None
            )
            if mine:
                unit.enqueue([row])
            return mine

        return self._database.write(write, appends=False)

    # --- questions -----------------------------------------------------------------------------------------------------

    def record_question(self, question: QuestionRecord, outgoing: OutboxMessage | None) -> bool:
        """Record what was asked, once, and ask for its answer in the same transaction; False when it is known already."""
        row = {
            "id": question.id,
            "asked_at": question.asked_at.timestamp(),
            "person": question.person,
            "text": question.text[:2000],
            "understood": question.understood,
            "vote": "",
        }

        def write(unit: UnitOfWork) -> bool:
            mine = (
                unit.connection.execute(_ASK[unit.connection.dialect.name], row).first() is not None
            )
            if mine and outgoing:
                unit.enqueue([outbox_row(outgoing)])
            return mine

        mine = self._database.write(write, appends=False)
        if mine and outgoing:
            for taker in self._store.local_workers:
                taker.wake()
        return mine

    def record_reading(self, question_id: str, understood: str) -> None:
        """What was made of it; empty when nothing was."""
        statement = (
            update(t.questions)
            .where(t.questions.c.id == question_id)
            .values(understood=understood[:500])
        )
        self._database.write(
            lambda unit: unit.connection.execute(statement) and None, appends=False
        )

    def record_vote(self, question_id: str, person: str, vote: str) -> bool:
        """Whether the answer helped, as the one who asked says."""
        mine = and_(t.questions.c.id == question_id, t.questions.c.person == person)
        statement = update(t.questions).where(mine).values(vote=vote)
        return bool(
            self._database.write(
                lambda unit: unit.connection.execute(statement).rowcount, appends=False
            )
        )

    def questions(
        self, since: datetime, *, unanswered: bool, limit: int = 100
    ) -> list[QuestionRecord]:
        """What was asked, the latest first; only what was not understood or did not help, if so wanted."""
        query = select(t.questions).where(t.questions.c.asked_at >= since.timestamp())
        if unanswered:
            query = query.where(or_(t.questions.c.understood == "", t.questions.c.vote == "down"))
        return [
            _question(row)
            for row in self._rows(query.order_by(t.questions.c.asked_at.desc()).limit(limit))
        ]

    def _rows(self, query: Any) -> list[Any]:
        with self._database.read() as connection:
            return list(connection.execute(query).all())


def _where(wanted: CaseFilter) -> Any:
    """One clause for each thing that is asked for."""
    c = t.cases.c
    states = [State(state).code for state in wanted.states]
    # What is open has not ended: one range of an index that is in the order of what matters.
    is_open = not (states or wanted.is_over or wanted.is_any)
    late_at = wanted.late_at.timestamp() if wanted.late_at else 0.0
    asked: tuple[tuple[object, Callable[[], Any]], ...] = (
        (is_open, lambda: c.ended_at.is_(None)),
        (states, lambda: c.state.in_(states)),
        (wanted.kind, lambda: c.kind == wanted.kind),
        (wanted.channel, lambda: c.channel == wanted.channel),
        (
            wanted.live_list,
            lambda: c.id.in_(
                select(t.live_list_items.c.case_id).where(
                    t.live_list_items.c.board == wanted.live_list
                )
            ),
        ),
        (wanted.owner, lambda: c.owner == wanted.owner),
        (
            wanted.waits_on,
            lambda: or_(
                *(c.waits_on.contains(f" {name} ", autoescape=True) for name in wanted.waits_on)
            ),
        ),
        (wanted.unrecognised, lambda: c.kind == UNRECOGNISED),
        (late_at, lambda: and_(c.state.in_([s.code for s in WAITING]), c.decide_by < late_at)),
    )
    clauses = [clause() for is_asked, clause in asked if is_asked]
    spans = _between(c.opened_at, wanted.opened) + _between(c.ended_at, wanted.ended)
    return and_(_seen(wanted.viewer), *clauses, *spans, *map(_has, wanted.words))


def _between(column: Any, span: tuple[datetime, datetime] | None) -> list[Any]:
    return [column >= span[0].timestamp(), column < span[1].timestamp()] if span else []


def _has(word: str) -> Any:
    return t.cases.c.words.contains(word.casefold(), autoescape=True)


def _as_number(hit: Any) -> Any:
    return choose((hit, 1), else_=0)


def _seen(sight: Viewer | None) -> Any:
    """What this person may know of: the cases of their channels, and those they are a party to."""
    if sight is None:
        return t.cases.c.number > 0
    mine = select(t.case_people.c.case_id).where(t.case_people.c.person == sight.person)
    return or_(t.cases.c.channel.in_(sorted(sight.channels)), t.cases.c.id.in_(mine))


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _board(row: Any) -> LiveList:
    return LiveList(
        row.key, row.place, row.ts, json.loads(row.body), datetime.fromtimestamp(row.shown_at, UTC)
    )


def _question(row: Any) -> QuestionRecord:
    return QuestionRecord(
        row.id,
        datetime.fromtimestamp(row.asked_at, UTC),
        row.person,
        row.text,
        row.understood,
        row.vote,
    )


def _upsert(dialect: Any) -> Any:
    new = dialect.insert(t.live_lists)
    rest = {name: new.excluded[name] for name in ("place", "ts", "shown_at", "body")}
    return new.on_conflict_do_update(index_elements=[t.live_lists.c.key], set_=rest)


_SHOW = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}
_TICK = {
    name: module.insert(t.ticks).on_conflict_do_nothing().returning(t.ticks.c.job)
    for name, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
_JOIN = {
    name: module.insert(t.live_list_items).on_conflict_do_nothing()
    for name, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
_ASK = {
    name: module.insert(t.questions).on_conflict_do_nothing().returning(t.questions.c.id)
    for name, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
