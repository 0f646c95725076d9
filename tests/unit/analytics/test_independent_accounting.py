"""A stranger re-derives equity from the files of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builders import perpetual, spot, transfer
from tests.stranger import largest_error
from tests.unit.analytics.fund import Fund, wandering_fund

from factortrader.analytics.run_folder import write_run

NAN = float("nan")


def written(fund: Fund, folder: Path) -> Path:
    write_run(folder, recorder=fund.recorder, facts=fund.facts(), manifest={})
    return folder


def eventful_fund() -> Fund:
    """Spot and a perpetual with a multiplier through everything that can happen."""
    fund = Fund(
        spot("BTC"), spot("SUN"), spot("BNB"), perpetual(multiplier=Decimal(10))
    )
    prices = {"BTC": 100.0, "SUN": 2.0, "BNB": 50.0, "BTC-PERP": 100.0}
    fund.close(**prices)
    fund.trade("BTC", "20", price="100.1", reference="100", fee="2.002")
    fund.trade("SUN", "1000", price="2.01", fee="3", fee_currency="SUN")
    fund.trade("BNB", "10", price="50", fee="0.1", fee_currency="BNB")
    fund.trade("BTC-PERP", "-3", price="99.5", fee="0.05", fee_currency="BNB")
    fund.close(**prices | {"BTC": 105.0, "BTC-PERP": 105.5})
    fund.pay("BTC-PERP", "1.25")
    fund.pay("BTC-PERP", "-0.75", kind="borrow")
    fund.redenominate("SUN", 1, 1000)
    fund.say(transfer("2500", time_ns=fund.now_ns, reference="deposit"))
    fund.trade("BTC-PERP", "5", price="106", fee="1")
    fund.close(**prices | {"BTC": 104.0, "SUN": 2100.0, "BTC-PERP": 104.0})
    fund.settle("SUN", price="420", fee="0.5")
    fund.trade("BTC", "-7.5", price="103.5", fee="0.7")
    fund.say(transfer("1", currency="BNB", time_ns=fund.now_ns, reference="gift"))
    fund.close(**prices | {"BTC": 103.0, "SUN": NAN, "BTC-PERP": 102.0})
    fund.settle("BTC-PERP", price="90", fee="10")
    fund.say(transfer("-1000", time_ns=fund.now_ns, reference="withdrawal"))
    fund.close(**prices | {"BTC": 90.0, "SUN": NAN, "BTC-PERP": 90.0})
    return fund


def test_equity_follows_from_capital_fills_cashflows_and_marks(tmp_path) -> None:
    """Every bar's equity is re-derived to 1e-12 through everything that can happen."""
    run = written(eventful_fund(), tmp_path / "run")

    assert largest_error(run) < 1e-12


def test_the_summary_follows_from_the_tables(tmp_path) -> None:
    """Totals are sums of cash flows, returns compound, turnover is what was filled."""
    fund = wandering_fund(
        spot("BTC"), perpetual("ETH-PERP"), spot("SOL"), bar_count=40, seed=3
    )
    run = written(fund, tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    equity, fills, flows, positions = (
        pd.read_parquet(run / f"{name}.parquet")
        for name in ("equity", "fills", "cashflows", "positions")
    )

    paid = -flows["amount"].astype(float).groupby(flows["kind"]).sum()
    traded = fills["quantity"].astype(float) * fills["price"].astype(float)
    before = equity["equity"].shift(fill_value=1e6)
    held = positions.groupby("time")["weight"]

    assert summary["total_fees"] == pytest.approx(paid["fee"], rel=1e-12)
    assert summary["total_fees"] == pytest.approx(equity["fees"].sum(), rel=1e-12)
    assert summary["total_funding"] == pytest.approx(paid["funding"], rel=1e-12)
    assert summary["total_return"] == pytest.approx(
        equity["equity"].iloc[-1] / 1e6 - 1.0, rel=1e-12
    )
    assert summary["max_drawdown"] == equity["drawdown"].min()
    assert (equity["turnover"] * before).sum() == pytest.approx(traded.sum() / 2.0)
    assert summary["average_gross_exposure"] == pytest.approx(
        held.agg(lambda weights: weights.abs().sum()).sum() / len(equity)
    )
    assert summary["trades"] == len(fills)


@pytest.mark.parametrize(
    ("table", "column", "row"),
    [
        ("fills", "price", 3),
        ("fills", "quantity", 0),
        ("cashflows", "amount", 0),
        ("cashflows", "amount", -1),
    ],
)
def test_a_changed_amount_does_not_go_unnoticed(tmp_path, table, column, row) -> None:
    """One figure of one row off by a thousandth and the stranger sees it."""
    run = written(eventful_fund(), tmp_path / "run")
    frame = pd.read_parquet(run / f"{table}.parquet")
    at = frame.columns.get_loc(column)
    frame.iloc[row, at] = str(Decimal(frame.iloc[row, at]) * Decimal("1.001"))
    frame.to_parquet(run / f"{table}.parquet")

    assert largest_error(run) > 1e-9


def test_what_is_booked_after_the_mark_of_its_moment_belongs_to_the_next_bar(
    tmp_path,
) -> None:
    """A settlement heard after the bar's mark, dated alike, leaves that bar alone."""
    fund = Fund(spot("BTC"))
    fund.close(BTC=100.0)
    fund.trade("BTC", "10", price="100")
    fund.close(BTC=110.0)
    fund.settle("BTC", price="0", time_ns=fund.recorder.rows[-1].close_ns)
    fund.close(BTC=NAN)

    run = written(fund, tmp_path / "run")

    equity = pd.read_parquet(run / "equity.parquet")["equity"]
    assert equity.tolist() == [10_000.0, 10_100.0, 9_000.0]
    assert largest_error(run) < 1e-12


def test_the_stranger_needs_nothing_of_the_program(tmp_path) -> None:
    """It runs as a script of its own and its exit code is its verdict."""
    run = written(eventful_fund(), tmp_path / "run")
    script = Path(__file__).resolve().parents[2] / "stranger.py"

    verdict = subprocess.run(
        [sys.executable, "-I", str(script), str(run)], capture_output=True, check=False
    )

    assert (verdict.returncode, verdict.stderr) == (0, b"")
    assert "factortrader" not in script.read_text(encoding="utf-8")


@pytest.mark.slow
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), multiplier=st.sampled_from(["1", "0.01", "100"]))
def test_any_run_can_be_re_derived(tmp_path_factory, seed, multiplier) -> None:
    """Random trading of spot and perpetuals, longs and shorts, with costs."""
    fund = wandering_fund(
        spot("BTC"),
        spot("ETH"),
        perpetual("SOL-PERP", multiplier=Decimal(multiplier)),
        bar_count=30,
        seed=seed,
    )

    run = written(fund, tmp_path_factory.mktemp("runs") / "run")

    assert largest_error(run) < 1e-9
