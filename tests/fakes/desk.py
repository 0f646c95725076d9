"""A real core that a test drives by hand: it plays the market and the venue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tests.builders import (
    QUOTE,
    T0,
    bars,
    fill,
    floats,
    instruments,
    made,
    spot,
    transfer,
)
from tests.fakes.books import WIDE

from factortrader.costs import CostModel, CostSettings
from factortrader.events import (
    Event,
    Message,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderRequested,
    SignalsUpdated,
    SubmitOrder,
    TargetsSet,
)
from factortrader.execution.executor import Executor
from factortrader.execution.planner import Planner
from factortrader.execution.settings import ExecutionSettings
from factortrader.instruments import Instrument
from factortrader.market.schedule import Schedule, ScheduleSettings
from factortrader.market.tape import Tape
from factortrader.market.universe import Universe, UniverseSettings
from factortrader.market.window import Window
from factortrader.orders.book import OpenOrders
from factortrader.orders.ids import OrderIds
from factortrader.portfolio.construction import Construction
from factortrader.portfolio.holdings import Holdings
from factortrader.portfolio.methods import weight_method
from factortrader.portfolio.settings import PortfolioSettings
from factortrader.risk.monitor import RiskMonitor
from factortrader.risk.settings import RiskSettings
from factortrader.runtime.engine import Engine
from factortrader.runtime.host import StrategyHost
from factortrader.runtime.wiring import Components, wire
from factortrader.units import DAY_NS, SECOND_NS


class Silent:
    """A strategy without a view: targets are what a test says they are."""

    lookback_bars = 1

    def on_bars(self, window: Window) -> Iterable[SignalsUpdated]:
        return ()


class Desk:
    """The whole core around spot coins at 100 and a cash of 10,000.

    Settings of `[execution]` are keywords; so are `limits` (of risk, wide), costs in
    bps (none) and `no_trade_band` (none). listed: instruments beside the spot coins.
    """

    def __init__(
        self,
        marks: Mapping[str, float],
        *,
        listed: Iterable[Instrument] = (),
        cash: str = "10000",
        **settings: Any,
    ) -> None:
        self.now_ns = T0
        self.marks = dict(marks)
        self.sent: dict[str, OrderRequested] = {}
        self._trades = 0
        known = instruments(*(spot(asset) for asset in marks), *listed)
        self.components = components(known, **settings)
        self.bus = wire(self.components)
        self.engine = Engine(self.bus)
        self.hear(transfer(cash))
        self.bar(self.marks)

    # --- the market ---------------------------------------------------------------

    def hear(self, event: Event) -> list[Message]:
        """One input; everything that followed from it."""
        step = self.engine.step(event)
        for command in step.commands:
            if isinstance(command, SubmitOrder):
                assert command.order.order_id not in self.sent, "sent twice"
                self.sent[command.order.order_id] = command.order
        return step.messages[1:]

    def bar(self, marks: Mapping[str, float], **changes: Any) -> list[Message]:
        """A bar at these marks, a day after the last one."""
        self.marks = dict(marks)
        changes.setdefault("volume", floats(*[1e9] * len(marks)))
        said = self.hear(bars(marks, close_ns=self.now_ns, **changes))
        self.now_ns += SECOND_NS
        return said

    def targets(self, weights: Mapping[str, float], **changes: Any) -> list[Message]:
        """These weights are wanted from now on; assets left out are left alone."""
        self.now_ns += SECOND_NS
        row = [weights.get(asset, float("nan")) for asset in self.marks]
        changes.setdefault("rebalance", f"{self.now_ns}/0")
        return self.hear(
            made(
                TargetsSet,
                time_ns=self.now_ns,
                assets=tuple(self.marks),
                weights=floats(*row),
                **changes,
            )
        )

    # --- the venue ----------------------------------------------------------------

    def order(self, asset: str) -> OrderRequested:
        """The last order sent in this asset."""
        return next(o for o in reversed(self.sent.values()) if o.asset == asset)

    def accept(self, asset: str) -> list[Message]:
        return self._report(OrderAccepted, asset)

    def fill(
        self, asset: str, *, quantity: str | None = None, **changes: Any
    ) -> list[Message]:
        """Some or all of what is left, at the mark unless `price` says otherwise."""
        order = self.order(asset)
        known = self.components.orders.get(order.order_id)
        booked = known.booked if known is not None else order.quantity
        traded = order.quantity - booked if quantity is None else Decimal(quantity)
        self._trades += 1
        changes.setdefault("price", str(self.marks[asset]))
        changes.setdefault("cumulative", booked + traded)
        return self.hear(
            fill(
                time_ns=self._later(),
                order_id=order.order_id,
                trade_id=f"t{self._trades}",
                asset=asset,
                side=order.side,
                quantity=traded,
                **changes,
            )
        )

    def fill_all(self) -> list[Message]:
        """Everything that works, until nothing does."""
        said: list[Message] = []
        while working := self.components.orders.working():
            for order in working:
                said += self.fill(order.asset)
        return said

    def expire(self, asset: str, *, cumulative: str = "0") -> list[Message]:
        return self._report(OrderExpired, asset, cumulative=cumulative)

    def cancel(self, asset: str, *, cumulative: str = "0") -> list[Message]:
        return self._report(OrderCanceled, asset, cumulative=cumulative)

    def reject(self, asset: str) -> list[Message]:
        return self._report(OrderRejected, asset)

    def position(self, asset: str) -> Decimal:
        return self.components.holdings.position(asset)

    def _report(
        self, kind: type[OrderFilled | OrderRejected], asset: str, **changes: Any
    ) -> list[Message]:
        order_id = self.order(asset).order_id
        return self.hear(
            made(kind, time_ns=self._later(), order_id=order_id, **changes)
        )

    def _later(self) -> int:
        self.now_ns += SECOND_NS
        return self.now_ns


def components(
    known: Mapping[str, Instrument],
    *,
    limits: Mapping[str, Any] | None = None,
    taker_bps: float = 0.0,
    half_spread_bps: float = 0.0,
    no_trade_band: float = 0.0,
    fee_reserve: float = 0.0,
    **execution: Any,
) -> Components:
    bps = {"taker_bps": taker_bps, "half_spread_bps": half_spread_bps}
    costs = CostModel(CostSettings(maker_bps=0.0, impact_bps=0.0, **bps))
    orders = OpenOrders()
    holdings = Holdings(known, quote=QUOTE, orders=orders)
    tape = Tape(lookback_bars=2, universe=Universe(UniverseSettings()))
    return Components(
        tape=tape,
        holdings=holdings,
        orders=orders,
        host=StrategyHost(
            Silent(),
            schedule=Schedule(ScheduleSettings(every="1d"), start_ns=T0),
            window=tape.window,
        ),
        construction=Construction(
            weight_method(PortfolioSettings(method="top_n")),
            holdings=holdings,
            tape=tape,
        ),
        planner=Planner(
            holdings=holdings,
            orders=orders,
            costs=costs,
            no_trade_band=no_trade_band,
            fee_reserve=fee_reserve,
        ),
        risk=RiskMonitor(RiskSettings(**WIDE | dict(limits or {})), book=holdings),
        executor=Executor(
            ExecutionSettings(fee_reserve=fee_reserve, **execution),
            holdings=holdings,
            orders=orders,
            costs=costs,
            ids=OrderIds(account="main", environment="test"),
            interval_ns=DAY_NS,
        ),
    )


def holding(desk: Desk, weights: Mapping[str, float]) -> Desk:
    """The desk, after these weights were bought in full at the marks."""
    desk.targets(weights)
    desk.fill_all()
    return desk


def orders_of(messages: Iterable[Message]) -> dict[str, Decimal]:
    """asset → signed quantity of the orders that leave with these messages."""
    return {
        each.order.asset: each.order.side.sign * each.order.quantity
        for each in messages
        if isinstance(each, SubmitOrder)
    }
