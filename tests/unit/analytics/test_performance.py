"""Performance metrics: worked examples and conventions."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from factortrader.analytics import performance_metrics
from factortrader.errors import BadInput

OWN_NAMES = {
    "total_return",
    "annual_return",
    "volatility",
    "downside_deviation",
    "sharpe",
    "sortino",
    "max_drawdown",
    "max_drawdown_periods",
    "calmar",
    "var_95",
    "cvar_95",
    "skew",
    "excess_kurtosis",
    "hit_rate",
    "profit_factor",
    "best_month",
    "worst_month",
    "observations",
}
RELATIVE_NAMES = {
    "beta",
    "alpha",
    "r_squared",
    "tracking_error",
    "information_ratio",
}


def metrics(returns, *, periods_per_year=365.0, benchmark=None):
    return performance_metrics(
        np.asarray(returns, dtype=float),
        periods_per_year=periods_per_year,
        benchmark=benchmark,
    )


def test_the_names_are_those_of_the_summary() -> None:
    """Without a benchmark eighteen names come back, with one five more."""
    alone = metrics([0.1, -0.1, 0.2])
    beside = metrics([0.1, -0.1, 0.2], benchmark=np.array([0.0, 0.1, 0.2]))

    assert set(alone) == OWN_NAMES
    assert set(beside) == OWN_NAMES | RELATIVE_NAMES
    assert all(type(value) is float for value in beside.values())


def test_returns_compound() -> None:
    """Half gained and half lost leaves three quarters, not the sum."""
    assert metrics([0.5, -0.5])["total_return"] == -0.25


def test_annual_return_is_the_compound_rate_over_the_observed_years() -> None:
    """Two observations of a half-yearly series that doubles make +100 % a year."""
    found = metrics([0.6, 0.25], periods_per_year=2.0)

    assert found["annual_return"] == pytest.approx(1.0)


def test_a_gap_is_no_flat_period() -> None:
    """NaN rows change nothing, not even the number of years."""
    closed = metrics([0.1, -0.05, 0.02])
    gapped = metrics([0.1, math.nan, -0.05, math.nan, 0.02])

    assert gapped == pytest.approx(closed, nan_ok=True)
    assert gapped["observations"] == 3.0


def test_a_gap_is_not_a_zero() -> None:
    """Replacing an observation that is missing by 0 changes the volatility."""
    gapped = metrics([0.1, math.nan, -0.05, 0.02])
    filled = metrics([0.1, 0.0, -0.05, 0.02])

    assert gapped["volatility"] != pytest.approx(filled["volatility"])


@pytest.mark.parametrize("ruin", [-1.0, -1.5])
def test_ruin_is_absorbing(ruin) -> None:
    """After a loss of everything no gain brings wealth back."""
    found = metrics([0.1, ruin, 3.0, -4.0])

    assert found["total_return"] == -1.0
    assert found["annual_return"] == -1.0
    assert found["max_drawdown"] == -1.0
    assert found["calmar"] == -1.0


def test_volatility_is_the_annualized_sample_deviation() -> None:
    """Deviations of ±1 % around the mean: variance 2e-4 with ddof 1."""
    found = metrics([0.01, 0.03], periods_per_year=100.0)

    assert found["volatility"] == pytest.approx(math.sqrt(2e-4) * 10.0)


@pytest.mark.parametrize("value", [0.0, 0.001, -0.001, 0.1, 1 / 3])
def test_a_constant_series_has_no_dispersion(value) -> None:
    """Volatility is exactly 0; what divides by it is undefined."""
    found = metrics([value] * 37, benchmark=np.full(37, 0.2))

    assert found["volatility"] == 0.0
    assert math.isnan(found["sharpe"])
    assert math.isnan(found["skew"])
    assert math.isnan(found["excess_kurtosis"])
    assert math.isnan(found["beta"])
    assert found["tracking_error"] == 0.0
    assert math.isnan(found["information_ratio"])


def test_a_constant_growth_of_prices_has_no_sharpe() -> None:
    """The rounding of price ratios is not mistaken for dispersion."""
    prices = 100.0 * 1.001 ** np.arange(500)

    found = metrics(prices[1:] / prices[:-1] - 1.0)

    assert found["volatility"] == 0.0
    assert math.isnan(found["sharpe"])


def test_downside_deviation_counts_every_observation() -> None:
    """One loss of 2 % in four observations: √(4e-4 / 4) = 1 % a period."""
    found = metrics([0.05, -0.02, 0.01, 0.0], periods_per_year=1.0)

    assert found["downside_deviation"] == pytest.approx(0.01)
    assert found["sortino"] == pytest.approx(1.0)


def test_equal_losses_have_a_finite_sortino() -> None:
    """A constant loss is its own downside deviation: −√365."""
    assert metrics([-0.01] * 50)["sortino"] == pytest.approx(-math.sqrt(365))


def test_a_series_without_losses_has_no_sortino_and_no_profit_factor() -> None:
    """Nothing was lost, so nothing can be divided by."""
    found = metrics([0.01, 0.0, 0.02])

    assert found["downside_deviation"] == 0.0
    assert math.isnan(found["sortino"])
    assert math.isnan(found["profit_factor"])
    assert math.isnan(found["calmar"])
    assert found["max_drawdown"] == 0.0


def test_sharpe_is_the_annualized_mean_over_deviation() -> None:
    """Mean 2 %, deviation √2 %: √2 a period, √2 · 10 with a hundred periods."""
    found = metrics([0.01, 0.03], periods_per_year=100.0)

    assert found["sharpe"] == pytest.approx(math.sqrt(2.0) * 10.0)


def test_a_year_of_365_days_is_not_one_of_252() -> None:
    """Ratios and volatility scale with the root of the periods in a year."""
    returns = [0.01, -0.02, 0.03, 0.005, -0.01]
    crypto = metrics(returns, periods_per_year=365.0)
    stocks = metrics(returns, periods_per_year=252.0)

    for name in ("sharpe", "sortino", "volatility", "downside_deviation"):
        assert crypto[name] / stocks[name] == pytest.approx(math.sqrt(365 / 252))


def test_a_loss_in_the_first_period_is_a_drawdown() -> None:
    """Drawdown starts from the initial equity, not from the first close."""
    found = metrics([-0.3, 0.1])

    assert found["max_drawdown"] == pytest.approx(-0.3)
    assert found["max_drawdown_periods"] == 2.0


def test_the_longest_drawdown_ends_with_the_recovery() -> None:
    """Three observations under water, then one, then a new high."""
    found = metrics([0.1, -0.1, 0.05, 0.01, 0.2, -0.01, 0.5])

    assert found["max_drawdown_periods"] == 3.0
    assert found["max_drawdown"] == pytest.approx(-0.1)


def test_calmar_is_annual_return_over_drawdown() -> None:
    """+26 % in a year with a trough of −10 %: 2.6."""
    found = metrics([-0.1, 0.4], periods_per_year=2.0)

    assert found["calmar"] == pytest.approx(0.26 / 0.1)


def test_value_at_risk_is_a_signed_linear_quantile() -> None:
    """Of −10 … +10 % in steps of one the 5 % quantile is −9 %."""
    found = metrics(np.arange(-10, 11) / 100.0)

    assert found["var_95"] == pytest.approx(-0.09)
    assert found["cvar_95"] == pytest.approx(-0.095)


def test_value_at_risk_interpolates() -> None:
    """Between −4 % and −2 % a twentieth of the way over one step."""
    found = metrics([-0.04, -0.02])

    assert found["var_95"] == pytest.approx(-0.039)
    assert found["cvar_95"] == pytest.approx(-0.04)


def test_shape_is_bias_adjusted_and_in_excess_of_normal() -> None:
    """G1 and G2 are the estimators of pandas."""
    returns = np.array([0.01, -0.02, 0.05, 0.0, -0.11, 0.02, 0.04])

    found = metrics(returns)

    assert found["skew"] == pytest.approx(pd.Series(returns).skew())
    assert found["excess_kurtosis"] == pytest.approx(pd.Series(returns).kurt())


def test_shape_of_tiny_returns_does_not_underflow() -> None:
    """Fourth powers of 1e-11 returns are far below the smallest float of use."""
    returns = np.array([0.01, -0.02, 0.05, 0.0, -0.11, 0.02, 0.04])

    small = metrics(returns * 1e-9)

    assert small["skew"] == pytest.approx(metrics(returns)["skew"])


def test_hit_rate_counts_zeros_as_observations() -> None:
    """Two wins, one loss and one flat period: one half."""
    found = metrics([0.03, 0.01, -0.02, 0.0])

    assert found["hit_rate"] == 0.5
    assert found["profit_factor"] == pytest.approx(2.0)


def test_nothing_observed_leaves_everything_undefined() -> None:
    """An empty record has zero observations and no other number."""
    found = metrics([], benchmark=np.array([]))

    assert found.pop("observations") == 0.0
    assert all(math.isnan(value) for value in found.values())


def test_one_observation_has_no_dispersion_and_no_ratio() -> None:
    """A single loss has a return and a drawdown, but neither Sharpe nor Sortino."""
    found = metrics([-0.1])

    assert found["total_return"] == pytest.approx(-0.1)
    assert math.isnan(found["volatility"])
    assert math.isnan(found["sharpe"])
    assert math.isnan(found["sortino"])


def test_overflow_is_undefined_and_not_infinite() -> None:
    """Growth beyond the floats has no number."""
    found = metrics([1e200, 1e200])

    assert math.isnan(found["total_return"])
    assert not any(math.isinf(value) for value in found.values())


@pytest.mark.parametrize(
    ("returns", "code"),
    [
        (np.array([0.1, math.inf]), "infinite_return"),
        (np.zeros((2, 2)), "returns_shape"),
        (pd.Series([0.1], index=pd.to_datetime(["2020-01-01"])), "naive_time"),
        (
            pd.Series(
                [0.1, 0.2], pd.to_datetime(["2020-01-02", "2020-01-01"], utc=True)
            ),
            "time_order",
        ),
    ],
)
def test_unusable_returns_are_refused(returns, code) -> None:
    """The refusal names what is wrong with the input."""
    with pytest.raises(BadInput) as refusal:
        performance_metrics(returns, periods_per_year=365.0)

    assert refusal.value.code == code


@pytest.mark.parametrize("periods", [0.0, -1.0, math.nan, math.inf])
def test_a_year_needs_periods(periods) -> None:
    """The periods in a year are positive and finite."""
    with pytest.raises(BadInput, match="periods_per_year"):
        metrics([0.1], periods_per_year=periods)


@pytest.mark.slow
def test_importing_analytics_imports_no_pandas() -> None:
    """Metrics of an array run without pandas, and so does the import."""
    script = (
        "import sys, numpy, factortrader.analytics as a\n"
        "assert 'pandas' not in sys.modules\n"
        "found = a.performance_metrics(numpy.array([0.5, -0.5]), periods_per_year=365)\n"
        "assert found['total_return'] == -0.25\n"
        "assert 'pandas' not in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-c", script], check=False)

    assert done.returncode == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy package does not swallow typing errors."""
    from factortrader import analytics

    with pytest.raises(AttributeError, match="performence"):
        _ = analytics.performence


def test_ruin_loses_everything_once_and_nothing_after() -> None:
    """A loss beyond the stake counts as −1 in every metric, what follows as nothing."""
    beyond = performance_metrics(np.array([0.1, -24.0, 0.5]), periods_per_year=365)
    exactly = performance_metrics(np.array([0.1, -1.0, 0.0]), periods_per_year=365)

    np.testing.assert_equal(beyond, exactly)
    assert beyond["total_return"] == -1.0
