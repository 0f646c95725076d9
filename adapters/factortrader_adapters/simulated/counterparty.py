"""The other side of our trades: how much a bar gives, and at which price."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from factortrader.costs import CostModel
from factortrader.events import OrderRequested
from factortrader.instruments import Instrument
from factortrader.units import ZERO, to_float
from factortrader_adapters.simulated.admission import Admission
from factortrader_adapters.simulated.matching import (
    Execution,
    is_marketable,
    room,
    taken_at,
    traded_through,
)
from factortrader_adapters.simulated.prints import Bar


class Counterparty:
    """Matching with the rules of now, and the memory of what we took of a bar."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        admission: Admission,
        costs: CostModel,
        max_participation: float,
    ) -> None:
        self._admission = admission
        self._costs = costs
        self._max_participation = max_participation
        self._multipliers = {
            asset: to_float(instrument.multiplier)
            for asset, instrument in instruments.items()
        }
        self._taken: dict[str, Decimal] = {}
        self._taken_row = -1

    def took(self, order: OrderRequested, quantity: Decimal, *, row: int) -> None:
        """Remember what was filled of the bar of this row."""
        self._turn_to(row)
        self._taken[order.asset] = self._taken.get(order.asset, ZERO) + quantity

    def gives(self, order: OrderRequested, bar: Bar, *, quantity: Decimal) -> Decimal:
        """How much of the quantity our share of the bar still covers."""
        self._turn_to(bar.row)
        left = room(
            self._volume(order, bar),
            max_participation=self._max_participation,
            taken=self._taken.get(order.asset, ZERO),
            lot=self._admission.rules(order.asset).lot,
        )
        return quantity if left is None else min(quantity, left)

    def at_print(
        self,
        order: OrderRequested,
        bar: Bar,
        print_price: float,
        *,
        quantity: Decimal,
    ) -> Execution:
        """What a taker gets of this bar at the print; possibly a quantity of zero."""
        given = self.gives(order, bar, quantity=quantity)
        volume = self._volume(order, bar)
        return taken_at(
            order,
            print_price,
            quantity=given,
            participation=to_float(given) / volume if volume > 0.0 else 0.0,
            costs=self._costs,
            rules=self._admission.rules(order.asset),
        )

    def through(
        self,
        order: OrderRequested,
        bar: Bar,
        *,
        quantity: Decimal,
        rested_before: bool,
    ) -> Execution | None:
        """What a resting limit order gets of the bar's path, or None."""
        execution = traded_through(
            order,
            bar,
            rested_before=rested_before,
            rules=self._admission.rules(order.asset),
        )
        if execution is None:
            return None
        given = self.gives(order, bar, quantity=quantity)
        return execution._replace(quantity=given) if given else None

    def touch(self, order: OrderRequested, print_price: float) -> Decimal:
        """The price of a small taker at this print."""
        return taken_at(
            order,
            print_price,
            quantity=order.quantity,
            participation=0.0,
            costs=self._costs,
            rules=self._admission.rules(order.asset),
        ).price

    def is_marketable(self, order: OrderRequested, print_price: float) -> bool:
        rules = self._admission.rules(order.asset)
        return is_marketable(order, print_price, costs=self._costs, rules=rules)

    def _volume(self, order: OrderRequested, bar: Bar) -> float:
        """The bar's volume in units of the instrument (base, contracts)."""
        return bar.volume / self._multipliers[order.asset]

    def _turn_to(self, row: int) -> None:
        if row != self._taken_row:
            self._taken_row = row
            self._taken = {}
