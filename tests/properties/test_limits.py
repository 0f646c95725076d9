"""Whatever the book, the plan and the limits: what passes respects every limit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import leg, plan

from factortrader.events import (
    PlanApproved,
    PlanReduced,
    RebalancePlanned,
    Side,
)
from factortrader.events.risk import TradingState
from factortrader.instruments import TradingRules
from factortrader.risk.context import Book, RiskContext
from factortrader.risk.plans import judge_plan
from factortrader.risk.settings import RiskSettings

EQUITY = 10_000.0


@dataclass(frozen=True, kw_only=True)
class RandomBook:
    """Positions, marks, volumes and rules by asset; no working orders."""

    held: dict[str, Decimal]
    marks: dict[str, float]
    volumes: dict[str, float]
    rule: TradingRules
    equity: float = EQUITY

    @property
    def exposed(self) -> tuple[str, ...]:
        return tuple(self.held)

    def position(self, asset: str) -> Decimal:
        return self.held[asset]

    def mark(self, asset: str) -> float:
        return self.marks[asset]

    def last_volume(self, asset: str) -> float:
        return self.volumes[asset]

    def multiplier(self, asset: str) -> Decimal:
        return Decimal(1)

    def rules(self, asset: str) -> TradingRules:
        return self.rule

    def working(self, asset: str) -> tuple[Decimal, Decimal]:
        return Decimal(0), Decimal(0)


@st.composite
def books(draw: st.DrawFn) -> RandomBook:
    count = draw(st.integers(1, 6))
    assets = [f"A{number}" for number in range(count)]
    volume = st.integers(0, 500).map(float) | st.just(float("nan"))
    return RandomBook(
        held={asset: Decimal(draw(st.integers(-60, 60))) for asset in assets},
        marks={asset: float(draw(st.integers(50, 200))) for asset in assets},
        volumes={asset: draw(volume) for asset in assets},
        rule=TradingRules(
            lot=Decimal(draw(st.sampled_from(["0.001", "1", "7"]))),
            min_notional=Decimal(draw(st.sampled_from(["0", "400"]))),
        ),
    )


@st.composite
def plans(draw: st.DrawFn) -> tuple[RandomBook, RebalancePlanned]:
    book = draw(books())
    traded = draw(st.sets(st.sampled_from(book.exposed), min_size=1))
    legs = [
        leg(
            leg=number,
            asset=asset,
            side=draw(st.sampled_from(Side)),
            quantity=Decimal(draw(st.integers(1, 120))),
            mark=book.marks[asset],
        )
        for number, asset in enumerate(sorted(traded))
    ]
    return book, plan(*legs, equity=EQUITY)


def limits() -> st.SearchStrategy[RiskSettings]:
    fraction = st.floats(0.0, 1.5)
    return st.builds(
        RiskSettings,
        max_weight=fraction,
        max_gross=fraction,
        max_net=fraction,
        max_turnover=fraction,
        max_orders=st.just(100),
        max_order_notional_quote=st.floats(0.0, 10_000.0),
        max_participation=st.floats(0.0, 1.0),
        collar_bps=st.just(100.0),
    )


def weights(book: RandomBook, traded: dict[str, Decimal]) -> np.ndarray:
    """Weights after these signed trades, per asset."""
    return np.array(
        [
            float(book.held[asset] + traded.get(asset, Decimal(0)))
            * book.marks[asset]
            / EQUITY
            for asset in book.held
        ]
    )


def passed(
    book: Book, given_plan: RebalancePlanned, rules: RiskSettings, **changes: Any
) -> dict[str, Decimal]:
    """Signed quantities that the judgment lets through."""
    context = RiskContext(
        settings=rules, book=book, state=changes.get("state", TradingState.ACTIVE)
    )
    judgment = judge_plan(given_plan, context)
    legs = given_plan.legs if isinstance(judgment, PlanApproved) else ()
    if isinstance(judgment, PlanReduced):
        legs = judgment.legs
    return {each.asset: each.side.sign * each.quantity for each in legs}


def reductions(book: RandomBook, traded: dict[str, Decimal]) -> dict[str, Decimal]:
    """The part of each trade that brings its position nearer to zero."""
    found = {}
    for asset, quantity in traded.items():
        held = book.held[asset]
        if held * quantity < 0:
            sign = 1 if quantity > 0 else -1
            found[asset] = sign * min(abs(quantity), abs(held))
    return found


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(case=plans(), rules=limits())
def test_what_passes_respects_every_limit(
    case: tuple[RandomBook, RebalancePlanned], rules: RiskSettings
) -> None:
    """Or, where the reductions alone leave the book over one, adds nothing to it."""
    book, given_plan = case

    traded = passed(book, given_plan, rules)

    after = weights(book, traded)
    reduced = weights(book, reductions(book, traded))
    slack = 1e-8
    assert (
        np.abs(after) <= np.maximum(rules.max_weight, np.abs(reduced)) + slack
    ).all()
    assert np.abs(after).sum() <= max(rules.max_gross, np.abs(reduced).sum()) + slack
    assert abs(after.sum()) <= max(rules.max_net, abs(reduced.sum())) + slack
    moved = np.abs(after - weights(book, {}))
    assert moved.sum() / 2 <= rules.max_turnover + slack
    assert (moved * EQUITY <= rules.max_order_notional_quote + 1e-4).all()
    shares = [
        float(abs(quantity)) - rules.max_participation * book.volumes[asset]
        for asset, quantity in traded.items()
        if np.isfinite(book.volumes[asset])
    ]
    assert max(shares, default=0.0) <= 1e-6


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(case=plans(), rules=limits())
def test_legs_only_ever_shrink_and_stay_legal(
    case: tuple[RandomBook, RebalancePlanned], rules: RiskSettings
) -> None:
    """Same side, no more than was asked for, whole lots if touched, not too small."""
    book, given_plan = case
    asked = {each.asset: each.side.sign * each.quantity for each in given_plan.legs}

    traded = passed(book, given_plan, rules)

    for asset, quantity in traded.items():
        assert quantity * asked[asset] > 0
        assert abs(quantity) <= abs(asked[asset])
        if quantity != asked[asset]:
            assert quantity % book.rule.lot == 0
            notional = abs(quantity) * Decimal(book.marks[asset])
            assert notional >= book.rule.min_notional


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(case=plans(), rules=limits())
def test_weight_gross_and_net_never_block_a_reduction(
    case: tuple[RandomBook, RebalancePlanned], rules: RiskSettings
) -> None:
    """With only these three limits in force the reducing part passes, to the lot."""
    book, given_plan = case
    three = RiskSettings(
        max_weight=rules.max_weight,
        max_gross=rules.max_gross,
        max_net=rules.max_net,
        max_turnover=100.0,
        max_orders=100,
        max_order_notional_quote=1e12,
        max_participation=1.0,
        collar_bps=100.0,
    )
    liquid = RandomBook(
        held=book.held,
        marks=book.marks,
        volumes=dict.fromkeys(book.marks, 1e9),
        rule=TradingRules(lot=Decimal(1)),
    )
    asked = {each.asset: each.side.sign * each.quantity for each in given_plan.legs}

    traded = passed(liquid, given_plan, three)

    for asset, quantity in reductions(liquid, asked).items():
        assert abs(traded.get(asset, Decimal(0))) >= abs(quantity)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(case=plans(), rules=limits())
def test_a_reduce_only_desk_never_grows_a_position(
    case: tuple[RandomBook, RebalancePlanned], rules: RiskSettings
) -> None:
    """Every position ends nearer to zero or where it was, on the same side."""
    book, given_plan = case

    traded = passed(book, given_plan, rules, state=TradingState.REDUCE_ONLY)

    for asset, quantity in traded.items():
        before, after = book.held[asset], book.held[asset] + quantity
        assert before * after >= 0
        assert abs(after) < abs(before)
