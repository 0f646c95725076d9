"""An account that says whatever a test of risk wants to hear, and its desk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.builders import made, order, plan

from factortrader.events import (
    Leg,
    OrderRefused,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RebalancePlanned,
    TradingStateChanged,
)
from factortrader.events.risk import TradingState
from factortrader.instruments import TradingRules
from factortrader.portfolio.worst import WorstCase
from factortrader.risk.context import Book
from factortrader.risk.monitor import RiskMonitor
from factortrader.risk.settings import RiskSettings

RULE = TradingRules(lot=Decimal("0.001"))


@dataclass(frozen=True, kw_only=True)
class FakeBook:
    """An account of 10,000; marks of 100, volumes of 1,000,000, lots of 0.001.

    Everything is a perpetual but what `spot` names.
    """

    equity: float = 10_000.0
    cash: Decimal = Decimal(0)
    spot: tuple[str, ...] = ()
    positions: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    volumes: Mapping[str, float] = field(default_factory=dict)
    orders: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    multipliers: Mapping[str, str] = field(default_factory=dict)
    rule: TradingRules = RULE

    @property
    def exposed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.positions, *self.orders]))

    def position(self, asset: str) -> Decimal:
        return Decimal(self.positions.get(asset, "0"))

    def is_perpetual(self, asset: str) -> bool:
        return asset not in self.spot

    def mark(self, asset: str) -> float:
        return self.marks.get(asset, 100.0)

    def last_volume(self, asset: str) -> float:
        return self.volumes.get(asset, 1e6)

    def multiplier(self, asset: str) -> Decimal:
        return Decimal(self.multipliers.get(asset, "1"))

    def rules(self, asset: str) -> TradingRules:
        return self.rule

    def working(self, asset: str) -> tuple[Decimal, Decimal]:
        buying, selling = self.orders.get(asset, ("0", "0"))
        return Decimal(buying), Decimal(selling)

    def worst_case(self) -> WorstCase:
        """Weighed anew at each question, as `WorstFold` must come to."""
        case = WorstCase(spot={}, perpetuals={}, spot_now={})
        for asset in self.exposed:
            position, (buying, selling) = self.position(asset), self.working(asset)
            worst = max(abs(position + buying), abs(position - selling))
            unit = float(self.multiplier(asset)) * self.mark(asset)
            unit = unit if math.isfinite(unit) else 0.0
            side = case.spot if asset in self.spot else case.perpetuals
            side[asset] = float(worst) * unit
            if asset in self.spot:
                case.spot_now[asset] = float(position) * unit
        return case


WIDE: dict[str, Any] = {
    "max_weight": 10.0,
    "max_gross": 10.0,
    "max_net": 10.0,
    "max_turnover": 10.0,
    "max_orders": 100,
    "max_order_notional_quote": 1e9,
    "max_participation": 1.0,
    "collar_bps": 100.0,
}


def monitor(
    *, state: TradingState = TradingState.ACTIVE, **changes: Any
) -> RiskMonitor:
    """Wide limits but for those given; everything else changes the book."""
    limits = {name: changes.pop(name) for name in WIDE if name in changes}
    book: Book = FakeBook(**changes)
    found = RiskMonitor(RiskSettings(**WIDE | limits), book=book)
    found.on_state(made(TradingStateChanged, state=state))
    return found


def judged(
    desk: RiskMonitor, *legs: Leg, **changes: Any
) -> PlanApproved | PlanReduced | PlanRefused:
    given_plan: RebalancePlanned = plan(*legs, **changes)
    (judgment,) = desk.on_plan(given_plan)
    assert isinstance(judgment, PlanApproved | PlanReduced | PlanRefused)
    assert judgment.plan == given_plan.plan
    return judgment


def refused(desk: RiskMonitor, **changes: Any) -> OrderRefused:
    (judgment,) = desk.on_order(order(**changes))
    assert isinstance(judgment, OrderRefused)
    return judgment


def remaining(judgment: object) -> dict[str, Decimal]:
    assert isinstance(judgment, PlanReduced)
    return {each.asset: each.quantity for each in judgment.legs}
