"""Several factors, one score; what each of them said is kept.

    score = Σ_k contribution_k,  contribution_k = w_k · f_k

added in the order in which the factors are given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from factortrader.units import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One factor's values, of any shape that all parts share, and their weight."""

    name: str
    weight: float
    values: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """scores: unitless, NaN = no view. contributions: name → its part of the scores,
    NaN where there is no view or the factor had no value.
    """

    scores: FloatArray
    contributions: Mapping[str, FloatArray]


def composite(parts: Sequence[Part], *, renormalize: bool = False) -> Composite:
    """The weighted sum of the parts; non-finite values are missing.

    An asset without all of its factors has no view. With `renormalize` those it has
    speak for the missing ones, scaled by Σ|w| / Σ|w of those it has|, and only an
    asset without any factor has no view.
    Raises ValueError for no parts, equal names, or a weight that is not finite and
    different from zero.
    """
    check([(part.name, part.weight) for part in parts])
    seen = [np.isfinite(part.values) for part in parts]
    if renormalize:
        present = np.zeros(parts[0].values.shape)
        for part, known in zip(parts, seen, strict=True):
            present += np.where(known, abs(part.weight), 0.0)
        viewed = np.logical_or.reduce(seen)
        whole = 0.0
        for part in parts:
            whole += abs(part.weight)
        scale = whole / np.where(viewed, present, 1.0)
    else:
        viewed = np.logical_and.reduce(seen)
        scale = np.ones(parts[0].values.shape)
    scores = np.zeros(parts[0].values.shape)
    contributions: dict[str, FloatArray] = {}
    for part, known in zip(parts, seen, strict=True):
        contribution = part.weight * part.values * scale
        scores += np.where(known, contribution, 0.0)
        contributions[part.name] = np.where(viewed & known, contribution, np.nan)
    return Composite(
        scores=np.where(viewed, scores, np.nan), contributions=contributions
    )


def check(named_weights: Sequence[tuple[str, float]]) -> None:
    """Raises ValueError where (name, weight) pairs cannot make a composite."""
    names = [name for name, _ in named_weights]
    if not names:
        raise ValueError("a composite needs at least one part")
    if len(set(names)) < len(names):
        raise ValueError(f"two parts have the same name: {', '.join(sorted(names))}")
    for name, weight in named_weights:
        if not math.isfinite(weight) or weight == 0.0:
            raise ValueError(f"the weight of {name!r} is {weight}")
