"""Liquidity: what is hard to trade must pay for it."""

from __future__ import annotations

import numpy as np

from factortrader.factors.factor import rows
from factortrader.factors.operators import returns, rolling_mean
from factortrader.units import FloatArray


@rows(lambda *, lookback_bars: lookback_bars + 1)
def amihud_illiquidity(
    close: FloatArray, dollar_volume: FloatArray, *, lookback_bars: int = 30
) -> FloatArray:
    """Mean price move per traded unit of quote currency: the least liquid is highest.

    score[t, i] = mean(|r| / dollar_volume), bars t − lookback + 1 … t,
    r = close / previous close − 1

    close: (bars, assets), quote currency; dollar_volume: (bars, assets), quote
    currency per bar. Returns (bars, assets), 1 / quote currency; NaN unless every bar
    of the lookback has a return and a positive volume.
    Raises ValueError unless lookback_bars ≥ 1.
    Reason: a premium for bearing price impact.
    Source: Amihud (2002), Journal of Financial Markets 5(1), 31–56.
    """
    traded = np.where(dollar_volume > 0.0, dollar_volume, np.nan)
    return rolling_mean(np.abs(returns(close)) / traded, lookback_bars)
