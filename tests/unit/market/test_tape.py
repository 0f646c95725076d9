"""The tape: a ring that equals the panel's rows, and the fold of the membership."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import T0, bars, floats, made, panel
from tests.unit.simulated.world import history

from factortrader.errors import BrokenInvariant
from factortrader.events import BarsClosed, UniverseChanged
from factortrader.market.panel import Panel
from factortrader.market.tape import Tape
from factortrader.market.universe import Universe, UniverseSettings
from factortrader.runtime.stream import bar_at
from factortrader.units import DAY_NS

NAN = float("nan")
SHORT = UniverseSettings(volume_window_bars=1)
"""Needs four rows: the shortest memory that a universe has."""


def tape(lookback_bars: int = 1, universe: UniverseSettings = SHORT) -> Tape:
    return Tape(lookback_bars=lookback_bars, universe=Universe(universe))


def told(memory: Tape, whole: Panel) -> list[UniverseChanged]:
    """Every bar of the panel, one by one; who entered and left."""
    return [
        change
        for row in range(whole.bars)
        for change in memory.on_bars(bar_at(history(whole), row))
    ]


def first_columns(bar: BarsClosed, count: int) -> BarsClosed:
    """The bar as it was before the later assets were known."""
    arrays = ("open", "high", "low", "close", "volume", "listed", "clean", "eligible")
    cut: dict[str, Any] = {name: getattr(bar, name)[:count] for name in arrays}
    cut["fields"] = {name: row[:count] for name, row in bar.fields.items()}
    kept = {"close_ns": bar.close_ns, "time_ns": bar.time_ns}
    return made(BarsClosed, assets=bar.assets[:count], **cut, **kept)


def assert_same_rows(seen: Panel, expected: Panel) -> None:
    """Equal to the last bit, in every field and mask."""
    assert seen.assets == expected.assets
    assert seen.interval_ns == expected.interval_ns
    np.testing.assert_array_equal(seen.close_ns, expected.close_ns)
    assert {*seen.fields} == {*expected.fields}
    for name, values in expected.fields.items():
        np.testing.assert_array_equal(seen.raw(name), values, err_msg=name)
    for mask in ("listed", "clean", "eligible"):
        np.testing.assert_array_equal(
            getattr(seen, mask), getattr(expected, mask), err_msg=mask
        )
    if expected.adjustment is None:
        assert seen.adjustment is None
    else:
        np.testing.assert_array_equal(seen.adjustment, expected.adjustment)


@st.composite
def markets(draw: st.DrawFn) -> Panel:
    """Up to forty bars of up to four assets with gaps, masks and further fields."""
    count, width = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    generator = np.random.Generator(np.random.PCG64(draw(st.integers(0, 2**32))))
    close = np.exp(generator.standard_normal((count, width)))
    close[generator.random((count, width)) < 0.2] = NAN
    fields = {"volume": generator.random((count, width))}
    if draw(st.booleans()):
        fields["market_cap"] = generator.random((count, width))
    changes: dict[str, Any] = {
        "clean": generator.random((count, width)) < 0.9,
        "eligible": generator.random((count, width)) < 0.9,
    }
    if draw(st.booleans()):
        changes["adjustment"] = np.cumprod(
            1.0 + (generator.random((count, width)) < 0.1), axis=0
        )
    closes = {f"A{column}": close[:, column] for column in range(width)}
    return panel(closes, fields=fields, **changes)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(whole=markets(), lookback_bars=st.integers(1, 9), size=st.integers(1, 4))
def test_the_ring_is_the_panel_cut_at_the_lookback(
    whole: Panel, lookback_bars: int, size: int
) -> None:
    """After every bar, for any lookback, membership folded as in bulk."""
    universe = UniverseSettings(size=size, hysteresis=0.5, volume_window_bars=2)
    memory = tape(lookback_bars, universe)
    members = Universe(universe).membership(whole)
    expected = whole.with_eligible(members)
    rows = max(lookback_bars, Universe(universe).lookback_bars)

    for row in range(whole.bars):
        memory.on_bars(bar_at(history(whole), row))
        seen = memory.window().panel
        assert_same_rows(seen, expected.rows(max(0, row + 1 - rows), row + 1))
        np.testing.assert_array_equal(memory.members, members[row])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(whole=markets(), appended_at=st.integers(0, 40), known=st.integers(1, 4))
def test_columns_that_are_appended_later_were_absent_before(
    whole: Panel, appended_at: int, known: int
) -> None:
    """As if they had been there all along without a bar."""
    known = min(known, len(whole.assets))
    absent = np.zeros(whole.listed.shape, dtype=bool)
    absent[:appended_at, known:] = True
    memory = tape(6)

    for row in range(whole.bars):
        bar = bar_at(history(whole), row)
        memory.on_bars(first_columns(bar, known) if row < appended_at else bar)

    seen, rows = memory.window().panel, slice(-6, None)
    width = len(seen.assets)
    gone = absent[rows, :width]
    for name, values in whole.fields.items():
        expected = np.where(gone, NAN, values[rows, :width])
        np.testing.assert_array_equal(seen.raw(name), expected, err_msg=name)
    np.testing.assert_array_equal(seen.listed, whole.listed[rows, :width] & ~gone)
    if whole.adjustment is not None:
        expected = np.where(gone, 1.0, whole.adjustment[rows, :width])
        np.testing.assert_array_equal(seen.adjustment, expected)


def test_who_enters_and_who_leaves_is_said_once() -> None:
    """C dies: it leaves when four bars are missing, and nobody is told twice."""
    whole = panel(
        {"A": [1.0] * 8, "C": [1.0, 1.0, *[NAN] * 6]},
        eligible=np.ones((8, 2), dtype=bool),
    )

    changes = told(tape(), whole)

    assert [(each.entered, each.left) for each in changes] == [
        (("A", "C"), ()),
        ((), ("C",)),
    ]
    assert [each.time_ns for each in changes] == whole.close_ns[[0, 5]].tolist()


def test_members_stay_in_their_columns_when_columns_are_appended() -> None:
    """B is a member before and after A is known."""
    memory = tape()
    memory.on_bars(bars({"B": 1.0}, close_ns=T0))

    (change,) = memory.on_bars(bars({"B": 1.0, "A": 1.0}, close_ns=T0 + DAY_NS))

    assert (change.entered, change.left) == (("A",), ())
    np.testing.assert_array_equal(memory.members, [True, True])


def test_rows_of_the_memo_are_handed_to_the_window() -> None:
    """Members folded ahead are asked for by the close of their bar, and believed."""
    whole = panel({"A": [1.0, 2.0], "B": [1.0, 2.0]})
    known = {whole.close_ns[0]: [True, False], whole.close_ns[1]: [False, True]}
    memo = object()
    memory = Tape(
        lookback_bars=2,
        universe=Universe(SHORT),
        memo=memo,  # type: ignore[arg-type]
        members_at=lambda close_ns: np.array(known[close_ns]),
    )

    changes = told(memory, whole)

    assert [(each.entered, each.left) for each in changes] == [
        (("A",), ()),
        (("B",), ("A",)),
    ]
    assert memory.window().panel.eligible.tolist() == [*known.values()]
    assert memory.window().memo is memo


def test_a_field_that_a_bar_lacks_is_nan_in_that_bar() -> None:
    """Also when the ring has gone round and old values lie there."""
    memory = tape(4)
    for day in range(20):
        caps = {"market_cap": floats(float(day))} if day < 14 else {}
        memory.on_bars(bars({"A": 1.0}, close_ns=T0 + day * DAY_NS, fields=caps))

    assert np.isnan(memory.window().panel.raw("market_cap")).all()


def test_a_field_may_appear_later() -> None:
    """It was unknown in the bars before."""
    memory = tape(4)
    memory.on_bars(bars({"A": 1.0}, close_ns=T0))
    later = bars({"A": 2.0}, close_ns=T0 + DAY_NS, fields={"market_cap": floats(5.0)})
    memory.on_bars(later)

    seen = memory.window().panel

    np.testing.assert_array_equal(seen.raw("market_cap"), [[NAN], [5.0]])
    np.testing.assert_array_equal(seen.raw("close"), [[1.0], [2.0]])


def test_an_adjustment_that_appears_later_was_one_before() -> None:
    """Without an action research prices are raw prices."""
    memory = tape(4)
    memory.on_bars(bars({"A": 20.0}, close_ns=T0))
    later = bars({"A": 2.0}, close_ns=T0 + DAY_NS, fields={"adjustment": floats(10.0)})
    memory.on_bars(later)

    np.testing.assert_array_equal(
        memory.window().panel.research("close"), [[20.0], [20.0]]
    )


@pytest.mark.parametrize("later_ns", [0, -DAY_NS])
def test_bars_must_close_in_order(later_ns: int) -> None:
    """The same bar again, or an older one, is a broken driver."""
    memory = tape()
    memory.on_bars(bars({"A": 1.0}, close_ns=T0))

    with pytest.raises(BrokenInvariant, match="bars must close in order"):
        memory.on_bars(bars({"A": 1.0}, close_ns=T0 + later_ns))


@pytest.mark.parametrize("assets", [{"B": 1.0, "A": 1.0}, {"B": 1.0}])
def test_columns_may_only_be_appended(assets: dict[str, float]) -> None:
    """A column that moves or goes would mix two coins."""
    memory = tape()
    memory.on_bars(bars({"A": 1.0}, close_ns=T0))

    with pytest.raises(BrokenInvariant, match="only be appended"):
        memory.on_bars(bars(assets, close_ns=T0 + DAY_NS))


def test_the_source_decides_first_who_may_be_a_member() -> None:
    """Eligible for the source today, whatever it was yesterday."""
    whole = panel({"A": [1.0] * 3}, eligible=np.array([[True], [False], [True]]))

    changes = told(tape(), whole)

    assert [(each.entered, each.left) for each in changes] == [
        (("A",), ()),
        ((), ("A",)),
        (("A",), ()),
    ]
