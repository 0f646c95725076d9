"""Several factors with given weights: the `[[factor]]` tables of a configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from factortrader.errors import BadInput
from factortrader.events import SignalsUpdated
from factortrader.factors.factor import Factor
from factortrader.market.window import Window
from factortrader.signals.composite import Part, check, composite
from factortrader.signals.signal import signals_updated


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """Scores = Σ weight × factor; each factor's part is in the contributions.

    factors: (factor, weight), with different names. renormalize: let the factors that
    an asset has speak for those it lacks; otherwise it then has no view.
    Raises BadInput for no factors, equal names or a weight of zero.
    """

    factors: tuple[tuple[Factor, float], ...]
    renormalize: bool = False
    name: str = "blend"

    def __post_init__(self) -> None:
        try:
            check([(factor.name, weight) for factor, weight in self.factors])
        except ValueError as error:
            raise BadInput(
                "its factors cannot be blended",
                code="blend",
                where=f"strategy {self.name}",
                why=str(error),
                remedy="give each [[factor]] its own name and a weight other than 0",
            ) from error

    @property
    def lookback_bars(self) -> int:
        return max(factor.lookback_bars for factor, _ in self.factors)

    def on_bars(self, window: Window) -> Iterable[SignalsUpdated]:
        blended = composite(
            [
                Part(name=factor.name, weight=weight, values=window.latest(factor))
                for factor, weight in self.factors
            ],
            renormalize=self.renormalize,
        )
        yield signals_updated(
            window,
            strategy=self.name,
            scores=blended.scores,
            contributions=blended.contributions,
        )
