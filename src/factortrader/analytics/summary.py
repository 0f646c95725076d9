"""The headline numbers of a run: what summary.json holds.

Fractions, not percent; undefined is NaN. total_fees, total_slippage, total_funding and
total_borrow are costs in quote currency: > 0 was paid, < 0 received.

    total_slippage   = Σ (price − reference) × side × quantity × multiplier
    cost_drag        = annual return of (return[t] + costs[t] / invested[t])
                     − annual return of  return[t]
    costs            = fees + slippage + funding + borrow
    average_turnover = mean of one-way turnover per bar
    annual_turnover  = average_turnover × bars per year
    annual_*         = total / (mean equity × years)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from factortrader.analytics.performance import performance_metrics
from factortrader.analytics.results import RunResults
from factortrader.units import FloatArray, periods_per_year

if TYPE_CHECKING:
    from pandas import Series


def run_summary(results: RunResults) -> dict[str, float]:
    """Every metric of the run by name, sorted; counts are whole numbers.

    The benchmark of beta, alpha, r_squared, tracking_error and information_ratio is
    the configured asset, or the equal-weight universe where there is none.
    """
    per_year = periods_per_year(results.facts.interval_ns)
    metrics = performance_metrics(
        returns_by_bar(results, results.returns),
        periods_per_year=per_year,
        benchmark=returns_by_bar(results, benchmark_returns(results)),
    )
    metrics |= _costs(results, per_year)
    metrics |= _exposures(results, per_year)
    return dict(sorted(metrics.items()))


def benchmark_returns(results: RunResults) -> FloatArray:
    """Return in each bar of the benchmark that beta and its kin are measured against."""
    return wealth_returns(next(iter(results.benchmark_wealth.values())))


def wealth_returns(wealth: FloatArray) -> FloatArray:
    """Return of each bar; NaN in the first and where either end is NaN."""
    returns = np.full(len(wealth), np.nan)
    if len(wealth) > 1:
        returns[1:] = wealth[1:] / wealth[:-1] - 1.0
    return returns


def returns_by_bar(results: RunResults, returns: FloatArray) -> Series[float]:
    """The returns, each labelled by its bar's close."""
    import pandas as pd

    moments = pd.DatetimeIndex(results.close_ns, tz="UTC").as_unit("ns")
    return pd.Series(returns, index=moments)


def _costs(results: RunResults, per_year: float) -> dict[str, float]:
    moved = results.movements
    totals = {
        "fees": float(moved.fees.sum()),
        "slippage": float(moved.slippage.sum()),
        "funding": float(moved.funding.sum()),
        "borrow": float(moved.borrow.sum()),
    }
    invested = _mean(results.equity) * len(results.equity) / per_year
    metrics = {f"total_{name}": total for name, total in totals.items()}
    for name, total in totals.items():
        metrics[f"annual_{name}"] = total / invested if invested > 0.0 else np.nan
    metrics["cost_drag"] = _cost_drag(results, per_year)
    return metrics


def _cost_drag(results: RunResults, per_year: float) -> float:
    invested = results.invested
    paid = np.full(len(invested), np.nan)
    np.divide(results.costs[:-1], invested, out=paid, where=invested > 0.0)
    with_costs, without = (
        performance_metrics(
            returns_by_bar(results, returns), periods_per_year=per_year
        )["annual_return"]
        for returns in (results.returns, results.returns + paid)
    )
    return without - with_costs


def _exposures(results: RunResults, per_year: float) -> dict[str, float]:
    recorder = results.recorder
    rows = recorder.rows
    turnover = _mean(results.turnover)
    return {
        "average_turnover": turnover,
        "annual_turnover": turnover * per_year,
        "average_gross_exposure": _mean([row.gross_exposure for row in rows]),
        "average_net_exposure": _mean([row.net_exposure for row in rows]),
        "average_positions": _mean([float(len(row.held)) for row in rows]),
        "trades": len(results.movements.fills),
        "rebalances": recorder.rebalances,
        "final_equity": rows[-1].equity if rows else np.nan,
    }


def _mean(values: Sequence[float] | FloatArray) -> float:
    """Mean of what is not NaN; NaN of nothing."""
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if len(finite) else float("nan")
