"""`factor lint` finds what is planted in a function, and says where."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.validation.planted import (
    BEYOND_ITS_ROWS,
    LOOKING_AHEAD,
    PANEL,
    ROWS,
    by_check,
    close,
)

from factortrader.errors import BadInput
from factortrader.factors.factor import bind
from factortrader.factors.momentum import momentum
from factortrader.factors.operators import delay
from factortrader.market.panel import Panel
from factortrader.units import FloatArray
from factortrader.validation.lint import Check, default_cuts, lint_function

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
"""Careless code divides by zero and averages nothing; that is not the point here."""


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_a_panel_shorter_than_the_lookback_is_refused() -> None:
    """Where nothing could be seen the answer is not silence."""
    with pytest.raises(BadInput, match="too few"):
        lint_function(bind(momentum), PANEL.rows(0, 20), rows=31, name="momentum")


def test_the_cuts_include_bars_just_before_a_price_comes_back() -> None:
    """A value that was filled from the future shows only there."""
    seen = np.isfinite(PANEL.research("close"))

    cuts = default_cuts(PANEL, 10)

    assert sum((~seen[cut] & seen[cut + 1]).any() for cut in cuts) >= 4
    assert min(cuts) == 9
    assert max(cuts) == PANEL.bars - 2
