"""Risk judges each order again, with everything under way on its worst side."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any

import pytest
from tests.builders import kinds, order
from tests.fakes.books import monitor, refused

from factortrader.events import (
    OrderApproved,
    OrderRefused,
    OrderRequested,
    OrderType,
    Side,
)
from factortrader.instruments import TradingRules
from factortrader.units import MONEY

NAN = float("nan")


@pytest.fixture(autouse=True)
def _exact_money() -> Iterator[None]:
    """As inside the core: a result that would be rounded raises."""
    with localcontext(MONEY):
        yield


def test_an_order_within_its_limits_is_approved_as_it_is() -> None:
    """The approval carries the very order, and execution submits nothing else."""
    given_order: OrderRequested = order()

    (judgment,) = monitor().on_order(given_order)

    assert isinstance(judgment, OrderApproved)
    assert judgment.order is given_order


@pytest.mark.parametrize(
    ("changes", "limit", "reason"),
    [
        ({"quantity": "0"}, "order", "quantity 0"),
        ({"quantity": "-1"}, "order", "quantity -1"),
        ({"quantity": "Infinity"}, "order", "quantity Infinity"),
        ({"mark": NAN}, "order", "decision mark nan"),
        ({"mark": 0.0}, "order", "decision mark 0.0"),
        ({"limit_price": "0"}, "order", "limit price 0"),
        ({"limit_price": "NaN"}, "order", "limit price NaN"),
    ],
)
def test_malformed_orders_are_refused(
    changes: dict[str, Any], limit: str, reason: str
) -> None:
    """Non-finite, zero and negative numbers never reach a venue."""
    judgment = refused(monitor(), **changes)

    assert (judgment.limit, judgment.reason) == (limit, reason)


def test_order_limits_name_value_and_limit() -> None:
    """Notional, participation, weight and gross, each with both numbers."""
    notional = monitor(max_order_notional_quote=99.0)
    share = monitor(max_participation=0.1, volumes={"BTC": 5.0})
    weight = monitor(max_weight=0.5, positions={"BTC": "50"})
    gross = monitor(max_gross=0.5, positions={"ETH": "50"})

    assert refused(notional).reason == "max_order_notional_quote 100, limit 99"
    assert refused(share).reason == "max_participation 0.2, limit 0.1"
    assert refused(weight, quantity="1").reason == "max_weight 0.51, limit 0.5"
    assert refused(gross, quantity="1").reason == "max_gross 0.51, limit 0.5"


def test_orders_without_known_volume_have_no_participation() -> None:
    """Unknown volume is no cap; zero volume is a cap of zero."""
    unknown = monitor(max_participation=0.1, volumes={"BTC": NAN})
    none = monitor(max_participation=0.1, volumes={"BTC": 0.0})

    assert kinds(tuple(unknown.on_order(order()))) == [OrderApproved]
    assert refused(none).limit == "max_participation"


def test_working_orders_count_as_filled_on_their_worst_side() -> None:
    """Purchases under way use up the cap; sales under way do not free it."""
    buying = monitor(max_weight=0.5, orders={"BTC": ("45", "0")})
    selling = monitor(
        max_weight=0.5, positions={"BTC": "45"}, orders={"BTC": ("0", "45")}
    )
    elsewhere = monitor(max_gross=0.5, orders={"ETH": ("0", "45")})

    assert refused(buying, quantity="10").reason == "max_weight 0.55, limit 0.5"
    assert refused(selling, quantity="10").reason == "max_weight 0.55, limit 0.5"
    assert refused(elsewhere, quantity="10").reason == "max_gross 0.55, limit 0.5"


def test_purchases_of_spot_count_up_to_the_cash() -> None:
    """90 % held and being sold, 10 % cash: purchases of it all cannot exceed 100 %."""
    book: dict[str, Any] = {
        "positions": {"ETH": "90"},
        "orders": {"ETH": ("0", "90")},
        "cash": Decimal(1_000),
    }
    spot = monitor(max_gross=1.0, spot=("BTC", "ETH"), **book)
    tighter = monitor(max_gross=0.95, spot=("BTC", "ETH"), **book)
    perpetual = monitor(max_gross=1.0, spot=("ETH",), **book)

    assert kinds(tuple(spot.on_order(order(quantity="90")))) == [OrderApproved]
    assert refused(tighter, quantity="90").reason == "max_gross 1, limit 0.95"
    assert refused(perpetual, quantity="90").reason == "max_gross 1.8, limit 1"


def test_an_order_of_a_plan_at_its_limit_survives_the_costs_on_the_way() -> None:
    """Half a percent of costs may pass, two percent may not."""
    after_costs = monitor(max_weight=0.5, equity=9_950.0)
    after_losses = monitor(max_weight=0.5, equity=9_800.0)

    assert kinds(tuple(after_costs.on_order(order(quantity="50")))) == [OrderApproved]
    assert refused(after_losses, quantity="50").limit == "max_weight"


def test_orders_that_certainly_reduce_pass_weight_gross_and_a_lost_equity() -> None:
    """A book far over its limits can be sold down, and an empty account too."""
    desk = monitor(
        max_weight=0.1, max_gross=0.1, positions={"BTC": "90", "ETH": "90"}, equity=-1.0
    )

    sale = order(side=Side.SELL, quantity="40")

    assert kinds(tuple(desk.on_order(sale))) == [OrderApproved]
    assert refused(desk, quantity="1").reason == "equity is -1, not positive"


def test_a_position_that_drifted_over_its_limits_can_be_turned() -> None:
    """28 % short to 20 % long at a cap of 25 %: the worst side gets no worse."""
    desk = monitor(max_weight=0.25, max_gross=0.25, positions={"BTC": "-28"})

    assert kinds(tuple(desk.on_order(order(quantity="48")))) == [OrderApproved]
    assert refused(desk, quantity="57").reason == "max_weight 0.29, limit 0.25"


@pytest.mark.parametrize(
    ("side", "limit_price", "passes"),
    [
        (Side.BUY, "101", True),
        (Side.BUY, "101.1", False),
        (Side.BUY, "50", True),
        (Side.SELL, "99", True),
        (Side.SELL, "98.9", False),
        (Side.SELL, "200", True),
    ],
)
def test_the_collar_bounds_what_a_limit_order_pays_away(
    side: Side, limit_price: str, passes: bool
) -> None:
    """At 100 bps a buyer pays at most 101 against a mark of 100; better is free."""
    given_order = order(side=side, limit_price=limit_price, order_type=OrderType.LIMIT)

    (judgment,) = monitor().on_order(given_order)

    assert isinstance(judgment, OrderApproved) is passes
    if not passes:
        assert isinstance(judgment, OrderRefused)
        assert judgment.reason == "collar_bps 110, limit 100"


def test_the_collar_stops_a_market_order_when_the_market_has_run_away() -> None:
    """Decided at 100, and now the mark is 105: a purchase would pay 500 bps."""
    desk = monitor(marks={"BTC": 105.0}, positions={"BTC": "5"})

    assert refused(desk).reason == "collar_bps 500, limit 100"
    sale = order(side=Side.SELL)
    assert kinds(tuple(desk.on_order(sale))) == [OrderApproved]


def test_a_reduce_only_order_must_reduce_whatever_else_fills() -> None:
    """3 held and 2 being sold leave 1 to sell."""
    desk = monitor(positions={"BTC": "3"}, orders={"BTC": ("0", "2")})
    fits = order(side=Side.SELL, quantity="1", reduce_only=True)

    assert kinds(tuple(desk.on_order(fits))) == [OrderApproved]
    too_much = refused(desk, side=Side.SELL, quantity="2", reduce_only=True)
    assert too_much.limit == "reduce_only"
    assert "position of 3, 0 being bought and 2 being sold" in too_much.reason


def test_what_the_venue_does_not_trade_is_refused() -> None:
    """The rules as of now decide."""
    desk = monitor(rule=TradingRules(tradable=False))

    assert refused(desk).limit == "tradable"
