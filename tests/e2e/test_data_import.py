"""The vendors' own files are imported by the shipped mappings, and say what is known.

They are not distributed: these tests need the folder `shared/data` beside the
checkout. Generated twins that run everywhere are in
`tests/unit/history/test_shipped_mappings.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.unit.history.vendor_files import load, run_import, worst_bar

from factortrader.events import InstrumentRulesChanged
from factortrader.instruments import EndReason
from factortrader.market.panel import Panel
from factortrader.ports import History
from factortrader.units import DAY_NS, HOUR_NS, format_time, parse_time_ns

VENDORS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"

real_files = pytest.mark.skipif(
    not VENDORS.is_dir(), reason="the vendors' files are not beside this checkout"
)


def close_of(panel: Panel, asset: str, when: str) -> float:
    """The close of the bar that closed then."""
    row = int(np.searchsorted(panel.close_ns, parse_time_ns(when)))
    assert panel.close_ns[row] == parse_time_ns(when)
    return float(panel.raw("close")[row, panel.assets.index(asset)])


def daily(panel: Panel) -> Panel:
    """The rows that close a UTC day."""
    keep = np.flatnonzero(panel.close_ns % DAY_NS == 0)
    return Panel(
        close_ns=panel.close_ns[keep],
        interval_ns=DAY_NS,
        assets=panel.assets,
        fields={name: values[keep] for name, values in panel.fields.items()},
        listed=panel.listed[keep],
        clean=panel.clean[keep],
        eligible=panel.eligible[keep],
    )


def ends(history: History) -> dict[str, tuple[str, EndReason | None]]:
    return {
        one.asset: (format_time(one.ended_ns or 0), one.end_reason)
        for one in history.instruments
    }


@pytest.fixture(scope="module")
def vendor_history(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], History]:
    """Imports a vendor's file by its own mapping, once for all tests."""
    store = tmp_path_factory.mktemp("vendors")

    def of(name: str) -> History:
        if not (store / name).exists():
            run_import(store, VENDORS / f"{name}.parquet", name)
        return load(store, name)

    return of


@real_files
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "asset"),
    [
        ("xs_daily_cmc", "bitcoin"),
        ("xs_daily_coingecko", "bitcoin"),
        ("klines_1h", "BTCUSDT"),
    ],
)
def test_the_crash_of_2020_is_on_one_day_in_every_source(
    vendor_history: Callable[[str], History], name: str, asset: str
) -> None:
    """12 March 2020 closes on the 13th at 00:00, whatever the vendor stamps."""
    panel = vendor_history(name).panel
    panel = daily(panel) if panel.interval_ns < DAY_NS else panel

    assert worst_bar(panel, asset, first="2020-01-01", last="2020-12-01") == (
        "2020-03-13"
    )
    assert close_of(panel, asset, "2020-03-13") == pytest.approx(4_900, rel=0.05)


@real_files
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["binance_1d_from_1h", "binance_spot_1d", "binance_close_1d"]
)
def test_the_two_lunas_are_two_instruments(
    vendor_history: Callable[[str], History], name: str
) -> None:
    """Terra Classic falls on 12 May 2022; what returns at the end of May is Terra 2."""
    history = vendor_history(name)

    panel = history.panel
    first, second = (
        next(one for one in history.instruments if one.asset == asset)
        for asset in ("LUNAUSDT", "LUNAUSDT#2")
    )
    assert worst_bar(panel, "LUNAUSDT", first="2022-04-01", last="2022-05-13") == (
        "2022-05-13"
    )
    assert format_time(first.ended_ns or 0) in {"2022-05-13", "2022-05-14"}
    assert first.end_reason is EndReason.UNKNOWN
    assert format_time(second.listed_ns or 0) == "2022-06-01"
    assert second.end_reason is EndReason.CRAWL


@real_files
@pytest.mark.slow
def test_halts_and_ends_of_the_daily_file_are_lives(
    vendor_history: Callable[[str], History],
) -> None:
    """FTT has two lives, UST one that ends in the crash, BTC one to the end."""
    known = ends(vendor_history("binance_1d_from_1h"))

    assert known["USTUSDT"] == ("2022-05-14", EndReason.UNKNOWN)
    assert known["FTTUSDT"] == ("2022-11-16", EndReason.UNKNOWN)
    assert known["FTTUSDT#2"] == ("2023-12-31", EndReason.CRAWL)
    assert known["BTCUSDT"] == ("2023-12-31", EndReason.CRAWL)
    assert "BTCSTUSDT#2" not in known


@real_files
@pytest.mark.slow
def test_the_hourly_file_joins_its_recorders_and_drops_its_artefacts(
    vendor_history: Callable[[str], History],
) -> None:
    """43 bars off the hour go, five forming bars yield, Bitcoin stays one asset."""
    history = vendor_history("klines_1h")

    said = " ".join(history.notes)
    assert "43 rows off the 1h grid were dropped" in said
    assert "5 earlier versions of a row gave way" in said
    assert history.panel.assets[0] == "BTCUSDT"
    assert "BTCUSDT#2" not in history.panel.assets
    assert {"LUNAUSDT#2", "FTTUSDT#2"} < set(history.panel.assets)
    assert close_of(history.panel, "BTCUSDT", "2018-02-08") == pytest.approx(
        7_599, rel=0.01
    )


@real_files
@pytest.mark.slow
def test_duplicates_and_partial_days_are_counted_as_documented(
    vendor_history: Callable[[str], History],
) -> None:
    """JUV's March four times over, and 1,385 days of fewer than 24 hours."""
    spot = " ".join(vendor_history("binance_spot_1d").notes)
    hourly = " ".join(vendor_history("binance_1d_from_1h").notes)

    assert "93 exact duplicates were dropped" in spot
    assert "1,385 bars have fewer than 24 parts" in hourly


@real_files
@pytest.mark.slow
def test_series_that_end_with_their_crawl_did_not_die(
    vendor_history: Callable[[str], History],
) -> None:
    """cmc2018 and hathix stopped downloading; BitConnect stopped."""
    cmc = ends(vendor_history("xs_daily_cmc"))
    gecko = vendor_history("xs_daily_coingecko")

    assert cmc["dash"] == ("2018-03-26", EndReason.CRAWL)
    assert cmc["bitconnect"] == ("2018-02-21", EndReason.UNKNOWN)
    assert ends(gecko)["ftx-token"] == ("2022-09-26", EndReason.CRAWL)
    assert "no open prices in this data: orders fill at the next close" in gecko.notes
    assert any("164 rows off the 1d grid" in note for note in gecko.notes)


@real_files
@pytest.mark.slow
def test_perpetuals_carry_their_funding_and_minutes_their_grid(
    vendor_history: Callable[[str], History], tmp_path: Path
) -> None:
    """A day of 2023 sums three payments; a minute bar closes a minute later."""
    store = tmp_path / "store"
    name = "binance_um_1d_from_1h"
    run_import(store, VENDORS / f"{name}.parquet", name)
    run_import(store, VENDORS / "funding.parquet", "funding", name=name)
    raw = pq.read_table(VENDORS / "funding.parquet").to_pylist()
    day = parse_time_ns("2023-03-12")
    paid = [
        row["funding_rate"]
        for row in raw
        if row["symbol"] == "BTCUSDT"
        and day - DAY_NS + HOUR_NS < int(row["ts"].timestamp()) * 10**9 < day + HOUR_NS
    ]

    panel = load(store, name).panel
    at = int(np.searchsorted(panel.close_ns, day)), panel.assets.index("BTCUSDT")
    assert len(paid) == 3
    assert panel.raw("funding_rate")[at] == pytest.approx(sum(paid))
    minutes = vendor_history("klines_1m").panel
    assert format_time(int(minutes.close_ns[0])) == "2023-02-01T00:01Z"
    assert minutes.bars == 40_320


@real_files
@pytest.mark.slow
def test_the_rules_of_2020_stand_from_the_first_bar(tmp_path: Path) -> None:
    """Rules seen in October 2020 stand from the first bar of a later dataset."""
    store = tmp_path / "store"
    name = "binance_spot_1d"
    run_import(store, VENDORS / f"{name}.parquet", name)
    run_import(store, VENDORS / "symbol_filters.parquet", "symbol_filters", name=name)

    history = load(store, name)

    rules = {
        event.asset: event.rules
        for event in history.events
        if isinstance(event, InstrumentRulesChanged)
    }
    assert str(rules["BTCUSDT"].lot) == "0.00000100"
    assert rules["BTCUSDT"].tradable
    report = json.loads((store / name / "import_report.json").read_text())
    assert {"bars", "rules"} == set(report)
