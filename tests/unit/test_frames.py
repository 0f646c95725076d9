"""Pandas at the edge: a factor in pandas is a factor like any other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factortrader.errors import BadInput
from factortrader.factors.factor import bind
from factortrader.factors.momentum import momentum
from factortrader.frames import frame, pandas_factor
from factortrader.validation.lint import lint_function
from factortrader.validation.perturbed import generated_panel

PANEL = generated_panel(bars=90)


def pandas_momentum(close: pd.DataFrame, *, skip_bars: int = 1) -> pd.Series:
    return close.iloc[-1 - skip_bars] / close.iloc[0] - 1.0


def test_a_frame_is_indexed_by_close_in_utc_nanoseconds() -> None:
    """The index spells its unit and zone; columns are the stable ids."""
    close = frame(PANEL, "close")

    assert str(close.index.dtype) == "datetime64[ns, UTC]"
    assert close.index[0].value == PANEL.close_ns[0]
    assert tuple(close.columns) == PANEL.assets


def test_a_pandas_factor_gives_the_scores_of_its_twin() -> None:
    """Window by window in pandas or all rows at once: the same numbers."""
    ours = bind(momentum, parameters={"lookback_bars": 20, "skip_bars": 2})
    theirs = pandas_factor(
        pandas_momentum, lookback_bars=21, parameters={"skip_bars": 2}
    )

    np.testing.assert_allclose(theirs(PANEL), ours(PANEL), rtol=1e-12)


@pytest.mark.slow
def test_a_pandas_factor_cannot_see_outside_its_window() -> None:
    """Even a full-sample transform is only as long as the window."""

    def demeaned(close: pd.DataFrame) -> pd.DataFrame:
        return close - close.mean()

    factor = pandas_factor(demeaned, lookback_bars=5)
    short = PANEL.rows(0, 24)  # a frame per bar takes its time

    leaks = lint_function(factor, short, rows=5, name="demeaned", cuts=(8, 15))

    assert leaks == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"parameters": {"skip": 1}}, "unknown_parameter"),
        ({"transform": "rnk"}, "unknown_transform"),
    ],
)
def test_settings_that_do_not_exist_are_refused(changes, code) -> None:
    """An unknown setting or transform is named, not ignored."""
    with pytest.raises(BadInput) as refused:
        pandas_factor(pandas_momentum, lookback_bars=5, **changes)

    assert refused.value.code == code


def test_an_answer_without_labels_is_refused() -> None:
    """Scores without asset labels could be anybody's."""
    factor = pandas_factor(lambda close: close.to_numpy()[-1], lookback_bars=2)

    with pytest.raises(BadInput, match="returns a Series"):
        factor(PANEL)
