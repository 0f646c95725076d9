"""The venue's own books of our account: ledger, reservations, margin and fees."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import numpy as np

from factortrader.costs import CostModel
from factortrader.events import CorporateActionApplied, Liquidity, OrderRequested, Side
from factortrader.instruments import Instrument
from factortrader.portfolio.ledger import Ledger, LedgerEvent
from factortrader.units import (
    DAY_NS,
    ZERO,
    FloatArray,
    money_down,
    money_nearest,
    money_up,
    to_float,
)
from factortrader_adapters.simulated.prints import Prints

QUOTE_STEP: Final = Decimal("0.00000001")
"""Fees, funding and borrow are booked in multiples of this."""

TRAILING_NS: Final = 30 * DAY_NS


class Account:
    """What we hold at the venue, and what of it is free.

    Spot buys need cash, spot sells the position, perpetuals initial margin; resting
    orders reserve theirs. Money is the ledger's; margin is judged on float vectors of
    positions and marks (one entry per column of the panel).
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        quote: str,
        costs: CostModel,
        prints: Prints,
    ) -> None:
        self.instruments = MappingProxyType({each.asset: each for each in instruments})
        self._costs = costs
        self._prints = prints
        self._ledger = Ledger(self.instruments, quote=quote)
        self._columns = prints.columns
        self._multipliers = _floats(each.multiplier for each in instruments)
        self._initial = _floats(each.initial_margin for each in instruments)
        self._maintenance = _floats(each.maintenance_margin for each in instruments)
        self._is_perpetual = np.array([each.is_perpetual for each in instruments])
        self._units = np.zeros(len(instruments))
        self._entry_values = np.zeros(len(instruments))
        self._marks = np.full(len(instruments), np.nan)
        self._marks_row = -1
        self._headroom: float | None = None
        self._perpetuals: dict[str, Decimal] = {}
        self._reserved_quote = ZERO
        self._reserved_base: dict[str, Decimal] = {}
        self._flat_rates = {
            liquidity: costs.fee_rate(liquidity, traded_30d_quote=0.0)
            for liquidity in Liquidity
            if not costs.settings.fee_tiers
        }
        self._trades: deque[tuple[int, Decimal]] = deque()
        self._traded_quote = ZERO

    # --- what is held -------------------------------------------------------------

    def quantity(self, asset: str) -> Decimal:
        """Signed position, in base or contracts."""
        return self._ledger.position(asset)

    @property
    def has_perpetuals(self) -> bool:
        return bool(self._perpetuals)

    def perpetuals(self) -> tuple[tuple[str, Decimal], ...]:
        """(asset, signed contracts) of the open positions, oldest first."""
        return tuple(self._perpetuals.items())

    def notional(self, asset: str, mark: float) -> float:
        """quantity × multiplier × mark, signed, in quote."""
        return float(self._units[self._columns[asset]]) * mark

    def book(self, event: LedgerEvent, *, asset: str | None) -> None:
        """Apply what was said to the ledger and to the vectors; asset: whose, if any.

        A corporate action also restates the asset's mark.
        """
        self._ledger.apply(event)
        if asset is None:
            return
        if isinstance(event, CorporateActionApplied):
            self._restate(asset, event.time_ns)
        column = self._columns[asset]
        quantity = self._ledger.position(asset)
        if not self.instruments[asset].is_perpetual:
            self._units[column] = to_float(quantity)
            return
        before = self._headroom_of(column)
        self._units[column] = to_float(quantity) * self._multipliers[column]
        self._entry_values[column] = to_float(self._ledger.entry_value(asset))
        if quantity:
            self._perpetuals[asset] = quantity
        else:
            self._perpetuals.pop(asset, None)
        if self._headroom is not None:
            self._headroom += self._headroom_of(column) - before

    # --- what is free -------------------------------------------------------------

    def shortage(
        self,
        order: OrderRequested,
        *,
        quantity: Decimal,
        price: Decimal,
        time_ns: int,
    ) -> str | None:
        """Why the account cannot carry so much of the order at this price, or None."""
        instrument = self.instruments[order.asset]
        if not instrument.is_perpetual and order.side is Side.SELL:
            reserved = self._reserved_base.get(order.asset, ZERO)
            free = self._ledger.position(order.asset) - reserved
            if quantity <= free:
                return None
            return f"sells {quantity} {instrument.base}, {free} free"
        needed = self.needed_quote(
            order, quantity=quantity, price=price, time_ns=time_ns
        )
        if not needed:
            return None
        free = self._free_quote(time_ns)
        if needed <= free:
            return None
        kind = "margin" if instrument.is_perpetual else "cash"
        return f"needs {needed} {instrument.quote} of {kind}, {free} free"

    def needed_quote(
        self,
        order: OrderRequested,
        *,
        quantity: Decimal,
        price: Decimal,
        time_ns: int,
    ) -> Decimal:
        """Quote that filling this much would tie up, worst fee included.

        spot buy   quantity × price + fee
        perpetual  (|position after| − |position|) × multiplier × price × initial
                   margin + fee; nothing where the position shrinks
        """
        instrument = self.instruments[order.asset]
        notional = quantity * price * instrument.multiplier
        if not instrument.is_perpetual:
            if order.side is Side.SELL:
                return ZERO
            return notional + self._worst_fee(notional, time_ns)
        held = self._ledger.position(order.asset)
        growth = abs(held + order.side.sign * quantity) - abs(held)
        if growth <= 0:
            return ZERO
        margin = growth * price * instrument.multiplier * instrument.initial_margin
        return margin + self._worst_fee(notional, time_ns)

    def reserve(self, asset: str, *, quote: Decimal, base: Decimal) -> None:
        """Set aside for a resting order; negative amounts give back."""
        self._reserved_quote += quote
        if base:
            self._reserved_base[asset] = self._reserved_base.get(asset, ZERO) + base

    def _free_quote(self, time_ns: int) -> Decimal:
        """cash − reserved + min(0, Σ unrealized profit − Σ initial margin)."""
        free = self._ledger.cash - self._reserved_quote
        if not self._perpetuals:
            return free
        self._refresh_marks(time_ns)
        if self._headroom is None:
            value = self._units * self._marks
            margin = np.abs(value) * self._initial
            each = value - self._entry_values - margin
            self._headroom = float(np.nansum(each[self._is_perpetual]))
        return free + money_nearest(min(0.0, self._headroom), QUOTE_STEP)

    def _headroom_of(self, column: int) -> float:
        """One perpetual's unrealized profit − initial margin; 0 without a mark."""
        value = float(self._units[column] * self._marks[column])
        if math.isnan(value):
            return 0.0
        margin = abs(value) * float(self._initial[column])
        return value - float(self._entry_values[column]) - margin

    # --- margin -------------------------------------------------------------------

    def equity(self, time_ns: int) -> float:
        """cash + Σ units × mark − entry value, at the last closes, in quote."""
        self._refresh_marks(time_ns)
        value = np.nansum(self._units * self._marks - self._entry_values)
        return to_float(self._ledger.cash) + float(value)

    def maintenance_margin(self, time_ns: int) -> float:
        """Σ |units| × mark × maintenance rate over the perpetuals, in quote."""
        self._refresh_marks(time_ns)
        margin = np.abs(self._units * self._marks) * self._maintenance
        return float(np.nansum(margin[self._is_perpetual]))

    def _refresh_marks(self, time_ns: int) -> None:
        """The closes of the last row; what has none there keeps its last close."""
        row = self._prints.row_after(time_ns) - 1
        if row != self._marks_row:
            self._marks_row = row
            self._marks = self._prints.closes_of(row)
            self._headroom = None
        unmarked = np.flatnonzero((self._units != 0.0) & np.isnan(self._marks))
        for column in unmarked.tolist():
            mark = self._prints.mark(self._prints.assets[column], time_ns)
            if mark is not None:
                self._marks[column] = mark
                self._headroom = None

    def _restate(self, asset: str, time_ns: int) -> None:
        self._refresh_marks(time_ns)
        mark = self._prints.mark(asset, time_ns)
        self._marks[self._columns[asset]] = np.nan if mark is None else mark
        self._headroom = None

    # --- fees ---------------------------------------------------------------------

    def fee(self, notional: Decimal, *, liquidity: Liquidity, time_ns: int) -> Decimal:
        """notional × rate of the tier; rounded against us, a rebate (< 0) too."""
        amount = notional * self._rate(liquidity, time_ns)
        return (money_up if amount >= 0 else money_down)(amount, QUOTE_STEP)

    def count_trade(self, notional: Decimal, *, time_ns: int) -> None:
        """Remember the notional for the fee tier; without tiers nobody asks."""
        if self._costs.settings.fee_tiers:
            self._trades.append((time_ns, notional))
            self._traded_quote += notional

    def _worst_fee(self, notional: Decimal, time_ns: int) -> Decimal:
        maker = self._rate(Liquidity.MAKER, time_ns)
        taker = self._rate(Liquidity.TAKER, time_ns)
        return money_up(notional * max(maker, taker, ZERO), QUOTE_STEP)

    def _rate(self, liquidity: Liquidity, time_ns: int) -> Decimal:
        """The rate of the tier that the last 30 days reached."""
        flat = self._flat_rates.get(liquidity)
        if flat is not None:
            return flat
        traded_quote = self._traded(time_ns)
        return self._costs.fee_rate(liquidity, traded_30d_quote=traded_quote)

    def _traded(self, time_ns: int) -> float:
        """Notional traded in the last 30 days."""
        while self._trades and self._trades[0][0] <= time_ns - TRAILING_NS:
            self._traded_quote -= self._trades.popleft()[1]
        return to_float(self._traded_quote)


def _floats(values: Iterable[Decimal]) -> FloatArray:
    return np.array([to_float(value) for value in values])
