"""Time, money and the border between estimates and money."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal, DivisionByZero, Inexact, InvalidOperation, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factortrader import units
from factortrader.units import (
    DAY_NS,
    HOUR_NS,
    MINUTE_NS,
    MONEY,
    SECOND_NS,
    decimal_shortest,
    exact_decimal,
    floor_to_step,
    format_interval,
    format_time,
    money_down,
    money_nearest,
    money_up,
    parse_interval_ns,
    parse_time_ns,
    periods_per_year,
    price_down,
    price_nearest,
    price_up,
    quantity_floor,
    share_rounded,
    to_float,
    utc_datetime,
)

BORDER = {
    "decimal_shortest": decimal_shortest,
    "quantity_floor": lambda value: quantity_floor(value, Decimal("0.001")),
    "price_up": lambda value: price_up(value, Decimal("0.01")),
    "price_down": lambda value: price_down(value, Decimal("0.01")),
    "price_nearest": lambda value: price_nearest(value, Decimal("0.01")),
    "price_nearest without tick": lambda value: price_nearest(value, None),
    "money_nearest": lambda value: money_nearest(value, Decimal("0.01")),
}

steps = st.sampled_from(
    [Decimal(text) for text in ("0.00000001", "0.001", "0.25", "1", "5", "100")]
)
estimates = st.floats(min_value=0.0, max_value=1e12, allow_subnormal=False)
prices = st.floats(min_value=1e-9, max_value=1e9)
amounts = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=12)


def is_multiple(value, step):
    return value % step == 0


# --- time ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", 30 * SECOND_NS),
        ("15m", 15 * MINUTE_NS),
        ("4h", 4 * HOUR_NS),
        ("1d", DAY_NS),
        ("2w", 14 * DAY_NS),
    ],
)
def test_intervals_read_as_written(text, length) -> None:
    """A number and a letter."""
    assert parse_interval_ns(text) == length


@pytest.mark.parametrize("text", ["", "d", "1", "0d", "-1d", "1.5h", "1y", "1 d", "d1"])
def test_other_intervals_are_refused(text) -> None:
    """The refusal shows what was written."""
    with pytest.raises(ValueError, match="reads like"):
        parse_interval_ns(text)


@given(st.integers(min_value=1, max_value=10**7))
def test_intervals_of_whole_seconds_survive_a_round_trip(seconds) -> None:
    """What is formatted is read back."""
    assert parse_interval_ns(format_interval(seconds * SECOND_NS)) == (
        seconds * SECOND_NS
    )


def test_a_year_has_365_days() -> None:
    """Bars per year come from the bar."""
    assert periods_per_year(DAY_NS) == 365.0
    assert periods_per_year(HOUR_NS) == 8_760.0


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01", 0),
        ("1970-01-02T00:00:00.000001Z", DAY_NS + 1_000),
        ("1970-01-01T02:00+02:00", 0),
        ("1969-12-31T23:59:59.5", -SECOND_NS // 2),
        ("2020-02-29", 18_321 * DAY_NS),
    ],
)
def test_times_are_read_as_utc_nanoseconds(text, time_ns) -> None:
    """Without a zone it is UTC; with one it is converted."""
    assert parse_time_ns(text) == time_ns


def test_a_text_that_is_no_time_is_refused() -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="yesterday"):
        parse_time_ns("yesterday")


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01"),
        (4 * HOUR_NS, "1970-01-01T04:00Z"),
        (SECOND_NS, "1970-01-01T00:00:01.000000Z"),
    ],
)
def test_times_are_written_without_needless_zeros(time_ns, text) -> None:
    """A date alone where the moment is midnight."""
    assert format_time(time_ns) == text


@given(st.integers(min_value=-(10**15), max_value=4 * 10**15))
def test_times_of_whole_microseconds_survive_a_round_trip(microseconds) -> None:
    """What is formatted is read back, before 1970 too."""
    time_ns = microseconds * 1_000

    assert parse_time_ns(format_time(time_ns)) == time_ns


def test_a_datetime_is_aware_and_truncated() -> None:
    """Nanoseconds below a microsecond are dropped, never rounded up."""
    assert utc_datetime(1_999) == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


# --- the money context --------------------------------------------------------


def test_money_that_would_be_rounded_raises() -> None:
    """A third of a coin is no amount."""
    with localcontext(MONEY), pytest.raises(Inexact):
        _ = Decimal(1) / Decimal(3)


def test_money_is_exact_over_fifty_digits() -> None:
    """The largest supply and the smallest unit fit into one sum."""
    with localcontext(MONEY):
        total = Decimal("1e30") + Decimal("1e-18")

    assert total == Decimal("1000000000000000000000000000000.000000000000000001")


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (lambda: Decimal(1) / Decimal(0), DivisionByZero),
        (lambda: Decimal("Infinity") - Decimal("Infinity"), InvalidOperation),
    ],
)
def test_nonsense_raises_in_the_money_context(operation, error) -> None:
    """Neither infinities nor NaN come out of arithmetic."""
    with localcontext(MONEY), pytest.raises(error):
        operation()


@pytest.mark.parametrize("function", BORDER.values(), ids=BORDER.keys())
def test_the_border_works_inside_the_money_context(function) -> None:
    """Its roundings are intended, so they do not trip the trap."""
    outside = function(1234.56789)
    with localcontext(MONEY):
        inside = function(1234.56789)

    assert inside == outside


# --- the border ---------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("function", BORDER.values(), ids=BORDER.keys())
def test_no_money_is_made_of_what_is_no_number(function, value) -> None:
    """NaN and infinities stop at the border."""
    with pytest.raises(ValueError, match="not a finite number"):
        function(value)


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("round_it", [floor_to_step, money_up, money_down])
def test_rounding_refuses_decimals_that_are_no_numbers(round_it, text) -> None:
    """A quiet NaN does not pass through."""
    with pytest.raises(ValueError, match="not a finite number"):
        round_it(Decimal(text), Decimal("0.01"))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "sNaN", "", "1,5", "ten"])
def test_text_that_is_no_finite_number_is_no_money(text) -> None:
    """The refusal shows the text."""
    with pytest.raises(ValueError, match="not a"):
        exact_decimal(text)


@pytest.mark.parametrize("value", [0.1, True, None, np.float64(1.0)])
def test_money_never_comes_from_a_float(value) -> None:
    """Only text and integers are exact."""
    with pytest.raises(TypeError, match="text or int"):
        exact_decimal(value)


def test_money_comes_from_text_and_integers() -> None:
    """Digit for digit."""
    assert str(exact_decimal("0.10")) == "0.10"
    assert exact_decimal(3) == Decimal(3)


def test_a_float_of_the_configuration_is_the_decimal_it_prints_as() -> None:
    """0.001 is a thousandth and not its binary neighbor."""
    assert decimal_shortest(0.001) == Decimal("0.001")
    assert decimal_shortest(np.float64(0.1)) == Decimal("0.1")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_is_the_same_float(value) -> None:
    """Nothing is lost on the way there and back."""
    assert to_float(decimal_shortest(value)) == value


def test_rounding_directions_by_hand() -> None:
    """Each name says where it goes, for negative amounts too."""
    cent = Decimal("0.01")

    assert price_up(1.001, cent) == Decimal("1.01")
    assert price_down(1.009, cent) == Decimal("1.00")
    assert price_nearest(1.006, cent) == Decimal("1.01")
    assert quantity_floor(1.999, Decimal("0.5")) == Decimal("1.5")
    assert floor_to_step(Decimal("-1.001"), cent) == Decimal("-1.01")
    assert money_up(Decimal("1.001"), cent) == Decimal("1.01")
    assert money_up(Decimal("-1.001"), cent) == Decimal("-1.01")
    assert money_down(Decimal("1.009"), cent) == Decimal("1.00")
    assert money_down(Decimal("-1.009"), cent) == Decimal("-1.00")
    assert money_nearest(0.125, cent) == Decimal("0.12")
    assert money_nearest(0.135, cent) == Decimal("0.14")


def test_a_value_on_the_grid_stays() -> None:
    """0.1 + 0.2 rounds as it prints, but 0.3 is 0.3."""
    tenth = Decimal("0.1")

    assert quantity_floor(0.3, tenth) == Decimal("0.3")
    assert price_up(0.3, tenth) == Decimal("0.3")
    assert price_down(0.3, tenth) == Decimal("0.3")


def test_without_a_tick_a_price_keeps_ten_digits() -> None:
    """Significant ones, whatever the magnitude."""
    assert price_up(1234.567890123, None) == Decimal("1234.567891")
    assert price_down(1234.567890123, None) == Decimal("1234.567890")
    assert price_nearest(1.23456789012e-7, None) == Decimal("1.234567890e-7")
    assert price_nearest(0.0, None) == 0


@given(value=estimates, lot=steps)
def test_a_floored_quantity_is_the_largest_multiple_not_above(value, lot) -> None:
    """One lot more would be too much."""
    quantity = quantity_floor(value, lot)

    assert is_multiple(quantity, lot)
    assert quantity <= decimal_shortest(value) < quantity + lot


@pytest.mark.slow
@given(value=prices, tick=st.none() | steps)
def test_prices_round_towards_their_names(value, tick) -> None:
    """Down ≤ nearest ≤ up, at most a tick apart, around the estimate."""
    exact = decimal_shortest(value)
    down, nearest, up = (
        rounded(value, tick) for rounded in (price_down, price_nearest, price_up)
    )

    assert down <= exact <= up
    assert nearest in {down, up}
    assert abs(exact - nearest) <= min(exact - down, up - exact)
    if tick is not None:
        assert is_multiple(up, tick)
        assert up - down in {0, tick}
    else:
        assert up - down <= exact * Decimal("1e-9")


@pytest.mark.slow
@given(value=amounts, quantum=steps)
def test_money_rounds_away_from_or_towards_zero(value, quantum) -> None:
    """Both are multiples that enclose the amount, symmetric in its sign."""
    up, down = money_up(value, quantum), money_down(value, quantum)

    assert abs(down) <= abs(value) <= abs(up)
    assert abs(up) - abs(down) in {0, quantum}
    assert is_multiple(up, quantum)
    assert is_multiple(down, quantum)
    assert money_up(-value, quantum) == -up
    assert money_down(-value, quantum) == -down


@given(value=amounts, step=steps)
def test_rounding_twice_changes_nothing(value, step) -> None:
    """What is on the grid stays there, in every direction."""
    for round_it in (floor_to_step, money_up, money_down):
        once = round_it(value, step)
        assert round_it(once, step) == once


@pytest.mark.slow
@given(
    amount=amounts,
    shares=st.lists(st.integers(min_value=1, max_value=1_000), min_size=1, max_size=8),
)
def test_shares_taken_off_what_is_left_add_up(amount, shares) -> None:
    """The last share takes all that is left, so nothing is lost or made."""
    cent = Decimal("0.01")
    left, whole = amount, Decimal(sum(shares))
    for share in map(Decimal, shares):
        taken = share_rounded(left, part=share, whole=whole, quantum=cent)
        left, whole = left - taken, whole - share

    assert left == 0


def test_a_share_is_rounded_half_even() -> None:
    """A third of a euro is 33 cents; the whole keeps all its digits."""

    def share(amount: str, part: int, whole: int) -> Decimal:
        return share_rounded(
            Decimal(amount),
            part=Decimal(part),
            whole=Decimal(whole),
            quantum=Decimal("0.01"),
        )

    assert share("1", 1, 3) == Decimal("0.33")
    assert share("0.05", 1, 2) == Decimal("0.02")
    assert share("0.001", 2, 2) == Decimal("0.001")


def test_a_grid_without_a_step_raises() -> None:
    """A lot of zero is an error of the rules, not an amount."""
    with pytest.raises(DivisionByZero):
        floor_to_step(Decimal(1), Decimal(0))


def test_arrays_can_be_closed() -> None:
    """The same array comes back and refuses to be written."""
    array = np.zeros(2)

    assert units.read_only(array) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1.0
