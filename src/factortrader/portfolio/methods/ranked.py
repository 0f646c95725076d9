"""Methods that rank assets by score: who is held on each side, in what proportions.

Each method names its two *baskets*, long and short, and their proportions.
`_allocation` does what is common to all of them: it takes positions that are kept out
of the budget, balances the baskets, and respects the cap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from factortrader.portfolio.settings import PortfolioSettings
from factortrader.portfolio.weights import (
    Allocation,
    WeightProblem,
    completed,
    water_filled,
)
from factortrader.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basket:
    """members: columns, distinct. proportions: positive, same length.

    fraction: share of the basket's gross that these members may take together.
    """

    members: IntArray
    proportions: FloatArray
    fraction: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Baskets:
    """short is empty for long-only portfolios."""

    long: _Basket
    short: _Basket


_LEAST: Final = 1e-9
"""Volatility per bar that can still be divided by; less is a stale price."""


def top_n(problem: WeightProblem, settings: PortfolioSettings) -> Allocation:
    """The top_n best scores (and worst, if long–short) in equal weights.

    Each gets gross / top_n of its basket also where fewer are available: the rest is
    cash, so that a thin market does not concentrate the portfolio.
    """
    ranked = _ranked(problem)
    baskets = _ends(ranked, settings, count=settings.top_n, slots=settings.top_n)
    return _allocation(problem, settings, baskets)


def quantiles(problem: WeightProblem, settings: PortfolioSettings) -> Allocation:
    """The best quantile (and the worst, if long–short) in equal weights.

    A basket holds ⌊quantile × assets with a view⌋ of them, at least one; it takes its
    whole gross. Long–short needs two assets.
    """
    ranked = _ranked(problem)
    # 0.29 × 100 is 28.999… in binary and still means 29 of them.
    count = max(1, math.floor(settings.quantile * len(ranked) + 1e-9))
    return _allocation(problem, settings, _ends(ranked, settings, count=count))


def proportional(problem: WeightProblem, settings: PortfolioSettings) -> Allocation:
    """Weights ∝ positive scores; long–short: ∝ scores less their mean, by sign."""
    members = np.flatnonzero(problem.selectable)
    scores = problem.scores[members]
    if settings.long_short and len(members):
        scores = scores - math.fsum(scores) / len(members)
    up = scores > 0.0
    down = (scores < 0.0) & settings.long_short
    baskets = _Baskets(
        long=_Basket(members=members[up], proportions=scores[up]),
        short=_Basket(members=members[down], proportions=-scores[down]),
    )
    return _allocation(problem, settings, baskets)


def inverse_volatility(
    problem: WeightProblem, settings: PortfolioSettings
) -> Allocation:
    """The top_n best scores, weighted ∝ 1 / volatility within each basket.

    An asset whose volatility is unknown or at most 1e-9 a bar (a price that does not
    move) cannot be weighted, which counts as no view: not entered, and left alone
    where held. With fewer than top_n the basket takes its share of slots only.
    """
    known = np.isfinite(problem.volatility) & (problem.volatility > _LEAST)
    viewed = replace(problem, scores=np.where(known, problem.scores, np.nan))
    equal = _ends(_ranked(viewed), settings, count=settings.top_n, slots=settings.top_n)
    baskets = _Baskets(
        long=_by_risk(equal.long, problem.volatility),
        short=_by_risk(equal.short, problem.volatility),
    )
    return _allocation(viewed, settings, baskets)


def _ranked(problem: WeightProblem) -> IntArray:
    """Selectable columns, best first; ties by stable-id order, the column order."""
    members = np.flatnonzero(problem.selectable)
    return members[np.argsort(-problem.scores[members], kind="stable")]


def _ends(
    ranked: IntArray,
    settings: PortfolioSettings,
    *,
    count: int,
    slots: int | None = None,
) -> _Baskets:
    """The first (and last) `count` of a ranking; the baskets never overlap."""
    if settings.long_short:
        count = min(count, len(ranked) // 2)
    short_count = min(count, len(ranked)) if settings.long_short else 0
    return _Baskets(
        long=_equal(ranked[:count], slots=slots),
        short=_equal(ranked[len(ranked) - short_count :], slots=slots),
    )


def _equal(members: IntArray, *, slots: int | None) -> _Basket:
    return _Basket(
        members=members,
        proportions=np.ones(len(members)),
        fraction=1.0 if slots is None else len(members) / slots,
    )


def _by_risk(basket: _Basket, volatility: FloatArray) -> _Basket:
    return replace(basket, proportions=1.0 / volatility[basket.members])


def _allocation(
    problem: WeightProblem, settings: PortfolioSettings, baskets: _Baskets
) -> Allocation:
    """Weights of the baskets under the gross and the cap.

    Positions that are kept (no bar, or no view) count against the gross of their
    side, and the others share what is left of it. With `long_short` both sides aim at
    the same total, the largest that gross / 2 and the caps of both sides allow.
    """
    chosen = np.zeros(problem.scores.shape)
    long_budget, short_budget = _budgets(problem, settings, baskets)
    for basket, budget, sign in (
        (baskets.long, long_budget, 1.0),
        (baskets.short, short_budget, -1.0),
    ):
        if len(basket.members) and budget > 0.0:
            chosen[basket.members] = sign * water_filled(
                basket.proportions, budget=budget, max_weight=settings.max_weight
            )
    weights = completed(problem, chosen, max_weight=settings.max_weight)
    return Allocation(
        weights=weights,
        diagnostics=_diagnostics(problem, settings, weights),
    )


def _budgets(
    problem: WeightProblem, settings: PortfolioSettings, baskets: _Baskets
) -> tuple[float, float]:
    """What the long and the short basket may take, beside what is kept."""
    kept = np.where(problem.kept, problem.current_weights, 0.0)
    kept_long = math.fsum(kept[kept > 0.0])
    kept_short = math.fsum(-kept[kept < 0.0])
    left = settings.gross - kept_long - kept_short
    if not settings.long_short:
        return min(left, _room(baskets.long, settings, gross=settings.gross)), 0.0
    half = settings.gross / 2.0
    goal = min(
        half,
        kept_long + _room(baskets.long, settings, gross=half),
        kept_short + _room(baskets.short, settings, gross=half),
    )
    # Where what is kept exceeds its half, gross goes before neutrality.
    return min(left, goal - kept_long), min(left, goal - kept_short)


def _room(basket: _Basket, settings: PortfolioSettings, *, gross: float) -> float:
    """The most that a basket can take under its slots and the cap."""
    return min(gross * basket.fraction, settings.max_weight * len(basket.members))


def _diagnostics(
    problem: WeightProblem, settings: PortfolioSettings, weights: FloatArray
) -> dict[str, str]:
    set_now = np.where(np.isnan(weights), 0.0, weights)
    kept = problem.kept
    gross = math.fsum(np.abs(set_now))
    gross += math.fsum(np.abs(problem.current_weights[kept]))
    found = {
        "method": settings.method,
        "selectable": str(int(problem.selectable.sum())),
        "long": str(int((set_now > 0.0).sum())),
        "short": str(int((set_now < 0.0).sum())),
        "gross": f"{gross:.6g}",
    }
    if kept.any():
        found["kept"] = f"{int(kept.sum())} held without a view or a bar"
    if settings.gross - gross > 1e-9:
        at_cap = int((np.abs(set_now) >= settings.max_weight).sum())
        found["cash"] = (
            f"{settings.gross - gross:.6g} of gross not placed, {at_cap} at the cap"
        )
    return found
