"""The life cycle of an order: one table, its theory on top (DESIGN §5, §12.1).

What enters a state is an event and nothing else: our own decision (requested,
approved, refused, submitted, a cancel), a report of the venue (accepted, filled,
canceled, expired, rejected), or a finding of whoever looks things up (unknown, proven
absent, settled, parked, adopted).

What is durable. `submitting` is the intent: it is committed before the first byte is
sent, so that a crash in between leaves a trace. An intent without an outcome is
`unknown` after a restart, because the bytes may have left. States that the venue may
know of are durable; `refused` and `approved` are not, for nothing has left the house.

Why unknown blocks. An order whose outcome nobody knows may be open, filled or absent.
A second one beside it could do the same trade twice, so nothing is sent for that
asset; after the first byte there are only look-ups, never another attempt and never a
cancel. What is found (accepted, filled, canceled, expired, rejected) says where the
order stands; only proven absence allows a new attempt, and that is a new order.

Fills. A fill proves acceptance: it may arrive before the acknowledgment and in any
state after the intent. The cumulative fill decides between open, partly filled and
filled, and a report never moves it backwards: of two figures the larger one counts.
A fill after a terminal state is still booked: the state stays, the money moved.
`settled` says that Σ fills = cumulative: nothing more can come.

Reports are late and come twice. Where a report says less than what is already known
(an acknowledgment after a fill, a cancellation after the last fill) the state stays.
A closed order moves to `settled` and nowhere else.

What cannot be is refused. Everything outside the table raises `IllegalTransition` and
changes nothing: a fill of an order that was never sent, an acceptance of one that was
proven absent, a second request under the same id.

Parked waits for a person. Reports are taken in, but only an end (canceled, expired,
proven absent, settled) or `OrderAdopted` leads out: then it is an order like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from factortrader.errors import BrokenInvariant
from factortrader.events import (
    CancelRejected,
    CancelSubmitted,
    Event,
    OrderAccepted,
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderParked,
    OrderProvenAbsent,
    OrderRefused,
    OrderRejected,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
    PlanRefused,
)


class OrderState(StrEnum):
    """Where an order stands; the value is its status in `orders.parquet`."""

    PLANNED = "planned"
    REFUSED = "refused"
    APPROVED = "approved"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTLY_FILLED = "partly_filled"
    CANCELING = "canceling"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    ABSENT = "absent"
    SETTLED = "settled"
    PARKED = "parked"
    ADOPTED = "adopted"


class IllegalTransition(BrokenInvariant):
    """The table has no row for this event in this state; nothing has changed."""

    def __init__(
        self, state: OrderState | None, event: type[Event], *, order_id: str = ""
    ) -> None:
        self.state = state
        self.event = event
        self.order_id = order_id
        stands = f"is {state}" if state else "does not exist"
        super().__init__(
            f"order {order_id or '?'} {stands}: {event.__name__} cannot happen to it",
            where="orders",
            why="the life cycle has no such transition",
        )


_S = OrderState

BIRTHS: Final[Mapping[type[Event], OrderState]] = MappingProxyType(
    {OrderRequested: _S.PLANNED, OrderAdopted: _S.ADOPTED}
)
"""How an order comes to be: we ask for it, or it is found at the venue with our tag.

The leg that it serves was planned, durably, by `RebalancePlanned`.
"""

TRANSITIONS: Final[Mapping[tuple[OrderState, type[Event]], OrderState]] = (
    MappingProxyType(
        {
            # ours, before anything is sent
            (_S.PLANNED, OrderApproved): _S.APPROVED,
            (_S.PLANNED, OrderRefused): _S.REFUSED,
            (_S.PLANNED, PlanRefused): _S.REFUSED,
            (_S.APPROVED, OrderSubmitted): _S.SUBMITTING,
            (_S.APPROVED, OrderRefused): _S.REFUSED,
            # sent: the outcome is accepted, rejected or unknown
            (_S.SUBMITTING, OrderAccepted): _S.OPEN,
            (_S.SUBMITTING, OrderFilled): _S.PARTLY_FILLED,
            (_S.SUBMITTING, OrderCanceled): _S.CANCELED,
            (_S.SUBMITTING, OrderExpired): _S.EXPIRED,
            (_S.SUBMITTING, OrderRejected): _S.REJECTED,
            (_S.SUBMITTING, OrderUnknown): _S.UNKNOWN,
            (_S.SUBMITTING, OrderProvenAbsent): _S.ABSENT,
            (_S.SUBMITTING, OrderParked): _S.PARKED,
            # unknown: only what is found leads out
            (_S.UNKNOWN, OrderAccepted): _S.OPEN,
            (_S.UNKNOWN, OrderFilled): _S.PARTLY_FILLED,
            (_S.UNKNOWN, OrderCanceled): _S.CANCELED,
            (_S.UNKNOWN, OrderExpired): _S.EXPIRED,
            (_S.UNKNOWN, OrderRejected): _S.REJECTED,
            (_S.UNKNOWN, OrderUnknown): _S.UNKNOWN,
            (_S.UNKNOWN, OrderProvenAbsent): _S.ABSENT,
            (_S.UNKNOWN, OrderParked): _S.PARKED,
            # at the venue
            (_S.OPEN, OrderAccepted): _S.OPEN,
            (_S.OPEN, OrderFilled): _S.PARTLY_FILLED,
            (_S.OPEN, OrderCanceled): _S.CANCELED,
            (_S.OPEN, OrderExpired): _S.EXPIRED,
            (_S.OPEN, OrderUnknown): _S.OPEN,
            (_S.OPEN, CancelSubmitted): _S.CANCELING,
            (_S.OPEN, CancelRejected): _S.OPEN,
            (_S.OPEN, OrderParked): _S.PARKED,
            (_S.PARTLY_FILLED, OrderAccepted): _S.PARTLY_FILLED,
            (_S.PARTLY_FILLED, OrderFilled): _S.PARTLY_FILLED,
            (_S.PARTLY_FILLED, OrderCanceled): _S.CANCELED,
            (_S.PARTLY_FILLED, OrderExpired): _S.EXPIRED,
            (_S.PARTLY_FILLED, OrderUnknown): _S.PARTLY_FILLED,
            (_S.PARTLY_FILLED, CancelSubmitted): _S.CANCELING,
            (_S.PARTLY_FILLED, CancelRejected): _S.PARTLY_FILLED,
            (_S.PARTLY_FILLED, OrderParked): _S.PARKED,
            # a cancel is on its way; it may be sent again, and may lose the race
            (_S.CANCELING, OrderAccepted): _S.CANCELING,
            (_S.CANCELING, OrderFilled): _S.CANCELING,
            (_S.CANCELING, OrderCanceled): _S.CANCELED,
            (_S.CANCELING, OrderExpired): _S.EXPIRED,
            (_S.CANCELING, OrderUnknown): _S.CANCELING,
            (_S.CANCELING, CancelSubmitted): _S.CANCELING,
            (_S.CANCELING, CancelRejected): _S.OPEN,
            (_S.CANCELING, OrderParked): _S.PARKED,
            # found with our tag, without an intent of ours: from now on like any other
            (_S.ADOPTED, OrderAccepted): _S.OPEN,
            (_S.ADOPTED, OrderFilled): _S.PARTLY_FILLED,
            (_S.ADOPTED, OrderCanceled): _S.CANCELED,
            (_S.ADOPTED, OrderExpired): _S.EXPIRED,
            (_S.ADOPTED, OrderUnknown): _S.ADOPTED,
            (_S.ADOPTED, CancelSubmitted): _S.CANCELING,
            (_S.ADOPTED, OrderParked): _S.PARKED,
            # waits for a person; an end or an adoption leads out
            (_S.PARKED, OrderAccepted): _S.PARKED,
            (_S.PARKED, OrderFilled): _S.PARKED,
            (_S.PARKED, OrderCanceled): _S.CANCELED,
            (_S.PARKED, OrderExpired): _S.EXPIRED,
            (_S.PARKED, OrderRejected): _S.REJECTED,
            (_S.PARKED, OrderUnknown): _S.PARKED,
            (_S.PARKED, CancelSubmitted): _S.PARKED,
            (_S.PARKED, CancelRejected): _S.PARKED,
            (_S.PARKED, OrderProvenAbsent): _S.ABSENT,
            (_S.PARKED, OrderSettled): _S.SETTLED,
            (_S.PARKED, OrderParked): _S.PARKED,
            (_S.PARKED, OrderAdopted): _S.OPEN,
            # closed at the venue: late and repeated reports move nothing
            **{
                (closed, late): closed
                for closed in (_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.SETTLED)
                for late in (
                    OrderAccepted,
                    OrderFilled,
                    OrderCanceled,
                    OrderExpired,
                    OrderUnknown,
                    CancelRejected,
                )
            },
            (_S.FILLED, OrderSettled): _S.SETTLED,
            (_S.CANCELED, OrderSettled): _S.SETTLED,
            (_S.EXPIRED, OrderSettled): _S.SETTLED,
            (_S.SETTLED, OrderSettled): _S.SETTLED,
            # never there: the same finding again moves nothing, a fill is booked
            (_S.REJECTED, OrderRejected): _S.REJECTED,
            (_S.REJECTED, OrderUnknown): _S.REJECTED,
            (_S.REJECTED, OrderFilled): _S.REJECTED,
            (_S.ABSENT, OrderProvenAbsent): _S.ABSENT,
            (_S.ABSENT, OrderUnknown): _S.ABSENT,
            (_S.ABSENT, OrderFilled): _S.ABSENT,
        }
    )
)
"""(state, event) → state. Where it says open, partly filled or canceling, the
cumulative fill has the last word: see `next_state`."""

CLOSED: Final = frozenset(
    {
        _S.REFUSED,
        _S.FILLED,
        _S.CANCELED,
        _S.EXPIRED,
        _S.REJECTED,
        _S.ABSENT,
        _S.SETTLED,
    }
)
"""Nothing will be sent or canceled any more."""

WORKING: Final = frozenset(
    {
        _S.APPROVED,
        _S.SUBMITTING,
        _S.UNKNOWN,
        _S.OPEN,
        _S.PARTLY_FILLED,
        _S.CANCELING,
        _S.PARKED,
        _S.ADOPTED,
    }
)
"""May still fill: risk counts what is left of these on their worst side."""

BLOCKING: Final = frozenset({_S.UNKNOWN, _S.PARKED})
"""No further order of the same asset while one is here."""

CANCELABLE: Final = frozenset({_S.OPEN, _S.PARTLY_FILLED, _S.ADOPTED, _S.CANCELING})
"""States from which `CancelSubmitted` asks the venue for an end."""

_BY_FILLS: Final = frozenset({_S.OPEN, _S.PARTLY_FILLED, _S.CANCELING})


def next_state(
    state: OrderState | None,
    event: type[Event],
    *,
    quantity: Decimal,
    cumulative: Decimal,
    order_id: str = "",
) -> OrderState:
    """Where the event leads; state None = there is no such order yet.

    quantity: what was ordered. cumulative: Σ filled, this event included. An order
    at the venue is filled when cumulative ≥ quantity; while it is not being canceled,
    it is partly filled when cumulative > 0 and open otherwise.
    Raises IllegalTransition, naming the order, where the table has no row.
    """
    known = BIRTHS.get(event) if state is None else TRANSITIONS.get((state, event))
    if known is None:
        raise IllegalTransition(state, event, order_id=order_id)
    if known not in _BY_FILLS:
        return known
    if cumulative >= quantity:
        return _S.FILLED
    if known is _S.CANCELING:
        return known
    return _S.PARTLY_FILLED if cumulative > 0 else _S.OPEN
