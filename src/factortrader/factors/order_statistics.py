"""Rolling medians and the exact median absolute deviation (R11: order-free).

Missing values as in `rolling.py`: by default every row of the window must be finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from factortrader.factors.rolling import needed_rows
from factortrader.units import FloatArray

MAD_TO_STD: Final = 1.4826
"""MAD × this estimates the standard deviation of normal values."""

_BLOCK_ELEMENTS: Final = 131_072
"""Elements of a block of windows that is laid out at once: bounds the memory."""


def rolling_median(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Median of the finite values among the last `window` rows."""
    return _over_windows(
        lambda windows: median_of_rows(windows)[:, 0],
        x,
        window,
        needed=needed_rows(window, min_periods),
    )


def rolling_mad(
    x: FloatArray, window: int, *, min_periods: int | None = None
) -> FloatArray:
    """Median of |x − median of the same window|, not scaled; the center is exact."""
    return _over_windows(
        lambda windows: _center_and_spread(windows)[1],
        x,
        window,
        needed=needed_rows(window, min_periods),
    )


def rolling_robust_zscore(
    x: FloatArray,
    window: int,
    *,
    min_periods: int | None = None,
    clip: float = math.inf,
) -> FloatArray:
    """(x[t] − median) / (1.4826 · MAD) of the last `window` rows, t included.

    NaN where x[t] is missing or the MAD is 0. Clipped to ±clip.
    """

    def score(windows: FloatArray) -> FloatArray:
        newest = windows[:, -1].copy()
        center, spread = _center_and_spread(windows)
        value = (newest - center) / (MAD_TO_STD * spread)
        return np.where(spread > 0.0, np.clip(value, -clip, clip), np.nan)

    return _over_windows(score, x, window, needed=needed_rows(window, min_periods))


def median_of_rows(rows: FloatArray) -> FloatArray:
    """Median of the non-NaN entries of each row, shape (n, 1); reorders `rows`.

    NaN for a row without entries. At least one column.
    """
    count = np.count_nonzero(~np.isnan(rows), axis=1)
    # NaN sorts last, so the entries of an ordered row stand first.
    if len(count) and (count == count[0]).all():
        return _median_of_full(rows, int(count[0]))
    rows.sort(axis=1)
    low = np.maximum(count - 1, 0) // 2
    high = np.maximum(np.minimum(count // 2, count - 1), 0)
    low_value = np.take_along_axis(rows, low[:, None], axis=1)
    high_value = np.take_along_axis(rows, high[:, None], axis=1)
    middle = (low_value + high_value) * 0.5
    return np.where(low[:, None] == high[:, None], low_value, middle)


def _median_of_full(rows: FloatArray, count: int) -> FloatArray:
    """The median where all rows have `count` entries: a partition will do."""
    high = min(count // 2, rows.shape[1] - 1)
    rows.partition(high, axis=1)
    middle: FloatArray = rows[:, high : high + 1].copy()
    if count % 2 == 0 and count:
        # Far faster than a partition at two places, and the same value.
        middle = (rows[:, :high].max(axis=1, keepdims=True) + middle) * 0.5
    return middle


def _center_and_spread(windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    center = median_of_rows(windows)
    np.abs(np.subtract(windows, center, out=windows), out=windows)
    return center[:, 0], median_of_rows(windows)[:, 0]


def _over_windows(
    compute: Callable[[FloatArray], FloatArray],
    x: FloatArray,
    window: int,
    *,
    needed: int,
) -> FloatArray:
    """`compute` on blocks of complete enough windows, each block a private copy."""
    bars, assets = x.shape
    out = np.full((bars, assets), np.nan)
    if bars == 0:
        return out
    padded = np.full((assets, window - 1 + bars), np.nan)
    padded[:, window - 1 :] = (np.where(np.isfinite(x), x, np.nan) + 0.0).T
    block = max(1, _BLOCK_ELEMENTS // window)
    for asset in range(assets):
        column = padded[asset]
        known = np.concatenate([[0], np.cumsum(np.isfinite(column))])
        ends = np.flatnonzero(known[window:] - known[:-window] >= needed)
        windows = sliding_window_view(column, window)
        with np.errstate(all="ignore"):
            for start in range(0, len(ends), block):
                chosen = ends[start : start + block]
                out[chosen, asset] = compute(windows[chosen])
    return out
