"""Recommendation: the plan to suggest, and why.

The playbook's conditions narrow the actions, the precedents rank what is left; neither decides. A
recommendation is validated, judged by policy and shown like any other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from bot.cases.case import Case
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence, facts_of
from bot.cases.expressions import filled, holds, look_up
from bot.cases.plan import Action
from bot.cases.playbook import Offer, Playbook
from bot.cases.precedent import Ended, Precedent, said_by, tally
from bot.cases.recommendation import Alternative, Citation, Recommendation
from bot.cases.signal import UNRECOGNISED
from bot.ports import Clock, Prepare
from knowledge.learning.plan_model import PlanModel
from knowledge.learning.plan_training import TARGET_PRECISION
from knowledge.memory.embedder import Embedder
from knowledge.memory.precedent_memory import RecallResult

MAX_CITATIONS = 10
MAX_TITLE_LENGTH = 150
MAX_REASON_LENGTH = 200
# An action with fewer precedents is not ranked before the playbook's own order.
MIN_SUPPORT = 5


class PrecedentSearch(Protocol):
    """A memory that finds the precedents of a kind."""

    def recall(
        self, *, signal_text: str, kind: str, channel: str, now: datetime, what: str = ""
    ) -> RecallResult:
        """Find the decided cases of this kind most like this one."""


@dataclass(frozen=True, slots=True)
class RankedOffer:
    """An action whose conditions hold."""

    offer: Offer
    #: How far the plan model sees it ahead of the others; None when it knows nothing of it.
    margin: float | None = None
    #: How many precedents are behind it.
    support: int = 0

    @property
    def supported_margin(self) -> float | None:
        """Return the margin if enough precedents are behind it."""
        return self.margin if self.support >= MIN_SUPPORT else None


@dataclass(frozen=True, slots=True)
class ChosenOffer:
    """The action to recommend, with its prepared actions."""

    offer: Offer
    actions: tuple[Action, ...]
    margin: float | None


class PrecedentRecommender:
    """Recommends what the playbook allows and what was right in similar cases.

    ``plan_model_of`` returns the plan model of a kind, or None.
    """

    def __init__(
        self,
        memory: PrecedentSearch,
        plan_model_of: Callable[[str], PlanModel | None],
        embedder: Embedder,
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._plan_model_of = plan_model_of
        self._embedder = embedder
        self._clock = clock

    def recommend(
        self, case: Case, playbook: Playbook, evidence: Sequence[Evidence], prepare: Prepare
    ) -> tuple[Recommendation, tuple[Action, ...]]:
        """Recommend a plan; without one the recommendation says what blocks it."""
        facts = facts_of(case.signal, evidence)
        result = self._memory.recall(
            signal_text=said_by(case.signal),
            kind=playbook.kind,
            channel=case.channel,
            now=self._clock(),
            what=case.what,
        )
        model = self._plan_model_of(playbook.kind)
        fitting = [offer for offer in playbook.offers if holds(offer.when, facts)]
        ranked = self._rank(fitting, case, evidence, model)
        chosen, alternatives = _choose(ranked, playbook, facts, prepare)
        if chosen is None:
            blocked = _recommend_nothing(playbook, alternatives)
            return self._add_precedents(blocked, result), ()
        confidence, promise = _confidence(chosen, model)
        recommendation = Recommendation(
            action=chosen.offer.action,
            reason=filled(chosen.offer.reason, facts),
            basis=_basis(chosen, playbook, model, result),
            alternatives=alternatives,
            editable=chosen.offer.edit,
            confidence=confidence,
            promise=promise,
        )
        return self._add_precedents(recommendation, result), chosen.actions

    def _rank(
        self,
        offers: Sequence[Offer],
        case: Case,
        evidence: Sequence[Evidence],
        model: PlanModel | None,
    ) -> list[RankedOffer]:
        """Rank the offers by the plan model where it has enough precedents.

        Otherwise the order of the playbook stands.
        """
        if model is None:
            return [RankedOffer(offer) for offer in offers]
        margins = self._margins(case, evidence, model)
        ranked = [
            RankedOffer(offer, margins.get(offer.action), model.support.get(offer.action, 0))
            for offer in offers
        ]
        supported = [item.supported_margin for item in ranked]
        known_margins = [margin for margin in supported if margin is not None]
        if len(known_margins) < 2:
            return ranked
        behind_all = min(known_margins) - 1

        def sort_key(item: RankedOffer) -> float:
            margin = item.supported_margin
            return -(behind_all if margin is None else margin)

        return sorted(ranked, key=sort_key)

    def _margins(
        self, case: Case, evidence: Sequence[Evidence], model: PlanModel
    ) -> dict[str, float]:
        """Return the margin of each action, or none when the model was trained on other vectors."""
        text = said_by(case.signal)
        vector = self._embedder.embed([text])[0]
        if len(vector) != model.linear_model.vector_size:
            return {}
        facts = {fact.label: fact.value for fact in evidence if fact.label and fact.failure is None}
        return model.margins(text, facts, vector)

    def _add_precedents(
        self, recommendation: Recommendation, result: RecallResult
    ) -> Recommendation:
        now = self._clock()
        # Precedents with instructions for a machine are cited, but not counted.
        counted = [precedent for precedent in result.precedents if not precedent.gives_orders]
        return replace(
            recommendation,
            precedents=tally(counted),
            citations=tuple(
                _cite(precedent, now) for precedent in result.precedents[:MAX_CITATIONS]
            ),
            memory=result.failure,
        )


def _choose(
    ranked: Sequence[RankedOffer],
    playbook: Playbook,
    facts: Mapping[str, Any],
    prepare: Prepare,
) -> tuple[ChosenOffer | None, tuple[Alternative, ...]]:
    """Choose the first offer that can be prepared, and say why not the others."""
    chosen: ChosenOffer | None = None
    alternatives = [
        Alternative(offer.action, f"needs {offer.when}")
        for offer in playbook.offers
        if not holds(offer.when, facts)
    ]
    for item in ranked:
        if chosen:
            why_not = _why_not(item.offer, chosen.offer, playbook)
            alternatives.append(Alternative(item.offer.action, why_not))
            continue
        try:
            actions = _prepare_actions(item.offer, facts, prepare)
        except ConnectorFailed as failure:
            why_not = f"cannot be prepared: {failure}"
            alternatives.append(Alternative(item.offer.action, why_not))
        else:
            chosen = ChosenOffer(item.offer, actions, item.margin)
    order = {offer.action: position for position, offer in enumerate(playbook.offers)}
    alternatives.sort(key=lambda alternative: order[alternative.action])
    return chosen, tuple(alternatives)


def _why_not(offer: Offer, chosen: Offer, playbook: Playbook) -> str:
    if playbook.offers.index(offer) < playbook.offers.index(chosen):
        return "fits too, but was right less often in like cases"
    return "comes after the one above"


def _prepare_actions(
    offer: Offer, facts: Mapping[str, Any], prepare: Prepare
) -> tuple[Action, ...]:
    """Prepare the action of an offer and those that follow it."""
    parameters = {name: look_up(expression, facts) for name, expression in offer.parameters.items()}
    actions = [prepare(offer.action, parameters)]
    for next_offer in offer.then:
        actions += _prepare_actions(next_offer, facts, prepare)
    return tuple(actions)


def _recommend_nothing(playbook: Playbook, alternatives: tuple[Alternative, ...]) -> Recommendation:
    if playbook.kind == UNRECOGNISED:
        blocked = "It fits no known kind: say what it is, or handle it by hand"
        return Recommendation(action="", reason="", basis="", blocked=blocked)
    reasons = "; ".join(f"{item.action} {item.why_not}" for item in alternatives)
    blocked = f"No plan fits: {reasons or 'the playbook has no action for this'}"
    return Recommendation(
        action="", reason="", basis="", alternatives=alternatives, blocked=blocked
    )


def _confidence(chosen: ChosenOffer, model: PlanModel | None) -> tuple[int | None, str]:
    """Return the probability in per cent, and what is guaranteed about it."""
    if model is None or chosen.margin is None or model.calibration is None:
        return None, ""
    confidence = round(100 * model.calibration.probability(chosen.margin))
    guarantee = model.guarantee
    if guarantee is None:
        target = f"{TARGET_PRECISION * 100:.0f} %"
        return confidence, f"no promise: {target} right cannot be certified for this kind yet"
    target = f"{guarantee.target * 100:.0f} %"
    if chosen.margin < guarantee.threshold:
        return confidence, f"below the line at which {target} right is certified"
    record = f"{guarantee.correct} of {guarantee.total} were"
    return confidence, f"{target} right is certified here: {record}"


def _basis(
    chosen: ChosenOffer, playbook: Playbook, model: PlanModel | None, result: RecallResult
) -> str:
    """Explain what the recommendation rests on."""
    number = playbook.offers.index(chosen.offer) + 1
    rule = f"rule {number} of the playbook “{playbook.title}”"
    if model and chosen.margin is not None:
        return (
            f"{rule}; in {model.total} earlier cases"
            f" this would have been right {model.correct} times"
        )
    comparable = [precedent for precedent in result.precedents if precedent.teaches]
    if not comparable:
        return rule
    worked = sum(
        precedent.action == chosen.offer.action and precedent.ended is Ended.WORKED
        for precedent in comparable
    )
    return (
        f"{rule}; {worked} of {len(comparable)} alike did the same and it worked:"
        " too few for a probability"
    )


def _cite(precedent: Precedent, now: datetime) -> Citation:
    return Citation(
        id=precedent.id,
        case_id=precedent.case_id,
        title=precedent.said.partition("\n")[0][:MAX_TITLE_LENGTH],
        action=precedent.action,
        ended=precedent.ended.value,
        reason=precedent.reason[:MAX_REASON_LENGTH],
        by=precedent.decided_by,
        at=precedent.ended_at,
        is_stale=precedent.is_stale(now),
        is_flagged=precedent.gives_orders,
    )
