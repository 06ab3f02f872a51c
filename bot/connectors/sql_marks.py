"""A table of marks: the steps carried out in a database.

A mark is written in the same transaction as the effect, so either both are there or neither is.
"""

import threading

from bot.cases.errors import ConnectorFailed
from bot.connectors.sql_database import SqlDatabase
from bot.connectors.sql_engines import SqlSession

TABLE = "countersign_marks"


class Marks:
    """The marks of one database.

    They are looked for by the role that writes them: one that may not see them must not make an
    effect look undone.
    """

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        self._lock = threading.Lock()
        #: Once seen, the table is not looked for again: without it every statement fails.
        self._is_created = False

    def create_table(self) -> None:
        """Create the table, unless it is there."""
        with self._lock:
            if not self._is_created:
                self._create_once()
                self._is_created = True

    def _create_once(self) -> None:
        if self._exists():
            return
        try:
            with self._database.writing() as session:
                session.create_table(session.marks.create)
        except ConnectorFailed:
            # Another process may have created it at the same instant.
            if not self._exists():
                raise

    def _exists(self) -> bool:
        with self._database.reading(as_writer=True) as session:
            return session.has_table(TABLE)

    def has(self, key: str) -> bool:
        """Tell whether the step with this key was carried out."""
        with self._database.reading(as_writer=True) as session:
            # The catalogue is asked: the text of an error proves nothing.
            if not self._is_created and not session.has_table(TABLE):
                return False
            return bool(session.fetch(session.marks.find, {"key": key}, 1))

    def insert(
        self,
        session: SqlSession,
        key: str,
        action: str,
    ) -> bool:
        """Leave a mark; False when it was there."""
        return session.insert_once(session.marks.insert, {"key": key, "action": action})
