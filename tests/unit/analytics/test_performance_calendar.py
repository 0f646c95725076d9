"""Months and drawdown curves of a series of returns."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from factortrader.analytics import performance_metrics
from factortrader.analytics.performance import drawdown, monthly_returns
from factortrader.errors import BadInput


def daily(values, *, first_close):
    closes = pd.date_range(first_close, periods=len(values), freq="D", tz="UTC")
    return pd.Series(np.asarray(values, dtype=float), index=closes.as_unit("ns"))


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
    found = performance_metrics(np.array([0.1, -0.2]), periods_per_year=365.0)

    assert math.isnan(found["best_month"])
    assert math.isnan(found["worst_month"])


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
