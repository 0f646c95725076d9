"""What the same bars would have paid a fund without a view, free of costs.

Both portfolios start at 1 with the first equity row and are folded bar by bar, so
that a run of any length keeps one row of prices.

Assumptions, which every report prints: no fee, no spread, no impact; the asset is
bought at the close of the first row; the equal-weight portfolio holds every member of
the universe as of the previous bar and is rebalanced at each close; who has no bar is
held at the last price seen until one comes or until it leaves the universe, and who
leaves takes that last price, without a haircut.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from factortrader.events import BarsClosed, CorporateActionApplied, UniverseChanged
from factortrader.units import BoolArray, FloatArray

ASSUMPTIONS: Final = (
    "Benchmarks pay no costs and start with the capital of the run at the first bar.",
    "Equal weight holds the universe of the previous bar and rebalances at each close.",
    "Without a bar a benchmark's asset keeps its last price; who leaves is sold at it.",
)


class BenchmarkFold:
    """Wealth of buy-and-hold of one asset and of the equal-weight universe.

    asset: stable id to buy and hold, or None.
    """

    def __init__(self, asset: str | None) -> None:
        self.asset = asset
        self._columns: dict[str, int] = {}
        self._price: FloatArray = np.empty(0)
        self._eligible: BoolArray = np.empty(0, dtype=np.bool_)
        self._inside: BoolArray | None = None
        self._members: dict[str, None] | None = None
        self._actions: set[str] = set()
        self._hold = math.nan
        self._equal = 1.0
        self._started = False

    def on_action(self, action: CorporateActionApplied) -> None:
        """Carry the last price over the redenomination: its jump is no return."""
        column = self._columns.get(action.asset)
        if action.action in self._actions:
            return
        self._actions.add(action.action)
        if column is not None:
            self._price[column] *= action.denominator / action.numerator

    def on_universe(self, change: UniverseChanged) -> None:
        members = self._members if self._members is not None else {}
        members |= dict.fromkeys(change.entered)
        for asset in change.left:
            members.pop(asset, None)
        self._members = members
        self._inside = None

    def on_bars(self, bars: BarsClosed) -> None:
        """Let the bar's returns reach what was held over it.

        return[i] = close[i] / last price seen[i] − 1; 0 without a usable bar.
        """
        if len(bars.assets) != len(self._price):
            self._grow(bars.assets)
        close, before = bars.close, self._price
        seen = bars.listed & bars.clean & (close > 0.0) & (close < math.inf)
        self._price = np.where(seen, close, before)
        growth = self._price / before
        self._follow_asset(growth)
        held = growth[self._eligible & self._members_mask()]
        self._equal *= 1.0 + _mean_known(held - 1.0)
        self._eligible = bars.eligible

    def sample(self) -> tuple[float, float]:
        """Wealth of (the asset, equal weight) now; both are 1 at the first sample.

        The asset's is NaN until its first bar and 1 at it.
        """
        if not self._started:
            self._started = True
            self._equal = 1.0
            column = self._columns.get(self.asset or "")
            if column is not None and np.isfinite(self._price[column]):
                self._hold = 1.0
        return self._hold, self._equal

    def _follow_asset(self, growth: FloatArray) -> None:
        column = self._columns.get(self.asset or "")
        if column is None or not self._started:
            return
        if not math.isnan(self._hold):
            self._hold *= 1.0 + (float(growth[column]) - 1.0)
        elif not math.isnan(self._price[column]):
            self._hold = 1.0

    def _members_mask(self) -> BoolArray:
        """Who the universe holds, by column; kept until it or the columns change."""
        if self._inside is None:
            inside = np.full(len(self._price), self._members is None)
            members = self._members or ()
            inside[[self._columns[m] for m in members if m in self._columns]] = True
            self._inside = inside
        return self._inside

    def _grow(self, assets: tuple[str, ...]) -> None:
        """Columns are append-only; who is new was not eligible before."""
        new = len(assets) - len(self._price)
        self._columns = {asset: at for at, asset in enumerate(assets)}
        self._price = np.append(self._price, np.full(new, np.nan))
        self._eligible = np.append(self._eligible, np.zeros(new, dtype=np.bool_))
        self._inside = None


def _mean_known(returns: FloatArray) -> float:
    """Mean of what is not NaN, 0 for nothing: who had no price before has no return."""
    total = float(np.add.reduce(returns))
    if math.isnan(total):
        return _mean_known(returns[~np.isnan(returns)])
    return total / len(returns) if len(returns) else 0.0
