"""A fund as configured: which section is parsed into whose settings."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Annotated, Any, Final

import msgspec

from factortrader.config.document import Document
from factortrader.config.parsing import Problems, is_table, nearest, parse
from factortrader.costs import CostSettings
from factortrader.execution.settings import ExecutionSettings
from factortrader.market.schedule import ScheduleSettings
from factortrader.market.universe import UniverseSettings
from factortrader.portfolio.settings import PortfolioSettings
from factortrader.risk.settings import RiskSettings
from factortrader.units import decimal_shortest, parse_time_ns

SettingsOf = Callable[[str, str], type[Any]]
"""(group of adapters, name) → that adapter's settings class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundSettings:
    """`[fund]`. capital in quote currency; benchmark: an asset of the data."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    capital: Annotated[float, msgspec.Meta(gt=0.0, le=1e13)]
    quote: str = "USDT"
    benchmark: str | None = None
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    account: str = "main"
    epoch: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def capital_quote(self) -> Decimal:
        return decimal_shortest(self.capital)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSettings:
    """The part of `[data]` that every source shares: start < bar close ≤ end."""

    source: str = "store"
    start: str | None = None
    end: str | None = None

    def __post_init__(self) -> None:
        for key in ("start", "end"):
            text = getattr(self, key)
            try:
                parse_time_ns(text or "1970-01-01")
            except (ValueError, OverflowError) as error:
                raise ValueError(
                    f'{key} is an ISO date or time such as "2020-01-31" or '
                    f'"2020-01-31T08:00Z", got {text!r}: {error}'
                ) from error
        start, end = self.start_ns, self.end_ns
        if start is not None and end is not None and start >= end:
            raise ValueError(f"start ({self.start}) must lie before end ({self.end})")

    @property
    def start_ns(self) -> int | None:
        return None if self.start is None else parse_time_ns(self.start)

    @property
    def end_ns(self) -> int | None:
        return None if self.end is None else parse_time_ns(self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSettings:
    """`[signal]`. strategy: "package.module:Name" or "path/file.py:Name"."""

    strategy: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSettings:
    """One `[[factor]]`: a function, its parameters, its transform and its weight."""

    use: str
    name: str | None = None
    weight: float = 1.0
    transform: str = "zscore"
    rows: Annotated[int, msgspec.Meta(ge=1)] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight) or self.weight == 0.0:
            raise ValueError(f"weight must be a number other than 0, got {self.weight}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FundConfig:
    """Everything that a run is configured with, parsed.

    source, venue: the adapters' own settings. effective: the merged tables as they
    stand in the manifest.
    """

    fund: FundSettings
    period: PeriodSettings
    source: Any
    venue_name: str
    venue: Any
    schedule: ScheduleSettings
    universe: UniverseSettings
    signal: SignalSettings
    factors: tuple[FactorSettings, ...]
    portfolio: PortfolioSettings
    execution: ExecutionSettings
    costs: CostSettings
    risk: RiskSettings
    document: Document

    @property
    def effective(self) -> Mapping[str, Any]:
        return self.document.tables

    @property
    def canonical(self) -> str:
        """The configuration as one text: what the journal's chain starts from."""
        return json.dumps(self.effective, sort_keys=True, default=str)

    @property
    def digest(self) -> str:
        """16 hex digits over the effective configuration."""
        return blake2b(self.canonical.encode(), digest_size=8).hexdigest()


_SECTIONS: Final[Mapping[str, tuple[str, type[Any]]]] = {
    "fund": ("fund", FundSettings),
    "schedule": ("schedule", ScheduleSettings),
    "universe": ("universe", UniverseSettings),
    "signal": ("signal", SignalSettings),
    "portfolio": ("portfolio", PortfolioSettings),
    "execution": ("execution", ExecutionSettings),
    "costs": ("costs", CostSettings),
    "risk": ("risk", RiskSettings),
}
_SHARED: Final = ("source", "start", "end")


def read_fund(
    document: Document, *, settings_of: SettingsOf, problems: Problems
) -> FundConfig | None:
    """The document as a fund; None where problems were noted.

    settings_of finds the settings class of a source or venue by its short name.
    """
    tables = document.tables
    known = [*_SECTIONS, "data", "venue", "factor"]
    for section in tables:
        if section not in known:
            problems.add(section, f"unknown section{nearest(section, known)}")
    parts: dict[str, Any] = {
        key: parse(kind, tables.get(section, {}), path=section, problems=problems)
        for section, (key, kind) in _SECTIONS.items()
    }
    factors = tables.get("factor", [])
    if not isinstance(factors, list):
        problems.add("factor", "write each factor as a [[factor]] table, two brackets")
        factors = []
    parsed = [
        parse(FactorSettings, table, path=f"factor.{at}", problems=problems)
        for at, table in enumerate(factors)
    ]
    period, source = _data(tables.get("data", {}), settings_of, problems)
    name, venue = _venue(tables.get("venue", {}), settings_of, problems)
    if problems.found:
        return None
    return FundConfig(
        **parts,
        period=period,
        source=source,
        venue_name=name,
        venue=venue,
        factors=tuple(factor for factor in parsed if factor is not None),
        document=document,
    )


def _data(table: Any, settings_of: SettingsOf, problems: Problems) -> tuple[Any, Any]:
    """`[data]` holds the period and, beside it, the source's own settings."""
    if not is_table(table, path="data", problems=problems):
        return None, None
    shared = {key: table[key] for key in _SHARED if key in table}
    own = {key: value for key, value in table.items() if key not in _SHARED}
    period = parse(PeriodSettings, shared, path="data", problems=problems)
    source = str(shared.get("source", "store"))
    return period, _adapter(
        settings_of, own, problems, key="data.source", group="sources", name=source
    )


def _venue(table: Any, settings_of: SettingsOf, problems: Problems) -> tuple[str, Any]:
    if not is_table(table, path="venue", problems=problems):
        return "", None
    name = str(table.get("adapter", "simulated"))
    own = {key: value for key, value in table.items() if key != "adapter"}
    return name, _adapter(
        settings_of, own, problems, key="venue.adapter", group="venues", name=name
    )


def _adapter(
    settings_of: SettingsOf,
    table: Mapping[str, Any],
    problems: Problems,
    *,
    key: str,
    group: str,
    name: str,
) -> Any:
    """key: where the adapter is named; its settings stand beside it."""
    try:
        kind = settings_of(group, name)
    except LookupError as error:
        problems.add(key, str(error))
        return None
    return parse(kind, table, path=key.partition(".")[0], problems=problems)
