"""Folding a trailing window by doubling: causal and window-local to the bit (R11).

    F_1[t]  = leaf[t]
    F_2k[t] = merge(F_k[t − k], F_k[t])

A window of w rows is put together from the powers of two in w, the smallest one on
the newest rows. Which rows meet in which order depends on w and on nothing else: not
on where the history begins, not on the other columns. About 2·log2(w) passes, and the
accuracy of pairwise summation (docs/decisions/0003-rolling-sums-by-doubling.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from factortrader.units import FloatArray

State: TypeAlias = tuple[FloatArray, ...]
Count: TypeAlias = float | FloatArray


@dataclass(frozen=True, slots=True)
class Span:
    """What `rows` consecutive rows amount to, for each row that ends them.

    count: finite rows among them, shape (bars, assets); or the float `rows` where
    missing rows are carried as NaN in the state instead of being counted.
    """

    rows: int
    count: Count
    state: State


Merge: TypeAlias = Callable[[Span, Span], State]
"""(older, newer) → the state of both together; elementwise, no reductions."""

_CHUNK_ELEMENTS: Final = 32_768
"""Elements of a column chunk: a few such buffers fit a core's second-level cache."""


def fold(leaf: Span, window: int, merge: Merge) -> Span:
    """The fold of the last `window` rows at every row.

    Rows before the first are like rows without a value: where counts are kept they
    add nothing; where they are not, the caller voids the first window − 1 rows.
    """
    level = leaf
    total: Span | None = None
    while True:
        if window & level.rows:
            total = level if total is None else _joined(level, total, merge)
        if 2 * level.rows > window:
            break
        level = _joined(level, level, merge)
    if total is None:  # pragma: no cover: the top bit of a window ≥ 1 is always met
        raise AssertionError(window)
    return total


def _joined(older: Span, newer: Span, merge: Merge) -> Span:
    """`older` ends where `newer` begins."""
    lag = newer.rows
    rows = older.rows + newer.rows
    bars = len(newer.state[0])
    if lag >= bars:
        head_only = newer.count if isinstance(newer.count, np.ndarray) else float(rows)
        return Span(rows, head_only, newer.state)
    earlier = _cut(older, slice(None, bars - lag))
    later = _cut(newer, slice(lag, None))
    merged = merge(earlier, later)
    state = tuple(
        _under(head[:lag], tail) for head, tail in zip(newer.state, merged, strict=True)
    )
    count: Count = float(rows)
    if isinstance(newer.count, np.ndarray):
        count = _under(newer.count[:lag], np.add(earlier.count, later.count))
    return Span(rows, count, state)


def _cut(span: Span, rows: slice) -> Span:
    count = span.count[rows] if isinstance(span.count, np.ndarray) else span.count
    return Span(span.rows, count, tuple(array[rows] for array in span.state))


def _under(head: FloatArray, tail: FloatArray) -> FloatArray:
    out = np.empty((len(head) + len(tail), head.shape[1]))
    out[: len(head)] = head
    out[len(head) :] = tail
    return out


def by_column_chunks(
    compute: Callable[..., FloatArray], *inputs: FloatArray
) -> FloatArray:
    """`compute` over slices of columns that stay in cache; no bit depends on the cut.

    −0.0 becomes 0.0 on the way, so that neither a missing row (which adds 0.0) nor the
    choice between equal zeros can show. compute: arrays of shape (bars, some assets) → one array of that shape, each
    column a function of the same column of the inputs.
    """
    bars, assets = inputs[0].shape
    width = max(1, _CHUNK_ELEMENTS // max(bars, 1))
    out = np.empty((bars, assets))
    with np.errstate(all="ignore"):  # NaN and infinity are answers here, not accidents
        for start in range(0, assets, width):
            columns = slice(start, start + width)
            out[:, columns] = compute(
                *(np.add(array[:, columns], 0.0, order="C") for array in inputs)
            )
    return out
