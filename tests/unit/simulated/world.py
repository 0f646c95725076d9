"""A small world around the simulated venue: one session, its orders, its answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
from tests.builders import order, panel, spot

from factortrader.costs import CostModel, CostSettings
from factortrader.events import (
    CancelOrder,
    Event,
    OrderType,
    Side,
    SubmitOrder,
    TimeInForce,
)
from factortrader.instruments import Instrument
from factortrader.market.panel import Panel
from factortrader.ports import History
from factortrader.units import MINUTE_NS, SECOND_NS
from factortrader_adapters.simulated.settings import SimulatedVenueSettings
from factortrader_adapters.simulated.venue import SimulatedVenue

LATENCY_NS = SECOND_NS // 4
LATE_NS = 5 * MINUTE_NS
"""After the print budget of 60 seconds."""

E_ = TypeVar("E_", bound=Event)


def costs(**changes: Any) -> CostModel:
    """Free trading unless a test says what it costs."""
    free = dict.fromkeys(
        ("maker_bps", "taker_bps", "half_spread_bps", "impact_bps"), 0.0
    )
    return CostModel(CostSettings(**(free | changes)))


def market(
    close: Mapping[str, Sequence[float]], **fields: Sequence[Sequence[float]]
) -> Panel:
    """Daily bars that end at T0; a field is given as one row per bar."""
    return panel(close, fields=fields)


def history(
    bars: Panel,
    *,
    instruments: Sequence[Instrument] | None = None,
    events: Iterable[Event] = (),
) -> History:
    return History(
        panel=bars,
        instruments=tuple(instruments or (spot(asset) for asset in bars.assets)),
        events=tuple(events),
        fingerprint="0" * 64,
        synthetic=True,
        notes=(),
    )


class Session:
    """A venue that was opened at the first bar, and everything that it said."""

    def __init__(
        self,
        bars: Panel,
        *,
        instruments: Sequence[Instrument] | None = None,
        events: Iterable[Event] = (),
        cost_model: CostModel | None = None,
        capital: str = "10000",
        on_disappearance: str = "haircut",
        haircut: float = 1.0,
        seed: int = 7,
        **settings: Any,
    ) -> None:
        self.closes = bars.close_ns.tolist()
        self.bars = bars
        self.sent_ns: dict[str, int] = {}
        self.venue = SimulatedVenue(
            SimulatedVenueSettings(**settings),
            history=history(bars, instruments=instruments, events=events),
            costs=cost_model or costs(),
            quote="USDT",
            capital=Decimal(capital),
            seed=seed,
            on_disappearance=on_disappearance,
            haircut=haircut,
        )
        self.venue.start(self.closes[0])
        self.said: list[Event] = list(self.venue.advance(self.closes[0]))

    def send(
        self,
        side: str = "buy",
        quantity: str = "1",
        *,
        row: int = 0,
        after_ns: int = 0,
        limit: str | None = None,
        tif: str | None = None,
        **changes: Any,
    ) -> str:
        """Submit an order at the close of that row (plus after_ns); gives its id."""
        sent_ns = self.closes[row] + after_ns
        changes.setdefault("order_id", f"order-{len(self.sent_ns) + 1}")
        default = TimeInForce.IOC if limit is None else TimeInForce.GTC
        requested = order(
            time_ns=sent_ns,
            side=Side(side),
            quantity=quantity,
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=limit,
            time_in_force=default if tif is None else TimeInForce(tif),
            **changes,
        )
        self.venue.execute(SubmitOrder(time_ns=sent_ns, order=requested))
        self.sent_ns[requested.order_id] = sent_ns
        return requested.order_id

    def cancel(self, order_id: str, *, row: int = 0, after_ns: int = 0) -> None:
        self.venue.execute(
            CancelOrder(
                time_ns=self.closes[row] + after_ns, order_id=order_id, asset="BTC"
            )
        )

    def until(self, row: int) -> list[Event]:
        """What the venue says up to the close of that row."""
        fresh = list(self.venue.advance(self.closes[row]))
        self.said += fresh
        return fresh

    def heard(self, kind: type[E_]) -> list[E_]:
        return [event for event in self.said if type(event) is kind]

    def only(self, kind: type[E_]) -> E_:
        """The one event of this kind; fails where there is none or another."""
        (event,) = self.heard(kind)
        return event


def kinds(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def flat(price: float = 100.0, bars: int = 4, **fields: Any) -> Panel:
    """BTC at one price, 1,000 base units a day."""
    return market({"BTC": [price] * bars}, **fields)


def nan_like(count: int) -> list[list[float]]:
    return np.full((count, 1), np.nan).tolist()
