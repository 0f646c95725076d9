"""Targets become one plan, and two plans never trade the same position at once."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from tests.builders import floats, made, perpetual, spot
from tests.fakes.desk import Desk, orders_of

from factortrader.events import (
    CancelOrder,
    CancelSubmitted,
    OrderParked,
    OrderProvenAbsent,
    OrderSettled,
    OrderUnknown,
    RebalancePlanned,
)
from factortrader.orders.ids import plan_hash

D = Decimal
TWO = {"A": 100.0, "B": 50.0}


def planned(messages: list) -> RebalancePlanned | None:
    """The one plan among the messages, or None."""
    plans = [each for each in messages if isinstance(each, RebalancePlanned)]
    assert len(plans) <= 1
    return plans[0] if plans else None


def test_a_plan_says_what_it_would_do_to_the_account() -> None:
    """Turnover is one-way; gross and net are those after the plan."""
    desk = Desk({"A": 100.0, "P": 50.0}, listed=(perpetual("P"),))
    desk.targets({"A": 0.5})
    desk.fill_all()

    plan = planned(desk.targets({"A": 0.2, "P": -0.4}))

    assert plan is not None
    assert plan.equity == 10_000.0
    assert [(each.asset, each.quantity) for each in plan.legs] == [
        ("A", D(30)),
        ("P", D(80)),
    ]
    assert plan.turnover == pytest.approx((0.3 + 0.4) / 2)
    assert plan.gross_exposure == pytest.approx(0.6)
    assert plan.net_exposure == pytest.approx(-0.2)
    assert plan.plan == plan_hash(plan)


def test_a_contract_counts_with_its_multiplier() -> None:
    """Ten units of base each: 4 contracts at 100 are 4,000."""
    desk = Desk({"P": 100.0}, listed=(perpetual("P", multiplier=D(10)),))

    plan = planned(desk.targets({"P": -0.4}))

    assert plan is not None
    assert plan.legs[0].quantity == D(4)
    assert plan.turnover == pytest.approx(0.2)
    assert plan.net_exposure == pytest.approx(-0.4)


def test_a_plan_leaves_the_fee_reserve_untouched() -> None:
    """It does not ask for what could never be paid."""
    plan = planned(Desk(TWO, fee_reserve=0.1).targets({"A": 1.0}))

    assert plan is not None
    assert plan.legs[0].quantity == D(90)


def test_a_plan_carries_the_name_of_its_targets() -> None:
    """Why did we buy? The plan leads to the targets."""
    plan = planned(Desk(TWO).targets({"A": 0.5}, rebalance="slot/7", strategy="tilt"))

    assert plan is not None
    assert (plan.rebalance, plan.strategy) == ("slot/7", "tilt")


def test_targets_that_are_met_already_give_no_plan() -> None:
    """Nothing to do is no plan, not an empty one."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5, "B": 0.25})
    desk.fill_all()

    assert desk.targets({"A": 0.5, "B": 0.25}) == []


def test_a_drift_inside_the_no_trade_band_is_left_alone() -> None:
    """4 % of the larger weight is inside a band of 5 %, 6 % is not."""
    desk = Desk(TWO, no_trade_band=0.05)
    desk.targets({"A": 0.5})
    desk.fill_all()

    assert planned(desk.targets({"A": 0.48})) is None
    assert planned(desk.targets({"A": 0.47})) is not None


def test_orders_that_work_are_canceled_before_anything_new_is_planned() -> None:
    """Oldest first, each with its intent before its command."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5, "B": 0.25})
    desk.accept("A")
    desk.accept("B")

    said = desk.targets({"A": 0.1})

    assert [(type(each), each.order_id) for each in said] == [
        (kind, desk.order(asset).order_id)
        for asset in ("A", "B")
        for kind in (CancelSubmitted, CancelOrder)
    ]
    assert {each.time_ns for each in said} == {desk.now_ns}


def test_the_new_plan_is_made_after_the_last_end() -> None:
    """From what was filled by then, not from what was hoped for."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5, "B": 0.25})
    desk.accept("A")
    desk.accept("B")
    desk.targets({"A": 0.1, "B": 0.3})
    desk.fill("A", quantity="20")

    first = desk.cancel("A", cumulative="20")
    last = desk.fill("B")

    assert planned(first) is None
    assert orders_of(last) == {"A": D(-10)}
    assert planned(last).time_ns == desk.now_ns


@pytest.mark.parametrize("end", ["cancel", "expire", "reject", "fill"])
def test_any_end_lets_the_waiting_targets_be_planned(end: str) -> None:
    """Canceled as asked, or anything that came before it."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    desk.targets({"A": 0.5, "B": 0.1})

    said = getattr(desk, end)("A")

    assert planned(said) is not None
    assert orders_of(said)["B"] == D(20)


def test_a_fill_that_closes_nothing_lets_nothing_be_planned() -> None:
    """The order still works."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    desk.accept("A")
    desk.targets({"B": 0.1})

    assert planned(desk.fill("A", quantity="10")) is None


def test_only_the_last_of_several_waiting_targets_is_planned() -> None:
    """What is wanted now counts; what was wanted before it is forgotten."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    desk.accept("A")
    desk.targets({"A": 0.0, "B": 0.9})
    desk.targets({"A": 0.0, "B": 0.2})

    said = desk.cancel("A")
    later = desk.fill("B")

    assert orders_of(said) == {"B": D(40)}
    assert planned(later) is None


def test_an_order_that_is_not_at_the_venue_yet_is_waited_for_not_canceled() -> None:
    """Nothing can be canceled that nobody knows of: unknown is resolved first."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    desk.hear(made(OrderUnknown, order_id=desk.order("A").order_id))

    said = desk.targets({"A": 0.1})
    found = desk.reject("A")

    assert said == []
    assert orders_of(found) == {"A": D(10)}


def test_an_order_that_arrives_while_targets_wait_is_canceled_at_once() -> None:
    """It serves a plan that is no longer wanted; once is enough."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    desk.targets({"A": 0.1})

    said = desk.accept("A")
    again = desk.accept("A")

    assert [(type(each), each.order_id) for each in said] == [
        (kind, desk.order("A").order_id) for kind in (CancelSubmitted, CancelOrder)
    ]
    assert again == []


def test_targets_that_waited_in_vain_are_forgotten_with_the_next_plan() -> None:
    """A person settled what they waited for; later ends do not bring them back."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    order_id = desk.order("A").order_id
    desk.hear(made(OrderUnknown, order_id=order_id))
    desk.hear(made(OrderParked, order_id=order_id))
    desk.targets({"A": 0.9})
    desk.hear(made(OrderSettled, order_id=order_id))

    now = desk.targets({"B": 0.2})
    later = desk.fill("B")

    assert orders_of(now) == {"B": D(40)}
    assert planned(later) is None


def test_proven_absence_is_an_end_too() -> None:
    """What waited for an unknown order is planned as soon as it proves absent."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    order_id = desk.order("A").order_id
    desk.hear(made(OrderUnknown, order_id=order_id))
    desk.targets({"A": 0.1})

    assert orders_of(desk.hear(made(OrderProvenAbsent, order_id=order_id))) == {
        "A": D(10)
    }


def test_waiting_targets_survive_appended_columns() -> None:
    """Columns that were appended meanwhile do not disturb the waiting targets."""
    desk = Desk(TWO, listed=(spot("C"), perpetual("P")))
    desk.targets({"A": 0.5})
    desk.accept("A")
    desk.targets({"A": 0.0, "B": 0.5})
    desk.bar({"A": 100.0, "B": 50.0, "C": 10.0, "P": 10.0})

    said = desk.cancel("A")

    assert orders_of(said) == {"B": D(100)}


def test_waiting_targets_of_perpetuals_survive_appended_columns() -> None:
    """Collateral is counted over the columns that the targets knew."""
    desk = Desk({"P": 100.0}, listed=(perpetual("P"), spot("C")))
    desk.targets({"P": 0.5})
    desk.accept("P")
    desk.targets({"P": -0.2})
    desk.bar({"P": 100.0, "C": 10.0})

    assert orders_of(desk.cancel("P")) == {"P": D(-20)}


def test_gross_and_net_count_assets_that_are_held_and_not_traded() -> None:
    """A position outside the targets is exposure all the same."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    desk.fill_all()

    plan = planned(desk.targets({"B": 0.25}))

    assert plan is not None
    assert plan.gross_exposure == pytest.approx(0.75)


def test_marks_decide_not_fill_prices() -> None:
    """Equity is that of the last bar, and legs are sized at its closes."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})
    desk.fill_all()
    desk.bar({"A": 200.0, "B": 50.0}, volume=floats(1e9, 1e9))

    plan = planned(desk.targets({"A": 0.5}))

    assert plan is not None
    assert plan.equity == pytest.approx(15_000.0)
    assert np.isclose(plan.legs[0].current_weight, 2 / 3)
    assert plan.legs[0].quantity == D("12.5")
