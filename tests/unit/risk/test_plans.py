"""Risk judges a plan as a whole: approved, reduced, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

import pytest
from tests.builders import kinds, leg, made
from tests.fakes.books import judged, monitor, remaining

from factortrader.events import (
    Leg,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RebalancePlanned,
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


def test_a_plan_within_its_limits_is_approved() -> None:
    """Nothing binds, nothing changes; a plan without legs passes too."""
    assert isinstance(judged(monitor(), leg()), PlanApproved)
    empty = made(RebalancePlanned, legs=())
    assert kinds(tuple(monitor().on_plan(empty))) == [PlanApproved]


def test_a_plan_that_reaches_its_limits_exactly_is_approved() -> None:
    """A limit is what is allowed, not what is forbidden."""
    desk = monitor(max_weight=0.3, max_gross=0.3, max_net=0.3, max_turnover=0.15)

    assert isinstance(judged(desk, leg(quantity="30")), PlanApproved)


def test_the_weight_cap_shrinks_what_is_added() -> None:
    """40 held and 30 wanted at a cap of half of 10,000: 10 more."""
    desk = monitor(max_weight=0.5, positions={"BTC": "40"})

    judgment = judged(desk, leg(quantity="30"))

    assert remaining(judgment) == {"BTC": Decimal(10)}
    assert isinstance(judgment, PlanReduced)
    assert judgment.limits == ("max_weight",)


def test_the_gross_limit_shrinks_all_additions_alike() -> None:
    """20 % is held, 50 % is allowed and 60 % is wanted on top: half of each."""
    desk = monitor(max_gross=0.5, positions={"OLD": "20"})

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="40"),
        leg(leg=1, asset="B", quantity="20", side=Side.SELL),
    )

    assert remaining(judgment) == {"A": Decimal(20), "B": Decimal(10)}


def test_the_net_limit_shrinks_the_heavy_side_only() -> None:
    """50 % long against 20 % short at a net limit of 10 %: 30 % long remain."""
    desk = monitor(max_net=0.1)

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="50"),
        leg(leg=1, asset="B", quantity="20", side=Side.SELL),
    )

    assert remaining(judgment) == {"A": Decimal(30), "B": Decimal(20)}


def test_turnover_takes_from_additions_before_reductions() -> None:
    """20 % sold and 40 % bought are 30 % one-way; at 15 % only 10 % are bought."""
    desk = monitor(max_turnover=0.15, positions={"A": "20"})

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="20", side=Side.SELL),
        leg(leg=1, asset="B", quantity="40"),
    )

    assert remaining(judgment) == {"A": Decimal(20), "B": Decimal(10)}


def test_turnover_shrinks_reductions_when_they_alone_exceed_it() -> None:
    """Nothing is added, and what is sold is half of it."""
    desk = monitor(max_turnover=0.05, positions={"A": "20"})

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="20", side=Side.SELL),
        leg(leg=1, asset="B", quantity="40"),
    )

    assert remaining(judgment) == {"A": Decimal(10)}


def test_each_leg_is_capped_by_notional_and_participation() -> None:
    """The smaller of 2,000 in quote and a tenth of the volume; unknown = no cap."""
    desk = monitor(
        max_order_notional_quote=2000.0,
        max_participation=0.1,
        volumes={"A": 50.0, "B": NAN},
    )

    judgment = judged(
        desk, leg(leg=0, asset="A", quantity="30"), leg(leg=1, asset="B", quantity="30")
    )

    assert remaining(judgment) == {"A": Decimal(5), "B": Decimal(20)}
    assert isinstance(judgment, PlanReduced)
    assert judgment.limits == ("max_order_notional_quote", "max_participation")


def test_a_capped_sale_takes_no_purchase_with_it() -> None:
    """Rounding lifts the sale a lot above its share of the volume, within the
    tolerance; that is no reason to add nothing elsewhere."""
    desk = monitor(
        max_participation=0.05,
        positions={"A": "3000000"},
        volumes={"A": 51_307_595.7185537, "B": NAN},
        rule=TradingRules(lot=Decimal("0.00000001")),
    )

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="3000000", side=Side.SELL, mark=0.001),
        leg(leg=1, asset="B", quantity="20"),
    )

    assert remaining(judgment) == {"A": Decimal("2565379.78593025"), "B": Decimal(20)}


def test_reductions_are_never_blocked_by_weight_gross_and_net() -> None:
    """A book far over every limit may sell, even if the net gets worse for it."""
    desk = monitor(
        max_weight=0.1,
        max_gross=0.1,
        max_net=0.1,
        positions={"A": "90", "B": "-90"},
    )

    assert isinstance(
        judged(desk, leg(asset="A", quantity="80", side=Side.SELL)), PlanApproved
    )


def test_a_leg_that_changes_sign_is_cut_where_it_starts_to_add() -> None:
    """30 long to 30 short at a cap of 10 %: the 30 are sold, and 10 more."""
    desk = monitor(max_weight=0.1, positions={"BTC": "30"})

    judgment = judged(desk, leg(quantity="60", side=Side.SELL))

    assert remaining(judgment) == {"BTC": Decimal(40)}


def test_a_leg_that_changes_sign_and_breaks_no_limit_is_approved() -> None:
    """Its parts add up, in floats, to a little less than the whole: no reduction."""
    rule = TradingRules(lot=Decimal("0.00000001"))
    desk = monitor(positions={"BTC": "-78779.24561363"}, rule=rule)

    judgment = judged(desk, leg(quantity="223154.00007589", mark=0.01))

    assert isinstance(judgment, PlanApproved)


def test_the_multiplier_counts() -> None:
    """10 contracts of 10 units at 100 are the whole equity."""
    desk = monitor(max_gross=0.5, multipliers={"P": "10"})

    assert remaining(judged(desk, leg(asset="P", quantity="10"))) == {"P": Decimal(5)}


def test_what_is_reduced_below_lot_or_minimum_notional_is_dropped() -> None:
    """Half of a leg that only just made the minimum is no order."""
    rule = TradingRules(lot=Decimal("0.001"), min_notional=Decimal(500))
    desk = monitor(max_gross=0.15, rule=rule)

    judgment = judged(
        desk, leg(leg=0, asset="A", quantity="24"), leg(leg=1, asset="B", quantity="6")
    )

    assert remaining(judgment) == {"A": Decimal(12)}


def test_legs_that_are_dropped_do_not_tip_the_net() -> None:
    """Gross halves everything, the small sales fall away, and so must purchases."""
    rule = TradingRules(lot=Decimal("0.001"), min_notional=Decimal(600))
    desk = monitor(max_gross=0.5, max_net=0.1, rule=rule)
    sales = [leg(leg=n, asset=f"S{n}", quantity="10", side=Side.SELL) for n in range(5)]

    judgment = judged(desk, leg(leg=9, asset="A", quantity="50"), *sales)

    assert remaining(judgment) == {"A": Decimal(10)}
    assert isinstance(judgment, PlanReduced)
    assert judgment.limits == ("max_gross", "max_net")


def test_a_net_limit_finer_than_the_lots_adds_nothing() -> None:
    """Whole lots of 100 and of 130 never balance exactly, and the reason says so."""
    rule = TradingRules(lot=Decimal(1))
    desk = monitor(max_gross=1.01, max_net=0.0, rule=rule)

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="130"),
        leg(leg=1, asset="B", quantity="100", side=Side.SELL, mark=130.0),
    )

    assert isinstance(judgment, PlanRefused)
    assert judgment.reason == (
        "no leg is left: max_gross 2.6, limit 1.01; "
        "max_net 0, limit 0, out of reach once the legs are rounded to lots"
    )


def test_a_plan_of_which_nothing_is_left_is_refused_with_value_and_limit() -> None:
    """The reason says what was asked for and what is allowed."""
    desk = monitor(max_gross=0.2, positions={"OLD": "20"})

    judgment = judged(desk, leg(quantity="30"))

    assert isinstance(judgment, PlanRefused)
    assert judgment.limit == "max_gross"
    assert judgment.reason == "no leg is left: max_gross 0.5, limit 0.2"


@pytest.mark.parametrize(
    ("changes", "limit", "reason"),
    [
        ({"equity": 0.0}, "equity", "equity is 0, not positive"),
        ({"equity": -1.0}, "equity", "equity is -1, not positive"),
        ({"equity": NAN}, "equity", "equity is nan, not positive"),
    ],
)
def test_without_equity_no_plan_passes(
    changes: dict[str, float], limit: str, reason: str
) -> None:
    """Weights of nothing mean nothing."""
    judgment = judged(monitor(), leg(), **changes)

    assert isinstance(judgment, PlanRefused)
    assert (judgment.limit, judgment.reason) == (limit, reason)


def test_too_many_orders_refuse_the_plan() -> None:
    """Which legs to leave out is not for risk to choose."""
    judgment = judged(monitor(max_orders=1), leg(asset="A"), leg(asset="B"))

    assert isinstance(judgment, PlanRefused)
    assert judgment.reason == "2 legs, max_orders is 1"


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ([leg(quantity="0")], "leg 0 of BTC: quantity 0"),
        ([leg(quantity="NaN")], "leg 0 of BTC: quantity NaN"),
        ([leg(mark=NAN)], "leg 0 of BTC: mark nan"),
        ([leg(mark=0.0)], "leg 0 of BTC: mark 0.0"),
        ([leg(), leg(leg=1)], "two legs trade the same asset"),
    ],
)
def test_a_broken_leg_refuses_the_plan(legs: list[Leg], reason: str) -> None:
    """Non-finite, zero, or ambiguous: the plan as a whole is not to be trusted."""
    judgment = judged(monitor(), *legs)

    assert isinstance(judgment, PlanRefused)
    assert (judgment.limit, judgment.reason) == ("leg", reason)
