"""R11: every operator and factor is causal and window-local, to the last bit.

Operators and factors are found, not listed: a new operator without a case fails, and a
new factor is held to the rule as soon as its file exists.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import factortrader.factors
from factortrader.factors import operators as op
from factortrader.factors.factor import TRANSFORMS, Factor, bind
from factortrader.units import BoolArray, FloatArray
from factortrader.validation.perturbed import generated_panel, with_dead_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Arrays of one shape (bars, assets), and the operator's window."""

    x: FloatArray
    y: FloatArray
    where: BoolArray
    window: int

    def cut(self, rows: slice, columns: slice | list[int] = slice(None)) -> Inputs:
        return Inputs(
            x=self.x[rows][:, columns],
            y=self.y[rows][:, columns],
            where=self.where[rows][:, columns],
            window=self.window,
        )


Apply = Callable[[Inputs], FloatArray]
ONE_ROW: Callable[[int], int] = lambda window: 1  # noqa: E731 (a constant of a table)

ALONG_TIME: dict[str, tuple[Apply, Callable[[int], int]]] = {
    "delay": (lambda i: op.delay(i.x, i.window), lambda w: w + 1),
    "difference": (lambda i: op.difference(i.x, bars=i.window), lambda w: w + 1),
    "returns": (lambda i: op.returns(i.x, bars=i.window), lambda w: w + 1),
    "log": (lambda i: op.log(i.x), ONE_ROW),
    "rolling_sum": (lambda i: op.rolling_sum(i.x, i.window), lambda w: w),
    "rolling_mean": (lambda i: op.rolling_mean(i.x, i.window), lambda w: w),
    "rolling_std": (lambda i: op.rolling_std(i.x, i.window), lambda w: w),
    "rolling_zscore": (lambda i: op.rolling_zscore(i.x, i.window), lambda w: w),
    "rolling_skew": (lambda i: op.rolling_skew(i.x, i.window), lambda w: w),
    "rolling_min": (lambda i: op.rolling_min(i.x, i.window), lambda w: w),
    "rolling_max": (lambda i: op.rolling_max(i.x, i.window), lambda w: w),
    "rolling_median": (lambda i: op.rolling_median(i.x, i.window), lambda w: w),
    "rolling_mad": (lambda i: op.rolling_mad(i.x, i.window), lambda w: w),
    "rolling_robust_zscore": (
        lambda i: op.rolling_robust_zscore(i.x, i.window),
        lambda w: w,
    ),
    "rolling_corr": (lambda i: op.rolling_corr(i.x, i.y, i.window), lambda w: w),
    "rolling_beta": (lambda i: op.rolling_beta(i.y, i.x, i.window), lambda w: w),
    "ewm": (
        lambda i: op.ewm(i.x, half_life_bars=i.window / 8.0),
        lambda w: op.ewm_rows(w / 8.0),
    ),
}
"""name → (call, rows that one value needs for a window)."""

COUNTED: dict[str, Apply] = {
    "rolling_sum": lambda i: op.rolling_sum(i.x, i.window, min_periods=3),
    "rolling_mean": lambda i: op.rolling_mean(i.x, i.window, min_periods=3),
    "rolling_std": lambda i: op.rolling_std(i.x, i.window, min_periods=3),
    "rolling_zscore": lambda i: op.rolling_zscore(i.x, i.window, min_periods=3),
    "rolling_skew": lambda i: op.rolling_skew(i.x, i.window, min_periods=3),
    "rolling_min": lambda i: op.rolling_min(i.x, i.window, min_periods=3),
    "rolling_max": lambda i: op.rolling_max(i.x, i.window, min_periods=3),
    "rolling_median": lambda i: op.rolling_median(i.x, i.window, min_periods=3),
    "rolling_mad": lambda i: op.rolling_mad(i.x, i.window, min_periods=3),
    "rolling_robust_zscore": lambda i: op.rolling_robust_zscore(
        i.x, i.window, min_periods=3
    ),
    "rolling_corr": lambda i: op.rolling_corr(i.x, i.y, i.window, min_periods=3),
    "rolling_beta": lambda i: op.rolling_beta(i.y, i.x, i.window, min_periods=3),
    "ewm": lambda i: op.ewm(i.x, half_life_bars=i.window / 8.0, min_periods=3),
}

ACROSS_ASSETS: dict[str, Apply] = {
    "rank": lambda i: op.rank(i.x, where=i.where),
    "demean": lambda i: op.demean(i.x, where=i.where),
    "zscore": lambda i: op.zscore(i.x, where=i.where),
    "winsorized_zscore": lambda i: op.winsorized_zscore(i.x, where=i.where),
    "robust_zscore": lambda i: op.robust_zscore(i.x, where=i.where),
}

CASES: dict[str, tuple[Apply, Callable[[int], int]]] = {
    **ALONG_TIME,
    **{
        f"{name}, counted": (apply, ALONG_TIME[name][1])
        for name, apply in COUNTED.items()
    },
    **{name: (apply, ONE_ROW) for name, apply in ACROSS_ASSETS.items()},
}

NO_OPERATORS = {"ewm_rows"}
"""Exported beside the operators: takes no array."""


def public_functions(module_name: str) -> Iterator[tuple[str, Callable[..., object]]]:
    module = importlib.import_module(f"factortrader.factors.{module_name}")
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            yield name, function


MODULES = [found.name for found in pkgutil.iter_modules(factortrader.factors.__path__)]
FACTORS = [
    function
    for module in MODULES
    for _, function in public_functions(module)
    if hasattr(function, "rows_needed")
]


def test_every_operator_has_a_case() -> None:
    """A new operator that nobody checks for R11 fails here."""
    cases = {*ALONG_TIME, *ACROSS_ASSETS}

    assert set(op.__all__) - NO_OPERATORS == cases
    takes_a_minimum = {
        name
        for name in ALONG_TIME
        if "min_periods" in inspect.signature(getattr(op, name)).parameters
    }
    assert takes_a_minimum == set(COUNTED)


def test_every_factor_file_declares_a_factor() -> None:
    """The discovery finds the factors of each family."""
    families = {function.__module__.rpartition(".")[2] for function in FACTORS}

    assert {"momentum", "reversal", "volatility", "liquidity", "size", "carry"} <= (
        families
    )


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    """Noise of any scale with gaps, infinities, ties, zeros of both signs, calm spells."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bars, assets = draw(st.integers(30, 70)), draw(st.sampled_from([1, 2, 5, 41]))
    shape = (bars, assets)
    gaps = draw(st.sampled_from([0.0, 0.02, 0.3]))

    def noise() -> FloatArray:
        x = random.normal(size=shape) * 10.0 ** random.integers(-6, 9, (1, assets))
        x += random.choice([0.0, 1e3], (1, assets))
        x[random.random(shape) < 0.1] = random.choice([0.0, -0.0, 1.0])
        start = random.integers(0, bars)
        x[start : start + 12, random.integers(0, assets)] = 0.1
        x[-start : 15 - start] = random.choice(
            [0.0, -0.0], x[-start : 15 - start].shape
        )
        x[random.random(shape) < gaps] = np.nan
        x[random.random(shape) < gaps / 10.0] = np.inf
        return x

    return Inputs(
        x=noise(),
        y=noise(),
        where=random.random(shape) < 0.8,
        window=draw(st.integers(3, 13)),
    )


EXAMPLES = settings(max_examples=15, deadline=None, derandomize=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@EXAMPLES
@given(given=inputs())
def test_the_declared_rows_alone_give_the_same_bits(name: str, given: Inputs) -> None:
    """A value from exactly the declared rows is the value from the whole history."""
    apply, rows_of = CASES[name]
    rows = rows_of(given.window)
    whole = apply(given)

    for end in range(rows, len(given.x) + 1, 3):
        alone = apply(given.cut(slice(end - rows, end)))[-1]
        assert_same_bits(alone, whole[end - 1])


@pytest.mark.parametrize("name", CASES)
@EXAMPLES
@given(given=inputs(), start=st.integers(0, 20), length=st.integers(1, 40))
def test_another_start_and_another_end_give_the_same_bits(
    name: str, given: Inputs, start: int, length: int
) -> None:
    """Neither earlier nor later rows change a value that has its rows."""
    apply, rows_of = CASES[name]
    full_from = start + rows_of(given.window) - 1
    end = min(full_from + length, len(given.x))

    part = apply(given.cut(slice(start, end)))

    assert_same_bits(part[full_from - start :], apply(given)[full_from:end])


@pytest.mark.parametrize("name", CASES)
@EXAMPLES
@given(given=inputs(), seed=st.integers(0, 1000))
def test_dead_columns_give_the_same_bits(name: str, given: Inputs, seed: int) -> None:
    """Assets without any value, wherever they stand, change nobody else's value."""
    apply, _ = CASES[name]
    random = np.random.default_rng(seed)
    bars, assets = given.x.shape
    width = assets + int(random.integers(1, 40))
    kept = np.sort(random.permutation(width)[:assets])

    def wide(array: FloatArray) -> FloatArray:
        out = np.full((bars, width), np.nan)
        out[:, kept] = array
        return out

    where = np.ones((bars, width), dtype=np.bool_)
    where[:, kept] = given.where
    widened = Inputs(x=wide(given.x), y=wide(given.y), where=where, window=given.window)

    assert_same_bits(apply(widened)[:, kept], apply(given))


@pytest.mark.parametrize("name", ALONG_TIME)
@EXAMPLES
@given(given=inputs())
def test_each_asset_by_itself_gives_the_same_bits(name: str, given: Inputs) -> None:
    """Along time no asset can see another one."""
    apply, _ = ALONG_TIME[name]
    whole = apply(given)

    for column in range(min(given.x.shape[1], 5)):
        alone = apply(given.cut(slice(None), [column]))
        assert_same_bits(alone[:, 0], whole[:, column])


@pytest.mark.parametrize("name", CASES)
@EXAMPLES
@given(given=inputs())
def test_another_layout_in_memory_gives_the_same_bits(name: str, given: Inputs) -> None:
    """Column-major and strided arrays are computed like any other."""
    apply, _ = CASES[name]
    by_column = Inputs(
        x=np.asfortranarray(given.x),
        y=np.repeat(given.y, 2, axis=1)[:, ::2],
        where=np.asfortranarray(given.where),
        window=given.window,
    )

    assert_same_bits(apply(by_column), apply(given))


@pytest.mark.parametrize("name", COUNTED)
@EXAMPLES
@given(given=inputs())
def test_absent_rows_are_like_empty_rows(name: str, given: Inputs) -> None:
    """With a minimum count, rows before the first are rows without a value."""
    apply = COUNTED[name]
    empty = np.full((11, given.x.shape[1]), np.nan)
    longer = Inputs(
        x=np.vstack([empty, given.x]),
        y=np.vstack([empty, given.y]),
        where=np.vstack([empty == 0.0, given.where]),
        window=given.window,
    )

    assert_same_bits(apply(longer)[11:], apply(given))


@pytest.mark.parametrize("name", COUNTED)
@EXAMPLES
@given(given=inputs())
def test_a_full_window_has_the_same_bits_however_it_is_counted(
    name: str, given: Inputs
) -> None:
    """Where all rows are there, a lower minimum changes nothing."""
    strict, counted = ALONG_TIME[name][0](given), COUNTED[name](given)

    full = np.isfinite(strict)
    assert_same_bits(counted[full], strict[full])


def factor_cases() -> Iterator[Factor]:
    for function in FACTORS:
        for transform in TRANSFORMS:
            yield bind(function, transform=transform)


@pytest.mark.slow
@pytest.mark.parametrize(
    "factor",
    list(factor_cases()),
    ids=lambda factor: f"{factor.name}-{factor.transform}",
)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_factor_needs_exactly_the_rows_that_it_declares(
    factor: Factor, seed: int
) -> None:
    """Live (the declared rows) and replay (all rows at once) agree to the last bit."""
    rows = factor.lookback_bars
    panel = generated_panel(bars=rows + 40, assets=9, seed=seed)
    wide, kept = with_dead_columns(panel)
    whole = factor(panel)

    assert_same_bits(factor(wide)[:, kept], whole)
    for end in range(rows, panel.bars + 1, 7):
        assert_same_bits(factor(panel.rows(end - rows, end))[-1], whole[end - 1])
        assert_same_bits(factor(panel.rows(0, end)), whole[:end])
    assert np.isfinite(whole[rows - 1 :]).any()


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.__name__)
def test_a_factor_declares_no_row_too_many(factor: Callable[..., FloatArray]) -> None:
    """One row less than declared is one too few: the newest value is missing."""
    bound = bind(factor)
    panel = generated_panel(bars=400, assets=9, seed=3)
    whole = np.isfinite(bound(panel)[-1])

    short = bound(panel.rows(panel.bars - bound.lookback_bars + 1, panel.bars))

    assert whole.any()
    assert not np.isfinite(short[-1:]).any()


def assert_same_bits(one: FloatArray, other: FloatArray) -> None:
    assert one.shape == other.shape
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    nan = np.isnan(one)
    np.testing.assert_array_equal(nan, np.isnan(other))
    np.testing.assert_array_equal(one.view(np.int64)[~nan], other.view(np.int64)[~nan])
