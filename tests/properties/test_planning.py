"""Planning, executing and planning again: legs converge, and cash is never overdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import perpetual, spot

from factortrader.instruments import Instrument, TradingRules
from factortrader.portfolio.drafts import SizedPlan, SizingProblem
from factortrader.portfolio.sizing import size_legs
from factortrader.units import MONEY

NAN = float("nan")


@pytest.fixture(autouse=True, scope="module")
def _exact_money() -> Iterator[None]:
    """As inside the core: a result that would be rounded raises."""
    with localcontext(MONEY):
        yield


@st.composite
def books(draw: st.DrawFn) -> dict[str, Any]:
    """Assets with marks, positions and targets; long only or with perpetuals."""
    count = draw(st.integers(1, 6))
    assets = [f"A{number}" for number in range(count)]
    perpetuals = draw(st.booleans())
    targets = draw(
        st.lists(
            st.integers(-9 if perpetuals else 0, 10), min_size=count, max_size=count
        )
    )
    total = max(1, sum(abs(target) for target in targets))
    gross = draw(st.sampled_from([0.3, 0.9]))
    return {
        "weights": {
            asset: draw(st.just(gross * target / total) | st.just(NAN))
            for asset, target in zip(assets, targets, strict=True)
        },
        "marks": {asset: draw(st.integers(1, 50_000)) / 100 for asset in assets},
        "positions": {
            asset: Decimal(draw(st.integers(-50 if perpetuals else 0, 50))) / 100
            for asset in assets
        },
        "instruments": {
            asset: perpetual(asset) if perpetuals else spot(asset) for asset in assets
        },
        "rules": {
            asset: TradingRules(
                lot=Decimal(draw(st.sampled_from(["0.00001", "0.001"]))),
                min_notional=Decimal(draw(st.sampled_from(["0", "5"]))),
            )
            for asset in assets
        },
        "cash": Decimal(draw(st.integers(5_000, 50_000))),
    }


def equity_of(book: dict[str, Any]) -> float:
    """Exact until the last step. Perpetuals were bought at their marks."""
    instruments: dict[str, Instrument] = book["instruments"]
    value = sum(
        quantity * Decimal(str(book["marks"][asset]))
        for asset, quantity in book["positions"].items()
        if not instruments[asset].is_perpetual
    )
    return float(book["cash"] + value)


def planned(book: dict[str, Any], *, band: float, cost: float) -> SizedPlan:
    assets = tuple(book["weights"])
    return size_legs(
        SizingProblem(
            assets=assets,
            weights=np.array([book["weights"][asset] for asset in assets]),
            marks=np.array([book["marks"][asset] for asset in assets]),
            equity=equity_of(book),
            cash=book["cash"],
            positions=book["positions"],
            instruments=book["instruments"],
            rules=book["rules"],
            no_trade_band=band,
            cost_fraction=cost,
        )
    )


def executed(book: dict[str, Any], plan: SizedPlan, *, cost: float) -> dict[str, Any]:
    """Every leg filled at its mark, costs paid from cash."""
    positions, cash = dict(book["positions"]), book["cash"]
    for each in plan.legs:
        notional = each.quantity * Decimal(str(each.mark))
        positions[each.asset] += each.side.sign * each.quantity
        if not book["instruments"][each.asset].is_perpetual:
            cash -= each.side.sign * notional
        cash -= notional * Decimal(str(cost))
    return {**book, "positions": positions, "cash": cash}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(book=books())
def test_planning_twice_without_costs_and_band_yields_no_legs(
    book: dict[str, Any],
) -> None:
    """After full execution at the marks the same targets ask for nothing."""
    after = executed(book, planned(book, band=0.0, cost=0.0), cost=0.0)

    assert planned(after, band=0.0, cost=0.0).legs == ()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(book=books(), cost=st.sampled_from([0.001, 0.01]))
def test_planning_twice_after_costs_yields_no_legs_thanks_to_the_band(
    book: dict[str, Any], cost: float
) -> None:
    """Fees lower the equity by less than the band."""
    after = executed(book, planned(book, band=0.05, cost=cost), cost=cost)

    assert planned(after, band=0.05, cost=cost).legs == ()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(book=books(), cost=st.sampled_from([0.0, 0.01]), share=st.integers(0, 10))
def test_full_execution_never_overdraws_the_cash_and_keeps_to_the_rules(
    book: dict[str, Any], cost: float, share: int
) -> None:
    """Whatever the cash at hand: no spot debt, whole lots, no order too small."""
    poor = {**book, "cash": book["cash"] * share / 10}
    plan = planned(poor, band=0.0, cost=cost)

    after = executed(poor, plan, cost=cost)

    assert after["cash"] >= 0 or book["instruments"]["A0"].is_perpetual
    for each in plan.legs:
        rules = book["rules"][each.asset]
        assert each.quantity % rules.lot == 0
        assert each.quantity * Decimal(str(each.mark)) >= rules.min_notional
        assert each.asset not in {skip.asset for skip in plan.skipped}
