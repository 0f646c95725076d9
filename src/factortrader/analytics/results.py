"""A finished run: its facts, its folded movements, and its series bar by bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from factortrader.analytics.movements import Movements, fold_movements
from factortrader.analytics.performance import drawdown
from factortrader.analytics.recorder import RunRecorder
from factortrader.instruments import Instrument
from factortrader.units import FloatArray, IntArray, to_float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the messages do not say about a run, and a report must.

    instruments: every one that the run could trade. stamps: the warnings of the
    banner, such as "SYNTHETIC DATA". limits: each risk limit in force, by name.
    assumptions: topic → sentence (fill rule, latency, costs, settlement of ends).
    notes: findings of the source. configuration: the effective one, nested.
    """

    fund: str
    quote: str
    interval_ns: int
    instruments: Sequence[Instrument]
    stamps: tuple[str, ...] = ()
    limits: Mapping[str, Any] | None = None
    assumptions: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()
    configuration: Mapping[str, Any] | None = None


class RunResults:
    """Everything that the tables, the summary and the report are made of."""

    def __init__(self, recorder: RunRecorder, facts: RunFacts) -> None:
        self.recorder = recorder
        self.facts = facts
        self.instruments = {each.asset: each for each in facts.instruments}

    @cached_property
    def movements(self) -> Movements:
        return fold_movements(
            self.recorder,
            instruments=self.instruments,
            quote=self.facts.quote,
            interval_ns=self.facts.interval_ns,
        )

    @cached_property
    def close_ns(self) -> IntArray:
        """The bars' closes, shape (bars,)."""
        return np.array([row.close_ns for row in self.recorder.rows], dtype=np.int64)

    @cached_property
    def equity(self) -> FloatArray:
        """Quote currency at each mark, shape (bars,)."""
        return np.array([row.equity for row in self.recorder.rows])

    @cached_property
    def equity_before(self) -> FloatArray:
        """Equity at the previous mark; the capital before the first."""
        capital = to_float(self.movements.capital)
        return np.concatenate(([capital], self.equity[:-1]))[: len(self.equity)]

    @cached_property
    def returns(self) -> FloatArray:
        """Time-weighted return of each bar, the first one from the capital.

        return[t] = (equity[t] − equity[t−1] − Σ flow) / (equity[t−1] + Σ part × flow)

        where part is the fraction of the bar left when the flow came (Dietz): exact
        for transfers at either end of a bar. NaN where the base is not positive.
        """
        flow = self.movements.transfers[:-1]
        base = self.invested
        gained = self.equity - self.equity_before - flow
        returns = np.full(len(base), np.nan)
        np.divide(gained, base, out=returns, where=base > 0.0)
        return returns

    @cached_property
    def invested(self) -> FloatArray:
        """The capital that a bar's return is earned on, quote currency."""
        return self.equity_before + self.movements.weighted_transfers[:-1]

    @cached_property
    def drawdown(self) -> FloatArray:
        """Wealth per unit of capital against its highest so far; 0 at a new high.

        Time-weighted, so that a withdrawal is no loss; starts from the capital and
        stays at −1 after ruin.
        """
        wealth = np.cumprod(1.0 + np.nan_to_num(self.returns))
        depth: FloatArray = drawdown(np.concatenate(([1.0], wealth)))[1:]
        return depth

    @cached_property
    def benchmark_wealth(self) -> Mapping[str, FloatArray]:
        """Column of equity.parquet → value in quote, from the capital on."""
        capital = to_float(self.movements.capital)
        rows = self.recorder.rows
        columns: dict[str, FloatArray] = {}
        held = np.array([row.benchmark for row in rows]) * capital
        if self.recorder.benchmark is not None and np.isfinite(held).any():
            columns[f"benchmark_{self.recorder.benchmark}"] = held
        columns["benchmark_equal_weight"] = (
            np.array([row.equal_weight for row in rows]) * capital
        )
        return columns

    @cached_property
    def turnover(self) -> FloatArray:
        """One-way turnover of each bar: ½ Σ|fill notional| / equity before."""
        return 0.5 * _ratio(self.movements.traded[:-1], self.equity_before)

    @cached_property
    def costs(self) -> FloatArray:
        """Fees, spread, impact, funding and borrow paid in each bar, quote currency."""
        moved = self.movements
        paid: FloatArray = moved.fees + moved.slippage + moved.funding + moved.borrow
        return paid


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Element by element; NaN where the denominator is not positive."""
    out = np.full(len(denominator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0.0)
    return out
