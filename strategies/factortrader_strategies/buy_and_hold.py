"""Buy once, then leave alone; meant for a schedule that fires once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from factortrader.errors import BadInput
from factortrader.events import SignalsUpdated
from factortrader.market.window import Window
from factortrader.signals.signal import signals_updated


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyAndHold:
    """Score 1 for the eligible among the named assets, no view on the others.

    assets: stable ids; empty = all that are eligible.
    `on_bars` raises BadInput for an id that the market does not have.
    """

    assets: tuple[str, ...] = ()
    name: str = "buy_and_hold"

    @property
    def lookback_bars(self) -> int:
        return 1

    def on_bars(self, window: Window) -> Iterable[SignalsUpdated]:
        for asset in self.assets:
            if asset not in window.assets:
                raise self._unknown(asset, window.assets)
        wanted = self.assets or window.assets
        scores = np.where(np.isin(window.assets, wanted), 1.0, np.nan)
        yield signals_updated(window, strategy=self.name, scores=scores)

    def _unknown(self, asset: str, known: tuple[str, ...]) -> BadInput:
        close = difflib.get_close_matches(asset, known, n=1)
        return BadInput(
            f"there is no asset {asset!r}",
            code="unknown_asset",
            where=f"strategy {self.name}",
            why=f"the market has {len(known)} assets, and it is not among them",
            remedy=f"did you mean {close[0]!r}?" if close else "name a listed asset",
        )
