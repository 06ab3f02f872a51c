"""A memory without precedents.

It stands in while a history is played, before there are any.
"""

from collections.abc import Collection
from datetime import datetime

from bot.cases.precedent import Precedent
from knowledge.memory.precedent_memory import RecallResult


class NullMemory:
    """Finds nothing and never fails."""

    def recall(
        self,
        *,
        signal_text: str,
        kind: str,
        channel: str,
        now: datetime,
        what: str = "",
    ) -> RecallResult:
        """Return no precedents."""
        return RecallResult()

    def find_precedents(
        self,
        words: str,
        *,
        kinds: Collection[str] | None,
        channels: Collection[str],
        now: datetime,
    ) -> list[Precedent] | None:
        """Say that nothing can be searched."""
        return None

    def find_related(
        self,
        words: str,
        channels: Collection[str],
        now: datetime,
    ) -> list[str]:
        """Return no cases."""
        return []

    def catch_up(self) -> int:
        """Index nothing."""
        return 0
