"""The benchmark that knows nothing: every eligible asset alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from factortrader.events import SignalsUpdated
from factortrader.market.window import Window
from factortrader.signals.signal import signals_updated


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualWeight:
    """Score 1 for every eligible asset."""

    name: str = "equal_weight"

    @property
    def lookback_bars(self) -> int:
        return 1

    def on_bars(self, window: Window) -> Iterable[SignalsUpdated]:
        scores = np.ones(len(window.assets))
        yield signals_updated(window, strategy=self.name, scores=scores)
