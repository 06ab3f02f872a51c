"""Training of a plan model from the precedents of one kind."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from scipy.special import bdtrc

from bot.cases.precedent import CaseOutcome, Precedent
from knowledge.learning.backtest import NO_ACTION, backtest
from knowledge.learning.calibration import TARGET_PRECISION, ScoredOutcome
from knowledge.learning.calibration_training import (
    MIN_OUTCOMES,
    calibrate,
    certify_precision,
)
from knowledge.learning.linear_model import TrainingExample, list_labels, list_texts
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.plan_model import PlanModel
from knowledge.memory.embedder import Embedder, Embedders
from knowledge.memory.vectors import Vectors

# Values of scikit-learn's C. Facts repeat and mislead when there are few of them, words carry more:
# the backtest chooses.
PENALTIES = (0.1, 0.3, 1.0)
# With fewer texts a lead says little about the next cases, and vectors cost each card milliseconds.
MIN_COMPARED_TEXTS = 100
# The level of the sign test. A lead that is chance costs milliseconds a card, one that is missed
# costs right answers: so it is not stricter.
MAX_CHANCE = 0.1


class _Trial(NamedTuple):
    """Vectors of a kind's examples, and how they did in the backtest."""

    #: The identity of their embedder.
    embedder: str
    vectors: Vectors
    penalty: float
    outcomes: list[ScoredOutcome]


def choose_plan_model(
    kind: str,
    precedents: Sequence[Precedent],
    embedders: Embedders,
) -> PlanModel | None:
    """Train on the vectors that the backtest speaks for.

    They are those that find precedents, unless the model of recognition was right more often by
    more than chance. ``precedents`` are in time order. Returns None as ``train_plan_model`` does.
    """
    examples = list(map(_example_of, precedents))
    if not _can_be_trained(examples):
        return None
    trial = _try_embedder(examples, embedders.precedents)
    if _may_be_beaten(trial, examples, embedders):
        rival = _try_embedder(examples, embedders.recognition)
        if is_right_more_often(rival.outcomes, trial.outcomes):
            trial = rival
    return _train(kind, examples, trial, target=TARGET_PRECISION)


def train_plan_model(
    kind: str,
    precedents: Sequence[Precedent],
    vectors: Vectors,
    *,
    embedder: str,
    target: float = TARGET_PRECISION,
) -> PlanModel | None:
    """Train on precedents in time order.

    ``vectors`` has a row for each of them, by the embedder of this identity. Returns None when
    there are too few precedents, or when all of them ended alike.
    """
    examples = list(map(_example_of, precedents))
    if not _can_be_trained(examples):
        return None
    return _train(kind, examples, _try_vectors(examples, vectors, embedder), target=target)


def is_right_more_often(
    outcomes: Sequence[ScoredOutcome],
    other_outcomes: Sequence[ScoredOutcome],
) -> bool:
    """Tell whether the first are right more often than chance explains.

    Both are of the same cases. Those in which they differ decide, by a one-sided sign test
    (McNemar's exact one) at the level ``MAX_CHANCE``.
    """
    wins = 0
    losses = 0
    for outcome, other_outcome in zip(outcomes, other_outcomes, strict=True):
        wins += outcome.was_right > other_outcome.was_right
        losses += outcome.was_right < other_outcome.was_right
    return _chance_of_lead(wins, losses) <= MAX_CHANCE


def _chance_of_lead(wins: int, losses: int) -> float:
    """Return how probable it is that equals win so often."""
    if not wins:
        return 1.0
    # More than ``wins - 1`` times heads.
    return float(bdtrc(wins - 1, wins + losses, 0.5))


def _may_be_beaten(
    trial: _Trial,
    examples: Sequence[TrainingExample],
    embedders: Embedders,
) -> bool:
    """Tell whether the model could pass the test.

    Asked first, because it takes seconds to embed every text by it.
    """
    model = embedders.recognition
    if not model.is_semantic or model.identity == trial.embedder:
        return False
    if len(set(list_texts(examples))) < MIN_COMPARED_TEXTS:
        return False
    # It could at best be right wherever these vectors were wrong.
    failures = len(trial.outcomes) - _count_right(trial.outcomes)
    return _chance_of_lead(failures, 0) <= MAX_CHANCE


def _can_be_trained(examples: Sequence[TrainingExample]) -> bool:
    return len(examples) >= MIN_OUTCOMES and len(set(list_labels(examples))) >= 2


def _example_of(precedent: Precedent) -> TrainingExample:
    # In hindsight an action was right when it was approved and worked; otherwise none of them was.
    label = precedent.decision.action if precedent.outcome is CaseOutcome.WORKED else NO_ACTION
    return TrainingExample(precedent.signal_text, label, precedent.facts)


def _try_embedder(examples: Sequence[TrainingExample], embedder: Embedder) -> _Trial:
    return _try_vectors(examples, embedder.embed(list_texts(examples)), embedder.identity)


def _try_vectors(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
    embedder: str,
) -> _Trial:
    """Choose the penalty with the best backtest."""
    trials = []
    for penalty in PENALTIES:
        outcomes = backtest(examples, vectors, penalty)
        trials.append(
            _Trial(embedder=embedder, vectors=vectors, penalty=penalty, outcomes=outcomes)
        )
    return max(trials, key=lambda trial: _count_right(trial.outcomes))


def _train(
    kind: str,
    examples: Sequence[TrainingExample],
    trial: _Trial,
    *,
    target: float,
) -> PlanModel:
    outcomes = trial.outcomes
    return PlanModel(
        kind=kind,
        embedder=trial.embedder,
        linear_model=train_linear_model(examples, trial.vectors, penalty=trial.penalty),
        calibration=calibrate(outcomes),
        guarantee=certify_precision(outcomes, target),
        support=Counter(list_labels(examples)),
        correct=_count_right(outcomes),
        total=len(outcomes),
    )


def _count_right(outcomes: Sequence[ScoredOutcome]) -> int:
    return sum(outcome.was_right for outcome in outcomes)
