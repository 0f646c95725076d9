"""The headline numbers, against the same numbers worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.builders import perpetual, spot
from tests.unit.analytics.fund import Fund, wandering_fund

from factortrader.analytics.performance import performance_metrics
from factortrader.analytics.summary import run_summary

OF_A_RUN = {
    "average_turnover",
    "annual_turnover",
    "total_fees",
    "total_slippage",
    "total_funding",
    "cost_drag",
    "average_gross_exposure",
    "average_net_exposure",
    "average_positions",
    "trades",
    "rebalances",
    "final_equity",
}


def costly_fund() -> Fund:
    """Two bars all in a perpetual, with every kind of cost."""
    fund = Fund(perpetual(), capital="1000", benchmark="BTC-PERP")
    fund.trade("BTC-PERP", "9", price="101", reference="100", fee="2")
    fund.close(**{"BTC-PERP": 100.0})
    fund.pay("BTC-PERP", "-3")
    fund.pay("BTC-PERP", "-5", kind="borrow")
    fund.trade("BTC-PERP", "-9", price="99", reference="100", fee="1")
    fund.close(**{"BTC-PERP": 100.0})
    return fund


def test_every_promised_name_is_there_in_order() -> None:
    """The performance metrics, the ones of a run, and the parts of the costs."""
    summary = run_summary(costly_fund().results())
    of_returns = performance_metrics(
        np.array([0.1]), periods_per_year=365.0, benchmark=np.array([0.1])
    )

    assert {*of_returns} | OF_A_RUN <= {*summary}
    assert [*summary] == sorted(summary)


def test_costs_are_what_was_paid() -> None:
    """Fees, slippage, funding and borrow, each with a plus where it cost something."""
    summary = run_summary(costly_fund().results())

    assert summary["total_fees"] == 3.0
    assert summary["total_slippage"] == 18.0
    assert summary["total_funding"] == 3.0
    assert summary["total_borrow"] == 5.0
    assert summary["final_equity"] == 1000.0 - 3.0 - 18.0 - 3.0 - 5.0


def test_costs_a_year_are_fractions_of_average_equity() -> None:
    """3 of fees in two days on (989 + 971) / 2."""
    summary = run_summary(costly_fund().results())

    assert summary["annual_fees"] == pytest.approx(3.0 / 980.0 / (2.0 / 365.0))


def test_without_costs_a_flat_market_pays_nothing() -> None:
    """So the drag is what the fund lost a year, with the opposite sign."""
    summary = run_summary(costly_fund().results())

    assert summary["cost_drag"] == pytest.approx(-summary["annual_return"])
    assert summary["cost_drag"] > 0.0


def test_a_run_without_costs_has_no_drag() -> None:
    """To the bit: nothing is added to any return."""
    fund = Fund(spot("BTC"))
    fund.trade("BTC", "10", price="100")
    fund.close(BTC=110.0)
    fund.close(BTC=105.0)

    assert run_summary(fund.results())["cost_drag"] == 0.0


def test_exposure_and_activity_are_averages_over_the_bars() -> None:
    """Half of the time one position of 90 %, the other half none."""
    fund = Fund(spot("BTC"), capital="1000")
    fund.trade("BTC", "9", price="100")
    fund.close(BTC=100.0)
    fund.trade("BTC", "-9", price="100")
    fund.close(BTC=100.0)

    summary = run_summary(fund.results())

    assert summary["average_gross_exposure"] == pytest.approx(0.45)
    assert summary["average_positions"] == 0.5
    assert summary["average_turnover"] == pytest.approx(0.45)
    assert summary["annual_turnover"] == pytest.approx(0.45 * 365.0)
    assert (summary["trades"], summary["rebalances"]) == (2, 2)


def test_beta_is_against_the_configured_benchmark() -> None:
    """A fund that is always half in its benchmark has a beta of one half."""
    fund = Fund(spot("BTC"), spot("ETH"), capital="1000", benchmark="BTC")
    fund.trade("BTC", "5", price="100")
    fund.close(BTC=100.0, ETH=1.0)
    for price in (101.0, 100.0, 101.0, 100.0):
        fund.close(BTC=price, ETH=price**3)

    assert run_summary(fund.results())["beta"] == pytest.approx(0.5, rel=0.01)


def test_a_run_without_bars_has_undefined_numbers() -> None:
    """Undefined is NaN, never zero."""
    summary = run_summary(Fund(spot("BTC")).results())

    assert math.isnan(summary["sharpe"])
    assert math.isnan(summary["average_turnover"])
    assert math.isnan(summary["final_equity"])


def test_returns_compound_to_the_final_equity() -> None:
    """Without transfers the time-weighted return is the growth of the money."""
    fund = wandering_fund(spot("BTC"), spot("ETH"), bar_count=40, seed=7)

    summary = run_summary(fund.results())

    assert summary["final_equity"] / 1e6 - 1.0 == pytest.approx(
        summary["total_return"], rel=1e-12
    )
