"""A tap on the message stream: what a run's tables are folded from.

The recorder knows messages only and keeps what the tables need: a compact row per
mark, references to signals and targets, the movements of money, and one line per
order. Bars are folded into the benchmarks at once and not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from factortrader.analytics.benchmarks import BenchmarkFold
from factortrader.analytics.order_lines import ORDER_EVENTS, OrderLines
from factortrader.events import (
    BarsClosed,
    CorporateActionApplied,
    FundingPaid,
    Leg,
    LimitBreached,
    Message,
    OrderFilled,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    PortfolioMarked,
    PositionSettled,
    RebalancePlanned,
    SignalsUpdated,
    TargetsSet,
    TradingStateChanged,
    TransferBooked,
    UniverseChanged,
)
from factortrader.units import FloatArray, IntArray

Movement: TypeAlias = (
    OrderFilled
    | FundingPaid
    | PositionSettled
    | TransferBooked
    | CorporateActionApplied
)
"""What changes cash or positions."""


class MarkedRow(NamedTuple):
    """The account at one bar; `held` are the columns of non-zero quantities."""

    close_ns: int
    equity: float
    cash: float
    gross_exposure: float
    net_exposure: float
    assets: tuple[str, ...]
    held: IntArray
    quantities: FloatArray
    marks: FloatArray
    benchmark: float
    equal_weight: float


class RunRecorder:
    """Folds a run's messages as they pass.

    benchmark: stable id of the asset to buy and hold, or None.

    rows: one per bar. movements: (index of the equity row that first shows it,
    message), in order. Everything else: messages as they came.
    """

    def __init__(self, *, benchmark: str | None = None) -> None:
        self.benchmark = benchmark
        self.rows: list[MarkedRow] = []
        self.movements: list[tuple[int, Movement]] = []
        self.signals: list[SignalsUpdated] = []
        self.targets: list[TargetsSet] = []
        self.plans: dict[str, RebalancePlanned] = {}
        self.approved: list[PlanApproved | PlanReduced] = []
        self.refused: list[PlanRefused] = []
        self.breaches: list[LimitBreached] = []
        self.states: list[TradingStateChanged] = []
        self.universe: list[UniverseChanged] = []
        self.orders = OrderLines()
        self._benchmarks = BenchmarkFold(benchmark)
        self._delivered: set[tuple[str, str]] = set()
        self._quantities: FloatArray | None = None
        self._compressed: tuple[IntArray, FloatArray]
        self._taps = self._wiring()

    def observe(self, messages: Sequence[Message]) -> None:
        """The messages of one step, in order. A fill delivered twice counts once."""
        taps = self._taps
        for message in messages:
            tap = taps.get(type(message))
            if tap is not None:
                tap(message)

    @property
    def reduced(self) -> list[PlanReduced]:
        """Plans that were approved with smaller legs."""
        return [each for each in self.approved if isinstance(each, PlanReduced)]

    @property
    def rebalances(self) -> int:
        """Plans that were approved, whole or reduced, with something to trade."""
        return len({each.plan for each in self.approved if self._legs(each)})

    def _legs(self, approval: PlanApproved | PlanReduced) -> tuple[Leg, ...]:
        if isinstance(approval, PlanReduced):
            return approval.legs
        planned = self.plans.get(approval.plan)
        return planned.legs if planned is not None else ()

    def _wiring(self) -> Mapping[type[Message], Callable[[Any], None]]:
        """Message → what it is kept in: the recorder's circuit diagram."""
        return {
            **dict.fromkeys(ORDER_EVENTS, self.orders.on_event),
            BarsClosed: self._benchmarks.on_bars,
            CorporateActionApplied: self._on_action,
            FundingPaid: self._move,
            LimitBreached: self.breaches.append,
            OrderFilled: self._on_fill,
            PlanApproved: self.approved.append,
            PlanReduced: self.approved.append,
            PlanRefused: self.refused.append,
            PortfolioMarked: self._on_marked,
            PositionSettled: self._move,
            RebalancePlanned: self._on_plan,
            SignalsUpdated: self.signals.append,
            TargetsSet: self.targets.append,
            TradingStateChanged: self.states.append,
            TransferBooked: self._move,
            UniverseChanged: self._on_universe,
        }

    def _on_marked(self, marked: PortfolioMarked) -> None:
        held, quantities = self._held(marked.quantities)
        benchmark, equal_weight = self._benchmarks.sample()
        self.rows.append(
            MarkedRow(
                close_ns=marked.close_ns,
                equity=marked.equity,
                cash=marked.cash,
                gross_exposure=marked.gross_exposure,
                net_exposure=marked.net_exposure,
                assets=marked.assets,
                held=held,
                quantities=quantities,
                marks=marked.marks[held],
                benchmark=benchmark,
                equal_weight=equal_weight,
            )
        )

    def _held(self, quantities: FloatArray) -> tuple[IntArray, FloatArray]:
        """Columns and quantities that are not zero.

        Between two movements the account says the same array again; it is read-only,
        so that what was found in it still holds, and rows share it.
        """
        if quantities is not self._quantities:
            self._quantities = quantities
            held = np.flatnonzero(quantities)
            self._compressed = held, quantities[held]
        return self._compressed

    def _move(self, movement: Movement) -> None:
        self.movements.append((len(self.rows), movement))

    def _on_fill(self, fill: OrderFilled) -> None:
        self.orders.on_event(fill)
        if self._is_new((fill.asset, fill.trade_id)):
            self._move(fill)

    def _on_action(self, action: CorporateActionApplied) -> None:
        if self._is_new(("", action.action)):
            self._benchmarks.on_action(action)
            self._move(action)

    def _is_new(self, key: tuple[str, str]) -> bool:
        known = key in self._delivered
        self._delivered.add(key)
        return not known

    def _on_plan(self, plan: RebalancePlanned) -> None:
        self.plans[plan.plan] = plan

    def _on_universe(self, change: UniverseChanged) -> None:
        self._benchmarks.on_universe(change)
        self.universe.append(change)
