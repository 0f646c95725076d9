"""The replay driver: a plain loop over a heap of dated events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush

from factortrader.events import (
    CancelOrder,
    Command,
    Event,
    Message,
    SetTimer,
    SubmitOrder,
    TimerFired,
)
from factortrader.ports import History, Journal, SimulatedVenue
from factortrader.runtime.engine import Engine
from factortrader.runtime.stream import bars, news

Tap = Callable[[Sequence[Message]], None]
"""Hears the messages of each step, in order; never answers."""

NEWS, VENUE, BAR, TIMER = range(4)
"""Who is heard first at equal times: what the market said, the venue's answers, the
bar that makes both old, and timers last."""


class Replay:
    """Drives an engine through a history and a simulated venue."""

    def __init__(
        self,
        *,
        engine: Engine,
        history: History,
        venue: SimulatedVenue,
        journal: Journal,
        taps: Sequence[Tap] = (),
    ) -> None:
        self._engine = engine
        self._venue = venue
        self._journal = journal
        self._taps = taps
        self._streams: dict[int, Iterator[Event]] = {
            NEWS: news(history),
            BAR: bars(history),
        }
        self._heap: list[tuple[int, int, int, Event]] = []
        self._pushed = 0

    def run(self) -> None:
        """To the last bar; what the venue would say after it stays unsaid."""
        for rank in self._streams:
            self._refill(rank)
        while self._heap:
            time_ns, rank, _, event = self._heap[0]
            answer_ns = self._venue.next_ns()
            if answer_ns is not None and (answer_ns, VENUE) < (time_ns, rank):
                for answer in list(self._venue.advance(answer_ns)):
                    self._step(answer)
                continue
            heappop(self._heap)
            self._step(event)
            self._refill(rank)
        self._journal.close()

    def _refill(self, rank: int) -> None:
        """Keep one event of each stream in the heap."""
        stream = self._streams.get(rank)
        event = next(stream, None) if stream is not None else None
        if event is not None:
            self._push(event.time_ns, rank, event)

    def _push(self, time_ns: int, rank: int, event: Event) -> None:
        self._pushed += 1
        heappush(self._heap, (time_ns, rank, self._pushed, event))

    def _step(self, event: Event) -> None:
        """Step, journal, and only then carry out what the core commands."""
        step = self._engine.step(event)
        self._journal.append(step.first_sequence, step.messages)
        for tap in self._taps:
            tap(step.messages)
        for command in step.commands:
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        """Orders go to the venue, timers to the heap; alerts have no reader here."""
        match command:
            case SetTimer():
                fired = TimerFired(time_ns=command.fire_at_ns, timer=command.timer)
                self._push(command.fire_at_ns, TIMER, fired)
            case SubmitOrder() | CancelOrder():
                self._venue.execute(command)
