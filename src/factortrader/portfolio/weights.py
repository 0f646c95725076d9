"""The question every portfolio method answers, and the form of its answer.

A method is a function `WeightProblem -> Allocation`. It sees nothing but its problem,
so that an optimizer can take the place of a ranking without a change elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np

from factortrader.errors import BrokenInvariant
from factortrader.units import BoolArray, FloatArray, read_only

WEIGHT_DECIMALS: Final = 10
"""Weights are rounded to 1e-10 before sizing, so that machines agree (R1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightProblem:
    """One decision; every array has shape (assets,), columns in stable-id order.

    scores: unitless, larger = hold more; NaN = no view.
    candidates: in the universe and tradable now.
    tradable: a bar exists now and the venue trades it.
    held: a position exists. current_weights: signed, drifted to the decision marks
    (never the previous targets); 0 where nothing is held.
    volatility: trailing standard deviation of returns per bar; NaN = unknown.
    """

    scores: FloatArray
    candidates: BoolArray
    tradable: BoolArray
    held: BoolArray
    current_weights: FloatArray
    volatility: FloatArray

    def __post_init__(self) -> None:
        for each in fields(self):
            shape = getattr(self, each.name).shape
            if shape != self.scores.shape or len(shape) != 1:
                raise BrokenInvariant(
                    f"{each.name} has shape {shape}, scores have {self.scores.shape}",
                    where="WeightProblem",
                )

    @property
    def selectable(self) -> BoolArray:
        """Candidates with a view: who may get a weight."""
        return self.candidates & self.tradable & np.isfinite(self.scores)

    @property
    def kept(self) -> BoolArray:
        """Held and left alone: no bar to trade on, or a candidate without a view."""
        no_view = self.candidates & ~np.isfinite(self.scores)
        return self.held & (~self.tradable | no_view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Wanted weights, (assets,), signed fractions of equity; NaN = leave alone.

    diagnostics: the method, what was kept, and what did not fit.
    """

    weights: FloatArray
    diagnostics: Mapping[str, str]


WeightMethod: TypeAlias = Callable[[WeightProblem], Allocation]


def completed(
    problem: WeightProblem, chosen: FloatArray, *, max_weight: float
) -> FloatArray:
    """A method's choice with the rules that hold for every method, rounded.

    NaN where the asset cannot be traded now or is held without a view (held, not
    sold); the choice where there is one; 0 for everything else, which exits what has
    left the universe. Rounding never lifts a weight over the cap.

    chosen: (assets,), 0 = not chosen. Returns a read-only array.
    """
    rounded = np.clip(np.round(chosen, WEIGHT_DECIMALS), -max_weight, max_weight)
    leave_alone = ~problem.tradable | problem.kept
    weights = np.where(leave_alone, np.nan, rounded)
    read_only(weights)
    return weights


def water_filled(
    proportions: FloatArray, *, budget: float, max_weight: float
) -> FloatArray:
    """Weights ∝ proportions with sum ≤ budget, each ≤ max_weight exactly.

    Whoever would exceed the cap gets the cap and the rest share what is left, until
    nobody exceeds it. Clipping and renormalizing would break the cap again. When all
    are at the cap the sum stays below the budget: the rest is cash.

    proportions: (n,), positive and finite. Returns (n,).
    """
    weights = np.zeros_like(proportions)
    free = np.ones(proportions.shape, dtype=np.bool_)
    left = budget
    while free.any():
        share = proportions[free] * (left / proportions[free].sum())
        over = share > max_weight
        if not over.any():
            weights[free] = share
            break
        capped = np.flatnonzero(free)[over]
        weights[capped] = max_weight
        free[capped] = False
        left = max(0.0, left - max_weight * len(capped))
    return weights
