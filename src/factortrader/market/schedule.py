"""When a fund rebalances: slots in UTC, one run per slot (DESIGN §12.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from factortrader.units import DAY_NS, HOUR_NS, parse_interval_ns, utc_datetime

_FIRST_MONDAY_NS: Final = 4 * DAY_NS
"""The epoch was a Thursday; weeks start on Monday 1970-01-05."""

_NAMED: Final = ("hourly", "daily", "weekly", "monthly", "once")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """`[schedule]`.

    every: "hourly", "daily", "weekly" (Monday), "monthly" (the 1st), "once", or a
    length such as "7d" or "4h". at: time of day in UTC, "HH:MM", for daily, weekly
    and monthly slots.
    """

    every: str
    at: str = "00:00"

    def __post_init__(self) -> None:
        if self.every not in _NAMED:
            try:
                parse_interval_ns(self.every)
            except ValueError as error:
                names = ", ".join(_NAMED)
                raise ValueError(f"every is one of {names}, or {error}") from error
        match = re.fullmatch(r"(\d\d):(\d\d)", self.at)
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            raise ValueError(f'at is a time of day like "00:05", got {self.at!r}')


class Schedule:
    """A rebalance is due at the first bar that closes at or after a slot's start."""

    def __init__(self, settings: ScheduleSettings, *, start_ns: int) -> None:
        self._every = settings.every
        hours, minutes = settings.at.split(":")
        self._at_ns = int(hours) * HOUR_NS + int(minutes) * HOUR_NS // 60
        self._start_ns = start_ns

    def slot(self, time_ns: int) -> int:
        """Number of the slot that holds this moment."""
        moment = time_ns - self._at_ns
        if self._every == "once":
            return 0
        if self._every == "monthly":
            date = utc_datetime(moment)
            return date.year * 12 + date.month - 1
        if self._every == "weekly":
            return (moment - _FIRST_MONDAY_NS) // (7 * DAY_NS)
        if self._every == "daily":
            return moment // DAY_NS
        if self._every == "hourly":
            return time_ns // HOUR_NS
        return time_ns // parse_interval_ns(self._every)

    def is_due(self, close_ns: int, *, last_due_ns: int | None) -> bool:
        """Whether this bar opens a slot that has not run, from the start on."""
        if close_ns < self._start_ns:
            return False
        return last_due_ns is None or self.slot(close_ns) != self.slot(last_due_ns)
