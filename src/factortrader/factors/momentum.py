"""Momentum: what went up goes on going up."""

from __future__ import annotations

from factortrader.factors.factor import rows
from factortrader.factors.operators import delay
from factortrader.units import FloatArray


@rows(lambda *, lookback_bars: lookback_bars + 1)
def momentum(
    close: FloatArray, *, lookback_bars: int = 90, skip_bars: int = 1
) -> FloatArray:
    """Return over the lookback, leaving out the most recent bars.

    score[t, i] = close[t − skip, i] / close[t − lookback, i] − 1

    close: (bars, assets), quote currency, oldest first; NaN where not tradable.
    Returns (bars, assets), unitless; NaN where either end is NaN or not yet there.
    Raises ValueError unless 0 <= skip_bars < lookback_bars.
    Reason: slow diffusion of news and herding; the skipped bars leave out the
    short-term reversal.
    Source: Jegadeesh & Titman (1993), Journal of Finance 48(1), 65–91; in crypto
    Liu, Tsyvinski & Wu (2022), Journal of Finance 77(2), 1133–1177.
    """
    if not 0 <= skip_bars < lookback_bars:
        raise ValueError(f"skip_bars must lie in [0, {lookback_bars}), got {skip_bars}")
    return delay(close, skip_bars) / delay(close, lookback_bars) - 1.0
