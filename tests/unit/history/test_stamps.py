"""Vendors' stamps become nanoseconds in UTC or are refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factortrader.errors import BadInput
from factortrader.units import parse_time_ns, utc_datetime
from factortrader_adapters.history.stamps import MISSING, read_stamps

MICROSECONDS = st.integers(-(2 * 10**15), 7 * 10**15)


def read(
    values: list[Any], *, zone: str = "UTC", unit: str | None = None, kind: Any = None
) -> list[int]:
    column = pa.array(values, type=kind)
    return read_stamps(column, zone=zone, unit=unit, where="here").tolist()


def test_each_offset_counts_for_its_own_stamp() -> None:
    """Stamps of several zones in one column are the moments that they say."""
    times = read(
        [
            "2020-03-12T00:00:00Z",
            "2020-03-12 01:00:00+01:00",
            "2020-03-11T19:00:00-0500",
            "2020-03-12 00:00:00 UTC",
        ]
    )

    assert times == [parse_time_ns("2020-03-12")] * 4


def test_stamps_with_and_without_a_zone_are_not_mixed() -> None:
    """One column with both is refused, and both are shown."""
    with pytest.raises(BadInput, match="'2020-03-13' in row 2"):
        read(["2020-03-12T00:00:00Z", "2020-03-13"])


def test_a_stamp_that_is_no_time_is_found() -> None:
    """The row of the file is named, as it was before any filter."""
    column = pa.chunked_array([["2020-03-12", "yesterday"]])

    with pytest.raises(BadInput, match="yesterday") as refusal:
        read_stamps(
            column, zone="UTC", unit=None, where="here", file_row=np.array([3, 8])
        )

    assert refusal.value.where == "here, row 8"


def test_naive_stamps_lie_in_the_zone_of_the_mapping() -> None:
    """Midnight in New York is 04:00 UTC in summer; dates are midnights."""
    expected = [parse_time_ns("2021-07-01T04:00")]

    assert read(["2021-07-01 00:00:00"], zone="America/New_York") == expected
    assert read([date(2021, 7, 1)], zone="America/New_York") == expected
    naive = pa.timestamp("ms")
    assert read([1_625_097_600_000], zone="America/New_York", kind=naive) == expected


@pytest.mark.parametrize("stamp", ["2021-11-07 01:30:00", "2021-03-14 02:30:00"])
def test_hours_that_the_zone_has_twice_or_never_are_refused(stamp: str) -> None:
    """The change of clocks makes a naive stamp ambiguous or impossible."""
    with pytest.raises(BadInput, match="stamp_unreadable"):
        read([stamp], zone="America/New_York")


def test_integers_need_a_unit() -> None:
    """Without one nobody knows the unit; with one text and number agree."""
    with pytest.raises(BadInput, match="stamp_unit"):
        read([1_583_971_200])

    expected = [parse_time_ns("2020-03-12")]
    assert read([1_583_971_200], unit="s") == expected
    assert read(["1583971200000"], unit="ms") == expected


@pytest.mark.parametrize("stamp", ["12/03/2020", "soon", "9999-01-01"])
def test_what_is_no_time_is_refused_with_its_text(stamp: str) -> None:
    """The refusal shows the text, or the range that nanoseconds have."""
    with pytest.raises(BadInput, match="stamp_unreadable"):
        read([stamp])


def test_a_count_beyond_the_range_of_nanoseconds_is_refused() -> None:
    """Milliseconds declared as seconds overflow, and do not wrap around."""
    with pytest.raises(BadInput, match="stamp_unreadable"):
        read([1_583_971_200_000], unit="s")


def test_null_and_empty_stamps_are_missing() -> None:
    """A row without a stamp is reported later, not guessed."""
    assert read(["2020-03-12", "", None])[1:] == [MISSING, MISSING]


@given(MICROSECONDS)
def test_all_spellings_of_a_moment_agree(microseconds: int) -> None:
    """Text with and without zone, integers and timestamps give the same moment."""
    moment = utc_datetime(microseconds * 1_000)
    expected = [microseconds * 1_000]

    assert read([moment.isoformat()]) == expected
    assert read([moment.replace(tzinfo=None).isoformat(sep=" ")]) == expected
    assert read([microseconds], unit="us") == expected
    assert read([microseconds], kind=pa.timestamp("us", tz="UTC")) == expected
