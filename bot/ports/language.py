"""Questions in plain words, and language models."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.hours import Hours
from bot.cases.playbook import Playbook
from bot.cases.recommendation import Words
from bot.views.questions import Question

Check = Callable[[ScalarMapping], str]
"""Return what the plan would do with these parameters, in words.

Raises:
    Refusal: the playbook or the system does not allow them.
"""


class Narrator(Protocol):
    """Let a model put a case into words."""

    def narrate(self, case: Case, playbook: Playbook, check: Check) -> Words | None:
        """Return the words.

        None when there are none in time, in budget and in shape.
        """


class QuestionParser(Protocol):
    """Read questions without a model."""

    def understand(
        self, text: str, now: datetime, hours: Hours, case_id: str = ""
    ) -> Question | None:
        """Return what the question means; None when it is not understood."""


class CaseTools(Protocol):
    """Look-ups for a model that answers a person: read-only, through their eyes."""

    def search(self, question: str) -> str:
        """Return the cases that fit a question in plain words."""

    def show(self, case_id: str) -> str:
        """Return all that is known of one case."""


class Assistant(Protocol):
    """Let a model answer from tools."""

    name: str

    def answer(self, text: str, tools: CaseTools, on_progress: Callable[[str], None]) -> str | None:
        """Return the answer.

        None when there is none in time or in budget.
        """
