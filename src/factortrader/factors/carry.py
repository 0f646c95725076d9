"""Carry: what one earns for holding while nothing moves."""

from __future__ import annotations

from factortrader.factors.factor import rows
from factortrader.factors.operators import rolling_mean
from factortrader.units import FloatArray


@rows(lambda *, lookback_bars: lookback_bars)
def carry(funding_rate: FloatArray, *, lookback_bars: int = 30) -> FloatArray:
    """Minus the mean funding: what a long of the perpetual was paid per bar.

    score[t, i] = −mean(funding_rate[t − lookback + 1 … t, i])

    funding_rate: (bars, assets), fraction of notional that longs pay to shorts in the
    bar, not annualized. Returns (bars, assets), fraction per bar; NaN unless every bar
    of the lookback has a rate. Raises ValueError unless lookback_bars ≥ 1.
    Reason: high funding is the price of crowded leverage, and crowds unwind.
    Source: Koijen, Moskowitz, Pedersen & Vrugt (2018), Journal of Financial Economics
    127(2), 197–225.
    """
    return -rolling_mean(funding_rate, lookback_bars)
