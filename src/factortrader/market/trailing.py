"""Trailing sums whose value depends, bit for bit, on their window only (R11).

What the universe asks of its window; factors have more of it in their operators.
"""

from __future__ import annotations

import numpy as np

from factortrader.market.doubling import Span, State, fold
from factortrader.units import BoolArray, FloatArray, IntArray


def trailing_sum(values: FloatArray, *, window_bars: int) -> FloatArray:
    """Sum over the last `window_bars` rows, the row itself included.

    values: (bars, assets), oldest first. Rows before the first one count as zero; a
    NaN makes every window that holds it NaN. Returns the same shape.
    Raises ValueError unless window_bars ≥ 1.
    """
    if window_bars < 1:
        raise ValueError(f"window_bars must be at least 1, got {window_bars}")
    return fold(Span(1, 1.0, (values,)), window_bars, _added).state[0]


def _added(older: Span, newer: Span) -> State:
    return (older.state[0] + newer.state[0],)


def trailing_count(mask: BoolArray, *, window_bars: int) -> IntArray:
    """How many of the last `window_bars` rows are true; (bars, assets)."""
    counts = trailing_sum(mask.astype(np.float64), window_bars=window_bars)
    return counts.astype(np.int64)


def trailing_mean(
    values: FloatArray, *, window_bars: int, min_bars: int = 1
) -> FloatArray:
    """Mean of the finite entries of the last `window_bars` rows.

    values: (bars, assets). NaN where fewer than `min_bars` entries are finite.
    Raises ValueError unless 1 ≤ min_bars ≤ window_bars.
    """
    if not 1 <= min_bars <= window_bars:
        raise ValueError(f"min_bars must lie in [1, {window_bars}], got {min_bars}")
    finite = np.isfinite(values)
    total = trailing_sum(np.where(finite, values, 0.0), window_bars=window_bars)
    count = trailing_count(finite, window_bars=window_bars)
    return np.where(count >= min_bars, total / np.maximum(count, 1), np.nan)


def last_known(values: FloatArray, *, max_gap_bars: int) -> FloatArray:
    """The newest finite entry of the row and the `max_gap_bars` rows before it."""
    known = np.where(np.isfinite(values), values, np.nan)
    for gap_bars in range(1, max_gap_bars + 1):
        older = _delayed(values, gap_bars, before=np.nan)
        known = np.where(np.isnan(known) & np.isfinite(older), older, known)
    return known


def _delayed(values: FloatArray, bars: int, *, before: float = 0.0) -> FloatArray:
    if bars == 0:
        return values
    delayed = np.full_like(values, before)
    delayed[bars:] = values[:-bars]
    return delayed
