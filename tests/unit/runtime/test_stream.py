"""A history as the events that the core would have heard."""

from __future__ import annotations

import numpy as np
from tests.builders import T0, made, panel
from tests.unit.simulated.world import history

from factortrader.events import CorporateActionApplied, InstrumentRulesChanged
from factortrader.market.panel import BAR_FIELDS
from factortrader.runtime.stream import bar_at, bars, news
from factortrader.units import DAY_NS

NAN = float("nan")
PANEL = panel(
    {"A": [1.0, 2.0], "B": [NAN, 20.0]},
    fields={
        "open": [[1.1, NAN], [2.1, 20.1]],
        "high": [[1.2, NAN], [2.2, 20.2]],
        "low": [[0.9, NAN], [1.9, 19.9]],
        "market_cap": [[5.0, 6.0], [7.0, 8.0]],
    },
    clean=np.array([[True, True], [False, True]]),
    adjustment=np.array([[1.0, 1.0], [10.0, 1.0]]),
)


def test_a_bar_is_the_row_of_the_panel() -> None:
    """Every field and mask, aligned with the columns."""
    bar = bar_at(history(PANEL), 1)

    assert bar.assets == ("A", "B")
    for name in BAR_FIELDS:
        np.testing.assert_array_equal(getattr(bar, name), PANEL.raw(name)[1], name)
    for mask in ("listed", "clean", "eligible"):
        np.testing.assert_array_equal(getattr(bar, mask), getattr(PANEL, mask)[1], mask)


def test_a_bar_is_known_at_its_close() -> None:
    """It is dated and labelled by it."""
    bar = bar_at(history(PANEL), 0)

    assert bar.time_ns == bar.close_ns == T0 - DAY_NS
    assert bar.interval_ns == DAY_NS


def test_further_columns_travel_under_their_names() -> None:
    """The adjustment among them, where there is one."""
    with_actions = bar_at(history(PANEL), 1).fields
    without = bar_at(history(panel({"A": [1.0]})), 0).fields

    assert [*with_actions] == ["market_cap", "adjustment"]
    np.testing.assert_array_equal(with_actions["market_cap"], [7.0, 8.0])
    np.testing.assert_array_equal(with_actions["adjustment"], [10.0, 1.0])
    assert without == {}


def test_bars_come_oldest_first_and_all() -> None:
    """One for each row."""
    assert [bar.close_ns for bar in bars(history(PANEL))] == PANEL.close_ns.tolist()


def test_a_bar_is_a_view_that_cannot_be_written() -> None:
    """No copies: five years of bars cost nothing."""
    bar = bar_at(history(PANEL), 0)

    assert np.shares_memory(bar.close, PANEL.raw("close"))
    assert not bar.close.flags.writeable


def test_news_is_what_the_market_said_besides_bars() -> None:
    """In the order of the history."""
    said = (made(CorporateActionApplied), made(InstrumentRulesChanged))

    assert tuple(news(history(PANEL, events=said))) == said
