"""A tiny fund that says what a run says: messages for the recorder, nothing else.

Its books are the real ledger, so that what a stranger re-derives from the tables is
compared with double entry and not with the same sum again.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from tests.builders import QUOTE, T0, bars, made, transfer

from factortrader.analytics.recorder import RunRecorder
from factortrader.analytics.results import RunFacts, RunResults
from factortrader.events import (
    CorporateActionApplied,
    Event,
    FundingPaid,
    OrderAccepted,
    OrderApproved,
    OrderFilled,
    OrderRequested,
    OrderSubmitted,
    PlanApproved,
    PortfolioMarked,
    PositionSettled,
    RebalancePlanned,
    Side,
    SignalsUpdated,
    TargetsSet,
)
from factortrader.instruments import Instrument
from factortrader.portfolio.ledger import Ledger
from factortrader.units import (
    DAY_NS,
    MINUTE_NS,
    MONEY,
    decimal_shortest,
    price_down,
    price_up,
    quantity_floor,
    to_float,
)


class Fund:
    """Bars close a day apart; what happens in between is dated a minute after."""

    def __init__(
        self,
        *instruments: Instrument,
        capital: str = "10000",
        benchmark: str | None = None,
    ) -> None:
        self.instruments = instruments
        self.recorder = RunRecorder(benchmark=benchmark)
        self.ledger = Ledger({each.asset: each for each in instruments}, quote=QUOTE)
        self.close_ns = T0
        self.marks: dict[str, float] = {}
        self._count = 0
        self.say(transfer(capital, time_ns=T0 - DAY_NS))

    @property
    def now_ns(self) -> int:
        return self.close_ns - DAY_NS + MINUTE_NS

    def results(self, **facts: Any) -> RunResults:
        return RunResults(self.recorder, self.facts(**facts))

    def facts(self, **facts: Any) -> RunFacts:
        values: dict[str, Any] = {
            "fund": "Tiny fund",
            "quote": QUOTE,
            "interval_ns": DAY_NS,
            "instruments": self.instruments,
        }
        return RunFacts(**(values | facts))

    def say(self, *events: Event) -> None:
        """One step: the ledger books what moves money, the recorder hears it."""
        for event in events:
            if type(event).__name__ in BOOKED:
                self.ledger.apply(event)
        self.recorder.observe(events)

    def close(self, **prices: float) -> None:
        """Close a bar with these prices (NaN = none) and mark the account."""
        self.marks |= {a: p for a, p in prices.items() if np.isfinite(p)}
        bar = bars(prices, close_ns=self.close_ns)
        self.say(bar, self._marked(tuple(prices)))
        self.close_ns += DAY_NS

    def trade(
        self,
        asset: str,
        quantity: str,
        *,
        price: str,
        reference: str | None = None,
        fee: str = "0",
        fee_currency: str = QUOTE,
        time_ns: int | None = None,
    ) -> str:
        """An order that fills at once; returns its id. quantity is signed."""
        self._count += 1
        order_id, plan = f"{self._count:032x}", f"plan{self._count}"
        size = Decimal(quantity)
        side = Side.BUY if size > 0 else Side.SELL
        time_ns = self.now_ns if time_ns is None else time_ns
        common = {"order_id": order_id, "time_ns": time_ns}
        requested = made(
            OrderRequested,
            asset=asset,
            side=side,
            quantity=abs(size),
            plan=plan,
            **common,
        )
        filled = made(
            OrderFilled,
            trade_id=f"t{self._count}",
            asset=asset,
            side=side,
            quantity=abs(size),
            cumulative=abs(size),
            price=price,
            reference=reference or price,
            fee=fee,
            fee_currency=fee_currency,
            **common,
        )
        self.say(
            made(RebalancePlanned, plan=plan, time_ns=time_ns),
            made(PlanApproved, plan=plan, time_ns=time_ns),
            requested,
            OrderApproved(time_ns=time_ns, order=requested),
            made(OrderSubmitted, **common),
            made(OrderAccepted, **common),
            filled,
        )
        return order_id

    def think(self, assets: tuple[str, ...], scores: Any, weights: Any) -> None:
        """Scores with one factor behind them, and the weights that followed."""
        time_ns = self.close_ns - DAY_NS
        scores = np.asarray(scores, float)
        self.say(
            made(
                SignalsUpdated,
                time_ns=time_ns,
                assets=assets,
                scores=scores,
                contributions={"momentum": scores},
            ),
            made(TargetsSet, time_ns=time_ns, assets=assets, weights=weights),
        )

    def pay(self, asset: str, amount: str, *, kind: str = "funding") -> None:
        self._count += 1
        reference = f"{kind}{self._count}"
        self.say(
            made(
                FundingPaid,
                asset=asset,
                amount=amount,
                kind=kind,
                reference=reference,
                time_ns=self.now_ns,
            )
        )

    def settle(self, asset: str, *, price: str, **changes: Any) -> None:
        quantity = self.ledger.position(asset)
        values = {"time_ns": self.now_ns, "reference": f"end-{asset}"} | changes
        self.say(
            made(PositionSettled, asset=asset, quantity=quantity, price=price, **values)
        )

    def redenominate(self, asset: str, numerator: int, denominator: int) -> None:
        self.say(
            made(
                CorporateActionApplied,
                action=f"{asset}-{numerator}-{denominator}",
                asset=asset,
                numerator=numerator,
                denominator=denominator,
                time_ns=self.now_ns,
            )
        )
        if asset in self.marks:
            self.marks[asset] *= denominator / numerator

    def _marked(self, assets: tuple[str, ...]) -> PortfolioMarked:
        multiplier = {each.asset: float(each.multiplier) for each in self.instruments}
        marks = {asset: decimal_shortest(mark) for asset, mark in self.marks.items()}
        equity = to_float(self.ledger.equity(marks))
        held = [to_float(self.ledger.position(asset)) for asset in assets]
        priced = [self.marks.get(asset, np.nan) for asset in assets]
        values = [
            quantity * multiplier[asset] * mark if quantity else 0.0
            for asset, quantity, mark in zip(assets, held, priced, strict=True)
        ]
        return made(
            PortfolioMarked,
            time_ns=self.close_ns,
            close_ns=self.close_ns,
            assets=assets,
            equity=equity,
            cash=to_float(self.ledger.cash),
            gross_exposure=float(np.abs(values).sum()) / equity,
            net_exposure=float(np.sum(values)) / equity,
            quantities=held,
            marks=priced,
        )


BOOKED = frozenset(
    {
        "TransferBooked",
        "OrderFilled",
        "FundingPaid",
        "PositionSettled",
        "CorporateActionApplied",
    }
)


def wandering_fund(
    *instruments: Instrument, bar_count: int, seed: int, fee_bps: int = 10
) -> Fund:
    """A fund that trades at random for so many bars, spot long and perpetuals both ways.

    Every fifth bar it moves towards random weights; prices follow a random walk.
    """
    random = np.random.default_rng(seed)
    fund = Fund(*instruments, capital="1000000", benchmark=instruments[0].asset)
    assets = tuple(each.asset for each in instruments)
    prices = 10.0 ** random.uniform(-2.0, 4.0, len(assets))
    for bar in range(bar_count):
        if bar and bar % 5 == 1:
            _rebalance(fund, prices, random, fee_bps=fee_bps)
        if bar % 7 == 3:
            for each in instruments:
                if each.is_perpetual and fund.ledger.position(each.asset):
                    fund.pay(each.asset, str(Decimal(int(random.integers(-50, 50)))))
        prices = prices * np.exp(random.normal(0.0005, 0.03, len(assets)))
        fund.close(**dict(zip(assets, prices.tolist(), strict=True)))
        if bar % 5 == 0:
            scores = random.normal(size=len(assets))
            fund.think(assets, scores, scores / np.abs(scores).sum())
    return fund


def _rebalance(
    fund: Fund, prices: Any, random: np.random.Generator, *, fee_bps: int
) -> None:
    weights = random.dirichlet(np.ones(len(prices))) * 0.8
    equity = fund.recorder.rows[-1].equity
    wanted = []
    for each, weight, price in zip(fund.instruments, weights, prices, strict=True):
        sign = -1.0 if each.is_perpetual and random.random() < 0.5 else 1.0
        units = quantity_floor(
            weight * equity / price / float(each.multiplier), Decimal("0.0001")
        )
        target = units.copy_negate() if sign < 0 else units
        with localcontext(MONEY):
            change = target - fund.ledger.position(each.asset)
        if change:
            wanted.append((change, each, float(price)))
    for change, each, price in sorted(wanted, key=lambda order: order[0]):
        fill = (
            price_up(price * 1.001, None)
            if change > 0
            else price_down(price * 0.999, None)
        )
        with localcontext(MONEY):
            notional = abs(change) * each.multiplier * fill
            fee = notional * fee_bps / 10_000
        fund.trade(
            each.asset,
            str(change),
            price=str(fill),
            reference=str(decimal_shortest(price)),
            fee=str(fee),
        )
