"""`factor lint` finds planted leaks and is silent over everything that ships."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from factortrader.errors import BadInput
from factortrader.events import SignalsUpdated
from factortrader.factors.carry import carry
from factortrader.factors.factor import Factor, bind
from factortrader.factors.liquidity import amihud_illiquidity
from factortrader.factors.momentum import momentum
from factortrader.factors.operators import delay, returns, rolling_mean
from factortrader.factors.reversal import short_term_reversal
from factortrader.factors.size import small_size
from factortrader.factors.volatility import low_volatility
from factortrader.market.panel import Panel
from factortrader.market.window import Window
from factortrader.signals.signal import signals_updated
from factortrader.units import FloatArray
from factortrader.validation.lint import Check, Leak, default_cuts, lint_function
from factortrader.validation.lint_fund import lint_fund, lint_report, lint_strategy
from factortrader.validation.perturbed import generated_panel
from factortrader_strategies.blend import Blend
from factortrader_strategies.buy_and_hold import BuyAndHold
from factortrader_strategies.cross_sectional_momentum import CrossSectionalMomentum
from factortrader_strategies.equal_weight import EqualWeight
from factortrader_strategies.short_term_reversal import ShortTermReversal

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
"""Careless code divides by zero and averages nothing; that is not the point here."""

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


@pytest.mark.parametrize("name", LOOKING_AHEAD)
def test_a_planted_look_ahead_is_found_and_its_input_named(name: str) -> None:
    """Each way of seeing the future is found, with the input through which it is seen."""
    function, through = LOOKING_AHEAD[name]

    found = by_check(lint_function(function, PANEL, rows=ROWS, name=name))

    assert Check.LOOK_AHEAD in found
    leak = found[Check.LOOK_AHEAD]
    assert (
        set(through) <= set(leak.inputs) <= {*through, "listed", "clean", "adjustment"}
    )
    assert leak.name == name
    assert name in str(leak)
    assert all(one in leak.what for one in through)


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


@pytest.mark.parametrize("name", BEYOND_ITS_ROWS)
def test_a_planted_long_memory_is_found_and_its_input_named(name: str) -> None:
    """Whatever reads rows before the declared ones, if only in the last bit, is found."""
    function, through = BEYOND_ITS_ROWS[name]

    found = by_check(lint_function(function, PANEL, rows=ROWS, name=name))

    assert Check.LOOK_AHEAD not in found
    assert set(through) <= set(found[Check.WARM_UP].inputs)


def test_a_sum_over_all_columns_is_found() -> None:
    """A cross-sectional mean whose bits depend on how many columns exist is a leak."""

    def blas_mean(panel: Panel) -> FloatArray:
        x = np.nan_to_num(close(panel))
        return np.repeat((x.sum(axis=1) / x.shape[1])[:, None], x.shape[1], axis=1)

    found = by_check(lint_function(blas_mean, PANEL, rows=1, name="mean"))

    assert set(found) == {Check.DEAD_COLUMNS}


def test_a_random_function_is_found() -> None:
    """A function that answers differently to the same question is not a factor."""
    random = np.random.default_rng(0)

    def noise(panel: Panel) -> FloatArray:
        return random.normal(size=panel.listed.shape)

    assert set(by_check(lint_function(noise, PANEL, rows=1, name="noise"))) == {
        Check.NOT_REPEATABLE
    }


def test_a_function_that_falls_over_is_found() -> None:
    """A crash over a shorter panel is reported, not raised."""

    def fixed_length(panel: Panel) -> FloatArray:
        return close(panel) - close(panel)[119]

    found = by_check(lint_function(fixed_length, PANEL, rows=1, name="fixed"))

    assert Check.CRASH in found
    assert "IndexError" in found[Check.CRASH].what


def test_the_first_leaking_bar_is_named() -> None:
    """A leak that begins at one bar is dated by that bar."""

    def from_bar_forty_on(panel: Panel) -> FloatArray:
        x = close(panel)
        ahead = delay(x[::-1], 1)[::-1]
        late = panel.close_ns[:, None] >= PANEL.close_ns[40]
        return np.where(late, ahead, x)

    leaks = lint_function(
        from_bar_forty_on, PANEL, rows=1, name="late", cuts=(10, 40, 80)
    )

    assert [leak.first_ns for leak in leaks] == [int(PANEL.close_ns[40])]


# --- what ships -----------------------------------------------------------------

SHIPPED = [
    bind(momentum, parameters={"lookback_bars": 30, "skip_bars": 2}, transform="rank"),
    bind(short_term_reversal, transform="zscore"),
    bind(low_volatility, transform="winsorized_zscore"),
    bind(amihud_illiquidity, transform="robust_zscore"),
    bind(small_size, transform="winsorized_zscore"),
    bind(carry),
]
STRATEGIES = [
    CrossSectionalMomentum(formation_bars=20, skip_bars=1),
    ShortTermReversal(formation_bars=4, transform="winsorized_zscore"),
    Blend(factors=tuple((factor, 0.5) for factor in SHIPPED)),
    Blend(factors=tuple((factor, 0.5) for factor in SHIPPED), renormalize=True),
    EqualWeight(),
    BuyAndHold(assets=("A01", "A05")),
]


@pytest.mark.slow
def test_everything_that_ships_is_clean() -> None:
    """No shipped factor or strategy looks ahead, or beyond its rows, by a single bit."""
    report = lint_report(factors=SHIPPED, strategies=STRATEGIES)

    assert report.clean, report.lines()
    assert len(report.checked) == len(SHIPPED) + len(STRATEGIES)
    assert report.generated
    assert report.lines()[-1].endswith("no leak")


# --- strategies -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """A strategy that says what one panel function says."""

    factor: Leaky
    lookback_bars: int = ROWS
    name: str = "reads"

    def on_bars(self, window: Window) -> Iterator[SignalsUpdated]:
        scores = window.latest(self.factor)
        yield signals_updated(window, strategy=self.name, scores=scores)


def test_a_strategy_whose_factor_sees_the_future_through_the_memo_is_found() -> None:
    """What a memo over the whole history would change is look-ahead."""
    leaky, _ = LOOKING_AHEAD["z-score over the full sample"]

    found = lint_strategy(Reads(factor=leaky), PANEL)

    assert Check.LOOK_AHEAD in by_check(found)
    assert {leak.name for leak in found} == {"reads", "reads, <lambda>"}


@dataclass(slots=True, kw_only=True)
class Remembers:
    """A strategy with a state of its own."""

    lookback_bars: int = 1
    seen: list[int] = field(default_factory=list)

    def on_bars(self, window: Window) -> Iterator[SignalsUpdated]:
        self.seen.append(window.close_ns)
        scores = np.full(len(window.assets), float(len(self.seen)))
        yield signals_updated(window, strategy="remembers", scores=scores)


def test_a_strategy_with_a_memory_of_its_own_is_found() -> None:
    """A strategy is a function of its window; one that counts its calls is not."""
    found = by_check(lint_strategy(Remembers(), PANEL))

    assert Check.NOT_REPEATABLE in found
    assert found[Check.NOT_REPEATABLE].name == "Remembers"


def test_a_strategy_that_uses_every_row_it_gets_is_found() -> None:
    """More rows than declared must not change a signal."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Greedy:
        lookback_bars: int = ROWS
        name: str = "greedy"

        def on_bars(self, window: Window) -> Iterator[SignalsUpdated]:
            x = close(window.panel)
            yield signals_updated(window, strategy=self.name, scores=x[-1] / x[0])

    assert set(by_check(lint_strategy(Greedy(), PANEL))) == {Check.WARM_UP}


def test_a_signal_with_the_time_of_another_bar_is_found() -> None:
    """A signal is dated by the close of the bar that it was made of."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Early:
        lookback_bars: int = 2

        def on_bars(self, window: Window) -> Iterator[SignalsUpdated]:
            yield SignalsUpdated(
                time_ns=int(window.panel.close_ns[0]),
                strategy="early",
                assets=window.assets,
                scores=window.panel.fields["close"][-1],
                contributions={},
            )

    assert Check.WRONG_TIME in by_check(lint_strategy(Early(), PANEL))


# --- funds ----------------------------------------------------------------------


def run_of(function: Leaky) -> Callable[[Panel], list[tuple[int, bytes]]]:
    def run(panel: Panel) -> list[tuple[int, bytes]]:
        values = function(panel)
        return [
            (int(at), row.tobytes())
            for at, row in zip(panel.close_ns, np.nan_to_num(values), strict=True)
        ]

    return run


def test_a_fund_that_sees_the_future_is_found() -> None:
    """What a fund said up to a bar may not change with the universe after it."""
    (leak,) = lint_fund(run_of(ever_eligible), PANEL, name="momentum fund")

    assert (leak.check, leak.inputs) == (Check.LOOK_AHEAD, ("eligible",))
    assert leak.name == "momentum fund"


def test_a_fund_that_keeps_to_the_past_is_clean() -> None:
    """A causal run is the same up to each cut, whatever its memory."""
    assert lint_fund(run_of(ewm_over_everything), PANEL) == ()


def test_a_fund_that_cannot_repeat_itself_is_found() -> None:
    """The same panel must give the same run."""
    count = iter(range(100))

    def run(panel: Panel) -> list[tuple[int, bytes]]:
        return [(int(panel.close_ns[0]), str(next(count)).encode())]

    assert [leak.check for leak in lint_fund(run, PANEL)] == [Check.NOT_REPEATABLE]


# --- the rest -------------------------------------------------------------------


def test_a_panel_shorter_than_the_lookback_is_refused() -> None:
    """Where nothing could be seen the answer is not silence."""
    with pytest.raises(BadInput, match="too few"):
        lint_function(SHIPPED[0], PANEL.rows(0, 20), rows=31, name="momentum")


def test_the_cuts_include_bars_just_before_a_price_comes_back() -> None:
    """A value that was filled from the future shows only there."""
    seen = np.isfinite(PANEL.research("close"))

    cuts = default_cuts(PANEL, 10)

    assert sum((~seen[cut] & seen[cut + 1]).any() for cut in cuts) >= 4
    assert min(cuts) == 9
    assert max(cuts) == PANEL.bars - 2


def test_a_report_names_what_leaks_in_words_and_in_json() -> None:
    """The report of a leaking factor says who, when, whose value and through what."""

    def peeks(close: FloatArray) -> FloatArray:
        return delay(close[::-1], 1)[::-1].copy()

    report = lint_report(factors=[factor_of(peeks)], panel=PANEL)

    assert not report.clean
    assert report.lines()[0].startswith("peeks: look_ahead at ")
    assert "close" in report.to_json()["leaks"][0]["inputs"]  # type: ignore[index]


def factor_of(function: Callable[..., FloatArray]) -> Factor:
    return bind(function, rows=1)


def by_check(leaks: tuple[Leak, ...]) -> dict[Check, Leak]:
    return {leak.check: leak for leak in leaks}
