"""The shipped mappings read the vendors' formats: here on generated twins.

A twin has the columns, units and stamps of the vendor's file; the same claims are
checked on the files themselves in `tests/e2e/test_data_import.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.history.vendor_files import load, run_import, worst_bar

from factortrader.events import FundingRatePublished, InstrumentRulesChanged
from factortrader.units import DAY_NS, HOUR_NS, MINUTE_NS, format_time, parse_time_ns

CRASH = parse_time_ns("2020-03-12")
"""The day on which every twin halves."""


def crash_bar(stamp_ns: int, *, crashed_from_ns: int) -> dict[str, float]:
    price = 50.0 if stamp_ns >= crashed_from_ns else 100.0
    return {"open": price, "high": price + 1, "low": price - 1, "close": price}


def twin(
    path: Path,
    columns: Mapping[str, str],
    *,
    step_ns: int = DAY_NS,
    crashed_from_ns: int = CRASH,
    extra: Mapping[str, Any] | None = None,
    asset: str = "BTCUSDT",
) -> Path:
    """Bars around the crash, their fields under the vendor's names."""
    first, count = CRASH - 20 * step_ns, 40
    rows: list[dict[str, Any]] = []
    for stamp in range(first, first + count * step_ns, step_ns):
        bar = crash_bar(stamp, crashed_from_ns=crashed_from_ns)
        amounts = {"volume": 7.0, "quote_volume": 700.0, "market_cap": 0.0}
        fields = {**bar, **amounts, "trades": 3.0, "taker_buy_base": 2.0}
        row = {theirs: fields[ours] for ours, theirs in columns.items()}
        rows.append({"ts": stamp, **row, **(extra or {})})
    table = pa.Table.from_pylist(
        [{"asset_id": asset, "symbol": asset, **row} for row in rows]
    )
    stamps = table["ts"].cast(pa.timestamp("ns", tz="UTC"))
    stamps = stamps.cast(pa.timestamp("ms", tz="UTC"))
    pq.write_table(table.set_column(2, "ts", stamps), path)
    return path


OHLC = {name: name for name in ("open", "high", "low", "close")}
KLINE = {**OHLC, **{name: name for name in ("volume", "quote_volume")}} | {
    name: name for name in ("trades", "taker_buy_base")
}

TWINS: Sequence[tuple[str, dict[str, Any]]] = [
    (
        "binance_1d_from_1h",
        {"columns": OHLC | {"volume": "volume"}, "extra": {"bars": 24, "source": "m"}},
    ),
    ("binance_spot_1d", {"columns": KLINE}),
    ("binance_close_1d", {"columns": {"close": "close"}}),
    (
        "binance_um_1d_from_1h",
        {"columns": OHLC | {"volume": "volume"}, "extra": {"bars": 24, "source": "y"}},
    ),
    (
        "xs_daily_cmc",
        {
            "columns": OHLC
            | {"quote_volume": "volume_usd", "market_cap": "market_cap_usd"},
            "extra": {"source": "cmc2020"},
        },
    ),
    (
        # A snapshot at the end of the day: the fall shows a stamp later.
        "xs_daily_coingecko",
        {
            "columns": {"close": "price_usd", "quote_volume": "volume_usd"}
            | {"market_cap": "market_cap_usd"},
            "extra": {"source": "belugary"},
            "crashed_from_ns": CRASH + DAY_NS,
        },
    ),
]


@pytest.mark.parametrize(("mapping", "shape"), TWINS, ids=[name for name, _ in TWINS])
def test_a_fall_during_a_day_is_in_the_bar_that_closes_it(
    tmp_path: Path, mapping: str, shape: dict[str, Any]
) -> None:
    """Opens, closes and snapshots of 12 March all close on the 13th at 00:00."""
    source = twin(tmp_path / "vendor.parquet", **shape)

    run_import(tmp_path / "store", source, mapping)

    panel = load(tmp_path / "store", mapping).panel
    assert worst_bar(panel, "BTCUSDT", first="2020-03-01", last="2020-03-20") == (
        "2020-03-13"
    )


@pytest.mark.parametrize(
    ("mapping", "step_ns", "market", "closes"),
    [
        ("klines_1h", HOUR_NS, "spot", "2020-03-12T01:00Z"),
        ("klines_1m", MINUTE_NS, "um", "2020-03-12T00:01Z"),
    ],
)
def test_klines_of_other_markets_are_left_out(
    tmp_path: Path, mapping: str, step_ns: int, market: str, closes: str
) -> None:
    """The filter chooses the market; the bar that opens at midnight closes later."""
    extra = {"market": market, "source": "garrett"}
    source = twin(tmp_path / "vendor.parquet", KLINE, step_ns=step_ns, extra=extra)
    other = twin(
        tmp_path / "other.parquet",
        KLINE,
        step_ns=step_ns,
        extra=extra | {"market": "elsewhere"},
        asset="ETHUSDT",
    )
    both = pa.concat_tables([pq.read_table(source), pq.read_table(other)])
    pq.write_table(both, source)

    run_import(tmp_path / "store", source, mapping)

    panel = load(tmp_path / "store", mapping).panel
    assert panel.assets == ("BTCUSDT",)
    assert worst_bar(panel, "BTCUSDT", first="2020-03-11", last="2020-03-20") == closes


@pytest.mark.parametrize("mapping", ["xs_daily_cmc", "xs_daily_coingecko"])
def test_aggregators_units_become_ours(tmp_path: Path, mapping: str) -> None:
    """Dollars of volume become base units, and a cap of 0 is unknown."""
    shape = dict(TWINS)[mapping]

    run_import(tmp_path / "store", twin(tmp_path / "vendor.parquet", **shape), mapping)

    panel = load(tmp_path / "store", mapping).panel
    assert panel.raw("quote_volume")[0, 0] == 700.0
    assert panel.raw("volume")[0, 0] == 7.0
    assert np.isnan(panel.raw("market_cap")).all()


def test_funding_and_rules_in_the_vendors_columns_are_attached(tmp_path: Path) -> None:
    """A payment 8 ms late counts for its hour; rules keep their exact decimals."""
    store = tmp_path / "store"
    shape = dict(TWINS)["binance_um_1d_from_1h"]
    run_import(
        store,
        twin(tmp_path / "vendor.parquet", **shape),
        "binance_um_1d_from_1h",
        name="perpetuals",
    )
    day = pa.timestamp("ns", tz="UTC")
    late = pa.array([CRASH + 8 * HOUR_NS + 8_000_000], pa.int64()).cast(day)
    funding = {"ts": late, "symbol": ["BTCUSDT"], "funding_rate": [0.0001]}
    pq.write_table(pa.table(funding), tmp_path / "funding.parquet")
    filters = {
        "ts": pa.array([CRASH], pa.int64()).cast(day),
        "market": ["spot"],
        "symbol": ["BTCUSDT"],
        "status": ["BREAK"],
        "price_filter_tickSize": ["0.01000000"],
        "lot_size_stepSize": ["0.00000100"],
        "min_notional": ["10.00000000"],
    }
    pq.write_table(pa.table(filters), tmp_path / "filters.parquet")

    run_import(store, tmp_path / "funding.parquet", "funding", name="perpetuals")
    run_import(store, tmp_path / "filters.parquet", "symbol_filters", name="perpetuals")

    history = load(store, "perpetuals")
    paid, ruled = (
        [event for event in history.events if isinstance(event, kind)]
        for kind in (FundingRatePublished, InstrumentRulesChanged)
    )
    assert [format_time(event.time_ns) for event in paid] == ["2020-03-13"]
    assert [format_time(event.time_ns) for event in ruled] == ["2020-03-12"]
    assert str(ruled[0].rules.tick) == "0.01000000"
    assert not ruled[0].rules.tradable


def test_redenominations_come_from_a_table_of_actions(tmp_path: Path) -> None:
    """A ticker that is split 1:2 on the day of the fall has flat research prices."""
    store = tmp_path / "store"
    run_import(
        store,
        twin(tmp_path / "vendor.parquet", KLINE),
        "binance_spot_1d",
        name="spot",
    )
    (tmp_path / "actions.csv").write_text(
        "time,asset,numerator,denominator\n2020-03-12T00:00Z,BTCUSDT,2,1\n"
    )

    run_import(store, tmp_path / "actions.csv", "actions", name="spot")

    assert np.ptp(load(store, "spot").panel.research("close")) == 0.0
