"""The worst case of the account: every open order filled, on the side that hurts more.

    worst = max(|position + purchases|, |position − sales|) × multiplier × mark

Risk asks for it before each order goes out. Between two movements of money only orders
change, so it is kept, and only the assets whose orders have changed are weighed again;
a movement or new marks drop all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from factortrader.instruments import Instrument
from factortrader.orders.book import OpenOrders
from factortrader.orders.lifecycle import OrderState
from factortrader.portfolio.ledger import Ledger
from factortrader.units import to_float


class WorstCase(NamedTuple):
    """|value| in quote currency by asset; what has no mark counts as 0.

    spot, perpetuals: on the worst side, for every asset with a position or an order.
    spot_now: of the same assets as `spot`, without any order.
    """

    spot: Mapping[str, float]
    perpetuals: Mapping[str, float]
    spot_now: Mapping[str, float]


class WorstFold:
    """Keeps the worst case of a ledger and its open orders.

    mark: last mark of an asset, quote currency per unit; NaN where never seen.
    values: (asset, signed value in quote) of each position at the last marks.
    Whoever changes the ledger or the marks calls `forget`; orders are followed here.
    """

    def __init__(
        self,
        ledger: Ledger,
        orders: OpenOrders,
        *,
        instruments: Mapping[str, Instrument],
        mark: Callable[[str], float],
        values: Callable[[], Iterable[tuple[str, float]]],
    ) -> None:
        self._ledger = ledger
        self._orders = orders
        self._instruments = instruments
        self._mark = mark
        self._values = values
        self._spot: dict[str, float] = {}
        self._spot_now: dict[str, float] = {}
        self._perpetuals: dict[str, float] = {}
        self._is_known = False
        self._changes_seen = 0

    def forget(self) -> None:
        """Positions or marks have changed: everything is weighed again when asked."""
        self._is_known = False

    def case(self) -> WorstCase:
        """As of now. The mappings are views that live on: read them at once."""
        stale: Iterable[str]
        if self._is_known:
            stale = self._orders.changed_since(self._changes_seen)
        else:
            self._start_over()
            stale = dict.fromkeys(order.asset for order in self._orders)
        for asset in stale:
            self._weigh(asset)
        self._is_known = True
        self._changes_seen = self._orders.changes
        return WorstCase(self._spot, self._perpetuals, self._spot_now)

    def _start_over(self) -> None:
        """Without any order a position is its own worst case."""
        for kept in (self._spot, self._spot_now, self._perpetuals):
            kept.clear()
        for asset, value in self._values():
            if self._instruments[asset].is_perpetual:
                self._perpetuals[asset] = abs(value)
            else:
                self._spot[asset] = self._spot_now[asset] = abs(value)

    def _weigh(self, asset: str) -> None:
        instrument = self._instruments[asset]
        position = self._ledger.position(asset)
        buying, selling = working(self._orders, asset)
        worst = max(abs(position + buying), abs(position - selling))
        unit_quote = self._mark(asset)
        value = _value(worst, instrument, unit_quote)
        if instrument.is_perpetual:
            self._perpetuals[asset] = value
        else:
            self._spot[asset] = value
            self._spot_now[asset] = _value(abs(position), instrument, unit_quote)


def working(orders: OpenOrders, asset: str) -> tuple[Decimal, Decimal]:
    """What orders may still buy and sell, requested ones included; both ≥ 0.

    An order that risk has just let pass is not approved in the book before the next
    one of its plan is judged; as requested it counts already.
    """
    buys, sells = orders.outstanding(asset)
    for order in orders.of_asset(asset):
        if order.state is OrderState.PLANNED:
            if order.side.sign > 0:
                buys += order.quantity
            else:
                sells += order.quantity
    return buys, sells


def _value(quantity: Decimal, instrument: Instrument, unit_quote: float) -> float:
    value = to_float(quantity * instrument.multiplier) * unit_quote
    return value if math.isfinite(value) else 0.0
