"""What holds of an order under any sequence of events."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import fill, made, order

from factortrader.errors import BrokenInvariant
from factortrader.events import (
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRequested,
    OrderSettled,
)
from factortrader.orders.book import ORDER_EVENTS, OpenOrders
from factortrader.orders.diagram import possible
from factortrader.orders.lifecycle import CLOSED, WORKING, OrderState

QUANTITY = Decimal(3)
REPORTED = (OrderCanceled, OrderExpired, OrderSettled)
"""These carry a cumulative fill of their own."""


def event_of(kind, order_id: str, number: int):
    """An event of this kind about the order; the number varies fills and reports."""
    if kind is OrderFilled:
        return fill(
            order_id=order_id, trade_id=f"{order_id}{number}", cumulative=str(number)
        )
    if kind is OrderApproved:
        return made(kind, order=order(order_id=order_id, quantity=QUANTITY))
    if kind in (OrderRequested, OrderAdopted):
        return made(kind, order_id=order_id, quantity=QUANTITY)
    if kind in REPORTED:
        return made(kind, order_id=order_id, cumulative=number)
    return made(kind, order_id=order_id)


LIKELY = (
    OrderRequested,
    OrderApproved,
    *(kind for kind in ORDER_EVENTS if kind not in (OrderRequested, OrderApproved)),
    *(OrderFilled,) * 6,
)
EVENTS = st.builds(
    event_of, st.sampled_from(LIKELY), st.sampled_from("ab"), st.integers(0, 4)
)
SENT = [event_of(kind, i, 0) for i in "ab" for kind in ORDER_EVENTS[:2]] + [
    event_of(kind, "a", 0) for kind in ORDER_EVENTS[3:4]
]


def known_id(event) -> str:
    return event.order.order_id if isinstance(event, OrderApproved) else event.order_id


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    begun=st.sampled_from([[], SENT]), events=st.lists(EVENTS, min_size=1, max_size=30)
)
def test_no_sequence_of_events_breaks_an_order(begun, events) -> None:
    """Legal events follow the table and only add fills; illegal ones change nothing."""
    orders = OpenOrders()
    last: dict[str, OrderState] = {}
    cumulatives: dict[str, Decimal] = {}

    for event in [*begun, *events]:
        order_id = known_id(event)
        stood, before = last.get(order_id), copy.deepcopy(vars(orders))
        try:
            now = orders.apply(event)
        except BrokenInvariant:
            assert vars(orders) == before
            continue
        state = now.state if now else orders._left[order_id]
        last[order_id] = state

        if stood is not None and not is_repeated(event, before):
            assert state in possible(stood, type(event))
        if stood in CLOSED:
            assert state in (stood, OrderState.SETTLED)
        if now is not None:
            assert now.cumulative >= max(now.booked, cumulatives.get(order_id, 0))
            assert now.outstanding >= 0
            assert now.outstanding == 0 or state in WORKING | CLOSED
            cumulatives[order_id] = now.cumulative
        assert all(not each.is_settled for each in orders)


@given(events=st.lists(EVENTS, max_size=30))
def test_every_distinct_fill_is_booked_once(events) -> None:
    """The sum of an order's fills is that of its trade ids, whatever else happens."""
    orders = OpenOrders()
    seen: dict[str, set[str]] = {"a": set(), "b": set()}

    for event in [*SENT, *events]:
        try:
            now = orders.apply(event)
        except BrokenInvariant:
            continue
        if isinstance(event, OrderFilled):
            seen[event.order_id].add(event.trade_id)
        if now is not None:
            assert now.booked == len(seen[now.order_id])


@given(events=st.lists(EVENTS, max_size=30))
def test_folding_the_same_events_twice_gives_the_same_orders(events) -> None:
    """The open orders are a function of the journal."""
    first, second = OpenOrders(), OpenOrders()

    for event in [*SENT, *events]:
        for orders in (first, second):
            try:
                orders.apply(event)
            except BrokenInvariant:
                continue

    assert vars(first) == vars(second)


def is_repeated(event, before) -> bool:
    """A fill that was booked before is not even looked up in the table."""
    return isinstance(event, OrderFilled) and event.trade_id in before["_trades"].get(
        event.order_id, ()
    )
