"""`factor lint` over strategies, funds and everything that ships."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.unit.validation.planted import (
    LOOKING_AHEAD,
    PANEL,
    ROWS,
    Leaky,
    by_check,
    close,
    ever_eligible,
    ewm_over_everything,
)

from factortrader.events import SignalsUpdated
from factortrader.factors.carry import carry
from factortrader.factors.factor import Factor, bind
from factortrader.factors.liquidity import amihud_illiquidity
from factortrader.factors.momentum import momentum
from factortrader.factors.operators import delay
from factortrader.factors.reversal import short_term_reversal
from factortrader.factors.size import small_size
from factortrader.factors.volatility import low_volatility
from factortrader.market.panel import Panel
from factortrader.market.window import Window
from factortrader.signals.signal import signals_updated
from factortrader.units import FloatArray
from factortrader.validation.lint import Check
from factortrader.validation.lint_fund import lint_fund, lint_report, lint_strategy
from factortrader_strategies.blend import Blend
from factortrader_strategies.buy_and_hold import BuyAndHold
from factortrader_strategies.cross_sectional_momentum import CrossSectionalMomentum
from factortrader_strategies.equal_weight import EqualWeight
from factortrader_strategies.short_term_reversal import ShortTermReversal

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
"""Careless code divides by zero and averages nothing; that is not the point here."""

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
