"""Movements of money become cash flows, ends, and sums of each bar."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from tests.builders import QUOTE, perpetual, spot, transfer
from tests.unit.analytics.fund import Fund

from factortrader.analytics.recorder import RunRecorder
from factortrader.analytics.results import RunResults
from factortrader.errors import BrokenInvariant
from factortrader.events import OrderFilled
from factortrader.instruments import EndReason

NAN = float("nan")


def flows(fund: Fund, kind: str) -> list[tuple[str, str, str]]:
    """(asset, amount, currency) of every cash flow of this kind."""
    return [
        (flow.asset, f"{flow.amount:f}", flow.currency)
        for flow in fund.results().movements.cashflows
        if flow.kind == kind
    ]


def test_the_initial_capital_is_no_cash_flow() -> None:
    """Later transfers are, withdrawals with a minus."""
    fund = Fund(spot("BTC"), capital="500")
    fund.say(transfer("70", time_ns=1, reference="b"))
    fund.say(transfer("-20", time_ns=2, reference="c"))

    assert fund.results().movements.capital == Decimal(500)
    assert flows(fund, "transfer") == [("", "70", QUOTE), ("", "-20", QUOTE)]


def test_a_run_without_capital_cannot_be() -> None:
    """Nothing can be measured from nothing."""
    recorder = RunRecorder()

    with pytest.raises(BrokenInvariant, match="no capital"):
        _ = RunResults(recorder, Fund(spot("BTC")).facts()).movements


def test_a_fee_in_coin_takes_from_the_position_of_that_coin() -> None:
    """The row names the asset whose units changed; its value is taken at the fill."""
    fund = Fund(spot("BTC"))
    fund.trade("BTC", "2", price="100", fee="0.01", fee_currency="BTC")
    fund.close(BTC=100.0)

    assert flows(fund, "fee") == [("BTC", "-0.01", "BTC")]
    assert fund.results().movements.fees.tolist() == [1.0, 0.0]


def test_a_fee_without_a_known_mark_is_undefined() -> None:
    """Nobody knows what it was worth, so nobody says zero."""
    fund = Fund(spot("BTC"), spot("BNB"))
    fund.say(transfer("5", currency="BNB", time_ns=1, reference="b"))
    fund.marks["BNB"] = 20.0
    fund.trade("BTC", "2", price="100", fee="0.01", fee_currency="BNB")
    fund.close(BTC=100.0)

    assert np.isnan(fund.results().movements.fees[0])


def test_an_action_says_how_many_units_it_added() -> None:
    """In units of the asset, for longs and shorts; nothing where nothing is held."""
    fund = Fund(spot("SUN"), perpetual("QUICK-PERP"), spot("VIDT"))
    fund.trade("SUN", "1000", price="2")
    fund.trade("QUICK-PERP", "-3", price="2")
    fund.redenominate("SUN", 1, 1000)
    fund.redenominate("QUICK-PERP", 1000, 1)
    fund.redenominate("VIDT", 1, 10)

    assert flows(fund, "action") == [
        ("SUN", "-999", "SUN"),
        ("QUICK-PERP", "-2997", "QUICK"),
    ]


@pytest.mark.parametrize(
    ("quantity", "cost"), [("4", 4 * (10.0 - 2.5) + 1.0), ("-4", -4 * 7.5 + 1.0)]
)
def test_an_end_costs_what_it_paid_below_the_last_mark(quantity, cost) -> None:
    """A short gains what a long loses; the fee comes on top."""
    fund = Fund(perpetual("LUNA-PERP"))
    fund.trade("LUNA-PERP", quantity, price="10")
    fund.close(**{"LUNA-PERP": 10.0})
    fund.settle("LUNA-PERP", price="2.5", fee="1", reason=EndReason.DELISTED)

    (end,) = fund.results().movements.ends

    assert (end.reason, end.mark, end.cost) == ("delisted", 10.0, cost)


def test_a_liquidation_is_an_end_without_a_reason() -> None:
    """It is named for what it was."""
    fund = Fund(perpetual())
    fund.trade("BTC-PERP", "1", price="10")
    fund.settle("BTC-PERP", price="5")

    (end,) = fund.results().movements.ends

    assert end.reason == "liquidation"
    assert flows(fund, "settlement") == [("BTC-PERP", "5", QUOTE)]


def test_slippage_is_what_was_paid_beyond_the_print() -> None:
    """Buying above and selling below both cost; a better price is negative."""
    fund = Fund(perpetual(multiplier=Decimal(10)))
    fund.trade("BTC-PERP", "2", price="101", reference="100")
    fund.close(**{"BTC-PERP": 100.0})
    fund.trade("BTC-PERP", "-2", price="99", reference="100")
    fund.close(**{"BTC-PERP": 100.0})
    fund.trade("BTC-PERP", "1", price="99.5", reference="100")
    fund.close(**{"BTC-PERP": 100.0})

    assert fund.results().movements.slippage.tolist() == [20.0, 20.0, -5.0, 0.0]


def test_what_happens_after_the_last_mark_is_in_no_bar() -> None:
    """It is in the tables and in the totals, but in no row of equity."""
    fund = Fund(spot("BTC"))
    fund.close(BTC=100.0)
    fund.trade("BTC", "1", price="100", fee="0.1")

    moved = fund.results().movements

    assert isinstance(moved.fills[0], OrderFilled)
    assert moved.fees.tolist() == [0.0, 0.1]


def test_an_equity_that_the_ledger_does_not_bear_out_is_a_crash() -> None:
    """The last mark of a run is proven against its own fills and flows."""
    fund = Fund(spot("BTC"))
    fund.trade("BTC", "2", price="100")
    fund.close(BTC=100.0)
    rows = fund.recorder.rows
    rows[-1] = rows[-1]._replace(equity=rows[-1].equity * 1.001)

    with pytest.raises(BrokenInvariant, match="the ledger's is"):
        _ = fund.results().movements
