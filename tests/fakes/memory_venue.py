"""The simulated venue behind the asynchronous port, and a history as a live feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from factortrader.events import Command, Event
from factortrader.ports import History, SimulatedVenue
from factortrader.runtime.live import Clock
from factortrader.runtime.replay import BAR, NEWS, VENUE
from factortrader.runtime.stream import bars, news


class MemoryVenue:
    """Answers on the clock what the simulated venue answers in simulated time."""

    def __init__(self, simulated: SimulatedVenue, *, clock: Clock) -> None:
        self._simulated = simulated
        self._clock = clock
        self._told = asyncio.Event()

    async def execute(self, command: Command) -> None:
        self._simulated.execute(command)
        self._told.set()

    async def answers(self) -> AsyncIterator[Event]:
        """Each answer at its time; a new command may bring the next one forward."""
        while True:
            self._told.clear()
            next_ns = self._simulated.next_ns()
            told = asyncio.create_task(self._told.wait())
            waits = [told]
            if next_ns is not None:
                sleep = self._clock.sleep_until(next_ns, rank=VENUE)
                waits.append(asyncio.create_task(sleep))  # type: ignore[arg-type]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if next_ns is not None and self._simulated.next_ns() == next_ns:
                if self._clock.now_ns() < next_ns or not waits[-1].done():
                    continue
                for answer in list(self._simulated.advance(next_ns)):
                    yield answer


async def feed(history: History, *, clock: Clock) -> AsyncIterator[Event]:
    """The history's events, each when it became known, news before the bar."""
    streams = [(NEWS, news(history)), (BAR, bars(history))]
    waiting = [(rank, stream, next(stream, None)) for rank, stream in streams]
    while True:
        known = [
            (event.time_ns, rank, at)
            for at, (rank, _, event) in enumerate(waiting)
            if event is not None
        ]
        if not known:
            return
        time_ns, rank, at = min(known)
        _, stream, event = waiting[at]
        assert event is not None
        await clock.sleep_until(time_ns, rank=rank)
        yield event
        waiting[at] = (rank, stream, next(stream, None))
