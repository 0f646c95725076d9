"""Orders at the desk: participation, rejections, balances, margin, fees."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.builders import made, perpetual
from tests.unit.simulated.world import (
    LATE_NS,
    LATENCY_NS,
    Session,
    costs,
    flat,
    kinds,
    market,
    nan_like,
)

from factortrader.costs import FeeTier
from factortrader.events import (
    InstrumentRulesChanged,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
)
from factortrader.instruments import TradingRules


def bars_with(**fields):
    """BTC at 100 for four bars, except for these fields."""
    return market({"BTC": [100.0] * 4}, **fields)


# --- participation ----------------------------------------------------------------


def test_an_order_beyond_our_share_of_the_bar_fills_in_part_and_expires() -> None:
    """A tenth of the volume is ours; the rest of a market order expires."""
    session = Session(flat(), capital="1000000")

    session.send(quantity="150", row=0)
    session.until(1)

    assert session.only(OrderFilled).quantity == Decimal(100)
    expired = session.only(OrderExpired)
    assert expired.cumulative == Decimal(100)
    assert "volume" in expired.reason


def test_all_orders_of_one_bar_share_the_cap() -> None:
    """Splitting an order does not widen the market."""
    session = Session(flat(), capital="1000000")

    session.send(quantity="80", row=0)
    session.send(quantity="80", row=0)
    session.send(quantity="1", row=0, after_ns=LATE_NS)
    session.until(1)

    filled = [fill.quantity for fill in session.heard(OrderFilled)]
    assert filled == [Decimal(80), Decimal(20)]
    assert [e.cumulative for e in session.heard(OrderExpired)] == [20, 0]


def test_the_remainder_rests_where_the_settings_say_so() -> None:
    """Then it takes its share of each later bar, one fill per bar."""
    session = Session(flat(bars=5), capital="1000000", remainder="rest")

    session.send(quantity="250", row=0, tif="gtc")
    session.until(4)

    fills = session.heard(OrderFilled)
    assert [fill.quantity for fill in fills] == [100, 100, 50]
    assert [fill.cumulative for fill in fills] == [100, 200, 250]
    assert [fill.time_ns for fill in fills[1:]] == session.closes[2:4]


def test_an_immediate_order_never_rests() -> None:
    session = Session(flat(), capital="1000000", remainder="rest")

    session.send(quantity="250", row=0, tif="ioc")
    session.until(1)

    assert session.only(OrderExpired).cumulative == Decimal(100)


@pytest.mark.parametrize(
    ("fields", "filled"),
    [
        ({"volume": nan_like(4)}, 500),
        ({"volume": nan_like(4), "quote_volume": [[20_000.0]] * 4}, 20),
        ({"volume": [[0.0]] * 4, "quote_volume": [[20_000.0]] * 4}, 20),
    ],
)
def test_the_cap_follows_whatever_volume_is_known(fields, filled) -> None:
    """Quote volume stands in for base volume; without any there is no cap."""
    session = Session(bars_with(**fields), capital="1000000")

    session.send(quantity="500", row=0)
    session.until(1)

    assert session.only(OrderFilled).quantity == filled


def test_a_bar_without_volume_fills_nothing() -> None:
    """A volume of zero is known: nobody traded."""
    session = Session(bars_with(volume=[[0.0]] * 4))

    session.send(row=0)
    session.until(1)

    assert session.heard(OrderFilled) == []
    assert session.only(OrderExpired).cumulative == 0


def test_impact_grows_with_the_share_of_the_order() -> None:
    """price = print × (1 + impact × √participation), rounded against the buyer."""
    session = Session(flat(), cost_model=costs(impact_bps=100.0), capital="1000000")

    session.send(quantity="40", row=0)
    session.until(1)

    assert session.only(OrderFilled).price == Decimal("100.2")


def test_prices_are_rounded_against_the_taker_to_the_tick_of_the_day() -> None:
    """A buyer pays the next tick up, a seller gets the next tick down."""
    bars = flat()
    rules = made(
        InstrumentRulesChanged,
        time_ns=int(bars.close_ns[0]),
        rules=TradingRules(tick=Decimal("0.5")),
    )
    model = costs(half_spread_bps=1.0)
    session = Session(bars, events=[rules], cost_model=model)

    session.send("buy", row=0)
    session.send("sell", row=0)
    session.until(1)

    assert [fill.price for fill in session.heard(OrderFilled)] == [
        Decimal("100.5"),
        Decimal("99.5"),
    ]


# --- rejections -------------------------------------------------------------------

RULES = TradingRules(lot=Decimal("0.1"), tick=Decimal("0.5"), min_notional=Decimal(20))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "0.25"}, "lot"),
        ({"quantity": "1", "limit": "99.7"}, "tick"),
        ({"quantity": "1", "limit": "-1"}, "price"),
        ({"quantity": "0.1"}, "min_notional"),
        ({"quantity": "0.1", "limit": "50"}, "min_notional"),
        ({"quantity": "1", "tif": "post_only"}, "time_in_force"),
        ({"quantity": "1", "asset": "DOGE"}, "unknown_asset"),
        ({"quantity": "101"}, "insufficient_balance"),
        ({"quantity": "1", "limit": "10001"}, "insufficient_balance"),
        ({"side": "sell", "quantity": "1"}, "insufficient_balance"),
        ({"quantity": "1", "reduce_only": True}, "reduce_only"),
    ],
)
def test_the_venue_says_why_it_takes_no_order(changes, code) -> None:
    """Each rule has its code, and what is rejected changes nothing."""
    bars = flat()
    rules = made(InstrumentRulesChanged, time_ns=int(bars.close_ns[0]), rules=RULES)
    session = Session(bars, events=[rules])

    session.send(row=0, **changes)
    answers = session.until(1)

    assert kinds(answers) == ["OrderRejected"]
    assert session.only(OrderRejected).code == code
    assert session.only(OrderRejected).time_ns == session.closes[0] + LATENCY_NS


def test_the_fee_must_be_in_the_account_too() -> None:
    """Cash for the notional alone does not buy it."""
    model = costs(taker_bps=10.0)

    short = Session(flat(), cost_model=model, capital="100")
    enough = Session(flat(), cost_model=model, capital="100.1")
    for session in (short, enough):
        session.send(quantity="1", row=0)
        session.until(1)

    assert short.only(OrderRejected).code == "insufficient_balance"
    assert enough.only(OrderFilled).fee == Decimal("0.1")


def test_resting_orders_keep_their_money() -> None:
    """What a resting bid needs, another order cannot spend; a cancel frees it."""
    session = Session(flat(), capital="100")
    resting = session.send(quantity="1", limit="90", row=0)
    session.send(quantity="1", limit="20", row=0)
    session.cancel(resting, row=0)
    session.send(quantity="1", limit="20", row=0)
    session.until(1)

    assert session.only(OrderRejected).order_id == "order-2"
    assert session.only(OrderCanceled).order_id == resting
    assert len(session.heard(OrderAccepted)) == 2


def test_resting_sells_keep_their_coins() -> None:
    session = Session(flat())
    session.send("buy", "1", row=0)
    session.send("sell", "0.7", limit="200", row=0)
    session.send("sell", "0.7", row=0)
    session.until(1)

    assert session.only(OrderRejected).code == "insufficient_balance"


def test_a_late_buy_that_cannot_be_paid_at_the_close_expires() -> None:
    """The venue learns the price with the close, and never lends."""
    session = Session(market({"BTC": [100.0, 130.0]}), capital="110")

    session.send(quantity="1", row=0, after_ns=LATE_NS)
    answers = session.until(1)

    assert kinds(answers) == ["OrderAccepted", "OrderExpired"]
    assert "insufficient balance" in session.only(OrderExpired).reason


def test_a_sale_pays_for_a_purchase_that_shares_its_close() -> None:
    """Without opens both wait for the close, and the sale went first."""
    closes = {"A": [100.0] * 3, "B": [100.0] * 3}
    bars = market(closes, open=[[float("nan")] * 2] * 3)
    session = Session(bars, capital="100")
    session.send("buy", "1", asset="A", row=0)
    session.until(1)

    session.send("sell", "1", asset="A", row=1)
    session.send("buy", "1", asset="B", row=1)
    answers = session.until(2)

    assert kinds(answers) == ["OrderAccepted"] * 2 + ["OrderFilled"] * 2


def test_a_perpetual_needs_its_initial_margin() -> None:
    """Ten percent of the notional; what reduces the position needs nothing."""
    session = Session(flat(), instruments=[perpetual("BTC")], capital="500")

    session.send("sell", "60", row=0)
    session.send("sell", "50", row=0)
    session.send("sell", "1", row=0)
    session.send("buy", "50", row=0)
    session.until(1)

    assert [e.order_id for e in session.heard(OrderRejected)] == ["order-1", "order-3"]
    assert [f.quantity for f in session.heard(OrderFilled)] == [50, 50]


def test_open_losses_of_perpetuals_are_not_free_margin() -> None:
    """500 less a loss of 40 less a margin of 196 leaves 264 for 26 more."""
    bars = market({"BTC": [100.0, 100.0, 98.0, 98.0]})
    session = Session(bars, instruments=[perpetual("BTC")], capital="500")
    session.send("buy", "20", row=0)
    session.until(2)

    session.send("buy", "30", row=2)
    session.send("buy", "26", row=2)
    session.until(3)

    assert "margin" in session.only(OrderRejected).reason
    assert [f.quantity for f in session.heard(OrderFilled)] == [20, 26]


def test_a_reduce_only_order_takes_no_more_than_the_position() -> None:
    """What rests shrinks with the position, and ends with it."""
    bars = bars_with(high=[[100.0], [100.0], [120.0], [120.0]])
    session = Session(bars, instruments=[perpetual("BTC")])
    session.send("buy", "5", row=0)
    session.send("sell", "5", limit="110", reduce_only=True, row=0)
    session.send("sell", "3", row=0)
    session.until(3)

    last = session.heard(OrderFilled)[-1]
    assert (last.price, last.quantity) == (Decimal(110), Decimal(2))
    assert session.only(OrderExpired).cumulative == Decimal(2)


# --- fees -------------------------------------------------------------------------


def test_fees_fall_with_the_notional_of_the_last_thirty_days() -> None:
    """The tier is that of the trades before; after thirty days they are forgotten."""
    tier = FeeTier(traded_30d_quote=1_000.0, maker_bps=0.0, taker_bps=1.0)
    model = costs(taker_bps=10.0, fee_tiers=(tier,))
    session = Session(flat(bars=40), cost_model=model)

    for row in (0, 1, 35):
        session.send(quantity="10", row=row)
        session.until(row + 1)

    fees = [fill.fee for fill in session.heard(OrderFilled)]
    assert fees == [Decimal(1), Decimal("0.1"), Decimal(1)]


def test_fees_are_rounded_up_and_rebates_down() -> None:
    """The eighth decimal is never rounded our way."""

    def fee(maker_bps: float) -> Decimal:
        bars = bars_with(low=[[100.0], [100.0], [1.0], [100.0]])
        session = Session(bars, cost_model=costs(maker_bps=maker_bps))
        session.send(quantity="0.00000033", limit="50", tif="post_only", row=0)
        session.until(2)
        return session.only(OrderFilled).fee

    assert fee(10.0) == Decimal("0.00000002")
    assert fee(-10.0) == Decimal("-0.00000001")


def test_margin_is_counted_from_order_to_order() -> None:
    """Legs of one rebalance share the margin, also within one bar."""
    session = Session(flat(), instruments=[perpetual("BTC")], capital="500")

    for quantity in ("20", "20", "11", "10"):
        session.send("buy", quantity, row=0)
    session.until(1)

    assert session.only(OrderRejected).order_id == "order-3"
    assert [f.quantity for f in session.heard(OrderFilled)] == [20, 20, 10]
