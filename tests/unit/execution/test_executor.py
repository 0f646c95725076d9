"""A plan becomes orders: what reduces goes first, what adds uses the cash that came."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.builders import floats, leg, made, plan
from tests.fakes.desk import Desk, holding, orders_of

from factortrader.events import (
    CorporateActionApplied,
    InstrumentRulesChanged,
    Message,
    OrderApproved,
    OrderProvenAbsent,
    OrderRefused,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RebalancePlanned,
    Side,
    SubmitOrder,
    TargetsSet,
    TimeInForce,
    TimerFired,
    TradingStateChanged,
)
from factortrader.events.risk import TradingState
from factortrader.instruments import TradingRules

D = Decimal
NAN = float("nan")
TWO = {"A": 100.0, "B": 100.0}
THREE = {"A": 100.0, "B": 100.0, "C": 100.0}


def at_once(desk: Desk, *rows: list[float]) -> list[Message]:
    """These weights of A and B are wanted at one moment, one after the other."""
    wanted = [
        made(
            TargetsSet,
            time_ns=desk.now_ns,
            assets=("A", "B"),
            weights=floats(*row),
            rebalance=f"{desk.now_ns}/{number}",
        )
        for number, row in enumerate(rows)
    ]
    desk.bus.subscribe(TimerFired, lambda _: wanted)
    return desk.hear(made(TimerFired, time_ns=desk.now_ns))


def of(kind: type, messages: list) -> list:
    return [message for message in messages if type(message) is kind]


def test_what_reduces_goes_out_first_and_what_adds_waits_for_its_end() -> None:
    """The purchase is not sent before the sale has ended."""
    desk = holding(Desk(TWO), {"A": 0.9})

    first = desk.targets({"A": 0.1, "B": 0.8})
    accepted = desk.accept("A")
    partly = desk.fill("A", quantity="30")
    last = desk.fill("A")

    assert orders_of(first) == {"A": D(-80)}
    assert orders_of(accepted) == orders_of(partly) == {}
    assert orders_of(last) == {"B": D(80)}


def test_every_reducing_leg_must_have_ended() -> None:
    """One of two is not enough."""
    desk = holding(Desk(THREE), {"A": 0.4, "B": 0.4})
    desk.targets({"A": 0.0, "B": 0.0, "C": 0.9})

    assert orders_of(desk.fill("B")) == {}
    assert orders_of(desk.fill("A")) == {"C": D(90)}


def test_without_a_reducing_leg_what_adds_goes_out_at_once() -> None:
    """Nothing is waited for."""
    assert orders_of(Desk(TWO).targets({"A": 0.5, "B": 0.4})) == {
        "A": D(50),
        "B": D(40),
    }


def test_purchases_are_scaled_to_the_cash_that_arrived() -> None:
    """The sale brought half of its mark: both purchases shrink by one factor."""
    desk = holding(Desk(THREE), {"A": 1.0})
    desk.targets({"A": 0.0, "B": 0.6, "C": 0.4})

    last = desk.fill("A", price="50")

    assert orders_of(last) == {"B": D(30), "C": D(20)}


def test_a_partial_sale_that_expires_lets_the_purchases_go_with_less() -> None:
    """What did not sell brings no cash, and the purchases take what there is."""
    desk = holding(Desk(TWO), {"A": 1.0})
    desk.targets({"A": 0.0, "B": 1.0})
    desk.fill("A", quantity="25")

    last = desk.expire("A", cumulative="25")

    assert orders_of(last) == {"B": D(25)}


@pytest.mark.parametrize("end", ["expire", "reject", "cancel"])
def test_a_reducing_leg_that_ends_unfilled_lets_the_adding_legs_go(end: str) -> None:
    """Cash that was there already is used."""
    desk = holding(Desk(THREE), {"A": 0.5})
    desk.targets({"A": 0.0, "B": 0.9})

    last = getattr(desk, end)("A")

    assert orders_of(last) == {"B": D(50)}
    assert desk.position("A") == 50


def test_a_reducing_leg_that_proves_absent_lets_the_adding_legs_go() -> None:
    """It never reached the venue, and there is nothing to settle."""
    desk = holding(Desk(TWO), {"A": 0.5})
    desk.targets({"A": 0.0, "B": 0.9})
    order_id = desk.order("A").order_id
    desk.hear(made(OrderUnknown, order_id=order_id))

    last = desk.hear(made(OrderProvenAbsent, order_id=order_id))

    assert of(OrderSettled, last) == []
    assert orders_of(last) == {"B": D(50)}


def test_a_reducing_leg_that_risk_refuses_lets_the_adding_legs_go() -> None:
    """A refusal of ours is an end like any other: here A stopped trading meanwhile."""
    desk = holding(Desk(TWO), {"A": 0.5})
    legs = (
        leg(
            asset="A",
            side=Side.SELL,
            quantity="50",
            current_weight=0.5,
            target_weight=0.0,
        ),
        leg(leg=1, asset="B", quantity="40"),
    )
    desk.hear(
        made(InstrumentRulesChanged, asset="A", rules=TradingRules(tradable=False))
    )

    said = desk.hear(plan(*legs, plan="p", strategy="s", rebalance="r"))

    assert [each.limit for each in of(OrderRefused, said)] == ["tradable"]
    assert orders_of(said) == {"B": D(40)}


def test_all_legs_together_go_out_at_once() -> None:
    """`legs = "together"` trusts in the proceeds that are expected."""
    desk = holding(Desk(TWO, legs="together"), {"A": 0.9})

    said = desk.targets({"A": 0.1, "B": 0.8})

    assert orders_of(said) == {"A": D(-80), "B": D(80)}
    assert orders_of(desk.fill_all()) == {}


def test_a_fee_reserve_is_left_untouched_by_purchases() -> None:
    """A tenth of the cash stays, here 1,000."""
    desk = Desk(TWO, fee_reserve=0.1)

    assert orders_of(desk.targets({"A": 1.0})) == {"A": D(90)}


def test_the_reserve_is_kept_of_what_arrives_too() -> None:
    """The sale of 9,000 makes a cash of 10,000: a tenth of that stays."""
    desk = holding(Desk(TWO, fee_reserve=0.1), {"A": 0.9})
    desk.targets({"A": 0.0, "B": 0.99})

    assert orders_of(desk.fill("A")) == {"B": D(90)}


def test_expected_costs_are_set_aside_of_what_arrives_too() -> None:
    """7,500 are there: 7,425.74 to spend, and one hundredth of them for the fee."""
    desk = holding(Desk(TWO, taker_bps=100.0), {"A": 0.5})
    desk.targets({"A": 0.0, "B": 1.0})

    assert orders_of(desk.fill("A", price="50")) == {"B": D("74.25742574")}


def test_expected_costs_are_set_aside() -> None:
    """Fee and half spread of 100 bps: 10,000 buy 9,900.99 and pay 99.01."""
    desk = Desk({"A": 1.0}, taker_bps=60.0, half_spread_bps=40.0)

    assert orders_of(desk.targets({"A": 1.0})) == {"A": D("9900.99009900")}


def test_a_plan_is_never_sent_before_it_is_approved() -> None:
    """Planned, approved, requested, approved, intended, commanded: in this order."""
    said = Desk(TWO).targets({"A": 0.5})

    assert [type(each) for each in said] == [
        RebalancePlanned,
        PlanApproved,
        OrderRequested,
        OrderApproved,
        OrderSubmitted,
        SubmitOrder,
    ]


def test_of_a_refused_plan_nothing_is_sent() -> None:
    """Neither at once nor when something ends later."""
    desk = Desk(TWO, limits={"max_orders": 1})

    said = desk.targets({"A": 0.5, "B": 0.4})

    assert [each.limit for each in of(PlanRefused, said)] == ["max_orders"]
    assert desk.sent == {}


def test_of_a_reduced_plan_only_what_remains_is_sent() -> None:
    """The legs are those of the judgment."""
    desk = Desk(TWO, limits={"max_weight": 0.25})

    said = desk.targets({"A": 0.5, "B": 0.2})

    assert [each.limits for each in of(PlanReduced, said)] == [("max_weight",)]
    assert orders_of(said) == {"A": D(25), "B": D(20)}


def test_a_desk_in_reduce_only_sends_no_adding_leg() -> None:
    """Not even after the reducing legs have ended."""
    desk = holding(Desk(TWO), {"A": 0.5})
    desk.hear(made(TradingStateChanged, state=TradingState.REDUCE_ONLY))

    said = desk.targets({"A": 0.1, "B": 0.4})

    assert orders_of(said) == {"A": D(-40)}
    assert orders_of(desk.fill("A")) == {}


def test_a_state_that_changes_meanwhile_stops_the_adding_legs() -> None:
    """Each order is judged again at its intent."""
    desk = holding(Desk(TWO), {"A": 0.5})
    desk.targets({"A": 0.1, "B": 0.4})
    desk.hear(made(TradingStateChanged, state=TradingState.REDUCE_ONLY))

    said = desk.fill("A")

    assert [each.limit for each in of(OrderRefused, said)] == ["trading_state"]
    assert orders_of(said) == {}


def test_an_order_settles_when_all_its_fills_are_booked() -> None:
    """Reported in full, but one fill is still missing: settled when it comes."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})

    expired = desk.expire("A", cumulative="10")
    late = desk.fill("A", quantity="10")

    assert of(OrderSettled, expired) == []
    assert [each.cumulative for each in of(OrderSettled, late)] == [D(10)]


def test_a_rejected_order_does_not_settle() -> None:
    """It never was; there is nothing to sum up."""
    desk = Desk(TWO)
    desk.targets({"A": 0.5})

    assert desk.reject("A") == []


def test_new_targets_drop_what_the_last_plan_had_not_sent() -> None:
    """The purchases of yesterday's plan are not sent today."""
    desk = holding(Desk(THREE), {"A": 0.5})
    desk.targets({"A": 0.0, "B": 0.5})
    desk.accept("A")
    desk.targets({"A": 0.5, "B": 0.0, "C": 0.2})

    last = desk.cancel("A")

    assert orders_of(last) == {"C": D(20)}


def test_of_two_targets_at_one_moment_only_the_last_is_traded() -> None:
    """The plan of the first is replaced before anything of it is sent."""
    said = at_once(Desk(TWO), [0.5, NAN], [NAN, 0.5])

    assert len(of(PlanApproved, said)) == 2
    assert [*orders_of(said)] == ["B"]


def test_a_refusal_of_a_replaced_plan_does_not_touch_the_last_one() -> None:
    """Two legs are refused, the one leg that replaced them is sent."""
    desk = Desk(TWO, limits={"max_orders": 1})

    said = at_once(desk, [0.4, 0.4], [NAN, 0.5])

    assert len(of(PlanRefused, said)) == 1
    assert [*orders_of(said)] == ["B"]


def test_a_redenominated_leg_is_not_sent_in_old_units() -> None:
    """It was sized in units that no longer exist; the other legs go."""
    desk = holding(Desk(THREE), {"A": 0.5})
    desk.targets({"A": 0.0, "B": 0.4, "C": 0.3})
    desk.hear(made(CorporateActionApplied, asset="B", numerator=1000))

    assert orders_of(desk.fill("A")) == {"C": D(30)}


@pytest.mark.parametrize(
    ("order_type", "time_in_force", "expected"),
    [
        ("market", "ioc", TimeInForce.GTC),
        ("limit", "ioc", TimeInForce.IOC),
        ("limit", "post_only", TimeInForce.POST_ONLY),
    ],
)
def test_only_resting_limit_orders_carry_a_validity(
    order_type: str, time_in_force: str, expected: TimeInForce
) -> None:
    """What a market order cannot take at once is the venue's to end or to keep."""
    desk = Desk(TWO, order_type=order_type, time_in_force=time_in_force)
    desk.targets({"A": 0.5})
    sent = desk.order("A")

    assert sent.time_in_force is expected
    assert (sent.limit_price is None) == (order_type == "market")
    assert (sent.valid_until_ns is not None) == (expected is TimeInForce.POST_ONLY)
