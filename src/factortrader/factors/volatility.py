"""Volatility: calm assets earn more per unit of risk than they should."""

from __future__ import annotations

from factortrader.factors.factor import rows
from factortrader.factors.operators import returns, rolling_std
from factortrader.units import FloatArray


@rows(lambda *, lookback_bars: lookback_bars + 1)
def low_volatility(close: FloatArray, *, lookback_bars: int = 30) -> FloatArray:
    """Minus the realized volatility: the calmest asset scores highest.

    score[t, i] = −std(r[t − lookback + 1 … t, i]), r = close / previous close − 1

    close: (bars, assets), quote currency, oldest first; NaN where not tradable.
    Returns (bars, assets), per bar, not annualized, ddof 1; NaN unless all
    lookback_bars returns are there. Raises ValueError unless lookback_bars ≥ 2.
    Reason: investors who cannot borrow overpay for lottery-like assets.
    Source: Ang, Hodrick, Xing & Zhang (2006), Journal of Finance 61(1), 259–299;
    Frazzini & Pedersen (2014), Journal of Financial Economics 111(1), 1–25.
    """
    return -rolling_std(returns(close), lookback_bars)
