"""What the strategy thinks."""

from __future__ import annotations

from collections.abc import Mapping

from factortrader.events.base import Event
from factortrader.units import FloatArray


class SignalsUpdated(Event, frozen=True, kw_only=True, gc=False):
    """Scores of one strategy over the universe.

    scores: shape (assets,), unitless, larger = hold more; NaN = no view: what is held
    stays held. contributions: factor name → its part of the score, same shape.
    """

    strategy: str
    assets: tuple[str, ...]
    scores: FloatArray
    contributions: Mapping[str, FloatArray]
