"""The open orders are a fold of their events."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.builders import T0, fill, made, order

from factortrader.errors import BrokenInvariant
from factortrader.events import (
    CancelSubmitted,
    OrderAccepted,
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderParked,
    OrderProvenAbsent,
    OrderRefused,
    OrderRejected,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
    PlanRefused,
    Side,
)
from factortrader.orders.book import OpenOrders, Outstanding
from factortrader.orders.lifecycle import IllegalTransition, OrderState

D = Decimal


def book(*events) -> OpenOrders:
    orders = OpenOrders()
    for event in events:
        orders.apply(event)
    return orders


def sent(order_id="a", **changes):
    request = order(order_id=order_id, **changes)
    return (
        request,
        made(OrderApproved, order=request),
        made(OrderSubmitted, order_id=order_id),
    )


def opened(order_id="a", **changes):
    return (*sent(order_id, **changes), made(OrderAccepted, order_id=order_id))


def test_an_order_is_followed_from_its_request_to_its_last_fill() -> None:
    """Each event gives the next snapshot; the last fill lets the order leave."""
    orders = OpenOrders()

    states = [orders.apply(event).state for event in opened(quantity="2")]
    half = orders.apply(fill(order_id="a", trade_id="1", cumulative="1"))
    whole = orders.apply(fill(order_id="a", trade_id="2", cumulative="2"))

    assert states == ["planned", "approved", "submitting", "open"]
    assert (half.state, half.booked, half.outstanding) == ("partly_filled", 1, 1)
    assert (whole.state, whole.booked, whole.outstanding) == ("filled", 2, 0)
    assert len(orders) == 0


def test_what_risk_approved_is_what_counts() -> None:
    """An approval with a smaller quantity makes it the order's quantity."""
    smaller = order(order_id="a", quantity="1.5", reduce_only=True)

    orders = book(order(order_id="a", quantity="2"))
    approved = orders.apply(made(OrderApproved, order=smaller))

    assert (approved.quantity, approved.reduce_only) == (D("1.5"), True)
    assert orders.outstanding("BTC") == Outstanding(buys=D("1.5"), sells=D(0))


def test_a_fill_delivered_twice_counts_once() -> None:
    """The same trade id of the same order changes nothing."""
    orders = book(*opened(quantity="2"))
    first = orders.apply(fill(order_id="a", trade_id="1", cumulative="1"))

    again = orders.apply(
        fill(order_id="a", trade_id="1", cumulative="1", time_ns=T0 + 9)
    )

    assert again is first


def test_fills_out_of_order_are_all_booked() -> None:
    """The last fill may arrive first; the order stays until the first has come."""
    orders = book(*opened(quantity="2"))

    late = orders.apply(fill(order_id="a", trade_id="2", cumulative="2"))
    assert (late.state, late.booked, late.outstanding) == ("filled", 1, 1)
    assert not orders.is_settled(late.plan)

    early = orders.apply(fill(order_id="a", trade_id="1", cumulative="1"))
    assert (early.state, early.booked, early.cumulative) == ("filled", 2, 2)
    assert orders.is_settled(late.plan)


def test_an_early_fill_that_comes_late_does_not_lower_the_cumulative() -> None:
    """The third fill said three; the first one, arriving after it, says one."""
    orders = book(*opened(quantity="5"))
    orders.apply(fill(order_id="a", trade_id="3", cumulative="3"))

    early = orders.apply(fill(order_id="a", trade_id="1", cumulative="1"))

    assert (early.cumulative, early.booked, early.outstanding) == (3, 2, 3)


def test_a_report_never_moves_a_cumulative_fill_backwards() -> None:
    """A stale cancellation that knows of less leaves the larger figure."""
    orders = book(*opened(quantity="3"))
    orders.apply(fill(order_id="a", trade_id="2", cumulative="2"))

    canceled = orders.apply(made(OrderCanceled, order_id="a", cumulative="0"))

    assert (canceled.state, canceled.cumulative, canceled.booked) == ("canceled", 2, 1)
    assert canceled.outstanding == 1


def test_a_canceled_order_waits_for_the_fills_that_were_reported() -> None:
    """It leaves when they are booked, and stays canceled."""
    orders = book(
        *opened(quantity="3"), made(OrderCanceled, order_id="a", cumulative="1")
    )
    assert orders.outstanding("BTC").buys == 1

    booked = orders.apply(fill(order_id="a", trade_id="1", cumulative="1"))

    assert (booked.state, booked.is_settled) == ("canceled", True)
    assert orders.get("a") is None


def test_a_late_report_about_a_settled_order_changes_nothing() -> None:
    """Late fills and repeated reports are legal; there is nothing left to move."""
    orders = book(*opened(), fill(order_id="a"))

    assert orders.apply(fill(order_id="a", trade_id="t9")) is None
    assert orders.apply(made(OrderCanceled, order_id="a", cumulative="1")) is None
    assert orders.apply(made(OrderSettled, order_id="a", cumulative="1")) is None
    assert len(orders) == 0


def test_a_settlement_after_the_last_fill_is_remembered() -> None:
    """The order has left, its last state has not."""
    orders = book(
        *opened(), fill(order_id="a"), made(OrderSettled, order_id="a", cumulative="1")
    )

    with pytest.raises(IllegalTransition, match="order a is settled"):
        orders.apply(made(CancelSubmitted, order_id="a"))


def test_a_parked_order_counts_what_was_reported_beyond_its_quantity() -> None:
    """A venue that says five of two are filled may be right: the worst side is five."""
    orders = book(*opened(quantity="2"), made(OrderParked, order_id="a"))

    odd = orders.apply(fill(order_id="a", trade_id="1", cumulative="5"))

    assert (odd.state, odd.outstanding) == ("parked", 4)


def test_what_cannot_happen_to_a_settled_order_is_still_illegal() -> None:
    """A second request under a used id is refused for ever."""
    orders = book(*opened(), fill(order_id="a"))

    with pytest.raises(IllegalTransition, match="order a is filled: OrderRequested"):
        orders.apply(order(order_id="a"))
    with pytest.raises(IllegalTransition, match="order a is filled: OrderSubmitted"):
        orders.apply(made(OrderSubmitted, order_id="a"))


def test_an_event_about_an_order_that_never_was_is_illegal() -> None:
    """A fill of an unheard-of order cannot be followed."""
    with pytest.raises(IllegalTransition, match="order ghost does not exist"):
        book().apply(fill(order_id="ghost"))


@pytest.mark.parametrize(
    "event",
    [
        made(OrderSubmitted, order_id="a"),
        made(OrderSettled, order_id="a", cumulative="1"),
        made(OrderSettled, order_id="a", cumulative="0"),
        fill(order_id="a", trade_id="2", asset="ETH"),
        fill(order_id="a", trade_id="2", side=Side.SELL),
    ],
    ids=["sent twice", "open settles", "settles below", "other asset", "other side"],
)
def test_a_contradiction_raises_and_changes_nothing(event) -> None:
    """The order and what it may still do are what they were."""
    orders = book(*opened(quantity="2"), fill(order_id="a", trade_id="1"))
    before = (orders.get("a"), orders.all_outstanding())

    with pytest.raises(BrokenInvariant):
        orders.apply(event)

    assert (orders.get("a"), orders.all_outstanding()) == before
    assert orders.apply(fill(order_id="a", trade_id="2", cumulative="2")).booked == 2


def test_a_settlement_needs_the_fills_to_sum_to_it() -> None:
    """An order whose fills are missing cannot settle."""
    orders = book(
        *opened(quantity="2"), made(OrderCanceled, order_id="a", cumulative="1")
    )

    with pytest.raises(BrokenInvariant, match="cannot settle at 1"):
        orders.apply(made(OrderSettled, order_id="a", cumulative="1"))


def test_working_and_unknown_orders_count_on_their_worst_side() -> None:
    """Buys and sells are kept apart, each with its whole remainder."""
    orders = book(
        *opened("a", quantity="2"),
        fill(order_id="a", quantity="0.5"),
        *sent("b", quantity="3"),
        made(OrderUnknown, order_id="b"),
        *opened("c", side=Side.SELL, quantity="4"),
        *opened("d", asset="ETH", quantity="5"),
        order(order_id="e", quantity="100"),
    )

    assert orders.outstanding("BTC") == Outstanding(buys=D("4.5"), sells=D(4))
    assert orders.outstanding("ETH") == Outstanding(buys=D(5), sells=D(0))
    assert orders.outstanding("SOL") == Outstanding(buys=D(0), sells=D(0))
    assert set(orders.all_outstanding()) == {"BTC", "ETH"}
    assert [o.order_id for o in orders.working()] == ["a", "b", "c", "d"]
    assert [o.order_id for o in orders] == ["a", "b", "c", "d", "e"]


def test_an_unknown_order_blocks_its_asset_until_it_is_resolved() -> None:
    """Absence proven, the reserve and the block are gone."""
    orders = book(*sent("a"), made(OrderUnknown, order_id="a", cause="timeout"))
    assert orders.is_blocked("BTC")
    assert not orders.is_blocked("ETH")

    absent = orders.apply(made(OrderProvenAbsent, order_id="a", evidence="twice none"))

    assert (absent.state, absent.reason) == ("absent", "twice none")
    assert not orders.is_blocked("BTC")
    assert orders.outstanding("BTC") == Outstanding(buys=D(0), sells=D(0))


def test_a_parked_order_blocks_its_asset() -> None:
    """A contradiction about an asset stops further orders in it."""
    assert book(*opened(), made(OrderParked, order_id="a")).is_blocked("BTC")


def test_an_adopted_order_is_followed_like_any_other() -> None:
    """Found at the venue without an intent of ours, it can be canceled."""
    orders = book(made(OrderAdopted, order_id="a", quantity="2"))
    assert orders.outstanding("BTC").buys == 2

    orders.apply(made(CancelSubmitted, order_id="a"))
    gone = orders.apply(made(OrderCanceled, order_id="a", cumulative="0"))

    assert (gone.state, gone.plan, len(orders)) == ("canceled", "", 0)


def test_a_plan_is_settled_when_each_of_its_orders_is() -> None:
    """Refused, filled and expired orders are done; an open one is not."""
    orders = book(
        *opened("a", plan="p"),
        *opened("b", plan="p"),
        order(order_id="c", plan="p"),
        made(OrderRefused, order_id="c"),
        fill(order_id="a"),
    )
    assert [o.order_id for o in orders.of_plan("p")] == ["b"]
    assert not orders.is_settled("p")

    orders.apply(made(OrderExpired, order_id="b", cumulative="0"))

    assert orders.is_settled("p")


def test_a_refused_plan_refuses_its_orders() -> None:
    """Orders that were planned for it end with its reason."""
    orders = book(order(order_id="a", plan="p"), order(order_id="b", plan="q"))

    refused = orders.refuse_plan(
        made(PlanRefused, plan="p", limit="turnover", reason="0.9 of 0.5")
    )

    assert [(o.order_id, o.state, o.reason) for o in refused] == [
        ("a", OrderState.REFUSED, "turnover: 0.9 of 0.5")
    ]
    assert [o.order_id for o in orders] == ["b"]


def test_a_plan_whose_orders_are_on_their_way_cannot_be_refused() -> None:
    """Then nothing changes, not even for the orders that are only planned."""
    orders = book(order(order_id="b", plan="p"), *sent("a", plan="p"))

    with pytest.raises(IllegalTransition, match="order a is submitting"):
        orders.refuse_plan(made(PlanRefused, plan="p"))

    assert [o.state for o in orders] == ["planned", "submitting"]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (
            made(OrderRejected, order_id="a", code="-2010", reason="balance"),
            "-2010: balance",
        ),
        (made(OrderExpired, order_id="a", reason="ioc"), "ioc"),
        (made(OrderUnknown, order_id="a", cause="504"), "504"),
        (made(OrderParked, order_id="a", reason="odd"), "odd"),
    ],
)
def test_the_reason_is_in_the_words_of_whoever_gave_it(event, reason) -> None:
    """Every end and every doubt says why."""
    assert book(*sent()).apply(event).reason == reason


def test_the_working_set_does_not_grow_with_history() -> None:
    """After a thousand settled orders nothing of them is iterated."""
    orders = OpenOrders()
    for number in range(1_000):
        for event in (*opened(str(number)), fill(order_id=str(number))):
            orders.apply(event)

    assert (len(orders), orders.working(), orders.of_asset("BTC")) == (0, (), ())
    assert (orders._by_asset, orders._by_plan, orders._trades) == ({}, {}, {})


def test_times_are_those_of_the_events() -> None:
    """Requested once, changed with every event that changes something."""
    events = (
        order(order_id="a"),
        made(OrderApproved, order=order(order_id="a"), time_ns=T0 + 5),
    )

    known = book(*events).get("a")

    assert (known.requested_ns, known.changed_ns) == (T0, T0 + 5)


def test_an_overfill_is_booked_as_it_was_reported() -> None:
    """More than was ordered is still money: nothing outstanding turns negative."""
    orders = book(*opened(quantity="1"))

    over = orders.apply(fill(order_id="a", quantity="1.5"))

    assert (over.state, over.booked, over.outstanding) == ("filled", D("1.5"), 0)
