"""What the market said: bars, series, quotes, funding, membership, actions, rules."""

from __future__ import annotations

from collections.abc import Mapping

from factortrader.events.base import Event
from factortrader.instruments import TradingRules
from factortrader.units import BoolArray, FloatArray


class BarsClosed(Event, frozen=True, kw_only=True, gc=False):
    """One closed bar of the whole cross-section (R4).

    close_ns: the bar's label and the moment it became known; it covers
    (close_ns − interval_ns, close_ns].
    assets: stable ids, append-only; every array is aligned with them, shape (assets,).
    open high low close: quote currency, raw (unadjusted); volume: base currency.
    NaN = no bar. fields: further columns of the same bar under their names in the
    store (quote_volume, trades, taker_buy_base, market_cap).
    listed: a bar exists. clean: not quarantined. eligible: may be in the universe as
    far as the source knows; the universe's own rules come on top in the core.
    """

    close_ns: int
    interval_ns: int
    assets: tuple[str, ...]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    fields: Mapping[str, FloatArray]
    listed: BoolArray
    clean: BoolArray
    eligible: BoolArray


class SeriesPublished(Event, frozen=True, kw_only=True, gc=False):
    """One value of a series; asset "" means the market as a whole.

    as_of_ns: what it describes. known_at_ns: when it could be known. A revision is
    another event with its own known_at_ns.
    """

    series: str
    asset: str
    value: float
    as_of_ns: int
    known_at_ns: int


class QuotesUpdated(Event, frozen=True, kw_only=True, gc=False):
    """Best bid and ask in quote currency, sizes in base (NaN where unknown)."""

    assets: tuple[str, ...]
    bid: FloatArray
    ask: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray
    venue_time_ns: int


class FundingRatePublished(Event, frozen=True, kw_only=True, gc=False):
    """Funding due now: the fraction of notional that longs pay to shorts.

    rates: shape (assets,), not annualized; NaN = none for that asset.
    """

    assets: tuple[str, ...]
    rates: FloatArray
    venue_time_ns: int


class UniverseChanged(Event, frozen=True, kw_only=True, gc=False):
    """Who entered and who left the universe with the bar just closed."""

    entered: tuple[str, ...]
    left: tuple[str, ...]


class CorporateActionApplied(Event, frozen=True, kw_only=True, gc=False):
    """A redenomination: each old unit became `numerator / denominator` new ones.

    action: unique id of the record; the same id twice changes nothing.
    The raw price falls by the same ratio, so value does not change.
    """

    action: str
    asset: str
    numerator: int
    denominator: int


class InstrumentRulesChanged(Event, frozen=True, kw_only=True, gc=False):
    """The venue's rules for one asset from now on."""

    asset: str
    rules: TradingRules
