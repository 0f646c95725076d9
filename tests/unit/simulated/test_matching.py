"""Matching as pure functions: what one bar gives one order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import T0, order
from tests.unit.simulated.world import costs

from factortrader.events import OrderType, Side
from factortrader.instruments import TradingRules
from factortrader_adapters.simulated.matching import (
    is_marketable,
    room,
    taken_at,
    traded_through,
)
from factortrader_adapters.simulated.prints import Bar

RULES = TradingRules()
LOT = Decimal("0.1")


def bar(open_: float, high: float, low: float, close: float) -> Bar:
    return Bar(0, T0, open_, high, low, close, 1_000.0)


def limit(side: Side, price: str):
    return order(side=side, order_type=OrderType.LIMIT, limit_price=price)


@pytest.mark.parametrize(
    ("volume", "taken", "left"),
    [
        (1_000.0, "0", "100"),
        (1_000.0, "60", "40"),
        (1_000.0, "200", "0"),
        (1.99, "0", "0.1"),
        (0.0, "0", "0"),
        (float("nan"), "0", None),
    ],
)
def test_room_is_our_share_of_the_volume_less_what_we_took(volume, taken, left) -> None:
    """Rounded down to a lot, never negative, unlimited where the volume is unknown."""
    given_room = room(volume, max_participation=0.1, taken=Decimal(taken), lot=LOT)

    assert given_room == (None if left is None else Decimal(left))


@pytest.mark.parametrize(
    ("side", "price", "marketable"),
    [
        (Side.BUY, "100.09", False),
        (Side.BUY, "100.1", True),
        (Side.SELL, "99.91", False),
        (Side.SELL, "99.9", True),
    ],
)
def test_a_limit_is_marketable_where_it_reaches_the_touch(
    side, price, marketable
) -> None:
    model = costs(half_spread_bps=10.0)

    assert (
        is_marketable(limit(side, price), 100.0, costs=model, rules=RULES) is marketable
    )


PRICES = st.floats(1e-6, 1e6)
SIDES = st.sampled_from(Side)


@pytest.mark.slow
@given(
    price=PRICES, side=SIDES, share=st.floats(0.0, 1.0), spread=st.floats(0.0, 500.0)
)
def test_a_taker_never_gets_better_than_the_print(price, side, share, spread) -> None:
    """Half spread and impact are costs on either side, before and after rounding."""
    model = costs(half_spread_bps=spread, impact_bps=spread)

    execution = taken_at(
        order(side=side),
        price,
        quantity=Decimal(1),
        participation=share,
        costs=model,
        rules=RULES,
    )

    worse = side.sign * (float(execution.price) - price)
    assert worse >= -1e-9 * price


@pytest.mark.slow
@given(
    prints=st.lists(PRICES, min_size=3, max_size=9),
    at=PRICES,
    side=SIDES,
    rested=st.booleans(),
)
def test_a_resting_order_fills_only_beyond_its_limit_and_never_worse(
    prints, at, side, rested
) -> None:
    """Its price is a limit or better, and a print strictly beyond the limit exists."""
    resting = limit(side, f"{at:.6f}" if at > 1e-5 else "0.00001")
    day = bar(prints[0], max(prints), min(prints), prints[-1])

    execution = traded_through(resting, day, rested_before=rested, rules=RULES)

    threshold = float(resting.limit_price)
    beyond = day.low < threshold if side is Side.BUY else day.high > threshold
    if execution is None:
        assert not (rested and beyond)
    else:
        assert beyond
        assert side.sign * (resting.limit_price - execution.price) >= 0
        assert day.low * (1 - 1e-9) <= float(execution.reference)
        assert float(execution.reference) <= day.high * (1 + 1e-9)


def test_an_open_beyond_the_limit_fills_at_the_open_rounded_against_us() -> None:
    rules = TradingRules(tick=Decimal("0.5"))
    day = bar(90.2, 101.0, 89.0, 100.0)

    bought = traded_through(limit(Side.BUY, "95"), day, rested_before=True, rules=rules)
    sold = traded_through(limit(Side.SELL, "85"), day, rested_before=True, rules=rules)

    assert bought is not None
    assert sold is not None
    assert (bought.price, sold.price) == (Decimal("90.5"), Decimal("90.0"))
    assert bought.reference == sold.reference == Decimal("90.2")


def test_a_seller_at_an_absurd_spread_gets_nothing_rather_than_paying() -> None:
    """A cost of more than the whole price leaves zero."""
    execution = taken_at(
        order(side=Side.SELL),
        100.0,
        quantity=Decimal(1),
        participation=0.0,
        costs=costs(half_spread_bps=10_000.0, impact_bps=0.0),
        rules=RULES,
    )

    assert execution.price == 0
