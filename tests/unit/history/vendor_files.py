"""Small vendor files, the requests that import them, and what to ask of the result."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factortrader.market.panel import Panel
from factortrader.ports import History
from factortrader.units import DAY_NS, format_time, parse_time_ns
from factortrader_adapters.history.commands import COMMAND
from factortrader_adapters.history.importing import (
    ImportReport,
    ImportRequest,
    import_bars,
)
from factortrader_adapters.history.mapping import (
    FileMapping,
    InstrumentMapping,
    MappingFile,
)
from factortrader_adapters.history.source import StoreSettings, StoreSource

MAPPINGS = Path(__file__).resolve().parents[3] / "config" / "data"
DAY_0 = parse_time_ns("2022-01-01")
PRICES = {name: name for name in ("open", "high", "low", "close", "volume")}


def daily_mapping(**changes: Any) -> FileMapping:
    """Daily bars stamped with their open, pairs in USDT."""
    settings: dict[str, Any] = {
        "interval": "1d",
        "columns": {"time": "ts", "asset": "symbol", **PRICES},
        "instruments": InstrumentMapping(quote="USDT", ticker="pair"),
    }
    return FileMapping(**{**settings, **changes})


def bar(asset: str, day: float, close: float = 100.0, **changes: Any) -> dict[str, Any]:
    """One row: `day` days after 2022-01-01, open = high = low = close."""
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    stamp = DAY_0 + int(day * DAY_NS)
    return {"ts": stamp, "symbol": asset, **prices, "volume": 5.0, **changes}


def bars(asset: str, days: Sequence[int], **changes: Any) -> list[dict[str, Any]]:
    return [bar(asset, day, 100.0 + day, **changes) for day in days]


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The rows as Parquet; `ts` in ns becomes a UTC timestamp."""
    table = pa.Table.from_pylist([dict(row) for row in rows])
    if "ts" in table.column_names:
        stamps = table["ts"].cast(pa.timestamp("ns", tz="UTC"))
        table = table.set_column(table.column_names.index("ts"), "ts", stamps)
    pq.write_table(table, path)
    return path


def request(source: Path, **changes: Any) -> ImportRequest:
    """Import `source` as "daily" into the store beside it."""
    mapping = changes.pop("mapping", daily_mapping())
    settings: dict[str, Any] = {
        "source": source,
        "mapping": MappingFile(mapping=mapping, digest="m"),
        "name": "daily",
        "store": source.parent / "store",
    }
    return ImportRequest(**{**settings, **changes})


def imported(
    folder: Path, rows: Sequence[Mapping[str, Any]], **changes: Any
) -> ImportReport:
    """Write the rows and import them as "daily" into `folder/store`."""
    return import_bars(
        request(write_parquet(folder / "vendor.parquet", rows), **changes)
    )


def counts(report: ImportReport) -> dict[str, int]:
    return {finding.code: finding.count for finding in report.findings}


def run_import(
    store: Path, source: Path, mapping: str, *, name: str | None = None
) -> None:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    words = [
        *("import", str(source), "--mapping", str(MAPPINGS / f"{mapping}.toml")),
        *("--name", name or mapping, "--store", str(store), "--json"),
    ]
    assert COMMAND.run(parser.parse_args(words)) == 0


def load(store: Path, name: str) -> History:
    settings = StoreSettings(dataset=name, store=str(store))
    return StoreSource(settings).load(start_ns=None, end_ns=None, warm_up_bars=0)


def worst_bar(panel: Panel, asset: str, *, first: str, last: str) -> str:
    """Close of the bar with the worst return, of those closing in [first, last]."""
    inside = (panel.close_ns >= parse_time_ns(first)) & (
        panel.close_ns <= parse_time_ns(last)
    )
    close = panel.raw("close")[inside, panel.assets.index(asset)]
    worst = int(np.nanargmin(close[1:] / close[:-1]))
    return format_time(int(panel.close_ns[inside][worst + 1]))
