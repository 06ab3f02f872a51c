"""Training of a plan model from the precedents of one kind."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from bot.cases.precedent import CaseOutcome, Precedent
from knowledge.learning.answer_confidence import AnswerCurve
from knowledge.learning.answer_training import (
    deal_folds,
    later_confidences,
    train_answer_curve,
    train_share_curve,
)
from knowledge.learning.backtest import NO_ACTION, ScoreHistory, backtest
from knowledge.learning.calibration import PrecisionGuarantee, ScoredOutcome
from knowledge.learning.calibration_training import MIN_OUTCOMES, TARGETS, certify_targets
from knowledge.learning.linear_model import LinearModel, TrainingExample, list_labels, list_texts
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.plan_account_training import make_account_table
from knowledge.learning.plan_answers import PastAnswers, answer_past
from knowledge.learning.plan_model import PlanModel
from knowledge.learning.plan_past_training import make_past
from knowledge.learning.plan_voices import (
    average_models,
    average_scores,
    backtest_words,
    train_words_model,
)
from knowledge.memory.embedder import Embedder, Embedders
from knowledge.memory.vectors import Vectors

SECONDS_IN_DAY = 86_400
# scikit-learn's C.
PENALTY = 0.3
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
    backtest: ScoreHistory
    #: Words and meaning have an even say; otherwise the joint model speaks alone.
    is_average: bool


class _Past(NamedTuple):
    """Examples in time order, and when their cases ended."""

    examples: list[TrainingExample]
    days: NDArray[np.float64]


def choose_plan_model(
    kind: str,
    precedents: Sequence[Precedent],
    embedders: Embedders,
) -> PlanModel | None:
    """Train on the vectors that the backtest speaks for.

    They are those that find precedents, unless the model of recognition was right more often by
    more than chance. ``precedents`` are in time order. Returns None as ``train_plan_model`` does.
    """
    past = _past_of(precedents)
    examples = past.examples
    if not _can_be_trained(examples):
        return None
    words = backtest_words(examples, PENALTY)
    trial = _try_embedder(examples, embedders.precedents, words)
    if _may_be_beaten(trial, examples, embedders):
        rival = _try_embedder(examples, embedders.recognition, words)
        if is_right_more_often(rival.backtest.is_right.tolist(), trial.backtest.is_right.tolist()):
            trial = rival
    return _train(kind, past, trial, targets=TARGETS)


def train_plan_model(
    kind: str,
    precedents: Sequence[Precedent],
    vectors: Vectors,
    *,
    embedder: str,
    targets: Sequence[float] = TARGETS,
) -> PlanModel | None:
    """Train on precedents in time order.

    ``vectors`` has a row for each of them, by the embedder of this identity. Returns None when
    there are too few precedents, or when all of them ended alike.
    """
    past = _past_of(precedents)
    if not _can_be_trained(past.examples):
        return None
    trial = _try_vectors(past.examples, vectors, embedder)
    return _train(kind, past, trial, targets=targets)


def is_right_more_often(results: Sequence[bool], other_results: Sequence[bool]) -> bool:
    """Tell whether the first are right more often than chance explains.

    Both are of the same cases. Those in which they differ decide, by a one-sided sign test
    (McNemar's exact one) at the level ``MAX_CHANCE``.
    """
    pairs = Counter(zip(map(bool, results), map(bool, other_results), strict=True))
    wins, losses = pairs[True, False], pairs[False, True]
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
    failures = int((~trial.backtest.is_right).sum())
    return _chance_of_lead(failures, 0) <= MAX_CHANCE


def _can_be_trained(examples: Sequence[TrainingExample]) -> bool:
    return len(examples) >= MIN_OUTCOMES and len(set(list_labels(examples))) >= 2


def _example_of(precedent: Precedent) -> TrainingExample:
    # In hindsight an action was right when it was approved and worked; otherwise none of them was.
    label = precedent.decision.action if precedent.outcome is CaseOutcome.WORKED else NO_ACTION
    return TrainingExample(precedent.signal_text, label, precedent.facts)


def _past_of(precedents: Sequence[Precedent]) -> _Past:
    seconds = [precedent.ended_at.timestamp() for precedent in precedents]
    days = np.array(seconds) / SECONDS_IN_DAY
    return _Past(list(map(_example_of, precedents)), days)


def _try_embedder(
    examples: Sequence[TrainingExample], embedder: Embedder, words: ScoreHistory
) -> _Trial:
    vectors = embedder.embed(list_texts(examples))
    return _try_vectors(examples, vectors, embedder.identity, words=words)


def _try_vectors(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
    embedder: str,
    words: ScoreHistory | None = None,
) -> _Trial:
    """Backtest on these vectors, and choose whether words have a voice."""
    if not vectors.any():
        joint = words or backtest_words(examples, PENALTY)
        return _Trial(embedder, vectors, joint, is_average=False)
    joint = backtest(examples, vectors, PENALTY)
    both = average_scores(joint, words or backtest_words(examples, PENALTY))
    if is_right_more_often(joint.is_right.tolist(), both.is_right.tolist()):
        return _Trial(embedder, vectors, joint, is_average=False)
    return _Trial(embedder, vectors, both, is_average=True)


def _train(
    kind: str,
    past: _Past,
    trial: _Trial,
    *,
    targets: Sequence[float],
) -> PlanModel:
    history = trial.backtest
    facts = [example.facts for example in past.examples]
    answers = answer_past(facts, past.days, history, vectors=trial.vectors)
    accounts = None
    if answers.account:
        accounts = make_account_table(
            answers.account,
            facts,
            past.days,
            history,
            shares=answers.linear_shares,
            is_right=answers.is_right,
        )
    answer_curve, guarantees = _train_confidence(answers, past, history, targets=targets)
    linear_model, words_model = _train_voices(past, trial)
    return PlanModel(
        kind=kind,
        embedder=trial.embedder,
        linear_model=linear_model,
        words_model=words_model,
        curve=train_share_curve(history.scores, history.row_targets),
        accounts=accounts,
        past=make_past(past.examples, trial.vectors, history.targets),
        answer_curve=answer_curve,
        guarantees=guarantees,
        support=Counter(list_labels(past.examples)),
        correct=int(answers.is_right.sum()),
        total=len(answers.is_right),
    )


def _train_voices(past: _Past, trial: _Trial) -> tuple[LinearModel, LinearModel | None]:
    """Return the model that answers, and that of words alone."""
    joint = train_linear_model(past.examples, trial.vectors, penalty=PENALTY)
    if not trial.vectors.any():
        return joint, None
    words = train_words_model(past.examples, trial.vectors, penalty=PENALTY)
    return (average_models(joint, words) if trial.is_average else joint), words


def _train_confidence(
    answers: PastAnswers,
    past: _Past,
    history: ScoreHistory,
    *,
    targets: Sequence[float],
) -> tuple[AnswerCurve | None, tuple[PrecisionGuarantee, ...]]:
    """Learn when an answer is right, and certify what can be."""
    signs, is_right = answers.signs, answers.is_right
    if len(is_right) < MIN_OUTCOMES:
        return None, ()
    count = len(history.labels)
    confidences = later_confidences(signs, is_right, deal_folds(history), labels=count)
    outcomes = [
        ScoredOutcome(*numbers)
        for numbers in zip(
            confidences.tolist(), is_right.tolist(), past.days[history.rows].tolist(), strict=True
        )
    ]
    curve = train_answer_curve(signs, is_right, count)
    return curve, certify_targets(outcomes, targets)
