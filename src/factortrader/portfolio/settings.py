"""`[portfolio]`: from scores to wanted weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioSettings:
    """`[portfolio]`. Weights are fractions of equity.

    method: top_n = equal weights on the best scores; quantiles = equal weights on the
    best quantile; proportional = weights ∝ scores; inverse_volatility = the best
    scores, weighted ∝ 1 / volatility.
    long_short: also hold the mirror image short, each side gross / 2 (dollar
    neutral); proportional then weights scores less their mean. False = long only.
    top_n: how many per side (top_n, inverse_volatility).
    quantile: share of the ranked assets per side (quantiles).
    gross: Σ|weight| aimed at. max_weight: cap of each |weight|; what does not fit
    under it stays cash.
    volatility_window_bars: trailing window of inverse_volatility.
    no_trade_band: a change of a weight is not traded unless it exceeds this share of
    the larger of |target| and |current|; entries and exits always are.
    """

    method: Literal["top_n", "quantiles", "proportional", "inverse_volatility"]
    long_short: bool = False
    top_n: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10
    quantile: Annotated[float, msgspec.Meta(gt=0.0, le=0.5)] = 0.2
    gross: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.95
    max_weight: Annotated[float, msgspec.Meta(gt=0.0, le=10.0)] = 1.0
    volatility_window_bars: Annotated[int, msgspec.Meta(ge=2, le=10_000)] = 30
    no_trade_band: Fraction = 0.05
