"""Past answers as cards would have had them, and their signs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.cases.canonical import ScalarMapping
from knowledge.learning.answer_confidence import AnswerSigns
from knowledge.learning.answer_training import deal_folds, later_losses, later_shares
from knowledge.learning.backtest import ScoreHistory, best_answers
from knowledge.learning.calibration_training import MIN_OUTCOMES
from knowledge.learning.plan_account_training import (
    AccountChoice,
    account_records,
    blend,
    count_labels,
    propose_accounts,
    shrink_record,
)
from knowledge.learning.plan_model import leads_of
from knowledge.learning.plan_past_training import nearest_earlier
from knowledge.memory.vectors import Vectors

Numbers = NDArray[np.float64]

# A gain must be so many times its own error. An account that is chance adds little, one that is
# missed costs promises.
MIN_GAIN_ERRORS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAnswers:
    """The answers of a backtest, after what accounts say."""

    #: Before accounts.
    linear_shares: Numbers
    account: AccountChoice | None
    signs: AnswerSigns
    is_right: NDArray[np.bool_]


def answer_past(
    facts: Sequence[ScalarMapping],
    days: Numbers,
    trial: ScoreHistory,
    vectors: Vectors,
) -> PastAnswers:
    """Answer every example of the backtest as a card would have been.

    The account is the one by which it is best known when an answer is right. It must be so on
    answers that come later, and not make their shares worse. No fact is known by its name.
    """
    linear_shares = later_shares(trial)
    nearest = nearest_earlier(trial, vectors)
    best = _answer(None, linear_shares, trial, days, nearest=nearest)
    if len(best.is_right) < MIN_OUTCOMES:
        return best
    plain_losses = _losses(best, trial)
    best_gain = 0.0
    for account in propose_accounts(facts, days, trial, shares=linear_shares):
        answers = _answer(account, linear_shares, trial, days, nearest=nearest)
        gains = plain_losses - _losses(answers, trial)
        error = float(gains.std()) / np.sqrt(len(gains))
        gain = float(gains.mean())
        if gain > max(best_gain, MIN_GAIN_ERRORS * error):
            best, best_gain = answers, gain
    return best


def _answer(
    account: AccountChoice | None,
    linear_shares: Numbers,
    trial: ScoreHistory,
    days: Numbers,
    *,
    nearest: tuple[Numbers, NDArray[np.int64]],
) -> PastAnswers:
    shares = linear_shares
    if account:
        shares = blend(account, days, trial, shares=linear_shares)
    best = best_answers(shares, trial.labels)
    is_right = best == trial.row_targets
    lines = np.arange(len(best))
    cosines, nearest_labels = nearest
    totals, commonest_shares, records = _account_signs(account, trial, is_right)
    signs = AnswerSigns(
        answers=best,
        shares=shares[lines, best],
        leads=leads_of(shares)[lines, best],
        has_story=(cosines != 0).astype(np.float64),
        nearest_cosines=cosines,
        is_as_nearest=(nearest_labels == best).astype(np.float64),
        is_as_linear=(best_answers(trial.scores, trial.labels) == best).astype(np.float64),
        account_totals=totals,
        account_commonest_shares=commonest_shares,
        account_records=records,
    )
    return PastAnswers(linear_shares=linear_shares, account=account, signs=signs, is_right=is_right)


def _losses(answers: PastAnswers, trial: ScoreHistory) -> Numbers:
    return later_losses(answers.signs, answers.is_right, deal_folds(trial))


def _account_signs(
    account: AccountChoice | None,
    trial: ScoreHistory,
    is_right: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the total, commonest share and record of each answer's account.

    The record leaves out the answer itself.
    """
    signs = np.zeros((3, len(is_right)))
    if account is None:
        return signs
    values = account.values[trial.rows]
    for start in np.unique(trial.starts):
        is_asked = trial.starts == start
        counts = count_labels(account.values[:start], trial.targets[:start], len(trial.labels))
        counts = np.vstack(
            [counts, np.zeros((account.values.max() + 1 - len(counts), counts.shape[1]))]
        )
        totals = counts.sum(axis=1)
        commonest = counts.max(axis=1) / np.maximum(totals, 1)
        signs[0, is_asked] = totals[values[is_asked]]
        signs[1, is_asked] = commonest[values[is_asked]]
    correct, row_totals, mean = account_records(values, is_right, int(account.values.max()) + 1)
    signs[2] = shrink_record(correct[values] - is_right, row_totals[values] - 1, mean)
    return signs
