"""Size: small assets earn more than large ones."""

from __future__ import annotations

from factortrader.factors.factor import rows
from factortrader.factors.operators import log
from factortrader.units import FloatArray


@rows(lambda: 1)
def small_size(market_cap: FloatArray) -> FloatArray:
    """Minus the logarithm of the market capitalization: the smallest scores highest.

    score[t, i] = −ln(market_cap[t, i])

    market_cap: (bars, assets), quote currency, as known at each bar.
    Returns (bars, assets), log units; NaN where the capitalization is not positive
    (vendors write 0 for unknown).
    Reason: small coins carry more risk and less coverage.
    Source: Banz (1981), Journal of Financial Economics 9(1), 3–18; in crypto Liu,
    Tsyvinski & Wu (2022), Journal of Finance 77(2), 1133–1177.
    """
    return -log(market_cap)
