"""What the portfolio wants, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping

from factortrader.events.base import Event
from factortrader.units import FloatArray


class TargetsSet(Event, frozen=True, kw_only=True, gc=False):
    """Wanted weights: signed fractions of equity, shape (assets,); NaN = leave alone.

    rebalance: the schedule slot, which names the plan and its orders.
    diagnostics: method, active limits, fallbacks taken.
    """

    rebalance: str
    strategy: str
    assets: tuple[str, ...]
    weights: FloatArray
    diagnostics: Mapping[str, str]


class PortfolioMarked(Event, frozen=True, kw_only=True, gc=False):
    """The account at the marks of the bar just closed.

    equity, cash: quote currency. gross_exposure, net_exposure: fractions of equity.
    quantities: signed, base or contracts; marks: quote currency per unit; both of
    shape (assets,), quantities 0 where nothing is held, marks NaN where never seen.
    """

    close_ns: int
    assets: tuple[str, ...]
    equity: float
    cash: float
    gross_exposure: float
    net_exposure: float
    quantities: FloatArray
    marks: FloatArray
