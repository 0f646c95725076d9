"""The component on the bus that judges plans and orders and keeps the trading state."""

from __future__ import annotations

from collections.abc import Iterable

from factortrader.events import (
    Message,
    OperatorCommanded,
    OrderApproved,
    OrderRequested,
    RebalancePlanned,
    TradingStateChanged,
)
from factortrader.events.risk import TradingState
from factortrader.risk.context import Book, RiskContext
from factortrader.risk.orders import judge_order
from factortrader.risk.plans import judge_plan
from factortrader.risk.settings import RiskSettings
from factortrader.risk.state import commanded


class RiskMonitor:
    """Its only state is the trading state, a fold of `TradingStateChanged`.

    What it knows of positions, marks and working orders it asks the book, which its
    owner keeps up to date: the owner's subscriptions stand before these.
    """

    def __init__(self, settings: RiskSettings, *, book: Book) -> None:
        self._settings = settings
        self._book = book
        self._state = TradingState.ACTIVE

    @property
    def state(self) -> TradingState:
        return self._state

    def on_plan(self, plan: RebalancePlanned) -> Iterable[Message]:
        return (judge_plan(plan, self._context()),)

    def on_order(self, order: OrderRequested) -> Iterable[Message]:
        refused = judge_order(order, self._context())
        if refused is not None:
            return (refused,)
        return (OrderApproved(time_ns=order.time_ns, order=order),)

    def on_operator(self, command: OperatorCommanded) -> Iterable[Message]:
        changed = commanded(self._state, command)
        return () if changed is None else (changed,)

    def on_state(self, changed: TradingStateChanged) -> Iterable[Message]:
        self._state = changed.state
        return ()

    def _context(self) -> RiskContext:
        return RiskContext(settings=self._settings, book=self._book, state=self._state)
