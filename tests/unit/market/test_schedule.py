"""A rebalance is due once per slot, at the first bar that closes in it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from factortrader.market.schedule import Schedule, ScheduleSettings
from factortrader.units import DAY_NS, HOUR_NS, format_time, parse_time_ns


def due(
    every: str,
    closes: Iterable[str],
    *,
    at: str = "00:00",
    start: str = "2024-01-01",
) -> list[str]:
    """The closes at which a rebalance is due, one after the other."""
    schedule = Schedule(
        ScheduleSettings(every=every, at=at), start_ns=parse_time_ns(start)
    )
    last_ns: int | None = None
    found = []
    for close in closes:
        close_ns = parse_time_ns(close)
        if schedule.is_due(close_ns, last_due_ns=last_ns):
            last_ns = close_ns
            found.append(close)
    return found


def daily(first: str, *, bars: int) -> list[str]:
    first_ns = parse_time_ns(first)
    return [format_time(first_ns + bar * DAY_NS) for bar in range(bars)]


def hourly(first: str, *, bars: int) -> list[str]:
    first_ns = parse_time_ns(first)
    return [format_time(first_ns + bar * HOUR_NS) for bar in range(bars)]


def test_daily_is_every_daily_bar() -> None:
    """A bar that closes at midnight opens the slot of the day that begins."""
    closes = daily("2024-01-01", bars=5)

    assert due("daily", closes) == closes


def test_daily_on_hourly_bars_is_the_first_bar_at_or_after_the_hour() -> None:
    """Once a day, at 06:00 and not at 05:00."""
    closes = hourly("2024-01-01T06:00", bars=48)

    assert due("daily", closes, at="06:00", start="2024-01-01T06:00") == [
        "2024-01-01T06:00Z",
        "2024-01-02T06:00Z",
    ]


def test_a_slot_between_two_bars_is_opened_by_the_later_one() -> None:
    """At 00:05 on hourly bars means the bar of 01:00."""
    closes = hourly("2024-01-01T01:00", bars=30)

    assert due("daily", closes, at="00:05") == [
        "2024-01-01T01:00Z",
        "2024-01-02T01:00Z",
    ]


def test_weekly_slots_begin_on_monday() -> None:
    """2024-01-01 was a Monday."""
    assert due("weekly", daily("2024-01-01", bars=22)) == [
        "2024-01-01",
        "2024-01-08",
        "2024-01-15",
        "2024-01-22",
    ]


def test_weekly_at_an_hour_moves_the_beginning_of_the_week() -> None:
    """Monday midnight still belongs to the week that began last Monday at noon."""
    assert due("weekly", daily("2024-01-01", bars=10), at="12:00") == [
        "2024-01-01",
        "2024-01-02",
        "2024-01-09",
    ]


def test_monthly_slots_begin_on_the_first() -> None:
    """Whatever the length of the month, over the end of a leap year's February."""
    assert due("monthly", daily("2024-01-01", bars=95)) == [
        "2024-01-01",
        "2024-02-01",
        "2024-03-01",
        "2024-04-01",
    ]


def test_monthly_slots_of_two_years_are_different_slots() -> None:
    """January after January is due."""
    assert due("monthly", ["2024-01-01", "2025-01-01"]) == ["2024-01-01", "2025-01-01"]


def test_monthly_at_an_hour_waits_for_it() -> None:
    """On the first of the month at 08:30, on the bar of 09:00."""
    closes = hourly("2024-01-31T22:00", bars=13)

    assert due("monthly", closes, at="08:30", start="2024-01-31T22:00") == [
        "2024-01-31T22:00Z",
        "2024-02-01T09:00Z",
    ]


def test_once_is_the_first_bar_and_never_again() -> None:
    """Years later too."""
    assert due("once", ["2024-01-01", "2024-01-02", "2030-01-01"]) == ["2024-01-01"]


def test_hourly_is_every_hour_of_finer_bars() -> None:
    """The quarters in between are not due."""
    first_ns = parse_time_ns("2024-01-01")
    quarters = [format_time(first_ns + bar * HOUR_NS // 4) for bar in range(9)]

    assert due("hourly", quarters) == ["2024-01-01", "2024-01-01T01:00Z", quarters[8]]


def test_a_length_is_counted_from_the_epoch() -> None:
    """1970-01-01 was a Thursday, so seven days begin on Thursdays, for everybody."""
    assert due("7d", daily("2024-01-03", bars=16)) == [
        "2024-01-03",
        "2024-01-04",
        "2024-01-11",
        "2024-01-18",
    ]


def test_four_hours_are_six_slots_a_day() -> None:
    """From midnight on."""
    closes = hourly("2024-01-01", bars=9)

    assert due("4h", closes) == ["2024-01-01", "2024-01-01T04:00Z", "2024-01-01T08:00Z"]


@pytest.mark.parametrize("every", ["hourly", "1h"])
def test_a_time_of_day_does_not_move_slots_that_have_none(every: str) -> None:
    """`at` is for days, weeks and months."""
    first_ns = parse_time_ns("2024-01-01")
    quarters = [format_time(first_ns + bar * HOUR_NS // 4) for bar in range(6)]

    assert due(every, quarters, at="00:30") == ["2024-01-01", "2024-01-01T01:00Z"]


def test_an_outage_over_a_slots_beginning_delays_the_rebalance() -> None:
    """The first bar after it is due, and the next slot is where it always was."""
    closes = [*daily("2024-01-06", bars=2), *daily("2024-01-10", bars=6)]

    assert due("weekly", closes) == ["2024-01-06", "2024-01-10", "2024-01-15"]


def test_an_outage_over_whole_slots_skips_them() -> None:
    """One rebalance makes up for however many were missed."""
    assert due("daily", ["2024-01-01", "2024-01-05", "2024-01-06"]) == [
        "2024-01-01",
        "2024-01-05",
        "2024-01-06",
    ]
    assert due("weekly", ["2024-01-01", "2024-01-24", "2024-01-25"]) == [
        "2024-01-01",
        "2024-01-24",
    ]


def test_a_start_in_the_middle_of_a_slot_is_due_at_once() -> None:
    """Nobody waits a week for the first rebalance; warm-up bars are never due."""
    closes = daily("2024-01-01", bars=12)

    assert due("weekly", closes, start="2024-01-04") == ["2024-01-04", "2024-01-08"]


def test_a_bar_at_the_very_start_is_due() -> None:
    """The start is the first moment at which a close counts."""
    schedule = Schedule(ScheduleSettings(every="once"), start_ns=100)

    assert not schedule.is_due(99, last_due_ns=None)
    assert schedule.is_due(100, last_due_ns=None)


@pytest.mark.parametrize("every", ["fortnightly", "0d", "", "1.5h", "Daily"])
def test_an_unknown_rhythm_is_refused(every: str) -> None:
    """The error lists the names, and how a length reads."""
    with pytest.raises(ValueError, match="hourly, daily, weekly, monthly, once, or an"):
        ScheduleSettings(every=every)


@pytest.mark.parametrize("at", ["24:00", "12:60", "7:00", "noon", "12:00:00"])
def test_a_time_of_day_reads_like_a_clock(at: str) -> None:
    """Two digits, a colon, two digits."""
    with pytest.raises(ValueError, match="time of day"):
        ScheduleSettings(every="daily", at=at)


def test_the_last_minute_of_the_day_is_a_time_of_day() -> None:
    """23:59 is the latest."""
    closes = hourly("2024-01-01T23:00", bars=26)

    assert due("daily", closes, at="23:59", start="2024-01-01T23:00") == [
        "2024-01-01T23:00Z",
        "2024-01-02",
        "2024-01-03",
    ]
