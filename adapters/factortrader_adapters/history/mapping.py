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
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from factortrader.errors import BadConfiguration, BadInput
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
        text = path.read_bytes()
        spoken = tomllib.loads(text.decode())
    except OSError as error:
        raise BadInput(
            "the mapping cannot be read",
            code="mapping_unreadable",
            where=str(path),
            why=error.strerror or str(error),
            remedy="give the path of a mapping such as config/data/klines_1h.toml",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            "the mapping is no TOML",
            code="mapping_syntax",
            where=str(path),
            why=str(error),
        ) from error
    digest = hashlib.sha256(text).hexdigest()
    return MappingFile(mapping=_checked(spoken, where=str(path)), digest=digest)


def _checked(spoken: dict[str, Any], *, where: str) -> FileMapping:
    problems = [
        *_unknown(spoken, [part.name for part in fields(FileMapping)], "key"),
        *_unknown(
            _table(spoken, "instruments"),
            [part.name for part in fields(InstrumentMapping)],
            "key in [instruments]",
        ),
    ]
    if problems:
        raise BadConfiguration(problems, where=where)
    try:
        mapping = msgspec.convert(spoken, FileMapping)
    except msgspec.ValidationError as error:
        raise BadConfiguration([str(error)], where=where) from error
    problems = [*_column_problems(mapping), *_value_problems(mapping)]
    if problems:
        raise BadConfiguration(problems, where=where)
    return mapping


def _table(spoken: dict[str, Any], name: str) -> dict[str, Any]:
    table = spoken.get(name)
    return table if isinstance(table, dict) else {}


def _unknown(given: Iterable[str], known: Iterable[str], what: str) -> list[str]:
    names = sorted(known)
    return [
        f"unknown {what} {key!r}: {nearest(key, names)}"
        for key in given
        if key not in names
    ]


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known word, or all of them where none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(names[:12])
    return f"known are {shown}{' and more' if len(names) > 12 else ''}"


def _column_problems(mapping: FileMapping) -> list[str]:
    kind = mapping.kind
    known = ("time", "asset", *NUMBERS[kind], *TEXTS[kind])
    missing = [name for name in REQUIRED[kind] if name not in mapping.columns]
    problems = _unknown(mapping.columns, known, f"field in [columns] of kind {kind!r}")
    problems += [f"[columns] lacks {name!r}" for name in missing]
    problems += _unknown(mapping.zero_is_unknown, AMOUNTS, "field in [zero_is_unknown]")
    if "parts" in mapping.columns and mapping.full_parts is None:
        problems.append("'full_parts' must say how many parts a whole bar has")
    return problems


def _value_problems(mapping: FileMapping) -> list[str]:
    problems = []
    if mapping.kind in {"bars", "funding"}:
        try:
            parse_interval_ns(mapping.interval)
        except ValueError as error:
            problems.append(f"'interval': {error}")
    if mapping.tolerance != "0s":
        try:
            parse_interval_ns(mapping.tolerance)
        except ValueError as error:
            problems.append(f"'tolerance': {error}")
    if mapping.kind == "bars" and mapping.instruments is None:
        problems.append("[instruments] must say the quote currency of the prices")
    for name in ("multiplier", "initial_margin", "maintenance_margin"):
        try:
            exact_decimal(getattr(mapping.instruments, name, "1"))
        except ValueError as error:
            problems.append(f"'{name}' in [instruments]: {error}")
    if len(mapping.delimiter) != 1:
        problems.append("'delimiter' must be one character")
    return problems
