"""Limit orders: what they take, what rests, what trades through them, validity."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.unit.simulated.world import (
    LATE_NS,
    LATENCY_NS,
    Session,
    costs,
    flat,
    kinds,
    market,
)

from factortrader.events import (
    Liquidity,
    OrderAccepted,
    OrderExpired,
    OrderFilled,
    OrderRejected,
)
from factortrader.units import HOUR_NS


def bars_with(**fields):
    """BTC at 100 for four bars, except for these fields."""
    return market({"BTC": [100.0] * 4}, **fields)


# --- limit orders -----------------------------------------------------------------


def test_a_marketable_limit_takes_the_open_at_no_worse_than_its_limit() -> None:
    """It pays as a taker; impact beyond the limit is not paid."""
    model = costs(half_spread_bps=10.0, impact_bps=1_000.0, taker_bps=10.0)
    session = Session(flat(), cost_model=model, capital="1000000")

    session.send(quantity="90", limit="101", row=0)
    session.until(1)

    fill = session.only(OrderFilled)
    assert fill.price == Decimal(101)
    assert fill.liquidity is Liquidity.TAKER
    assert fill.reference == Decimal(100)
    assert fill.time_ns == session.closes[0] + LATENCY_NS


@pytest.mark.parametrize(
    ("side", "limit", "extreme"), [("buy", "95", "low"), ("sell", "105", "high")]
)
@pytest.mark.parametrize(("beyond", "fills"), [(0.0, 0), (0.01, 1)])
def test_a_resting_limit_needs_a_print_strictly_beyond_it(
    side, limit, extreme, beyond, fills
) -> None:
    """Touching the limit is not enough; trading through it fills at it, as maker."""
    away = float(limit) + (beyond if side == "sell" else -beyond)
    session = Session(bars_with(**{extreme: [[100.0], [100.0], [away], [100.0]]}))
    session.send("buy", "1", row=0)
    session.until(1)

    session.send(side, "1", limit=limit, row=1)
    session.until(2)

    made_fills = [
        fill for fill in session.heard(OrderFilled) if fill.price == Decimal(limit)
    ]
    assert len(made_fills) == fills
    for fill in made_fills:
        assert fill.liquidity is Liquidity.MAKER
        assert fill.time_ns == session.closes[2]


def test_a_later_open_beyond_the_limit_fills_at_that_open() -> None:
    """A bar that begins below a resting bid has nobody who would sell at the bid."""
    bars = bars_with(
        open=[[100.0], [100.0], [90.0], [100.0]], low=[[100.0], [100.0], [85.0], [99.0]]
    )
    session = Session(bars)

    session.send(limit="95", row=0)
    session.until(2)

    fill = session.only(OrderFilled)
    assert (fill.price, fill.reference) == (Decimal(90), Decimal(90))
    assert fill.time_ns == session.closes[2]


def test_the_open_itself_does_not_trade_through_an_order_that_came_after_it() -> None:
    """A bid inside the spread was not there when the open printed below it."""
    session = Session(flat(), cost_model=costs(half_spread_bps=10.0))

    session.send(limit="100.05", row=0)
    session.until(1)

    assert session.heard(OrderFilled) == []
    session.until(2)
    assert session.only(OrderFilled).time_ns == session.closes[2]


def test_a_late_limit_meets_the_close_and_not_the_path_before_it() -> None:
    """The bar's low may have come before the order did."""
    bars = bars_with(low=[[100.0], [80.0], [100.0], [100.0]])
    session = Session(bars)

    session.send(limit="95", row=0, after_ns=LATE_NS)
    session.until(3)

    assert session.heard(OrderFilled) == []


def test_a_late_marketable_limit_takes_the_close() -> None:
    session = Session(market({"BTC": [100.0, 94.0]}))

    session.send(limit="95", row=0, after_ns=LATE_NS)
    session.until(1)

    fill = session.only(OrderFilled)
    assert (fill.price, fill.liquidity) == (Decimal(94), Liquidity.TAKER)
    assert fill.time_ns == session.closes[1]


@pytest.mark.parametrize("after_ns", [0, LATE_NS])
def test_an_immediate_limit_that_is_not_marketable_expires(after_ns) -> None:
    session = Session(bars_with(low=[[100.0], [80.0], [80.0], [80.0]]))

    session.send(limit="95", tif="ioc", row=0, after_ns=after_ns)
    session.until(2)

    assert session.only(OrderExpired).reason == "not marketable"


def test_a_post_only_order_that_would_take_is_rejected() -> None:
    session = Session(flat())

    session.send(limit="101", tif="post_only", row=0)
    session.until(1)

    assert session.only(OrderRejected).code == "post_only"
    assert session.heard(OrderAccepted) == []


def test_a_post_only_order_that_would_take_at_the_close_expires() -> None:
    """A late one was accepted already: it ends without a fill."""
    session = Session(flat())

    session.send(limit="101", tif="post_only", row=0, after_ns=LATE_NS)
    answers = session.until(1)

    assert kinds(answers) == ["OrderAccepted", "OrderExpired"]


def test_a_post_only_order_rests_and_fills_as_maker() -> None:
    model = costs(maker_bps=1.0, taker_bps=10.0)
    session = Session(
        bars_with(low=[[100.0], [100.0], [90.0], [100.0]]), cost_model=model
    )

    session.send(limit="95", tif="post_only", row=0)
    session.until(2)

    assert session.only(OrderFilled).fee == Decimal("0.0095")


def test_a_limit_order_rests_over_bars_that_do_not_exist() -> None:
    """Nobody trades for two days; the order waits and fills on the third."""
    nan = float("nan")
    session = Session(market({"BTC": [100.0, nan, nan, 90.0], "ETH": [1.0] * 4}))

    session.send(limit="95", row=0)
    session.until(3)

    assert session.only(OrderFilled).price == Decimal(90)


def test_a_resting_order_takes_its_share_of_each_bar() -> None:
    bars = bars_with(low=[[100.0], [90.0], [90.0], [90.0]])
    session = Session(bars, capital="100000")

    session.send(quantity="250", limit="95", row=0)
    session.until(3)

    fills = session.heard(OrderFilled)
    assert [fill.cumulative for fill in fills] == [100, 200, 250]
    assert [fill.time_ns for fill in fills] == session.closes[1:]


@pytest.mark.parametrize(("hours", "ends"), [(36, "expired"), (48, "filled")])
def test_an_order_fills_only_in_bars_that_it_lived_through(hours, ends) -> None:
    """Validity that ends inside a bar ends before anybody knows the bar's low."""
    bars = bars_with(low=[[100.0], [100.0], [90.0], [90.0]])
    session = Session(bars)

    until_ns = session.closes[0] + hours * HOUR_NS
    session.send(limit="95", row=0, valid_until_ns=until_ns)
    session.until(3)

    if ends == "expired":
        expired = session.only(OrderExpired)
        assert (expired.time_ns, expired.cumulative) == (until_ns, 0)
    else:
        assert session.only(OrderFilled).time_ns == until_ns


def test_an_order_that_arrives_after_its_validity_is_rejected() -> None:
    session = Session(flat())

    session.send(row=0, valid_until_ns=session.closes[0] + 1)
    session.until(1)

    assert session.only(OrderRejected).code == "outside_validity"
