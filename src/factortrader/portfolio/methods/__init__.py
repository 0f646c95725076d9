"""The portfolio methods, by their names in `[portfolio] method`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from factortrader.portfolio.methods import ranked
from factortrader.portfolio.settings import PortfolioSettings
from factortrader.portfolio.weights import Allocation, WeightMethod, WeightProblem

_METHODS: Final[
    Mapping[str, Callable[[WeightProblem, PortfolioSettings], Allocation]]
] = {
    "top_n": ranked.top_n,
    "quantiles": ranked.quantiles,
    "proportional": ranked.proportional,
    "inverse_volatility": ranked.inverse_volatility,
}


def weight_method(settings: PortfolioSettings) -> WeightMethod:
    """The method that the settings name."""
    method = _METHODS[settings.method]
    return lambda problem: method(problem, settings)
