"""Whatever the fund and its limits: every plan that passes keeps them, in real replays.

A limit that the book is over already (marks have moved, or what reduces uncovers the
other side) cannot be restored by shrinking; then nothing is added on that side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.fakes.small_funds import Sections, small_funds
from tests.funds import fund

from factortrader.events import (
    Leg,
    Message,
    OrderApproved,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RebalancePlanned,
)
from factortrader.risk.settings import RiskSettings
from factortrader.runtime.assembly import (
    Fund,
    build_components,
    build_simulated_venue,
)
from factortrader.runtime.codec import ReplayCodec
from factortrader.runtime.engine import Engine
from factortrader.runtime.journal import ChainedJournal
from factortrader.runtime.replay import Replay
from factortrader.runtime.wiring import wire

CLOSE = 1.0 + 1e-6

LIMITS = st.fixed_dictionaries(
    {
        "max_weight": st.sampled_from([2.0, 0.03, 0.15, 0.6]),
        "max_gross": st.sampled_from([2.0, 0.1, 0.5, 1.0]),
        "max_net": st.sampled_from([2.0, 0.05, 0.4]),
        "max_turnover": st.sampled_from([2.0, 0.02, 0.3]),
        "max_orders": st.sampled_from([60, 60, 3]),
        "max_order_notional_quote": st.sampled_from([1e9, 40_000.0, 3_000.0]),
        "max_participation": st.sampled_from([1.0, 0.05, 0.0002]),
        "collar_bps": st.sampled_from([30.0, 10_000.0]),
    }
)


class Inspector:
    """Weighs every judged plan against the book that it met."""

    def __init__(self, fund: Fund) -> None:
        self.limits: RiskSettings = fund.config.risk
        self.core = build_components(fund, environment="replay", memo=True)
        self.plans = 0
        self.allowed: dict[str, dict[str, Decimal]] = {}
        Replay(
            engine=Engine(wire(self.core)),
            history=fund.history,
            venue=build_simulated_venue(fund),
            journal=ChainedJournal(
                genesis_link=b"", encode=ReplayCodec(fund.history).encode
            ),
            taps=[self.inspect],
        ).run()

    def inspect(self, messages: Sequence[Message]) -> None:
        plans: dict[str, RebalancePlanned] = {}
        for message in messages:
            match message:
                case RebalancePlanned():
                    plans[message.plan] = message
                    self.plans += 1
                case PlanApproved():
                    self.assert_limits(plans[message.plan], plans[message.plan].legs)
                    event("a plan was approved")
                case PlanReduced():
                    self.assert_limits(plans[message.plan], message.legs)
                    event(f"a plan was reduced by {message.limits[0]}")
                case PlanRefused():
                    event("a plan was refused")
                case OrderApproved():
                    self.assert_order(message)

    def assert_limits(self, plan: RebalancePlanned, legs: Sequence[Leg]) -> None:
        limits = self.limits
        self.allowed[plan.plan] = {leg.asset: leg.quantity for leg in legs}
        assert len(legs) <= limits.max_orders
        value = {
            leg.asset: self.units(leg.asset, leg.quantity) * leg.mark for leg in legs
        }
        for leg in legs:
            assert value[leg.asset] <= limits.max_order_notional_quote * CLOSE
            volume = self.core.holdings.last_volume(leg.asset)
            if not math.isnan(volume):
                assert float(leg.quantity) <= limits.max_participation * volume * CLOSE
        turnover = math.fsum(value.values()) / plan.equity / 2.0
        assert turnover <= limits.max_turnover * CLOSE
        after = self.weights(plan, legs)
        reduced = self.weights(plan, legs, only_reducing=True)
        for asset, weight in after.items():
            assert_at_most(weight, limits.max_weight, over_already=reduced[asset])
        assert_at_most(
            gross(after.values()),
            limits.max_gross,
            over_already=gross(reduced.values()),
        )
        assert_at_most(
            math.fsum(after.values()),
            limits.max_net,
            over_already=math.fsum(reduced.values()),
        )

    def assert_order(self, approved: OrderApproved) -> None:
        """Never more than its plan was allowed, whatever came between."""
        order = approved.order
        assert order.quantity <= self.allowed[order.plan][order.asset]

    def weights(
        self,
        plan: RebalancePlanned,
        legs: Sequence[Leg],
        *,
        only_reducing: bool = False,
    ) -> Mapping[str, float]:
        """Signed weights of the whole book once the legs are done."""
        holdings = self.core.holdings
        after = dict(holdings.positions)
        marks = {asset: holdings.mark(asset) for asset in after}
        for leg in legs:
            held = after.get(leg.asset, Decimal(0))
            change = leg.side.sign * leg.quantity
            if only_reducing:
                change = toward_zero(held, change)
            after[leg.asset] = held + change
            marks[leg.asset] = leg.mark
        return {
            asset: self.units(asset, quantity) * marks[asset] / plan.equity
            for asset, quantity in after.items()
        }

    def units(self, asset: str, quantity: Decimal) -> float:
        return float(quantity * self.core.holdings.multiplier(asset))


def toward_zero(held: Decimal, change: Decimal) -> Decimal:
    """The part of the change that brings the position nearer to zero."""
    if held * change >= 0:
        return Decimal(0)
    return max(change, -held) if change < 0 else min(change, -held)


def gross(weights: Iterable[float]) -> float:
    return math.fsum(abs(weight) for weight in weights)


def assert_at_most(value: float, limit: float, *, over_already: float) -> None:
    bound = max(limit, abs(over_already))
    assert abs(value) <= bound * CLOSE + 1e-9, (value, limit, over_already)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sections=small_funds(), limits=LIMITS)
def test_every_plan_that_passes_keeps_the_limits(
    sections: Sections, limits: dict[str, Any]
) -> None:
    """Weights, gross, net, turnover, count, notional and participation at once."""
    inspected = Inspector(fund("momentum", **{**sections, "risk": limits}))

    assert inspected.plans
