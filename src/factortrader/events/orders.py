"""Plans, orders and fills. The life cycle itself is `orders/lifecycle.py`."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from factortrader.events.base import Event


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    GTC = "gtc"
    """Good till canceled."""
    IOC = "ioc"
    """Immediate or cancel: what cannot fill at once expires."""
    POST_ONLY = "post_only"
    """Rejected if it would take liquidity."""


class Liquidity(StrEnum):
    MAKER = "maker"
    TAKER = "taker"


class Leg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One intended trade of a plan. quantity > 0 in base; mark: decision price."""

    leg: int
    asset: str
    side: Side
    quantity: Decimal
    mark: float
    target_weight: float
    current_weight: float


class RebalancePlanned(Event, frozen=True, kw_only=True, gc=False):
    """A whole rebalance before any of it is sent; the order of legs is sending order.

    plan: hash of everything below, so that an approval names exactly this plan.
    equity: quote currency at the decision marks; turnover: ½ Σ|Δweight|, one-way.
    gross_exposure, net_exposure: fractions of equity after the plan.
    """

    plan: str
    rebalance: str
    strategy: str
    equity: float
    legs: tuple[Leg, ...]
    turnover: float
    gross_exposure: float
    net_exposure: float


class PlanApproved(Event, frozen=True, kw_only=True, gc=False):
    plan: str


class PlanReduced(Event, frozen=True, kw_only=True, gc=False):
    """Approved with smaller legs; `limits` names what bound, `legs` is what remains."""

    plan: str
    legs: tuple[Leg, ...]
    limits: tuple[str, ...]


class PlanRefused(Event, frozen=True, kw_only=True, gc=False):
    plan: str
    limit: str
    reason: str


class OrderRequested(Event, frozen=True, kw_only=True, gc=False):
    """An order that execution wants; risk has not judged it yet.

    limit_price: quote currency, None for a market order. mark: decision price.
    valid_until_ns: when the venue shall expire what is left; None = until canceled.
    """

    order_id: str
    plan: str
    asset: str
    side: Side
    quantity: Decimal
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None
    reduce_only: bool
    mark: float
    valid_until_ns: int | None = None


class OrderApproved(Event, frozen=True, kw_only=True, gc=False):
    """Risk's approval; execution submits nothing else."""

    order: OrderRequested


class OrderRefused(Event, frozen=True, kw_only=True, gc=False):
    """Ours, never the venue's."""

    order_id: str
    limit: str
    reason: str


class OrderSubmitted(Event, frozen=True, kw_only=True, gc=False):
    """The intent: durable before the first byte is sent."""

    order_id: str


class OrderAccepted(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    venue_order_id: str
    venue_time_ns: int


class OrderFilled(Event, frozen=True, kw_only=True, gc=False):
    """One execution. quantity > 0; price in quote; fee ≥ 0 in fee_currency.

    cumulative: Σ quantity of this order's fills, this one included.
    reference: the print it filled against, before spread and impact.
    """

    order_id: str
    trade_id: str
    asset: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    cumulative: Decimal
    reference: Decimal
    venue_time_ns: int


class OrderCanceled(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    cumulative: Decimal
    reason: str
    venue_time_ns: int


class OrderExpired(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    cumulative: Decimal
    reason: str
    venue_time_ns: int


class OrderRejected(Event, frozen=True, kw_only=True, gc=False):
    """The venue's, in its own words."""

    order_id: str
    code: str
    reason: str
    venue_time_ns: int


class CancelSubmitted(Event, frozen=True, kw_only=True, gc=False):
    order_id: str


class CancelRejected(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    code: str
    reason: str
    venue_time_ns: int


class OrderUnknown(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    cause: str


class OrderProvenAbsent(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    evidence: str


class OrderSettled(Event, frozen=True, kw_only=True, gc=False):
    """Σ fills = cumulative: nothing more can come from this order."""

    order_id: str
    cumulative: Decimal


class OrderParked(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    reason: str


class OrderAdopted(Event, frozen=True, kw_only=True, gc=False):
    order_id: str
    asset: str
    side: Side
    quantity: Decimal
