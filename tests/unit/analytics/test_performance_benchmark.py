"""Performance beside a benchmark."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from factortrader.analytics import performance_metrics
from factortrader.errors import BadInput


def metrics(returns, *, periods_per_year=365.0, benchmark=None):
    return performance_metrics(
        np.asarray(returns, dtype=float),
        periods_per_year=periods_per_year,
        benchmark=benchmark,
    )


def daily(values, *, first_close):
    closes = pd.date_range(first_close, periods=len(values), freq="D", tz="UTC")
    return pd.Series(np.asarray(values, dtype=float), index=closes.as_unit("ns"))


def test_a_benchmark_that_is_the_fund_itself_explains_everything() -> None:
    """Beta 1, alpha 0, R² 1, no tracking error and no information ratio."""
    returns = np.array([0.01, -0.02, 0.03, 0.0])

    found = metrics(returns, benchmark=returns)

    assert found["beta"] == pytest.approx(1.0)
    assert found["alpha"] == pytest.approx(0.0, abs=1e-12)
    assert found["r_squared"] == pytest.approx(1.0)
    assert found["tracking_error"] == 0.0
    assert math.isnan(found["information_ratio"])


def test_alpha_is_arithmetic_and_beta_the_regression_slope() -> None:
    """r = 0.1 % + 2 b exactly: beta 2, alpha 0.1 % × 365."""
    benchmark = np.array([0.01, -0.02, 0.03, 0.0])

    found = metrics(0.001 + 2.0 * benchmark, benchmark=benchmark)

    assert found["beta"] == pytest.approx(2.0)
    assert found["alpha"] == pytest.approx(0.365)
    assert found["r_squared"] == pytest.approx(1.0)


def test_information_ratio_is_annualized() -> None:
    """Active returns of 1 and 3 %: mean 2 %, deviation √2 %."""
    benchmark = np.array([0.05, -0.05])

    found = metrics(
        benchmark + np.array([0.01, 0.03]), benchmark=benchmark, periods_per_year=100.0
    )

    assert found["tracking_error"] == pytest.approx(math.sqrt(2e-4) * 10.0)
    assert found["information_ratio"] == pytest.approx(math.sqrt(2.0) * 10.0)


def test_a_series_benchmark_is_matched_by_stamp() -> None:
    """Neither its order nor further stamps change the result."""
    returns = daily([0.01, -0.02, 0.03, 0.01], first_close="2020-01-02")
    benchmark = daily([0.5, 0.02, -0.01, 0.01, 0.03, 0.9], first_close="2020-01-01")

    aligned = performance_metrics(
        returns, periods_per_year=365.0, benchmark=benchmark.iloc[1:5]
    )
    shuffled = performance_metrics(
        returns,
        periods_per_year=365.0,
        benchmark=benchmark.sample(frac=1, random_state=3),
    )

    assert shuffled == aligned


def test_only_common_observations_are_compared() -> None:
    """A benchmark that starts later shortens the comparison, not the fund's record."""
    returns = np.array([0.5, 0.01, -0.02, 0.03])
    late = np.array([math.nan, 0.01, -0.02, 0.03])

    found = metrics(returns, benchmark=late)

    assert found["beta"] == pytest.approx(1.0)
    assert found["observations"] == 4.0


def test_a_benchmark_of_another_length_is_refused() -> None:
    """Arrays are matched by position, so their lengths must agree."""
    with pytest.raises(BadInput) as refusal:
        metrics([0.1, 0.2], benchmark=np.array([0.1]))

    assert refusal.value.code == "benchmark_length"


def test_a_benchmark_with_repeated_stamps_is_refused() -> None:
    """Two values for one stamp cannot be matched."""
    returns = daily([0.1, 0.2], first_close="2020-01-01")

    with pytest.raises(BadInput, match="two values"):
        performance_metrics(
            returns, periods_per_year=365.0, benchmark=pd.concat([returns, returns])
        )
