"""From wanted weights to the legs of a plan, and why an asset got no leg.

    target quantity = weight × equity / (mark × multiplier), towards zero to the lot
    leg             = target quantity − position, down to the lot

Legs that reduce a position come first, then those that open or add; within each the
largest notional first, ties by id. What adds is scaled pro rata where the cash (spot)
or the collateral (perpetuals) after the reductions and the costs is short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import msgspec

from factortrader.events import Leg, Side
from factortrader.instruments import Instrument, TradingRules
from factortrader.units import (
    MONEY,
    ZERO,
    FloatArray,
    decimal_shortest,
    floor_to_step,
    money_down,
    money_up,
    quantity_floor,
    share_floor,
    to_float,
)

_COST_QUANTUM: Final = Decimal("0.0000001")
_CASH_QUANTUM: Final = Decimal("0.000000000001")
"""Expected costs and payments are rounded against us to these, so that their sums
stay within the digits of `MONEY` whatever the marks."""

_SNAP: Final = 1e-12
"""Relative; a weight that asks for exactly n lots gets n whatever the last bit says,
so that planning again after the fills finds nothing to do."""


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
class _Draft:
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
    def after(self) -> Decimal:
        return MONEY.add(self.before, self.leg.side.sign * self.leg.quantity)

    @property
    def reduces(self) -> bool:
        """Nearer to zero without crossing it."""
        return self.before * self.after >= 0 and abs(self.after) < abs(self.before)

    @property
    def margin_change(self) -> float:
        """Collateral bound (> 0) or released (< 0) in quote currency."""
        grown = to_float(abs(self.after)) - to_float(abs(self.before))
        return grown * self.unit * _margin_rate(self.instrument)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """part / whole of what is wanted is there; 0 ≤ part < whole."""

    part: Decimal
    whole: Decimal


def size_legs(problem: SizingProblem) -> SizedPlan:
    """The legs that bring the positions to the weights, and what was skipped.

    Exits sell the whole position down to the lot; dust below the lot or the minimum
    notional stays and is reported. A position that changes sign is one leg. A short
    of spot is sized as an exit and reported. Planning again after full execution at
    the marks gives no legs.
    """
    drafts: list[_Draft] = []
    skipped: list[Skipped] = []
    for column in range(len(problem.assets)):
        found = _draft(problem, column)
        if isinstance(found, Skipped):
            skipped.append(found)
        elif found is not None:
            drafts.append(found)
        if _is_short_of_spot(problem, column):
            asset = problem.assets[column]
            skipped.append(Skipped(asset=asset, reason="spot cannot be sold short"))
    reducing = [each for each in drafts if each.reduces]
    adding, unaffordable = _afforded(
        problem, reducing, [each for each in drafts if not each.reduces]
    )
    ordered = [*_by_notional(reducing), *_by_notional(adding)]
    return SizedPlan(
        legs=tuple(
            msgspec.structs.replace(each.leg, leg=number)
            for number, each in enumerate(ordered)
        ),
        skipped=(*skipped, *unaffordable),
    )


def scale_to_cash(
    legs: Sequence[Leg],
    *,
    cash: Decimal,
    cost_fraction: float,
    instruments: Mapping[str, Instrument],
    rules: Mapping[str, TradingRules],
) -> SizedPlan:
    """The same legs with the spot purchases scaled to the cash that is there.

    For the executor, after the sells: all purchases shrink by one factor so that
    Σ notional × (1 + cost_fraction) ≤ cash at the legs' marks. Sells and legs of
    perpetuals pass as they are; numbers and order are kept. Legs below the lot or the
    minimum notional fall away with a reason.
    """

    def is_spot_buy(leg: Leg) -> bool:
        return leg.side is Side.BUY and not instruments[leg.asset].is_perpetual

    needed = _spent(
        ((leg, instruments[leg.asset]) for leg in legs if is_spot_buy(leg)),
        _cost_rate(cost_fraction),
    )
    if needed <= max(cash, ZERO):
        return SizedPlan(legs=tuple(legs), skipped=())
    share = _Share(part=max(cash, ZERO), whole=needed)
    kept: list[Leg] = []
    skipped: list[Skipped] = []
    for leg in legs:
        scaled: Leg | Skipped = leg
        if is_spot_buy(leg):
            scaled = _scaled(
                leg,
                share,
                rules=rules.get(leg.asset, TradingRules()),
                unit=leg.mark * to_float(instruments[leg.asset].multiplier),
            )
        if isinstance(scaled, Skipped):
            skipped.append(scaled)
        else:
            kept.append(scaled)
    return SizedPlan(legs=tuple(kept), skipped=tuple(skipped))


def _draft(problem: SizingProblem, column: int) -> _Draft | Skipped | None:
    """The leg of one column at full size; None where nothing is to be done."""
    asset = problem.assets[column]
    weight, mark = float(problem.weights[column]), float(problem.marks[column])
    before = problem.positions.get(asset, ZERO)
    instrument = problem.instruments[asset]
    if math.isnan(weight):
        return None
    if not instrument.is_perpetual:
        weight = max(weight, 0.0)
    if weight == 0.0 and before == 0:
        return None
    rules = problem.rules.get(asset, TradingRules())
    refusal = _untradable(problem, mark, rules=rules)
    if refusal:
        return Skipped(asset=asset, reason=refusal)
    unit = mark * to_float(instrument.multiplier)
    current_weight = to_float(before) * unit / problem.equity
    if _inside_band(weight, current_weight, band=problem.no_trade_band):
        return Skipped(asset=asset, reason="inside the no-trade band")
    target = _target_quantity(weight * problem.equity / unit, rules.lot)
    change = MONEY.subtract(target, before)
    leg = Leg(
        leg=0,
        asset=asset,
        side=Side.BUY if change > 0 else Side.SELL,
        quantity=floor_to_step(abs(change), rules.lot),
        mark=mark,
        target_weight=weight,
        current_weight=current_weight,
    )
    small = _too_small(leg, rules=rules, unit=unit)
    if small is not None:
        return small
    return _Draft(leg=leg, before=before, unit=unit, instrument=instrument, rules=rules)


def _untradable(problem: SizingProblem, mark: float, *, rules: TradingRules) -> str:
    if not (math.isfinite(problem.equity) and problem.equity > 0.0):
        return f"equity is {problem.equity:.6g}"
    if not (math.isfinite(mark) and mark > 0.0):
        return "no mark"
    return "" if rules.tradable else "the venue's rules say: not tradable"


def _is_short_of_spot(problem: SizingProblem, column: int) -> bool:
    instrument = problem.instruments[problem.assets[column]]
    return bool(problem.weights[column] < 0.0) and not instrument.is_perpetual


def _inside_band(target: float, current: float, *, band: float) -> bool:
    if target == 0.0 or current == 0.0:
        return False
    return abs(target - current) <= band * max(abs(target), abs(current))


def _target_quantity(quantity: float, lot: Decimal) -> Decimal:
    """Towards zero to the lot, except within a relative 1e-12 of the next one."""
    whole = quantity_floor(abs(quantity) * (1.0 + _SNAP), lot)
    return whole if quantity >= 0.0 else -whole


def _too_small(leg: Leg, *, rules: TradingRules, unit: float) -> Skipped | None:
    if leg.quantity <= 0:
        return Skipped(asset=leg.asset, reason=f"below the lot of {rules.lot}")
    notional = to_float(leg.quantity) * unit
    if notional < to_float(rules.min_notional):
        return Skipped(
            asset=leg.asset,
            reason=f"{notional:.6g} is below the minimum notional {rules.min_notional}",
        )
    return None


def _afforded(
    problem: SizingProblem, reducing: list[_Draft], adding: list[_Draft]
) -> tuple[list[_Draft], list[Skipped]]:
    """What adds: spot scaled to the cash, then everything to the collateral."""
    skipped: list[Skipped] = []
    share = _cash_share(problem, reducing, adding)
    if share is not None:
        spot = [each for each in adding if not each.instrument.is_perpetual]
        rest = [each for each in adding if each.instrument.is_perpetual]
        scaled, skipped = _all_scaled(problem, spot, share, short_of="cash")
        adding = [*scaled, *rest]
    share = _collateral_share(problem, reducing, adding)
    if share is not None:
        adding, more = _all_scaled(problem, adding, share, short_of="collateral")
        skipped = [*skipped, *more]
    return adding, skipped


def _cash_share(
    problem: SizingProblem, reducing: list[_Draft], adding: list[_Draft]
) -> _Share | None:
    """None where the cash after the sells pays for all spot purchases.

    In `Decimal`, because an account without credit refuses what is short by a hair.
    """
    cost = _cost_rate(problem.cost_fraction)
    sold, bought = (
        [each for each in drafts if not each.instrument.is_perpetual]
        for drafts in (reducing, adding)
    )
    proceeds = sum(
        (money_down(_value(each.leg, each.instrument), _CASH_QUANTUM) for each in sold),
        ZERO,
    )
    cash = max(problem.cash + proceeds * (1 - cost), ZERO)
    needed = _spent([(each.leg, each.instrument) for each in bought], cost)
    return None if needed <= cash else _Share(part=cash, whole=needed)


def _collateral_share(
    problem: SizingProblem, reducing: list[_Draft], adding: list[_Draft]
) -> _Share | None:
    """None where the free collateral carries all that is added.

    Free is the equity less the value of spot and the initial margin of perpetuals.
    """
    if not any(each.instrument.is_perpetual for each in adding):
        return None
    costs = problem.cost_fraction
    free = problem.equity - math.fsum(_bound_collateral(problem))
    free -= math.fsum(each.margin_change + each.notional * costs for each in reducing)
    needed = math.fsum(each.margin_change + each.notional * costs for each in adding)
    if needed <= max(free, 0.0):
        return None
    return _Share(part=decimal_shortest(max(free, 0.0)), whole=decimal_shortest(needed))


def _bound_collateral(problem: SizingProblem) -> Iterator[float]:
    for asset, mark in zip(problem.assets, problem.marks, strict=True):
        quantity = problem.positions.get(asset, ZERO)
        if quantity and math.isfinite(mark):
            instrument = problem.instruments[asset]
            units = to_float(abs(quantity) * instrument.multiplier)
            yield units * float(mark) * _margin_rate(instrument)


def _all_scaled(
    problem: SizingProblem, drafts: list[_Draft], share: _Share, *, short_of: str
) -> tuple[list[_Draft], list[Skipped]]:
    """Scaled by one factor; what shrinks into the no-trade band is not worth it."""
    kept: list[_Draft] = []
    skipped: list[Skipped] = []
    for each in drafts:
        leg = _scaled(each.leg, share, rules=each.rules, unit=each.unit)
        if isinstance(leg, Skipped):
            skipped.append(Skipped(asset=leg.asset, reason=f"{short_of}: {leg.reason}"))
            continue
        change = to_float(leg.quantity) * each.unit / problem.equity
        if change <= problem.no_trade_band * abs(leg.target_weight):
            text = f"{short_of}: the affordable part is inside the no-trade band"
            skipped.append(Skipped(asset=leg.asset, reason=text))
            continue
        kept.append(replace(each, leg=leg))
    return kept, skipped


def _scaled(
    leg: Leg, share: _Share, *, rules: TradingRules, unit: float
) -> Leg | Skipped:
    quantity = share_floor(
        leg.quantity, part=share.part, whole=share.whole, step=rules.lot
    )
    scaled = msgspec.structs.replace(leg, quantity=quantity)
    return _too_small(scaled, rules=rules, unit=unit) or scaled


def _value(leg: Leg, instrument: Instrument) -> Decimal:
    """Notional at the mark, exactly."""
    return leg.quantity * instrument.multiplier * decimal_shortest(leg.mark)


def _spent(purchases: Iterable[tuple[Leg, Instrument]], cost: Decimal) -> Decimal:
    """What purchases at their marks take out of the cash, costs included."""
    notional = sum(
        (money_up(_value(leg, each), _CASH_QUANTUM) for leg, each in purchases), ZERO
    )
    return notional * (1 + cost)


def _cost_rate(cost_fraction: float) -> Decimal:
    return money_up(decimal_shortest(cost_fraction), _COST_QUANTUM)


def _margin_rate(instrument: Instrument) -> float:
    return to_float(instrument.initial_margin) if instrument.is_perpetual else 1.0


def _by_notional(drafts: list[_Draft]) -> list[_Draft]:
    return sorted(drafts, key=lambda each: (-each.notional, each.leg.asset))
