"""The store: every method one transaction, the same on SQLite and PostgreSQL."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import and_, bindparam, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.cases.canonical import from_json
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.decide import record_conflict
from bot.cases.entries import Entry, entry_of
from bot.cases.errors import LedgerBroken, NoSuchCase, StaleFence
from bot.cases.evolve import evolve
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.plan import Plan
from bot.cases.policy import Usage
from bot.cases.signal import Signal
from bot.ports import (
    CardRef,
    Change,
    Judge,
    LeasedMessage,
    OutboxMessage,
    Receipt,
    ReceiptOutcome,
    Topic,
)
from bot.store import tables as t
from bot.store.database import Database
from bot.store.unit_of_work import (
    CASE_BODY,
    DONE,
    HEAD_IS_GONE,
    LEASED,
    PARKED,
    READY,
    STANDING_BODY,
    UnitOfWork,
    effect_rows,
    lines,
    new_names,
    outbox_row,
    outcome_rows,
    projection,
    usage_of,
)

KEPT_TICKS = 400


class LocalWorker(Protocol):
    """A lane of workers in this process."""

    topics: Sequence[Topic]
    lease_for: float

    def has_room(self) -> bool: ...

    def accept(self, works: Sequence[LeasedMessage]) -> None: ...

    def wake(self) -> None: ...


class SqlStore:
    """``takers`` are the lanes of this process: a commit that asks for effects hands them over under lease at once, or wakes them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.local_workers: list[LocalWorker] = []

    # --- cases ---------------------------------------------------------------------------------------------------------

    def case(self, case_id: str) -> Case:
        with self.database.read() as connection:
            body = connection.execute(CASE_BODY, {"id": case_id}).scalar()
        if body is None:
            raise NoSuchCase(f"there is no case {case_id[:40]}")
        return from_json(Case, body)

    def entries(self, case_id: str, *, after: int = 0) -> list[Entry]:
        with self.database.read() as connection:
            rows = connection.execute(_ENTRIES, {"case_id": case_id, "after": after}).scalars()
            return [entry_of(json.loads(body)) for body in rows]

    def commit(
        self,
        change: Change,
        *,
        finished: LeasedMessage | None = None,
        retry_at: datetime | None = None,
        leased: LeasedMessage | None = None,
        leased_until: datetime | None = None,
    ) -> Case:
        before = change.before
        after = _after(change)
        moved = projection(after, before.version if before else 0)
        new_lines, effects = lines(change.entries), effect_rows(after, change.entries)
        outcomes, names = outcome_rows(change.entries), new_names(before, after)
        rows = [outbox_row(outgoing) for outgoing in change.messages]
        again = retry_at.timestamp() if retry_at else None

        at = change.entries[-1].at.timestamp()

        def job(unit: UnitOfWork) -> list[LeasedMessage]:
            if finished:
                unit.complete(finished, again)
            if leased and leased_until:
                unit.hold(leased, leased_until.timestamp())
            if change.guard:
                change.guard(unit.controls(), unit.usage)
            unit.append(moved, new_lines)
            unit.follow(effects, outcomes, names)
            if change.controls:
                unit.save_controls(change.controls, change.control_entries)
            unit.enqueue(rows)
            return self.lease_locally(unit, change.messages, at)

        self.dispatch(self.database.write(job), wake=bool(change.messages or retry_at))
        return after

    def receive(self, signal: Signal, raw: bytes, judge: Judge, now: datetime) -> Receipt:
        inbox_row = {
            "source": signal.source,
            "key": signal.key,
            "digest": signal.body_checksum,
            "body": raw,
        }
        inbox_row |= {"received_at": now.isoformat(), "fingerprint": signal.fingerprint}

        def job(unit: UnitOfWork) -> tuple[Receipt, list[LeasedMessage]]:
            known = unit.connection.execute(_INBOX_KNOWN, inbox_row).first()
            if known is not None:
                return self._known(unit, known, inbox_row, now), []
            latest = unit.latest_case(signal.fingerprints)
            change = judge(latest, unit.next_case_id())
            if not change.entries:
                unit.connection.execute(
                    insert(t.inbox),
                    {**inbox_row, "outcome": ReceiptOutcome.IGNORED, "case_id": None},
                )
                return Receipt(ReceiptOutcome.IGNORED, None), []
            after = _after(change)
            outcome = _outcome(change, signal)
            unit.connection.execute(
                insert(t.inbox), {**inbox_row, "outcome": outcome, "case_id": after.id}
            )
            expected = change.before.version if change.before else 0
            unit.append(projection(after, expected), lines(change.entries))
            unit.follow((), (), new_names(change.before, after))
            unit.enqueue([outbox_row(outgoing) for outgoing in change.messages])
            return Receipt(outcome, after.id), self.lease_locally(
                unit, change.messages, now.timestamp()
            )

        receipt, taken = self.database.write(job)
        self.dispatch(taken, wake=receipt.outcome is not ReceiptOutcome.DUPLICATE)
        return receipt

    def _known(self, unit: UnitOfWork, known: Any, row: dict[str, Any], now: datetime) -> Receipt:
        """The key has come before: the same body is the same signal, another body is a conflict, kept and refused."""
        if known.digest == row["digest"]:
            return Receipt(ReceiptOutcome.DUPLICATE, known.case_id)
        kept = unit.connection.execute(_KEEP_CONFLICT[unit.connection.dialect.name], row).first()
        existing = unit.case(known.case_id) if known.case_id and kept else None
        if existing is not None:
            conflict = record_conflict(
                existing, source=row["source"], key=row["key"], checksum=row["digest"], now=now
            )
            unit.append(projection(conflict.case, existing.version), lines(conflict.entries))
        return Receipt(ReceiptOutcome.CONFLICT, known.case_id)

    # --- the desk as a whole -------------------------------------------------------------------------------------------

    def controls(self) -> DeskControls:
        with self.database.read() as connection:
            body = connection.execute(STANDING_BODY).scalar()
        return from_json(DeskControls, body) if body else DeskControls()

    def save_controls(
        self,
        before: DeskControls,
        rulings: tuple[Entry, ...],
        outgoing: Sequence[OutboxMessage] = (),
    ) -> DeskControls:
        rows = [outbox_row(asked) for asked in outgoing]

        def job(unit: UnitOfWork) -> DeskControls:
            after = unit.save_controls(before, rulings)
            unit.enqueue(rows)
            return after

        after = self.database.write(job)
        self.dispatch([], wake=bool(rows))
        return after

    def rewind(
        self,
        before: DeskControls,
        rulings: tuple[Entry, ...],
        outgoing: Sequence[OutboxMessage],
        numbers_from: int,
    ) -> DeskControls:
        rows = [outbox_row(asked) for asked in outgoing]
        # What Slack shows may be newer than what these rows remember.
        redrawn = (
            update(t.cards)
            .where(t.cards.c.case_id.in_(select(_OPEN.subquery().c.id)))
            .values(drawn="0")
        )

        def job(unit: UnitOfWork) -> DeskControls:
            after = unit.save_controls(before, rulings)
            unit.number_above(numbers_from)
            unit.connection.execute(redrawn)
            unit.enqueue(rows)
            return after

        after = self.database.write(job)
        self.dispatch([], wake=bool(rows))
        return after

    def case_number(self) -> int:
        with self.database.read() as connection:
            number: int = connection.execute(_CASE_NUMBER).scalar_one()
        return number

    def open_ids(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.execute(_OPEN).scalars())

    def run_now(self, topic: Topic, now: datetime) -> None:
        waiting = and_(
            t.outbox.c.topic == topic.value,
            t.outbox.c.state == READY,
            t.outbox.c.run_at > now.timestamp(),
        )
        statement = update(t.outbox).where(waiting).values(run_at=now.timestamp())
        self.database.write(lambda unit: unit.connection.execute(statement) and None, appends=False)
        self.dispatch([], wake=True)

    def affected(self, scope: str) -> list[str]:
        what, _, name = scope.partition(":")
        states = [state.code for state in (State.PROPOSED, State.APPROVED, State.RUNNING)]
        query = select(t.cases.c.id).where(t.cases.c.state.in_(states)).order_by(t.cases.c.rank)
        if what == "kind":
            query = query.where(t.cases.c.kind == name)
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())

    def outcomes(self, action: str, limit: int) -> list[str]:
        query = select(t.effects.c.outcome).where(
            t.effects.c.action == action, t.effects.c.outcome != ""
        )
        with self.database.read() as connection:
            return list(
                connection.execute(query.order_by(t.effects.c.at.desc()).limit(limit)).scalars()
            )

    # --- lists ---------------------------------------------------------------------------------------------------------

    def due(self, now: datetime, limit: int) -> list[Case]:
        return self._cases(
            select(t.cases.c.body)
            .where(t.cases.c.due_at <= now.timestamp())
            .order_by(t.cases.c.due_at)
            .limit(limit)
        )

    def open_from(self, source: str, kind: str) -> list[Case]:
        ended = [state.code for state in TERMINAL]
        query = select(t.cases.c.body).where(
            t.cases.c.kind == kind, t.cases.c.state.not_in(ended), t.cases.c.source == source
        )
        return self._cases(query)

    def cases(self, *, states: Iterable[State] = (), limit: int = 100) -> list[Case]:
        """The newest cases, in these states only when some are named."""
        query = select(t.cases.c.body).order_by(t.cases.c.number.desc()).limit(limit)
        names = [state.code for state in states]
        return self._cases(query.where(t.cases.c.state.in_(names)) if names else query)

    def case_ids(self) -> Iterator[str]:
        """Every case, by number."""
        with self.database.read() as connection:
            yield from (
                connection.execute(select(t.cases.c.id).order_by(t.cases.c.number)).scalars().all()
            )

    def of_kinds(self, kinds: Iterable[str], *, limit: int = 200) -> list[Case]:
        """The newest cases of these kinds."""
        query = select(t.cases.c.body).where(t.cases.c.kind.in_(list(kinds)))
        return self._cases(query.order_by(t.cases.c.number.desc()).limit(limit))

    def kinds(self) -> set[str]:
        """Every kind that a case has."""
        with self.database.read() as connection:
            return set(connection.execute(select(t.cases.c.kind).distinct()).scalars())

    def counts(self) -> dict[str, int]:
        """Cases by state name."""
        with self.database.read() as connection:
            return {row.state: row.cases for row in connection.execute(_COUNTS)}

    def episodes(self, fingerprints: Sequence[str]) -> int:
        with self.database.read() as connection:
            return connection.execute(_EPISODES, {"fingerprints": list(fingerprints)}).scalar_one()

    def usage(self, day: str, *, plan: Plan | None = None, step: int = 0) -> Usage:
        with self.database.read() as connection:
            return usage_of(connection, day, plan, step)

    def _cases(self, query: Any) -> list[Case]:
        with self.database.read() as connection:
            return [from_json(Case, body) for body in connection.execute(query).scalars()]

    # --- outbox --------------------------------------------------------------------------------------------------------

    def claim(
        self, topics: Sequence[Topic], limit: int, now: datetime, lease_for: float
    ) -> list[LeasedMessage]:
        at = now.timestamp()
        values = {
            "topics": [topic.value for topic in topics],
            "limit": limit,
            "now": at,
            "lease_until": at + lease_for,
        }

        def job(unit: UnitOfWork) -> list[LeasedMessage]:
            rows = unit.connection.execute(_CLAIM, values).all()
            return [_work(row) for row in sorted(rows, key=lambda row: row.run_at)]

        return self.database.write(job, appends=False)

    def renew(self, works: Sequence[LeasedMessage], until: datetime) -> set[tuple[str, int]]:
        def job(unit: UnitOfWork) -> set[tuple[str, int]]:
            held = set()
            # In one order, so that two that renew do not wait for each other.
            for work in sorted(works, key=lambda one: one.key):
                with contextlib.suppress(StaleFence):
                    unit.hold(work, until.timestamp())
                    held.add((work.key, work.fence))
            return held

        return self.database.write(job, appends=False)

    def has_due(self, topics: Sequence[Topic], now: datetime) -> bool:
        """Whether a claim would find anything: a read, so that idle workers do not write."""
        with self.database.read() as connection:
            values = {"topics": [topic.value for topic in topics], "now": now.timestamp()}
            return connection.execute(_HAS_DUE, values).first() is not None

    def finish(
        self,
        work: LeasedMessage,
        *,
        drawn: CardRef | None = None,
        outgoing: Sequence[OutboxMessage] = (),
    ) -> None:
        rows = [outbox_row(asked) for asked in outgoing]

        def job(unit: UnitOfWork) -> None:
            unit.complete(work)
            if drawn:
                unit.connection.execute(_DRAWN[unit.connection.dialect.name], _drawn_row(drawn))
            unit.enqueue(rows)

        self.database.write(job, appends=False)

    def record_card(
        self,
        drawn: CardRef,
        *,
        work: LeasedMessage | None = None,
        outgoing: Sequence[OutboxMessage] = (),
    ) -> None:
        rows = [outbox_row(asked) for asked in outgoing]

        def job(unit: UnitOfWork) -> None:
            if work:
                unit.must_hold(work)
            unit.connection.execute(_DRAWN[unit.connection.dialect.name], _drawn_row(drawn))
            unit.enqueue(rows)

        self.database.write(job, appends=False)
        self.dispatch([], wake=bool(rows))

    def retry(
        self,
        work: LeasedMessage,
        run_at: datetime,
        error: str,
        *,
        certain: bool,
        counts: bool = True,
    ) -> None:
        self._release(
            work,
            state=READY,
            run_at=run_at.timestamp(),
            error=error,
            certain=certain,
            counts=counts,
        )

    def park(self, work: LeasedMessage, error: str) -> None:
        self._release(work, state=PARKED, run_at=0.0, error=error, certain=False)

    def _release(
        self, work: LeasedMessage, *, certain: bool, counts: bool = True, **values: Any
    ) -> None:
        # Only failures count towards parking: however long something waited, its first failure is its first.
        tried = {"attempts": t.outbox.c.attempts + 1} if counts else {}
        doubt = {"doubt": 0} if certain else {}
        held = and_(
            t.outbox.c.key == work.key, t.outbox.c.fence == work.fence, t.outbox.c.state == LEASED
        )
        statement = update(t.outbox).where(held).values(**values, **doubt, **tried)
        self.database.write(lambda unit: unit.connection.execute(statement) and None, appends=False)

    def parked(self) -> list[dict[str, Any]]:
        """Work that waits for a person, with the reason."""
        query = select(t.outbox).where(t.outbox.c.state == PARKED).order_by(t.outbox.c.key)
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def unpark(self, key: str, now: datetime) -> bool:
        """Let parked work be tried again; False when there is none under this key."""
        statement = (
            update(t.outbox)
            .where(t.outbox.c.key == key, t.outbox.c.state == PARKED)
            .values(state=READY, attempts=0, run_at=now.timestamp())
        )
        found = self.database.write(
            lambda unit: unit.connection.execute(statement).rowcount, appends=False
        )
        self.dispatch([], wake=bool(found))
        return bool(found)

    def discard(self, topics: Sequence[Topic]) -> None:
        """Mark all work of these topics as done without doing it: for a past that nobody is to be told of."""
        statement = (
            update(t.outbox)
            .where(t.outbox.c.topic.in_([topic.value for topic in topics]))
            .values(state=DONE)
        )
        self.database.write(lambda unit: unit.connection.execute(statement) and None, appends=False)

    def backlog(self) -> dict[str, int]:
        """Rows that are not done, by topic and state."""
        with self.database.read() as connection:
            return {f"{row.topic} {row.state}": row.rows for row in connection.execute(_BACKLOG)}

    def lease_locally(
        self, unit: UnitOfWork, outgoing: Sequence[OutboxMessage], at: float
    ) -> list[LeasedMessage]:
        """Lease the effects just asked for to a lane with room, in the same transaction: no second one, and no look-up, is needed."""
        taken = []
        for taker in self.local_workers:
            keys = [
                asked.key
                for asked in outgoing
                if asked.topic in taker.topics and asked.run_at.timestamp() <= at
            ]
            if keys and taker.has_room():
                values = {"keys": keys, "now": at, "lease_until": at + taker.lease_for}
                taken += [_work(row) for row in unit.connection.execute(_TAKE, values).all()]
        return taken

    def dispatch(self, taken: Sequence[LeasedMessage], *, wake: bool) -> None:
        for taker in self.local_workers:
            mine = [work for work in taken if work.topic in taker.topics]
            if mine:
                taker.accept(mine)
            elif wake:
                taker.wake()

    # --- cards ---------------------------------------------------------------------------------------------------------

    def cards(self, case_id: str) -> list[CardRef]:
        query = (
            select(t.cards)
            .where(t.cards.c.case_id == case_id)
            .order_by(t.cards.c.generation.desc())
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        return [
            CardRef(row.case_id, row.generation, row.channel, row.ts, int(row.drawn), row.look)
            for row in rows
        ]

    def outdated_cards(self, card_format: str, now: datetime) -> list[str]:
        """List the cases that somebody may press on whose newest card was drawn in another form."""
        newer = t.cards.alias()
        is_newest = ~exists().where(
            newer.c.case_id == t.cards.c.case_id, newer.c.generation > t.cards.c.generation
        )
        is_open = t.cases.c.state.not_in([state.code for state in TERMINAL])
        query = (
            select(t.cases.c.id)
            .join(t.cards, t.cards.c.case_id == t.cases.c.id)
            .where(or_(is_open, t.cases.c.undo_until > now.timestamp()), is_newest)
            .where(t.cards.c.look != card_format, ~t.cards.c.look.startswith(f"{card_format} "))
            .order_by(t.cases.c.number)
        )
        with self.database.read() as connection:
            return list(connection.execute(query).scalars())

    # --- ticks, ledger -------------------------------------------------------------------------------------------------

    def claim_tick(self, job: str, slot: int) -> bool:
        """Whether this process is the one that runs ``job`` for this slot; exactly one is, however many ask."""
        values = {"job": job, "slot": slot}

        def claimed(unit: UnitOfWork) -> bool:
            mine = (
                unit.connection.execute(_TICK[unit.connection.dialect.name], values).first()
                is not None
            )
            if mine:
                # Those of a while ago stay, so that a clock that is set back finds what was done.
                unit.connection.execute(
                    delete(t.ticks).where(t.ticks.c.job == job, t.ticks.c.slot < slot - KEPT_TICKS)
                )
            return mine

        return self.database.write(claimed, appends=False)

    def ledger(self, *, after: int = 0, page: int = 2_000) -> Iterator[Any]:
        """The ledger's rows in order, a page at a time: memory does not grow with the ledger."""
        while True:
            with self.database.read() as connection:
                rows = connection.execute(_LEDGER_PAGE, {"after": after, "page": page}).all()
            yield from rows
            if len(rows) < page:
                return
            after = rows[-1].seq

    def head(self) -> tuple[int, str, list[str]]:
        """The head row: how many lines, the last link of the chain, the peaks of the tree."""
        with self.database.read() as connection:
            row = connection.execute(select(t.heads).where(t.heads.c.name == "ledger")).first()
        if row is None:
            raise LedgerBroken(HEAD_IS_GONE)
        return row.number, row.chain, json.loads(row.peaks)

    def projection(self) -> Iterator[tuple[str, str]]:
        """Case id and projected body of every case, by number."""
        after = 0
        while True:
            query = select(t.cases.c.number, t.cases.c.id, t.cases.c.body).where(
                t.cases.c.number > after
            )
            with self.database.read() as connection:
                rows = connection.execute(query.order_by(t.cases.c.number).limit(500)).all()
            yield from ((row.id, row.body) for row in rows)
            if len(rows) < 500:
                return
            after = rows[-1].number


def _after(change: Change) -> Case:
    if (
        change.after is not None
        and change.entries
        and change.after.version == change.entries[-1].version
    ):
        return change.after
    after = change.before
    for entry in change.entries:
        after = evolve(after, entry)
    if after is None:
        raise ValueError("a change without entries changes nothing")
    return after


def _outcome(change: Change, signal: Signal) -> ReceiptOutcome:
    if change.before is None:
        return ReceiptOutcome.OPENED
    return ReceiptOutcome.CLEARED if signal.status == "clear" else ReceiptOutcome.COUNTED


def _work(row: Any) -> LeasedMessage:
    payload = json.loads(row.payload)
    return LeasedMessage(
        row.key,
        Topic(row.topic),
        row.case_id,
        row.fence,
        row.wanted,
        row.attempts,
        row.doubt,
        payload,
    )


def _drawn_row(drawn: CardRef) -> dict[str, Any]:
    place = {
        "channel": drawn.channel,
        "ts": drawn.ts,
        "drawn": str(drawn.version),
        "look": drawn.look,
    }
    return {"case_id": drawn.case_id, "generation": drawn.generation, **place}


def _upsert_card(dialect: Any) -> Any:
    new = dialect.insert(t.cards)
    place = {name: new.excluded[name] for name in ("channel", "ts", "drawn", "look")}
    return new.on_conflict_do_update(
        index_elements=[t.cards.c.case_id, t.cards.c.generation], set_=place
    )


def _first_wins(dialect: Any, table: Any, returning: Any) -> Any:
    # RETURNING tells who was first; rowcount does not, on psycopg.
    return dialect.insert(table).on_conflict_do_nothing().returning(returning)


_ENTRIES = (
    select(t.ledger.c.body)
    .where(t.ledger.c.case_id == bindparam("case_id"), t.ledger.c.version > bindparam("after"))
    .order_by(t.ledger.c.version)
)
_INBOX_KNOWN = select(t.inbox.c.digest, t.inbox.c.case_id).where(
    t.inbox.c.source == bindparam("source"), t.inbox.c.key == bindparam("key")
)
_KEEP_CONFLICT = {
    "sqlite": _first_wins(sqlite, t.inbox_conflicts, t.inbox_conflicts.c.digest),
    "postgresql": _first_wins(postgresql, t.inbox_conflicts, t.inbox_conflicts.c.digest),
}
_CASE_NUMBER = select(t.heads.c.number).where(t.heads.c.name == "cases")
_OPEN = (
    select(t.cases.c.id)
    .where(t.cases.c.state.not_in([state.code for state in TERMINAL]))
    .order_by(t.cases.c.rank)
)
_COUNTS = select(t.cases.c.state, func.count().label("cases")).group_by(t.cases.c.state)
# Every all-clear of a case that a signal of these fingerprints ever opened or counted on: a count
# that never goes down, whoever sent the all-clear.
_TOUCHED = select(t.inbox.c.case_id).where(
    t.inbox.c.fingerprint.in_(bindparam("fingerprints", expanding=True)),
    t.inbox.c.case_id.is_not(None),
)
_EPISODES = (
    select(func.count())
    .select_from(t.inbox)
    .where(t.inbox.c.case_id.in_(_TOUCHED), t.inbox.c.outcome == ReceiptOutcome.CLEARED.value)
)
# A leased row whose lease has run out is due again: ``run_at`` doubles as the end of the lease.
_IS_DUE = and_(
    or_(t.outbox.c.state == READY, t.outbox.c.state == LEASED),
    t.outbox.c.topic.in_(bindparam("topics", expanding=True)),
    t.outbox.c.run_at <= bindparam("now"),
)
_CHOSEN = (
    select(t.outbox.c.key)
    .where(_IS_DUE)
    .order_by(t.outbox.c.run_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    update(t.outbox)
    .where(t.outbox.c.key.in_(_CHOSEN))
    .values(
        state=LEASED,
        fence=t.outbox.c.fence + 1,
        doubt=t.outbox.c.doubt + 1,
        run_at=bindparam("lease_until"),
    )
    .returning(t.outbox)
)
_TAKE = (
    update(t.outbox)
    .where(
        t.outbox.c.key.in_(bindparam("keys", expanding=True)),
        t.outbox.c.state == READY,
        t.outbox.c.run_at <= bindparam("now"),
    )
    .values(
        state=LEASED,
        fence=t.outbox.c.fence + 1,
        doubt=t.outbox.c.doubt + 1,
        run_at=bindparam("lease_until"),
    )
    .returning(t.outbox)
)
_HAS_DUE = select(literal(1)).where(_IS_DUE).limit(1)
_BACKLOG = (
    select(t.outbox.c.topic, t.outbox.c.state, func.count().label("rows"))
    .where(t.outbox.c.state != DONE)
    .group_by(t.outbox.c.topic, t.outbox.c.state)
)
_DRAWN = {"sqlite": _upsert_card(sqlite), "postgresql": _upsert_card(postgresql)}
_TICK = {
    "sqlite": _first_wins(sqlite, t.ticks, t.ticks.c.job),
    "postgresql": _first_wins(postgresql, t.ticks, t.ticks.c.job),
}
_LEDGER_PAGE = (
    select(t.ledger)
    .where(t.ledger.c.seq > bindparam("after"))
    .order_by(t.ledger.c.seq)
    .limit(bindparam("page"))
)
