"""Cases that come close to some words, by spelling or by meaning."""

from dataclasses import dataclass

from bot.cases.case import Case
from bot.desk.answers.asker import Asker
from bot.ports.case_queries import CaseQueries
from bot.ports.clock import Clock
from bot.ports.memory import Memory

MAX_CLOSEST = 3
MAX_WORDS = 8
MIN_WORD_LENGTH = 4


@dataclass(frozen=True, kw_only=True)
class ClosestCases:
    """Find cases for words that no condition fits."""

    queries: CaseQueries
    memory: Memory
    clock: Clock

    def find(self, text: str, asker: Asker) -> list[Case]:
        """Return cases with some of these words, then similar ones."""
        words = sorted(_search_words(text), key=len, reverse=True)
        cases = self.queries.closest(words[:MAX_WORDS], asker.viewer, MAX_CLOSEST)
        ids = {case.id for case in cases}
        return cases + [case for case in self.similar(text, asker) if case.id not in ids]

    def similar(self, text: str, asker: Asker) -> list[Case]:
        """Return decided cases of a similar meaning, by memory."""
        channels = asker.viewer.channels
        related_ids = self.memory.find_related(text, channels, self.clock())[:MAX_CLOSEST]
        # Memory may be behind: whether a case is visible is read from the store.
        cases = self.queries.by_id(related_ids)
        related_cases = [cases[case_id] for case_id in related_ids if case_id in cases]
        return [case for case in related_cases if case.channel in channels]


def _search_words(text: str) -> list[str]:
    """Return the longer words of a text, each once."""
    words = {word.strip(".,;:!?\"'“”()") for word in text.casefold().split()}
    return sorted(word for word in words if len(word) >= MIN_WORD_LENGTH)
