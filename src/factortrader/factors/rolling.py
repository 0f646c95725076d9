"""Operators along time: (bars, assets) in, (bars, assets) out, oldest row first.

Every value at row t is a function of exactly the rows it declares, in an order of
operations fixed by the window (R11). One rule for missing values everywhere: an
infinity is NaN; rows before the first are NaN; by default *all* rows of the window
must be finite, `min_periods` lowers that to a count of finite rows. Sums run over the
finite rows only.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from factortrader.market.doubling import Span, State, by_column_chunks, fold
from factortrader.units import FloatArray

EWM_RESIDUAL: Final = 1e-6
"""Share of an exponential weighting's total weight that `ewm` leaves out at most."""


# --- rows ---------------------------------------------------------------------


def delay(x: FloatArray, bars: int) -> FloatArray:
    """The value `bars` rows earlier, whatever it is; NaN in the first `bars` rows.

    Raises ValueError for bars < 0: that would be the future.
    """
    if bars < 0:
        raise ValueError(f"delay looks back, so bars must be ≥ 0, got {bars}")
    earlier = np.full(x.shape, np.nan)
    earlier[bars:] = x[: max(len(x) - bars, 0)]
    return earlier


def difference(x: FloatArray, *, bars: int = 1) -> FloatArray:
    """x[t] − x[t − bars]; NaN where either end is missing."""
    with np.errstate(all="ignore"):
        return _finite(x - delay(x, _at_least(bars, 1, "bars")))


def returns(x: FloatArray, *, bars: int = 1) -> FloatArray:
    """x[t] / x[t − bars] − 1, unitless; NaN where either end is missing or the base 0."""
    with np.errstate(all="ignore"):
        return _finite(x / delay(x, _at_least(bars, 1, "bars")) - 1.0)


def log(x: FloatArray) -> FloatArray:
    """The natural logarithm; NaN where x ≤ 0.

    On a contiguous copy: NumPy may take another kernel, with other last bits, for
    strided input.
    """
    with np.errstate(all="ignore"):
        return _finite(np.log(np.ascontiguousarray(x)))


# --- sums ---------------------------------------------------------------------


def rolling_sum(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Sum of the finite values among the last `window` rows."""
    needed = needed_rows(window, min_periods)

    def compute(x: FloatArray) -> FloatArray:
        span = fold(_counted(needed, window, x), window, _add)
        return _answer(span.state[0], span, needed)

    return by_column_chunks(compute, x)


def rolling_mean(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Mean of the finite values among the last `window` rows."""
    needed = needed_rows(window, min_periods)

    def compute(x: FloatArray) -> FloatArray:
        span = fold(_counted(needed, window, x), window, _add)
        return _answer(span.state[0] / span.count, span, needed)

    return by_column_chunks(compute, x)


def ewm_rows(half_life_bars: float) -> int:
    """Rows of an exponential weighting that leave out less than `EWM_RESIDUAL`.

    The weight of the rows from L on is 0.5^(L / half_life) of the total.
    """
    if not 0.0 < half_life_bars < math.inf:
        raise ValueError(f"half_life_bars must be positive, got {half_life_bars}")
    return max(1, math.floor(-half_life_bars * math.log2(EWM_RESIDUAL)) + 1)


def ewm(
    x: FloatArray, *, half_life_bars: float, min_periods: int | None = None
) -> FloatArray:
    """Exponentially weighted mean over exactly L = ewm_rows(half_life_bars) rows.

    Σ_i λ^i x[t − i] / Σ_i λ^i over the finite rows i < L, λ = 0.5^(1 / half_life):
    the weights are renormalized, so that a constant stays what it is.
    """
    window = ewm_rows(half_life_bars)
    needed = needed_rows(window, min_periods)

    def merge(older: Span, newer: Span) -> State:
        faded = 0.5 ** (newer.rows / half_life_bars)
        return tuple(
            new + faded * old for old, new in zip(older.state, newer.state, strict=True)
        )

    def compute(x: FloatArray) -> FloatArray:
        seen = np.isfinite(x)
        weights = seen.astype(np.float64)
        leaf = Span(1, weights, (np.where(seen, x, 0.0), weights))
        span = fold(leaf, window, merge)
        return _answer(span.state[0] / span.state[1], span, needed)

    return by_column_chunks(compute, x)


def rolling_min(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Smallest finite value among the last `window` rows."""
    return 0.0 - rolling_max(-x, window, min_periods=min_periods)


def rolling_max(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Largest finite value among the last `window` rows."""
    needed = needed_rows(window, min_periods)

    def merge(older: Span, newer: Span) -> State:
        return (np.maximum(older.state[0], newer.state[0]),)

    def compute(x: FloatArray) -> FloatArray:
        leaf = _counted(needed, window, x, missing=-np.inf)
        span = fold(leaf, window, merge)
        return _answer(span.state[0], span, needed)

    return by_column_chunks(compute, x)


# --- moments ------------------------------------------------------------------


def rolling_std(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Sample standard deviation (ddof 1) of the last `window` rows.

    By Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance",
    The American Statistician 37(3): no cancellation, a constant window gives exactly 0.
    """
    needed = needed_rows(window, min_periods, least=2)

    def compute(x: FloatArray) -> FloatArray:
        span = fold(_counted(needed, window, x, moments=1), window, _add_moments)
        return _answer(np.sqrt(span.state[1] / (span.count - 1.0)), span, needed)

    return by_column_chunks(compute, x)


def rolling_zscore(
    x: FloatArray,
    window: int,
    *,
    min_periods: int | None = None,
    clip: float = math.inf,
) -> FloatArray:
    """(x[t] − mean) / std of the last `window` rows, t included; std with ddof 1.

    NaN where x[t] is missing or the window is constant. Clipped to ±clip.
    """
    needed = needed_rows(window, min_periods, least=2)

    def compute(x: FloatArray) -> FloatArray:
        span = fold(_counted(needed, window, x, moments=1), window, _add_moments)
        mean, squares = span.state
        score = (x - mean) / np.sqrt(squares / (span.count - 1.0))
        return np.clip(_answer(score, span, needed), -clip, clip)

    return by_column_chunks(compute, x)


def rolling_skew(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Bias-adjusted sample skewness G1 of the last `window` rows; NaN if constant.

    G1 = √(n(n − 1)) / (n − 2) · g1, g1 = √n · M3 / M2^1.5. Moments are merged by
    Pébay (2008), "Formulas for robust, one-pass parallel computation of covariances
    and arbitrary-order statistical moments", Sandia SAND2008-6212.
    """
    needed = needed_rows(window, min_periods, least=3)

    def compute(x: FloatArray) -> FloatArray:
        span = fold(_counted(needed, window, x, moments=2), window, _add_skew)
        _, squares, cubes = span.state
        count = span.count
        population = np.sqrt(count) * cubes / (squares * np.sqrt(squares))
        adjusted = population * np.sqrt(count * (count - 1.0)) / (count - 2.0)
        return _answer(adjusted, span, needed)

    return by_column_chunks(compute, x)


def rolling_corr(
    x: FloatArray, y: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Pearson correlation of x and y over the last `window` rows, in [−1, 1].

    x, y: (bars, assets); y may be (bars, 1), one series against every asset. A row
    counts where both are finite. NaN where either is constant.
    """
    needed = needed_rows(window, min_periods, least=2)

    def compute(x: FloatArray, y: FloatArray) -> FloatArray:
        span = fold(_paired(x, y, needed=needed, window=window), window, _add_products)
        _, _, of_x, of_y, of_both = span.state
        value = of_both / (np.sqrt(of_x) * np.sqrt(of_y))
        return np.clip(_answer(value, span, needed), -1.0, 1.0)

    return by_column_chunks(compute, *np.broadcast_arrays(x, y))


def rolling_beta(
    y: FloatArray, x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Slope of the regression of y on x (with intercept) over the last `window` rows.

    Cov(x, y) / Var(x); units of y per unit of x. Shapes and NaN rule as
    `rolling_corr`; NaN where x is constant.
    """
    needed = needed_rows(window, min_periods, least=2)

    def compute(x: FloatArray, y: FloatArray) -> FloatArray:
        span = fold(_paired(x, y, needed=needed, window=window), window, _add_products)
        _, _, of_x, _, of_both = span.state
        return _answer(of_both / of_x, span, needed)

    return by_column_chunks(compute, *np.broadcast_arrays(x, y))


# --- leaves, merges, answers --------------------------------------------------


def _counted(
    needed: int, window: int, x: FloatArray, *, missing: float = 0.0, moments: int = 0
) -> Span:
    """Single rows: the value, and `moments` sums of powers of deviations, all zero.

    Where every row is needed a missing one stays NaN and spoils its windows by
    itself; otherwise it becomes `missing` and is not counted. Which of the two
    depends on the settings only, never on the values: that would not be window-local.
    """
    seen = np.isfinite(x)
    powers = (np.zeros(x.shape),) * moments
    if needed == window:
        return Span(1, 1.0, (np.where(seen, x, np.nan), *powers))
    return Span(1, seen.astype(np.float64), (np.where(seen, x, missing), *powers))


def _paired(x: FloatArray, y: FloatArray, *, needed: int, window: int) -> Span:
    both = np.isfinite(x) & np.isfinite(y)
    missing = np.nan if needed == window else 0.0
    zeros = np.zeros(x.shape)
    return Span(
        1,
        1.0 if needed == window else both.astype(np.float64),
        (
            np.where(both, x, missing),
            np.where(both, y, missing),
            zeros,
            zeros,
            zeros,
        ),
    )


def _add(older: Span, newer: Span) -> State:
    return (older.state[0] + newer.state[0],)


def _add_moments(older: Span, newer: Span) -> State:
    mean, squares = older.state
    newer_mean, newer_squares = newer.state
    share = newer.count / np.maximum(older.count + newer.count, 1.0)
    gap = newer_mean - mean
    squares = squares + newer_squares + gap * gap * (older.count * share)
    return mean + gap * share, squares


def _add_skew(older: Span, newer: Span) -> State:
    mean, squares, cubes = older.state
    _, newer_squares, newer_cubes = newer.state
    total = np.maximum(older.count + newer.count, 1.0)
    gap = newer.state[0] - mean
    share, rest = newer.count / total, older.count / total
    weight = older.count * share
    cubes = (
        cubes
        + newer_cubes
        + gap * gap * gap * (weight * (rest - share))
        + 3.0 * gap * (rest * newer_squares - share * squares)
    )
    return mean + gap * share, squares + newer_squares + gap * gap * weight, cubes


def _add_products(older: Span, newer: Span) -> State:
    x, y, of_x, of_y, of_both = older.state
    share = newer.count / np.maximum(older.count + newer.count, 1.0)
    weight = older.count * share
    gap_x, gap_y = newer.state[0] - x, newer.state[1] - y
    return (
        x + gap_x * share,
        y + gap_y * share,
        of_x + newer.state[2] + gap_x * gap_x * weight,
        of_y + newer.state[3] + gap_y * gap_y * weight,
        of_both + newer.state[4] + gap_x * gap_y * weight,
    )


def _answer(value: FloatArray, span: Span, needed: int) -> FloatArray:
    """The value where enough rows were finite and it is a number, else NaN."""
    value = _finite(value)
    if isinstance(span.count, np.ndarray):
        value[span.count < needed] = np.nan
    else:
        value[: span.rows - 1] = np.nan
    return value


def _finite(x: FloatArray) -> FloatArray:
    return np.where(np.isfinite(x), x, np.nan)


def needed_rows(window: int, min_periods: int | None, *, least: int = 1) -> int:
    _at_least(window, least, "window")
    needed = window if min_periods is None else min_periods
    if not least <= needed <= window:
        raise ValueError(f"min_periods must lie in [{least}, {window}], got {needed}")
    return needed


def _at_least(number: int, least: int, name: str) -> int:
    if number < least:
        raise ValueError(f"{name} must be ≥ {least}, got {number}")
    return number
