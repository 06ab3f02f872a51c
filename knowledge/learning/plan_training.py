"""Training of a plan model from the precedents of one kind."""

from collections import Counter
from collections.abc import Sequence

from bot.cases.precedent import CaseOutcome, Precedent
from knowledge.learning.backtest import NO_ACTION, backtest
from knowledge.learning.calibration import TARGET_PRECISION, ScoredOutcome
from knowledge.learning.calibration_training import (
    MIN_OUTCOMES,
    calibrate,
    certify_precision,
)
from knowledge.learning.linear_model import TrainingExample, list_labels
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.plan_model import PlanModel
from knowledge.memory.vectors import Vectors

# Values of scikit-learn's C. Facts repeat and mislead when there are few of them, words carry more:
# the backtest chooses.
PENALTIES = (0.1, 0.3, 1.0)


def train_plan_model(
    kind: str,
    precedents: Sequence[Precedent],
    vectors: Vectors,
    *,
    target: float = TARGET_PRECISION,
) -> PlanModel | None:
    """Train on precedents in time order.

    ``vectors`` has a row for each of them. Returns None when there are too few precedents, or when
    all of them ended alike.
    """
    examples = list(map(_example_of, precedents))
    support = Counter(list_labels(examples))
    if len(examples) < MIN_OUTCOMES or len(support) < 2:
        return None
    penalty, outcomes = _choose_penalty(examples, vectors)
    return PlanModel(
        kind=kind,
        linear_model=train_linear_model(examples, vectors, penalty=penalty),
        calibration=calibrate(outcomes),
        guarantee=certify_precision(outcomes, target),
        support=support,
        correct=_count_right(outcomes),
        total=len(outcomes),
    )


def _example_of(precedent: Precedent) -> TrainingExample:
    # In hindsight an action was right when it was approved and worked; otherwise none of them was.
    label = precedent.decision.action if precedent.outcome is CaseOutcome.WORKED else NO_ACTION
    return TrainingExample(precedent.signal_text, label, precedent.facts)


def _choose_penalty(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
) -> tuple[float, list[ScoredOutcome]]:
    """Choose the penalty with the best backtest, and return its outcomes."""
    best_penalty = PENALTIES[0]
    best_outcomes = backtest(examples, vectors, best_penalty)
    for penalty in PENALTIES[1:]:
        outcomes = backtest(examples, vectors, penalty)
        if _count_right(outcomes) > _count_right(best_outcomes):
            best_penalty = penalty
            best_outcomes = outcomes
    return best_penalty, best_outcomes


def _count_right(outcomes: Sequence[ScoredOutcome]) -> int:
    return sum(outcome.was_right for outcome in outcomes)
