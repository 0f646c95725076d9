"""Hold what rose most over the formation period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from factortrader.events import SignalsUpdated
from factortrader.factors.factor import Factor, bind
from factortrader.factors.momentum import momentum
from factortrader.market.window import Window
from factortrader.signals.signal import signals_updated


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossSectionalMomentum:
    """Scores = the return over the formation period, standardized across assets.

    formation_bars: lookback of the return; skip_bars: most recent bars left out.
    transform: none, rank, zscore, winsorized_zscore or robust_zscore.
    Raises BadInput unless 0 <= skip_bars < formation_bars.
    """

    formation_bars: int = 90
    skip_bars: int = 1
    transform: str = "rank"
    name: str = "cross_sectional_momentum"
    factor: Factor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        factor = bind(
            momentum,
            parameters={
                "lookback_bars": self.formation_bars,
                "skip_bars": self.skip_bars,
            },
            transform=self.transform,
        )
        object.__setattr__(self, "factor", factor)

    @property
    def lookback_bars(self) -> int:
        return self.factor.lookback_bars

    def on_bars(self, window: Window) -> Iterable[SignalsUpdated]:
        scores = window.latest(self.factor)
        yield signals_updated(
            window,
            strategy=self.name,
            scores=scores,
            contributions={self.factor.name: scores},
        )
