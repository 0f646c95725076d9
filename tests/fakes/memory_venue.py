"""The simulated venue behind the asynchronous port, and a history as a live feed."""

from __future__ import annotations

import asyncio

from factortrader.events import Command
from factortrader.ports import History, SimulatedVenue
from factortrader.runtime.live import Clock, Events
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

    async def answers(self) -> Events:
        """Each answer at its time; a new command may bring the next one forward."""
        while True:
            self._told.clear()
            next_ns = self._simulated.next_ns()
            if next_ns is None:
                await self._told.wait()
            elif await self._undisturbed_until(next_ns):
                for answer in list(self._simulated.advance(next_ns)):
                    yield answer

    async def _undisturbed_until(self, next_ns: int) -> bool:
        """Sleep; True once that time has come, and it is still the next one."""
        told = asyncio.create_task(self._told.wait())
        slept = asyncio.create_task(self._clock.sleep_until(next_ns, rank=VENUE))
        try:
            await asyncio.wait([told, slept], return_when=asyncio.FIRST_COMPLETED)
            return slept.done() and self._simulated.next_ns() == next_ns
        finally:
            for task in (told, slept):
                task.cancel()
            await asyncio.gather(told, slept, return_exceptions=True)


async def feed(history: History, *, clock: Clock) -> Events:
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
