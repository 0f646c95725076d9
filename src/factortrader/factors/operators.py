"""The operators that factors are composed from, in one place.

Along time (`rolling`, `order_statistics`) and across assets (`cross_section`); all
take and return (bars, assets), oldest row first, and hold R11 to the last bit.
"""

from factortrader.factors.cross_section import (
    demean,
    rank,
    robust_zscore,
    winsorized_zscore,
    zscore,
)
from factortrader.factors.order_statistics import (
    rolling_mad,
    rolling_median,
    rolling_robust_zscore,
)
from factortrader.factors.rolling import (
    delay,
    difference,
    ewm,
    ewm_rows,
    log,
    returns,
    rolling_beta,
    rolling_corr,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_skew,
    rolling_std,
    rolling_sum,
    rolling_zscore,
)

__all__ = [
    "delay",
    "demean",
    "difference",
    "ewm",
    "ewm_rows",
    "log",
    "rank",
    "returns",
    "robust_zscore",
    "rolling_beta",
    "rolling_corr",
    "rolling_mad",
    "rolling_max",
    "rolling_mean",
    "rolling_median",
    "rolling_min",
    "rolling_robust_zscore",
    "rolling_skew",
    "rolling_std",
    "rolling_sum",
    "rolling_zscore",
    "winsorized_zscore",
    "zscore",
]
