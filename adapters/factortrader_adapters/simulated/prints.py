"""The market as the venue sees it: which prints follow a moment, and the last one.

A bar that closes at c covers (c - interval, c]. The venue is the world, so it may
look at the bar that an order arrives in; it shows nothing of it but fills.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from factortrader.events import CorporateActionApplied
from factortrader.market.panel import Panel
from factortrader.units import BoolArray, FloatArray, IntArray


class Bar(NamedTuple):
    """One asset's bar: prices in quote per unit, `open` NaN where there is none.

    volume: base units, NaN where unknown.
    """

    row: int
    close_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Prints:
    """Bars and marks by asset and time, in the units of that time.

    A bar is there where it is listed, clean and has a positive close: nobody trades
    on a print that the source itself doubts. A row whose bar closed at or after a
    redenomination is in new units (panel: adjustment), so it is restated for an order
    that came before: price × ratio, volume ÷ ratio.
    """

    def __init__(self, panel: Panel, actions: Iterable[CorporateActionApplied]) -> None:
        self.closes_ns: list[int] = panel.close_ns.tolist()
        self.interval_ns = panel.interval_ns
        self.assets = panel.assets
        self.columns = {asset: column for column, asset in enumerate(panel.assets)}
        close = panel.fields["close"]
        self._open = panel.fields["open"]
        self._high = panel.fields["high"]
        self._low = panel.fields["low"]
        self._close = close
        self._volume = panel.fields["volume"]
        self._quote_volume = panel.fields.get("quote_volume")
        self.printed: BoolArray = panel.listed & np.isfinite(close) & (close > 0.0)
        self._trusted: BoolArray = self.printed & panel.clean
        self._trusted_rows: dict[int, IntArray] = {}
        self._ratios = _cumulative_ratios(actions)

    def row_at(self, time_ns: int) -> int:
        """The first row that closes at or after that time; may be past the last."""
        return bisect_left(self.closes_ns, time_ns)

    def row_after(self, time_ns: int) -> int:
        """The first row that closes after that time; may be past the last."""
        return bisect_right(self.closes_ns, time_ns)

    def bar(self, asset: str, *, row: int, time_ns: int) -> Bar | None:
        """The asset's bar of that row in the units of time_ns, or None.

        None also where that row's bar has not begun at time_ns.
        """
        if row >= len(self.closes_ns):
            return None
        close_ns = self.closes_ns[row]
        column = self.columns[asset]
        if close_ns - self.interval_ns >= time_ns or not self._trusted.item(
            row, column
        ):
            return None
        ratio = self._ratio(asset, since_ns=time_ns, until_ns=close_ns)
        open_ = self._open.item(row, column) * ratio
        close = self._close.item(row, column) * ratio
        high = self._high.item(row, column) * ratio
        low = self._low.item(row, column) * ratio
        known_open = open_ if open_ > 0.0 else math.nan
        ends = (close, close if math.isnan(known_open) else known_open)
        return Bar(
            row,
            close_ns,
            known_open,
            high if high > 0.0 else max(ends),
            low if low > 0.0 else min(ends),
            close,
            self._base_volume(row, column) / ratio,
        )

    def closes_of(self, row: int) -> FloatArray:
        """A copy of the row's closes; NaN where there is no bar, row -1 has none."""
        if row < 0:
            return np.full(len(self.assets), np.nan)
        return np.where(self._trusted[row], self._close[row], np.nan)

    def mark(self, asset: str, time_ns: int) -> float | None:
        """The last close at or before that time, in the units of that time."""
        column = self.columns[asset]
        row = self.row_after(time_ns) - 1
        if row < 0:
            return None
        if not self._trusted.item(row, column):
            rows = self._rows_of(column)
            at = int(np.searchsorted(rows, row, side="right")) - 1
            if at < 0:
                return None
            row = int(rows[at])
        price = float(self._close.item(row, column))
        if asset not in self._ratios:
            return price
        return price / self._ratio(
            asset, since_ns=self.closes_ns[row], until_ns=time_ns
        )

    def _rows_of(self, column: int) -> IntArray:
        rows = self._trusted_rows.get(column)
        if rows is None:
            rows = np.flatnonzero(self._trusted[:, column])
            self._trusted_rows[column] = rows
        return rows

    def _base_volume(self, row: int, column: int) -> float:
        """Base volume, else quote volume over close, else NaN; 0 = nobody traded."""
        base = float(self._volume.item(row, column))
        if base > 0.0:
            return base
        if self._quote_volume is not None:
            quote = float(self._quote_volume.item(row, column))
            if quote > 0.0 or math.isnan(base):
                return quote / self._close.item(row, column)
        return base

    def _ratio(self, asset: str, *, since_ns: int, until_ns: int) -> float:
        """New units per old one over (since, until]."""
        known = self._ratios.get(asset)
        if known is None:
            return 1.0
        times, ratios = known
        return (
            ratios[bisect_right(times, until_ns)]
            / ratios[bisect_right(times, since_ns)]
        )


def _cumulative_ratios(
    actions: Iterable[CorporateActionApplied],
) -> dict[str, tuple[list[int], list[float]]]:
    """asset → times of its actions and the ratio before, between and after them."""
    known: dict[str, tuple[list[int], list[float]]] = {}
    seen: set[str] = set()
    for action in actions:
        if action.action in seen:
            continue
        seen.add(action.action)
        times, ratios = known.setdefault(action.asset, ([], [1.0]))
        times.append(action.time_ns)
        ratios.append(ratios[-1] * action.numerator / action.denominator)
    return known
