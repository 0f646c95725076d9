"""Each defect has one rule, and each use of a rule is counted."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.history.vendor_files import bar, bars, daily_mapping, write_parquet

from factortrader.errors import BadInput
from factortrader.units import DAY_NS, SECOND_NS
from factortrader_adapters.history.findings import refuse_if_strict
from factortrader_adapters.history.reading import read_rows
from factortrader_adapters.history.resolving import Resolved, resolve


def resolved(
    folder: Path, rows: list[dict[str, Any]], **mapping: Any
) -> tuple[Resolved, dict[str, int]]:
    spoken = daily_mapping(**mapping)
    path = write_parquet(folder / "vendor.parquet", rows)
    result = resolve(read_rows(path, spoken), spoken, where="vendor")
    return result, {finding.code: finding.count for finding in result.findings}


def test_a_sound_file_has_no_findings(tmp_path: Path) -> None:
    """Sorted, whole bars on the grid pass unchanged; a bar is labelled by its close."""
    result, said = resolved(tmp_path, bars("AUSDT", range(3)))

    assert said == {}
    assert np.diff(result.rows.time_ns).tolist() == [DAY_NS, DAY_NS]
    assert result.rows.time_ns[0] == bar("AUSDT", 0)["ts"] + DAY_NS


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ("1h", "multiples of 1d apart"),
        ("7d", "of the stamps lie off that grid"),
    ],
)
def test_a_file_of_another_interval_is_refused(
    tmp_path: Path, interval: str, words: str
) -> None:
    """Daily bars are neither hourly bars with gaps nor weekly bars with defects."""
    with pytest.raises(BadInput, match=f"not {interval} long") as refusal:
        resolved(tmp_path, bars("AUSDT", range(12)), interval=interval)

    assert words in refusal.value.why


def test_stamps_of_another_unit_are_refused(tmp_path: Path) -> None:
    """Seconds that are read as milliseconds lie in January 1970."""
    rows = [bar("AUSDT", day, ts=bar("AUSDT", day)["ts"] // 1000) for day in range(12)]

    with pytest.raises(BadInput, match="before 1980") as refusal:
        resolved(tmp_path, rows)

    assert "read as 1970-01-20" in refusal.value.why


def test_a_snapshot_is_the_close_of_the_bar_that_ends_there(tmp_path: Path) -> None:
    """A price at D 00:00 closes D-1: its stamp is the label already."""
    result, _ = resolved(tmp_path, bars("AUSDT", range(2)), stamps="snapshot")

    assert result.rows.time_ns[0] == bar("AUSDT", 0)["ts"]


def test_equal_rows_collapse_and_the_last_of_different_rows_wins(
    tmp_path: Path,
) -> None:
    """A forming bar that was saved three times counts as it was saved last."""
    rows = [
        bar("AUSDT", 0, 10.0),
        bar("AUSDT", 0, 10.0),
        bar("AUSDT", 1, 11.0, volume=1.0),
        bar("AUSDT", 1, 12.0, volume=2.0),
        bar("AUSDT", 1, 13.0, volume=3.0),
    ]

    result, said = resolved(tmp_path, rows)

    assert said == {"exact_duplicates": 1, "conflicting_duplicates": 2}
    assert result.rows.numbers["close"].tolist() == [10.0, 13.0]


def test_a_broken_copy_does_not_displace_a_sound_row(tmp_path: Path) -> None:
    """Impossible rows are withheld before duplicates are judged."""
    result, said = resolved(
        tmp_path, [bar("AUSDT", 0, 10.0), bar("AUSDT", 0, float("nan"))]
    )

    assert said == {"price_missing": 1}
    assert result.rows.numbers["close"].tolist() == [10.0]


@pytest.mark.parametrize(
    ("price", "code"),
    [
        (float("nan"), "price_missing"),
        (None, "price_missing"),
        (float("inf"), "price_infinite"),
        (0.0, "price_not_positive"),
        (-1.0, "price_not_positive"),
    ],
)
@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_row_with_an_impossible_price_is_no_bar(
    tmp_path: Path, price: float | None, code: str, name: str
) -> None:
    """Missing, infinite, zero and negative prices withhold the whole row."""
    result, said = resolved(
        tmp_path, [bar("AUSDT", 0), bar("AUSDT", 1, **{name: price})]
    )

    assert said == {code: 1}
    assert len(result.rows) == 1


def test_prices_outside_their_range_are_reported_and_kept(tmp_path: Path) -> None:
    """An inconsistent bar is the vendor's word; rounding noise is no inconsistency."""
    rows = [
        bar("AUSDT", 0, 100.0, high=99.0),
        bar("AUSDT", 1, 100.0, high=100.0 * (1 - 1e-9)),
    ]

    result, said = resolved(tmp_path, rows)

    assert said == {"range_crossed": 1}
    assert len(result.rows) == 2


def test_rows_off_the_grid_are_dropped_unless_the_tolerance_covers_them(
    tmp_path: Path,
) -> None:
    """09:28:14.789 is no day; a stamp a second late is, where the mapping says so."""
    second = SECOND_NS / DAY_NS
    rows = [*bars("AUSDT", range(3)), bar("AUSDT", 3 + second), bar("AUSDT", 4.39)]

    _, strict = resolved(tmp_path, rows)
    result, lenient = resolved(tmp_path, rows, tolerance="1s")

    assert strict == {"off_grid": 2}
    assert lenient == {"off_grid": 1, "rounded_stamps": 1}
    assert not (result.rows.time_ns % DAY_NS).any()


def test_a_stamp_just_before_the_grid_belongs_to_it(tmp_path: Path) -> None:
    """A close at 23:59:59.999 is the close at midnight."""
    row = bar("AUSDT", 1)
    early = row | {"ts": row["ts"] - 1_000_000}

    result, said = resolved(tmp_path, [early], stamps="close", tolerance="1s")

    assert said == {"rounded_stamps": 1}
    assert result.rows.time_ns.tolist() == [row["ts"]]


def test_pairs_in_another_currency_are_left_out(tmp_path: Path) -> None:
    """One dataset has one quote currency, however the pair is spelled."""
    rows = [bar("AUSDT", 0), bar("A-USDT", 0), bar("AUSDC", 0), bar("AUSD", 0)]

    result, said = resolved(tmp_path, rows)

    assert said == {"other_quote": 2}
    assert len(result.rows) == 2


def test_rows_in_wrong_order_are_sorted_and_counted(tmp_path: Path) -> None:
    """Only rows older than the one before them, of the same asset, are out of order."""
    rows = bars("BUSDT", [1, 0, 2]) + bars("AUSDT", [0])

    result, said = resolved(tmp_path, rows)

    assert said == {"wrong_order": 1}
    assert [result.rows.assets.at(index) for index in range(4)] == [
        "AUSDT",
        "BUSDT",
        "BUSDT",
        "BUSDT",
    ]


def test_impossible_amounts_become_unknown_and_leave_the_bar(tmp_path: Path) -> None:
    """Infinite and negative volumes are NaN; the price still counts."""
    rows = [bar("AUSDT", 0, volume=float("inf")), bar("AUSDT", 1, volume=-3.0)]

    result, said = resolved(tmp_path, rows)

    assert said == {"volume_impossible": 2}
    assert np.isnan(result.rows.numbers["volume"]).all()


def test_zero_means_unknown_only_where_and_until_when_the_mapping_says(
    tmp_path: Path,
) -> None:
    """A 0 is a value unless declared; a date limits the declaration to bars before."""
    rows = bars("AUSDT", range(3), volume=0.0)

    def volumes(**mapping: Any) -> list[float]:
        result, _ = resolved(tmp_path, rows, **mapping)
        return np.nan_to_num(result.rows.numbers["volume"], nan=-1.0).tolist()

    assert volumes() == [0.0, 0.0, 0.0]
    assert volumes(zero_is_unknown={"volume": True}) == [-1.0, -1.0, -1.0]
    until = {"volume": dt.date(2022, 1, 3)}
    assert volumes(zero_is_unknown=until) == [-1.0, -1.0, 0.0]


def test_volume_in_quote_becomes_base_at_the_close(tmp_path: Path) -> None:
    """volume = quote_volume / close where only the former is given."""
    rows = [bar("AUSDT", 0, 4.0, volume=100.0)]
    columns = {"time": "ts", "asset": "symbol", "close": "close"}

    result, _ = resolved(tmp_path, rows, columns=columns | {"quote_volume": "volume"})

    assert result.rows.numbers["volume"].tolist() == [25.0]
    assert result.rows.numbers["quote_volume"].tolist() == [100.0]


def test_partial_bars_are_kept_and_said_or_withheld_below_the_least(
    tmp_path: Path,
) -> None:
    """A day of 20 hours is a bar; one of fewer than min_parts is not."""
    rows = [bar("AUSDT", day, hours=hours) for day, hours in enumerate([24, 20, 3])]
    columns = daily_mapping().columns | {"parts": "hours"}

    result, said = resolved(tmp_path, rows, columns=columns, full_parts=24, min_parts=4)

    assert said == {"partial_bars": 1, "too_partial": 1}
    assert len(result.rows) == 2


def test_rows_without_stamp_or_asset_are_dropped(tmp_path: Path) -> None:
    """A row that nobody can place is counted."""
    rows = [bar("AUSDT", 0), bar("", 1), bar("AUSDT", 2) | {"ts": None}]

    _, said = resolved(tmp_path, rows)

    assert said == {"missing_key": 2}


def test_a_file_of_which_nothing_remains_is_refused_with_the_reasons(
    tmp_path: Path,
) -> None:
    """The refusal lists the rules that took the rows."""
    with pytest.raises(BadInput, match="rows off the 1d grid were dropped"):
        resolved(tmp_path, [bar("AUSDT", 0.5)])


def test_strict_refuses_what_would_be_changed_and_passes_what_is_only_said(
    tmp_path: Path,
) -> None:
    """Duplicates are refused; bars that are kept as they are are not."""
    twice, _ = resolved(tmp_path, [bar("AUSDT", 0), bar("AUSDT", 0)])
    crossed, _ = resolved(tmp_path, [bar("AUSDT", 0, 100.0, high=99.0)])

    with pytest.raises(BadInput, match="exact_duplicates"):
        refuse_if_strict(twice.findings, strict=True, where="vendor")
    refuse_if_strict(crossed.findings, strict=True, where="vendor")
    refuse_if_strict(twice.findings, strict=False, where="vendor")


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_the_order_of_distinct_rows_does_not_matter(tmp_path: Path, seed: int) -> None:
    """Any shuffle of the same rows resolves to the same bars."""
    rows = bars("AUSDT", range(8)) + bars("BUSDT", range(3, 9))
    shuffled = random.Random(seed).sample(rows, len(rows))

    one, _ = resolved(tmp_path, rows)
    two, _ = resolved(tmp_path, shuffled)

    np.testing.assert_array_equal(one.rows.time_ns, two.rows.time_ns)
    np.testing.assert_array_equal(one.rows.numbers["close"], two.rows.numbers["close"])
