"""From an approved plan to orders: what reduces first, then what adds (DESIGN §5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

from factortrader.costs import CostModel
from factortrader.events import (
    CorporateActionApplied,
    Leg,
    Message,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderProvenAbsent,
    OrderRefused,
    OrderRejected,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderType,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RebalancePlanned,
    Side,
    SubmitOrder,
    TargetsSet,
    TimeInForce,
)
from factortrader.execution.settings import ExecutionSettings
from factortrader.orders.book import OpenOrders
from factortrader.orders.ids import OrderIds
from factortrader.portfolio.affording import scale_to_cash
from factortrader.portfolio.holdings import Holdings
from factortrader.units import BPS, price_down, price_up

Report: TypeAlias = (
    OrderFilled | OrderCanceled | OrderExpired | OrderRejected | OrderProvenAbsent
)
"""What may be the last that is said of a sent order."""


class Executor:
    """Works one plan at a time.

    The legs that reduce go out first; when the last of them has ended, the legs that
    add are scaled to the cash that really arrived and go out. `legs = "together"`
    sends all at once instead.
    """

    def __init__(
        self,
        settings: ExecutionSettings,
        *,
        holdings: Holdings,
        orders: OpenOrders,
        costs: CostModel,
        ids: OrderIds,
        interval_ns: int,
    ) -> None:
        self._settings = settings
        self._holdings = holdings
        self._orders = orders
        self._cost_fraction = costs.expected_fraction(0.0, 0.0)
        self._ids = ids
        self._interval_ns = interval_ns
        self._plan: RebalancePlanned | None = None
        self._awaited: set[str] = set()
        self._adding: tuple[Leg, ...] = ()

    def on_targets(self, _targets: TargetsSet) -> Iterable[Message]:
        """New targets replace what the last plan has not sent yet."""
        self._adding = ()
        return ()

    def on_planned(self, plan: RebalancePlanned) -> Iterable[Message]:
        """Nothing is sent before risk has judged the whole plan."""
        self._plan = plan
        self._adding = ()
        return ()

    def on_approved(self, approval: PlanApproved) -> Iterable[Message]:
        plan = self._plan
        if plan is None or plan.plan != approval.plan:
            return ()  # replaced by a later plan of the same moment
        return self._begin(plan.legs, time_ns=approval.time_ns)

    def on_reduced(self, approval: PlanReduced) -> Iterable[Message]:
        if self._plan is None or self._plan.plan != approval.plan:
            return ()
        return self._begin(approval.legs, time_ns=approval.time_ns)

    def on_plan_refused(self, refusal: PlanRefused) -> Iterable[Message]:
        if self._plan is not None and self._plan.plan == refusal.plan:
            self._plan = None
        return ()

    def on_order_approved(self, approval: OrderApproved) -> Iterable[Message]:
        """The intent, and then the command: nothing else is ever submitted."""
        order = approval.order
        return (
            OrderSubmitted(time_ns=approval.time_ns, order_id=order.order_id),
            SubmitOrder(time_ns=approval.time_ns, order=order),
        )

    def on_order_refused(self, refusal: OrderRefused) -> Iterable[Message]:
        return self._ended(refusal.order_id, time_ns=refusal.time_ns)

    def on_report(self, report: Report) -> Iterable[Message]:
        """A report about a sent order; what follows if it was the order's last.

        An order that has left the open orders is closed and all its fills are booked.
        """
        order_id = report.order_id
        if order_id not in self._awaited or self._orders.get(order_id) is not None:
            return ()
        follows: list[Message] = []
        if not isinstance(report, OrderRejected | OrderProvenAbsent):
            follows.append(
                OrderSettled(
                    time_ns=report.time_ns,
                    order_id=order_id,
                    cumulative=report.cumulative,
                )
            )
        follows += self._ended(order_id, time_ns=report.time_ns)
        return follows

    def on_action(self, action: CorporateActionApplied) -> Iterable[Message]:
        """Quantities planned in old units are never sent in new ones."""
        self._adding = tuple(leg for leg in self._adding if leg.asset != action.asset)
        return ()

    def _begin(self, legs: Sequence[Leg], *, time_ns: int) -> Iterable[Message]:
        if self._settings.legs == "together":
            return self._requests(legs, time_ns=time_ns)
        reducing = tuple(leg for leg in legs if _reduces(leg))
        self._adding = tuple(leg for leg in legs if not _reduces(leg))
        if reducing:
            return self._requests(reducing, time_ns=time_ns)
        return self._add(time_ns=time_ns)

    def _ended(self, order_id: str, *, time_ns: int) -> Iterable[Message]:
        self._awaited.discard(order_id)
        if self._awaited or not self._adding:
            return ()
        return self._add(time_ns=time_ns)

    def _add(self, *, time_ns: int) -> Iterable[Message]:
        holdings = self._holdings
        sized = scale_to_cash(
            self._adding,
            cash=holdings.spendable(reserve=self._settings.fee_reserve),
            cost_fraction=self._cost_fraction,
            instruments=holdings.instruments,
            rules=holdings.rules_by_asset,
        )
        self._adding = ()
        return self._requests(sized.legs, time_ns=time_ns)

    def _requests(self, legs: Sequence[Leg], *, time_ns: int) -> list[Message]:
        orders = [self._request(leg, time_ns=time_ns) for leg in legs]
        self._awaited = {order.order_id for order in orders}
        return list[Message](orders)

    def _request(self, leg: Leg, *, time_ns: int) -> OrderRequested:
        assert self._plan is not None
        settings = self._settings
        is_limit = settings.order_type == "limit"
        rests = is_limit and settings.time_in_force != "ioc"
        return OrderRequested(
            time_ns=time_ns,
            order_id=self._ids.order_id(
                strategy=self._plan.strategy,
                rebalance=self._plan.rebalance,
                asset=leg.asset,
                side=leg.side,
                leg=leg.leg,
            ),
            plan=self._plan.plan,
            asset=leg.asset,
            side=leg.side,
            quantity=leg.quantity,
            order_type=OrderType(settings.order_type),
            time_in_force=(
                TimeInForce(settings.time_in_force) if is_limit else TimeInForce.GTC
            ),
            limit_price=self._limit_price(leg) if is_limit else None,
            reduce_only=_reduces(leg)
            and self._holdings.instruments[leg.asset].is_perpetual,
            mark=leg.mark,
            valid_until_ns=(
                time_ns + settings.valid_bars * self._interval_ns if rests else None
            ),
        )

    def _limit_price(self, leg: Leg) -> Decimal:
        """Never worse for us than the offset says."""
        offset = leg.side.sign * self._settings.limit_offset_bps * BPS
        tick = self._holdings.rules(leg.asset).tick
        rounded = price_down if leg.side is Side.BUY else price_up
        return rounded(leg.mark * (1.0 + offset), tick)


def _reduces(leg: Leg) -> bool:
    """Nearer to zero without crossing it."""
    return (
        leg.side.sign * leg.current_weight < 0.0
        and leg.target_weight * leg.current_weight >= 0.0
    )
