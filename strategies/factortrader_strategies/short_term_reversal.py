"""Hold what fell most over the last few bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from factortrader.events import SignalsUpdated
from factortrader.factors.factor import Factor, bind
from factortrader.factors.reversal import short_term_reversal
from factortrader.market.window import Window
from factortrader.signals.signal import signals_updated


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortTermReversal:
    """Scores = minus the return of the last formation_bars, standardized across assets.

    transform: none, rank, zscore, winsorized_zscore or robust_zscore.
    Raises BadInput unless formation_bars ≥ 1.
    """

    formation_bars: int = 5
    transform: str = "rank"
    name: str = "short_term_reversal"
    factor: Factor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        factor = bind(
            short_term_reversal,
            parameters={"lookback_bars": self.formation_bars},
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
