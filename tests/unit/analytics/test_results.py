"""The series of a run: returns, drawdown, turnover, benchmarks."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders import spot, transfer
from tests.unit.analytics.fund import Fund

from factortrader.units import DAY_NS


def holding_fund(*, deposit_ns: int | None) -> Fund:
    """All in BTC from the first bar on; a deposit buys more at the same price."""
    fund = Fund(spot("BTC"), capital="1000")
    fund.close(BTC=100.0)
    fund.trade("BTC", "10", price="100")
    fund.close(BTC=110.0)
    if deposit_ns is not None:
        fund.say(transfer("1100", time_ns=fund.close_ns - DAY_NS + deposit_ns))
        fund.trade("BTC", "10", price="110", time_ns=fund.now_ns)
    fund.close(BTC=99.0)
    return fund


def test_the_first_return_is_from_the_capital() -> None:
    """A loss in the first bar counts."""
    fund = Fund(spot("BTC"), capital="1000")
    fund.trade("BTC", "10", price="100")
    fund.close(BTC=90.0)

    results = fund.results()

    assert results.returns == pytest.approx([-0.1])
    assert results.drawdown == pytest.approx([-0.1])


def test_a_deposit_at_the_start_of_a_bar_changes_no_return() -> None:
    """The fund doubles, its returns and drawdown do not move."""
    without, with_deposit = (holding_fund(deposit_ns=at).results() for at in (None, 0))

    assert with_deposit.equity[-1] == 2.0 * without.equity[-1]
    assert with_deposit.returns == pytest.approx(without.returns, rel=1e-15)
    assert with_deposit.drawdown == pytest.approx(without.drawdown, rel=1e-12)


def test_a_withdrawal_at_the_end_of_a_bar_is_no_loss() -> None:
    """What was earned before it left was earned on all of it."""
    fund = Fund(spot("BTC"), capital="2000")
    fund.close(BTC=100.0)
    fund.trade("BTC", "10", price="100")
    fund.say(transfer("-1000", time_ns=fund.close_ns, reference="out"))
    fund.close(BTC=120.0)

    assert fund.results().returns == pytest.approx([0.0, 0.1])


def test_a_transfer_within_a_bar_counts_for_the_rest_of_it() -> None:
    """A gain of 75 on 1,000 + three quarters of 1,000 that came after six hours."""
    fund = Fund(spot("BTC"), capital="1000")
    fund.close(BTC=100.0)
    fund.trade("BTC", "7.5", price="100")
    fund.say(transfer("1000", time_ns=fund.close_ns - 3 * DAY_NS // 4, reference="in"))
    fund.close(BTC=110.0)

    assert fund.results().returns == pytest.approx([0.0, 75.0 / 1750.0])


def test_turnover_is_half_of_what_was_traded_over_the_equity_before() -> None:
    """Selling all of one asset and buying another is a turnover of one."""
    fund = Fund(spot("BTC"), spot("ETH"), capital="1000")
    fund.trade("BTC", "10", price="100")
    fund.close(BTC=100.0, ETH=10.0)
    fund.trade("BTC", "-10", price="100")
    fund.trade("ETH", "100", price="10")
    fund.close(BTC=100.0, ETH=20.0)
    fund.close(BTC=100.0, ETH=20.0)

    assert fund.results().turnover == pytest.approx([0.5, 1.0, 0.0])


def test_benchmarks_start_with_the_capital() -> None:
    """They are values in quote currency, comparable with the equity."""
    fund = Fund(spot("BTC"), spot("ETH"), capital="1000", benchmark="BTC")
    fund.close(BTC=100.0, ETH=10.0)
    fund.close(BTC=110.0, ETH=10.0)

    wealth = fund.results().benchmark_wealth

    assert {name: values.tolist() for name, values in wealth.items()} == {
        "benchmark_BTC": pytest.approx([1000.0, 1100.0]),
        "benchmark_equal_weight": pytest.approx([1000.0, 1050.0]),
    }


def test_a_benchmark_that_was_never_seen_has_no_column() -> None:
    """A column of nothing would only look like one."""
    fund = Fund(spot("BTC"), benchmark="DOGE")
    fund.close(BTC=100.0)

    assert [*fund.results().benchmark_wealth] == ["benchmark_equal_weight"]


def test_a_run_without_bars_has_empty_series() -> None:
    """Nothing was marked, so nothing is claimed."""
    results = Fund(spot("BTC")).results()

    shapes = [
        np.shape(series)
        for series in (results.equity, results.returns, results.drawdown)
    ]
    assert shapes == [(0,), (0,), (0,)]
