"""The engine: one function, numbered messages, money's context."""

from __future__ import annotations

from decimal import Decimal, Inexact, getcontext

import pytest
from tests.builders import made

from factortrader.bus import Bus
from factortrader.errors import BrokenInvariant
from factortrader.events import CancelOrder, SetTimer, TimerFired, VenueReconnected
from factortrader.runtime.engine import Engine


def engine(*answers: object, **settings: int) -> Engine:
    bus = Bus()
    bus.subscribe(TimerFired, lambda event: answers)  # type: ignore[arg-type,return-value]
    return Engine(bus, **settings)


def test_messages_are_numbered_from_one_without_a_gap() -> None:
    """A step takes as many numbers as it has messages."""
    core = engine(made(VenueReconnected, silent_ns=0), made(CancelOrder))

    first, second = core.step(made(TimerFired)), core.step(made(TimerFired))

    assert (first.first_sequence, second.first_sequence) == (1, 4)
    assert core.sequence == 6


def test_nothing_was_said_before_the_first_step() -> None:
    """Number 0 is nobody's."""
    assert engine().sequence == 0


def test_a_step_begins_with_its_input() -> None:
    """The cause stands before what follows."""
    cause, follows = made(TimerFired), made(VenueReconnected, silent_ns=0)

    assert engine(follows).step(cause).messages == [cause, follows]


def test_commands_are_the_messages_that_leave_in_their_order() -> None:
    """They stay among the messages, too."""
    timer, cancel = made(SetTimer, fire_at_ns=1), made(CancelOrder)

    step = engine(timer, made(VenueReconnected, silent_ns=0), cancel).step(
        made(TimerFired)
    )

    assert step.commands == [timer, cancel]
    assert len(step.messages) == 4


def test_a_step_calculates_in_moneys_context_and_leaves_the_callers_alone() -> None:
    """What would be rounded raises inside; outside nothing has changed."""
    bus = Bus()

    def divides(event: TimerFired):
        assert Decimal(1) / Decimal(8) == Decimal("0.125")
        Decimal(1) / Decimal(3)
        return ()

    bus.subscribe(TimerFired, divides)
    outside = getcontext().prec

    with pytest.raises(Inexact):
        Engine(bus).step(made(TimerFired))

    assert getcontext().prec == outside
    assert round(Decimal(1) / Decimal(3), 3) == Decimal("0.333")


def test_a_step_that_fails_takes_no_numbers() -> None:
    """A loop is a crash; the journal has no hole."""
    core = engine(made(TimerFired), cascade_limit=5)

    with pytest.raises(BrokenInvariant, match="TimerFired was followed by more than 5"):
        core.step(made(TimerFired))

    assert core.sequence == 0
