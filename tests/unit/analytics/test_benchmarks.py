"""What the same bars would have paid a fund without a view."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders import bars, made

from factortrader.analytics.benchmarks import BenchmarkFold
from factortrader.events import CorporateActionApplied, UniverseChanged

NAN = float("nan")


def path(*steps, asset="BTC"):
    """Wealth of (the asset, equal weight) after each bar; other events come between."""
    fold = BenchmarkFold(asset)
    seen = []
    for step in steps:
        match step:
            case dict():
                fold.on_bars(bars(step))
                seen.append(fold.sample())
            case UniverseChanged():
                fold.on_universe(step)
            case CorporateActionApplied():
                fold.on_action(step)
            case _:
                fold.on_bars(step)
    return np.array(seen)


def test_the_asset_is_bought_at_the_first_row_and_held() -> None:
    """Wealth is the price over the first price."""
    wealth = path({"BTC": 100.0}, {"BTC": 150.0}, {"BTC": 120.0})

    assert wealth[:, 0] == pytest.approx([1.0, 1.5, 1.2])


def test_warm_up_bars_before_the_first_row_earn_nothing() -> None:
    """Both benchmarks start at one where the run starts."""
    wealth = path(bars({"BTC": 50.0}), {"BTC": 100.0}, {"BTC": 110.0})

    assert wealth.ravel() == pytest.approx([1.0, 1.0, 1.1, 1.1])


def test_equal_weight_is_rebalanced_at_each_close() -> None:
    """Its return is the mean return of its members, bar by bar."""
    wealth = path(
        {"BTC": 100.0, "ETH": 10.0},
        {"BTC": 200.0, "ETH": 10.0},
        {"BTC": 100.0, "ETH": 20.0},
    )

    assert wealth[:, 1] == pytest.approx([1.0, 1.5, 1.5 * 1.25])


def test_a_member_is_who_was_in_the_universe_at_the_previous_bar() -> None:
    """Who enters with a bar does not earn that bar's return."""
    wealth = path(
        made(UniverseChanged, entered=("BTC",), left=()),
        {"BTC": 100.0, "ETH": 10.0},
        {"BTC": 100.0, "ETH": 20.0},
        made(UniverseChanged, entered=("ETH",), left=("BTC",)),
        {"BTC": 300.0, "ETH": 40.0},
    )

    assert wealth[:, 1] == pytest.approx([1.0, 1.0, 2.0])


def test_who_vanishes_takes_the_last_return_seen_and_leaves() -> None:
    """The last bar counts; after it the weights are shared by those who are there."""
    wealth = path(
        {"BTC": 100.0, "LUNA": 80.0},
        {"BTC": 100.0, "LUNA": 8.0},
        {"BTC": 100.0, "LUNA": NAN},
        {"BTC": 110.0, "LUNA": NAN},
    )

    assert wealth[:, 1] == pytest.approx([1.0, 0.55, 0.55, 0.605])


def test_a_gap_does_not_lose_the_return_over_it() -> None:
    """An eligible asset without a bar is held at its last price until it is back."""
    gap = bars({"BTC": NAN}, eligible=np.array([True]))

    wealth = path({"BTC": 100.0}, gap, {"BTC": 70.0})

    assert wealth[-1] == pytest.approx([0.7, 0.7])


def test_a_redenomination_is_no_return() -> None:
    """A thousand old units become one new one at a thousand times the price."""
    action = made(
        CorporateActionApplied, asset="BTC", numerator=1, denominator=1000, action="x"
    )

    wealth = path({"BTC": 2.0}, action, action, {"BTC": 2200.0})

    assert wealth[-1] == pytest.approx([1.1, 1.1])


def test_an_asset_listed_later_starts_at_its_first_bar() -> None:
    """Before that there is nothing to compare with."""
    wealth = path({"BTC": NAN}, {"BTC": 10.0}, {"BTC": 20.0})

    assert np.isnan(wealth[0, 0])
    assert wealth[1:, 0] == pytest.approx([1.0, 2.0])


def test_the_cross_section_may_grow() -> None:
    """A new column joins with its second bar."""
    wealth = path(
        {"BTC": 100.0}, {"BTC": 100.0, "ETH": 5.0}, {"BTC": 100.0, "ETH": 10.0}
    )

    assert wealth[:, 1] == pytest.approx([1.0, 1.0, 1.5])


def test_a_quarantined_price_is_not_seen() -> None:
    """A suspected error neither earns nor becomes the next base."""
    wrong = bars({"BTC": 9000.0}, clean=np.array([False]))

    wealth = path({"BTC": 100.0}, wrong, {"BTC": 101.0})

    assert wealth[-1] == pytest.approx([1.01, 1.01])
