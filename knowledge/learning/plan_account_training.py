"""Accounts: which facts could be one, and what their values say.

An account earns its place on answers that come later: the shares with what accounts had shown until
then must fit them better than those without.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.cases.canonical import ScalarMapping
from knowledge.learning.backtest import ScoreHistory
from knowledge.learning.plan_account import PRIOR_CASES, AccountTable, value_key
from knowledge.learning.plan_shares import add_residuals

Numbers = NDArray[np.float64]

# Days after which what an account has shown counts half. None ages where the last is best.
HALF_LIVES = (20.0, 60.0, float("inf"))
# An account of one case says nothing of the next, and one of nearly all cases nothing of its own.
MIN_ACCOUNTS = 2


class AccountChoice(NamedTuple):
    """A fact, and how fast what its values showed loses weight."""

    fact: str
    half_life: float
    #: The account of each example.
    values: NDArray[np.int64]


def propose_accounts(
    facts: Sequence[ScalarMapping],
    days: Numbers,
    trial: ScoreHistory,
    shares: Numbers,
) -> Iterator[AccountChoice]:
    """Propose facts whose values add to these shares, with their half-lives."""
    before = _losses(shares, trial)
    for fact in dict.fromkeys(name for one in facts for name in one):
        keys = np.array([value_key(one.get(fact)) for one in facts], np.int64)
        values = np.unique(keys, return_inverse=True)[1]
        if not MIN_ACCOUNTS <= values.max(initial=0) + 1 < len(values):
            continue
        best: AccountChoice | None = None
        best_gain = 0.0
        for half_life in HALF_LIVES:
            choice = AccountChoice(fact, half_life, values)
            gains = before - _losses(blend(choice, days, trial, shares=shares), trial)
            if gains.mean() > best_gain:
                best, best_gain = choice, float(gains.mean())
        if best:
            yield best


def blend(choice: AccountChoice, days: Numbers, trial: ScoreHistory, shares: Numbers) -> Numbers:
    """Add to each share what the account had shown by then."""
    surprises = _surprises(trial, shares)
    shares_with_habits = shares.copy()
    for start in np.unique(trial.starts):
        is_earlier = trial.rows < start
        is_asked = trial.starts == start
        table = _residuals(
            choice,
            days,
            trial.rows[is_earlier],
            surprises=surprises[is_earlier],
            today=days[start - 1],
        )
        residuals = table[choice.values[trial.rows[is_asked]]]
        shares_with_habits[is_asked] = add_residuals(shares[is_asked], residuals)
    return shares_with_habits


def count_labels(
    values: NDArray[np.int64], targets: NDArray[np.int64], label_count: int
) -> Numbers:
    """Count the labels of each account."""
    counts = np.zeros((int(values.max(initial=0)) + 1, label_count))
    np.add.at(counts, (values, targets), 1)
    return counts


def account_records(
    values: NDArray[np.int64],
    is_right: NDArray[np.bool_],
    account_count: int,
) -> tuple[Numbers, Numbers, float]:
    """Count right answers and all answers of each account.

    Returns them and the mean of all.
    """
    correct = np.bincount(values, weights=is_right.astype(np.float64), minlength=account_count)
    total: Numbers = np.bincount(values, minlength=account_count).astype(np.float64)
    return correct.astype(np.float64), total, float(is_right.mean())


def shrink_record(correct: Numbers, total: Numbers, mean: float) -> Numbers:
    """Pull records of few answers to the mean of all."""
    return (correct + PRIOR_CASES * mean) / (total + PRIOR_CASES)


def make_account_table(
    choice: AccountChoice,
    facts: Sequence[ScalarMapping],
    days: Numbers,
    trial: ScoreHistory,
    *,
    shares: Numbers,
    is_right: NDArray[np.bool_],
) -> AccountTable:
    """Gather what all precedents say of each account.

    ``shares`` are those before accounts, ``is_right`` tells of the answers after them.
    """
    row_values = choice.values[trial.rows]
    residuals = _residuals(
        choice, days, trial.rows, surprises=_surprises(trial, shares), today=days[-1]
    )
    counts = count_labels(choice.values, trial.targets, len(trial.labels))
    totals = counts.sum(axis=1)
    correct, row_totals, mean = account_records(row_values, is_right, len(totals))
    keys = np.array([value_key(one.get(choice.fact)) for one in facts], np.int64)
    return AccountTable(
        fact=choice.fact,
        keys=np.unique(keys),
        residuals=residuals,
        totals=totals,
        commonest_shares=counts.max(axis=1) / np.maximum(totals, 1),
        records=shrink_record(correct, row_totals, mean),
        mean_record=mean,
    )


def _surprises(trial: ScoreHistory, shares: Numbers) -> Numbers:
    """Return how far what happened was from what was expected."""
    truth: Numbers = np.eye(len(trial.labels))[trial.row_targets]
    return truth - shares


def _residuals(
    choice: AccountChoice,
    days: Numbers,
    rows: NDArray[np.int64],
    *,
    surprises: Numbers,
    today: float,
) -> Numbers:
    """Return each account's mean surprise; old ones count less.

    Accounts of few cases are pulled to none.
    """
    account_count = int(choice.values.max(initial=0)) + 1
    weights = 0.5 ** (np.maximum(today - days[rows], 0) / choice.half_life)
    sums = np.zeros((account_count, surprises.shape[1]))
    np.add.at(sums, choice.values[rows], surprises * weights[:, None])
    totals = np.bincount(choice.values[rows], weights=weights, minlength=account_count)
    return np.asarray(sums / (totals + PRIOR_CASES)[:, None])


def _losses(shares: Numbers, trial: ScoreHistory) -> Numbers:
    targets = trial.row_targets
    return np.asarray(-np.log(shares[np.arange(len(targets)), targets]))
