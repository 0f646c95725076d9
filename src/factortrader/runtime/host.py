"""Where the strategy lives: it is asked when its schedule says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from factortrader.errors import BrokenInvariant
from factortrader.events import BarsClosed, SignalsUpdated
from factortrader.market.schedule import Schedule
from factortrader.market.window import Window
from factortrader.ports import Strategy


class StrategyHost:
    """Calls the strategy on due bars and proves the shape of what it says."""

    def __init__(
        self,
        strategy: Strategy,
        *,
        schedule: Schedule,
        window: Callable[[], Window],
    ) -> None:
        self._strategy = strategy
        self._schedule = schedule
        self._window = window
        self._last_due_ns: int | None = None

    def on_bars(self, bar: BarsClosed) -> Iterable[SignalsUpdated]:
        """The strategy's view, where a rebalance is due."""
        if not self._schedule.is_due(bar.close_ns, last_due_ns=self._last_due_ns):
            return ()
        self._last_due_ns = bar.close_ns
        signals = tuple(self._strategy.on_bars(self._window()))
        for signal in signals:
            _prove(signal, bar)
        return signals


def _prove(signal: SignalsUpdated, bar: BarsClosed) -> None:
    rows = {"scores": signal.scores, **signal.contributions}
    for name, row in rows.items():
        if row.shape != (len(bar.assets),):
            raise BrokenInvariant(
                f"{name} has shape {row.shape} for {len(bar.assets)} assets",
                where=signal.strategy,
            )
    if np.isinf(signal.scores).any():
        raise BrokenInvariant("a score is infinite", where=signal.strategy)
    if signal.time_ns != bar.time_ns:
        raise BrokenInvariant(
            f"a signal of {signal.time_ns} was given at {bar.time_ns}",
            where=signal.strategy,
        )
