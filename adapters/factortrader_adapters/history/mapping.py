"""The mapping: a small TOML that says how a vendor's file is to be read.

kind = "bars"            # bars, funding, rules or actions
interval = "1d"          # length of a bar; grid of the stamps
stamps = "open"          # what a stamp names: open, close or snapshot
[columns]                # our field = the vendor's column
time = "ts"
asset = "symbol"
close = "close"
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from factortrader.config.document import key_places, parse_toml
from factortrader.config.parsing import Problems, parse
from factortrader.errors import BadInput
from factortrader.units import exact_decimal, parse_interval_ns

Kind: TypeAlias = Literal["bars", "funding", "rules", "actions"]
FilterValue: TypeAlias = str | int | float | bool
PRICES: Final = ("open", "high", "low", "close")
AMOUNTS: Final = ("volume", "quote_volume", "trades", "taker_buy_base", "market_cap")
NUMBERS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "bars": (*PRICES, *AMOUNTS, "parts"),
    "funding": ("rate",),
    "rules": (),
    "actions": (),
}
"""Fields read as float64, by kind."""

TEXTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "bars": ("ticker", "crawl_group"),
    "funding": (),
    "rules": ("tick", "lot", "min_notional", "status"),
    "actions": ("numerator", "denominator"),
}
"""Fields read as text (decimals stay text), by kind."""

REQUIRED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "bars": ("time", "asset", "close"),
    "funding": ("time", "asset", "rate"),
    "rules": ("time", "asset"),
    "actions": ("time", "asset", "numerator", "denominator"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentMapping:
    """`[instruments]`: what the assets of the file are.

    quote: currency of the prices. ticker: "pair" = the ticker spells base and quote
    (BTCUSDT, BTC-USDT), "base" = the base alone. multiplier: base per contract;
    margins: fractions of notional, decimals as text.
    """

    kind: Literal["spot", "perpetual"] = "spot"
    quote: str
    ticker: Literal["pair", "base"] = "base"
    multiplier: str = "1"
    initial_margin: str = "1"
    maintenance_margin: str = "0"

    def base_of(self, ticker: str) -> str:
        """BTC of BTCUSDT or BTC-USDT; "" where the quote does not end the pair."""
        if self.ticker == "base":
            return ticker
        if not ticker.upper().endswith(self.quote.upper()):
            return ""
        return ticker[: -len(self.quote)].rstrip("-_/.:")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """One vendor format.

    stamps: open (known one interval later), close, or snapshot (a price at that
    instant, the close of the bar that ends there).
    zone: of stamps that carry none. stamp_unit: of stamps that are integers.
    tolerance: how far from the grid a stamp may lie and still be put on it.
    filter: column → value or values to keep. zero_is_unknown: field → true, or the
    date before which a 0 stands for "not recorded".
    full_parts: sub-bars of a whole bar (column `parts`); bars with fewer are kept
    and counted, bars with fewer than min_parts are withheld.
    tradable_status: values of `status` that let an asset trade.
    notes: what every report on this data must say.
    survivor_biased: who is in the file was decided with hindsight; stamps every report.
    """

    kind: Kind = "bars"
    interval: str = ""
    stamps: Literal["open", "close", "snapshot"] = "open"
    zone: str = "UTC"
    stamp_unit: Literal["s", "ms", "us", "ns"] | None = None
    tolerance: str = "0s"
    delimiter: str = ","
    columns: dict[str, str]
    filter: dict[str, FilterValue | list[FilterValue]] = field(default_factory=dict)
    zero_is_unknown: dict[str, bool | dt.date] = field(default_factory=dict)
    full_parts: int | None = None
    min_parts: int = 1
    instruments: InstrumentMapping | None = None
    tradable_status: tuple[str, ...] = ("TRADING",)
    notes: tuple[str, ...] = ()
    survivor_biased: bool = False

    @property
    def interval_ns(self) -> int:
        return parse_interval_ns(self.interval)

    @property
    def tolerance_ns(self) -> int:
        return 0 if self.tolerance == "0s" else parse_interval_ns(self.tolerance)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """A mapping and the digest of the text it came from (sha256, hex)."""

    mapping: FileMapping
    digest: str


def read_mapping(path: Path) -> MappingFile:
    """The mapping in the file, checked; all its problems are reported at once."""
    try:
        content = path.read_bytes()
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "the mapping cannot be read",
            code="mapping_unreadable",
            where=str(path),
            why=getattr(error, "strerror", None) or str(error),
            remedy="give the path of a mapping such as config/data/klines_1h.toml",
        ) from error
    spoken = parse_toml(text, where=str(path))
    problems = Problems(key_places(text, path.name))
    mapping = parse(FileMapping, spoken, path="", problems=problems)
    if mapping is not None:
        _check_columns(mapping, problems)
        _check_values(mapping, problems)
    problems.raise_if_any(str(path))
    assert mapping is not None
    return MappingFile(mapping=mapping, digest=hashlib.sha256(content).hexdigest())


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known word, or all of them where none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(names[:12])
    return f"known are {shown}{' and more' if len(names) > 12 else ''}"


def _check_columns(mapping: FileMapping, problems: Problems) -> None:
    kind = mapping.kind
    known = ("time", "asset", *NUMBERS[kind], *TEXTS[kind])
    for name in mapping.columns:
        if name not in known:
            problems.add(
                f"columns.{name}", f"no field of kind {kind!r}; {nearest(name, known)}"
            )
    for name in REQUIRED[kind]:
        if name not in mapping.columns:
            problems.add(f"columns.{name}", "is missing: name the file's column")
    for name in mapping.zero_is_unknown:
        if name not in AMOUNTS:
            problems.add(
                f"zero_is_unknown.{name}", f"no amount; {nearest(name, AMOUNTS)}"
            )
    if "parts" in mapping.columns and mapping.full_parts is None:
        problems.add("full_parts", "is missing: say how many parts a whole bar has")


def _check_values(mapping: FileMapping, problems: Problems) -> None:
    spoken = {"tolerance": mapping.tolerance} if mapping.tolerance != "0s" else {}
    if mapping.kind in {"bars", "funding"}:
        spoken["interval"] = mapping.interval
    for key, text in spoken.items():
        try:
            parse_interval_ns(text)
        except ValueError as error:
            problems.add(key, str(error))
    try:
        ZoneInfo(mapping.zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        problems.add("zone", f"there is no time zone {mapping.zone!r}, as UTC is one")
    if mapping.kind == "bars" and mapping.instruments is None:
        problems.add("instruments", "is missing: say the quote currency of the prices")
    for name in ("multiplier", "initial_margin", "maintenance_margin"):
        try:
            exact_decimal(getattr(mapping.instruments, name, "1"))
        except ValueError as error:
            problems.add(f"instruments.{name}", str(error))
    if len(mapping.delimiter) != 1:
        problems.add("delimiter", f"must be one character, got {mapping.delimiter!r}")
