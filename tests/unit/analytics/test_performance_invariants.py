"""What holds for the metrics of any returns."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from factortrader.analytics import performance_metrics
from factortrader.analytics.performance import drawdown, monthly_returns

ordinary_returns = hnp.arrays(
    np.float64,
    st.integers(min_value=2, max_value=60),
    elements=st.integers(min_value=-900, max_value=1_500).map(lambda m: m / 1_000),
)


def metrics(returns, *, periods_per_year=365.0, benchmark=None):
    return performance_metrics(
        np.asarray(returns, dtype=float),
        periods_per_year=periods_per_year,
        benchmark=benchmark,
    )


def daily(values, *, first_close):
    closes = pd.date_range(first_close, periods=len(values), freq="D", tz="UTC")
    return pd.Series(np.asarray(values, dtype=float), index=closes.as_unit("ns"))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns)
def test_the_order_of_returns_does_not_change_their_distribution(returns) -> None:
    """Only paths care about order: moments, tails and growth do not."""
    forward, backward = metrics(returns), metrics(returns[::-1].copy())

    for name in set(forward) - {"max_drawdown", "max_drawdown_periods", "calmar"}:
        assert backward[name] == pytest.approx(
            forward[name], rel=1e-6, abs=1e-9, nan_ok=True
        )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns, leverage=st.sampled_from([0.01, 0.5, 2.0, 10.0]))
def test_ratios_do_not_depend_on_leverage(returns, leverage) -> None:
    """Short of ruin, scaling every return scales risk and leaves the ratios alone."""
    assume(returns.min() * leverage > -1.0)
    plain, scaled = metrics(returns), metrics(returns * leverage)

    for name in ("sharpe", "sortino", "skew", "excess_kurtosis", "hit_rate"):
        assert scaled[name] == pytest.approx(
            plain[name], rel=1e-6, abs=1e-6, nan_ok=True
        )
    for name in ("volatility", "downside_deviation", "var_95", "cvar_95"):
        assert scaled[name] == pytest.approx(
            plain[name] * leverage, rel=1e-9, abs=1e-12
        )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns, benchmark=ordinary_returns)
def test_bounds_hold_for_any_returns(returns, benchmark) -> None:
    """Nothing is infinite and every fraction lies where it must."""
    size = min(len(returns), len(benchmark))
    found = metrics(returns[:size], benchmark=benchmark[:size])

    assert not any(math.isinf(value) for value in found.values())
    assert -1.0 <= found["max_drawdown"] <= 0.0
    assert 0.0 <= found["hit_rate"] <= 1.0
    assert found["cvar_95"] <= found["var_95"] + 1e-12
    assert 0 <= found["max_drawdown_periods"] <= size
    assert math.isnan(found["r_squared"]) or 0.0 <= found["r_squared"] <= 1.0


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns, benchmark=ordinary_returns)
def test_r_squared_is_symmetric_and_ignores_scale(returns, benchmark) -> None:
    """The squared correlation does not ask which series is the benchmark."""
    size = min(len(returns), len(benchmark))
    one, other = returns[:size], benchmark[:size]

    there = metrics(one, benchmark=other)["r_squared"]
    back = metrics(other, benchmark=one)["r_squared"]
    scaled = metrics(one, benchmark=3.0 * other)["r_squared"]

    assert back == pytest.approx(there, rel=1e-6, abs=1e-9, nan_ok=True)
    assert scaled == pytest.approx(there, rel=1e-6, abs=1e-9, nan_ok=True)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns)
def test_months_compound_to_the_total(returns) -> None:
    """Multiplying all months gives the total return."""
    series = daily(returns, first_close="2020-01-15")

    months = monthly_returns(series).dropna()

    total = performance_metrics(series, periods_per_year=365.0)["total_return"]
    assert np.prod(1.0 + months) - 1.0 == pytest.approx(total, rel=1e-9, abs=1e-12)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns)
def test_max_drawdown_is_the_deepest_point_of_the_drawdown_curve(returns) -> None:
    """The metric and the curve of the report agree."""
    equity = np.concatenate([[1.0], np.cumprod(1.0 + returns)])

    assert metrics(returns)["max_drawdown"] == pytest.approx(drawdown(equity).min())
