"""One ticker can be several instruments, and an end has a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.history.vendor_files import bars, daily_mapping, write_parquet

from factortrader.errors import BadInput
from factortrader.instruments import EndReason
from factortrader.units import DAY_NS
from factortrader_adapters.history.lives import Lives, split_lives
from factortrader_adapters.history.overrides import (
    by_asset,
    read_overrides,
    without_unlisted,
)
from factortrader_adapters.history.reading import read_rows
from factortrader_adapters.history.resolving import resolve

WITNESS = bars("BTCUSDT", range(60))
"""Has every bar, so that what others lack is missing."""


def lives_of(
    folder: Path, rows: list[dict[str, Any]], table: str = "", **mapping: Any
) -> Lives:
    spoken = daily_mapping(**mapping)
    raw = read_rows(write_parquet(folder / "vendor.parquet", rows), spoken)
    sorted_rows = resolve(raw, spoken, where="vendor").rows
    entries: Any = ()
    if table:
        (folder / "instruments.csv").write_text(table)
        entries = read_overrides(folder / "instruments.csv")
    overrides, _ = by_asset(entries, sorted_rows, where="instruments")
    sorted_rows, _ = without_unlisted(sorted_rows, overrides, where="vendor")
    return split_lives(sorted_rows, overrides, interval_ns=DAY_NS, where="vendor")


def told(lives: Lives) -> dict[str, tuple[int, str]]:
    """asset → bars, end reason; without the witness."""
    return {
        life.asset: (life.stop - life.start, str(life.end_reason))
        for life in lives.lives
        if life.asset != "BTCUSDT"
    }


def test_a_gap_of_nine_bars_is_a_pause_and_of_ten_an_end(tmp_path: Path) -> None:
    """At the tenth missing bar a replay settles: what returns is another instrument."""
    nine = [*range(20), *range(29, 60)]
    ten = [*range(20), *range(30, 60)]

    lives = lives_of(tmp_path, WITNESS + bars("AUSDT", nine) + bars("LUNAUSDT", ten))

    assert told(lives) == {
        "AUSDT": (51, "crawl"),
        "LUNAUSDT": (20, "unknown"),
        "LUNAUSDT#2": (30, "crawl"),
    }


def test_a_second_return_is_a_third_instrument(tmp_path: Path) -> None:
    """Lives are counted through."""
    days = [*range(5), *range(20, 25), *range(40, 60)]

    lives = lives_of(tmp_path, WITNESS + bars("AUSDT", days))

    assert list(told(lives)) == ["AUSDT", "AUSDT#2", "AUSDT#3"]


def test_an_outage_of_the_whole_file_ends_nobody(tmp_path: Path) -> None:
    """Bars that no asset has are not missing, however many."""
    days = [*range(10), *range(40, 60)]

    lives = lives_of(tmp_path, bars("AUSDT", days) + bars("BUSDT", days))

    assert told(lives) == {"AUSDT": (30, "crawl"), "BUSDT": (30, "crawl")}


@pytest.mark.parametrize(
    ("last", "reason"), [(59, "crawl"), (57, "crawl"), (56, "unknown")]
)
def test_a_series_that_ends_with_the_file_ended_with_the_download(
    tmp_path: Path, last: int, reason: str
) -> None:
    """Within the last three bars of the file an end is the crawl's."""
    lives = lives_of(tmp_path, WITNESS + bars("AUSDT", range(last + 1)))

    assert told(lives)["AUSDT"][1] == reason


def test_a_series_that_ends_with_its_source_ended_with_that_crawl(
    tmp_path: Path,
) -> None:
    """Of a source that stopped on day 30, only an earlier end is an end."""
    rows = (
        bars("BTCUSDT", range(60), source="new")
        + bars("AUSDT", range(31), source="old")
        + bars("BUSDT", range(20), source="old")
    )
    columns = daily_mapping().columns | {"crawl_group": "source"}

    lives = lives_of(tmp_path, rows, columns=columns)

    assert told(lives) == {"AUSDT": (31, "crawl"), "BUSDT": (20, "unknown")}


def test_a_row_without_a_crawl_group_ends_with_no_group(tmp_path: Path) -> None:
    """Missing sources are not a source of their own."""
    rows = bars("BTCUSDT", range(60), source="new") + bars(
        "AUSDT", range(31), source=None
    )
    columns = daily_mapping().columns | {"crawl_group": "source"}

    assert told(lives_of(tmp_path, rows, columns=columns))["AUSDT"][1] == "unknown"


def test_a_halt_in_the_table_joins_the_pieces(tmp_path: Path) -> None:
    """A halted asset stays the same one; another gap of it is still an end."""
    rows = WITNESS + bars("AUSDT", [*range(10), *range(25, 30), *range(45, 60)])

    one = lives_of(tmp_path, rows, "asset,ended,reason\nAUSDT,2022-01-10,halted\n")
    all_ = lives_of(tmp_path, rows, "asset,reason\nAUSDT,halted\n")

    assert told(one) == {"AUSDT": (15, "unknown"), "AUSDT#2": (15, "crawl")}
    assert told(all_) == {"AUSDT": (30, "crawl")}


def test_a_halt_that_the_file_does_not_outlive_is_how_the_series_ends(
    tmp_path: Path,
) -> None:
    """Without a return the reason of the end is the halt."""
    lives = lives_of(
        tmp_path,
        WITNESS + bars("AUSDT", range(10)),
        "asset,ended,reason\nAUSDT,2022-01-10,halted\n",
    )

    assert told(lives)["AUSDT"] == (10, "halted")


def test_an_end_in_the_table_splits_a_series_without_a_gap(tmp_path: Path) -> None:
    """The bar that contains the end is the last; the next one is a new instrument."""
    lives = lives_of(
        tmp_path,
        WITNESS + bars("AUSDT", range(60)),
        "ticker,ended,reason\nAUSDT,2022-01-20,renamed\n",
    )

    assert told(lives) == {"AUSDT": (20, "renamed"), "AUSDT#2": (40, "crawl")}


def test_a_reason_in_the_table_explains_the_end_it_names(tmp_path: Path) -> None:
    """With a date the life that ended then; without one the last life."""
    rows = WITNESS + bars("AUSDT", [*range(10), *range(30, 40)])

    dated = lives_of(tmp_path, rows, "asset,ended,reason\nAUSDT,2022-01-10,delisted\n")
    undated = lives_of(tmp_path, rows, "asset,reason\nAUSDT,delisted\n")

    assert told(dated) == {"AUSDT": (10, "delisted"), "AUSDT#2": (10, "unknown")}
    assert told(undated) == {"AUSDT": (10, "unknown"), "AUSDT#2": (10, "delisted")}


def test_bars_before_the_listing_are_withheld(tmp_path: Path) -> None:
    """Quotes of a future before the coin existed are not its bars."""
    lives = lives_of(
        tmp_path, WITNESS + bars("AUSDT", range(60)), "asset,listed\nAUSDT,2022-01-11\n"
    )

    (life,) = [life for life in lives.lives if life.asset == "AUSDT"]
    assert life.stop - life.start == 50


def test_the_mark_of_later_lives_is_not_allowed_in_names(tmp_path: Path) -> None:
    """A vendor's own '#' would make two ids equal."""
    with pytest.raises(BadInput, match="asset_name"):
        lives_of(tmp_path, bars("A#2USDT", range(3)))


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("asset,listed\nAUSDT,2030-01-01\nBUSDT,2030-01-01\n", "empty_import"),
        ("asset,reason\nAUSDT,died\n", "instruments_reason"),
        ("asset,endde\nAUSDT,2022-01-10\n", "instruments_columns"),
        ("ended,reason\n2022-01-10,halted\n", "instruments_columns"),
        ("ticker,reason\nCOINUSDT,halted\n", "instruments_ambiguous"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(
    tmp_path: Path, table: str, code: str
) -> None:
    """Unknown reasons and columns, no key, and a ticker of two assets."""
    rows = [
        row | {"ticker": "COINUSDT"}
        for row in bars("AUSDT", range(3)) + bars("BUSDT", range(3))
    ]
    columns = daily_mapping().columns | {"ticker": "ticker"}

    with pytest.raises(BadInput) as refusal:
        lives_of(tmp_path, rows, table, columns=columns)

    assert refusal.value.code == code


def test_reasons_are_counted_in_the_findings(tmp_path: Path) -> None:
    """The report says how many series ended how."""
    lives = lives_of(tmp_path, WITNESS + bars("AUSDT", range(20)))

    said = {finding.code: finding.count for finding in lives.findings}
    assert said == {
        f"ended_{EndReason.CRAWL}": 1,
        f"ended_{EndReason.UNKNOWN}": 1,
    }
