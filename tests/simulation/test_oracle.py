"""An oracle earns everything and yesterday's news nothing (G3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.funds import fund
from tests.runs import replayed

from factortrader.analytics.performance import performance_metrics
from factortrader.events import PortfolioMarked
from factortrader.market.panel import Panel
from factortrader.runtime.assembly import Fund

BARS, ASSETS = 500, 30


def iid_fund(*, known_bars_late: int) -> Fund:
    """No costs, i.i.d. returns; market cap = exp(−return of one of the bars).

    `small_size` is −log of it, so the score is that return: the next bar's at
    known_bars_late = 0, the one just closed at 1.
    """
    base = fund(
        "long_short_perpetuals",
        data={"assets": ASSETS, "bars": BARS},
        universe={"min_history_bars": 1, "size": ASSETS},
        signal={
            "strategy": "factortrader_strategies.blend:Blend",
            "parameters": {},
        },
        factor=[{"use": "factortrader.factors.size:small_size"}],
        schedule={"every": "daily"},
        costs={
            "maker_bps": 0.0,
            "taker_bps": 0.0,
            "half_spread_bps": 0.0,
            "impact_bps": 0.0,
            "fee_tiers": [],
        },
        venue={"latency_seconds": 0.001},
        risk={
            "max_turnover": 3.0,
            "max_participation": 1.0,
            "max_order_notional_quote": 1e15,
        },
    )
    immortal = tuple(
        replace(each, listed_ns=None, ended_ns=None, end_reason=None)
        for each in base.history.instruments
    )
    history = replace(
        base.history,
        panel=_panel(base, known_bars_late),
        instruments=immortal,
        events=(),
    )
    return replace(base, history=history)


def _panel(base: Fund, late: int) -> Panel:
    generator = np.random.Generator(np.random.PCG64(42))
    returns = 0.02 * generator.standard_normal((BARS + 1, ASSETS))
    close = 100.0 * np.cumprod(1.0 + returns[:-1], axis=0)
    opened = np.vstack([np.full((1, ASSETS), 100.0), close[:-1]])
    known = returns[1:] if late == 0 else returns[:-1]
    everywhere = np.ones((BARS, ASSETS), dtype=np.bool_)
    old = base.history.panel
    return Panel(
        close_ns=old.close_ns.copy(),
        interval_ns=old.interval_ns,
        assets=old.assets,
        fields={
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": np.full((BARS, ASSETS), 1e15),
            "market_cap": np.exp(-known),
        },
        listed=everywhere,
        clean=everywhere.copy(),
        eligible=everywhere.copy(),
    )


def sharpe(late: int) -> tuple[float, float]:
    """Annualized Sharpe ratio of the replay, and its standard error under noise."""
    marked = replayed(iid_fund(known_bars_late=late)).of(PortfolioMarked)
    equity = np.array([each.equity for each in marked])
    returns = equity[1:] / equity[:-1] - 1.0
    ratio = performance_metrics(returns, periods_per_year=365)["sharpe"]
    return ratio, np.sqrt(365.0 / len(returns))


@pytest.mark.slow
def test_knowing_the_next_return_earns_a_sharpe_above_twenty() -> None:
    """What is known before the bar begins is earned over that bar."""
    ratio, _ = sharpe(late=0)

    assert ratio > 20.0


@pytest.mark.slow
def test_knowing_it_one_bar_late_earns_nothing() -> None:
    """The bar that has just closed is never earned: |Sharpe| < 3 standard errors."""
    ratio, error = sharpe(late=1)

    assert abs(ratio) < 3.0 * error
