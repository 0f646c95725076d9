"""Where the strategy lives: it is asked when its schedule says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from factortrader.errors import BadInput
from factortrader.events import BarsClosed, SignalsUpdated
from factortrader.market.schedule import Schedule
from factortrader.market.window import Window, defined_in
from factortrader.ports import Strategy
from factortrader.units import format_time


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
        try:
            said: object = self._strategy.on_bars(self._window())
            signals = tuple(said) if isinstance(said, Iterable) else (said,)
        except Exception as error:
            error.add_note(f"at the bar of {format_time(bar.close_ns)}")
            raise
        fault = _fault(signals, bar)
        if fault is not None:
            raise BadInput(
                fault,
                code="strategy_answer",
                where=f"{defined_in(type(self._strategy).on_bars)}, on_bars",
                why=f"asked at the bar of {format_time(bar.close_ns)}",
                remedy="yield factortrader.signals.signal.signals_updated(window, …) once"
                " a bar, or nothing",
            )
        return signals


def _fault(signals: tuple[object, ...], bar: BarsClosed) -> str | None:
    """What is wrong with what a strategy said; None where it can be traded on."""
    for signal in signals:
        if not isinstance(signal, SignalsUpdated):
            return f"on_bars must give SignalsUpdated, it gave {type(signal).__name__}"
        if signal.time_ns != bar.time_ns:
            return f"a signal is dated like its bar, this one at {signal.time_ns} ns"
        if signal.assets != bar.assets:
            return "a signal must carry the assets of the window, this one has others"
        rows: dict[str, object] = {"scores": signal.scores, **signal.contributions}
        for name, row in rows.items():
            if not isinstance(row, np.ndarray) or row.dtype != np.float64:
                got = getattr(row, "dtype", type(row).__name__)
                return f"{name} must be float64 in an array, got {got}"
            if row.shape != (len(bar.assets),):
                return f"{name} has shape {row.shape} for {len(bar.assets)} assets"
            if np.isinf(row).any():
                return f"{name} must be finite or NaN, one of them is infinite"
    if len(signals) > 1:
        return f"on_bars may speak once a bar, it spoke {len(signals)} times"
    return None
