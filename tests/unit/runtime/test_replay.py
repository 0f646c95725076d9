"""The replay driver: a heap of dated events, and who is heard first at equal times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.builders import T0, made, order, panel
from tests.unit.simulated.world import history

from factortrader.bus import Bus
from factortrader.events import (
    BarsClosed,
    Command,
    CorporateActionApplied,
    Event,
    Message,
    RaiseAlert,
    SetTimer,
    SubmitOrder,
    TimerFired,
    TransferBooked,
)
from factortrader.runtime.engine import Engine
from factortrader.runtime.replay import Replay
from factortrader.units import DAY_NS, HOUR_NS

WORLD = history(
    panel({"A": [1.0, 2.0, 3.0]}),
    events=[made(CorporateActionApplied, time_ns=T0 - DAY_NS)],
)


class Venue:
    """Answers at the times it was given, and takes down what it was told."""

    def __init__(self, said: list[str], *answers_ns: int) -> None:
        self.said = said
        self.answers = [made(TransferBooked, time_ns=each) for each in answers_ns]

    def start(self, time_ns: int) -> None: ...

    def execute(self, command: Command) -> None:
        self.said.append(f"told {type(command).__name__}")

    def next_ns(self) -> int | None:
        return self.answers[0].time_ns if self.answers else None

    def advance(self, to_ns: int) -> Iterator[Event]:
        while self.answers and self.answers[0].time_ns <= to_ns:
            yield self.answers.pop(0)


class Journal:
    """Takes down what was written, and that it was closed."""

    head = ""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def append(self, first_sequence: int, messages: Sequence[Message]) -> None:
        self.said.append(f"wrote {type(messages[0]).__name__}")

    def close(self) -> None:
        self.said.append("closed")


def driven(*follows: Message, answers_ns: Sequence[int] = ()) -> list[str]:
    """What happened over three bars, when these messages follow the first of them."""
    said: list[str] = []
    left = list(follows)
    bus = Bus()

    def once(bar: BarsClosed) -> list[Message]:
        answered, left[:] = left[:], []
        return answered

    bus.subscribe(BarsClosed, once)
    Replay(
        engine=Engine(bus),
        history=WORLD,
        venue=Venue(said, *answers_ns),
        journal=Journal(said),
        taps=[lambda messages: said.append(f"heard {messages[0].time_ns - T0}")],
    ).run()
    return said


def written(said: list[str]) -> list[str]:
    return [each.removeprefix("wrote ") for each in said if each.startswith("wrote")]


def test_at_equal_times_news_come_first_then_the_venue_then_the_bar() -> None:
    """An action before the bar in new units, a fill before the marks of its bar."""
    said = driven(answers_ns=[T0 - DAY_NS])

    assert written(said) == [
        "BarsClosed",
        "CorporateActionApplied",
        "TransferBooked",
        "BarsClosed",
        "BarsClosed",
    ]


def test_a_timer_fires_at_its_time_and_after_everything_else_of_it() -> None:
    """Between two bars, and behind the bar of the same close."""
    between, at_close = T0 - DAY_NS - HOUR_NS, T0 - DAY_NS
    said = driven(
        made(SetTimer, fire_at_ns=at_close), made(SetTimer, fire_at_ns=between)
    )

    assert written(said) == [
        "BarsClosed",
        "TimerFired",
        "CorporateActionApplied",
        "BarsClosed",
        "TimerFired",
        "BarsClosed",
    ]


def test_a_timer_carries_its_name() -> None:
    """Whoever set it knows which one fired."""
    fired: list[TimerFired] = []
    bus = Bus()
    bus.subscribe(
        BarsClosed, lambda bar: [made(SetTimer, timer="deadline", fire_at_ns=T0)]
    )
    bus.subscribe(TimerFired, lambda event: fired.append(event) or ())
    Replay(
        engine=Engine(bus), history=WORLD, venue=Venue([]), journal=Journal([])
    ).run()

    assert {(each.timer, each.time_ns) for each in fired} == {("deadline", T0)}


def test_a_step_is_written_before_its_commands_are_carried_out() -> None:
    """Journal, taps, venue; an alert has no reader here."""
    said = driven(made(RaiseAlert), made(SubmitOrder, order=order()))

    assert said[:3] == ["wrote BarsClosed", f"heard {-2 * DAY_NS}", "told SubmitOrder"]
    assert said.count("told SubmitOrder") == 1
    assert "told RaiseAlert" not in said


def test_what_the_venue_would_say_after_the_last_bar_stays_unsaid() -> None:
    """And the journal is closed at the very end."""
    said = driven(answers_ns=[T0, T0 + 1])

    assert written(said).count("TransferBooked") == 1
    assert said[-1] == "closed"
    assert said.count("closed") == 1
