"""What the venue checks before it takes an order, and the words of its refusals."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from factortrader.events import OrderRequested, OrderType, Side, TimeInForce
from factortrader.instruments import TradingRules
from factortrader.units import ZERO, format_time
from factortrader_adapters.simulated.ends import EndOfLife

DEFAULT_RULES: Final = TradingRules()


class Rejection(NamedTuple):
    """code: stable, for programs. reason: the venue's words, for people."""

    code: str
    reason: str


class Admission:
    """Who may trade what, by the rules as of now.

    assets: what the venue knows. ends: whose life ends within the history.
    """

    def __init__(self, assets: Iterable[str], ends: Iterable[EndOfLife]) -> None:
        self._rules = dict.fromkeys(assets, DEFAULT_RULES)
        self._ends = {end.asset: end for end in ends}
        self._redenominated_ns: dict[str, int] = {}
        self.is_bankrupt = False

    def set_rules(self, asset: str, rules: TradingRules) -> None:
        """The venue's rules for one asset from now on."""
        self._rules[asset] = rules

    def rules(self, asset: str) -> TradingRules:
        return self._rules[asset]

    def redenominate(self, asset: str, time_ns: int) -> None:
        """From now on, what was sent before is in units that no longer exist."""
        self._redenominated_ns[asset] = time_ns

    def rejection(
        self, order: OrderRequested, *, sent_ns: int, now_ns: int
    ) -> Rejection | None:
        """Why the order is not taken, price and balance aside; or None."""
        asset = order.asset
        rules = self._rules.get(asset)
        if rules is None:
            return Rejection("unknown_asset", f"there is no {asset} here")
        if self.is_bankrupt:
            return Rejection("bankrupt", "the account's equity is gone")
        end = self._ends.get(asset)
        if end is not None and now_ns > end.last_ns:
            when = format_time(end.last_ns)
            return Rejection("ended", f"{asset} ended on {when}: {end.reason}")
        if not rules.tradable:
            return Rejection("not_trading", f"{asset} is not trading")
        if sent_ns < self._redenominated_ns.get(asset, sent_ns):
            return Rejection("redenominated", f"{asset} changed its unit on the way")
        if order.valid_until_ns is not None and now_ns > order.valid_until_ns:
            until = format_time(order.valid_until_ns)
            return Rejection("outside_validity", f"arrived after {until}")
        return form_breach(order, rules)


def form_breach(order: OrderRequested, rules: TradingRules) -> Rejection | None:
    """What is wrong with the order as it is written, whatever the market does."""
    if order.quantity <= 0:
        return Rejection("quantity", f"quantity {order.quantity} is not positive")
    if order.quantity % rules.lot:
        return Rejection(
            "lot", f"quantity {order.quantity} is no multiple of the lot {rules.lot}"
        )
    limit = order.limit_price
    if order.order_type is OrderType.MARKET:
        if limit is not None:
            return Rejection("price", "a market order takes no limit price")
        if order.time_in_force is TimeInForce.POST_ONLY:
            return Rejection("time_in_force", "a market order cannot be post-only")
        return None
    if limit is None or limit <= 0:
        return Rejection("price", f"a limit order needs a price above 0, got {limit}")
    if rules.tick is not None and limit % rules.tick:
        return Rejection(
            "tick", f"price {limit} is no multiple of the tick {rules.tick}"
        )
    return None


def notional_breach(notional: Decimal, rules: TradingRules) -> Rejection | None:
    if notional >= rules.min_notional:
        return None
    return Rejection(
        "min_notional", f"notional {notional} is below the minimum {rules.min_notional}"
    )


def reduction_breach(order: OrderRequested, held: Decimal) -> Rejection | None:
    """Why a reduce-only order would not only reduce the signed position."""
    if not order.reduce_only or order.quantity <= reducible(order.side, held):
        return None
    return Rejection(
        "reduce_only",
        f"{order.side} {order.quantity} would not only reduce a position of {held}",
    )


def reducible(side: Side, held: Decimal) -> Decimal:
    """How much an order of this side may trade and still only reduce."""
    return max(-held if side is Side.BUY else held, ZERO)
