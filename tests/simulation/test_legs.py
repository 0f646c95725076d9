"""Legs that go together reach their targets, also where data has no open."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from tests.funds import fund
from tests.runs import Told, replayed

from factortrader.errors import BadInput
from factortrader.events import (
    OrderExpired,
    OrderFilled,
    OrderRefused,
    OrderRejected,
    OrderRequested,
    PortfolioMarked,
    RebalancePlanned,
)
from factortrader.runtime.assembly import Fund
from factortrader.runtime.preflight import Preflight
from factortrader.units import DAY_NS, MINUTE_NS, parse_time_ns

GROSS = 0.9


def without_opens(given: Fund) -> Fund:
    """The same fund on closes alone."""
    panel = given.history.panel
    closes = {**panel.fields, "open": np.full(panel.listed.shape, np.nan)}
    bars = replace(panel, fields=closes)
    return replace(given, history=replace(given.history, panel=bars))


def gross_after_plans(told: Told) -> list[float]:
    """Gross exposure at the first bar after each rebalance."""
    found = []
    waits = False
    for message in told.messages:
        if isinstance(message, RebalancePlanned):
            waits = True
        elif isinstance(message, PortfolioMarked) and waits:
            found.append(message.gross_exposure)
            waits = False
    return found


@pytest.mark.slow
@pytest.mark.parametrize("opens", [True, False])
def test_legs_that_go_together_reach_their_targets(opens: bool) -> None:
    """No leg is lost to money or room that the sales beside it bring."""
    given = fund("legs_together", portfolio={"gross": GROSS})

    told = replayed(given if opens else without_opens(given))

    assert not told.of(OrderRefused)
    assert not told.of(OrderRejected)
    unpaid = [end for end in told.of(OrderExpired) if "insufficient" in end.reason]
    assert len(unpaid) <= 0.02 * len(told.of(OrderRequested))  # the market ran away
    assert np.median(gross_after_plans(told)) > 0.95 * GROSS


@pytest.mark.parametrize(
    ("legs", "every", "fits"),
    [
        ("reduce_first", "1d", False),
        ("reduce_first", "2d", True),
        ("together", "1d", True),
    ],
)
def test_what_adds_must_fill_before_the_next_decision(
    legs: str, every: str, fits: bool
) -> None:
    """On closes alone it waits a bar for what reduces; cash would pile up."""
    given = fund("momentum", execution={"legs": legs}, schedule={"every": every})
    asked = Preflight(
        config=given.config,
        strategy=given.strategy,
        universe=given.universe,
        history=without_opens(given).history,
        start_ns=given.start_ns,
    )

    with nullcontext() if fits else pytest.raises(BadInput, match="has no open"):
        asked.check()


@pytest.mark.slow
def test_daily_limit_orders_never_serve_targets_of_the_day_before() -> None:
    """What is sent as the validity of other legs ends gives way to newer targets."""
    given = fund("blend_limit_orders", schedule={"every": "daily"})

    plans = replayed(given).of(RebalancePlanned)

    assert len(plans) > 200
    for plan in plans:
        assert isinstance(plan, RebalancePlanned)
        decided_ns = parse_time_ns(plan.rebalance.partition("/")[0])
        assert plan.time_ns - decided_ns < MINUTE_NS


@pytest.mark.slow
def test_the_remainder_of_a_market_order_rests_where_the_venue_lets_it() -> None:
    """It takes its share of later bars until it is filled or newer targets come."""
    given = fund("late_jittery_venue", schedule={"every": "weekly"})

    told = replayed(given)

    bars_by_order: dict[str, set[int]] = {}
    for fill in told.of(OrderFilled):
        assert isinstance(fill, OrderFilled)
        bars_by_order.setdefault(fill.order_id, set()).add(fill.time_ns // DAY_NS)
    assert max(len(bars) for bars in bars_by_order.values()) == 7
    assert not [end for end in told.of(OrderExpired) if "share" in end.reason]
