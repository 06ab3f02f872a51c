"""Hold a recommendation to what the desk prepared for it.

Policy judges an action by its own declaration: whether it can be undone, what it moves, what it
touches. So nobody but a connector may write that, and nobody but the playbook the parameters. A
recommender chooses among the offers of the playbook, whatever stands behind its port.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.errors import BadRequest
from bot.cases.expressions import Facts, evaluate, find_scalar
from bot.cases.plan import Action
from bot.cases.playbook import ActionOffer, Playbook
from bot.cases.recommendation import Recommendation
from bot.cases.tree_shape import likely_values
from bot.ports.connector import NOTHING
from bot.ports.recommender import Prepare

NOT_PREPARED = "the recommended action was not prepared by its own system"
NOT_OFFERED = "the playbook does not offer what was recommended, with these facts"


@dataclass(frozen=True, slots=True)
class _Preparation:
    """An action with the parameters that it was prepared from."""

    parameters: Mapping[str, Scalar]
    #: They stand for parameters that an earlier step will tell.
    words: Mapping[str, Scalar]
    action: Action


@dataclass(slots=True)
class PreparedActions:
    """Prepare the actions of one recommendation, and remember them."""

    _prepare: Prepare
    _preparations: list[_Preparation] = field(default_factory=list)

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run of "system.action", as ``Prepare`` says."""
        proposal = self._prepare(action, parameters, words)
        # A copy of its own: what the caller makes of its mappings changes nothing here.
        own = replace(
            proposal,
            parameters=dict(proposal.parameters),
            precondition=dict(proposal.precondition),
        )
        self._preparations.append(_Preparation(dict(parameters), dict(words), own))
        return proposal

    def require_offer(
        self,
        recommendation: Recommendation,
        actions: tuple[Action, ...],
        *,
        playbook: Playbook,
        facts: Facts,
    ) -> tuple[Action, ...]:
        """Return the actions as they were prepared, if the playbook offers them.

        Raises:
            BadRequest: they were not prepared here, or no offer has them.
        """
        preparations = [self._find(action) for action in actions]
        names = {actions[0].name, recommendation.action}
        offers = [offer for offer in playbook.offers if {offer.action} == names]
        if not any(_makes(offer, preparations, facts) for offer in offers):
            raise BadRequest(NOT_OFFERED)
        return tuple(preparation.action for preparation in preparations)

    def _find(self, action: Action) -> _Preparation:
        """Return how an action was prepared.

        Raises:
            BadRequest: it was not, or was changed since.
        """
        for preparation in self._preparations:
            if preparation.action == action:
                return preparation
        raise BadRequest(NOT_PREPARED)


def _makes(offer: ActionOffer, preparations: Sequence[_Preparation], facts: Facts) -> bool:
    """Tell whether an offer that fits these facts makes exactly these actions."""
    chain = list(offer.chain())
    if len(chain) != len(preparations) or not evaluate(offer.when, facts):
        return False
    return all(
        _is_of(link, preparation, facts)
        for link, preparation in zip(chain, preparations, strict=True)
    )


def _is_of(offer: ActionOffer, preparation: _Preparation, facts: Facts) -> bool:
    """Tell whether an action was prepared from the parameters of this offer."""
    if preparation.action.name != offer.action:
        return False
    parameters = {
        name: find_scalar(expression, facts) for name, expression in offer.parameters.items()
    }
    words = {name: limit.words for name, limit in offer.answer_bounds.items()}
    expected = {**parameters, **likely_values(offer, facts)}
    return (expected, words) == (preparation.parameters, preparation.words)
