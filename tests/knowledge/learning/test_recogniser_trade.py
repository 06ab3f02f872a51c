"""The trade of recognition: its sums, and its arrays in the file."""

import numpy as np
import pytest

from knowledge.learning.recogniser_trade import KindTrade, RecognitionTrade

TRADE = RecognitionTrade(
    thresholds=(0.2, 0.4, 0.6),
    strangers=10,
    stranger_share=0.05,
    kinds=(
        KindTrade(kind="late", examples=12, own=8, own_named=(8, 6, 4), strangers_named=(3, 1, 0)),
        KindTrade(
            kind="low_stock", examples=9, own=2, own_named=(2, 2, 1), strangers_named=(3, 2, 0)
        ),
    ),
)


def test_shares_are_over_the_texts_of_all_kinds():
    assert TRADE.own_shares == (1.0, 0.8, 0.5)
    assert TRADE.caught_shares == (0.4, 0.7, 1.0)


def test_without_kinds_nothing_is_named():
    nothing = RecognitionTrade(thresholds=(1, 1, 1), strangers=0, stranger_share=0.05, kinds=())
    assert (nothing.own_shares, nothing.caught_shares) == ((0, 0, 0), (1, 1, 1))
    assert RecognitionTrade.from_arrays(nothing.to_arrays()) == nothing


def test_it_is_the_same_after_its_arrays():
    assert RecognitionTrade.from_arrays(TRADE.to_arrays()) == TRADE


@pytest.mark.parametrize("array", ["examples", "own", "own_named", "strangers_named", "thresholds"])
def test_arrays_that_do_not_fit_are_refused(array):
    arrays = TRADE.to_arrays() | {f"recogniser.trade.{array}": np.zeros((1, 1), np.int64)}
    with pytest.raises(ValueError, match="trade of recognition"):
        RecognitionTrade.from_arrays(arrays)
