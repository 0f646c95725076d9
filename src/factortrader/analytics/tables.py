"""The tables of a run folder, column by column (docs/run-folder.md).

Times are timestamp[ns, UTC], money is text that spells the exact decimal, estimates
are float64. A table without rows has all its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from factortrader.analytics.results import RunResults
from factortrader.events import SignalsUpdated
from factortrader.units import FloatArray

TIME: Final = pa.timestamp("ns", tz="UTC")
TEXT: Final = pa.string()
NUMBER: Final = pa.float64()


def run_tables(results: RunResults) -> dict[str, Any]:
    """File name without its ending → Arrow table."""
    tables: Mapping[str, Callable[[RunResults], Any]] = {
        "equity": equity_table,
        "signals": signals_table,
        "targets": targets_table,
        "positions": positions_table,
        "orders": orders_table,
        "fills": fills_table,
        "cashflows": cashflows_table,
    }
    return {name: build(results) for name, build in tables.items()}


def equity_table(results: RunResults) -> Any:
    """A row per bar, the benchmarks in the last columns."""
    rows = results.recorder.rows
    columns = {
        "equity": results.equity,
        "cash": [row.cash for row in rows],
        "gross_exposure": [row.gross_exposure for row in rows],
        "net_exposure": [row.net_exposure for row in rows],
        "drawdown": results.drawdown,
        "turnover": results.turnover,
        "fees": results.movements.fees[:-1],
        **results.benchmark_wealth,
    }
    return _table(
        {"time": pa.array(results.close_ns, TIME)}
        | {name: pa.array(values, NUMBER) for name, values in columns.items()}
    )


def signals_table(results: RunResults) -> Any:
    """A row per asset with a score or with any factor's part of one."""
    signals = results.recorder.signals
    factors = dict.fromkeys(
        factor for signal in signals for factor in signal.contributions
    )
    long = _Long()
    values: dict[str, list[FloatArray]] = {
        "score": [],
        **{f"factor:{factor}": [] for factor in factors},
    }
    for signal in signals:
        parts = [signal.scores, *(_part(signal, factor) for factor in factors)]
        shown = np.flatnonzero(np.isfinite(parts).any(axis=0))
        long.add(signal.time_ns, signal.assets, shown)
        for column, part in zip(values.values(), parts, strict=True):
            column.append(part[shown])
    return long.table(values)


def targets_table(results: RunResults) -> Any:
    """A row per asset with a wanted weight; NaN = leave alone has no row."""
    long = _Long()
    weights = []
    for target in results.recorder.targets:
        shown = np.flatnonzero(np.isfinite(target.weights))
        long.add(target.time_ns, target.assets, shown)
        weights.append(target.weights[shown])
    return long.table({"weight": weights})


def positions_table(results: RunResults) -> Any:
    """A row per bar and asset held; weight = quantity × multiplier × mark / equity."""
    multiplier = {
        asset: float(each.multiplier) for asset, each in results.instruments.items()
    }
    long = _Long()
    weights = []
    rows = results.recorder.rows
    for row in rows:
        long.add(row.close_ns, row.assets, row.held)
        scale = np.array([multiplier[row.assets[column]] for column in row.held])
        equity = row.equity if row.equity > 0.0 else np.nan
        weights.append(row.quantities * scale * row.marks / equity)
    return long.table(
        {
            "quantity": [row.quantities for row in rows],
            "mark": [row.marks for row in rows],
            "weight": weights,
        }
    )


def orders_table(results: RunResults) -> Any:
    """A row per order with its last state, in the order of the requests."""
    return _records(
        list(results.recorder.orders.lines()),
        {
            "order_id": _Column("order_id"),
            "time": _Column("time_ns", TIME),
            "asset": _Column("asset"),
            "side": _Column("side"),
            "quantity": _Column("quantity"),
            "limit_price": _Column("limit_price"),
            "status": _Column("status"),
            "reason": _Column("reason"),
            "plan": _Column("plan"),
        },
    )


def fills_table(results: RunResults) -> Any:
    """A row per execution, in the order in which they were heard."""
    return _records(
        results.movements.fills,
        {
            "time": _Column("time_ns", TIME),
            "order_id": _Column("order_id"),
            "trade_id": _Column("trade_id"),
            "asset": _Column("asset"),
            "side": _Column("side"),
            "quantity": _Column("quantity"),
            "price": _Column("price"),
            "fee": _Column("fee"),
            "fee_currency": _Column("fee_currency"),
            "liquidity": _Column("liquidity"),
        },
    )


def cashflows_table(results: RunResults) -> Any:
    """A row per movement of cash that is no fill's, and per change of units."""
    return _records(
        results.movements.cashflows,
        {
            "time": _Column("time_ns", TIME),
            "kind": _Column("kind"),
            "asset": _Column("asset"),
            "amount": _Column("amount"),
            "currency": _Column("currency"),
            "reference": _Column("reference"),
        },
    )


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a column's values come from; text unless another type is named."""

    attribute: str
    kind: Any = TEXT


def _records(records: Sequence[Any], columns: Mapping[str, _Column]) -> Any:
    return _table(
        {
            name: pa.array(
                [_plain(getattr(record, column.attribute)) for record in records],
                column.kind,
            )
            for name, column in columns.items()
        }
    )


def _plain(value: Any) -> Any:
    """Decimals as plain digits, enumerations as their words, nothing as null."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return None if value == "" else value


def _part(signal: SignalsUpdated, factor: str) -> FloatArray:
    part = signal.contributions.get(factor)
    return part if part is not None else np.full(len(signal.assets), np.nan)


def _table(columns: Mapping[str, Any]) -> Any:
    return pa.table(dict(columns))


class _Long:
    """The `time` and `asset` columns of a long table, filled slice by slice."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, ...], Any] = {}
        self._times: list[int] = []
        self._counts: list[int] = []
        self._assets: list[Any] = []

    def add(self, time_ns: int, assets: tuple[str, ...], shown: Any) -> None:
        """One row at this time for each of these columns of the assets."""
        if assets not in self._names:
            self._names[assets] = pa.array(assets, TEXT)
        self._times.append(time_ns)
        self._counts.append(len(shown))
        self._assets.append(self._names[assets].take(pa.array(shown)))

    def table(self, values: Mapping[str, Sequence[FloatArray]]) -> Any:
        times = np.repeat(np.array(self._times, dtype=np.int64), self._counts)
        return _table(
            {
                "time": pa.array(times, TIME),
                "asset": pa.chunked_array(self._assets, TEXT).combine_chunks(),
            }
            | {
                name: pa.array(np.concatenate([np.empty(0), *parts]), NUMBER)
                for name, parts in values.items()
            }
        )
