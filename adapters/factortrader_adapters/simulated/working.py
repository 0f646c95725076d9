"""An order that the venue has taken, and what it says when such an order closes."""

from __future__ import annotations

from decimal import Decimal

from factortrader.events import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
    OrderRequested,
)
from factortrader.units import ZERO
from factortrader_adapters.simulated.admission import Rejection


class WorkingOrder:
    """An accepted order that is not closed yet. Private to the desk.

    meets_close: it came too late for its bar's open and waits for the close.
    """

    __slots__ = (
        "arrived_ns",
        "filled",
        "meets_close",
        "order",
        "reserved_base",
        "reserved_quote",
    )

    def __init__(self, order: OrderRequested, *, arrived_ns: int) -> None:
        self.order = order
        self.arrived_ns = arrived_ns
        self.meets_close = False
        self.filled = ZERO
        self.reserved_quote = ZERO
        self.reserved_base = ZERO

    @property
    def remaining(self) -> Decimal:
        return self.order.quantity - self.filled

    def accepted(self, *, number: int) -> OrderAccepted:
        """The first answer; number: how many orders the venue has accepted."""
        return OrderAccepted(
            time_ns=self.arrived_ns,
            order_id=self.order.order_id,
            venue_order_id=f"v{number}",
            venue_time_ns=self.arrived_ns,
        )

    def canceled(self, reason: str, *, now_ns: int) -> OrderCanceled:
        return OrderCanceled(
            time_ns=now_ns,
            order_id=self.order.order_id,
            cumulative=self.filled,
            reason=reason,
            venue_time_ns=now_ns,
        )

    def expired(self, reason: str, *, now_ns: int) -> OrderExpired:
        return OrderExpired(
            time_ns=now_ns,
            order_id=self.order.order_id,
            cumulative=self.filled,
            reason=reason,
            venue_time_ns=now_ns,
        )


def rejected(
    order: OrderRequested, rejection: Rejection, *, now_ns: int
) -> OrderRejected:
    """The venue's refusal of an order that it never took."""
    return OrderRejected(
        time_ns=now_ns,
        order_id=order.order_id,
        code=rejection.code,
        reason=rejection.reason,
        venue_time_ns=now_ns,
    )
