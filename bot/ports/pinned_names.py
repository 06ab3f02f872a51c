"""Names in files, with the ids that they had first in Slack."""

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol


class PinKind(StrEnum):
    """The sort of a name."""

    #: A person, by e-mail.
    PERSON = "person"
    #: A channel, by its name without "#".
    CHANNEL = "channel"


class PinnedNames(Protocol):
    """Keep the id behind each name, whoever takes the name over."""

    def load(self, kind: PinKind) -> dict[str, str]:
        """Return all ids by name."""

    def pin(self, kind: PinKind, name: str, slack_id: str) -> str:
        """Pin an id, unless the name has one; return its id."""

    def keep_only(self, kind: PinKind, names: Collection[str]) -> int:
        """Forget all names but these. Return how many were forgotten."""


class PinsInMemory:
    """Pins of one process, where there is no database."""

    def __init__(self) -> None:
        self._ids: dict[PinKind, dict[str, str]] = {kind: {} for kind in PinKind}

    def load(self, kind: PinKind) -> dict[str, str]:
        """Return all ids by name."""
        return dict(self._ids[kind])

    def pin(self, kind: PinKind, name: str, slack_id: str) -> str:
        """Pin an id, unless the name has one; return its id."""
        return self._ids[kind].setdefault(name, slack_id)

    def keep_only(self, kind: PinKind, names: Collection[str]) -> int:
        """Forget all names but these. Return how many were forgotten."""
        before = self._ids[kind]
        self._ids[kind] = {name: before[name] for name in before if name in names}
        return len(before) - len(self._ids[kind])
