"""From wanted weights to the legs of a plan, and why an asset got no leg.

    target quantity = weight × equity / (mark × multiplier), towards zero to the lot
    leg             = target quantity − position, down to the lot

Legs that reduce a position come first, then those that open or add; within each the
largest notional first, ties by id. What adds is scaled pro rata where the cash (spot)
or the collateral (perpetuals) after the reductions and the costs is short.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from factortrader.events import Leg, Side
from factortrader.instruments import TradingRules
from factortrader.portfolio.affording import afforded
from factortrader.portfolio.drafts import (
    Draft,
    SizedPlan,
    SizingProblem,
    Skipped,
    too_small,
)
from factortrader.units import MONEY, ZERO, floor_to_step, quantity_floor, to_float

_SNAP: Final = 1e-12
"""Relative; a weight that asks for exactly n lots gets n whatever the last bit says,
so that planning again after the fills finds nothing to do."""

_DEFAULT_RULES: Final = TradingRules()


def size_legs(problem: SizingProblem) -> SizedPlan:
    """The legs that bring the positions to the weights, and what was skipped.

    Exits sell the whole position down to the lot; dust below the lot or the minimum
    notional stays and is reported. A position that changes sign is one leg. A short
    of spot is sized as an exit and reported. Planning again after full execution at
    the marks gives no legs.
    """
    drafts: list[Draft] = []
    skipped: list[Skipped] = []
    for column in _concerned(problem):
        found = _draft(problem, column)
        if isinstance(found, Skipped):
            skipped.append(found)
        elif found is not None:
            drafts.append(found)
        if _is_short_of_spot(problem, column):
            asset = problem.assets[column]
            skipped.append(Skipped(asset=asset, reason="spot cannot be sold short"))
    reducing = [each for each in drafts if each.reduces]
    adding, unaffordable = afforded(
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


def _concerned(problem: SizingProblem) -> list[int]:
    """Columns that want a weight or have a position; NaN wants nothing."""
    held = np.array([asset in problem.positions for asset in problem.assets], np.bool_)
    wanted = (problem.weights != 0.0) | held
    return np.flatnonzero(wanted & ~np.isnan(problem.weights)).tolist()


def _draft(problem: SizingProblem, column: int) -> Draft | Skipped | None:
    """The leg of one column at full size; None where nothing is to be done."""
    asset = problem.assets[column]
    weight, mark = float(problem.weights[column]), float(problem.marks[column])
    before = problem.positions.get(asset, ZERO)
    instrument = problem.instruments[asset]
    if not instrument.is_perpetual:
        weight = max(weight, 0.0)
    if weight == 0.0 and before == 0:
        return None
    rules = problem.rules.get(asset, _DEFAULT_RULES)
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
    small = too_small(leg, rules=rules, unit=unit)
    if small is not None:
        return small
    return Draft(leg=leg, before=before, unit=unit, instrument=instrument, rules=rules)


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


def _by_notional(drafts: list[Draft]) -> list[Draft]:
    return sorted(drafts, key=lambda each: (-each.notional, each.leg.asset))
