"""The judgment of a whole plan, before any leg is sent (DESIGN §5)."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
import numpy as np

from factortrader.events import (
    Leg,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RebalancePlanned,
)
from factortrader.events.risk import TradingState
from factortrader.risk.context import RiskContext
from factortrader.risk.limits import PLAN_LIMITS, Draft, drafted
from factortrader.risk.state import lets_pass
from factortrader.units import ZERO, quantity_floor, to_float

PlanJudgment: TypeAlias = PlanApproved | PlanReduced | PlanRefused

_SNAP: Final = 1e-12
"""Relative, far inside the tolerance of the limits: 9.999…9 lots are ten, and a leg
whose parts sum to so much less than the whole has not shrunk."""

_ROUNDS: Final = 8
"""Rounding down to lots can tip the net again. Six rounds are the most that random
plans took whose max_net was at least two lots; a max_net finer than the lots is out
of reach, and then nothing is added."""


def judge_plan(plan: RebalancePlanned, context: RiskContext) -> PlanJudgment:
    """Approves the plan, reduces its legs to the limits, or refuses it.

    Positions count as they are; working orders are counted when each order is judged.
    Refused: a broken leg, equity that is not positive, more legs than max_orders, and
    what the trading state forbids. Everything else shrinks legs. What remains
    respects every limit at the plan's marks, as far as shrinking can: a book that is
    over a limit already, or is once its reductions are done, gets nothing added on
    that side. Legs that fall below the lot or the minimum notional are dropped; the
    others keep their numbers and their wanted target weights.
    """
    refusal = _refusal(plan, context)
    if refusal is not None:
        return refusal
    whole = drafted(plan, context)
    quantities, bound = _shrunk(plan, context, whole)
    legs = tuple(
        msgspec.structs.replace(leg, quantity=quantity)
        for leg, quantity in zip(plan.legs, quantities, strict=True)
        if quantity > 0
    )
    if legs == plan.legs:
        return PlanApproved(time_ns=plan.time_ns, plan=plan.plan)
    if not legs:
        return _refused(plan, bound[0], _nothing_left(whole, context, bound))
    return PlanReduced(
        time_ns=plan.time_ns, plan=plan.plan, legs=legs, limits=tuple(bound)
    )


def _refusal(plan: RebalancePlanned, context: RiskContext) -> PlanRefused | None:
    if not lets_pass(context.state, reduces=True):
        return _refused(
            plan, "trading_state", f"the desk is {context.state}, nothing passes"
        )
    if not (math.isfinite(plan.equity) and plan.equity > 0.0):
        return _refused(plan, "equity", f"equity is {plan.equity:.6g}, not positive")
    allowed = context.settings.max_orders
    if len(plan.legs) > allowed:
        reason = f"{len(plan.legs)} legs, max_orders is {allowed}"
        return _refused(plan, "max_orders", reason)
    for leg in plan.legs:
        fault = _fault(leg)
        if fault:
            return _refused(plan, "leg", f"leg {leg.leg} of {leg.asset}: {fault}")
    if len({leg.asset for leg in plan.legs}) < len(plan.legs):
        return _refused(plan, "leg", "two legs trade the same asset")
    return None


def _fault(leg: Leg) -> str:
    if not (leg.quantity.is_finite() and leg.quantity > 0):
        return f"quantity {leg.quantity}"
    if not (math.isfinite(leg.mark) and leg.mark > 0.0):
        return f"mark {leg.mark}"
    return ""


def _refused(plan: RebalancePlanned, limit: str, reason: str) -> PlanRefused:
    return PlanRefused(time_ns=plan.time_ns, plan=plan.plan, limit=limit, reason=reason)


def _shrunk(
    plan: RebalancePlanned, context: RiskContext, draft: Draft
) -> tuple[list[Decimal], list[str]]:
    """The quantities that pass, 0 = dropped, and the names of what bound."""
    bound: list[str] = []
    if context.state is TradingState.REDUCE_ONLY and draft.adds.any():
        bound.append("trading_state")
        draft = _without_additions(draft)
    quantities = _in_lots(plan, context, draft)
    for _ in range(_ROUNDS):
        binding, draft = _limited(draft, context)
        if not binding:
            return quantities, bound
        bound.extend(name for name in binding if name not in bound)
        quantities = _in_lots(plan, context, draft)
        draft = _with_quantities(draft, quantities)
    _, draft = _limited(_without_additions(draft), context)
    return _in_lots(plan, context, draft), bound


def _limited(draft: Draft, context: RiskContext) -> tuple[list[str], Draft]:
    """All limits once, in order, and the names of those that bound."""
    binding: list[str] = []
    for limit in PLAN_LIMITS:
        before, draft = draft, limit.shrink(draft, context.settings)
        if draft is not before and not np.array_equal(draft.quantity, before.quantity):
            binding.append(limit.name)
    return binding, draft


def _without_additions(draft: Draft) -> Draft:
    return replace(draft, adds=np.zeros_like(draft.adds))


def _in_lots(
    plan: RebalancePlanned, context: RiskContext, draft: Draft
) -> list[Decimal]:
    """Down to the lot where a leg has shrunk; 0 where too little is left of it."""
    quantities = []
    for leg, units, unit_quote in zip(
        plan.legs, draft.quantity, draft.unit_quote, strict=True
    ):
        quantity = leg.quantity
        if units < to_float(leg.quantity) * (1.0 - _SNAP):
            rules = context.book.rules(leg.asset)
            quantity = quantity_floor(float(units) * (1.0 + _SNAP), rules.lot)
            if to_float(quantity) * unit_quote < to_float(rules.min_notional):
                quantity = ZERO
        quantities.append(quantity)
    return quantities


def _with_quantities(draft: Draft, quantities: list[Decimal]) -> Draft:
    """Split anew by the position: a quantity that rounding has lifted above a cap, by
    less than its tolerance, still only reduces.
    """
    units = np.array([to_float(quantity) for quantity in quantities])
    opposite = draft.sign * draft.position < 0.0
    reduces = np.where(opposite, np.minimum(units, np.abs(draft.position)), 0.0)
    return replace(draft, reduces=reduces, adds=units - reduces)


def _nothing_left(whole: Draft, context: RiskContext, bound: list[str]) -> str:
    """Each limit that bound, with what the plan asked for and what is allowed."""
    asked = []
    for limit in PLAN_LIMITS:
        if limit.name not in bound:
            continue
        value, allowed = limit.measure(whole), getattr(context.settings, limit.name)
        asked.append(f"{limit.name} {value:.6g}, limit {allowed:.6g}")
        if value <= allowed:
            asked[-1] += ", out of reach once the legs are rounded to lots"
    if "trading_state" in bound:
        asked.insert(0, f"the desk is {context.state} and every leg adds")
    return "no leg is left: " + "; ".join(asked)
