"""Operators across assets: each row by itself, (bars, assets) in and out.

A row's entries are gathered first: those that are finite and, with `where`, eligible,
in column order (columns are append-only stable ids). Everything else is NaN in the
result, and an absent or dead column cannot change a bit: sums run over the gathered
entries as a binary tree, which does not see how far a row is padded (R11).

Fewer than two entries, or entries that are all equal, express no view: NaN, never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from factortrader.factors.order_statistics import MAD_TO_STD, median_of_rows
from factortrader.units import BoolArray, FloatArray, IntArray

Z_LIMIT: Final = 3.0
"""Standardized scores end at ± this."""

TAIL: Final = 0.05
"""Share of a row beyond each of the two winsorizing quantiles."""


def rank(x: FloatArray, *, where: BoolArray | None = None) -> FloatArray:
    """Percentile of the row minus a half: (r − 1) / (n − 1) − 1/2, in [−1/2, 1/2].

    r = 1 is the smallest of n. Equal values rank in column order, so that a rank
    never depends on how a sort breaks ties.
    """
    rows = _gathered(x, where)
    order = _stable_order(rows.values)
    place = np.empty(order.shape)
    ordinal = np.broadcast_to(np.arange(order.shape[1], dtype=np.float64), order.shape)
    np.put_along_axis(place, order, ordinal, axis=1)
    return rows.spread_out(place / np.maximum(rows.count - 1, 1) - 0.5)


def demean(x: FloatArray, *, where: BoolArray | None = None) -> FloatArray:
    """x − mean of the row."""
    rows = _gathered(x, where)
    return rows.spread_out(rows.values - _mean(rows))


def zscore(
    x: FloatArray, *, where: BoolArray | None = None, clip: float = math.inf
) -> FloatArray:
    """(x − mean) / std of the row, std with ddof 1; clipped to ±clip."""
    return _standardized(_gathered(x, where), clip)


def winsorized_zscore(
    x: FloatArray,
    *,
    where: BoolArray | None = None,
    tail: float = TAIL,
    clip: float = Z_LIMIT,
) -> FloatArray:
    """Clip at the row's `tail` and 1 − `tail` quantiles, *then* (x − mean) / std.

    Quantiles interpolate linearly between order statistics; std has ddof 1; the
    scores end at ±clip. Raises ValueError unless 0 ≤ tail < 1/2.
    """
    if not 0.0 <= tail < 0.5:
        raise ValueError(f"tail must lie in [0, 0.5), got {tail}")
    rows = _gathered(x, where)
    ascending = np.sort(rows.values, axis=1)
    low = _quantile(ascending, rows.count, tail)
    high = _quantile(ascending, rows.count, 1.0 - tail)
    return _standardized(rows.with_values(np.clip(rows.values, low, high)), clip)


def robust_zscore(
    x: FloatArray, *, where: BoolArray | None = None, clip: float = Z_LIMIT
) -> FloatArray:
    """(x − median) / (1.4826 · MAD) of the row, clipped to ±clip; NaN if the MAD is 0.

    The MAD is the median of |x − median| of the same entries.
    """
    rows = _gathered(x, where)
    if rows.values.shape[1] == 0:
        return rows.spread_out(rows.values)
    gap = rows.values - median_of_rows(rows.values.copy())
    spread = MAD_TO_STD * median_of_rows(np.abs(gap))
    with np.errstate(all="ignore"):
        score = np.where(spread > 0.0, gap / spread, np.nan)
    return rows.spread_out(np.clip(score, -clip, clip))


# --- gathering ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rows:
    """The entries of each row that count, left-packed.

    taken: (bars, assets), which entries they are. values: (bars, widest row), in
    column order, padded with NaN. count: (bars, 1), entries per row.
    """

    taken: BoolArray
    values: FloatArray
    count: IntArray

    @property
    def filled(self) -> BoolArray:
        """Which of `values` are entries, not padding."""
        return np.arange(self.values.shape[1]) < self.count

    def with_values(self, values: FloatArray) -> _Rows:
        return _Rows(self.taken, values, self.count)

    def spread_out(self, packed: FloatArray) -> FloatArray:
        """Back to (bars, assets): row-major order is the same on both sides."""
        speaks = self.filled & ~self._silent()
        result = np.full(self.taken.shape, np.nan)
        result[self.taken] = np.where(speaks, packed, np.nan)[self.filled]
        return result

    def _silent(self) -> BoolArray:
        """Rows, shape (bars, 1), with fewer than two different entries."""
        if self.values.shape[1] == 0:
            return np.ones(self.count.shape, dtype=np.bool_)
        smallest = np.fmin.reduce(self.values, axis=1, keepdims=True)
        largest = np.fmax.reduce(self.values, axis=1, keepdims=True)
        return ~(smallest < largest)


def _gathered(x: FloatArray, where: BoolArray | None) -> _Rows:
    taken = np.isfinite(x)
    if where is not None:
        taken &= where
    count = np.count_nonzero(taken, axis=1)[:, None].astype(np.int64)
    widest = int(count.max(initial=0))
    values = np.full((len(x), widest), np.nan)
    values[np.arange(widest) < count] = x[taken] + 0.0  # −0.0 is 0.0
    return _Rows(taken, values, count)


def _stable_order(values: FloatArray) -> IntArray:
    """Stable argsort of each row, NaN last: the fast sort, then rows that have ties."""
    order: IntArray = np.argsort(values, axis=1)
    ascending = np.take_along_axis(values, order, axis=1)
    tied = (ascending[:, 1:] == ascending[:, :-1]).any(axis=1)
    order[tied] = np.argsort(values[tied], axis=1, kind="stable")
    return order


# --- reductions over the gathered entries -------------------------------------


def _tree_sum(terms: FloatArray) -> FloatArray:
    """Sum of each row, shape (bars, 1): neighbors, then pairs of neighbors.

    Terms must be padded with zeros: further padding adds zeros, hence nothing.
    """
    while terms.shape[1] > 1:
        even, odd = terms[:, 0::2], terms[:, 1::2]
        paired = even.copy()
        paired[:, : odd.shape[1]] += odd
        terms = paired
    return terms if terms.shape[1] else np.zeros((len(terms), 1))


def _mean(rows: _Rows) -> FloatArray:
    total = _tree_sum(np.where(rows.filled, rows.values, 0.0))
    return total / np.maximum(rows.count, 1)


def _standardized(rows: _Rows, clip: float) -> FloatArray:
    gap = np.where(rows.filled, rows.values - _mean(rows), 0.0)
    variance = _tree_sum(gap * gap) / np.maximum(rows.count - 1, 1)
    with np.errstate(all="ignore"):
        score = gap / np.sqrt(variance)
    return rows.spread_out(np.clip(score, -clip, clip))


def _quantile(ascending: FloatArray, count: IntArray, share: float) -> FloatArray:
    """Linear quantile of the first `count` entries of each sorted row, (bars, 1)."""
    if ascending.shape[1] == 0:
        return np.full(count.shape, np.nan)
    position = share * np.maximum(count - 1, 0)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low = np.take_along_axis(ascending, below, axis=1)
    high = np.take_along_axis(ascending, above, axis=1)
    quantile: FloatArray = low + (high - low) * (position - below)
    return quantile
