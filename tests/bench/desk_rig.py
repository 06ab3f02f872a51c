"""A real desk over real databases in one process, for work that is replayed by the thousand.

Store, library, policy, connectors and executor are those of the product; decisions go through the
desk, as a press in Slack does. Only the clock is set by hand, and nobody reads the messages.
"""

import contextlib
import html
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.advisors import Advisors, without_memory
from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.approval import Person
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.entries import Entry
from bot.cases.errors import Refusal
from bot.cases.signal import Signal
from bot.connectors.registry import build_connectors
from bot.desk.decision_path import Request
from bot.desk.null_chat import NullChat
from bot.desk.options import DeskOptions
from bot.desk.worker import WorkerPool, WorkerTimings
from bot.ports.card_store import CardContext
from bot.ports.outbox import LeasedMessage, Topic
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from bot.use_cases import Desk, build_desk
from handlers.cards.case_card import case_card
from handlers.cards.case_details import details_view
from handlers.cards.forms import approve_form
from knowledge.library import FileLibrary
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory, principal

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE_SECONDS = 30.0
#: Far more messages than one case makes.
MAX_MESSAGES = 100
#: High risk asks for a reason in words.
NOTE = "checked against the request"
Tree = Mapping[str, Any]


@dataclass(kw_only=True)
class DeskRig:
    """A desk with its clock, its people and its work."""

    store: Store
    desk: Desk
    clock: FakeClock
    people: FakeDirectory
    library: FileLibrary
    worker: WorkerPool
    handlers: Mapping[Topic, Callable[[LeasedMessage], None]]

    def receive(self, signal: Signal) -> str:
        """Receive a signal; return the id of its case, or nothing."""
        return self.desk.intake.receive(signal, repr(signal).encode()).case_id or ""

    def work(self, topics: Sequence[Topic] = ()) -> list[LeasedMessage]:
        """Handle what is due of these topics, of all without any. Return what was handled."""
        handled = []
        for _ in range(MAX_MESSAGES):
            messages = self.store.outbox.claim(
                list(topics or self.handlers), 1, self.clock(), LEASE_SECONDS
            )
            if not messages:
                break
            self.worker.handle(messages[0])
            handled.append(messages[0])
        return handled

    def case(self, case_id: str) -> Case:
        """Read a case."""
        return self.store.cases.case(case_id)

    def entries(self, case_id: str) -> list[Entry]:
        """Read the ledger of a case."""
        return list(self.store.cases.entries(case_id))

    def request(self, case: Case, name: str) -> Request:
        """Press, as one who sees the case as it is here."""
        return Request(
            case_id=CaseId(case.id),
            by=UserId(principal(name)),
            snapshot=CardSnapshot.of(case),
            surface=Surface.SLACK,
        )

    def approve(self, case: Case, name: str) -> str:
        """Approve as this person. Return the name of the refusal, or nothing."""
        try:
            self.desk.decisions.approve(self.request(case, name), NOTE)
        except Refusal as refusal:
            return type(refusal).__name__
        return ""

    def shown_text(self, case: Case) -> str:
        """Return all that an approver is shown: the card, the form to approve, the details."""
        labels = self.library.labels()
        views = [
            case_card(case, CardContext(labels=labels)),
            approve_form(case, labels, missing=None),
            details_view(case, labels, links={}),
        ]
        return html.unescape("\n".join(_texts(views)))


def _texts(node: Any) -> Iterator[str]:
    """Find the texts of a message in Slack's form."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _texts(item)


@contextlib.contextmanager
def open_desk_rig(
    library: FileLibrary,
    *,
    secrets: Mapping[str, str],
    groups: Mapping[str, set[str]],
    advise: Callable[[Advisors], Advisors] = lambda advisors: advisors,
) -> Iterator[DeskRig]:
    """Open a desk over this library, with these groups of people.

    ``advise`` may replace what the desk consults.
    """
    clock = FakeClock(START)
    people = FakeDirectory()
    names = sorted({name for members in groups.values() for name in members})
    people.names = tuple(names)
    people.people = {principal(name): Person(principal(name), name) for name in names}
    people.members = dict(groups)
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'countersign.db'}")
        migrate(database)
        event.listen(database.engine, "checkout", skip_syncs)
        with contextlib.closing(database):
            store = Store.over(database)
            advisors = advise(without_memory(store.precedents, clock))
            desk = build_desk(
                store=store,
                library=library,
                systems=build_connectors(
                    library.systems,
                    secrets=lambda name: secrets[name],
                    chat=NullChat(),
                    dry_run=False,
                ),
                chat=NullChat(),
                directory=people,
                clock=clock,
                advisors=advisors,
                options=DeskOptions(mode="live", storm_after=0),
            )
            yield _rig(store, desk, clock=clock, people=people, library=library)


def skip_syncs(raw: Any, *_: object) -> None:
    """Commit without waiting for the disk: what is measured is not its speed."""
    raw.execute("PRAGMA synchronous=OFF")


def _rig(
    store: Store,
    desk: Desk,
    *,
    clock: FakeClock,
    people: FakeDirectory,
    library: FileLibrary,
) -> DeskRig:
    handlers = {Topic.TRIAGE: desk.triage.run, Topic.EXECUTE: desk.execution.executor.run}
    if desk.narration:
        handlers[Topic.NARRATE] = desk.narration.run
    worker = WorkerPool(
        "bench",
        store.outbox,
        handlers,
        clock,
        threads=1,
        timings=WorkerTimings(lease_for=LEASE_SECONDS, settle_for=LEASE_SECONDS),
    )
    return DeskRig(
        store=store,
        desk=desk,
        clock=clock,
        people=people,
        library=library,
        worker=worker,
        handlers=handlers,
    )
