"""The judgment of each order at its intent, after its plan was approved (DESIGN §5)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from factortrader.events import OrderRefused, OrderRequested, Side
from factortrader.risk.context import Book, RiskContext
from factortrader.risk.state import lets_pass
from factortrader.units import BPS, to_float

EXPOSURE_SLACK: Final = 0.01
"""Relative. A plan is judged exactly; on the way to it costs shrink the equity and
marks move, and an order of a plan at its limit must not be refused for that."""

_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Breach:
    limit: str
    reason: str


_Check: TypeAlias = Callable[[OrderRequested, RiskContext], _Breach | None]


def judge_order(order: OrderRequested, context: RiskContext) -> OrderRefused | None:
    """The first limit that the order breaks, or None.

    Working and unknown orders count as filled on their worst side: an asset's
    exposure is the larger of all purchases filled and all sales filled. The net limit
    belongs to the plan alone: legs are sent one by one, and on the way |net| is
    bounded by gross. An order that leaves the worst side of its asset no worse than
    it was, as every reduction does, is never blocked by weight or gross.
    """
    for check in _CHECKS:
        breach = check(order, context)
        if breach is not None:
            return OrderRefused(
                time_ns=order.time_ns,
                order_id=order.order_id,
                limit=breach.limit,
                reason=breach.reason,
            )
    return None


def certainly_reduces(order: OrderRequested, book: Book) -> bool:
    """Nearer to zero without crossing it, whatever else of ours fills."""
    position = book.position(order.asset)
    buying, selling = book.working(order.asset)
    if order.side is Side.BUY:
        return position + buying + order.quantity <= 0
    return position - selling - order.quantity >= 0


def _well_formed(order: OrderRequested, _context: RiskContext) -> _Breach | None:
    if not (order.quantity.is_finite() and order.quantity > 0):
        return _Breach(limit="order", reason=f"quantity {order.quantity}")
    if not (math.isfinite(order.mark) and order.mark > 0.0):
        return _Breach(limit="order", reason=f"decision mark {order.mark}")
    price = order.limit_price
    if price is not None and not (price.is_finite() and price > 0):
        return _Breach(limit="order", reason=f"limit price {price}")
    return None


def _state(order: OrderRequested, context: RiskContext) -> _Breach | None:
    if lets_pass(context.state, reduces=False):
        return None
    reduces = certainly_reduces(order, context.book)
    if lets_pass(context.state, reduces=reduces):
        return None
    what = "reduces a position" if reduces else "may add to a position"
    return _Breach(
        limit="trading_state", reason=f"the desk is {context.state}, this order {what}"
    )


def _reduce_only(order: OrderRequested, context: RiskContext) -> _Breach | None:
    if not order.reduce_only or certainly_reduces(order, context.book):
        return None
    held = context.book.position(order.asset)
    buying, selling = context.book.working(order.asset)
    reason = (
        f"reduce-only {order.side} of {order.quantity} against a position of {held}, "
        f"{buying} being bought and {selling} being sold"
    )
    return _Breach(limit="reduce_only", reason=reason)


def _tradable(order: OrderRequested, context: RiskContext) -> _Breach | None:
    if context.book.rules(order.asset).tradable:
        return None
    return _Breach(limit="tradable", reason="the venue's rules say: not tradable")


def _notional(order: OrderRequested, context: RiskContext) -> _Breach | None:
    units = to_float(order.quantity * context.book.multiplier(order.asset))
    limit = context.settings.max_order_notional_quote
    return _above("max_order_notional_quote", units * order.mark, limit)


def _participation(order: OrderRequested, context: RiskContext) -> _Breach | None:
    volume = context.book.last_volume(order.asset)
    if math.isnan(volume):
        return None
    quantity = to_float(order.quantity)
    share = quantity / volume if volume > 0.0 else math.inf
    return _above("max_participation", share, context.settings.max_participation)


def _collar(order: OrderRequested, context: RiskContext) -> _Breach | None:
    """How far the order may pay away: its limit price, or the market now."""
    price = context.book.mark(order.asset)
    if order.limit_price is not None:
        price = to_float(order.limit_price)
    away_bps = order.side.sign * (price / order.mark - 1.0) / BPS
    return _above("collar_bps", away_bps, context.settings.collar_bps)


def _exposure(order: OrderRequested, context: RiskContext) -> _Breach | None:
    before, after = _worst_values(order, context.book)
    if after <= before:
        return None
    book, settings = context.book, context.settings
    equity = book.equity
    if not (math.isfinite(equity) and equity > 0.0):
        return _Breach(limit="equity", reason=f"equity is {equity:.6g}, not positive")
    slack = 1.0 + EXPOSURE_SLACK
    weight = after / equity
    total = _worst_total(context, growth=after - before, asset=order.asset) / equity
    return _above("max_weight", weight, settings.max_weight, slack=slack) or _above(
        "max_gross", total, settings.max_gross, slack=slack
    )


def _worst_total(context: RiskContext, *, growth: float, asset: str) -> float:
    """Σ|value| in quote on the worst side, after an asset's worst side has grown.

    Spot is paid in full: whatever the orders, its total ends at most at what it is
    now and all the cash. So purchases may go out beside the sales that pay for them.
    """
    book = context.book
    case = book.worst_case()
    spot, perpetuals = (
        math.fsum(case.spot.values()),
        math.fsum(case.perpetuals.values()),
    )
    paid_in_full = math.fsum([max(to_float(book.cash), 0.0), *case.spot_now.values()])
    if book.is_perpetual(asset):
        return perpetuals + growth + min(spot, paid_in_full)
    return perpetuals + min(spot + growth, paid_in_full)


def _worst_values(order: OrderRequested, book: Book) -> tuple[float, float]:
    """|value| of the order's asset without and with it, at its mark, in quote.

    All purchases filled or all sales, whichever is larger. Without a mark it is 0:
    nobody knows its worth.
    """
    position = book.position(order.asset)
    buying, selling = book.working(order.asset)
    before = max(abs(position + buying), abs(position - selling))
    if order.side is Side.BUY:
        after = max(before, abs(position + buying + order.quantity))
    else:
        after = max(before, abs(position - selling - order.quantity))
    unit_quote = to_float(book.multiplier(order.asset)) * order.mark
    values = (to_float(before) * unit_quote, to_float(after) * unit_quote)
    return values if math.isfinite(values[1]) else (0.0, 0.0)


def _above(
    name: str, value: float, limit: float, *, slack: float = 1.0
) -> _Breach | None:
    if value <= limit * slack * (1.0 + _TOLERANCE) + _TOLERANCE:
        return None
    return _Breach(limit=name, reason=f"{name} {value:.6g}, limit {limit:.6g}")


_CHECKS: Final[tuple[_Check, ...]] = (
    _well_formed,
    _state,
    _reduce_only,
    _tradable,
    _notional,
    _participation,
    _collar,
    _exposure,
)
