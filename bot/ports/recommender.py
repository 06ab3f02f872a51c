"""Recognition of kinds, and recommendation of plans."""

from collections.abc import Sequence
from typing import Protocol

from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.evidence import Evidence
from bot.cases.plan import Action
from bot.cases.playbook import Playbook
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation
from bot.ports.connector import NOTHING


class Prepare(Protocol):
    """Make the dry run of a "system.action" with these parameters."""

    def __call__(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Return the action; ``words`` stand for parameters that an earlier step will tell."""


class Recogniser(Protocol):
    """Classify texts."""

    def recognise(self, text: str) -> Recognition:
        """Return the kind of a text, or none.

        Never fails: it abstains instead.
        """

    def is_trained(self) -> bool:
        """Tell whether it has learned anything yet; until then it always abstains."""


class Recommender(Protocol):
    """Suggest plans. What it returns is validated and judged like anything else."""

    def recommend(
        self, case: Case, playbook: Playbook, evidence: Sequence[Evidence], prepare: Prepare
    ) -> tuple[Recommendation, tuple[Action, ...]]:
        """Return the recommendation and its actions, ready for a plan."""
