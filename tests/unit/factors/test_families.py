"""Each factor by hand: the formula, the sign, the gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from factortrader.factors.carry import carry
from factortrader.factors.liquidity import amihud_illiquidity
from factortrader.factors.momentum import momentum
from factortrader.factors.reversal import short_term_reversal
from factortrader.factors.size import small_size
from factortrader.factors.volatility import low_volatility

CLOSE = np.array([[100.0], [110.0], [99.0], [148.5], [np.nan], [100.0]])


def test_momentum_is_the_return_up_to_the_skipped_bars() -> None:
    """close[t − 1] / close[t − 3] − 1; NaN where either end is missing."""
    score = momentum(CLOSE, lookback_bars=3, skip_bars=1)[:, 0]

    np.testing.assert_allclose(
        score, [np.nan, np.nan, np.nan, 99 / 100 - 1, 148.5 / 110 - 1, np.nan]
    )


def test_momentum_refuses_to_skip_the_whole_lookback() -> None:
    """There would be no return left."""
    with pytest.raises(ValueError, match="skip_bars must lie"):
        momentum(CLOSE, lookback_bars=3, skip_bars=3)


def test_reversal_scores_the_loser_highest() -> None:
    """Minus the return of the lookback."""
    score = short_term_reversal(CLOSE, lookback_bars=2)[:, 0]

    np.testing.assert_allclose(
        score, [np.nan, np.nan, 0.01, -0.35, np.nan, 1 - 100 / 148.5]
    )


def test_low_volatility_is_minus_the_deviation_of_returns() -> None:
    """Over the lookback's returns, ddof 1, per bar."""
    score = low_volatility(CLOSE, lookback_bars=3)[:, 0]

    assert score[3] == pytest.approx(-np.std([0.1, -0.1, 0.5], ddof=1))
    assert np.isnan(score[[0, 1, 2, 4, 5]]).all()


def test_illiquidity_is_the_mean_move_per_traded_unit() -> None:
    """|return| / quote volume, averaged; a bar without volume leaves a gap."""
    volume = np.array([[1.0], [1e6], [2e6], [0.0], [1.0], [1.0]])

    score = amihud_illiquidity(CLOSE, volume, lookback_bars=2)[:, 0]

    assert score[2] == pytest.approx((0.1 / 1e6 + 0.1 / 2e6) / 2)
    assert np.isnan(score[[0, 1, 3, 4, 5]]).all()


def test_small_size_scores_the_smallest_highest() -> None:
    """Minus the logarithm; a capitalization of 0 is unknown."""
    score = small_size(np.array([[1e9, 1e6, 0.0, np.nan]]))[0]

    assert score[0] == -math.log(1e9)
    assert score[1] > score[0]
    assert np.isnan(score[2:]).all()


def test_carry_is_what_a_long_receives() -> None:
    """Minus the mean funding that longs pay."""
    score = carry(np.array([[0.01], [0.03], [-0.05]]), lookback_bars=2)[:, 0]

    np.testing.assert_allclose(score, [np.nan, -0.02, 0.01])
