"""The panel: shapes are proven at the door, and factors see research prices."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders import panel

from factortrader.errors import BadInput
from factortrader.market.panel import DOLLAR_VOLUME, Panel

NAN = float("nan")
TWO = {"A": [1.0, 2.0, 3.0], "B": [10.0, NAN, 30.0]}


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_a_field_of_another_shape_is_refused() -> None:
    """The error names the field and both shapes."""
    with pytest.raises(BadInput, match=r"volume has shape \(3, 1\), the panel has"):
        panel(TWO, fields={"volume": np.ones((3, 1))})


@pytest.mark.parametrize("mask", ["listed", "clean", "eligible"])
def test_a_mask_of_another_shape_is_refused(mask: str) -> None:
    """Masks are arrays like any other."""
    with pytest.raises(BadInput, match=f"{mask} has shape"):
        panel(TWO, **{mask: np.ones((2, 2), dtype=bool)})


def test_a_panel_without_a_bar_field_is_refused() -> None:
    """A vendor without volume delivers NaN, not nothing."""
    whole = panel(TWO)
    fields = {name: whole.raw(name) for name in ("open", "high", "close")}

    with pytest.raises(BadInput, match="the panel lacks low, volume"):
        Panel(
            close_ns=whole.close_ns,
            interval_ns=whole.interval_ns,
            assets=whole.assets,
            fields=fields,
            listed=whole.listed,
            clean=whole.clean,
            eligible=whole.eligible,
        )


def test_a_published_panel_cannot_be_changed() -> None:
    """A published row never changes: every array is read-only."""
    whole = panel(TWO)

    for array in (whole.raw("close"), whole.listed, whole.clean, whole.eligible):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0


def test_an_unknown_field_is_named_with_those_that_are_there() -> None:
    """The user learns what the data has."""
    with pytest.raises(BadInput) as failure:
        panel(TWO).raw("market_cap")

    assert failure.value.code == "unknown_field"
    assert "close, high, low, open, volume" in failure.value.why


def test_research_prices_are_raw_prices_times_the_cumulative_ratio() -> None:
    """1:10 before the last row: 3.0 is worth what 0.3 was, in old terms 30."""
    whole = panel(
        {"A": [20.0, 21.0, 2.2]},
        adjustment=rows([1.0], [1.0], [10.0]),
        fields={"volume": rows([5.0], [5.0], [50.0])},
    )

    for name in ("open", "high", "low", "close"):
        np.testing.assert_allclose(whole.research(name), rows([20.0], [21.0], [22.0]))
    np.testing.assert_allclose(whole.research("volume"), rows([5.0], [5.0], [5.0]))


def test_what_is_no_price_and_no_base_volume_is_not_adjusted() -> None:
    """Market cap and quote volume are money: a redenomination leaves them alone."""
    money = rows([1e6], [1e6])
    whole = panel(
        {"A": [20.0, 2.0]},
        adjustment=rows([1.0], [10.0]),
        fields=dict.fromkeys(("market_cap", "quote_volume", "trades"), money)
        | {"taker_buy_base": rows([3.0], [30.0])},
    )

    for name in ("market_cap", "quote_volume", "trades"):
        np.testing.assert_array_equal(whole.research(name), money)
    np.testing.assert_allclose(whole.research("taker_buy_base"), rows([3.0], [3.0]))


def test_factors_see_nothing_of_what_is_not_listed_or_not_clean() -> None:
    """Raw values may be there; research values are NaN."""
    whole = panel(
        {"A": [1.0, 2.0, 3.0]},
        listed=np.array([[True], [False], [True]]),
        clean=np.array([[True], [True], [False]]),
    )

    np.testing.assert_array_equal(whole.research("close"), rows([1.0], [NAN], [NAN]))
    np.testing.assert_array_equal(whole.raw("close"), rows([1.0], [2.0], [3.0]))


def test_infinities_become_nan_at_the_door() -> None:
    """No factor has to know of them."""
    whole = panel({"A": [1.0, 2.0]}, fields={"volume": rows([np.inf], [-np.inf])})

    assert np.isnan(whole.research("volume")).all()


def test_dollar_volume_is_published_or_close_times_volume() -> None:
    """The vendor's figure wins where there is one, bar by bar."""
    whole = panel(
        {"A": [2.0, 3.0, 4.0]},
        fields={
            "volume": rows([10.0], [10.0], [NAN]),
            "quote_volume": rows([21.0], [NAN], [NAN]),
        },
    )
    without = panel({"A": [2.0]}, fields={"volume": rows([10.0])})

    np.testing.assert_array_equal(whole.dollar_volume(), rows([21.0], [30.0], [NAN]))
    np.testing.assert_array_equal(without.dollar_volume(), rows([20.0]))


def test_dollar_volume_is_the_same_on_both_sides_of_a_redenomination() -> None:
    """Raw price × raw volume is not adjusted again."""
    whole = panel(
        {"A": [20.0, 2.0]},
        adjustment=rows([1.0], [10.0]),
        fields={"volume": rows([5.0], [50.0])},
    )

    np.testing.assert_array_equal(whole.research(DOLLAR_VOLUME), rows([100.0], [100.0]))


def test_a_cut_has_the_same_columns_and_only_those_rows() -> None:
    """Views of every array, the adjustment included."""
    whole = panel(TWO, adjustment=rows([1.0, 1.0], [2.0, 1.0], [2.0, 3.0]))

    cut = whole.rows(1, 3)

    assert cut.bars == 2
    assert cut.assets == whole.assets
    np.testing.assert_array_equal(cut.close_ns, whole.close_ns[1:])
    np.testing.assert_array_equal(cut.adjustment, rows([2.0, 1.0], [2.0, 3.0]))
    np.testing.assert_array_equal(cut.research("close"), whole.research("close")[1:])
    assert np.shares_memory(cut.raw("close"), whole.raw("close"))


def test_another_universe_changes_nothing_but_the_mask() -> None:
    """The original keeps its own."""
    whole = panel(TWO)
    nobody = np.zeros((3, 2), dtype=bool)

    other = whole.with_eligible(nobody)

    assert not other.eligible.any()
    assert whole.eligible[0].all()
    assert other.raw("close") is whole.raw("close")
