"""The asyncio driver: one bounded queue, one consumer, the same engine.

Feeds and the venue are producers; whatever they put on the queue is stepped in the
order of arrival, journaled, and only then are the core's commands carried out. Which
clock the producers wait on is theirs to know: a wall clock in paper and live, a
virtual one in tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from factortrader.events import (
    CancelOrder,
    Event,
    Message,
    RaiseAlert,
    SetTimer,
    SubmitOrder,
    TimerFired,
)
from factortrader.ports import Journal, Venue
from factortrader.runtime.engine import Engine

Tap = Callable[[Sequence[Message]], None]
Events = AsyncGenerator[Event, None]
"""A producer; it is closed where it stands when nobody listens any more."""
Alert = Callable[[str, str], None]
"""(code, text): a `ports.AlertSink.send`."""


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now_ns(self) -> int: ...

    async def sleep_until(self, time_ns: int, *, rank: int = 0) -> None:
        """Return at that time; of several due at once the lower rank returns first."""
        ...


class AnsweringVenue(Venue, Protocol):
    """A venue whose answers are read as a stream."""

    def answers(self) -> Events: ...


_TIMER_RANK = 3


def _nobody(_code: str, _text: str) -> None:
    """Without a sink an alert stands in the journal only."""


class Live:
    """Drives an engine from concurrent producers."""

    def __init__(
        self,
        *,
        engine: Engine,
        venue: AnsweringVenue,
        feeds: Sequence[Events],
        journal: Journal,
        clock: Clock,
        taps: Sequence[Tap] = (),
        alert: Alert = _nobody,
        queue_events: int = 1_000,
    ) -> None:
        self._engine = engine
        self._venue = venue
        self._feeds = feeds
        self._journal = journal
        self._clock = clock
        self._taps = taps
        self._alert = alert
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(queue_events)

    async def run(self) -> None:
        """Until every feed has ended; then producers are canceled and all is closed."""
        try:
            async with asyncio.TaskGroup() as producers:
                answers = producers.create_task(self._produce(self._venue.answers()))
                feeds = [
                    producers.create_task(self._produce(feed)) for feed in self._feeds
                ]
                ending = producers.create_task(self._end_after(feeds))
                timers = await self._consume(producers)
                for task in (answers, ending, *timers):
                    task.cancel()
        finally:
            self._journal.close()

    async def _produce(self, events: Events) -> None:
        async with aclosing(events):
            async for event in events:
                await self._queue.put(event)

    async def _end_after(self, feeds: Sequence[asyncio.Task[None]]) -> None:
        await asyncio.gather(*feeds)
        await self._queue.put(None)

    async def _consume(self, producers: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        timers: list[asyncio.Task[None]] = []
        while (event := await self._queue.get()) is not None:
            step = self._engine.step(event)
            self._journal.append(step.first_sequence, step.messages)
            for tap in self._taps:
                tap(step.messages)
            for command in step.commands:
                match command:
                    case SetTimer():
                        timers = [task for task in timers if not task.done()]
                        timers.append(producers.create_task(self._fire(command)))
                    case SubmitOrder() | CancelOrder():
                        await self._venue.execute(command)
                    case RaiseAlert():
                        self._alert(command.code, command.text)
        return timers

    async def _fire(self, command: SetTimer) -> None:
        await self._clock.sleep_until(command.fire_at_ns, rank=_TIMER_RANK)
        await self._queue.put(
            TimerFired(time_ns=command.fire_at_ns, timer=command.timer)
        )
