"""The open orders: a private fold of order events (DESIGN §5, R5).

An order stays here until it is closed and all of its fills are booked; after that only
its last state is kept, which is what a late report is judged by. Each event costs the
same however long the history.

What counts an order's remainder as filled is the risk monitor; here stands how much
that is. Sums are taken in the caller's decimal context (`units.MONEY` inside a step).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from factortrader.errors import BrokenInvariant
from factortrader.events import (
    CancelRejected,
    CancelSubmitted,
    OrderAccepted,
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderParked,
    OrderProvenAbsent,
    OrderRefused,
    OrderRejected,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
    PlanRefused,
    Side,
)
from factortrader.orders.lifecycle import (
    BLOCKING,
    CLOSED,
    WORKING,
    IllegalTransition,
    OrderState,
    next_state,
)
from factortrader.units import ZERO

OrderEvent: TypeAlias = (
    OrderRequested
    | OrderApproved
    | OrderRefused
    | OrderSubmitted
    | OrderAccepted
    | OrderFilled
    | OrderCanceled
    | OrderExpired
    | OrderRejected
    | CancelSubmitted
    | CancelRejected
    | OrderUnknown
    | OrderProvenAbsent
    | OrderSettled
    | OrderParked
    | OrderAdopted
)
"""Every event that names one order."""

ORDER_EVENTS: Final[tuple[type[OrderEvent], ...]] = OrderEvent.__args__
"""The same as types, for subscriptions: the order of the life cycle."""


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order as it stands after an event.

    quantity: what was ordered (after risk's reduction), in base. limit_price: quote
    currency, None for a market order. cumulative: the largest Σ filled that the venue
    has reported. booked: Σ of the fills that we have seen, by trade id.
    reason: why it is in this state, in the words of whoever put it there.
    requested_ns: when it came to be; changed_ns: the last event that changed it.
    """

    order_id: str
    plan: str
    asset: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    reduce_only: bool
    state: OrderState
    cumulative: Decimal
    booked: Decimal
    reason: str
    requested_ns: int
    changed_ns: int

    @property
    def is_settled(self) -> bool:
        """Closed, and every fill that the venue reported is booked."""
        return self.state in CLOSED and self.booked >= self.cumulative

    @property
    def outstanding(self) -> Decimal:
        """What may still be filled or booked, ≥ 0, in base."""
        if self.state in WORKING:
            return max(self.quantity, self.cumulative) - self.booked
        return self.cumulative - self.booked


class Outstanding(NamedTuple):
    """What the orders of one asset may still buy and sell, each ≥ 0, in base."""

    buys: Decimal
    sells: Decimal


class OpenOrders:
    """The orders that are not settled yet, by id, by asset and by plan."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._left: dict[str, OrderState] = {}
        self._by_asset: dict[str, dict[str, None]] = {}
        self._by_plan: dict[str, dict[str, None]] = {}
        self._trades: dict[str, set[str]] = {}
        self._changes = 0
        self._changed: dict[str, int] = {}

    def apply(self, event: OrderEvent) -> Order | None:
        """Fold one event; the order as it stands now, or None if it has left.

        A fill seen before (asset, trade id) changes nothing. Raises IllegalTransition
        where the life cycle forbids the event, BrokenInvariant for a fill of another
        asset or side and for a settlement that the fills do not bear out; then nothing
        has changed.
        """
        if isinstance(event, OrderRequested | OrderAdopted):
            order_id = event.order_id
            if order_id not in self._orders and order_id not in self._left:
                return self._begin(event)
        elif isinstance(event, OrderApproved):
            order_id = event.order.order_id
        else:
            order_id = event.order_id
        order = self._orders.get(order_id)
        if order is None:
            self._late(order_id, event)
            return None
        return self._change(order, event)

    def refuse_plan(self, event: PlanRefused) -> tuple[Order, ...]:
        """Orders of a refused plan are refused with it; none has been sent.

        Raises IllegalTransition if one of them is past its approval.
        """
        mine = [
            self._orders[order_id] for order_id in self._by_plan.get(event.plan, ())
        ]
        after = [_refused(order, event) for order in mine]
        for order in after:
            self._keep(order)
        return tuple(after)

    def get(self, order_id: str) -> Order | None:
        """The order, or None once it is settled or if it never was."""
        return self._orders.get(order_id)

    def __iter__(self) -> Iterator[Order]:
        """Every order that is not settled, oldest first."""
        return iter(tuple(self._orders.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def working(self) -> tuple[Order, ...]:
        """Orders that may still fill, oldest first."""
        return tuple(o for o in self._orders.values() if o.state in WORKING)

    def of_asset(self, asset: str) -> tuple[Order, ...]:
        """The asset's orders that are not settled, oldest first."""
        return tuple(self._orders[i] for i in self._by_asset.get(asset, ()))

    def of_plan(self, plan: str) -> tuple[Order, ...]:
        """The plan's orders that are not settled, oldest first."""
        return tuple(self._orders[i] for i in self._by_plan.get(plan, ()))

    @property
    def changes(self) -> int:
        """How many changes of orders there have been."""
        return self._changes

    def changed_since(self, changes: int) -> Iterator[str]:
        """Assets with an order that changed after so many changes, latest first."""
        for asset, changed_at in reversed(self._changed.items()):
            if changed_at <= changes:
                return
            yield asset

    def outstanding(self, asset: str) -> Outstanding:
        """What the asset's orders may still buy and sell: its worst sides.

        The position can end anywhere in [position − sells, position + buys].
        Approved, working and unknown orders count with their whole remainder, closed
        ones with the fills that were reported and are not booked yet; an order that
        risk has not judged counts nothing.
        """
        sides = {Side.BUY: ZERO, Side.SELL: ZERO}
        for order_id in self._by_asset.get(asset, ()):
            order = self._orders[order_id]
            sides[order.side] += order.outstanding
        return Outstanding(buys=sides[Side.BUY], sells=sides[Side.SELL])

    def all_outstanding(self) -> Mapping[str, Outstanding]:
        """The same for every asset that has orders here."""
        return {asset: self.outstanding(asset) for asset in self._by_asset}

    def is_blocked(self, asset: str) -> bool:
        """True while an order of the asset is unknown or parked: send nothing."""
        return any(o.state in BLOCKING for o in self.of_asset(asset))

    def is_settled(self, plan: str) -> bool:
        """True if no order requested for the plan is left here."""
        return plan not in self._by_plan

    def _begin(self, event: OrderRequested | OrderAdopted) -> Order:
        requested = event if isinstance(event, OrderRequested) else None
        order = Order(
            order_id=event.order_id,
            plan=requested.plan if requested else "",
            asset=event.asset,
            side=event.side,
            quantity=event.quantity,
            limit_price=requested.limit_price if requested else None,
            reduce_only=requested.reduce_only if requested else False,
            state=next_state(
                None, type(event), quantity=event.quantity, cumulative=ZERO
            ),
            cumulative=ZERO,
            booked=ZERO,
            reason="",
            requested_ns=event.time_ns,
            changed_ns=event.time_ns,
        )
        self._note_change(order)
        self._orders[order.order_id] = order
        self._by_asset.setdefault(order.asset, {})[order.order_id] = None
        self._by_plan.setdefault(order.plan, {})[order.order_id] = None
        return order

    def _change(self, order: Order, event: OrderEvent) -> Order:
        if isinstance(event, OrderFilled):
            _check_fill(order, event)
            if event.trade_id in self._trades.get(order.order_id, ()):
                return order
        changes = _changes(order, event)
        changes["state"] = next_state(
            order.state,
            type(event),
            quantity=changes.get("quantity", order.quantity),
            cumulative=changes.get("cumulative", order.cumulative),
            order_id=order.order_id,
        )
        after: Order = msgspec.structs.replace(
            order, changed_ns=event.time_ns, **changes
        )
        if isinstance(event, OrderFilled):
            self._trades.setdefault(order.order_id, set()).add(event.trade_id)
        self._keep(after)
        return after

    def _note_change(self, order: Order) -> None:
        """What changed last stands last, so that `changed_since` looks at no more."""
        self._changes += 1
        self._changed.pop(order.asset, None)
        self._changed[order.asset] = self._changes

    def _keep(self, order: Order) -> None:
        self._note_change(order)
        order_id = order.order_id
        if not order.is_settled:
            self._orders[order_id] = order
            return
        self._left[order_id] = order.state
        self._orders.pop(order_id)
        self._trades.pop(order_id, None)
        _drop(self._by_asset, order.asset, order_id)
        _drop(self._by_plan, order.plan, order_id)

    def _late(self, order_id: str, event: OrderEvent) -> None:
        """A report about an order that is settled: legal or not, it moves no fill."""
        left = self._left.get(order_id)
        if left is None:
            raise IllegalTransition(None, type(event), order_id=order_id)
        self._left[order_id] = next_state(
            left, type(event), quantity=ZERO, cumulative=ZERO, order_id=order_id
        )


def _changes(order: Order, event: OrderEvent) -> dict[str, Any]:
    """The fields that the event changes, without the state."""
    match event:
        case OrderSubmitted() | OrderAccepted():
            return {}
        case OrderApproved(order=approved):
            return {
                "quantity": approved.quantity,
                "limit_price": approved.limit_price,
                "reduce_only": approved.reduce_only,
            }
        case OrderFilled():
            booked = order.booked + event.quantity
            cumulative = max(order.cumulative, event.cumulative, booked)
            return {"booked": booked, "cumulative": cumulative}
        case OrderCanceled() | OrderExpired():
            cumulative = max(order.cumulative, event.cumulative)
            return {"cumulative": cumulative, "reason": event.reason}
        case OrderSettled():
            cumulative = max(order.cumulative, event.cumulative)
            if order.booked != cumulative:
                raise BrokenInvariant(
                    f"order {order.order_id} cannot settle at {cumulative}",
                    where="orders",
                    why=f"its fills sum to {order.booked}",
                )
            return {"cumulative": cumulative}
    reason = _reason(event)
    return {} if reason is None else {"reason": reason}


def _reason(event: OrderEvent) -> str | None:
    """In the words of whoever said it, after the code or limit if it has one."""
    match event:
        case OrderRefused():
            return f"{event.limit}: {event.reason}"
        case OrderRejected() | CancelRejected():
            return f"{event.code}: {event.reason}"
        case OrderUnknown():
            return event.cause
        case OrderProvenAbsent():
            return event.evidence
        case OrderParked():
            return event.reason
    return None


def _check_fill(order: Order, fill: OrderFilled) -> None:
    if (fill.asset, fill.side) != (order.asset, order.side):
        raise BrokenInvariant(
            f"fill {fill.trade_id} {fill.side}s {fill.asset}, but its order "
            f"{order.order_id} {order.side}s {order.asset}",
            where="orders",
        )


def _refused(order: Order, event: PlanRefused) -> Order:
    state = next_state(
        order.state,
        PlanRefused,
        quantity=order.quantity,
        cumulative=order.cumulative,
        order_id=order.order_id,
    )
    refused: Order = msgspec.structs.replace(
        order,
        state=state,
        reason=f"{event.limit}: {event.reason}",
        changed_ns=event.time_ns,
    )
    return refused


def _drop(index: dict[str, dict[str, None]], key: str, order_id: str) -> None:
    kept = index[key]
    del kept[order_id]
    if not kept:
        del index[key]
