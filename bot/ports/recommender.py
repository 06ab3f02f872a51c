"""Recognition of kinds, and recommendation of plans."""

from collections.abc import Sequence
from typing import Protocol

from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.evidence import Evidence
from bot.cases.expressions import Facts, find_scalar
from bot.cases.plan import Action
from bot.cases.playbook import ActionOffer, Playbook
from bot.cases.promise import PromiseRecord
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation
from bot.cases.tree_shape import likely_values
from bot.ports.connector import NOTHING


class Prepare(Protocol):
    """Make the dry run of a "system.action" with these parameters."""

    def __call__(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Return the action.

        ``words`` stand for parameters that an earlier step will tell.
        """


def prepare_steps(offer: ActionOffer, facts: Facts, prepare: Prepare) -> tuple[Action, ...]:
    """Prepare the actions of an offer in the order of its chain.

    Raises:
        ConnectorFailed: one of them is not possible.
    """
    actions = []
    for step in offer.chain():
        parameters = {}
        for name, expression in step.parameters.items():
            parameters[name] = find_scalar(expression, facts)
        if step.answer_bounds:
            words = {name: limit.words for name, limit in step.answer_bounds.items()}
            values = {**parameters, **likely_values(step, facts)}
            actions.append(prepare(step.action, values, words))
        else:
            actions.append(prepare(step.action, parameters))
    return tuple(actions)


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


class PromiseRecords(Protocol):
    """The record of the promises of the recommender."""

    def lapses(self) -> Sequence[PromiseRecord]:
        """Return the promises that are not given at present."""
