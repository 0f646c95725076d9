"""Performance of a series of returns, under one convention (METHODS part 5).

Everywhere: returns are simple returns per period as decimals; NaN = no observation
and is left out, also from the count of years; undefined is NaN, never 0 and never
infinite. Wealth starts at 1 and ruin is absorbing: once wealth is not positive it
stays 0. Nothing guesses whether it was given prices.

n observations r, P periods a year, years = n / P (observations only: a gap is not
a flat period), wealth W from W_0 = 1:

total_return           W_n − 1, never below −1
annual_return          W_n^(1 / years) − 1 (CAGR)
volatility             std(r, ddof 1) √P; exactly 0 for a constant series
downside_deviation     √(mean over all n of min(r, 0)²) √P (Sortino & Price 1994)
sharpe                 mean / std(ddof 1) √P; NaN without dispersion
sortino                mean P / downside_deviation; NaN without losses or n < 2
max_drawdown           min W / max(1, W up to then) − 1, in [−1, 0]
max_drawdown_periods   observations of the longest stay below an earlier high
calmar                 annual_return / |max_drawdown|; NaN without drawdown
var_95                 5 % quantile of r, linear, signed (a loss is negative)
cvar_95                mean of the r ≤ var_95, signed
skew, excess_kurtosis  bias-adjusted G1 and G2 (normal = 0)
hit_rate               share of r > 0 among all n
profit_factor          Σ gains / |Σ losses|; NaN without losses
best_month, worst_month  of `monthly_returns`; NaN without a time index
observations           n

With a benchmark b, over the observations that both have (two series are matched
by their stamps, anything else by position):

beta                   cov(r, b) / var(b)
alpha                  (mean(r) − beta mean(b)) P, arithmetic
r_squared              corr(r, b)², the R² of the regression with intercept
tracking_error         std(r − b, ddof 1) √P
information_ratio      mean(r − b) / std(r − b, ddof 1) √P
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from factortrader.errors import BadInput
from factortrader.units import FloatArray

if TYPE_CHECKING:
    import pandas as pd

    Returns: TypeAlias = "pd.Series[float] | FloatArray"
    Levels = TypeVar("Levels", "pd.Series[float]", FloatArray)

_TAIL: Final = 0.05
_ROUNDING: Final = 1e-14
"""Returns are differences of ratios near 1: a spread below this is rounding."""


def performance_metrics(
    returns: Returns, *, periods_per_year: float, benchmark: Returns | None = None
) -> dict[str, float]:
    """The metrics of `summary.json`, each a fraction or a pure number.

    Definitions: the table on top of this file.

    returns, benchmark: a pandas Series with a UTC index, ascending, or an array of
    shape (periods,). Raises BadInput for infinite returns, another shape, an index
    without a zone or out of order, and periods_per_year that is not positive.
    """
    if not (math.isfinite(periods_per_year) and periods_per_year > 0.0):
        raise BadInput(
            f"periods_per_year must be positive, got {periods_per_year!r}",
            code="periods_per_year",
            remedy="derive it from the bar: units.periods_per_year(interval_ns)",
        )
    values = _values(returns, "returns")
    observed = _borne(values[np.isfinite(values)])
    months = _month_by_month(returns, values)[1]
    months = months[np.isfinite(months)]
    with np.errstate(over="ignore", invalid="ignore"):
        metrics = {
            **_growth(observed, periods_per_year),
            **_dispersion_ratios(observed, periods_per_year),
            **_shape(observed),
            "best_month": float(months.max()) if len(months) else math.nan,
            "worst_month": float(months.min()) if len(months) else math.nan,
            "observations": float(len(observed)),
        }
        if benchmark is not None:
            own, other = _paired(returns, values, benchmark)
            metrics |= _relative(own, other, periods_per_year)
    return {
        name: value if math.isfinite(value) else math.nan
        for name, value in metrics.items()
    }


def monthly_returns(returns: pd.Series[float]) -> pd.Series[float]:
    """Compounded return of each calendar month in UTC that has an observation.

    A bar belongs to the month in which it lies, and it is labelled by its close: the
    daily bar that closes at 2020-02-01T00:00Z is January's. The first and the last
    month may be partial. The month of ruin is −1, later months are NaN.
    The index holds the first day of each month at 00:00 UTC.
    Raises BadInput as `performance_metrics`, and where there is no time index.
    """
    import pandas as pd

    values = _values(returns, "returns")
    months, compounded = _month_by_month(returns, values)
    if _stamps(returns) is None:
        raise BadInput(
            "monthly returns need a time index",
            code="time_index",
            remedy="pass a pandas Series indexed by bar close in UTC",
        )
    index = pd.DatetimeIndex(months.astype("datetime64[ns]"), name="month")
    return pd.Series(compounded, index=index.tz_localize("UTC"), name="return")


def drawdown(equity: Levels) -> Levels:
    """Equity over its running maximum − 1, in [−1, 0]; same type as the input.

    equity: levels in any currency, oldest first, the initial capital included; NaN
    stays NaN and interrupts nothing. After ruin (equity ≤ 0) it stays −1. NaN before
    the first positive level.
    """
    levels = _values(equity, "equity")
    alive = np.logical_and.accumulate(~(levels <= 0.0))
    seen = np.where(np.isnan(levels), -np.inf, levels)
    peak: FloatArray = np.maximum.accumulate(seen)
    with np.errstate(invalid="ignore", divide="ignore"):
        depth = np.where(alive, levels / peak - 1.0, -1.0)
    depth = np.where(np.isnan(levels) | (peak <= 0.0), np.nan, depth)
    # The series' own type, so that arrays never import pandas.
    made: Any = type(equity)
    if _stamped(equity):
        depth = made(depth, index=getattr(equity, "index", None), name="drawdown")
    return cast("Levels", depth)


# --- groups of metrics --------------------------------------------------------


def _borne(observed: FloatArray) -> FloatArray:
    """The returns that wealth could bear: −1 where it is ruined, 0 ever after."""
    ruined = np.flatnonzero(observed <= -1.0)
    if not len(ruined):
        return observed
    borne = observed.copy()
    borne[ruined[0]] = -1.0
    borne[ruined[0] + 1 :] = 0.0
    return borne


def _wealth(observed: FloatArray) -> FloatArray:
    """Wealth after each observation, from 1; zero for good once it is not positive."""
    factors = 1.0 + observed
    alive = np.logical_and.accumulate(factors > 0.0)
    wealth: FloatArray = np.multiply.accumulate(np.where(alive, factors, 0.0))
    return wealth


def _growth(observed: FloatArray, periods_per_year: float) -> dict[str, float]:
    count = len(observed)
    if count == 0:
        return dict.fromkeys(
            (
                "total_return",
                "annual_return",
                "max_drawdown",
                "max_drawdown_periods",
                "calmar",
            ),
            math.nan,
        )
    wealth = _wealth(observed)
    peak = np.maximum(np.maximum.accumulate(wealth), 1.0)
    under = wealth < peak
    deepest = float(np.min(wealth / peak - 1.0))
    annual = float(np.power(wealth[-1], periods_per_year / count) - 1.0)
    return {
        "total_return": float(wealth[-1] - 1.0),
        "annual_return": annual,
        "max_drawdown": deepest,
        "max_drawdown_periods": float(_longest_run(under)),
        "calmar": _ratio(annual, -deepest),
    }


def _longest_run(flags: NDArray[np.bool_]) -> int:
    """The most consecutive True values."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return int(np.max(edges[1::2] - edges[::2], initial=0))


def _dispersion_ratios(
    observed: FloatArray, periods_per_year: float
) -> dict[str, float]:
    count = len(observed)
    root = math.sqrt(periods_per_year)
    mean = float(observed.mean()) if count else math.nan
    deviation = _deviation(observed)
    downside = (
        float(np.sqrt(np.mean(np.minimum(observed, 0.0) ** 2))) if count else math.nan
    )
    gains = float(observed[observed > 0.0].sum())
    losses = -float(observed[observed < 0.0].sum())
    return {
        "volatility": deviation * root,
        "downside_deviation": downside * root,
        "sharpe": _ratio(mean, deviation) * root,
        "sortino": _ratio(mean, downside) * root if count > 1 else math.nan,
        "hit_rate": float(np.mean(observed > 0.0)) if count else math.nan,
        "profit_factor": _ratio(gains, losses),
    }


def _shape(observed: FloatArray) -> dict[str, float]:
    """Tail and moments; G1 and G2 of Joanes & Gill (1998), The Statistician 47(1)."""
    n = len(observed)
    if n == 0:
        return dict.fromkeys(("var_95", "cvar_95", "skew", "excess_kurtosis"), math.nan)
    quantile = float(np.quantile(observed, _TAIL))
    metrics = {
        "var_95": quantile,
        "cvar_95": float(observed[observed <= quantile].mean()),
        "skew": math.nan,
        "excess_kurtosis": math.nan,
    }
    if not _deviation(observed) > 0.0:
        return metrics
    # Standardized first, so that powers of tiny returns do not vanish.
    z = (observed - observed.mean()) / observed.std()
    if n > 2:
        metrics["skew"] = float(np.mean(z**3)) * math.sqrt(n * (n - 1)) / (n - 2)
    if n > 3:
        g2 = float(np.mean(z**4)) - 3.0
        metrics["excess_kurtosis"] = (
            (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6.0)
        )
    return metrics


def _relative(
    own: FloatArray, other: FloatArray, periods_per_year: float
) -> dict[str, float]:
    root = math.sqrt(periods_per_year)
    active = own - other
    deviation = _deviation(active)
    mean = float(active.mean()) if len(active) else math.nan
    beta = alpha = r_squared = math.nan
    spread_other = _deviation(other)
    if spread_other > 0.0:
        centered = other - other.mean()
        covariance = float(np.sum((own - own.mean()) * centered)) / (len(own) - 1)
        beta = covariance / spread_other**2
        alpha = float(own.mean() - beta * other.mean()) * periods_per_year
        spread_own = _deviation(own)
        if spread_own > 0.0:
            r_squared = min((covariance / (spread_own * spread_other)) ** 2, 1.0)
    return {
        "beta": beta,
        "alpha": alpha,
        "r_squared": r_squared,
        "tracking_error": deviation * root,
        "information_ratio": _ratio(mean, deviation) * root,
    }


def _deviation(values: FloatArray) -> float:
    """Standard deviation, ddof 1; NaN below two values; 0 where they are constant."""
    if len(values) < 2:
        return math.nan
    if float(np.ptp(values)) <= _ROUNDING:
        return 0.0
    return float(values.std(ddof=1))


def _ratio(numerator: float, denominator: float) -> float:
    """NaN unless the denominator is positive."""
    return numerator / denominator if denominator > 0.0 else math.nan


# --- the input ----------------------------------------------------------------


def _stamped(values: Any) -> bool:
    """Is it a pandas Series? Asked without importing pandas."""
    return hasattr(values, "to_numpy") and hasattr(values, "index")


def _values(series: Any, name: str) -> FloatArray:
    """The values as float64, shape (periods,). Raises BadInput for anything else."""
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1:
        raise BadInput(
            f"{name} must have one dimension, got shape {values.shape}",
            code="returns_shape",
        )
    if np.isinf(values).any():
        raise BadInput(
            f"{name} holds an infinite value at position "
            f"{int(np.flatnonzero(np.isinf(values))[0])}",
            code="infinite_return",
            remedy="NaN says that there is no observation",
        )
    return values


def _stamps(series: Any) -> NDArray[np.datetime64] | None:
    """The index as UTC nanoseconds, or None where there is no time index."""
    if not _stamped(series) or series.index.dtype.kind != "M":
        return None
    if series.index.tz is None:
        raise BadInput(
            "the time index has no zone",
            code="naive_time",
            remedy='say which: series.tz_localize("UTC")',
        )
    if not series.index.is_monotonic_increasing:
        raise BadInput(
            "the time index is not ascending",
            code="time_order",
            remedy="sort it: series.sort_index()",
        )
    utc = series.index.tz_convert("UTC").tz_localize(None)
    stamps: NDArray[np.datetime64] = utc.to_numpy().astype("datetime64[ns]")
    return stamps


def _month_by_month(
    series: Any, values: FloatArray
) -> tuple[NDArray[np.datetime64], FloatArray]:
    """(months, compounded returns) of the months with an observation."""
    observed = np.isfinite(values)
    stamps = _stamps(series)
    if stamps is None or not observed.any():
        return np.empty(0, dtype="datetime64[M]"), np.empty(0)
    # A close at midnight ends the day before; a nanosecond earlier lies in the bar.
    month = (stamps[observed] - np.timedelta64(1, "ns")).astype("datetime64[M]")
    wealth = _wealth(values[observed])
    last = np.flatnonzero(np.append(month[1:] != month[:-1], [True]))
    end = wealth[last]
    begin = np.concatenate([[1.0], end[:-1]])
    with np.errstate(invalid="ignore", divide="ignore"):
        compounded = np.where(begin > 0.0, end / begin - 1.0, np.nan)
    return month[last], compounded


def _paired(
    returns: Any, values: FloatArray, benchmark: Any
) -> tuple[FloatArray, FloatArray]:
    """The observations that both have, matched by stamp or else by position."""
    if _stamped(returns) and _stamped(benchmark):
        if not benchmark.index.is_unique:
            raise BadInput(
                "the benchmark has two values for one stamp", code="time_order"
            )
        benchmark = benchmark.reindex(returns.index)
    other = _values(benchmark, "benchmark")
    if len(other) != len(values):
        raise BadInput(
            f"the benchmark has {len(other)} periods, the returns have {len(values)}",
            code="benchmark_length",
            remedy="pass two Series with time indexes, or arrays of one length",
        )
    both = np.isfinite(values) & np.isfinite(other)
    return values[both], other[both]
