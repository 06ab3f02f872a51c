"""Recommendation: the plan to suggest, and why.

The playbook's conditions narrow the actions, the precedents rank what is left; neither decides. A
recommendation is validated, judged by policy and shown like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from bot import metrics
from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.errors import ConnectorFailed, MemoryUnavailable
from bot.cases.evidence import Evidence
from bot.cases.expressions import Facts, evaluate, has_enough_facts, render
from bot.cases.plan import Action
from bot.cases.playbook import ActionOffer, Playbook
from bot.cases.precedent import (
    CaseOutcome,
    Precedent,
    describe_farther,
    signal_text,
    tally,
)
from bot.cases.recommendation import Alternative, Citation, Recommendation
from bot.cases.signal import UNRECOGNISED
from bot.ports.clock import Clock
from bot.ports.recommender import Prepare, prepare_steps
from knowledge.learning.live_record import NO_RECORD, LiveRecord
from knowledge.learning.plan_estimate import PlanEstimate
from knowledge.learning.plan_model import PlanModel
from knowledge.learning.promise_words import UNLIKE_PAST, Assurance, assure
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
        self,
        *,
        signal_text: str,
        kind: str,
        channel: str,
        now: datetime,
        what: str = "",
    ) -> RecallResult:
        """Find the decided cases of this kind most like this one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer whose condition holds."""

    offer: ActionOffer
    #: How far the plan model sees its action ahead of the others; None when it does not know it.
    margin: float | None = None
    #: How many precedents are behind its action.
    support: int = 0

    @property
    def supported_margin(self) -> float | None:
        """Return the margin if enough precedents are behind it."""
        return self.margin if self.support >= MIN_SUPPORT else None


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer to recommend, with its prepared actions."""

    offer: ActionOffer
    actions: tuple[Action, ...]


def _no_record(kind: str) -> LiveRecord:
    """Know of no answers since the training."""
    return NO_RECORD


class PrecedentRecommender:
    """Recommends the action that was right in similar cases.

    It is one that the playbook allows. ``plan_model_of`` returns the plan model of a kind, or None;
    ``live_record_of`` what people answered since its training, or None while that is not known.
    Its text is embedded by the embedder that it was trained with: ``embedder``, or for the kinds
    that need it ``model_embedder``. When that one has no vector in time, there are no margins for
    this card, and the order of the playbook stands as without a plan model.
    """

    def __init__(
        self,
        memory: PrecedentSearch,
        plan_model_of: Callable[[str], PlanModel | None],
        embedder: Embedder,
        clock: Clock,
        *,
        model_embedder: Embedder | None = None,
        live_record_of: Callable[[str], LiveRecord | None] = _no_record,
    ) -> None:
        self._memory = memory
        self._plan_model_of = plan_model_of
        self._live_record_of = live_record_of
        self._embedders = {embedder.identity: embedder}
        if model_embedder:
            self._embedders[model_embedder.identity] = model_embedder
        self._clock = clock

    def recommend(
        self,
        case: Case,
        playbook: Playbook,
        evidence: Sequence[Evidence],
        prepare: Prepare,
    ) -> tuple[Recommendation, tuple[Action, ...]]:
        """Recommend a plan, or say what blocks it."""
        facts = case_facts(case, evidence)
        result = self._recall(case, playbook)
        model = self._plan_model_of(playbook.kind)
        offers = [offer for offer in playbook.offers if evaluate(offer.when, facts)]
        estimate = None if model is None else self._estimate(case, evidence, model)
        candidates = _rate(offers, model, estimate)
        choice, alternatives = _choose(candidates, playbook, facts, prepare=prepare)
        if choice is None:
            nothing = _recommend_nothing(playbook, alternatives)
            return self._add_precedents(nothing, result), ()
        assurance = self._assure(choice, estimate, playbook.kind)
        recommendation = Recommendation(
            action=choice.offer.action,
            reason=render(choice.offer.reason, facts),
            basis=_basis(choice, playbook, model, estimate=estimate, result=result),
            alternatives=alternatives,
            editable=choice.offer.edit,
            confidence=assurance.confidence,
            model_confidence=assurance.model_confidence,
            promise=assurance.words,
            promised_percent=assurance.promised_percent,
            lapsed_percent=assurance.lapsed_percent,
            is_unlike_past=assurance.is_unlike_past,
        )
        return self._add_precedents(recommendation, result), choice.actions

    def _recall(self, case: Case, playbook: Playbook) -> RecallResult:
        return self._memory.recall(
            signal_text=signal_text(case.signal),
            kind=playbook.kind,
            channel=case.channel,
            now=self._clock(),
            what=case.assessment.what,
        )

    def _assure(self, choice: Choice, estimate: PlanEstimate | None, kind: str) -> Assurance:
        """Say how sure the choice is."""
        if estimate is None:
            return Assurance()
        assurance = assure(choice.offer.action, estimate, self._live_record_of(kind))
        if assurance.promised_percent is not None:
            metrics.PROMISES.labels(metrics.kind_label(kind), "given").inc()
        elif assurance.lapsed_percent is not None:
            metrics.PROMISES.labels(metrics.kind_label(kind), "lapsed").inc()
        return assurance

    def _estimate(
        self,
        case: Case,
        evidence: Sequence[Evidence],
        model: PlanModel,
    ) -> PlanEstimate | None:
        """Estimate which action is right.

        None when the model was trained on other vectors, or the text's comes too late.
        """
        text = signal_text(case.signal)
        embedder = self._embedders.get(model.embedder)
        if embedder is None:
            return None
        try:
            vector = embedder.embed([text])[0]
        except MemoryUnavailable:
            return None
        if len(vector) != model.linear_model.vector_size:
            return None
        facts = {}
        for fact in evidence:
            if fact.label and fact.failure is None:
                facts[fact.label] = fact.value
        return model.estimate(text, facts, vector)

    def _add_precedents(
        self,
        recommendation: Recommendation,
        result: RecallResult,
    ) -> Recommendation:
        now = self._clock()
        # Precedents with instructions for a machine are cited, but not counted.
        trustworthy = [
            precedent
            for precedent in result.precedents
            if not precedent.looks_like_prompt_injection
        ]
        latest = result.precedents[:MAX_CITATIONS]
        words = tally(trustworthy) if latest else describe_farther(result.farther)
        is_unlike = bool(result.farther) and not latest
        return replace(
            recommendation,
            precedents=words,
            # What a model is sure of stands beside it.
            is_unlike_past=recommendation.is_unlike_past
            or (is_unlike and recommendation.confidence is None),
            citations=tuple(_cite(precedent, now) for precedent in latest),
            memory=result.failure,
        )


def _rate(
    offers: Sequence[ActionOffer], model: PlanModel | None, estimate: PlanEstimate | None
) -> list[Candidate]:
    """Rate offers by the plan model, the most promising first."""
    if model is None or estimate is None:
        return list(map(Candidate, offers))
    candidates = []
    for offer in offers:
        margin = estimate.margins.get(offer.action)
        candidates.append(Candidate(offer, margin, model.support.get(offer.action, 0)))
    return _rank(candidates)


def _rank(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Rank by what was right in similar cases.

    The order of the playbook stands when fewer than two candidates have enough precedents.
    """
    margins = []
    for candidate in candidates:
        if candidate.supported_margin is not None:
            margins.append(candidate.supported_margin)
    if len(margins) < 2:
        return list(candidates)
    behind_all = min(margins) - 1

    def sort_key(candidate: Candidate) -> float:
        margin = candidate.supported_margin
        return -(behind_all if margin is None else margin)

    return sorted(candidates, key=sort_key)


def _choose(
    candidates: Sequence[Candidate],
    playbook: Playbook,
    facts: Facts,
    *,
    prepare: Prepare,
) -> tuple[Choice | None, tuple[Alternative, ...]]:
    """Choose the first candidate that can be prepared.

    Returns it, and the other offers of the playbook with the reasons against them.
    """
    choice: Choice | None = None
    alternatives = []
    for offer in playbook.offers:
        if not evaluate(offer.when, facts):
            alternatives.append(Alternative(offer.action, _unfit_reason(offer, facts)))
    for candidate in candidates:
        offer = candidate.offer
        if choice:
            why_not = _why_not(offer, choice.offer, playbook)
            alternatives.append(Alternative(offer.action, why_not))
            continue
        try:
            actions = prepare_steps(offer, facts, prepare)
        except ConnectorFailed as failure:
            why_not = f"cannot be prepared: {failure}"
            alternatives.append(Alternative(offer.action, why_not))
        else:
            choice = Choice(offer, actions)
    return choice, _in_playbook_order(alternatives, playbook)


def _unfit_reason(offer: ActionOffer, facts: Facts) -> str:
    """Say in the playbook's words why an offer does not fit."""
    reason = offer.otherwise if isinstance(offer.otherwise, str) else ""
    if reason and has_enough_facts(reason, facts):
        return render(reason, facts)
    return "the facts are not those that it is for"


def _why_not(offer: ActionOffer, choice: ActionOffer, playbook: Playbook) -> str:
    if playbook.offers.index(offer) < playbook.offers.index(choice):
        return "fits too, but was right less often in like cases"
    return "comes after the one above"


def _in_playbook_order(
    alternatives: Sequence[Alternative],
    playbook: Playbook,
) -> tuple[Alternative, ...]:
    positions = {offer.action: number for number, offer in enumerate(playbook.offers)}
    return tuple(sorted(alternatives, key=lambda alternative: positions[alternative.action]))


def _recommend_nothing(
    playbook: Playbook,
    alternatives: tuple[Alternative, ...],
) -> Recommendation:
    if playbook.kind == UNRECOGNISED:
        return Recommendation(
            action="",
            reason="",
            basis="",
            blocked="It fits no known kind: say what it is, or handle it by hand",
        )
    reasons = "; ".join(f"{item.action} {item.why_not}" for item in alternatives)
    return Recommendation(
        action="",
        reason="",
        basis="",
        alternatives=alternatives,
        blocked=f"No plan fits: {reasons or 'the playbook has no action for this'}",
    )


def _basis(
    choice: Choice,
    playbook: Playbook,
    model: PlanModel | None,
    *,
    estimate: PlanEstimate | None,
    result: RecallResult,
) -> str:
    """Explain what the recommendation rests on."""
    number = playbook.offers.index(choice.offer) + 1
    rule = f"rule {number} of the playbook “{playbook.title}”"
    if estimate and estimate.is_unlike_past:
        return f"{rule}; {UNLIKE_PAST}"
    if model and estimate and choice.offer.action in estimate.margins:
        return (
            f"{rule}; in {model.total} earlier cases"
            f" this would have been right {model.correct} times"
        )
    comparable = [precedent for precedent in result.precedents if precedent.is_trainable]
    if not comparable:
        return rule
    success_count = 0
    for precedent in comparable:
        is_same_action = precedent.decision.action == choice.offer.action
        if is_same_action and precedent.outcome is CaseOutcome.WORKED:
            success_count += 1
    return (
        f"{rule}; {success_count} of {len(comparable)} alike did the same and it worked:"
        " too few for a probability"
    )


def _cite(precedent: Precedent, now: datetime) -> Citation:
    return Citation(
        id=precedent.id,
        case_id=precedent.case_id,
        title=precedent.title[:MAX_TITLE_LENGTH],
        action=precedent.decision.action,
        ended=precedent.outcome.value,
        reason=precedent.reason[:MAX_REASON_LENGTH],
        by=precedent.decision.people,
        at=precedent.ended_at,
        is_stale=precedent.is_stale(now),
        is_flagged=precedent.looks_like_prompt_injection,
    )
