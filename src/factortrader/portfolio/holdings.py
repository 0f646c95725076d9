"""What we hold and what it is worth: the component around ledger and exposure.

It is the first to hear fills, fees, funding and marks, and everybody who decides asks
it. It satisfies `risk.context.Book`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from factortrader.events import (
    BarsClosed,
    CorporateActionApplied,
    FundingPaid,
    InstrumentRulesChanged,
    OrderFilled,
    PortfolioMarked,
    PositionSettled,
    TransferBooked,
)
from factortrader.instruments import Instrument, TradingRules
from factortrader.orders.book import OpenOrders
from factortrader.portfolio.exposure import Exposure, Valuation
from factortrader.portfolio.ledger import Ledger, LedgerEvent
from factortrader.portfolio.worst import WorstCase, WorstFold, working
from factortrader.units import (
    ZERO,
    BoolArray,
    FloatArray,
    decimal_shortest,
    read_only,
    to_float,
)


class Holdings:
    """Ledger (money), exposure (floats), marks and rules of one account.

    Arrays are aligned with the columns of the last bar. A mark is the last close of
    an asset that was not quarantined; an asset without a bar now keeps its mark and
    cannot be traded.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        *,
        quote: str,
        orders: OpenOrders,
    ) -> None:
        self._instruments = instruments
        self._ledger = Ledger(instruments, quote=quote)
        self._exposure = Exposure(self._ledger)
        self._orders = orders
        self._worst = WorstFold(
            self._ledger,
            orders,
            instruments=instruments,
            mark=self.mark,
            values=self._values,
        )
        self._rules: dict[str, TradingRules] = {}
        self._default_rules = TradingRules()
        self._columns: dict[str, int] = {}
        self._marks: FloatArray = np.zeros(0)
        self._bar: BarsClosed | None = None
        self._volumes: FloatArray | None = None
        self._listed: BoolArray = np.zeros(0, dtype=np.bool_)
        self._actions: set[str] = set()
        self._funded = False
        self._valuation: Valuation | None = None

    # --- what it hears --------------------------------------------------------

    def on_bars(self, bar: BarsClosed) -> Iterable[PortfolioMarked]:
        """New marks; what the account is worth, once it was funded."""
        if len(bar.assets) != len(self._columns):
            self._add_columns(bar.assets)
        good = bar.clean & np.isfinite(bar.close)
        self._marks = read_only(np.where(good, bar.close, self._marks))
        self._bar, self._volumes = bar, None
        self._listed = bar.listed
        self._reprice()
        if not self._funded:
            return ()
        valued = self._valued()
        return (
            PortfolioMarked(
                time_ns=bar.time_ns,
                close_ns=bar.close_ns,
                assets=bar.assets,
                equity=valued.equity,
                cash=valued.cash,
                gross_exposure=valued.gross_exposure,
                net_exposure=valued.net_exposure,
                quantities=valued.quantities,
                marks=self._marks,
            ),
        )

    def on_fill(self, event: OrderFilled) -> Iterable[Any]:
        return self._book(event)

    def on_funding(self, event: FundingPaid) -> Iterable[Any]:
        return self._book(event)

    def on_settled(self, event: PositionSettled) -> Iterable[Any]:
        return self._book(event)

    def on_transfer(self, event: TransferBooked) -> Iterable[Any]:
        self._funded = True
        return self._book(event)

    def on_action(self, event: CorporateActionApplied) -> Iterable[Any]:
        """More units, each worth less: the value stays. Once per action."""
        if event.action in self._actions:
            return ()
        self._actions.add(event.action)
        column = self._columns.get(event.asset)
        if column is not None:
            units = event.numerator / event.denominator
            self._marks = _scaled(self._marks, column, factor=1.0 / units)
            self._volumes = _scaled(self._base_volumes(), column, factor=units)
        return self._book(event)

    def on_rules(self, event: InstrumentRulesChanged) -> Iterable[Any]:
        self._rules[event.asset] = event.rules
        return ()

    # --- what it is asked -----------------------------------------------------

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        return self._instruments

    @property
    def equity(self) -> float:
        """Quote currency, at the last marks."""
        return self._valued().equity

    @property
    def cash(self) -> Decimal:
        """Quote currency in the wallet."""
        return self._ledger.cash

    @property
    def weights(self) -> FloatArray:
        """Signed fractions of equity, drifted to the last marks; NaN when ruined."""
        return self._valued().weights

    @property
    def held(self) -> BoolArray:
        held: BoolArray = self._valued().quantities != 0.0
        return held

    @property
    def marks(self) -> FloatArray:
        """Quote currency per unit; NaN where never seen."""
        return self._marks

    @property
    def tradable(self) -> BoolArray:
        """A bar exists now, and the venue's rules allow trading."""
        allowed = self._listed.copy()
        for asset, rules in self._rules.items():
            if not rules.tradable and asset in self._columns:
                allowed[self._columns[asset]] = False
        return allowed

    @property
    def positions(self) -> Mapping[str, Decimal]:
        """Signed quantities that are not zero."""
        return self._ledger.positions()

    @property
    def exposed(self) -> Sequence[str]:
        """Assets with a position or an order that is not settled, in stable order."""
        assets = dict.fromkeys(self._ledger.positions())
        assets.update(dict.fromkeys(order.asset for order in self._orders))
        return sorted(assets)

    @property
    def rules_by_asset(self) -> Mapping[str, TradingRules]:
        """Rules that the venue has told; others have the defaults."""
        return self._rules

    def rules(self, asset: str) -> TradingRules:
        return self._rules.get(asset, self._default_rules)

    def position(self, asset: str) -> Decimal:
        return self._ledger.position(asset)

    def is_perpetual(self, asset: str) -> bool:
        return self._instruments[asset].is_perpetual

    def multiplier(self, asset: str) -> Decimal:
        return self._ledger.multiplier(asset)

    def mark(self, asset: str) -> float:
        """Quote currency per unit; NaN where never seen."""
        column = self._columns.get(asset)
        return math.nan if column is None else float(self._marks[column])

    def last_volume(self, asset: str) -> float:
        """Base units or contracts of the last bar, in today's units; NaN = unknown."""
        column = self._columns.get(asset)
        if column is None:
            return math.nan
        return float(self._base_volumes()[column]) / to_float(self.multiplier(asset))

    def column(self, asset: str) -> int:
        """Where the asset stands in the arrays."""
        return self._columns[asset]

    def spendable(self, *, reserve: float) -> Decimal:
        """Cash that buys may use: all but a reserve for fees and slippage; ≥ 0."""
        cash = self._ledger.cash
        kept = max(ZERO, cash) * decimal_shortest(reserve)
        return max(ZERO, cash - kept)

    def working(self, asset: str) -> tuple[Decimal, Decimal]:
        """What orders may still buy and sell, requested ones included; both ≥ 0."""
        return working(self._orders, asset)

    def worst_case(self) -> WorstCase:
        """With every order filled on the side that hurts more, at the last marks."""
        return self._worst.case()

    def verify(self) -> None:
        """The cached equity is the ledger's; raises StaleExposure where it is not."""
        self._exposure.verify(self._marks)

    # --- inside ---------------------------------------------------------------

    def _book(self, event: LedgerEvent) -> tuple[()]:
        self._exposure.follow(self._ledger.apply(event))
        self._reprice()
        return ()

    def _reprice(self) -> None:
        """Marks or positions have moved: what was derived of them is old."""
        self._valuation = None
        self._worst.forget()

    def _base_volumes(self) -> FloatArray:
        """Base volume, else quote volume over close; NaN where neither is known.

        Found when it is first asked for: most bars trade nothing.
        """
        if self._volumes is None:
            assert self._bar is not None, "columns come with a bar"
            self._volumes = _base_volumes(self._bar)
        return self._volumes

    def _values(self) -> Iterator[tuple[str, float]]:
        """(asset, signed value in quote currency) of each position."""
        valued, assets = self._valued(), self._exposure.assets
        for column, value in zip(
            valued.columns.tolist(), valued.notional.tolist(), strict=True
        ):
            yield assets[column], value

    def _valued(self) -> Valuation:
        if self._valuation is None:
            self._valuation = self._exposure.valued(self._marks)
        return self._valuation

    def _add_columns(self, assets: tuple[str, ...]) -> None:
        """Columns are append-only: what is known keeps its place."""
        new = assets[len(self._columns) :]
        self._columns.update(
            (asset, at) for at, asset in enumerate(new, start=len(self._columns))
        )
        self._marks = np.concatenate([self._marks, np.full(len(new), np.nan)])
        self._exposure.extend(assets)


def _base_volumes(bar: BarsClosed) -> FloatArray:
    quote_volume = bar.fields.get("quote_volume")
    if quote_volume is None:
        return bar.volume
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isnan(bar.volume), quote_volume / bar.close, bar.volume)


def _scaled(row: FloatArray, column: int, *, factor: float) -> FloatArray:
    scaled = row.copy()
    scaled[column] *= factor
    return read_only(scaled)
