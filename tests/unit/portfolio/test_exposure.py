"""The exposure is the ledger in floats, and says so when it is not."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from tests.builders import fill, floats, instruments, made, perpetual, spot, transfer

from factortrader.errors import BrokenInvariant
from factortrader.events import CorporateActionApplied, FundingPaid, Side
from factortrader.portfolio.entries import MissingMark
from factortrader.portfolio.exposure import Exposure, StaleExposure
from factortrader.portfolio.ledger import Ledger

ASSETS = ("BTC", "ETH", "BTC-PERP")
KNOWN = instruments(
    spot("BTC"), spot("ETH"), spot("BNB"), perpetual(multiplier=Decimal(10))
)


def account(*events, assets=ASSETS) -> tuple[Ledger, Exposure]:
    """A ledger of 10,000 USDT and an exposure that followed every event."""
    ledger = Ledger(KNOWN, quote="USDT")
    exposure = Exposure(ledger, assets=assets)
    for event in (transfer("10000"), *events):
        exposure.follow(ledger.apply(event))
    return ledger, exposure


def test_an_account_of_cash_has_no_exposure() -> None:
    """Assets that were never seen need no mark as long as nothing is held."""
    _, exposure = account()

    now = exposure.valued(floats(np.nan, np.nan, np.nan))

    assert (now.equity, now.cash) == (10_000.0, 10_000.0)
    assert (now.gross_exposure, now.net_exposure) == (0.0, 0.0)
    assert now.weights.tolist() == [0.0, 0.0, 0.0]


def test_weights_gross_and_net_are_fractions_of_equity() -> None:
    """Long 20 BTC at 110, short 3 contracts of 10 at 90: 8,000 + 2,200 + 300."""
    _, exposure = account(
        fill(quantity="20", price="100"),
        fill(asset="BTC-PERP", side=Side.SELL, quantity="3", price="100"),
    )

    now = exposure.valued(floats(110.0, np.nan, 90.0))

    assert now.equity == 10_500.0
    assert now.quantities.tolist() == [20.0, 0.0, -3.0]
    assert now.weights.tolist() == [2200 / 10_500, 0.0, -2700 / 10_500]
    assert now.gross_exposure == 4900 / 10_500
    assert now.net_exposure == -500 / 10_500
    assert exposure.equity(floats(110.0, np.nan, 90.0)) == now.equity


@pytest.mark.parametrize("mark", [np.nan, np.inf])
def test_what_is_held_without_a_mark_has_no_value(mark) -> None:
    """A missing price is an error with a name, never a zero."""
    _, exposure = account(fill(asset="ETH", quantity="1"))

    with pytest.raises(MissingMark, match="ETH is held") as caught:
        exposure.equity(floats(100.0, mark, 100.0))

    assert caught.value.asset == "ETH"


def test_a_ruined_account_has_no_fractions() -> None:
    """At an equity of zero or less weights, gross and net are NaN."""
    _, exposure = account(fill(asset="BTC-PERP", quantity="10", price="100"))

    ruined = exposure.valued(floats(np.nan, np.nan, 0.0))

    assert ruined.equity == 0.0
    assert np.isnan(ruined.weights).all()
    assert math.isnan(ruined.gross_exposure)
    assert math.isnan(ruined.net_exposure)


def test_columns_are_appended_and_never_move() -> None:
    """A listing during the run gets the next column; what is held keeps its own."""
    _, exposure = account(fill(asset="ETH", quantity="2"), assets=("BTC", "ETH"))

    exposure.extend(("ETH", "BTC-PERP", "BTC"))

    assert exposure.assets == ("BTC", "ETH", "BTC-PERP")
    assert exposure.quantities.tolist() == [0.0, 2.0, 0.0]


def test_what_is_held_outside_the_columns_is_not_forgotten() -> None:
    """BNB for fees has no column: valuing refuses until it gets one, or is gone."""
    _, exposure = account(transfer("5", currency="BNB"))
    with pytest.raises(MissingMark, match="BNB"):
        exposure.equity(floats(1.0, 1.0, 1.0))

    exposure.extend(("BNB",))

    assert exposure.equity(floats(np.nan, np.nan, np.nan, 300.0)) == 11_500.0


def test_what_left_from_outside_the_columns_is_forgotten() -> None:
    """Once withdrawn it needs no mark."""
    _, exposure = account(transfer("5", currency="BNB"), transfer("-5", currency="BNB"))

    assert exposure.equity(floats(np.nan, np.nan, np.nan)) == 10_000.0


def test_an_exposure_takes_over_what_the_ledger_holds_already() -> None:
    """After a recovery it begins where the ledger stands, outside assets included."""
    ledger, exposure = account(
        fill(quantity="2"),
        fill(asset="BTC-PERP", quantity="1"),
        transfer("5", currency="BNB"),
    )
    marks = floats(120.0, np.nan, 130.0, 300.0)
    exposure.extend(("BNB",))

    late = Exposure(ledger, assets=(*ASSETS, "BNB"))

    assert late.equity(marks) == exposure.equity(marks)
    with pytest.raises(MissingMark, match="BNB"):
        Exposure(ledger, assets=ASSETS).equity(marks[:3])


def test_every_kind_of_entry_is_followed() -> None:
    """Funding moves cash, a redenomination the quantity, a fee in kind its asset."""
    ledger, exposure = account(
        transfer("5", currency="BNB"),
        fill(quantity="2", fee="1", fee_currency="BNB"),
        made(FundingPaid, amount="-7"),
        made(CorporateActionApplied, numerator=10),
        assets=("BTC", "BNB"),
    )

    assert exposure.quantities.tolist() == [20.0, 4.0]
    assert exposure.cash == float(ledger.cash) == 9_793.0


def test_an_entry_that_was_not_followed_is_found() -> None:
    """The check against the ledger names both equities."""
    ledger, exposure = account(fill(quantity="2", price="100"))
    marks = floats(120.0, np.nan, np.nan)
    assert exposure.verify(marks) == 10_040.0

    ledger.apply(made(FundingPaid, amount="-0.01"))

    with pytest.raises(StaleExposure) as caught:
        exposure.verify(marks)
    assert (caught.value.cached, caught.value.booked) == (10_040.0, 10_039.99)


def test_marks_of_another_width_are_refused() -> None:
    """A row that is not aligned with the columns would value the wrong asset."""
    _, exposure = account()

    with pytest.raises(BrokenInvariant, match=r"marks of shape \(2,\) for 3 columns"):
        exposure.equity(floats(1.0, 2.0))


def test_columns_that_hold_nothing_change_no_bit() -> None:
    """The same account among more assets has the same equity, to the last bit."""
    events = [
        fill(quantity="0.1", price="0.3"),
        fill(asset="ETH", quantity="0.7", price="0.1"),
    ]
    _, narrow = account(*events, assets=("BTC", "ETH"))
    _, wide = account(*events, assets=("BNB", "BTC", "BTC-PERP", "ETH"))

    few = narrow.valued(floats(0.1, 1e9))
    many = wide.valued(floats(np.nan, 0.1, 7.0, 1e9))

    assert few.equity == many.equity
    assert few.gross_exposure == many.gross_exposure
    assert few.weights.tolist() == many.weights[[1, 3]].tolist()


def test_arrays_that_leave_cannot_be_changed_from_outside() -> None:
    """A valuation is a value: read-only, and not a view of the cache."""
    ledger, exposure = account(fill(quantity="2"))
    before = exposure.valued(floats(100.0, np.nan, np.nan))

    exposure.quantities[0] = 99.0
    exposure.follow(ledger.apply(fill(trade_id="2", quantity="1")))

    assert before.quantities.tolist() == [2.0, 0.0, 0.0]
    assert exposure.quantities[0] == 3.0
    assert not before.weights.flags.writeable
    assert not before.quantities.flags.writeable
