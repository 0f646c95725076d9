"""Reversal: what fell fast bounces."""

from __future__ import annotations

from factortrader.factors.factor import rows
from factortrader.factors.operators import returns
from factortrader.units import FloatArray


@rows(lambda *, lookback_bars: lookback_bars + 1)
def short_term_reversal(close: FloatArray, *, lookback_bars: int = 5) -> FloatArray:
    """The recent return with its sign turned.

    score[t, i] = −(close[t, i] / close[t − lookback, i] − 1)

    close: (bars, assets), quote currency, oldest first; NaN where not tradable.
    Returns (bars, assets), unitless; NaN where either end is NaN or not yet there.
    Raises ValueError unless lookback_bars ≥ 1.
    Reason: whoever sells in a hurry pays for liquidity, and the price comes back.
    Source: Jegadeesh (1990), Journal of Finance 45(3), 881–898; Lehmann (1990),
    Quarterly Journal of Economics 105(1), 1–28.
    """
    return -returns(close, bars=lookback_bars)
