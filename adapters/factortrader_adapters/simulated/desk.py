"""The venue's order desk: admits orders, fills them from bars, closes them.

    arrives   rejected, or accepted and then
              ├ a print to meet now: filled, the rest expires or rests
              ├ late in its bar: waits for the close, its next print
              └ rests: filled by later bars, expired, canceled
    closed    filled in full, expired, canceled or rejected: exactly once

What rests learns its fate at a bar's close and is filled only by bars that it lived
through to the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from heapq import heappop, heappush
from typing import Final

from factortrader.events import (
    CancelOrder,
    CancelRejected,
    Event,
    OrderFilled,
    OrderRequested,
    Side,
    TimeInForce,
)
from factortrader.units import SECOND_NS, ZERO
from factortrader_adapters.simulated.account import Account
from factortrader_adapters.simulated.admission import (
    Admission,
    Rejection,
    notional_breach,
    reducible,
    reduction_breach,
)
from factortrader_adapters.simulated.counterparty import Counterparty
from factortrader_adapters.simulated.matching import Execution
from factortrader_adapters.simulated.prints import Bar, Prints
from factortrader_adapters.simulated.settings import SimulatedVenueSettings
from factortrader_adapters.simulated.working import WorkingOrder, rejected

NOTHING_TO_REDUCE: Final = "reduce-only, and nothing is left to reduce"


class OrderDesk:
    """Orders from arrival to their end. `say` takes every answer, in order."""

    def __init__(
        self,
        settings: SimulatedVenueSettings,
        *,
        account: Account,
        admission: Admission,
        counterparty: Counterparty,
        prints: Prints,
        say: Callable[[Event], None],
    ) -> None:
        self._market_rests = settings.remainder == "rest"
        self._account = account
        self._admission = admission
        self._counterparty = counterparty
        self._prints = prints
        self._say = say
        budget_ns = round(settings.print_budget_seconds * SECOND_NS)
        self._budget_ns = min(budget_ns, prints.interval_ns // 10)
        self._working: dict[str, WorkingOrder] = {}
        self._closed: set[str] = set()
        self._expiries: list[tuple[int, str]] = []
        self._accepted_count = 0
        self._trade_count = 0

    @property
    def has_working(self) -> bool:
        return bool(self._working)

    def next_expiry_ns(self) -> int | None:
        """When the next working order's validity ends, or None."""
        while self._expiries and self._expiries[0][1] not in self._working:
            heappop(self._expiries)
        return self._expiries[0][0] if self._expiries else None

    # --- arrivals -----------------------------------------------------------------

    def arrive(self, order: OrderRequested, *, sent_ns: int, now_ns: int) -> None:
        """Reject the order, or accept it and let it meet what it meets at once."""
        if order.order_id in self._working or order.order_id in self._closed:
            again = Rejection("duplicate_order", "this order id was used before")
            self._say(rejected(order, again, now_ns=now_ns))
            return
        bar, taking = None, None
        rejection = self._admission.rejection(order, sent_ns=sent_ns, now_ns=now_ns)
        if rejection is None:
            row = self._prints.row_at(now_ns)
            bar = self._prints.bar(order.asset, row=row, time_ns=now_ns)
            taking = self._taking(order, bar, now_ns)
            rejection = self._account_rejection(order, taking, now_ns)
        if rejection is not None:
            self._closed.add(order.order_id)
            self._say(rejected(order, rejection, now_ns=now_ns))
            return
        working = self._accept(order, now_ns)
        if bar is None and order.limit_price is None:
            self._expire(working, "nobody trades it now", now_ns)
        elif bar is None:
            self._keep_or_expire(working, "nobody trades it now", now_ns=now_ns)
        elif taking is not None:
            self._take(working, taking, row=bar.row, now_ns=now_ns)
        elif self._is_early(bar, now_ns):
            self._keep_or_expire(working, "not marketable", now_ns=now_ns)
        else:
            working.meets_close = True
            if order.limit_price is not None:
                self._reserve(working, now_ns)

    def cancel(self, command: CancelOrder, *, now_ns: int) -> None:
        """Close a working order, or say why there is nothing to cancel."""
        working = self._working.get(command.order_id)
        if working is not None:
            self._cancel(working, "canceled on request", now_ns)
            return
        known = command.order_id in self._closed
        self._say(
            CancelRejected(
                time_ns=now_ns,
                order_id=command.order_id,
                code="already_closed" if known else "unknown_order",
                reason="the order is closed" if known else "there is no such order",
                venue_time_ns=now_ns,
            )
        )

    def _is_early(self, bar: Bar, now_ns: int) -> bool:
        begin_ns = bar.close_ns - self._prints.interval_ns
        return now_ns - begin_ns <= self._budget_ns and not math.isnan(bar.open)

    def _taking(
        self, order: OrderRequested, bar: Bar | None, now_ns: int
    ) -> Execution | None:
        """What the order takes of the open that it meets, if it meets and takes one."""
        if bar is None or not self._is_early(bar, now_ns):
            return None
        if not self._counterparty.is_marketable(order, bar.open):
            return None
        return self._counterparty.at_print(
            order, bar, bar.open, quantity=order.quantity
        )

    def _account_rejection(
        self, order: OrderRequested, taking: Execution | None, now_ns: int
    ) -> Rejection | None:
        """What position, notional, balance and a post-only flag say against it.

        A limit order is checked at its limit, a market order at its fill price. One
        that waits for the close stands for one that arrives then: it is paid then,
        also from sales that share the print, and reserves nothing until then.
        """
        breach = reduction_breach(order, self._account.quantity(order.asset))
        if breach is not None:
            return breach
        price = self._known_price(order, now_ns) if taking is None else taking.price
        price = order.limit_price or price
        if price is not None:
            instrument = self._account.instruments[order.asset]
            notional = order.quantity * price * instrument.multiplier
            breach = notional_breach(notional, self._admission.rules(order.asset))
            if breach is not None:
                return breach
            waits = taking is None and order.limit_price is None
            shortage = self._account.shortage(
                order, quantity=order.quantity, price=price, time_ns=now_ns
            )
            if shortage is not None and not waits:
                return Rejection("insufficient_balance", shortage)
        if taking is not None and order.time_in_force is TimeInForce.POST_ONLY:
            return Rejection("post_only", "the order would take liquidity")
        return None

    def _known_price(self, order: OrderRequested, now_ns: int) -> Decimal | None:
        """The limit, else the touch at the last close, else nothing is known."""
        if order.limit_price is not None:
            return order.limit_price
        mark = self._prints.mark(order.asset, now_ns)
        return None if mark is None else self._counterparty.touch(order, mark)

    # --- bars ---------------------------------------------------------------------

    def close_row(self, row: int, now_ns: int) -> None:
        """Let everything that works meet the bars of this row, in order of arrival."""
        for working in tuple(self._working.values()):
            bar = self._prints.bar(working.order.asset, row=row, time_ns=now_ns)
            if bar is None:
                continue
            rested = bar.close_ns - self._prints.interval_ns >= working.arrived_ns
            if working.meets_close:
                working.meets_close = False
                self._meet_print(working, bar, bar.close, now_ns=now_ns)
            elif working.order.limit_price is not None:
                self._meet_path(working, bar, rested_before=rested, now_ns=now_ns)
            elif rested:
                price = bar.close if math.isnan(bar.open) else bar.open
                self._meet_print(working, bar, price, now_ns=now_ns)

    def expire_due(self, now_ns: int) -> None:
        """Close every working order whose validity ends now or has ended."""
        while (due_ns := self.next_expiry_ns()) is not None and due_ns <= now_ns:
            _, order_id = heappop(self._expiries)
            self._expire(self._working[order_id], "its validity ended", now_ns)

    def cancel_asset(self, asset: str, reason: str, *, now_ns: int) -> None:
        """Close every working order of the asset."""
        for working in tuple(self._working.values()):
            if working.order.asset == asset:
                self._cancel(working, reason, now_ns)

    def cancel_all(self, reason: str, *, now_ns: int) -> None:
        """Close every working order."""
        for working in tuple(self._working.values()):
            self._cancel(working, reason, now_ns)

    def _meet_print(
        self, working: WorkingOrder, bar: Bar, print_price: float, *, now_ns: int
    ) -> None:
        """Take what the order may take at this print; the rest expires or rests."""
        order = working.order
        quantity = self._fillable(working)
        if not self._counterparty.is_marketable(order, print_price):
            self._keep_or_expire(working, "not marketable", now_ns=now_ns)
            return
        if order.time_in_force is TimeInForce.POST_ONLY:
            self._expire(working, "post-only, and it would take liquidity", now_ns)
            return
        if not quantity:
            self._expire(working, NOTHING_TO_REDUCE, now_ns)
            return
        self._release(working)
        taking = self._counterparty.at_print(order, bar, print_price, quantity=quantity)
        if self._can_pay(working, taking, now_ns):
            self._take(working, taking, row=bar.row, now_ns=now_ns)

    def _take(
        self, working: WorkingOrder, taking: Execution, *, row: int, now_ns: int
    ) -> None:
        """Book what was taken; the rest expires or rests."""
        if taking.quantity:
            self._fill(working, taking, row=row, now_ns=now_ns)
        if working.remaining:
            reason = "our share of the bar's volume is used up"
            self._keep_or_expire(working, reason, now_ns=now_ns)

    def _meet_path(
        self, working: WorkingOrder, bar: Bar, *, rested_before: bool, now_ns: int
    ) -> None:
        """Fill a resting limit order where the bar traded through it."""
        quantity = self._fillable(working)
        if not quantity:
            self._expire(working, NOTHING_TO_REDUCE, now_ns)
            return
        execution = self._counterparty.through(
            working.order, bar, quantity=quantity, rested_before=rested_before
        )
        if execution is None:
            return
        self._release(working)
        if not self._can_pay(working, execution, now_ns):
            return
        self._fill(working, execution, row=bar.row, now_ns=now_ns)
        if working.remaining:
            self._reserve(working, now_ns)

    def _can_pay(
        self, working: WorkingOrder, execution: Execution, now_ns: int
    ) -> bool:
        """Losses may have eaten what was set aside: then the order expires."""
        shortage = self._account.shortage(
            working.order,
            quantity=execution.quantity,
            price=execution.price,
            time_ns=now_ns,
        )
        if shortage is not None:
            self._expire(working, f"insufficient balance: {shortage}", now_ns)
        return shortage is None

    def _fillable(self, working: WorkingOrder) -> Decimal:
        """What is left of the order, and of the position if it may only reduce."""
        order = working.order
        if not order.reduce_only:
            return working.remaining
        held = self._account.quantity(order.asset)
        return min(working.remaining, reducible(order.side, held))

    def _keep_or_expire(
        self, working: WorkingOrder, reason: str, *, now_ns: int
    ) -> None:
        """What is not filled now rests if the order wants that, else it expires."""
        order = working.order
        is_limit = order.limit_price is not None
        wants_to_rest = order.time_in_force is not TimeInForce.IOC
        if wants_to_rest and (is_limit or self._market_rests):
            self._reserve(working, now_ns)
        else:
            self._expire(working, reason, now_ns)

    # --- reservations -------------------------------------------------------------

    def _reserve(self, working: WorkingOrder, now_ns: int) -> None:
        """Set aside what the rest of the order needs, at its limit or the last touch."""
        order = working.order
        self._release(working)
        price = self._known_price(order, now_ns)
        spot = not self._account.instruments[order.asset].is_perpetual
        if spot and order.side is Side.SELL:
            working.reserved_base = working.remaining
        elif price is not None:
            working.reserved_quote = self._account.needed_quote(
                order, quantity=working.remaining, price=price, time_ns=now_ns
            )
        self._account.reserve(
            order.asset, quote=working.reserved_quote, base=working.reserved_base
        )

    def _release(self, working: WorkingOrder) -> None:
        if not working.reserved_quote and not working.reserved_base:
            return
        self._account.reserve(
            working.order.asset,
            quote=-working.reserved_quote,
            base=-working.reserved_base,
        )
        working.reserved_quote = working.reserved_base = ZERO

    # --- answers ------------------------------------------------------------------

    def _accept(self, order: OrderRequested, now_ns: int) -> WorkingOrder:
        self._accepted_count += 1
        working = WorkingOrder(order, arrived_ns=now_ns)
        self._working[order.order_id] = working
        if order.valid_until_ns is not None:
            heappush(self._expiries, (order.valid_until_ns, order.order_id))
        self._say(working.accepted(number=self._accepted_count))
        return working

    def _fill(
        self, working: WorkingOrder, execution: Execution, *, row: int, now_ns: int
    ) -> None:
        """Book what was executed; a full order is closed."""
        order = working.order
        quantity, price, reference, liquidity = execution
        instrument = self._account.instruments[order.asset]
        notional = quantity * price * instrument.multiplier
        fee = self._account.fee(notional, liquidity=liquidity, time_ns=now_ns)
        self._trade_count += 1
        working.filled += quantity
        fill = OrderFilled(
            time_ns=now_ns,
            order_id=order.order_id,
            trade_id=f"t{self._trade_count}",
            asset=order.asset,
            side=order.side,
            quantity=quantity,
            price=price,
            fee=fee,
            fee_currency=instrument.quote,
            liquidity=liquidity,
            cumulative=working.filled,
            reference=reference,
            venue_time_ns=now_ns,
        )
        self._account.book(fill, asset=order.asset)
        self._account.count_trade(notional, time_ns=now_ns)
        self._counterparty.took(order, quantity, row=row)
        if not working.remaining:
            self._close(working)
        self._say(fill)

    def _cancel(self, working: WorkingOrder, reason: str, now_ns: int) -> None:
        self._close(working)
        self._say(working.canceled(reason, now_ns=now_ns))

    def _expire(self, working: WorkingOrder, reason: str, now_ns: int) -> None:
        self._close(working)
        self._say(working.expired(reason, now_ns=now_ns))

    def _close(self, working: WorkingOrder) -> None:
        self._release(working)
        del self._working[working.order.order_id]
        self._closed.add(working.order.order_id)
