"""Leaks planted for `factor lint` to find: ways to see the future, or too much past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from factortrader.factors.operators import delay, returns, rolling_mean
from factortrader.market.panel import Panel
from factortrader.units import FloatArray
from factortrader.validation.lint import Check, Leak
from factortrader.validation.perturbed import generated_panel

PANEL = generated_panel(bars=120, assets=9, seed=5)
ROWS = 10

Leaky = Callable[[Panel], FloatArray]


def close(panel: Panel) -> FloatArray:
    return panel.research("close")


def filled_backwards(x: FloatArray) -> FloatArray:
    out = x.copy()
    for row in range(len(x) - 2, -1, -1):
        out[row] = np.where(np.isnan(out[row]), out[row + 1], out[row])
    return out


def interpolated(panel: Panel) -> FloatArray:
    out = close(panel).copy()
    rows = np.arange(len(out))
    for column in out.T:
        known = np.isfinite(column)
        column[:] = np.interp(rows, rows[known], column[known])
    return out


def centered_mean(panel: Panel) -> FloatArray:
    x = close(panel)
    return (delay(x, 1) + x + delay(x[::-1], 1)[::-1]) / 3.0


def zero_filled(panel: Panel) -> FloatArray:
    return np.nan_to_num(returns(close(panel)))


def convolved(panel: Panel) -> FloatArray:
    r = zero_filled(panel)
    return np.stack([np.convolve(c, np.ones(5) / 5.0, "same") for c in r.T], axis=1)


def first_principal_component(panel: Panel) -> FloatArray:
    r = zero_filled(panel)
    _, _, axes = np.linalg.svd(r - r.mean(axis=0), full_matrices=False)
    return r * np.abs(axes[0])


def sorted_by_total_return(panel: Panel) -> FloatArray:
    total = np.nansum(zero_filled(panel), axis=0)
    place = np.argsort(np.argsort(total)).astype(float)
    return np.where(np.isfinite(close(panel)), place, np.nan)


def rank_of_time(panel: Panel) -> FloatArray:
    share = np.arange(1.0, panel.bars + 1.0) / panel.bars
    return np.repeat(share[:, None], len(panel.assets), axis=1)


def ever_eligible(panel: Panel) -> FloatArray:
    return np.where(panel.eligible.any(axis=0), 1.0, np.nan) * np.where(
        panel.eligible[::-1].cumsum(axis=0)[::-1] > 10, 1.0, 0.0
    )


def back_adjusted(panel: Panel) -> FloatArray:
    assert panel.adjustment is not None
    return panel.raw("close") * panel.adjustment / panel.adjustment[-1]


def future_volume_filter(panel: Panel) -> FloatArray:
    return np.where(np.nanmean(panel.research("volume"), axis=0) > 3e3, 1.0, 0.0) * (
        np.ones((panel.bars, 1))
    )


def detrended(panel: Panel) -> FloatArray:
    r = returns(close(panel))
    return r - np.nanmean(r, axis=0)


def forward_return_weighted(panel: Panel) -> FloatArray:
    funding = panel.research("funding_rate")
    return np.vstack([funding[1:], np.full((1, funding.shape[1]), np.nan)])


LOOKING_AHEAD: dict[str, tuple[Leaky, tuple[str, ...]]] = {
    "z-score over the full sample": (
        lambda p: (
            (close(p) - np.nanmean(close(p), axis=0)) / np.nanstd(close(p), axis=0)
        ),
        ("close",),
    ),
    "min-max scaling over the sample": (
        lambda p: (
            (close(p) - np.nanmin(close(p), axis=0))
            / (np.nanmax(close(p), axis=0) - np.nanmin(close(p), axis=0))
        ),
        ("close",),
    ),
    "centered window": (centered_mean, ("close",)),
    "filled backwards": (lambda p: filled_backwards(close(p)), ("close", "listed")),
    "delay of −1": (
        lambda p: delay(close(p)[::-1], 1)[::-1].copy(),
        ("close",),
    ),
    "maximum of the future": (
        lambda p: np.fmax.accumulate(p.research("high")[::-1], axis=0)[::-1].copy(),
        ("high",),
    ),
    "rank of time in the sample": (rank_of_time, ()),
    "percentage change forwards": (
        lambda p: delay(close(p)[::-1], 3)[::-1] / close(p) - 1.0,
        ("close",),
    ),
    "convolution in mode same": (convolved, ("close",)),
    "interpolation over holes": (interpolated, ("close", "listed")),
    "universe of those that will be eligible": (ever_eligible, ("eligible",)),
    "sorted by total return": (sorted_by_total_return, ("close",)),
    "principal component of the sample": (first_principal_component, ("close",)),
    "minus the mean of the sample": (detrended, ("close",)),
    "adjusted backwards": (back_adjusted, ("adjustment",)),
    "liquidity filter over the sample": (future_volume_filter, ("volume",)),
    "funding of the next bar": (forward_return_weighted, ("funding_rate",)),
    "quantile of the whole sample": (
        lambda p: np.where(close(p) > np.nanquantile(close(p), 0.5, axis=0), 1.0, -1.0),
        ("close",),
    ),
}


def cumulative_mean_difference(panel: Panel) -> FloatArray:
    total = np.cumsum(zero_filled(panel), axis=0)
    return total - delay(total, ROWS - 2)


def ewm_over_everything(panel: Panel) -> FloatArray:
    out = zero_filled(panel).copy()
    for row in range(1, len(out)):
        out[row] = 0.5 * out[row] + 0.5 * out[row - 1]
    return out


def expanding_maximum(panel: Panel) -> FloatArray:
    return close(panel) / np.fmax.accumulate(close(panel), axis=0)


def filled_forwards(panel: Panel) -> FloatArray:
    out = close(panel).copy()
    for row in range(1, len(out)):
        out[row] = np.where(np.isnan(out[row]), out[row - 1], out[row])
    return out


def counted_from_the_start(panel: Panel) -> FloatArray:
    return np.repeat(np.arange(float(panel.bars))[:, None], len(panel.assets), axis=1)


BEYOND_ITS_ROWS: dict[str, tuple[Leaky, tuple[str, ...]]] = {
    "one row more than declared": (
        lambda p: rolling_mean(close(p), ROWS + 1),
        ("close",),
    ),
    "difference of cumulative sums": (cumulative_mean_difference, ("close",)),
    "exponential mean of the whole history": (ewm_over_everything, ("close",)),
    "maximum since the start": (expanding_maximum, ("close",)),
    "filled forwards without limit": (filled_forwards, ("close",)),
    "number of bars so far": (counted_from_the_start, ()),
}


def by_check(leaks: tuple[Leak, ...]) -> dict[Check, Leak]:
    return {leak.check: leak for leak in leaks}
