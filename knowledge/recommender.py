"""Which plan to recommend: of the playbook's actions those whose conditions hold, of those the one that people chose in like cases.

What people wrote narrows; what people did ranks; neither decides. The recommendation is validated, judged and shown like any other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.cases.case import Case
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence, facts_of
from bot.cases.expressions import filled, holds, look_up
from bot.cases.plan import Action
from bot.cases.playbook import Offer, Playbook
from bot.cases.precedent import CaseOutcome, Precedent, signal_text, tally
from bot.cases.recommendation import Alternative, Citation, Recommendation
from bot.cases.signal import UNRECOGNISED
from bot.ports.clock import Clock
from bot.ports.recommender import Prepare
from knowledge.embedder import Embedder
from knowledge.plan_model import TARGET, PlanModel
from knowledge.precedents import Recollection

MOST_CITED = 10
# An action that memory puts before the playbook's own must have been the right one at least so often.
SUPPORT = 5


class Recalls(Protocol):
    def recall(
        self, said: str, kind: str, channel: str, now: datetime, what: str = ""
    ) -> Recollection: ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """An offer that fits, its prepared actions, and what memory thinks of it (None: nothing)."""

    offer: Offer
    actions: tuple[Action, ...]
    margin: float | None


class RememberingRecommender:
    """``latest`` gives what training learned of a kind, or None."""

    def __init__(
        self,
        memory: Recalls,
        latest: Callable[[str], PlanModel | None],
        embedder: Embedder,
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._latest = latest
        self._embedder = embedder
        self._clock = clock

    def recommend(
        self, case: Case, playbook: Playbook, evidence: Sequence[Evidence], prepare: Prepare
    ) -> tuple[Recommendation, tuple[Action, ...]]:
        known = facts_of(case.signal, evidence)
        said = signal_text(case.signal)
        recollection = self._memory.recall(
            said, playbook.kind, case.channel, self._clock(), case.what
        )
        model = self._latest(playbook.kind)
        ranked = self._ranked(case, playbook, evidence, known, model)
        chosen, passed_over = _first_that_can_be_prepared(ranked, playbook, known, prepare)
        told = self._told(recollection)
        if chosen is None:
            if playbook.kind == UNRECOGNISED:
                return Recommendation(
                    "",
                    "",
                    "",
                    alternatives=(),
                    blocked="It fits no known kind: say what it is, or handle it by hand",
                    **told,
                ), ()
            why = "; ".join(f"{item.action} {item.why_not}" for item in passed_over)
            blocked = f"No plan fits: {why or 'the playbook has no action for this'}"
            return Recommendation("", "", "", alternatives=passed_over, blocked=blocked, **told), ()
        confidence, promise = _sureness(chosen, model)
        return Recommendation(
            action=chosen.offer.action,
            reason=filled(chosen.offer.reason, known),
            basis=_basis(chosen, playbook, model, recollection),
            alternatives=passed_over,
            editable=chosen.offer.edit,
            confidence=confidence,
            promise=promise,
            **told,
        ), chosen.actions

    def _ranked(
        self,
        case: Case,
        playbook: Playbook,
        evidence: Sequence[Evidence],
        known: Mapping[str, Any],
        model: PlanModel | None,
    ) -> list[tuple[Offer, float | None]]:
        """The fitting offers: in the playbook's order, or by what was right in like cases where there is enough of that."""
        fitting = [offer for offer in playbook.offers if holds(offer.when, known)]
        if model is None:
            return [(offer, None) for offer in fitting]
        text = signal_text(case.signal)
        shown = {fact.label: fact.value for fact in evidence if fact.label and fact.failure is None}
        vector = self._embedder.embed([text])[0]
        if len(vector) != model.learner.width:
            return [(offer, None) for offer in fitting]
        margins = model.margins(text, shown, vector)
        scored = [(offer, margins.get(offer.action)) for offer in fitting]
        supported = [
            margin
            for offer, margin in scored
            if margin is not None and model.support[offer.action] >= SUPPORT
        ]
        if len(supported) < 2:
            return scored
        unknown = min(supported) - 1
        return sorted(
            scored,
            key=lambda pair: (
                -(
                    pair[1]
                    if pair[1] is not None and model.support[pair[0].action] >= SUPPORT
                    else unknown
                )
            ),
        )

    def _told(self, recollection: Recollection) -> dict[str, Any]:
        now = self._clock()
        alike = [
            precedent
            for precedent in recollection.alike
            if not precedent.looks_like_prompt_injection
        ]
        cited = tuple(
            _citation(precedent, precedent.is_stale(now))
            for precedent in recollection.alike[:MOST_CITED]
        )
        return {"precedents": tally(alike), "citations": cited, "memory": recollection.failure}


def _first_that_can_be_prepared(
    ranked: Sequence[tuple[Offer, float | None]],
    playbook: Playbook,
    known: Mapping[str, Any],
    prepare: Prepare,
) -> tuple[Chosen | None, tuple[Alternative, ...]]:
    chosen: Chosen | None = None
    passed_over = [
        Alternative(offer.action, f"needs {offer.when}")
        for offer in playbook.offers
        if not holds(offer.when, known)
    ]
    first = [offer for offer, _ in ranked]
    for offer, margin in ranked:
        if chosen:
            earlier = playbook.offers.index(offer) < playbook.offers.index(chosen.offer)
            why_not = (
                "fits too, but was right less often in like cases"
                if earlier
                else "comes after the one above"
            )
            passed_over.append(Alternative(offer.action, why_not))
            continue
        try:
            chosen = Chosen(offer, _prepared(offer, known, prepare), margin)
        except ConnectorFailed as failure:
            passed_over.append(Alternative(offer.action, f"cannot be prepared: {failure}"))
    order = {offer.action: place for place, offer in enumerate([*first, *playbook.offers])}
    return chosen, tuple(sorted(passed_over, key=lambda item: order[item.action]))


def _prepared(offer: Offer, known: Mapping[str, Any], prepare: Prepare) -> tuple[Action, ...]:
    parameters = {name: look_up(expression, known) for name, expression in offer.parameters.items()}
    return (
        prepare(offer.action, parameters),
        *(action for later in offer.then for action in _prepared(later, known, prepare)),
    )


def _sureness(chosen: Chosen, model: PlanModel | None) -> tuple[int | None, str]:
    """The probability in per cent, and what may be promised about it."""
    if model is None or chosen.margin is None or model.calibration is None:
        return None, ""
    confidence = round(100 * model.calibration.probability(chosen.margin))
    held = model.promise
    if held is None:
        return (
            confidence,
            f"no promise: {TARGET * 100:.0f} % right cannot be certified for this kind yet",
        )
    if chosen.margin < held.threshold:
        return confidence, f"below the line at which {held.target * 100:.0f} % right is certified"
    return (
        confidence,
        f"{held.target * 100:.0f} % right is certified here: {held.right} of {held.judged} were",
    )


def _basis(
    chosen: Chosen, playbook: Playbook, model: PlanModel | None, recollection: Recollection
) -> str:
    rule = f"rule {playbook.offers.index(chosen.offer) + 1} of the playbook “{playbook.title}”"
    if model and chosen.margin is not None:
        return f"{rule}; in {model.judged} earlier cases this would have been right {model.right} times"
    counted = [precedent for precedent in recollection.alike if precedent.is_trainable]
    if not counted:
        return rule
    same = [precedent for precedent in counted if precedent.action == chosen.offer.action]
    worked = sum(precedent.ended is CaseOutcome.WORKED for precedent in same)
    return f"{rule}; {worked} of {len(counted)} alike did the same and it worked: too few for a probability"


def _citation(precedent: Precedent, is_stale: bool) -> Citation:
    return Citation(
        id=precedent.id,
        case_id=precedent.case_id,
        title=precedent.said.partition("\n")[0][:150],
        action=precedent.action,
        ended=precedent.ended.value,
        reason=precedent.reason[:200],
        by=precedent.decided_by,
        at=precedent.ended_at,
        is_stale=is_stale,
        is_flagged=precedent.looks_like_prompt_injection,
    )
