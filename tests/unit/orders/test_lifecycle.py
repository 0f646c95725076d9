"""The life cycle is one table; what it does not list cannot happen."""

from __future__ import annotations

from decimal import Decimal

import pytest

from factortrader.errors import BrokenInvariant
from factortrader.events import (
    MESSAGES,
    CancelRejected,
    CancelSubmitted,
    Event,
    OrderAccepted,
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderFilled,
    OrderParked,
    OrderProvenAbsent,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
    PlanRefused,
)
from factortrader.orders.book import ORDER_EVENTS
from factortrader.orders.diagram import possible
from factortrader.orders.lifecycle import (
    BIRTHS,
    BLOCKING,
    CANCELABLE,
    CLOSED,
    TRANSITIONS,
    WORKING,
    IllegalTransition,
    OrderState,
    next_state,
)

S = OrderState
EVENTS = [kind for kind in MESSAGES if issubclass(kind, Event)]
PAIRS = [(state, event) for state in OrderState for event in EVENTS]
CUMULATIVES = [Decimal(0), Decimal("0.5"), Decimal(1)]


def after(state, event, cumulative="0"):
    return next_state(state, event, quantity=Decimal(1), cumulative=Decimal(cumulative))


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_a_pair_is_in_the_table_or_it_is_illegal(state, event) -> None:
    """Every (state, event) pair either leads where the table says or raises."""
    if (state, event) in TRANSITIONS:
        for cumulative in CUMULATIVES:
            assert isinstance(after(state, event, cumulative), OrderState)
    else:
        with pytest.raises(IllegalTransition) as caught:
            after(state, event)
        assert (caught.value.state, caught.value.event) == (state, event)


@pytest.mark.parametrize("event", [kind for kind in EVENTS if kind not in BIRTHS])
def test_only_a_request_or_an_adoption_brings_an_order_into_being(event) -> None:
    """Any other event about an order that does not exist is illegal."""
    with pytest.raises(IllegalTransition, match="does not exist"):
        after(None, event)

    assert after(None, OrderRequested) is S.PLANNED
    assert after(None, OrderAdopted) is S.ADOPTED


def test_no_event_moves_a_closed_order_other_than_into_settled() -> None:
    """Closed orders stay where they are; filled, canceled and expired ones settle."""
    moves = {
        (state, target)
        for (state, _event), target in TRANSITIONS.items()
        if state in CLOSED and target is not state
    }

    assert moves == {
        (S.FILLED, S.SETTLED),
        (S.CANCELED, S.SETTLED),
        (S.EXPIRED, S.SETTLED),
    }


def test_a_fill_is_taken_in_from_the_intent_onwards_in_every_state() -> None:
    """Only what was never sent cannot fill; after an end the fill is still booked."""
    refusing = {s for s in OrderState if (s, OrderFilled) not in TRANSITIONS}

    assert refusing == {S.PLANNED, S.REFUSED, S.APPROVED}


@pytest.mark.parametrize("state", sorted(CLOSED - {S.REFUSED}))
def test_a_fill_after_the_end_changes_no_state(state) -> None:
    """The money moved; the order stands where it stood."""
    assert after(state, OrderFilled, "0.5") is state
    assert after(state, OrderFilled, "1") is state


@pytest.mark.parametrize(
    ("cumulative", "expected"),
    [("0", S.OPEN), ("0.5", S.PARTLY_FILLED), ("1", S.FILLED), ("1.5", S.FILLED)],
)
def test_the_cumulative_fill_decides_how_far_an_order_is(cumulative, expected) -> None:
    """Open at zero, partly filled in between, filled from the quantity on."""
    assert after(S.CANCELING, CancelRejected, cumulative) is expected
    assert after(S.UNKNOWN, OrderAccepted, cumulative) is expected


def test_a_cancel_can_lose_the_race_against_the_last_fill() -> None:
    """A canceling order that fills to the end is filled, a part leaves it canceling."""
    assert after(S.CANCELING, OrderFilled, "0.5") is S.CANCELING
    assert after(S.CANCELING, OrderFilled, "1") is S.FILLED
    assert after(S.FILLED, OrderCanceled, "1") is S.FILLED
    assert after(S.FILLED, CancelRejected, "1") is S.FILLED


def test_unknown_is_left_only_by_what_was_found_or_proven() -> None:
    """An unknown order can neither be sent again nor canceled."""
    for ours in (OrderRequested, OrderApproved, OrderSubmitted, CancelSubmitted):
        with pytest.raises(IllegalTransition):
            after(S.UNKNOWN, ours)

    assert after(S.UNKNOWN, OrderUnknown) is S.UNKNOWN
    assert after(S.UNKNOWN, OrderProvenAbsent) is S.ABSENT
    assert after(S.SUBMITTING, OrderUnknown) is S.UNKNOWN


def test_a_lost_answer_to_a_cancel_leaves_the_order_canceling() -> None:
    """What is unknown is the cancel; where the order stands is known."""
    assert after(S.CANCELING, OrderUnknown) is S.CANCELING
    assert after(S.OPEN, OrderUnknown) is S.OPEN


def test_parked_waits_for_an_end_or_for_a_person() -> None:
    """Reports leave it parked; an adoption makes it an order like any other."""
    assert after(S.OPEN, OrderParked) is S.PARKED
    assert after(S.PARKED, OrderFilled, "1") is S.PARKED
    assert after(S.PARKED, OrderAccepted) is S.PARKED
    assert after(S.PARKED, OrderAdopted, "0.5") is S.PARTLY_FILLED
    assert after(S.PARKED, OrderSettled, "0.5") is S.SETTLED


def test_an_acceptance_of_what_was_proven_absent_is_a_broken_invariant() -> None:
    """Then the proof was wrong and an order may happen twice: nobody may go on."""
    with pytest.raises(BrokenInvariant, match="is absent: OrderAccepted"):
        after(S.ABSENT, OrderAccepted)


def test_every_state_can_be_reached() -> None:
    """From a birth, along the table, each of the sixteen states is reached."""
    reached = set(BIRTHS.values())
    while True:
        wider = reached | {
            target
            for state, event in TRANSITIONS
            if state in reached
            for target in possible(state, event)
        }
        if wider == reached:
            break
        reached = wider

    assert reached == set(OrderState)


def test_every_order_event_is_in_the_table() -> None:
    """No event of the vocabulary is left without a meaning."""
    named = {event for _, event in TRANSITIONS} | set(BIRTHS)

    assert named == {*ORDER_EVENTS, PlanRefused}


def test_the_groups_of_states_leave_nothing_out() -> None:
    """A state is planned, may still fill, or is closed; never two of them."""
    assert CLOSED | WORKING | {S.PLANNED} == set(OrderState)
    assert not CLOSED & WORKING
    assert BLOCKING < WORKING
    assert {s for s in OrderState if (s, CancelSubmitted) in TRANSITIONS} == (
        CANCELABLE | {S.PARKED}
    )


def test_a_refused_transition_names_the_order_and_the_event() -> None:
    """The message says which order, where it stands and what cannot happen."""
    with pytest.raises(IllegalTransition) as caught:
        next_state(
            S.PLANNED,
            OrderFilled,
            quantity=Decimal(1),
            cumulative=Decimal(1),
            order_id="f7ab",
        )

    assert str(caught.value) == (
        "[invariant] orders: order f7ab is planned: OrderFilled cannot happen to it\n"
        "  the life cycle has no such transition"
    )
