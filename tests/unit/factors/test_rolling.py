"""Operators along time against pandas and against loops."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from factortrader.factors import operators as op

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(5.0, 2.0, (160, 7))
X[RANDOM.random(X.shape) < 0.08] = np.nan
X[:30, 3] = np.nan
Y = RANDOM.normal(0.0, 1.0, X.shape) + 0.5 * np.nan_to_num(X)
WINDOWS = [(1, None), (2, None), (3, None), (21, None), (64, None), (21, 5), (100, 30)]
STATISTICS = ["sum", "mean", "min", "max", "median", "std", "skew"]
LEAST = {"std": 2, "skew": 3}


@pytest.mark.parametrize(("window", "min_periods"), WINDOWS)
@pytest.mark.parametrize("name", STATISTICS)
def test_rolling_statistics_are_those_of_pandas(
    name: str, window: int, min_periods: int | None
) -> None:
    """Sums, extremes, medians and moments equal pandas to 1e-9, gaps included."""
    if window < LEAST.get(name, 1):
        with pytest.raises(ValueError, match="window must be"):
            getattr(op, f"rolling_{name}")(X, window)
        return
    expected = getattr(pd.DataFrame(X).rolling(window, min_periods=min_periods), name)()

    found = getattr(op, f"rolling_{name}")(X, window, min_periods=min_periods)

    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("window", "min_periods"), WINDOWS[1:])
def test_correlation_and_beta_are_those_of_pandas(
    window: int, min_periods: int | None
) -> None:
    """Both count the rows where both series are finite."""
    x, y = pd.DataFrame(X), pd.DataFrame(Y)
    rolling = x.rolling(window, min_periods=min_periods)
    slope = y.where(x.notna()).rolling(window, min_periods=min_periods).cov(x)

    np.testing.assert_allclose(
        op.rolling_corr(X, Y, window, min_periods=min_periods),
        rolling.corr(y),
        rtol=1e-9,
        atol=1e-9,
    )
    np.testing.assert_allclose(
        op.rolling_beta(Y, X, window, min_periods=min_periods),
        slope / rolling.var(),
        rtol=1e-9,
        atol=1e-9,
    )


def test_one_series_stands_against_every_asset() -> None:
    """A market of shape (bars, 1) is the other side of every asset's beta."""
    market = Y[:, :1]

    beta = op.rolling_beta(X, market, 20)

    same = op.rolling_beta(X, np.repeat(market, X.shape[1], axis=1), 20)
    np.testing.assert_array_equal(beta, same)


def test_the_mad_is_about_the_median_of_the_same_window() -> None:
    """Against a loop: moving centers would be another statistic."""
    window = 21
    found = op.rolling_mad(X, window)
    robust = op.rolling_robust_zscore(X, window)

    for row in range(window - 1, len(X)):
        for asset in range(X.shape[1]):
            part = X[row + 1 - window : row + 1, asset]
            center = np.median(part)
            mad = np.median(np.abs(part - center))
            np.testing.assert_allclose(found[row, asset], mad, rtol=1e-12)
            expected = (part[-1] - center) / (1.4826 * mad)
            np.testing.assert_allclose(robust[row, asset], expected, rtol=1e-12)


def test_the_robust_z_of_normal_values_has_a_deviation_near_one() -> None:
    """The factor 1.4826 makes the MAD a standard deviation."""
    normal = np.random.default_rng(0).normal(size=(1000, 8))

    assert np.nanstd(op.rolling_robust_zscore(normal, 252)) == pytest.approx(
        1, abs=0.05
    )


def test_the_zscore_is_that_of_its_window() -> None:
    """(x − mean) / std of the window that includes x, clipped only when asked."""
    rolling = pd.DataFrame(X).rolling(30, min_periods=10)
    expected = ((X - rolling.mean()) / rolling.std()).to_numpy()

    found = op.rolling_zscore(X, 30, min_periods=10)
    clipped = op.rolling_zscore(X, 30, min_periods=10, clip=1.0)

    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(clipped, np.clip(found, -1.0, 1.0))
    assert np.nanmax(np.abs(found)) > 1.0


@pytest.mark.parametrize("half_life_bars", [0.5, 3.0, 10.0])
def test_the_exponential_mean_weighs_exactly_its_rows(half_life_bars: float) -> None:
    """Against a loop over L rows with renormalized weights and gaps left out."""
    rows = op.ewm_rows(half_life_bars)
    weights = 0.5 ** (np.arange(rows) / half_life_bars)

    found = op.ewm(X, half_life_bars=half_life_bars, min_periods=1)

    for row in range(len(X)):
        part = X[max(row + 1 - rows, 0) : row + 1][::-1]
        seen = np.isfinite(part)
        used = weights[: len(part), None] * seen
        with np.errstate(invalid="ignore"):
            expected = (used * np.nan_to_num(part)).sum(axis=0) / used.sum(axis=0)
        np.testing.assert_allclose(found[row], expected, rtol=1e-9)


@pytest.mark.parametrize("half_life_bars", [0.3, 1.0, 7.0, 90.0])
def test_the_exponential_rows_leave_out_less_than_a_millionth(
    half_life_bars: float,
) -> None:
    """The residual weight is below 1e-6 with L rows and not with one row less."""
    rows = op.ewm_rows(half_life_bars)

    assert 0.5 ** (rows / half_life_bars) < 1e-6 <= 0.5 ** ((rows - 1) / half_life_bars)


def test_a_constant_window_has_no_deviation_at_all() -> None:
    """Exactly 0, at any level: no cancellation. What divides by it is NaN."""
    flat = np.full((40, 1), 0.1) * [[1.0, 1e-12, 1e15]]
    other = RANDOM.normal(size=flat.shape)

    np.testing.assert_array_equal(op.rolling_std(flat, 11)[10:], 0.0)
    np.testing.assert_array_equal(op.rolling_mad(flat, 11)[10:], 0.0)
    np.testing.assert_array_equal(op.rolling_mean(flat, 11, min_periods=3)[:2], np.nan)
    for undefined in (
        op.rolling_zscore(flat, 11),
        op.rolling_robust_zscore(flat, 11),
        op.rolling_skew(flat, 11),
        op.rolling_corr(flat, other, 11),
        op.rolling_beta(other, flat, 11),
    ):
        assert np.isnan(undefined).all()


def test_a_small_deviation_at_a_high_level_is_kept() -> None:
    """1e6 ± 1e-3: with sums of squares not one digit would be right."""
    small = RANDOM.normal(0.0, 1e-3, (50, 1))
    exact = op.rolling_std((1e6 + small) - 1e6, 20)

    np.testing.assert_allclose(op.rolling_std(1e6 + small, 20), exact, rtol=1e-6)


def test_an_infinity_is_a_missing_value() -> None:
    """No operator passes an infinity on."""
    x = X.copy()
    x[50] = np.inf
    gap = X.copy()
    gap[50] = np.nan

    for name in STATISTICS:
        operator = getattr(op, f"rolling_{name}")
        for min_periods in (None, 4):
            np.testing.assert_array_equal(
                operator(x, 8, min_periods=min_periods),
                operator(gap, 8, min_periods=min_periods),
            )


def test_delay_returns_and_differences_look_back() -> None:
    """Rows are shifted down; what has no earlier row is NaN."""
    x = np.array([[1.0], [2.0], [0.0], [6.0]])

    np.testing.assert_array_equal(op.delay(x, 1), [[np.nan], [1.0], [2.0], [0.0]])
    np.testing.assert_array_equal(op.delay(x, 9), np.full((4, 1), np.nan))
    np.testing.assert_array_equal(op.difference(x), [[np.nan], [1.0], [-2.0], [6.0]])
    np.testing.assert_array_equal(op.returns(x), [[np.nan], [1.0], [-1.0], [np.nan]])
    np.testing.assert_array_equal(op.log(x)[:3], [[0.0], [math.log(2.0)], [np.nan]])


def test_the_future_and_impossible_windows_are_refused() -> None:
    """Settings that make no sense raise and name themselves."""
    for call, words in (
        (lambda: op.delay(X, -1), "bars must be ≥ 0"),
        (lambda: op.returns(X, bars=0), "bars must be ≥ 1"),
        (lambda: op.rolling_sum(X, 0), "window must be ≥ 1"),
        (lambda: op.rolling_mean(X, 5, min_periods=6), "min_periods must lie"),
        (lambda: op.rolling_std(X, 5, min_periods=1), "min_periods must lie"),
        (lambda: op.ewm(X, half_life_bars=0.0), "half_life_bars must be positive"),
        (lambda: op.ewm(X, half_life_bars=math.inf), "half_life_bars must be"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_a_panel_shorter_than_the_window_has_no_values() -> None:
    """Fewer rows than needed give NaN, not an error; no rows give no rows."""
    for name in STATISTICS:
        operator = getattr(op, f"rolling_{name}")
        assert np.isnan(operator(X[:5], 8)).all()
        assert operator(X[:0], 8).shape == (0, 7)
        assert operator(X[:, :0], 8).shape == (160, 0)
