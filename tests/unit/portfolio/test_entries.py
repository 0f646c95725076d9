"""The arithmetic of entries, apart from any account."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from factortrader.portfolio.entries import (
    Account,
    Entry,
    contracts_traded,
    moves,
    redenominated,
)
from factortrader.units import MONEY

D = Decimal


def test_an_entry_is_positive_and_says_where_from_and_where_to() -> None:
    """A negative amount goes the other way; nothing moves nothing."""
    out = moves(D(-5), "USDT", source=Account.MARKET)

    assert out == [Entry(Account.WALLET, Account.MARKET, "USDT", D(5))]
    assert moves(D(5), "USDT", source=Account.MARKET) == [
        Entry(Account.MARKET, Account.WALLET, "USDT", D(5))
    ]
    assert moves(D("0E-8"), "USDT", source=Account.MARKET) == []


@pytest.mark.parametrize(
    ("held", "entry_value", "change", "unit_value", "after", "profit"),
    [
        ("0", "0", "2", "100", "200", "0"),
        ("0", "0", "-2", "100", "-200", "0"),
        ("2", "200", "1", "130", "330", "0"),
        ("3", "330", "-1", "150", "220", "40"),
        ("2", "200", "-2", "90", "0", "-20"),
        ("-2", "-200", "2", "90", "0", "20"),
        ("-4", "-400", "1", "110", "-300", "-10"),
        ("2", "200", "-5", "110", "-330", "20"),
        ("-2", "-200", "5", "110", "330", "-20"),
        ("3", "0.99999999", "-1", "1", "0.66666666", "0.66666667"),
        ("0.9", "9E-9", "-0.6", "1E-8", "0", "-3E-9"),
    ],
    ids=[
        "opens long",
        "opens short",
        "adds",
        "reduces a third",
        "closes long",
        "closes short",
        "reduces a short",
        "through zero down",
        "through zero up",
        "a third rounded to 1e-8",
        "dust rounded beyond the whole keeps its sign",
    ],
)
def test_a_position_changes_and_realizes_what_it_closes(
    held, entry_value, change, unit_value, after, profit
) -> None:
    """Entry value after = before + change × unit value + profit, in every case."""
    got = contracts_traded(
        held=D(held),
        entry_value=D(entry_value),
        change=D(change),
        unit_value=D(unit_value),
    )

    assert got == (D(after), D(profit))
    assert got[0] == D(entry_value) + D(change) * D(unit_value) + got[1]


@pytest.mark.parametrize(
    ("held", "numerator", "denominator", "after"),
    [
        ("2", 10, 1, "20"),
        ("2", 1, 8, "0.25"),
        ("-2", 1, 8, "-0.25"),
        ("0.00000001", 1, 8, "0.00000000125"),
        ("2", 1, 3, "0.66666666"),
        ("-2", 1, 3, "-0.66666666"),
        ("0.00000001", 1, 3, "0"),
        ("1", 1, 2**70, "0"),
        ("0", 7, 3, "0"),
    ],
)
def test_a_redenomination_is_exact_or_floored_in_size(
    held, numerator, denominator, after
) -> None:
    """Exact where it divides within 18 decimals, else down to a multiple of 1e-8."""
    with localcontext(MONEY):
        assert redenominated(D(held), numerator, denominator) == D(after)
