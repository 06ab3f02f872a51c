"""Requests for effects, written in the transaction of their decision."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from bot.cases.case import Case
from bot.ports.outbox import OutboxMessage
from bot.store import outbox_rows
from bot.store.driver import DriverConnection
from bot.store.local_workers import Handover, LocalWorker
from bot.store.statements import CompiledStatement

_ENQUEUE = CompiledStatement(outbox_rows.ENQUEUE)
_ENQUEUE_LEASED = CompiledStatement(outbox_rows.ENQUEUE_LEASED)
_LEASE_BY_KEY = CompiledStatement(outbox_rows.LEASE_BY_KEY)


class MessageRequests:
    """Enqueue messages, under lease where a local worker has room."""

    def __init__(
        self,
        driver: DriverConnection,
        workers: Sequence[LocalWorker],
        handover: Handover,
        *,
        case: Case | None = None,
    ) -> None:
        """Let ``case``, as this transaction leaves it, go with its messages."""
        self._driver = driver
        self._workers = workers
        self._handover = handover
        self._case = case

    def add(self, message: OutboxMessage, now: datetime | None) -> None:
        """Request an effect. Without a time it is not leased."""
        worker = self._worker_for(message, now)
        if now is None or worker is None:
            self._enqueue(message, now)
        else:
            self._enqueue_leased(message, worker, now)

    def _worker_for(self, message: OutboxMessage, now: datetime | None) -> LocalWorker | None:
        """Return a local worker that can have this message at once."""
        if now is None or message.run_at > now:
            return None
        for worker in self._workers:
            if message.topic in worker.topics and worker.has_room():
                return worker
        return None

    def _enqueue(self, message: OutboxMessage, now: datetime | None) -> None:
        self._driver.change_later(_ENQUEUE, outbox_rows.message_row(message))
        if now is None or message.run_at <= now:
            self._handover.wakes.add(message.topic)
        else:
            self._handover.later.append((message.topic, message.run_at))

    def _enqueue_leased(self, message: OutboxMessage, worker: LocalWorker, now: datetime) -> None:
        """Insert a message that is leased from the first."""
        lease_until = now.timestamp() + worker.lease_for
        row = {**outbox_rows.message_row(message), "run_at": lease_until}
        use = partial(self._hand_over_new, message=message, now=now, lease_until=lease_until)
        self._driver.fetch_later(_ENQUEUE_LEASED, row, use)

    def _hand_over_new(
        self, rows: Sequence[Any], *, message: OutboxMessage, now: datetime, lease_until: float
    ) -> None:
        """Hand over a message that was inserted.

        One whose key exists is requested once more, and leased if it is due.
        """
        if rows:
            self._hand_over(rows)
            return
        self._driver.change_later(_ENQUEUE, outbox_rows.message_row(message))
        values = {"keys": [message.key], "now": now.timestamp(), "lease_until": lease_until}
        self._driver.fetch_later(_LEASE_BY_KEY, values, self._hand_over)

    def _hand_over(self, rows: Sequence[Any]) -> None:
        for row in rows:
            message = outbox_rows.leased_message(row)
            if self._case is not None and self._case.id == message.case_id:
                message = replace(message, case=self._case)
            self._handover.messages.append(message)
