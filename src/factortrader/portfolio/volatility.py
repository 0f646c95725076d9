"""Trailing volatility as a panel function, for methods that weigh by it."""

from __future__ import annotations

from dataclasses import dataclass

from factortrader.factors.operators import returns, rolling_std
from factortrader.market.panel import Panel
from factortrader.units import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingVolatility:
    """std(r[t − window + 1 … t]) per bar, r = close / previous close − 1; ddof 1.

    (bars, assets), NaN unless every return of the window is there.
    """

    window_bars: int

    @property
    def lookback_bars(self) -> int:
        return self.window_bars + 1

    def __call__(self, panel: Panel) -> FloatArray:
        return rolling_std(returns(panel.research("close")), self.window_bars)
