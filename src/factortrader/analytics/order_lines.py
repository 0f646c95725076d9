"""One line per order: what was asked, and the state its events left it in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from factortrader.events import (
    CancelRejected,
    CancelSubmitted,
    Message,
    OrderAccepted,
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderParked,
    OrderProvenAbsent,
    OrderRefused,
    OrderRejected,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
    Side,
)
from factortrader.orders.lifecycle import OrderState, next_state
from factortrader.units import ZERO

ORDER_EVENTS: Final[tuple[type[Message], ...]] = (
    CancelRejected,
    CancelSubmitted,
    OrderAccepted,
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderParked,
    OrderProvenAbsent,
    OrderRefused,
    OrderRejected,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
)
"""Every event of an order's life but its fills, which move money too."""

_SILENT: Final = frozenset({OrderApproved, OrderSubmitted, OrderAccepted, OrderSettled})
"""What happens to every order, and says nothing about why."""


@dataclass(slots=True, kw_only=True)
class OrderLine:
    """One row of orders.parquet.

    quantity: as approved, as requested before that. reason: the words of whoever
    ended it; a settled order keeps the state in which it closed in front of them.
    cumulative: the largest cumulative fill reported.
    """

    order_id: str
    time_ns: int
    asset: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    plan: str
    status: OrderState
    reason: str = ""
    cumulative: Decimal = ZERO

    @property
    def outcome(self) -> str:
        """The state in which it closed, or stands."""
        if self.status is OrderState.SETTLED:
            return self.reason.partition(":")[0]
        return self.status.value


class OrderLines:
    """Folds the events of orders, each through the one table."""

    def __init__(self) -> None:
        self._lines: dict[str, OrderLine] = {}

    def lines(self) -> Iterator[OrderLine]:
        """In the order in which the orders came to be."""
        return iter(self._lines.values())

    def on_event(self, event: Any) -> None:
        """Move the order's line; raises IllegalTransition as the order book does."""
        kind = type(event)
        if kind is OrderApproved:
            line = self._lines[event.order.order_id]
            line.quantity = event.order.quantity
            line.limit_price = event.order.limit_price
        elif event.order_id not in self._lines:
            self._lines[event.order_id] = _born(event)
            return
        else:
            line = self._lines[event.order_id]
        line.cumulative = max(line.cumulative, getattr(event, "cumulative", ZERO))
        status = next_state(
            line.status, kind, quantity=line.quantity, cumulative=line.cumulative
        )
        if kind not in _SILENT:
            line.reason = _words(event) or line.reason
        if status is OrderState.SETTLED and line.status is not status:
            line.reason = f"{line.status}: {line.reason}".removesuffix(": ")
        line.status = status


def _born(event: Any) -> OrderLine:
    status = next_state(
        None, type(event), quantity=getattr(event, "quantity", ZERO), cumulative=ZERO
    )
    return OrderLine(
        order_id=event.order_id,
        time_ns=event.time_ns,
        asset=event.asset,
        side=event.side,
        quantity=event.quantity,
        limit_price=getattr(event, "limit_price", None),
        plan=getattr(event, "plan", ""),
        status=status,
    )


def _words(event: Any) -> str:
    """Why, as the event says it: a limit or a code before the sentence."""
    match event:
        case OrderRefused(limit=limit, reason=reason):
            return f"{limit}: {reason}"
        case OrderRejected(code=code, reason=reason):
            return f"{code}: {reason}"
        case OrderCanceled(reason=reason) | OrderExpired(reason=reason):
            return str(reason)
        case OrderParked(reason=reason):
            return str(reason)
        case OrderUnknown(cause=cause):
            return str(cause)
        case OrderProvenAbsent(evidence=evidence):
            return str(evidence)
    return ""
