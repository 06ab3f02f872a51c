"""The cases that a person may see.

Those of their channels, and those that they are a party to."""

from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.errors import NoSuchCase
from bot.ports.case_queries import CaseQueries, Viewer
from bot.ports.case_store import CaseStore
from bot.ports.directory import Directory
from bot.ports.library import Library

NOT_VISIBLE = "There is no such case, or none that you may see."


@dataclass(frozen=True)
class Visibility:
    """Look at cases through the eyes of one person."""

    cases: CaseStore
    queries: CaseQueries
    library: Library
    directory: Directory

    def viewer(self, person: str) -> Viewer:
        """Return what this person may see now."""
        channels = frozenset(
            name for name in self.library.channels() if person in self.directory.members_of(name)
        )
        return Viewer(person, channels)

    def find_case(self, case_id: str, viewer: Viewer) -> Case:
        """Return a case that this viewer may see.

        Raises:
            NoSuchCase: in the same words when it does not exist and when it may not be seen.
        """
        try:
            case = self.cases.case(case_id)
        except NoSuchCase:
            raise NoSuchCase(NOT_VISIBLE) from None
        # Whoever raised, owns or decided a case sees it in whatever channel it is.
        is_party = self.queries.is_party
        if case.channel not in viewer.channels and not is_party(viewer.person, case_id):
            raise NoSuchCase(NOT_VISIBLE)
        return case
