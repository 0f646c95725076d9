"""What sizing starts from, ends with, and passes on between: problem, plan, drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from factortrader.events import Leg
from factortrader.instruments import Instrument, TradingRules
from factortrader.units import MONEY, ZERO, FloatArray, to_float


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingProblem:
    """One rebalance at the decision marks.

    assets: columns of weights and marks. weights: signed fractions of equity, NaN =
    leave alone. marks: quote currency per unit, raw; NaN = unknown.
    equity, cash: quote currency; cash is what spot purchases can be paid from.
    positions: asset → signed quantity; absent = none. Assets that are held but are
    no column are left alone.
    instruments, rules: by asset; absent rules = the defaults of `TradingRules`.
    no_trade_band: share of the larger of |target| and |current|.
    cost_fraction: expected fee and slippage as a fraction of notional, set aside.
    """

    assets: Sequence[str]
    weights: FloatArray
    marks: FloatArray
    equity: float
    cash: Decimal
    positions: Mapping[str, Decimal]
    instruments: Mapping[str, Instrument]
    rules: Mapping[str, TradingRules]
    no_trade_band: float
    cost_fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A wanted change that became no leg, and why."""

    asset: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedPlan:
    """legs: in sending order, numbered from 0.

    skipped: in column order, then what could not be afforded.
    """

    legs: tuple[Leg, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A leg that is not numbered yet. before: signed position; unit: quote per unit."""

    leg: Leg
    before: Decimal
    unit: float
    instrument: Instrument
    rules: TradingRules

    @property
    def notional(self) -> float:
        return to_float(self.leg.quantity) * self.unit

    @property
    def closes(self) -> Decimal:
        """The part of the leg that brings the position nearer to zero."""
        opposite = self.before * self.leg.side.sign < 0
        return min(abs(self.before), self.leg.quantity) if opposite else ZERO

    @property
    def opens(self) -> Decimal:
        return MONEY.subtract(self.leg.quantity, self.closes)

    @property
    def reduces(self) -> bool:
        """Nearer to zero without crossing it."""
        return self.opens == 0

    def collateral(self, quantity: Decimal) -> float:
        """What so much of the asset binds, in quote currency."""
        return to_float(quantity) * self.unit * margin_rate(self.instrument)


def too_small(leg: Leg, *, rules: TradingRules, unit: float) -> Skipped | None:
    """Why a leg is no order: under a lot, or under the minimum notional; or None."""
    if leg.quantity <= 0:
        return Skipped(asset=leg.asset, reason=f"below the lot of {rules.lot}")
    notional = to_float(leg.quantity) * unit
    if notional < to_float(rules.min_notional):
        return Skipped(
            asset=leg.asset,
            reason=f"{notional:.6g} is below the minimum notional {rules.min_notional}",
        )
    return None


def margin_rate(instrument: Instrument) -> float:
    return to_float(instrument.initial_margin) if instrument.is_perpetual else 1.0
