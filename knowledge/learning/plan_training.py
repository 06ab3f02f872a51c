"""Training of a plan model from the precedents of one kind."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from bot.cases.precedent import CaseOutcome, Precedent
from knowledge.learning.answer_confidence import AnswerCurve, AnswerSigns
from knowledge.learning.answer_training import (
    deal_folds,
    later_confidences,
    later_shares,
    train_answer_curve,
    train_share_curve,
)
from knowledge.learning.backtest import NO_ACTION, Backtest, backtest, best_answers
from knowledge.learning.calibration import PrecisionGuarantee, ScoredOutcome
from knowledge.learning.calibration_training import MIN_OUTCOMES, TARGETS, certify_targets
from knowledge.learning.linear_model import TrainingExample, list_labels, list_texts
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.plan_account_training import (
    AccountChoice,
    account_records,
    blend,
    choose_account,
    count_labels,
    make_account_table,
    shrink_record,
)
from knowledge.learning.plan_model import PlanModel, leads_of
from knowledge.learning.plan_past_training import make_past, nearest_earlier
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
    backtest: Backtest


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
    trial = _try_embedder(examples, embedders.precedents)
    if _may_be_beaten(trial, examples, embedders):
        rival = _try_embedder(examples, embedders.recognition)
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
    trial = _Trial(embedder, vectors, backtest(past.examples, vectors, PENALTY))
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


def _try_embedder(examples: Sequence[TrainingExample], embedder: Embedder) -> _Trial:
    vectors = embedder.embed(list_texts(examples))
    return _Trial(embedder.identity, vectors, backtest(examples, vectors, PENALTY))


class _Answers(NamedTuple):
    """The answers of the backtest, after accounts."""

    #: Before accounts.
    linear_shares: NDArray[np.float64]
    account: AccountChoice | None
    signs: AnswerSigns
    is_right: NDArray[np.bool_]


def _train(
    kind: str,
    past: _Past,
    trial: _Trial,
    *,
    targets: Sequence[float],
) -> PlanModel:
    scored = trial.backtest
    answers = _answer(past, trial)
    facts = [example.facts for example in past.examples]
    accounts = None
    if answers.account:
        accounts = make_account_table(
            answers.account,
            facts,
            past.days,
            scored,
            shares=answers.linear_shares,
            is_right=answers.is_right,
        )
    answer_curve, guarantees = _train_confidence(answers, past, scored, targets=targets)
    return PlanModel(
        kind=kind,
        embedder=trial.embedder,
        linear_model=train_linear_model(past.examples, trial.vectors, penalty=PENALTY),
        curve=train_share_curve(scored.scores, scored.row_targets),
        accounts=accounts,
        past=make_past(past.examples, trial.vectors, scored.targets),
        answer_curve=answer_curve,
        guarantees=guarantees,
        support=Counter(list_labels(past.examples)),
        correct=int(answers.is_right.sum()),
        total=len(answers.is_right),
    )


def _answer(past: _Past, trial: _Trial) -> _Answers:
    """Answer every example of the backtest as a card would have been."""
    scored = trial.backtest
    linear_shares = later_shares(scored)
    facts = [example.facts for example in past.examples]
    account = choose_account(facts, past.days, scored, linear_shares)
    shares = linear_shares
    if account:
        shares = blend(account, past.days, scored, linear_shares)
    best = best_answers(shares, scored.labels)
    is_right = best == scored.row_targets
    lines = np.arange(len(best))
    cosines, nearest_labels = nearest_earlier(scored, trial.vectors)
    totals, commonest_shares, records = _account_signs(account, scored, is_right)
    signs = AnswerSigns(
        answers=best,
        shares=shares[lines, best],
        leads=leads_of(shares)[lines, best],
        has_story=(cosines != 0).astype(np.float64),
        nearest_cosines=cosines,
        is_as_nearest=(nearest_labels == best).astype(np.float64),
        is_as_linear=(best_answers(scored.scores, scored.labels) == best).astype(np.float64),
        account_totals=totals,
        account_commonest_shares=commonest_shares,
        account_records=records,
    )
    return _Answers(linear_shares, account, signs, is_right)


def _account_signs(
    account: AccountChoice | None,
    scored: Backtest,
    is_right: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return what each answer's account had shown: its total, commonest share and record.

    The record leaves out the answer itself.
    """
    signs = np.zeros((3, len(is_right)))
    if account is None:
        return signs
    values = account.values[scored.rows]
    for start in np.unique(scored.starts):
        is_asked = scored.starts == start
        counts = count_labels(account.values[:start], scored.targets[:start], len(scored.labels))
        counts = np.vstack(
            [counts, np.zeros((account.values.max() + 1 - len(counts), counts.shape[1]))]
        )
        totals = counts.sum(axis=1)
        commonest = counts.max(axis=1) / np.maximum(totals, 1)
        signs[0, is_asked] = totals[values[is_asked]]
        signs[1, is_asked] = commonest[values[is_asked]]
    correct, asked, mean = account_records(values, is_right, int(account.values.max()) + 1)
    signs[2] = shrink_record(correct[values] - is_right, asked[values] - 1, mean)
    return signs


def _train_confidence(
    answers: _Answers,
    past: _Past,
    scored: Backtest,
    *,
    targets: Sequence[float],
) -> tuple[AnswerCurve | None, tuple[PrecisionGuarantee, ...]]:
    """Learn when an answer is right, and certify what can be."""
    signs, is_right = answers.signs, answers.is_right
    if len(is_right) < MIN_OUTCOMES:
        return None, ()
    count = len(scored.labels)
    confidences = later_confidences(signs, is_right, deal_folds(scored), count)
    outcomes = [
        ScoredOutcome(*numbers)
        for numbers in zip(
            confidences.tolist(), is_right.tolist(), past.days[scored.rows].tolist(), strict=True
        )
    ]
    curve = train_answer_curve(signs, is_right, count)
    return curve, certify_targets(outcomes, targets)
