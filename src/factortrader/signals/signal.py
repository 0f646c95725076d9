"""The event in which a strategy says what it thinks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from factortrader.events import SignalsUpdated
from factortrader.market.window import Window
from factortrader.units import FloatArray, read_only


def signals_updated(
    window: Window,
    *,
    strategy: str,
    scores: FloatArray,
    contributions: Mapping[str, FloatArray] | None = None,
) -> SignalsUpdated:
    """The scores as of the window's last close, read-only.

    scores, contributions: shape (assets,). Whoever is not eligible, and whatever is
    not finite, is NaN: no view.
    """
    eligible = window.panel.eligible[-1]

    def said(values: FloatArray) -> FloatArray:
        return read_only(np.where(eligible & np.isfinite(values), values, np.nan))

    return SignalsUpdated(
        time_ns=window.close_ns,
        strategy=strategy,
        assets=window.assets,
        scores=said(scores),
        contributions={
            name: said(values) for name, values in (contributions or {}).items()
        },
    )
