"""Binding a function to its settings: what is refused, and what a factor is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
import numpy as np
import pytest

from factortrader.errors import BadInput
from factortrader.factors import operators as op
from factortrader.factors.factor import TRANSFORMS, bind, rows
from factortrader.factors.momentum import momentum
from factortrader.units import BoolArray, FloatArray
from factortrader.validation.perturbed import generated_panel

PANEL = generated_panel(bars=60, assets=8, seed=2)


@rows(lambda *, window: window)
def calm(close: FloatArray, *, window: int = 5, scale: float = 1.0) -> FloatArray:
    return scale * op.rolling_mean(close, window)


def test_a_factor_is_its_function_over_research_prices() -> None:
    """The inputs are the fields that the positional parameters name."""
    factor = bind(calm, parameters={"window": 7})

    np.testing.assert_array_equal(
        factor(PANEL), op.rolling_mean(PANEL.research("close"), 7)
    )
    assert (factor.name, factor.inputs, factor.lookback_bars) == ("calm", ("close",), 7)
    assert factor.parameters == (("window", 7), ("scale", 1.0))


def test_factors_with_equal_settings_are_equal() -> None:
    """A memo finds a factor by value, whoever bound it."""
    one, same = bind(calm), bind(calm, parameters={"window": 5, "scale": 1})

    assert one == same
    assert hash(one) == hash(same)
    assert one != bind(calm, parameters={"window": 6})
    assert one != bind(calm, transform="rank")


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_transform_acts_on_the_eligible_assets(transform: str) -> None:
    """Whoever is not eligible neither counts nor has a score."""
    scores = bind(calm, transform=transform)(PANEL)
    raw = bind(calm)(PANEL)

    if transform == "none":
        np.testing.assert_array_equal(scores, raw)
    else:
        assert np.isnan(scores[~PANEL.eligible]).all()
        assert np.nanmax(np.abs(scores)) <= 3.0
        assert np.isfinite(scores[-1]).sum() > 1


def test_a_factor_can_see_the_universe() -> None:
    """The input `eligible` is the mask of the panel."""

    def share(close: FloatArray, eligible: BoolArray) -> FloatArray:
        return op.demean(close, where=eligible)

    scores = bind(share, rows=1)(PANEL)

    np.testing.assert_array_equal(
        scores, op.demean(PANEL.research("close"), where=PANEL.eligible)
    )


def test_an_infinite_score_is_no_view() -> None:
    """A division by zero leaves NaN, without a warning."""

    def inverse(volume: FloatArray) -> FloatArray:
        return 1.0 / volume

    scores = bind(inverse, rows=1)(PANEL)

    assert (PANEL.research("volume") == 0.0).any()
    assert not np.isinf(scores).any()


def unknown_field(clsoe: FloatArray) -> FloatArray:
    return clsoe


def defaulted(close: FloatArray, volume: FloatArray | None = None) -> FloatArray:
    return close if volume is None else volume


def variadic(*fields: FloatArray) -> FloatArray:
    return fields[0]


def nothing_read(*, window: int = 3) -> FloatArray:
    return np.zeros((window, 1))


def last_row_only(close: FloatArray) -> FloatArray:
    return close[-1]


def whole_numbers(close: FloatArray) -> FloatArray:
    return np.zeros(close.shape, dtype=np.int64)  # type: ignore[return-value]


@rows(lambda: 2)
def mandatory(close: FloatArray, *, window: int) -> FloatArray:
    return op.rolling_sum(close, window)


@rows(lambda: 1)
def bounded(
    close: FloatArray, *, share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.5
) -> FloatArray:
    return close * share


@rows(lambda: 1)
def changeable(close: FloatArray, *, spans: list[int]) -> FloatArray:
    return close * spans[0]


REFUSED: list[tuple[Callable[..., FloatArray], dict[str, object], str, str]] = [
    (unknown_field, {"rows": 1}, "unknown_field", "did you mean 'close'?"),
    (defaulted, {"rows": 1}, "factor_signature", "default"),
    (variadic, {"rows": 1}, "factor_signature", "fixed names"),
    (nothing_read, {"rows": 1}, "factor_signature", "no panel field"),
    (last_row_only, {"rows": 4}, "factor_shape", r"\(4, 2\)"),
    (whole_numbers, {"rows": 4}, "factor_type", "int64"),
    (last_row_only, {}, "undeclared_rows", "nobody says"),
    (calm, {"rows": 0}, "undeclared_rows", "0 rows"),
    (mandatory, {}, "missing_parameter", "'window' is missing"),
    (calm, {"parameters": {"windwo": 3}}, "unknown_parameter", "did you mean 'window'"),
    (calm, {"parameters": {"zzz": 3}}, "unknown_parameter", "window, scale"),
    (calm, {"parameters": {"window": "3"}}, "parameter_type", "Expected `int`"),
    (calm, {"parameters": {"window": 3.5}}, "parameter_type", "window = 3.5"),
    (calm, {"parameters": {"window": True}}, "parameter_type", "bool"),
    (bounded, {"parameters": {"share": 1.5}}, "parameter_type", "<= 1.0"),
    (calm, {"parameters": {"window": 0}}, "undeclared_rows", "0 rows"),
    (changeable, {"parameters": {"spans": [1]}}, "parameter_type", "tuple"),
    (momentum, {"parameters": {"skip_bars": 90}}, "parameter_range", r"\[0, 90\)"),
    (calm, {"transform": "ranks"}, "unknown_transform", "did you mean 'rank'?"),
]


@pytest.mark.parametrize(("function", "settings", "code", "words"), REFUSED)
def test_a_bad_binding_is_refused_with_its_reason(
    function: Callable[..., FloatArray],
    settings: dict[str, object],
    code: str,
    words: str,
) -> None:
    """What is wrong is said before the first event, with the nearest known name."""
    with pytest.raises(BadInput, match=words) as refusal:
        bind(function, name="mine", **settings)  # type: ignore[arg-type]

    assert refusal.value.code == code
    assert refusal.value.where == "factor mine"


def test_a_missing_field_of_the_panel_is_named() -> None:
    """A panel without the field that a factor reads says so."""
    fields = {k: v for k, v in PANEL.fields.items() if k != "market_cap"}
    poor = PANEL.__class__(
        close_ns=PANEL.close_ns,
        interval_ns=PANEL.interval_ns,
        assets=PANEL.assets,
        fields=fields,
        listed=PANEL.listed,
        clean=PANEL.clean,
        eligible=PANEL.eligible,
    )

    def cap(market_cap: FloatArray) -> FloatArray:
        return market_cap

    with pytest.raises(BadInput, match="market_cap"):
        bind(cap, rows=1)(poor)
