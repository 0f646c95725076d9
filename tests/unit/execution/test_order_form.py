"""What an order looks like: its name, its kind, its limit and its flags."""

from __future__ import annotations

from decimal import Decimal

from tests.builders import made, perpetual
from tests.fakes.desk import Desk, holding

from factortrader.events import (
    InstrumentRulesChanged,
    OrderType,
    Side,
    TimeInForce,
)
from factortrader.instruments import TradingRules
from factortrader.orders.ids import OrderIds
from factortrader.units import DAY_NS

D = Decimal
TWO = {"A": 100.0, "B": 100.0}
THREE = {"A": 100.0, "B": 100.0, "C": 100.0}


def test_order_ids_are_unique_and_reproducible() -> None:
    """Two desks that see the same send the same ids, and none of them twice."""

    def ids() -> list[str]:
        desk = holding(Desk(THREE), {"A": 0.3, "B": 0.3})
        holding(desk, {"A": 0.0, "B": 0.6, "C": 0.3})
        holding(desk, {"A": 0.3, "B": 0.0, "C": 0.0})
        return [*desk.sent]

    first, second = ids(), ids()

    assert first == second
    assert len(set(first)) == len(first) == 8


def test_an_order_id_is_that_of_its_leg() -> None:
    """Whoever knows plan and leg can derive it."""
    desk = holding(Desk(TWO), {"A": 0.5})
    desk.targets({"A": 0.0, "B": 0.5}, rebalance="slot/1", strategy="tilt")
    desk.fill("A")
    ids = OrderIds(account="main", environment="test")

    derived = [
        ids.order_id(
            strategy="tilt", rebalance="slot/1", asset=asset, side=side, leg=number
        )
        for number, (asset, side) in enumerate([("A", Side.SELL), ("B", Side.BUY)])
    ]

    assert [*desk.sent][1:] == derived


def test_limit_orders_rest_at_the_offset_and_expire_after_their_bars() -> None:
    """A buyer's limit is rounded down, a seller's up: never worse than the offset."""
    desk = Desk(TWO, order_type="limit", limit_offset_bps=-33.3, valid_bars=3)
    desk.hear(
        made(InstrumentRulesChanged, asset="A", rules=TradingRules(tick=D("0.5")))
    )
    desk.targets({"A": 0.5})
    buy = desk.order("A")
    desk.fill("A")
    desk.targets({"A": 0.0})
    sell = desk.order("A")

    assert (buy.order_type, buy.time_in_force) == (OrderType.LIMIT, TimeInForce.GTC)
    assert (buy.limit_price, sell.limit_price) == (D("99.5"), D("100.5"))
    assert buy.valid_until_ns == buy.time_ns + 3 * DAY_NS


def test_only_reductions_of_perpetuals_are_flagged_reduce_only() -> None:
    """A flip goes through zero, and spot knows no such flag."""
    marks = {"A": 100.0, "P": 100.0, "Q": 100.0}
    desk = Desk(marks, listed=(perpetual("P"), perpetual("Q")))
    holding(desk, {"A": 0.2, "P": 0.2, "Q": -0.2})

    desk.targets({"A": 0.1, "P": 0.1, "Q": 0.1})
    desk.fill_all()

    flags = {each.asset: each.reduce_only for each in [*desk.sent.values()][3:]}
    assert flags == {"A": False, "P": True, "Q": False}
