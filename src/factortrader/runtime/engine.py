"""The one function that both drivers call."""

from __future__ import annotations

from decimal import localcontext
from typing import NamedTuple

from factortrader.bus import Bus
from factortrader.events import Command, Event, Message
from factortrader.units import MONEY

CASCADE_LIMIT = 100_000
"""More messages than this after one input is a wiring loop, not a rebalance."""


class Step(NamedTuple):
    """What one input led to.

    first_sequence: number of messages[0], the input itself; the rest follow it one by
    one. commands: those of the messages that leave the core, in order.
    """

    first_sequence: int
    messages: list[Message]
    commands: list[Command]


class Engine:
    """Numbers messages and runs each input's cascade to its end (R1, R2).

    No clock, no disk, no await: the driver journals `Step.messages` and only then
    carries out `Step.commands`.
    """

    def __init__(self, bus: Bus, *, cascade_limit: int = CASCADE_LIMIT) -> None:
        self._bus = bus
        self._cascade_limit = cascade_limit
        self._sequence = 0

    @property
    def sequence(self) -> int:
        """Number of the last message; 0 before the first."""
        return self._sequence

    def step(self, event: Event) -> Step:
        """Deliver one input and all that follows from it, in money's context."""
        with localcontext(MONEY):
            messages = self._bus.cascade(event, limit=self._cascade_limit)
        first = self._sequence + 1
        self._sequence += len(messages)
        commands = [m for m in messages if isinstance(m, Command)]
        return Step(first, messages, commands)
