"""Charts show what the series say, thinned but never flattened."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tests.builders import T0

from factortrader.analytics.charts import (
    Line,
    date_ticks,
    line_chart,
    linear_ticks,
    log_ticks,
    short,
    thinned,
)
from factortrader.units import DAY_NS, HOUR_NS, parse_time_ns

DAYS = T0 + DAY_NS * np.arange(3)


def line(*values: float, name: str = "fund") -> Line:
    return Line(name=name, kind="fund", values=np.array(values))


def test_thinning_keeps_every_extreme() -> None:
    """The one bad minute of a long series is still on the picture."""
    values = np.zeros(100_000)
    values[77_777] = -0.5
    other = np.zeros(100_000)
    other[123] = 3.0

    kept = thinned([values, other])

    assert {0, 123, 77_777, 99_999} <= {*kept.tolist()}
    assert len(kept) < 400 * 6
    assert (np.diff(kept) > 0).all()


def test_a_short_series_is_shown_whole() -> None:
    """Every bar of four years of days is there."""
    assert len(thinned([np.zeros(1461)])) == 1461


def test_a_gap_is_not_bridged() -> None:
    """Where there is no value there is no line."""
    chart = line_chart(DAYS, [line(1.0, float("nan"), 2.0)], height=100)

    (path,) = re.findall(r'<path d="([^"]*)"', chart)
    assert path.count("M") == 2
    assert "L" not in path


def test_ruin_leaves_a_logarithmic_chart() -> None:
    """What is not positive has no logarithm and no point."""
    chart = line_chart(DAYS, [line(100.0, 50.0, -1.0)], height=100, log=True)

    assert chart.count("L") == 1
    assert "nan" not in chart


def test_nothing_to_draw_is_no_chart() -> None:
    """One bar is no curve, and neither is nothing but NaN."""
    assert line_chart(DAYS[:1], [line(1.0)], height=100) == ""
    assert line_chart(DAYS, [line(*[float("nan")] * 3)], height=100) == ""


def test_a_constant_series_is_a_line_in_the_middle() -> None:
    """A range of nothing is no division by zero."""
    chart = line_chart(DAYS, [line(5.0, 5.0, 5.0)], height=136)

    assert re.findall(r'd="M64\.0 ([\d.]+)L', chart) == ["60.0"]


def test_a_name_cannot_leave_its_place() -> None:
    """The points are JSON inside a script, where only "<" could end it."""
    chart = line_chart(DAYS, [line(1.0, 2.0, 3.0, name="</script><b>")], height=100)

    assert chart.count("</script>") == 1
    assert "&lt;/script&gt;&lt;b&gt;" in chart
    text = re.search(r"<script[^>]*>(.*)</script>", chart)
    assert text is not None
    assert json.loads(text[1])["values"] == [["1", "2", "3"]]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.31, 0.0, [-0.4, -0.3, -0.2, -0.1, 0]),
    ],
)
def test_linear_ticks_are_round_and_enclose_the_range(low, high, ticks) -> None:
    """One, two or five times a power of ten apart."""
    assert linear_ticks(np.array([low, high])) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (90.0, 400.0, [50, 100, 200, 500]),
        (1.0, 2e6, [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7]),
        (100.0, 110.0, [100, 102, 104, 106, 108, 110]),
    ],
)
def test_log_ticks_suit_the_range(low, high, ticks) -> None:
    """Powers of ten over many decades, their halves over few, linear below a double."""
    assert log_ticks(np.array([low, high])) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("start", "length_ns", "first", "last"),
    [
        ("2018-03-05", 3000 * DAY_NS, "2019", "2026"),
        ("2018-03-05", 2000 * DAY_NS, "2018-07", "2023-07"),
        ("2023-01-15", 200 * DAY_NS, "2023-02", "2023-08"),
        ("2023-11-15", 500 * DAY_NS, "2024-01", "2025-03"),
        ("2023-01-01", 8 * HOUR_NS, "01 Jan 01:00", "01 Jan 07:00"),
        ("1995-01-01", 40 * 365 * DAY_NS, "1996", "2032"),
    ],
)
def test_dates_are_whole_years_months_or_parts_of_days(
    start, length_ns, first, last
) -> None:
    """At most a dozen, inside the period, in order."""
    at = parse_time_ns(start)

    ticks = date_ticks(at, at + length_ns)

    places = [place for place, _ in ticks]
    assert (ticks[0][1], ticks[-1][1]) == (first, last)
    assert places == sorted(places)
    assert 0.0 <= places[0] <= places[-1] <= 1.0
    assert len(ticks) <= 13


@pytest.mark.parametrize(
    ("value", "text"), [(1500.0, "1.5k"), (2e6, "2M"), (0.05, "0.05"), (-3e9, "−3B")]
)
def test_axis_labels_are_short(value, text) -> None:
    """Three figures and a letter."""
    assert short(value) == text
