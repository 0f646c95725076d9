"""The bus delivers in order, once each, and names a loop instead of hanging."""

from __future__ import annotations

import pytest
from tests.builders import made

from factortrader.bus import Bus
from factortrader.errors import BrokenInvariant
from factortrader.events import (
    BarsClosed,
    CancelOrder,
    Event,
    Message,
    OrderSubmitted,
    RebalancePlanned,
    SetTimer,
    TimerFired,
)


def timer(name: str) -> TimerFired:
    return made(TimerFired, timer=name)


class Hearing:
    """Writes down who heard what, and answers what it was told to answer."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def listener(self, name: str, **answers: list[Message]):
        def on_timer(event: TimerFired) -> list[Message]:
            self.heard.append((name, event.timer))
            return answers.get(event.timer, [])

        return on_timer


def test_subscription_order_is_delivery_order() -> None:
    """Whoever subscribed first hears first, in one call or in several."""
    bus, hearing = Bus(), Hearing()
    bus.subscribe(TimerFired, hearing.listener("first"), hearing.listener("second"))
    bus.subscribe(TimerFired, hearing.listener("third"))

    bus.cascade(timer("t"), limit=10)

    assert [name for name, _ in hearing.heard] == ["first", "second", "third"]


def test_what_follows_is_delivered_first_in_first_out() -> None:
    """All hear an event before anybody hears what followed from it (R2)."""
    bus, hearing = Bus(), Hearing()
    a, b, c = timer("a"), timer("b"), timer("c")
    bus.subscribe(
        TimerFired,
        hearing.listener("one", root=[a, b], a=[c]),
        hearing.listener("two"),
    )

    messages = bus.cascade(timer("root"), limit=10)

    assert messages == [timer("root"), a, b, c]
    assert hearing.heard == [
        (name, told) for told in ("root", "a", "b", "c") for name in ("one", "two")
    ]


def test_answers_of_one_event_stand_in_the_order_of_its_handlers() -> None:
    """The first handler's messages come before the second's."""
    bus, hearing = Bus(), Hearing()
    bus.subscribe(
        TimerFired,
        hearing.listener("one", root=[timer("of one")]),
        hearing.listener("two", root=[timer("of two")]),
    )

    messages = bus.cascade(timer("root"), limit=10)

    assert messages[1:] == [timer("of one"), timer("of two")]


def test_a_handler_may_be_a_generator() -> None:
    """What it yields follows, in order."""
    bus = Bus()

    def one_by_one(event: BarsClosed):
        yield timer("a")
        yield timer("b")

    bus.subscribe(BarsClosed, one_by_one)

    assert bus.cascade(made(BarsClosed), limit=10)[1:] == [timer("a"), timer("b")]


def test_only_the_very_type_of_an_event_is_heard() -> None:
    """A subscription to the tag `Event` hears nothing: there is no inheritance."""
    bus, hearing = Bus(), Hearing()
    bus.subscribe(Event, hearing.listener("everything"))
    bus.subscribe(BarsClosed, hearing.listener("bars"))

    assert bus.cascade(timer("t"), limit=10) == [timer("t")]
    assert hearing.heard == []


def test_commands_stay_in_the_sequence() -> None:
    """They leave through the driver; their place among the events is kept."""
    bus = Bus()
    answers = [made(SetTimer, fire_at_ns=1), timer("last"), made(CancelOrder)]
    bus.subscribe(BarsClosed, lambda event: answers)

    assert bus.cascade(made(BarsClosed), limit=10)[1:] == answers


def test_nobody_inside_can_subscribe_to_a_command() -> None:
    """The type checker forbids it, and so does the bus."""
    with pytest.raises(BrokenInvariant, match="nobody inside hears CancelOrder"):
        Bus().subscribe(CancelOrder, lambda command: [])  # type: ignore[type-var]


def test_an_event_that_nobody_hears_is_a_cascade_of_one() -> None:
    """It still belongs into the journal."""
    assert Bus().cascade(timer("t"), limit=0) == [timer("t")]


def test_a_cascade_may_be_exactly_as_long_as_the_limit() -> None:
    """So many messages may follow; one more is a loop."""
    bus = Bus()
    bus.subscribe(BarsClosed, lambda event: [timer("a"), timer("b"), timer("c")])

    assert len(bus.cascade(made(BarsClosed), limit=3)) == 4
    with pytest.raises(BrokenInvariant, match="more than 2 messages"):
        bus.cascade(made(BarsClosed), limit=2)


def test_a_wiring_loop_is_a_named_crash() -> None:
    """The error names the input and the messages that go round."""
    bus = Bus()
    bus.subscribe(BarsClosed, lambda event: [timer("start")])
    bus.subscribe(TimerFired, lambda event: [made(RebalancePlanned)])
    bus.subscribe(RebalancePlanned, lambda event: [made(OrderSubmitted)])
    bus.subscribe(OrderSubmitted, lambda event: [made(RebalancePlanned)])

    with pytest.raises(BrokenInvariant) as failure:
        bus.cascade(made(BarsClosed), limit=100)

    assert "BarsClosed was followed by more than 100" in str(failure.value)
    assert "a wiring loop of OrderSubmitted, RebalancePlanned" in str(failure.value)
    assert "TimerFired" not in str(failure.value)


def test_the_wiring_is_readable_as_a_value() -> None:
    """Event name → who hears it, in order."""
    bus, hearing = Bus(), Hearing()
    bus.subscribe(TimerFired, hearing.listener("one"), hearing.listener("two"))

    heard_by = bus.wiring["TimerFired"]

    assert list(bus.wiring) == ["TimerFired"]
    assert all(name.endswith("listener.<locals>.on_timer") for name in heard_by)
    assert len(heard_by) == 2
