"""When a bar fills an order, at which price, and how much of it (DESIGN §7).

Pure functions of an order and a bar. An order meets the prints of a bar in turn:

    at the open (or the close)   taker: print ± half spread + impact, against us by
                                 a tick, never beyond the limit
    through the bar              maker: at the limit, once a print lies strictly
                                 beyond it; at the open where the bar begins there
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

from factortrader.costs import CostModel
from factortrader.events import Liquidity, OrderRequested, Side
from factortrader.instruments import TradingRules
from factortrader.units import (
    ZERO,
    price_down,
    price_nearest,
    price_up,
    quantity_floor,
    to_float,
)
from factortrader_adapters.simulated.prints import Bar


class Execution(NamedTuple):
    """What one print gives. reference: the print, before spread and impact."""

    quantity: Decimal
    price: Decimal
    reference: Decimal
    liquidity: Liquidity


def room(
    volume: float, *, max_participation: float, taken: Decimal, lot: Decimal
) -> Decimal | None:
    """What a bar of this volume may still give; None where the volume is unknown.

    room = ⌊max_participation × volume⌋ to a lot − what we took of the bar before
    """
    if math.isnan(volume):
        return None
    return max(quantity_floor(max_participation * volume, lot) - taken, ZERO)


def taker_price(
    order: OrderRequested,
    print_price: float,
    *,
    participation: float,
    costs: CostModel,
    rules: TradingRules,
) -> Decimal:
    """What a taker pays or gets: rounded against it, never beyond its limit."""
    raw = max(costs.taker_price(print_price, order.side, participation), 0.0)
    if order.side is Side.BUY:
        price = price_up(raw, rules.tick)
        return price if order.limit_price is None else min(price, order.limit_price)
    price = price_down(raw, rules.tick)
    return price if order.limit_price is None else max(price, order.limit_price)


def is_marketable(
    order: OrderRequested, print_price: float, *, costs: CostModel, rules: TradingRules
) -> bool:
    """Whether the order takes liquidity at this print: its limit reaches the touch.

    touch = print × (1 ± half spread); a market order reaches it always.
    """
    if order.limit_price is None:
        return True
    touch = costs.taker_price(print_price, order.side, 0.0)
    if order.side is Side.BUY:
        return price_up(touch, rules.tick) <= order.limit_price
    return price_down(max(touch, 0.0), rules.tick) >= order.limit_price


def taken_at(
    order: OrderRequested,
    print_price: float,
    *,
    quantity: Decimal,
    participation: float,
    costs: CostModel,
    rules: TradingRules,
) -> Execution:
    """The execution of a marketable order against one print."""
    price = taker_price(
        order, print_price, participation=participation, costs=costs, rules=rules
    )
    return Execution(quantity, price, price_nearest(print_price, None), Liquidity.TAKER)


def traded_through(
    order: OrderRequested, bar: Bar, *, rested_before: bool, rules: TradingRules
) -> Execution | None:
    """What a resting limit order gets of a bar, in full quantity, or None.

    rested_before: it was there when the bar began. Then an open strictly beyond the
    limit fills at that open. An order that came just after the open needs a print
    beyond that open too, because the open itself came before it. A limit inside the
    spread fills at itself though no print reached it; the reference is the nearest one.
    """
    limit = order.limit_price
    assert limit is not None, "a market order does not wait to be traded through"
    threshold = to_float(limit)
    sign = order.side.sign
    extreme = bar.low if order.side is Side.BUY else bar.high
    if not sign * (threshold - extreme) > 0.0:
        return None
    if not rested_before and not sign * (bar.open - extreme) > 0.0:
        return None
    if rested_before and sign * (threshold - bar.open) > 0.0:
        price = (
            min(price_up(bar.open, rules.tick), limit)
            if order.side is Side.BUY
            else max(price_down(bar.open, rules.tick), limit)
        )
        reference = price_nearest(bar.open, None)
        return Execution(order.quantity, price, reference, Liquidity.MAKER)
    farthest = bar.high if order.side is Side.BUY else bar.low
    inside_the_spread = sign * (threshold - farthest) > 0.0
    reference = price_nearest(farthest, None) if inside_the_spread else limit
    return Execution(order.quantity, limit, reference, Liquidity.MAKER)
