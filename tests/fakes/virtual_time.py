"""An event loop whose time jumps to the next sleeper as soon as nothing else can run.

A program under it behaves as on a wall clock, in no time and always in the same order:
of several sleepers due at once the lower rank wakes first, then the earlier caller,
and the next one only when everything the first one caused has come to rest.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from heapq import heappop, heappush
from typing import Any


class VirtualClock:
    """A `Clock` that moves only when the loop is idle."""

    def __init__(self, *, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._sleepers: list[tuple[int, int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now_ns(self) -> int:
        return self._now_ns

    async def sleep_until(self, time_ns: int, *, rank: int = 0) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heappush(self._sleepers, (time_ns, rank, self._count, future))
        await future

    def wake_next(self) -> bool:
        """Move to the next sleeper and wake it; False if nobody sleeps."""
        while self._sleepers:
            time_ns, _, _, future = heappop(self._sleepers)
            if future.done():
                continue
            self._now_ns = max(self._now_ns, time_ns)
            future.set_result(None)
            return True
        return False


class _IdleSelector(selectors.SelectSelector):
    """asyncio asks it to wait exactly when nothing is ready."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout > 0:
            if not self._clock.wake_next():
                raise RuntimeError("deadlock: everybody waits and nobody sleeps")
            return super().select(0)
        return super().select(timeout)


def run_virtually(main: Coroutine[Any, Any, None], *, clock: VirtualClock) -> None:
    """Run to completion on a loop that obeys the clock, and end every task in order."""

    def virtual_loop() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(_IdleSelector(clock))

    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        runner.run(main)
