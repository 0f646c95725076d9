"""From targets to one plan: what would be traded, before any of it is sent."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from factortrader.costs import CostModel
from factortrader.events import (
    CancelOrder,
    CancelSubmitted,
    Event,
    Leg,
    Message,
    OrderAccepted,
    RebalancePlanned,
    TargetsSet,
)
from factortrader.orders.book import OpenOrders, Order
from factortrader.orders.ids import plan_hash
from factortrader.orders.lifecycle import CANCELABLE, OrderState
from factortrader.portfolio.drafts import SizingProblem
from factortrader.portfolio.holdings import Holdings
from factortrader.portfolio.sizing import size_legs
from factortrader.units import to_float


class Planner:
    """Sizes targets into a `RebalancePlanned`.

    Orders of an earlier rebalance that still work are canceled first, and the new
    plan is made when the last of them has come to an end: two plans never trade the
    same position at once.
    """

    def __init__(
        self,
        *,
        holdings: Holdings,
        orders: OpenOrders,
        costs: CostModel,
        no_trade_band: float,
        fee_reserve: float,
    ) -> None:
        self._holdings = holdings
        self._orders = orders
        self._no_trade_band = no_trade_band
        self._fee_reserve = fee_reserve
        self._cost_fraction = costs.expected_fraction(0.0, 0.0)
        self._waiting: TargetsSet | None = None

    def on_targets(self, targets: TargetsSet) -> Iterable[Message]:
        """Plan now, or cancel what still works and plan after it."""
        working = self._orders.working()
        if not working:
            self._waiting = None
            return self._plan(targets, time_ns=targets.time_ns)
        self._waiting = targets
        return [
            message
            for order in working
            if order.state in CANCELABLE
            for message in _cancels(order, time_ns=targets.time_ns)
        ]

    def on_accepted(self, event: OrderAccepted) -> Iterable[Message]:
        """What was on its way when the targets came is canceled when it has arrived."""
        order = self._orders.get(event.order_id)
        if self._waiting is None or order is None:
            return ()
        if order.state is OrderState.CANCELING or order.state not in CANCELABLE:
            return ()
        return _cancels(order, time_ns=event.time_ns)

    def on_order_end(self, event: Event) -> Iterable[Message]:
        """Plan what waited, once nothing works any more."""
        if self._waiting is None or self._orders.working():
            return ()
        targets, self._waiting = self._waiting, None
        return self._plan(targets, time_ns=event.time_ns)

    def _plan(self, targets: TargetsSet, *, time_ns: int) -> Iterable[Message]:
        holdings = self._holdings
        equity = holdings.equity
        sized = size_legs(
            SizingProblem(
                assets=targets.assets,
                weights=targets.weights,
                marks=holdings.marks[: len(targets.assets)],
                equity=equity,
                cash=holdings.spendable(reserve=self._fee_reserve),
                positions=holdings.positions,
                instruments=holdings.instruments,
                rules=holdings.rules_by_asset,
                no_trade_band=self._no_trade_band,
                cost_fraction=self._cost_fraction,
            )
        )
        if not sized.legs:
            return ()
        changes = [_signed_notional(holdings, leg) for leg in sized.legs]
        after = holdings.weights.copy()
        for leg, change in zip(sized.legs, changes, strict=True):
            after[holdings.column(leg.asset)] += change / equity
        content = RebalancePlanned(
            time_ns=time_ns,
            plan="",
            rebalance=targets.rebalance,
            strategy=targets.strategy,
            equity=equity,
            legs=sized.legs,
            turnover=sum(map(abs, changes)) / equity / 2.0,
            gross_exposure=float(np.abs(after).sum()),
            net_exposure=float(after.sum()),
        )
        return (msgspec.structs.replace(content, plan=plan_hash(content)),)


def _cancels(order: Order, *, time_ns: int) -> tuple[Message, ...]:
    """The intent, and then the command."""
    order_id = order.order_id
    return (
        CancelSubmitted(time_ns=time_ns, order_id=order_id),
        CancelOrder(time_ns=time_ns, order_id=order_id, asset=order.asset),
    )


def _signed_notional(holdings: Holdings, leg: Leg) -> float:
    """In quote currency, at the leg's mark."""
    multiplier = to_float(holdings.instruments[leg.asset].multiplier)
    return leg.side.sign * to_float(leg.quantity) * multiplier * leg.mark
