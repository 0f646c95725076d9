"""From signals to targets: the strategy's view becomes wanted weights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from factortrader.events import SignalsUpdated, TargetsSet
from factortrader.market.tape import Tape
from factortrader.market.window import PanelFunction
from factortrader.portfolio.holdings import Holdings
from factortrader.portfolio.weights import WeightMethod, WeightProblem
from factortrader.units import FloatArray, format_time


class Construction:
    """Asks the configured method for weights over what can be held now.

    volatility: trailing standard deviation of returns per bar, a window-local panel
    function; None where the method does not ask for it.
    """

    def __init__(
        self,
        method: WeightMethod,
        *,
        holdings: Holdings,
        tape: Tape,
        volatility: PanelFunction | None = None,
    ) -> None:
        self._method = method
        self._holdings = holdings
        self._tape = tape
        self._volatility = volatility
        self._last_ns = 0
        self._run = 0

    def on_signals(self, signal: SignalsUpdated) -> Iterable[TargetsSet]:
        """One target per asset; none at all once the account is ruined."""
        holdings = self._holdings
        holdings.verify()
        if holdings.equity <= 0.0:
            return ()
        allocation = self._method(
            WeightProblem(
                scores=signal.scores,
                candidates=self._tape.members & holdings.tradable,
                tradable=holdings.tradable,
                held=holdings.held,
                current_weights=holdings.weights,
                volatility=self._volatility_row(signal),
            )
        )
        return (
            TargetsSet(
                time_ns=signal.time_ns,
                rebalance=self._rebalance(signal.time_ns),
                strategy=signal.strategy,
                assets=signal.assets,
                weights=allocation.weights,
                diagnostics=allocation.diagnostics,
            ),
        )

    def _volatility_row(self, signal: SignalsUpdated) -> FloatArray:
        if self._volatility is None:
            return np.full(len(signal.assets), np.nan)
        return self._tape.window().latest(self._volatility)

    def _rebalance(self, time_ns: int) -> str:
        """The schedule slot in UTC, and a sequence within it."""
        self._run = self._run + 1 if time_ns == self._last_ns else 0
        self._last_ns = time_ns
        return f"{format_time(time_ns)}/{self._run}"
