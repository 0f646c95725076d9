"""The universe: point in time, with hysteresis, and a function of its window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import panel

from factortrader.market.panel import Panel
from factortrader.market.trailing import (
    last_known,
    trailing_count,
    trailing_mean,
    trailing_sum,
)
from factortrader.market.universe import Universe, UniverseSettings

NAN = float("nan")


def volumes(columns: dict[str, list[float]], **changes: Any) -> Panel:
    """A panel at a price of 1, so that base volume is dollar volume; NaN = no bar."""
    arrays = np.column_stack([np.array(column, float) for column in columns.values()])
    close = {
        name: [NAN if np.isnan(value) else 1.0 for value in column]
        for name, column in columns.items()
    }
    return panel(close, fields={"volume": arrays}, **changes)


def members(given_panel: Panel, **keys: Any) -> list[list[str]]:
    """Names of the members at each bar."""
    found = Universe(UniverseSettings(**keys)).membership(given_panel)
    return [
        [name for name, is_in in zip(given_panel.assets, row, strict=True) if is_in]
        for row in found
    ]


def test_globs_include_and_exclude() -> None:
    """Leveraged tokens are excluded by their names, stable ids are case sensitive."""
    market = panel({"BTC": [1.0], "BTCUP": [1.0], "ETH": [1.0], "eth": [1.0]})

    assert members(market, exclude=("*UP",)) == [["BTC", "ETH", "eth"]]
    assert members(market, include=("B*", "ETH"), exclude=("*UP",)) == [["BTC", "ETH"]]


def test_a_new_listing_waits_for_its_history() -> None:
    """With four bars required an asset enters at its fourth bar."""
    market = panel({"NEW": [NAN, 1.0, 1.0, 1.0, 1.0]})

    assert members(market, min_history_bars=4) == [[], [], [], [], ["NEW"]]


def test_a_missing_bar_does_not_expel_a_member() -> None:
    """Four of the last seven bars suffice, and 40 of the last 50."""
    market = panel(
        {"A": [1.0, 1.0, 1.0, 1.0, NAN, 1.0]}, eligible=np.ones((6, 1), dtype=bool)
    )

    assert members(market, min_history_bars=4)[3:] == [["A"], ["A"], ["A"]]
    assert Universe(UniverseSettings(min_history_bars=40)).lookback_bars == 50


def test_an_asset_whose_bars_stopped_leaves_after_three_missing_bars() -> None:
    """A coin that died was in the universe while it lived, and then it leaves."""
    market = panel(
        {"DEAD": [1.0, 1.0, NAN, NAN, NAN, NAN]},
        eligible=np.ones((6, 1), dtype=bool),
    )

    assert members(market) == [["DEAD"]] * 5 + [[]]


def test_what_the_source_rules_out_is_out() -> None:
    """`eligible` of the source (listed, not yet ended) is a necessary condition."""
    market = panel({"A": [1.0, 1.0]}, eligible=np.array([[True], [False]]))

    assert members(market) == [["A"], []]


def test_a_minimum_volume_needs_a_known_volume() -> None:
    """Below the minimum and unknown are both not eligible; no minimum asks nothing."""
    market = volumes({"BIG": [9.0] * 3, "SMALL": [2.0] * 3})
    unknown = panel({"X": [1.0] * 3}, fields={"volume": [[NAN]] * 3})

    assert members(market, min_dollar_volume=5.0, volume_window_bars=2)[1] == ["BIG"]
    assert members(unknown, min_dollar_volume=1.0, volume_window_bars=2) == [[], [], []]
    assert members(unknown, volume_window_bars=2) == [["X"]] * 3


def test_published_quote_volume_goes_before_close_times_volume() -> None:
    """A vendor's quote volume counts as it is; where it is missing, close × volume."""
    market = panel(
        {"A": [10.0, 10.0]},
        fields={"volume": [[1.0], [1.0]], "quote_volume": [[500.0], [NAN]]},
    )

    statistics = Universe(UniverseSettings(volume_window_bars=1)).statistics(market)

    assert statistics.dollar_volume.tolist() == [[500.0], [10.0]]


def test_the_largest_by_volume_with_ties_in_stable_id_order() -> None:
    """Two of four: the largest, and of two equals the earlier column."""
    market = volumes({"A": [1.0], "B": [5.0], "C": [5.0], "D": [9.0]})

    assert members(market, size=2, volume_window_bars=1) == [["B", "D"]]


def test_rank_by_market_cap_uses_the_last_known_value() -> None:
    """A market cap that is missing for up to three bars is the last known one."""
    caps = [[3.0, 2.0]] + [[NAN, 2.0]] * 4
    market = panel({"A": [1.0] * 5, "B": [1.0] * 5}, fields={"market_cap": caps})

    found = members(market, size=1, rank_by="market_cap")

    assert found == [["A"], ["A"], ["A"], ["A"], ["B"]]


def test_hysteresis_keeps_a_member_that_fell_a_little() -> None:
    """With a half more room a member stays at rank 3 of 2 and leaves at rank 4."""
    market = volumes(
        {
            "A": [9.0, 7.0, 6.0],
            "B": [8.0, 9.0, 9.0],
            "C": [7.0, 8.0, 8.0],
            "D": [1.0, 1.0, 7.0],
        }
    )
    keys: dict[str, Any] = {"size": 2, "volume_window_bars": 1}

    flapping = members(market, **keys)
    settled = members(market, **keys, hysteresis=0.5)

    assert flapping == [["A", "B"], ["B", "C"], ["B", "C"]]
    assert settled == [["A", "B"], ["A", "B", "C"], ["B", "C"]]


def test_hysteresis_lowers_the_minimum_for_members() -> None:
    """At a minimum of 10 and hysteresis 0.25 a member stays down to 8."""
    market = volumes({"A": [10.0, 8.0, 7.9], "B": [9.9, 9.9, 9.9]})

    found = members(
        market, min_dollar_volume=10.0, volume_window_bars=1, hysteresis=0.25
    )

    assert found == [["A"], ["A"], []]


def test_a_minimum_market_cap_needs_a_known_cap() -> None:
    """Without the field nobody passes a minimum."""
    market = panel({"A": [1.0]})

    assert members(market, min_market_cap=1.0) == [[]]


def test_membership_is_read_only_and_continues_from_the_previous_row() -> None:
    """A fold can be cut anywhere: the rest continues from the last row."""
    market = volumes({"A": [9.0, 7.0, 7.0], "B": [8.0, 9.0, 9.0], "C": [1.0, 8.0, 8.0]})
    universe = Universe(UniverseSettings(size=1, volume_window_bars=1, hysteresis=1.0))

    whole = universe.membership(market)
    rest = universe.membership(market.rows(1, 3), previous=whole[0])

    assert not whole.flags.writeable
    np.testing.assert_array_equal(rest, whole[1:])


# --- properties -------------------------------------------------------------------


@st.composite
def markets(draw: st.DrawFn) -> Panel:
    bars = draw(st.integers(12, 25))
    assets = draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    values = np.exp(generator.normal(0.0, 3.0, size=(bars, assets)))
    values[generator.random((bars, assets)) < draw(st.floats(0.0, 0.4))] = NAN
    return volumes(
        {f"A{column}": values[:, column].tolist() for column in range(assets)},
        eligible=generator.random((bars, assets)) < 0.95,
    )


RULES = UniverseSettings(
    min_history_bars=4,
    min_dollar_volume=0.5,
    volume_window_bars=7,
    size=2,
    hysteresis=0.5,
)


def replaced(given_panel: Panel, cut: int, value: float) -> Panel:
    """The same market with another future from row `cut` on."""
    fields = {name: array.copy() for name, array in given_panel.fields.items()}
    for array in fields.values():
        array[cut:] = value
    eligible = given_panel.eligible.copy()
    eligible[cut:] = True
    return Panel(
        close_ns=given_panel.close_ns,
        interval_ns=given_panel.interval_ns,
        assets=given_panel.assets,
        fields=fields,
        listed=given_panel.listed,
        clean=given_panel.clean,
        eligible=eligible,
    )


@settings(max_examples=30, deadline=None)
@given(market=markets(), cut=st.integers(1, 11), value=st.sampled_from([NAN, 1e9]))
def test_the_future_never_changes_past_membership(
    market: Panel, cut: int, value: float
) -> None:
    """Poisoned rows from `cut` on leave every row before it as it was."""
    universe = Universe(RULES)

    found = universe.membership(replaced(market, cut, value))

    np.testing.assert_array_equal(found[:cut], universe.membership(market)[:cut])


@settings(max_examples=30, deadline=None)
@given(market=markets())
def test_a_dead_column_changes_nothing(market: Panel) -> None:
    """An asset that never had a bar does not move the others by a bit."""
    dead = np.full((market.bars, 1), NAN)
    none = np.zeros((market.bars, 1), dtype=bool)
    wider = Panel(
        close_ns=market.close_ns,
        interval_ns=market.interval_ns,
        assets=("DEAD", *market.assets),
        fields={n: np.hstack([dead, array]) for n, array in market.fields.items()},
        listed=np.hstack([none, market.listed]),
        clean=np.hstack([none, market.clean]),
        eligible=np.hstack([~none, market.eligible]),
    )
    universe = Universe(RULES)

    found = universe.membership(wider)

    assert not found[:, 0].any()
    np.testing.assert_array_equal(found[:, 1:], universe.membership(market))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(market=markets())
def test_the_last_window_alone_gives_the_same_row(market: Panel) -> None:
    """Bar by bar on `lookback_bars` rows equals all rows at once, bit for bit."""
    universe = Universe(RULES)
    whole = universe.statistics(market)
    last = np.zeros(len(market.assets), dtype=bool)
    folded = []

    for bar in range(market.bars):
        start = max(0, bar + 1 - universe.lookback_bars)
        row = universe.statistics(market.rows(start, bar + 1)).row(-1)
        np.testing.assert_array_equal(row.dollar_volume, whole.dollar_volume[bar])
        last = universe.step(last, row)
        folded.append(last)

    np.testing.assert_array_equal(folded, universe.membership(market))


# --- trailing ---------------------------------------------------------------------


@pytest.mark.parametrize("window_bars", [1, 2, 3, 7, 8, 30, 31, 64, 100])
def test_a_trailing_sum_equals_the_sum_of_its_rows(window_bars: int) -> None:
    """Against a loop, to rounding; rows before the first count as zero."""
    values = np.random.default_rng(7).normal(size=(80, 3))

    found = trailing_sum(values, window_bars=window_bars)

    naive = [
        values[max(0, bar + 1 - window_bars) : bar + 1].sum(axis=0) for bar in range(80)
    ]
    np.testing.assert_allclose(found, naive, rtol=0, atol=1e-12)


def test_a_trailing_sum_is_the_same_bit_for_bit_whatever_came_before() -> None:
    """Huge earlier rows leave no residue, as they would in a cumulative sum."""
    values = np.random.default_rng(7).normal(size=(80, 3))
    poisoned = values.copy()
    poisoned[:40] = 1e300

    whole = trailing_sum(values, window_bars=13)
    after = trailing_sum(poisoned, window_bars=13)

    np.testing.assert_array_equal(after[52:], whole[52:])
    alone = trailing_sum(values[60:73], window_bars=13)[-1]
    np.testing.assert_array_equal(alone, whole[72])


def test_trailing_means_skip_what_is_missing_and_ask_for_enough() -> None:
    """The mean of what is there; NaN where fewer than min_bars are."""
    values = np.array([[1.0], [NAN], [3.0], [np.inf]])

    found = trailing_mean(values, window_bars=3, min_bars=2)

    np.testing.assert_array_equal(found, [[NAN], [NAN], [2.0], [NAN]])


def test_trailing_counts_and_last_known_values() -> None:
    """Counts of true rows, and the newest finite value within the gap."""
    values = np.array([[5.0], [NAN], [NAN], [NAN]])

    counts = trailing_count(np.isfinite(values), window_bars=2)
    known = last_known(values, max_gap_bars=2)

    assert counts.tolist() == [[1], [1], [0], [0]]
    np.testing.assert_array_equal(known, [[5.0], [5.0], [5.0], [NAN]])


def test_windows_without_rows_are_refused() -> None:
    """A window of zero bars and an impossible minimum are mistakes."""
    with pytest.raises(ValueError, match="window_bars"):
        trailing_sum(np.zeros((1, 1)), window_bars=0)
    with pytest.raises(ValueError, match="min_bars"):
        trailing_mean(np.zeros((1, 1)), window_bars=2, min_bars=3)
