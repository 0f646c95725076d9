"""Who hears what: the circuit diagram of the core. Read it top to bottom.

    bars ─▶ tape ─▶ holdings ─▶ strategy ─▶ construction ─▶ planner ─▶ risk ─▶ executor
                                                                                │
    ledger, open orders, executor, planner ◀── the venue's reports ◀── orders ◀┘

The order of handlers in a line is the order of delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from factortrader.bus import Bus
from factortrader.events import (
    BarsClosed,
    CancelRejected,
    CancelSubmitted,
    CorporateActionApplied,
    FundingPaid,
    InstrumentRulesChanged,
    Message,
    OperatorCommanded,
    OrderAccepted,
    OrderAdopted,
    OrderApproved,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderParked,
    OrderProvenAbsent,
    OrderRefused,
    OrderRejected,
    OrderRequested,
    OrderSettled,
    OrderSubmitted,
    OrderUnknown,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    PositionSettled,
    RebalancePlanned,
    SignalsUpdated,
    TargetsSet,
    TradingStateChanged,
    TransferBooked,
)
from factortrader.execution.executor import Executor
from factortrader.execution.planner import Planner
from factortrader.market.tape import Tape
from factortrader.orders.book import OpenOrders
from factortrader.portfolio.construction import Construction
from factortrader.portfolio.holdings import Holdings
from factortrader.risk.monitor import RiskMonitor
from factortrader.runtime.host import StrategyHost


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The components of one fund, each with its own private fold."""

    tape: Tape
    holdings: Holdings
    orders: OpenOrders
    host: StrategyHost
    construction: Construction
    planner: Planner
    risk: RiskMonitor
    executor: Executor


def wire(c: Components) -> Bus:
    """Connect them."""
    bus = Bus()
    on = bus.subscribe
    folded = _silently(c.orders.apply)

    # the market
    on(BarsClosed, c.tape.on_bars, c.holdings.on_bars, c.host.on_bars)
    on(InstrumentRulesChanged, c.holdings.on_rules)
    on(CorporateActionApplied, c.holdings.on_action, c.executor.on_action)

    # from a view to a plan
    on(SignalsUpdated, c.construction.on_signals)
    on(TargetsSet, c.executor.on_targets, c.planner.on_targets)
    on(RebalancePlanned, c.executor.on_planned, c.risk.on_plan)
    on(PlanApproved, c.executor.on_approved)
    on(PlanReduced, c.executor.on_reduced)
    on(PlanRefused, _silently(c.orders.refuse_plan), c.executor.on_plan_refused)

    # from a plan to orders
    on(OrderRequested, c.risk.on_order, folded)
    on(OrderApproved, folded, c.executor.on_order_approved)
    on(OrderRefused, folded, c.executor.on_order_refused)
    on(OrderSubmitted, folded)
    on(CancelSubmitted, folded)

    # what the venue says of them
    on(OrderAccepted, folded, c.planner.on_accepted)
    ended = (c.executor.on_report, c.planner.on_order_end)
    on(OrderFilled, folded, c.holdings.on_fill, *ended)
    on(OrderCanceled, folded, *ended)
    on(OrderExpired, folded, *ended)
    on(OrderRejected, folded, *ended)
    on(CancelRejected, folded)
    on(OrderUnknown, folded)
    on(OrderProvenAbsent, folded, *ended)
    on(OrderParked, folded)
    on(OrderAdopted, folded)
    on(OrderSettled, folded)

    # the account
    on(TransferBooked, c.holdings.on_transfer)
    on(FundingPaid, c.holdings.on_funding)
    on(PositionSettled, c.holdings.on_settled)

    # the desk
    on(OperatorCommanded, c.risk.on_operator)
    on(TradingStateChanged, c.risk.on_state)
    return bus


def _silently(fold: Callable[[Any], object]) -> Callable[[Any], Iterable[Message]]:
    """A fold as a handler: nothing follows from it."""

    def heard(event: Any) -> Iterable[Message]:
        fold(event)
        return ()

    heard.__qualname__ = getattr(fold, "__qualname__", "fold")
    return heard
