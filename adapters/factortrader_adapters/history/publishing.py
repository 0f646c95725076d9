"""What a dataset says besides bars: funding, corporate actions, trading rules.

funding   the payments in (previous bar, this bar], summed, as one event dated at
          the bar's close (it comes before the bar) and as a field of the panel
actions   dated one nanosecond after the open of the bar that contains them, so
          after the decision at that instant and before its fills
rules     dated as observed; what was in force before the first bar comes with it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from factortrader.events import (
    CorporateActionApplied,
    Event,
    FundingRatePublished,
    InstrumentRulesChanged,
)
from factortrader.instruments import InstrumentKind, TradingRules
from factortrader.units import (
    BoolArray,
    FloatArray,
    IntArray,
    exact_decimal,
    format_time,
    read_only,
)
from factortrader_adapters.history.store import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The panel's axes: closes (bars,), the bar's length, stable ids."""

    close_ns: IntArray
    interval_ns: int
    assets: tuple[str, ...]

    @property
    def columns(self) -> Mapping[str, int]:
        return {asset: column for column, asset in enumerate(self.assets)}

    @property
    def opened_ns(self) -> int:
        """Open of the first bar."""
        return int(self.close_ns[0]) - self.interval_ns

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.close_ns), len(self.assets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Events ascending in time; fields, tradable, adjustment: (bars, assets)."""

    events: tuple[Event, ...]
    fields: Mapping[str, FloatArray]
    tradable: BoolArray
    adjustment: FloatArray | None
    notes: tuple[str, ...]


def publish(dataset: Dataset, axes: Axes) -> Published:
    """Everything that is attached to the dataset, as it concerns these bars."""
    events: list[Event] = []
    fields: dict[str, FloatArray] = {}
    notes: tuple[str, ...] = ()
    adjustment = None
    tradable = np.ones(axes.shape, dtype=np.bool_)
    if dataset.has("actions"):
        actions, adjustment = action_events(dataset.table("actions"), axes)
        events += actions
    if dataset.has("rules"):
        rules, tradable = rule_events(dataset.table("rules"), axes)
        events += rules
    if dataset.has("funding"):
        sums = fields["funding_rate"] = funding_sums(dataset.table("funding"), axes)
        if dataset.description.kind == InstrumentKind.PERPETUAL:
            events += funding_events(sums, axes)
        else:
            notes = ("funding is a field only: spot instruments pay none",)
    return Published(
        events=tuple(sorted(events, key=lambda event: event.time_ns)),
        fields=fields,
        tradable=tradable,
        adjustment=adjustment,
        notes=notes,
    )


def _times(table: Any) -> IntArray:
    times: IntArray = table["time"].cast(pa.int64()).to_numpy()
    return times


def funding_sums(funding: Any, axes: Axes) -> FloatArray:
    """Σ rate of the payments in (previous close, close], (bars, assets); NaN = none."""
    times = _times(funding)
    columns = axes.columns
    column = np.array([columns.get(name, -1) for name in funding["asset"].to_pylist()])
    row = np.searchsorted(axes.close_ns, times, side="left")
    inside = (column >= 0) & (times > axes.opened_ns) & (row < len(axes.close_ns))
    at = (row[inside], column[inside])
    sums, counts = np.zeros(axes.shape), np.zeros(axes.shape)
    np.add.at(sums, at, funding["rate"].to_numpy()[inside])
    np.add.at(counts, at, 1.0)
    return np.where(counts > 0, sums, np.nan)


def funding_events(sums: FloatArray, axes: Axes) -> list[Event]:
    """One event per bar in which anybody paid."""
    return [
        FundingRatePublished(
            time_ns=int(axes.close_ns[row]),
            assets=axes.assets,
            rates=read_only(sums[row].copy()),
            venue_time_ns=int(axes.close_ns[row]),
        )
        for row in np.flatnonzero(np.isfinite(sums).any(axis=1)).tolist()
    ]


def action_events(actions: Any, axes: Axes) -> tuple[list[Event], FloatArray]:
    """The actions inside the panel, and the cumulative ratio, (bars, assets).

    The ratio holds from the bar that contains the action on, whenever that was.
    """
    events: list[Event] = []
    ratio = np.ones(axes.shape)
    columns = axes.columns
    told = actions.drop_columns("time").to_pylist()
    for time_ns, row in zip(_times(actions).tolist(), told, strict=True):
        column = columns.get(row["asset"])
        if column is None:
            continue
        opened_ns = time_ns - time_ns % axes.interval_ns
        ratio[axes.close_ns > opened_ns, column] *= (
            row["numerator"] / row["denominator"]
        )
        if axes.opened_ns <= opened_ns < axes.close_ns[-1]:
            events.append(
                CorporateActionApplied(
                    time_ns=opened_ns + 1,
                    action=f"{row['asset']}@{format_time(time_ns)}",
                    asset=row["asset"],
                    numerator=row["numerator"],
                    denominator=row["denominator"],
                )
            )
    return events, ratio


def rule_events(rules: Any, axes: Axes) -> tuple[list[Event], BoolArray]:
    """Changes of rules up to the last bar, and who may trade, (bars, assets)."""
    events: list[Event] = []
    tradable = np.ones(axes.shape, dtype=np.bool_)
    columns = axes.columns
    before: dict[str, TradingRules] = {}
    inside: list[tuple[int, str, TradingRules]] = []
    told = rules.drop_columns("time").to_pylist()
    for time_ns, row in zip(_times(rules).tolist(), told, strict=True):
        if row["asset"] not in columns or time_ns > axes.close_ns[-1]:
            continue
        spoken = _rules_of(row)
        tradable[axes.close_ns >= time_ns, columns[row["asset"]]] = spoken.tradable
        if time_ns <= axes.close_ns[0]:
            before[row["asset"]] = spoken
        else:
            inside.append((time_ns, row["asset"], spoken))
    known = dict(before)
    events += [
        _changed(int(axes.close_ns[0]), asset, before[asset])
        for asset in sorted(before)
    ]
    for time_ns, asset, spoken in inside:
        if known.get(asset) != spoken:
            known[asset] = spoken
            events.append(_changed(time_ns, asset, spoken))
    return events, tradable


def _changed(time_ns: int, asset: str, rules: TradingRules) -> InstrumentRulesChanged:
    return InstrumentRulesChanged(time_ns=time_ns, asset=asset, rules=rules)


def _rules_of(row: Mapping[str, Any]) -> TradingRules:
    """The rules as spoken; what the venue does not say keeps the house's default."""
    spoken = {
        name: exact_decimal(row[name])
        for name in ("tick", "lot", "min_notional")
        if row[name] is not None
    }
    return TradingRules(**spoken, tradable=row["tradable"])
