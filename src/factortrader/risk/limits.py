"""The limits of a plan, one function each, composed as a list.

A leg has two parts: what it *reduces* of a position and what it *adds* beyond. Weight,
gross and net limits shrink additions only, so that reducing risk is never blocked by
them. Order size, participation and turnover limit every leg, additions first.

All of them only shrink legs, and return the very same draft where they do not bind.
Shrinking an addition moves its weight back towards that of the reductions alone, so a
later limit cannot break an earlier one except for net, which is why `judge_plan`
applies the list until nothing binds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from factortrader.events import RebalancePlanned
from factortrader.risk.context import RiskContext
from factortrader.risk.settings import RiskSettings
from factortrader.units import FloatArray, to_float

TOLERANCE: Final = 1e-9
"""Of equity, or relative: a limit that is reached is respected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The legs of a plan as arrays, shape (legs,), in the plan's order.

    sign: +1 buys, −1 sells. position: signed units before. reduces, adds: units ≥ 0.
    unit_quote: quote currency per unit; unit_weight: the same / equity.
    volume: units of the last bar, NaN = unknown.
    rest_gross, rest_net: exposure of everything without a leg, fractions of equity.
    """

    sign: FloatArray
    position: FloatArray
    reduces: FloatArray
    adds: FloatArray
    unit_quote: FloatArray
    unit_weight: FloatArray
    volume: FloatArray
    rest_gross: float
    rest_net: float

    @property
    def quantity(self) -> FloatArray:
        return self.reduces + self.adds

    @property
    def added(self) -> FloatArray:
        """Signed weight that each leg adds."""
        return self.sign * self.adds * self.unit_weight

    @property
    def reduced_weights(self) -> FloatArray:
        """Weights after the reductions alone."""
        return (self.position + self.sign * self.reduces) * self.unit_weight

    @property
    def weights(self) -> FloatArray:
        """Weights after the whole plan."""
        return self.reduced_weights + self.added

    @property
    def gross(self) -> float:
        return self.rest_gross + math.fsum(np.abs(self.weights))

    @property
    def net(self) -> float:
        return self.rest_net + math.fsum(self.weights)

    @property
    def turnover(self) -> float:
        return 0.5 * math.fsum(self.quantity * self.unit_weight)


@dataclass(frozen=True, slots=True)
class Limit:
    """name: its key in `[risk]`. measure: what is compared with it. shrink: the cure."""

    name: str
    measure: Callable[[Draft], float]
    shrink: Callable[[Draft, RiskSettings], Draft]


def drafted(plan: RebalancePlanned, context: RiskContext) -> Draft:
    """The plan at its own marks and equity, the rest of the book at the book's.

    An asset without a leg and without a mark counts nothing: nobody knows its worth.
    """
    book = context.book
    legs = plan.legs
    sign = np.array([leg.side.sign for leg in legs], dtype=np.float64)
    position = np.array([to_float(book.position(leg.asset)) for leg in legs])
    quantity = np.array([to_float(leg.quantity) for leg in legs])
    opposite = sign * position < 0.0
    reduces = np.where(opposite, np.minimum(quantity, np.abs(position)), 0.0)
    unit_quote = np.array(
        [leg.mark * to_float(book.multiplier(leg.asset)) for leg in legs]
    )
    traded = {leg.asset for leg in legs}
    rest = [
        to_float(book.position(asset) * book.multiplier(asset)) * book.mark(asset)
        for asset in book.exposed
        if asset not in traded
    ]
    rest_weights = [value / plan.equity for value in rest if math.isfinite(value)]
    return Draft(
        sign=sign,
        position=position,
        reduces=reduces,
        adds=quantity - reduces,
        unit_quote=unit_quote,
        unit_weight=unit_quote / plan.equity,
        volume=np.array([book.last_volume(leg.asset) for leg in legs], np.float64),
        rest_gross=math.fsum(abs(weight) for weight in rest_weights),
        rest_net=math.fsum(rest_weights),
    )


def order_notional(draft: Draft, settings: RiskSettings) -> Draft:
    """Each leg at most max_order_notional_quote."""
    return _quantity_capped(draft, settings.max_order_notional_quote / draft.unit_quote)


def participation(draft: Draft, settings: RiskSettings) -> Draft:
    """Each leg at most its share of the last bar's volume; unknown volume = no cap."""
    cap = settings.max_participation * draft.volume
    return _quantity_capped(draft, np.where(np.isnan(cap), np.inf, cap))


def asset_weight(draft: Draft, settings: RiskSettings) -> Draft:
    """|weight| of each asset at most max_weight, by what is added."""
    room = settings.max_weight - np.abs(draft.reduced_weights)
    cap = np.maximum(room, 0.0) / draft.unit_weight
    adds = _at_most(draft.adds, cap)
    return draft if adds is draft.adds else replace(draft, adds=adds)


def gross(draft: Draft, settings: RiskSettings) -> Draft:
    """Σ|weight| at most max_gross: everything added shrinks by one factor."""
    added = math.fsum(np.abs(draft.added))
    factor = _factor(added, excess=draft.gross - settings.max_gross)
    return draft if factor == 1.0 else replace(draft, adds=draft.adds * factor)


def net(draft: Draft, settings: RiskSettings) -> Draft:
    """|Σ weight| at most max_net: what is added on the heavy side shrinks."""
    heavy = 1.0 if draft.net > 0.0 else -1.0
    pushes = draft.sign == heavy
    added = math.fsum(np.abs(draft.added[pushes]))
    factor = _factor(added, excess=abs(draft.net) - settings.max_net)
    if factor == 1.0:
        return draft
    return replace(draft, adds=np.where(pushes, draft.adds * factor, draft.adds))


def turnover(draft: Draft, settings: RiskSettings) -> Draft:
    """½ Σ|Δweight| at most max_turnover: additions give way first, then reductions."""
    excess = draft.turnover - settings.max_turnover
    if excess <= TOLERANCE:
        return draft
    added = 0.5 * math.fsum(draft.adds * draft.unit_weight)
    reduced = 0.5 * math.fsum(draft.reduces * draft.unit_weight)
    return replace(
        draft,
        adds=draft.adds * _factor(added, excess=excess),
        reduces=draft.reduces * _factor(reduced, excess=excess - added),
    )


PLAN_LIMITS: Final[tuple[Limit, ...]] = (
    Limit(
        "max_order_notional_quote",
        lambda draft: _largest(draft.quantity * draft.unit_quote),
        order_notional,
    ),
    Limit(
        "max_participation",
        lambda draft: _largest(_participations(draft)),
        participation,
    ),
    Limit("max_weight", lambda draft: _largest(draft.weights), asset_weight),
    Limit("max_turnover", lambda draft: draft.turnover, turnover),
    Limit("max_gross", lambda draft: draft.gross, gross),
    Limit("max_net", lambda draft: abs(draft.net), net),
)
"""In the order in which they are applied."""


def _participations(draft: Draft) -> FloatArray:
    """Quantity / volume; 0 where the volume is unknown, infinite where it is zero."""
    with np.errstate(divide="ignore"):
        shares = draft.quantity / draft.volume
    return np.where(np.isnan(shares), 0.0, shares)


def _largest(values: FloatArray) -> float:
    return float(np.abs(values).max(initial=0.0))


def _quantity_capped(draft: Draft, cap: FloatArray) -> Draft:
    """Units of each leg at most `cap`; the reducing part is the last to shrink."""
    reduces = _at_most(draft.reduces, cap)
    adds = _at_most(draft.adds, np.maximum(cap - reduces, 0.0))
    if reduces is draft.reduces and adds is draft.adds:
        return draft
    return replace(draft, reduces=reduces, adds=adds)


def _at_most(quantity: FloatArray, cap: FloatArray) -> FloatArray:
    """The very same array where the cap does not bind beyond the tolerance."""
    over = quantity > cap * (1.0 + TOLERANCE)
    return np.where(over, cap, quantity) if over.any() else quantity


def _factor(total: float, *, excess: float) -> float:
    """By how much a total has to shrink to lose the excess, in [0, 1]."""
    if excess <= TOLERANCE or total <= 0.0:
        return 1.0
    return max(0.0, (total - excess) / total)
