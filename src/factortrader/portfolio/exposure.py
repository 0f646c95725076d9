"""Exposure: the float side of the ledger, a cached vector of what is held (R9).

    equity         = cash + Σ units × mark − Σ entry value
    weight[i]      = units[i] × mark[i] / equity
    gross exposure = Σ |units × mark| / equity
    net exposure   = Σ units × mark / equity

units: base units, that is quantity × multiplier, signed. Sums are correctly rounded
(`math.fsum`) over what is held, so a column that holds nothing cannot change a bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from factortrader.errors import BrokenInvariant
from factortrader.portfolio.entries import Account, Entry, MissingMark
from factortrader.portfolio.ledger import Ledger
from factortrader.units import (
    FloatArray,
    IntArray,
    decimal_shortest,
    read_only,
    to_float,
)

TOLERANCE: Final = 1e-9
"""The cached equity may differ from the ledger's by this share of all it sums."""


class StaleExposure(BrokenInvariant):
    """The cached equity is not the ledger's: an entry was not followed."""

    def __init__(self, *, cached: float, booked: float) -> None:
        self.cached = cached
        self.booked = booked
        super().__init__(
            f"cached equity {cached!r}, the ledger's is {booked!r}",
            where="exposure",
        )


class Valuation(NamedTuple):
    """The account at one row of marks; arrays are read-only, shape (assets,).

    equity, cash: quote currency. quantities: signed, base or contracts.
    gross_exposure, net_exposure: fractions of equity, NaN at an equity ≤ 0: a ruined
    account has no fractions.
    columns, notional: what is held, and its value in quote currency.
    """

    equity: float
    cash: float
    quantities: FloatArray
    gross_exposure: float
    net_exposure: float
    columns: IntArray
    notional: FloatArray

    @property
    def weights(self) -> FloatArray:
        """Signed fractions of equity, 0 where nothing is held; NaN at an equity ≤ 0."""
        base = self.equity if self.equity > 0.0 else math.nan
        weights = np.full(self.quantities.shape, 0.0 * base)
        weights[self.columns] = self.notional / base
        return read_only(weights)


class _Held(NamedTuple):
    """What is not zero: columns, their units and their negated entry values.

    quantities: of all columns, read-only. Every valuation until the next movement
    shares these; whatever changes the vectors drops them.
    """

    columns: IntArray
    units: FloatArray
    less_entry_values: list[float]
    quantities: FloatArray


class Exposure:
    """Follows a ledger: O(1) per fill, O(assets) per row of marks.

    Columns are append-only stable ids; every array in and out is aligned with them.
    What the ledger holds already is taken over.
    """

    def __init__(self, ledger: Ledger, *, assets: Iterable[str] = ()) -> None:
        self._ledger = ledger
        self._columns: dict[str, int] = {}
        self._outside: dict[str, None] = dict.fromkeys(ledger.positions())
        self._quantities = np.zeros(0)
        self._units = np.zeros(0)
        self._entry_values = np.zeros(0)
        self._cash = to_float(ledger.cash)
        self._held_now: _Held | None = None
        self.extend(assets)

    @property
    def assets(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self._columns)

    @property
    def cash(self) -> float:
        return self._cash

    @property
    def quantities(self) -> FloatArray:
        """Signed, base or contracts, shape (assets,): a copy."""
        return self._quantities.copy()

    def extend(self, assets: Iterable[str]) -> None:
        """Append the columns that are new; the others stay where they are."""
        new = [asset for asset in assets if asset not in self._columns]
        if not new:
            return
        for asset in new:
            self._columns[asset] = len(self._columns)
        grown = np.zeros(len(self._columns) - len(self._units))
        self._quantities = np.concatenate([self._quantities, grown])
        self._units = np.concatenate([self._units, grown])
        self._entry_values = np.concatenate([self._entry_values, grown])
        self._held_now = None
        for asset in new:
            self._outside.pop(asset, None)
            self._take(asset)

    def follow(self, entries: Iterable[Entry]) -> None:
        """Take over what the ledger's entries touched: `ledger.apply(event)`.

        An asset that is no column is remembered, and any valuation raises MissingMark
        as long as it is held.
        """
        for entry in entries:
            if entry.asset != self._ledger.quote:
                self._take(entry.asset)
            elif Account.WALLET in (entry.credit, entry.debit):
                self._cash = to_float(self._ledger.cash)

    def equity(self, marks: FloatArray) -> float:
        """In quote currency. marks: (assets,), quote currency, NaN = never seen.

        Raises MissingMark for an asset that is held and has no finite mark.
        """
        return self.valued(marks).equity

    def valued(self, marks: FloatArray) -> Valuation:
        """Everything at these marks; arguments and errors as for `equity`."""
        held = self._held(marks)
        notional = held.units * marks[held.columns]
        values = notional.tolist()
        gross = math.fsum(map(abs, values))
        if not math.isfinite(gross):
            unmarked = ~np.isfinite(notional)
            raise MissingMark(self.assets[held.columns[unmarked][0]])
        equity = math.fsum([self._cash, *values, *held.less_entry_values])
        base = equity if equity > 0.0 else math.nan
        return Valuation(
            equity=equity,
            cash=self._cash,
            quantities=held.quantities,
            gross_exposure=gross / base,
            net_exposure=math.fsum(values) / base,
            columns=held.columns,
            notional=notional,
        )

    def verify(self, marks: FloatArray) -> float:
        """The cached equity, proven against the ledger's at the same marks.

        Raises StaleExposure where they differ by more than `TOLERANCE` of
        |cash| + Σ |notional| + Σ |entry value|.
        """
        now = self.valued(marks)
        exact = {
            asset: decimal_shortest(float(marks[self._columns[asset]]))
            for asset in self._ledger.positions()
            if asset in self._columns and math.isfinite(marks[self._columns[asset]])
        }
        booked = to_float(self._ledger.equity(exact))
        scale = (
            abs(to_float(self._ledger.cash))
            + float(np.abs(now.notional).sum())
            + float(np.abs(self._entry_values).sum())
        )
        if abs(now.equity - booked) > TOLERANCE * scale:
            raise StaleExposure(cached=now.equity, booked=booked)
        return now.equity

    def _take(self, asset: str) -> None:
        quantity = self._ledger.position(asset)
        column = self._columns.get(asset)
        if column is None:
            if quantity:
                self._outside[asset] = None
            else:
                self._outside.pop(asset, None)
            return
        self._held_now = None
        self._quantities[column] = to_float(quantity)
        self._units[column] = to_float(quantity * self._ledger.multiplier(asset))
        self._entry_values[column] = to_float(self._ledger.entry_value(asset))

    def _held(self, marks: FloatArray) -> _Held:
        """What these marks, one for each column, are to value."""
        if marks.shape != self._units.shape:
            raise BrokenInvariant(
                f"marks of shape {marks.shape} for {len(self._units)} columns",
                where="exposure",
            )
        for asset in self._outside:
            raise MissingMark(asset)
        if self._held_now is None:
            self._held_now = self._compressed()
        return self._held_now

    def _compressed(self) -> _Held:
        columns: IntArray = np.flatnonzero(self._units)
        return _Held(
            columns=columns,
            units=self._units[columns],
            less_entry_values=(-self._entry_values[columns]).tolist(),
            quantities=read_only(self._quantities.copy()),
        )
