"""What can be traded, by which rules, and why a life ended (DESIGN §6, §7)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import msgspec


class InstrumentKind(StrEnum):
    SPOT = "spot"
    PERPETUAL = "perpetual"
    """Linear: profit and margin in quote currency."""


class EndReason(StrEnum):
    """Why the bars of an instrument stop.

    delisted, unknown: settled by `[universe] on_disappearance`.
    halted: frozen at its last mark until it trades again.
    renamed: settled at the last price; the successor is another instrument.
    crawl: the download ended, not the coin; marked, and settled at the last price
    only where the run goes on long after it.
    """

    DELISTED = "delisted"
    HALTED = "halted"
    RENAMED = "renamed"
    CRAWL = "crawl"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One stable id. A ticker that comes back after its end is another instrument.

    listed_ns: close of the first bar; ended_ns: close of the last bar, or None.
    ticker: what the venue calls it; base, quote: currencies.
    multiplier: units of base per contract; margin rates as fractions of notional.
    idealized: a perpetual that stands in for a short of spot (DESIGN §6).
    """

    asset: str
    ticker: str
    base: str
    quote: str
    kind: InstrumentKind = InstrumentKind.SPOT
    multiplier: Decimal = Decimal(1)
    initial_margin: Decimal = Decimal(1)
    maintenance_margin: Decimal = Decimal(0)
    listed_ns: int | None = None
    ended_ns: int | None = None
    end_reason: EndReason | None = None
    idealized: bool = False

    @property
    def is_perpetual(self) -> bool:
        return self.kind is InstrumentKind.PERPETUAL


class TradingRules(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The venue's rules for one instrument as of a date.

    lot: quantity step in base; tick: price step in quote, None = ten significant
    digits; min_notional: quote currency; tradable: status TRADING.
    """

    lot: Decimal = Decimal("0.00000001")
    tick: Decimal | None = None
    min_notional: Decimal = Decimal(0)
    tradable: bool = True
