"""What happens to positions without an order: funding, borrow, ends, liquidation."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from factortrader.costs import CostModel
from factortrader.events import (
    CorporateActionApplied,
    Event,
    FundingPaid,
    FundingRatePublished,
    Liquidity,
    PositionSettled,
)
from factortrader.instruments import EndReason
from factortrader.units import YEAR_NS, ZERO, money_nearest, price_nearest
from factortrader_adapters.simulated.account import QUOTE_STEP, Account
from factortrader_adapters.simulated.admission import Admission
from factortrader_adapters.simulated.desk import OrderDesk
from factortrader_adapters.simulated.ends import (
    DisappearanceRule,
    EndedPosition,
    EndOfLife,
)
from factortrader_adapters.simulated.prints import Prints


class ClearingHouse:
    """Books what the market does to our positions. `say` takes every answer."""

    def __init__(
        self,
        *,
        account: Account,
        admission: Admission,
        desk: OrderDesk,
        prints: Prints,
        costs: CostModel,
        disappearance: DisappearanceRule,
        say: Callable[[Event], None],
    ) -> None:
        self._account = account
        self._admission = admission
        self._desk = desk
        self._prints = prints
        self._borrow_annual = costs.settings.borrow_annual or 0.0
        self._disappearance = disappearance
        self._say = say
        self._rated_assets: tuple[str, ...] = ()
        self._rated_columns: dict[str, int] = {}
        self.ended: list[EndedPosition] = []

    def fund(self, event: FundingRatePublished) -> None:
        """Funding of each perpetual; idealized shorts pay borrow instead.

        amount = − position × multiplier × last close × rate
        """
        if not self._account.has_perpetuals:
            return
        if event.assets is not self._rated_assets:
            self._rated_assets = event.assets
            self._rated_columns = {a: at for at, a in enumerate(event.assets)}
        for asset, _ in self._account.perpetuals():
            at = self._rated_columns.get(asset)
            if at is None or self._account.instruments[asset].idealized:
                continue
            rate = float(event.rates[at])
            mark = self._prints.mark(asset, event.time_ns)
            if math.isnan(rate) or mark is None:
                continue
            self._pay(
                asset,
                -self._account.notional(asset, mark) * rate,
                kind="funding",
                reference=f"rate {rate!r} at mark {mark!r}",
                now_ns=event.time_ns,
            )

    def borrow(self, row: int, now_ns: int) -> None:
        """Carry of the idealized shorts since the bar before.

        amount = − |notional| × borrow_annual × elapsed / year
        """
        if not self._borrow_annual:
            return
        before_ns = now_ns - self._prints.interval_ns
        if row > 0:
            before_ns = self._prints.closes_ns[row - 1]
        share = self._borrow_annual * (now_ns - before_ns) / YEAR_NS
        for asset, quantity in self._account.perpetuals():
            if quantity > 0 or not self._account.instruments[asset].idealized:
                continue
            mark = self._prints.mark(asset, now_ns)
            if mark is None:
                continue
            self._pay(
                asset,
                -abs(self._account.notional(asset, mark)) * share,
                kind="borrow",
                reference=f"{self._borrow_annual!r} a year at mark {mark!r}",
                now_ns=now_ns,
            )

    def redenominate(self, event: CorporateActionApplied) -> None:
        """Restate the position; what is working was sent in the old unit."""
        asset = event.asset
        if asset not in self._account.instruments:
            return
        self._account.book(event, asset=asset)
        self._admission.redenominate(asset, event.time_ns)
        self._desk.cancel_asset(asset, "redenominated", now_ns=event.time_ns)

    def settle_end(self, end: EndOfLife, now_ns: int) -> None:
        """Close what works and settle what is held of an instrument that ended."""
        asset = end.asset
        self._desk.cancel_asset(asset, f"{asset} ended: {end.reason}", now_ns=now_ns)
        quantity = self._account.quantity(asset)
        mark = self._prints.mark(asset, now_ns)
        if not quantity or mark is None:
            return
        price = price_nearest(
            self._disappearance.settlement_price(
                mark, reason=end.reason, is_long=quantity > 0
            ),
            None,
        )
        last_price = price_nearest(mark, None)
        multiplier = self._account.instruments[asset].multiplier
        self.ended.append(
            EndedPosition(
                time_ns=now_ns,
                asset=asset,
                reason=end.reason,
                quantity=quantity,
                last_price=last_price,
                price=price,
                cost_quote=quantity * multiplier * (last_price - price),
            )
        )
        reference = f"end of {asset}, last price {last_price}"
        self._settle(
            asset, price, reason=end.reason, reference=reference, now_ns=now_ns
        )
        self._judge_equity(now_ns)

    def check_margin(self, now_ns: int) -> None:
        """Liquidate every perpetual once equity is below the maintenance margin.

        At the marks, with the taker fee; whoever then has no equity trades no more.
        """
        if not self._account.has_perpetuals:
            return
        equity = self._account.equity(now_ns)
        if equity >= self._account.maintenance_margin(now_ns):
            return
        self._desk.cancel_all("liquidation", now_ns=now_ns)
        for asset, quantity in self._account.perpetuals():
            mark = self._prints.mark(asset, now_ns)
            if mark is None:
                continue
            price = price_nearest(mark, None)
            notional = (
                abs(quantity) * price * self._account.instruments[asset].multiplier
            )
            fee = self._account.fee(notional, liquidity=Liquidity.TAKER, time_ns=now_ns)
            reference = f"liquidation of {asset} at an equity of {equity:.2f}"
            self._settle(asset, price, fee=fee, reference=reference, now_ns=now_ns)
        self._judge_equity(now_ns)

    def _settle(
        self,
        asset: str,
        price: Decimal,
        *,
        reference: str,
        now_ns: int,
        fee: Decimal = ZERO,
        reason: EndReason | None = None,
    ) -> None:
        settled = PositionSettled(
            time_ns=now_ns,
            asset=asset,
            quantity=self._account.quantity(asset),
            price=price,
            fee=fee,
            reason=reason,
            reference=reference,
        )
        self._account.book(settled, asset=asset)
        self._say(settled)

    def _judge_equity(self, now_ns: int) -> None:
        if self._account.equity(now_ns) <= 0.0:
            self._admission.is_bankrupt = True
            self._desk.cancel_all("the account's equity is gone", now_ns=now_ns)

    def _pay(
        self, asset: str, amount_quote: float, *, kind: str, reference: str, now_ns: int
    ) -> None:
        amount = money_nearest(amount_quote, QUOTE_STEP)
        if not amount:
            return
        paid = FundingPaid(
            time_ns=now_ns,
            asset=asset,
            amount=amount,
            kind=kind,
            reference=reference,
        )
        self._account.book(paid, asset=None)
        self._say(paid)
