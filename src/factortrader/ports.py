"""The ports: what the core asks of the outside, on one screen.

Adapters do not inherit from these; the type checker proves that they conform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from factortrader.events import Command, Event, Message, SignalsUpdated
from factortrader.instruments import Instrument
from factortrader.market.panel import Panel
from factortrader.market.window import Window


class Strategy(Protocol):
    """A pure function of a trailing window."""

    @property
    def lookback_bars(self) -> int:
        """Rows of history that `on_bars` reads, the newest included."""
        ...

    def on_bars(self, window: Window) -> Iterable[SignalsUpdated]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a source serves for one run, warm-up rows included.

    panel: raw fields, masks as far as the source knows (`eligible` = tradable by the
    instruments table). instruments: one per column, in column order.
    events: what the market says besides bars (funding, corporate actions, rules),
    ascending in time; an event at the time of a bar comes before the bar.
    fingerprint: digest of everything above; synthetic: stamps every report.
    notes: assumptions and findings that the report must print. survivor_biased: who is
    in it was decided with hindsight; stamps every report too.
    """

    panel: Panel
    instruments: tuple[Instrument, ...]
    events: tuple[Event, ...]
    fingerprint: str
    synthetic: bool
    notes: tuple[str, ...]
    survivor_biased: bool = False


class HistorySource(Protocol):
    """Recorded (or made) market data."""

    def load(
        self, *, start_ns: int | None, end_ns: int | None, warm_up_bars: int
    ) -> History:
        """Bars with start < close ≤ end, and up to `warm_up_bars` rows before them.

        None = from the first, to the last. Raises BadInput where no bar is in range.
        """
        ...


class SimulatedVenue(Protocol):
    """A venue in simulated time: every answer is dated by the venue, in order.

    The driver calls `execute` when the core says a command, and `advance(to_ns)`
    before it delivers anything dated `to_ns`; what comes back is dated ≤ to_ns.
    """

    def start(self, time_ns: int) -> None:
        """Open the account: the initial capital is transferred then."""
        ...

    def execute(self, command: Command) -> None: ...

    def next_ns(self) -> int | None:
        """When the venue will next have something to say, or None."""
        ...

    def advance(self, to_ns: int) -> Iterator[Event]: ...


class Venue(Protocol):
    """A venue on the wall clock: answers arrive as events on the driver's queue."""

    async def execute(self, command: Command) -> None: ...


class Journal(Protocol):
    """Every message, numbered from 1 and chained; durable before commands leave."""

    @property
    def head(self) -> str:
        """Link of the last message, hex; of the genesis if there is none yet."""
        ...

    def append(self, first_sequence: int, messages: Sequence[Message]) -> None:
        """The messages of one step; the first is the input that caused the rest."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One message as it is stored. Rows are never changed and never migrated."""

    sequence: int
    is_input: bool
    kind: str
    time_ns: int
    payload: bytes
    link: bytes


class JournalStore(Protocol):
    """Where journal rows lie. Committed when `write` returns."""

    def begin(self, *, genesis_link: bytes, header: Mapping[str, str]) -> None:
        """Start a journal; raises BadInput where one is there already."""
        ...

    def write(self, rows: Sequence[JournalRow]) -> None:
        """All of them, or by raising BadInput none: a number is written once."""
        ...

    def genesis_link(self) -> bytes: ...

    def header(self) -> Mapping[str, str]: ...

    def read(self) -> Iterator[JournalRow]:
        """Every row in order of sequence."""
        ...

    def close(self) -> None: ...


class AlertSink(Protocol):
    """Somebody who reads alerts. Codes and percentages only, never balances."""

    def send(self, code: str, text: str) -> None: ...
