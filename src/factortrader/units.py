"""Time, money and the border between estimates and money (R9, R10).

Estimates are float64, money is `Decimal`; only the functions of this file cross
from one to the other, each with its rounding in its name.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]

SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS
YEAR_NS: Final = 365 * DAY_NS
"""A crypto year has 365 days of 24 hours."""

BPS: Final = 1e-4
ZERO: Final = Decimal(0)

MONEY: Final = Context(
    prec=50, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow]
)
"""The context of all money arithmetic: a result that would be rounded raises.

`engine.step` enters it once; code outside the core enters it with
`decimal.localcontext(MONEY)`.
"""

_ROUNDING: Final = Context(prec=60)

_UNITS_NS: Final = {
    "s": SECOND_NS,
    "m": MINUTE_NS,
    "h": HOUR_NS,
    "d": DAY_NS,
    "w": 7 * DAY_NS,
}


def parse_interval_ns(text: str) -> int:
    """Nanoseconds in "1d", "4h", "15m", "30s" or "2w".

    Raises ValueError for anything else and for a length of zero.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_NS or not number.isdigit() or int(number) == 0:
        raise ValueError(f'an interval reads like "1d", "4h" or "15m", got {text!r}')
    return int(number) * _UNITS_NS[unit]


def format_interval(interval_ns: int) -> str:
    """In the largest of d, h, m, s that divides it: 86400 s is "1d".

    `parse_interval_ns` reads it back, but for parts of a second, which are in "ns".
    """
    for unit in ("d", "h", "m", "s"):
        if interval_ns % _UNITS_NS[unit] == 0:
            return f"{interval_ns // _UNITS_NS[unit]}{unit}"
    return f"{interval_ns}ns"


def periods_per_year(interval_ns: int) -> float:
    """Bars in a year of 365 days; 365.0 for daily bars."""
    return YEAR_NS / interval_ns


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time_ns(text: str) -> int:
    """Nanoseconds since the epoch of an ISO date or time; without a zone it is UTC.

    Raises ValueError where the text is no ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elapsed = moment - _EPOCH
    seconds = elapsed.days * 86_400 + elapsed.seconds
    return seconds * SECOND_NS + elapsed.microseconds * 1_000


def utc_datetime(time_ns: int) -> datetime:
    """The moment as a UTC datetime, truncated to microseconds."""
    return _EPOCH + timedelta(microseconds=time_ns // 1_000)


def format_time(time_ns: int) -> str:
    """ISO 8601 in UTC, without needless zeros: "2020-03-12" or "2020-03-12T04:00Z"."""
    moment = utc_datetime(time_ns)
    if time_ns % DAY_NS == 0:
        return moment.strftime("%Y-%m-%d")
    if time_ns % MINUTE_NS == 0:
        return moment.strftime("%Y-%m-%dT%H:%MZ")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- the border ---------------------------------------------------------------


def to_float(value: Decimal) -> float:
    """The nearest float: money becomes an estimate."""
    return float(value)


def exact_decimal(value: str | int) -> Decimal:
    """The decimal that the text or integer spells; never from a float.

    Raises ValueError where the text is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"money comes from text or int, got {type(value).__name__}")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"not a number: {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return number


def decimal_shortest(value: float) -> Decimal:
    """The decimal that a float prints as: configuration's 0.001 is exactly 0.001."""
    if not math.isfinite(value):
        raise ValueError(f"not a finite number: {value!r}")
    return Decimal(repr(float(value)))


def quantity_floor(value: float, lot: Decimal) -> Decimal:
    """The largest multiple of the lot not above a non-negative estimate."""
    return _to_step(decimal_shortest(value), lot, ROUND_FLOOR)


def price_up(value: float, tick: Decimal | None) -> Decimal:
    """The next price at or above the estimate: what a buyer pays."""
    return _price(value, tick, ROUND_CEILING)


def price_down(value: float, tick: Decimal | None) -> Decimal:
    """The next price at or below the estimate: what a seller gets."""
    return _price(value, tick, ROUND_FLOOR)


def price_nearest(value: float, tick: Decimal | None) -> Decimal:
    """The price nearest to the estimate: a recorded print or a mark."""
    return _price(value, tick, ROUND_HALF_EVEN)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of the step not above the value."""
    return _to_step(value, step, ROUND_FLOOR)


def money_up(value: Decimal, quantum: Decimal) -> Decimal:
    """Away from zero to a multiple of the quantum: fees are never rounded our way."""
    return _to_step(value, quantum, ROUND_UP)


def money_down(value: Decimal, quantum: Decimal) -> Decimal:
    """Towards zero to a multiple of the quantum."""
    return _to_step(value, quantum, ROUND_DOWN)


def money_nearest(value: float, quantum: Decimal) -> Decimal:
    """The multiple of the quantum nearest to an estimate (funding, settlements)."""
    return _to_step(decimal_shortest(value), quantum, ROUND_HALF_EVEN)


def share_rounded(
    amount: Decimal, *, part: Decimal, whole: Decimal, quantum: Decimal
) -> Decimal:
    """amount × part / whole, rounded half-even to the quantum; exact if part = whole."""
    if part == whole:
        return amount
    return _to_step(
        _ROUNDING.divide(_ROUNDING.multiply(amount, part), whole),
        quantum,
        ROUND_HALF_EVEN,
    )


def share_floor(
    amount: Decimal, *, part: Decimal, whole: Decimal, step: Decimal
) -> Decimal:
    """amount × part / whole, down to a multiple of the step; none of them negative."""
    return _to_step(
        _ROUNDING.divide(_ROUNDING.multiply(amount, part), whole), step, ROUND_FLOOR
    )


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    # A quiet NaN would pass through decimal arithmetic without a signal.
    if not value.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    units = _ROUNDING.divide(value, step).to_integral_value(rounding=rounding)
    return _ROUNDING.multiply(units, step)


_SIGNIFICANT_DIGITS: Final = 10


def _price(value: float, tick: Decimal | None, rounding: str) -> Decimal:
    """Without a tick a price keeps ten significant digits."""
    exact = decimal_shortest(value)
    if tick is None:
        if not exact:
            return ZERO
        tick = Decimal(1).scaleb(exact.adjusted() - _SIGNIFICANT_DIGITS + 1)
    return _to_step(exact, tick, rounding)


# --- arrays -------------------------------------------------------------------


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same array, marked so that nobody who receives it can change it."""
    array.flags.writeable = False
    return array
