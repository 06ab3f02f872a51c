"""The records that the story is checked against."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.demo.expectations import polls
from bot.store.store import Store

#: More than the cases of a story.
MAX_CASES = 40


@dataclass(frozen=True)
class CompanyDatabase:
    """The system of record, past the bot."""

    path: Path

    def value(self, query: str, *parameters: Any) -> Any:
        """Return the one value of the one row that the query finds."""
        (value,) = self.row(query, *parameters)
        return value

    def row(self, query: str, *parameters: Any) -> tuple[Any, ...]:
        """Return the first row that the query finds."""
        with closing(sqlite3.connect(self.path)) as database:
            row: tuple[Any, ...] = database.execute(query, parameters).fetchone()
        return row

    def change(self, statement: str, *parameters: Any) -> None:
        """Change rows as somebody else would."""
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(statement, parameters)


@dataclass(frozen=True)
class CaseRecords:
    """The cases as they are recorded."""

    store: Store

    def case(self, kind: str) -> Case:
        """Return today's case of this kind."""
        cases = [case for case in self.store.queries.newest(limit=MAX_CASES) if case.kind == kind]
        return max(cases, key=attrgetter("timers.opened_at"))

    def actors(self, case: Case, *names: str) -> list[str]:
        """Return who wrote the entries of these names."""
        entries = self.store.cases.entries(case.id)
        return [str(entry.actor) for entry in entries if entry.body.name in names]

    def wait_for_state(self, kind: str, *states: State, expectation: str) -> Case:
        """Wait until today's case is in one of these states."""
        for _ in polls(expectation):
            if self.case(kind).state in states:
                break
        return self.case(kind)

    def wait_for_revision(self, kind: str, revision: int, *, expectation: str) -> None:
        """Wait until today's case of this kind has this revision."""
        for _ in polls(expectation):
            if self.case(kind).proposal.revision == revision:
                return

    def wait_for_kind(self, case_id: str, kind: str, *, expectation: str) -> None:
        """Wait until the case is of this kind."""
        for _ in polls(expectation):
            if self.store.cases.case(case_id).kind == kind:
                return

    def wait_for_referral(self, case_id: str, *, expectation: str) -> Case:
        """Wait until the case is with a person, and return it."""
        for _ in polls(expectation):
            if self.store.cases.case(case_id).state is State.REFERRED:
                break
        return self.store.cases.case(case_id)
