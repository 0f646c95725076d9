"""The movements of a run as money: cash flows, ends, costs and flows of each bar.

    equity[t] = capital + Σ fills (−side × quantity × multiplier × price)
              + Σ cash flows in quote + Σ position × multiplier × mark

holds at every bar, for spot and perpetuals alike, because every movement of cash other
than a fill's price × quantity × multiplier is a cash flow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final, TypeAlias

import numpy as np

from factortrader.analytics.recorder import MarkedRow, Movement, RunRecorder
from factortrader.errors import BrokenInvariant
from factortrader.events import (
    CorporateActionApplied,
    FundingPaid,
    OrderFilled,
    PositionSettled,
    TransferBooked,
)
from factortrader.instruments import Instrument
from factortrader.portfolio.entries import Account, Entry
from factortrader.portfolio.ledger import Ledger
from factortrader.units import MONEY, FloatArray, decimal_shortest, to_float

Entries: TypeAlias = Sequence[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cashflow:
    """One row of cashflows.parquet; amount > 0 came in, in units of `currency`.

    kind: fee, funding, borrow, transfer, action or settlement. In another currency
    than quote, `asset` is what the amount adds units (or contracts) to.
    """

    time_ns: int
    kind: str
    asset: str
    amount: Decimal
    reference: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A position that ended without an order of ours.

    cost: quote currency, what the holder lost against the last mark, fee included;
    NaN without a mark.
    """

    time_ns: int
    asset: str
    reason: str
    quantity: Decimal
    price: Decimal
    mark: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    """What moved, and what it came to in each bar.

    Arrays have shape (bars + 1,), quote currency: entry b is what happened after the
    previous mark up to mark b, the last entry what happened after the last mark.
    traded: Σ|fill notional|. fees, slippage, funding, borrow: > 0 was paid. transfers: deposits less withdrawals. weighted_transfers: transfers × the
    part of the bar that was left when they came.
    """

    capital: Decimal
    cashflows: tuple[Cashflow, ...]
    ends: tuple[End, ...]
    fills: tuple[OrderFilled, ...]
    traded: FloatArray
    fees: FloatArray
    slippage: FloatArray
    funding: FloatArray
    borrow: FloatArray
    transfers: FloatArray
    weighted_transfers: FloatArray


def fold_movements(
    recorder: RunRecorder,
    *,
    instruments: Mapping[str, Instrument],
    quote: str,
    interval_ns: int,
) -> Movements:
    """Fold the recorded movements in the order in which they were heard.

    The first transfer in quote currency is the capital and no cash flow. Raises
    BrokenInvariant where there is none.
    """
    fold = _Fold(recorder.rows, instruments, quote=quote, interval_ns=interval_ns)
    with localcontext(MONEY):
        for row, movement in recorder.movements:
            if row == len(recorder.rows):
                fold.prove_last_equity()
            fold.on_movement(row, movement)
        fold.prove_last_equity()
    return fold.movements()


class _Fold:
    """The ledger once more, its entries sorted into rows and into the bars' sums."""

    def __init__(
        self,
        rows: Sequence[MarkedRow],
        instruments: Mapping[str, Instrument],
        *,
        quote: str,
        interval_ns: int,
    ) -> None:
        self._rows = rows
        self._instruments = instruments
        self._quote = quote
        self._interval_ns = interval_ns
        self._ledger = Ledger(instruments, quote=quote)
        self._capital: Decimal | None = None
        self._proven = False
        self._cashflows: list[Cashflow] = []
        self._ends: list[End] = []
        self._fills: list[OrderFilled] = []
        self._sums = {name: np.zeros(len(rows) + 1) for name in _SUMS}

    def on_movement(self, row: int, movement: Movement) -> None:
        entries = self._ledger.apply(movement)
        match movement:
            case OrderFilled():
                self._on_fill(row, movement, entries)
            case FundingPaid():
                time_ns = self._dated(row, movement.time_ns)
                for flow in self._book(time_ns, movement, entries):
                    self._sums[movement.kind][row] -= to_float(flow.amount)
            case PositionSettled():
                self._on_settled(row, movement, entries)
            case TransferBooked():
                self._on_transfer(row, movement, entries)
            case CorporateActionApplied():
                self._book(self._dated(row, movement.time_ns), movement, entries)

    def prove_last_equity(self) -> None:
        """The equity that the run showed last is the ledger's at the same marks.

        Asked once, before anything that came after the last mark. Raises
        BrokenInvariant where they differ by more than 1e-9 of what they sum.
        """
        if self._proven or not self._rows:
            return
        self._proven = True
        last = self._rows[-1]
        marks = {
            last.assets[column]: decimal_shortest(float(mark))
            for column, mark in zip(last.held, last.marks, strict=True)
        }
        if self._ledger.positions().keys() - marks.keys():
            return  # a currency without a mark: its worth is undefined, and said so
        booked = to_float(self._ledger.equity(marks))
        scale = abs(last.cash) + float(np.abs(last.quantities * last.marks).sum())
        if abs(booked - last.equity) > _EQUITY_TOLERANCE * scale:
            raise BrokenInvariant(
                f"the last equity shown is {last.equity!r}, the ledger's is {booked!r}",
                where="run results",
            )

    def movements(self) -> Movements:
        if self._capital is None:
            raise BrokenInvariant(
                "the run booked no capital",
                where="run results",
                why=f"no transfer in {self._quote} was recorded",
            )
        return Movements(
            capital=self._capital,
            cashflows=tuple(self._cashflows),
            ends=tuple(self._ends),
            fills=tuple(self._fills),
            **self._sums,
        )

    def _on_fill(self, row: int, fill: OrderFilled, entries: Entries) -> None:
        if not entries:
            return
        self._fills.append(fill)
        units = fill.quantity * self._instruments[fill.asset].multiplier
        self._sums["traded"][row] += to_float(units * fill.price)
        self._sums["slippage"][row] += to_float(
            fill.side.sign * (fill.price - fill.reference) * units
        )
        for flow in self._book(fill.time_ns, fill, entries):
            own = flow.currency != self._quote and flow.asset == fill.asset
            price = to_float(fill.price) if own else self._price(row, flow)
            self._sums["fees"][row] -= to_float(flow.amount) * price

    def _on_settled(self, row: int, settled: PositionSettled, entries: Entries) -> None:
        time_ns = self._dated(row, settled.time_ns)
        units = settled.quantity * self._instruments[settled.asset].multiplier
        received = Cashflow(
            time_ns=time_ns,
            kind="settlement",
            asset=settled.asset,
            amount=units * settled.price,
            reference=settled.reference,
            currency=self._quote,
        )
        self._cashflows.append(received)
        for flow in self._book(time_ns, settled, entries):
            self._sums["fees"][row] -= to_float(flow.amount)
        mark = self._mark(row, settled.asset)
        lost = to_float(units) * (mark - to_float(settled.price))
        self._ends.append(
            End(
                time_ns=time_ns,
                asset=settled.asset,
                reason=settled.reason.value if settled.reason else "liquidation",
                quantity=settled.quantity,
                price=settled.price,
                mark=mark,
                cost=lost + to_float(settled.fee),
            )
        )

    def _on_transfer(
        self, row: int, transfer: TransferBooked, entries: Entries
    ) -> None:
        if self._capital is None and transfer.currency == self._quote:
            self._capital = transfer.amount
            return
        for flow in self._book(self._dated(row, transfer.time_ns), transfer, entries):
            value = to_float(flow.amount) * self._price(row, flow)
            left = self._left_of_bar(row, transfer.time_ns)
            self._sums["transfers"][row] += value
            self._sums["weighted_transfers"][row] += value * left

    def _book(
        self, time_ns: int, movement: Movement, entries: Entries
    ) -> list[Cashflow]:
        """A cash flow for each entry against an account of the world's side."""
        flows = [
            Cashflow(
                time_ns=time_ns,
                kind=_KINDS[account],
                asset=self._asset(movement, entry),
                amount=entry.amount if account is entry.credit else -entry.amount,
                reference=_reference(movement),
                currency=self._currency(entry.asset),
            )
            for entry in entries
            for account in (entry.credit, entry.debit)
            if account in _KINDS
        ]
        self._cashflows += flows
        return flows

    def _asset(self, movement: Movement, entry: Entry) -> str:
        """What the flow belongs to; in units of an asset, that asset itself."""
        if entry.asset != self._quote:
            return entry.asset
        return "" if isinstance(movement, TransferBooked) else movement.asset

    def _currency(self, asset: str) -> str:
        instrument = self._instruments.get(asset)
        return instrument.base if instrument is not None else asset

    def _dated(self, row: int, time_ns: int) -> int:
        """Sorting by time gives the order in which things were heard.

        What was heard after the mark of its own moment is dated one nanosecond
        later, so that the row of that mark does not yet contain it.
        """
        if row == 0:
            return time_ns
        return max(time_ns, self._rows[row - 1].close_ns + 1)

    def _left_of_bar(self, row: int, time_ns: int) -> float:
        if row == len(self._rows):
            return 0.0
        close_ns = self._rows[row].close_ns
        length = close_ns - self._rows[row - 1].close_ns if row else self._interval_ns
        return min(max((close_ns - time_ns) / length, 0.0), 1.0)

    def _price(self, row: int, flow: Cashflow) -> float:
        """Of one unit of the flow in quote, at the last mark; NaN without one."""
        if flow.currency == self._quote:
            return 1.0
        return self._mark(row, flow.asset)

    def _mark(self, row: int, asset: str) -> float:
        for marked in self._rows[max(row - 1, 0) : row + 1]:
            for column, mark in zip(marked.held, marked.marks, strict=True):
                if marked.assets[column] == asset:
                    return float(mark)
        return float("nan")


def _reference(movement: Movement) -> str:
    match movement:
        case OrderFilled():
            return movement.trade_id
        case CorporateActionApplied():
            return movement.action
    return movement.reference


_EQUITY_TOLERANCE: Final = 1e-9

_KINDS: Final[Mapping[Account, str]] = {
    Account.FEES: "fee",
    Account.FUNDING: "funding",
    Account.BORROW: "borrow",
    Account.TRANSFERS: "transfer",
    Account.ACTIONS: "action",
}

_SUMS: Final = (
    "traded",
    "fees",
    "slippage",
    "funding",
    "borrow",
    "transfers",
    "weighted_transfers",
)
