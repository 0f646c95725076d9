"""Files become typed rows or a refusal that names file, column and cause."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from tests.unit.history.vendor_files import bars, daily_mapping, write_parquet

from factortrader.errors import BadInput
from factortrader_adapters.history.reading import read_rows

CSV = """ts,symbol,market,open,high,low,close,volume
2022-01-01,NULLUSDT,spot,1,2,0.5,1.5,10
2022-01-02,NULLUSDT,um,1,2,0.5,1.6,
2022-01-02,1INCHUSDT,spot,1,2,0.5,nan,inf
"""


def csv_file(path: Path, text: str = CSV) -> Path:
    path.write_text(text)
    return path


def test_csv_is_read_by_the_types_of_the_fields(tmp_path: Path) -> None:
    """Tickers stay text whatever they look like; an empty number is NaN."""
    rows = read_rows(csv_file(tmp_path / "a.csv"), daily_mapping())

    assert [rows.assets.at(index) for index in range(3)] == [
        "NULLUSDT",
        "NULLUSDT",
        "1INCHUSDT",
    ]
    np.testing.assert_array_equal(rows.numbers["volume"], [10.0, np.nan, np.inf])
    np.testing.assert_array_equal(rows.numbers["close"], [1.5, 1.6, np.nan])


def test_packed_csv_reads_like_plain_csv(tmp_path: Path) -> None:
    """A .csv.gz gives the rows of its text."""
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(CSV.encode()))

    assert len(read_rows(packed, daily_mapping())) == 3


def test_a_filter_keeps_rows_and_their_numbers_in_the_file(tmp_path: Path) -> None:
    """Rows are counted as in the file, so that a finding can be looked up."""
    path = csv_file(tmp_path / "a.csv")

    one = read_rows(path, daily_mapping(filter={"market": "um"}))
    two = read_rows(path, daily_mapping(filter={"market": ["um", "spot"]}))

    assert one.file_row.tolist() == [2]
    assert two.file_row.tolist() == [1, 2, 3]


def test_another_delimiter_is_a_line_in_the_mapping(tmp_path: Path) -> None:
    """Semicolons read like commas."""
    path = csv_file(tmp_path / "a.csv", CSV.replace(",", ";"))

    assert len(read_rows(path, daily_mapping(delimiter=";"))) == 3


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (CSV.replace("symbol", "sybmol"), "unknown_column"),
        (CSV.replace("1.6", "cheap"), "file_value"),
        (CSV + "2022-01-03,A\n", "file_unreadable"),
        ("", "file_unreadable"),
    ],
    ids=["column", "type", "short row", "empty"],
)
def test_a_csv_that_does_not_fit_is_refused(
    tmp_path: Path, text: str, code: str
) -> None:
    """A missing column, a wrong type, a torn row and an empty file are bad input."""
    with pytest.raises(BadInput) as refusal:
        read_rows(csv_file(tmp_path / "a.csv", text), daily_mapping())

    assert refusal.value.code == code
    assert "a.csv" in refusal.value.where


def test_a_value_that_is_no_number_is_found(tmp_path: Path) -> None:
    """Its column and its row are named, whichever columns are mapped."""
    path = csv_file(tmp_path / "a.csv", CSV.replace("1.6", "cheap"))

    with pytest.raises(BadInput, match="'cheap' is no number") as refusal:
        read_rows(path, daily_mapping())

    assert refusal.value.where.endswith("a.csv, column 'close', row 2")


def test_all_missing_columns_are_named_at_once(tmp_path: Path) -> None:
    """Whoever mistyped two learns of both."""
    text = CSV.replace("symbol", "sybmol").replace("high", "hihg")

    with pytest.raises(BadInput, match="no column 'high', 'symbol'"):
        read_rows(csv_file(tmp_path / "a.csv", text), daily_mapping())


def test_a_missing_column_comes_with_the_nearest_one(tmp_path: Path) -> None:
    """The remedy for a misspelled column is its spelling."""
    path = csv_file(tmp_path / "a.csv", CSV.replace("symbol", "sybmol"))

    with pytest.raises(BadInput, match="did you mean 'sybmol'"):
        read_rows(path, daily_mapping())


def test_torn_parquet_is_refused(tmp_path: Path) -> None:
    """A download that was cut off is named, not half read."""
    path = write_parquet(tmp_path / "a.parquet", bars("BTCUSDT", range(50)))
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(BadInput, match="file_unreadable"):
        read_rows(path, daily_mapping())


def test_parquet_with_text_for_prices_is_refused_by_column(tmp_path: Path) -> None:
    """A column of another type than its field is named."""
    rows = [row | {"close": "dear"} for row in bars("BTCUSDT", range(3))]
    path = write_parquet(tmp_path / "a.parquet", rows)

    with pytest.raises(BadInput, match="column_type") as refusal:
        read_rows(path, daily_mapping())
    assert "'close'" in refusal.value.where


@pytest.mark.parametrize(
    ("name", "code"), [("absent.csv", "file_missing"), ("a.xlsx", "file_type")]
)
def test_files_that_are_not_there_or_not_ours_are_refused(
    tmp_path: Path, name: str, code: str
) -> None:
    """Nothing is opened that is neither CSV nor Parquet."""
    with pytest.raises(BadInput) as refusal:
        read_rows(tmp_path / name, daily_mapping())

    assert refusal.value.code == code


def test_a_filter_of_another_type_is_refused(tmp_path: Path) -> None:
    """A word cannot select rows of a column of numbers."""
    with pytest.raises(BadInput, match="filter_type"):
        read_rows(csv_file(tmp_path / "a.csv"), daily_mapping(filter={"open": "spot"}))
