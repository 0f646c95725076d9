"""Performance metrics: worked examples, conventions and invariants."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from factortrader.analytics import performance_metrics
from factortrader.analytics.performance import drawdown, monthly_returns
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


def test_a_bar_that_closes_at_midnight_of_the_first_belongs_to_the_old_month() -> None:
    """The daily bar closing 2020-02-01T00:00Z is January's last day."""
    returns = daily([0.1, 0.2, -0.5], first_close="2020-01-31")

    months = monthly_returns(returns)

    assert list(months.index.strftime("%Y-%m")) == ["2020-01", "2020-02"]
    assert months.to_numpy() == pytest.approx([0.32, -0.5])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_months_do_not_depend_on_the_unit_of_the_index(unit) -> None:
    """A stamp in coarser units is still moved into its own bar."""
    returns = daily([0.1, 0.2, -0.5], first_close="2020-01-31")
    returns.index = returns.index.as_unit(unit)

    assert monthly_returns(returns).to_numpy() == pytest.approx([0.32, -0.5])


def test_months_are_those_of_utc() -> None:
    """An index in another zone is converted before it is cut."""
    returns = daily([0.1, 0.2, -0.5], first_close="2020-01-31")

    elsewhere = returns.tz_convert("Asia/Tokyo")

    assert monthly_returns(elsewhere).to_numpy() == pytest.approx([0.32, -0.5])


def test_best_and_worst_month_compound_within_calendar_months() -> None:
    """The same month of two years is two months."""
    closes = pd.to_datetime(["2020-03-05", "2020-03-06", "2021-03-05"], utc=True)
    returns = pd.Series([0.1, 0.1, -0.2], index=closes)

    found = performance_metrics(returns, periods_per_year=365.0)

    assert found["best_month"] == pytest.approx(0.21)
    assert found["worst_month"] == pytest.approx(-0.2)


def test_months_after_ruin_are_undefined() -> None:
    """The month of ruin is −1; nothing is left that could earn afterwards."""
    closes = pd.to_datetime(["2020-01-05", "2020-02-05", "2020-03-05"], utc=True)
    returns = pd.Series([0.1, -1.0, 2.0], index=closes)

    months = monthly_returns(returns)
    found = performance_metrics(returns, periods_per_year=365.0)

    assert months.to_numpy() == pytest.approx([0.1, -1.0, math.nan], nan_ok=True)
    assert found["best_month"] == pytest.approx(0.1)
    assert found["worst_month"] == -1.0


def test_months_without_an_observation_are_left_out() -> None:
    """A month of NaN is not a month of zero."""
    closes = pd.to_datetime(["2020-01-05", "2020-02-05", "2020-03-05"], utc=True)
    returns = pd.Series([0.1, math.nan, 0.2], index=closes)

    months = monthly_returns(returns)

    assert list(months.index.month) == [1, 3]


def test_an_array_has_no_months() -> None:
    """Without stamps best and worst month are undefined, not zero."""
    found = metrics([0.1, -0.2])

    assert math.isnan(found["best_month"])
    assert math.isnan(found["worst_month"])


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


def test_monthly_returns_need_stamps() -> None:
    """Positions have no calendar."""
    with pytest.raises(BadInput) as refusal:
        monthly_returns(pd.Series([0.1, 0.2]))

    assert refusal.value.code == "time_index"


def test_drawdown_is_the_distance_from_the_running_high() -> None:
    """NaN stays NaN and does not forget the high; ruin stays −1."""
    equity = np.array([math.nan, 100.0, 80.0, math.nan, 120.0, 90.0, 0.0, 50.0])

    depth = drawdown(equity)

    expected = [math.nan, 0.0, -0.2, math.nan, 0.0, -0.25, -1.0, -1.0]
    assert depth == pytest.approx(expected, nan_ok=True)


def test_drawdown_of_a_series_is_a_series_with_its_index() -> None:
    """The report plots it against the same stamps."""
    equity = daily([100.0, 80.0], first_close="2020-01-01")

    depth = drawdown(equity)

    assert isinstance(depth, pd.Series)
    assert depth.index.equals(equity.index)
    assert depth.to_numpy() == pytest.approx([0.0, -0.2])


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


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns)
def test_the_order_of_returns_does_not_change_their_distribution(returns) -> None:
    """Only paths care about order: moments, tails and growth do not."""
    forward, backward = metrics(returns), metrics(returns[::-1].copy())

    for name in OWN_NAMES - {"max_drawdown", "max_drawdown_periods", "calmar"}:
        assert backward[name] == pytest.approx(
            forward[name], rel=1e-6, abs=1e-9, nan_ok=True
        )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(returns=ordinary_returns, leverage=st.sampled_from([0.01, 0.5, 2.0, 10.0]))
def test_ratios_do_not_depend_on_leverage(returns, leverage) -> None:
    """Scaling every return scales risk and leaves the ratios alone."""
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
