"""Drive a fund through either driver and keep everything it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from tests import funds
from tests.fakes.memory_venue import MemoryVenue, feed
from tests.fakes.virtual_time import VirtualClock, run_virtually

from factortrader.events import Message
from factortrader.runtime.assembly import Fund, build_core, build_simulated_venue
from factortrader.runtime.codec import ReplayCodec
from factortrader.runtime.journal import ChainedJournal, genesis
from factortrader.runtime.live import Live
from factortrader.runtime.replay import Replay


@dataclass
class Told:
    """Everything a run said, and its journal head."""

    messages: list[Message] = field(default_factory=list)
    head: str = ""

    def tap(self, messages: Sequence[Message]) -> None:
        self.messages.extend(messages)

    def of(self, *kinds: type[Message]) -> list[Message]:
        return [message for message in self.messages if isinstance(message, kinds)]


def replayed(fund: Fund, *, memo: bool = True) -> Told:
    """The fund through the heap."""
    told = Told()
    journal = _journal(fund)
    Replay(
        engine=build_core(fund, environment="replay", memo=memo),
        history=fund.history,
        venue=build_simulated_venue(fund),
        journal=journal,
        taps=[told.tap],
    ).run()
    told.head = journal.head
    return told


@cache
def golden(name: str) -> Told:
    """A fund of `tests.funds` through the heap, once a session; for reading only."""
    return replayed(funds.fund(name))


def lived(fund: Fund, *, queue_events: int = 8) -> Told:
    """The same fund through asyncio: queue, tasks, virtual clock, no memo."""
    told = Told()
    journal = _journal(fund)
    clock = VirtualClock(start_ns=fund.start_ns - 1)
    live = Live(
        engine=build_core(fund, environment="replay", memo=False),
        venue=MemoryVenue(build_simulated_venue(fund), clock=clock),
        feeds=[feed(fund.history, clock=clock)],
        journal=journal,
        clock=clock,
        taps=[told.tap],
        queue_events=queue_events,
    )
    run_virtually(live.run(), clock=clock)
    told.head = journal.head
    return told


def _journal(fund: Fund) -> ChainedJournal:
    return ChainedJournal(
        genesis_link=genesis(fund.config.canonical, fund.history.fingerprint),
        encode=ReplayCodec(fund.history).encode,
    )
