"""The ledger: double entry in `Decimal`, the truth about what the account holds.

    equity = cash + Σ spot quantity × mark
           + Σ perpetual contracts × multiplier × mark − entry value

Every event posts entries, each of which moves an amount of one asset from one account
to another, so Σ over accounts = 0 for every asset, exactly and always. What we hold
lies in `wallet` (currencies and spot assets) and `contracts` (perpetuals); all other
accounts are the world's side of the same movement, and their negated balances in quote
currency are the profit and loss statement.

A perpetual is not a balance: its contracts have an account of their own and its entry
value (Σ contracts × multiplier × price, signed like the position) is kept beside it.
Only what a reduction realizes, fees and funding reach the wallet.

The ledger enters `units.MONEY` itself, so it is exact whoever calls it: an amount that
would have to be rounded raises. An event that cannot be booked raises and posts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from types import MappingProxyType
from typing import Final, TypeAlias

from factortrader.errors import BadInput, BrokenInvariant
from factortrader.events import (
    CorporateActionApplied,
    FundingPaid,
    OrderFilled,
    PositionSettled,
    TransferBooked,
)
from factortrader.instruments import Instrument
from factortrader.portfolio.entries import (
    Account,
    Entry,
    Overdrawn,
    contracts_traded,
    mark_of,
    moves,
    redenominated,
)
from factortrader.units import MONEY, ZERO

LedgerEvent: TypeAlias = (
    TransferBooked
    | OrderFilled
    | FundingPaid
    | PositionSettled
    | CorporateActionApplied
)
"""Everything that moves money or positions."""

LEDGER_EVENTS: Final[tuple[type[LedgerEvent], ...]] = LedgerEvent.__args__
"""The same as types, for subscriptions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSnapshot:
    """The ledger at one moment. Equal histories give equal snapshots.

    balances: (account, asset) → amount; zeros are left out. entry_values and
    realized: perpetual → quote currency. fills: how many have been booked.
    """

    quote: str
    balances: Mapping[tuple[Account, str], Decimal]
    entry_values: Mapping[str, Decimal]
    realized: Mapping[str, Decimal]
    fills: int


class Ledger:
    """One account in one quote currency. Its fold is private; ask, or take a snapshot.

    instruments: stable id → instrument, every one quoted in `quote`; the mapping may
    grow. Raises BadInput where an instrument is quoted in something else.
    """

    def __init__(self, instruments: Mapping[str, Instrument], *, quote: str) -> None:
        for instrument in instruments.values():
            _check_quote(instrument, quote)
        self.quote = quote
        self._instruments = instruments
        self._balances: dict[Account, dict[str, Decimal]] = {a: {} for a in Account}
        self._wallet = self._balances[Account.WALLET]
        self._contracts = self._balances[Account.CONTRACTS]
        self._entry_values: dict[str, Decimal] = {}
        self._realized: dict[str, Decimal] = {}
        self._trades: dict[str, set[str]] = {}
        self._actions: set[str] = set()
        self._fills = 0

    def apply(self, event: LedgerEvent) -> tuple[Entry, ...]:
        """Book the event and return its entries.

        A fill (asset, trade id) or a corporate action (id) that was booked before
        changes nothing and returns (); transfers and payments are booked as often as
        they are told. Raises Overdrawn where a trade, a withdrawal or a fee would leave
        less than nothing of an asset, or a purchase of spot or a withdrawal would leave
        cash below zero; losses, fees, funding and borrow of perpetuals may do that, for
        they are paid out of margin, and so may the fee of a sale. BrokenInvariant for
        an unknown asset and for a settlement of more than is held.
        """
        with localcontext(MONEY):
            match event:
                case OrderFilled():
                    return self._fill(event)
                case PositionSettled():
                    return self._settle(event)
                case FundingPaid():
                    return self._fund(event)
                case TransferBooked():
                    return self._transfer(event)
                case CorporateActionApplied():
                    return self._redenominate(event)

    @property
    def cash(self) -> Decimal:
        """The wallet's quote currency."""
        return self._balances[Account.WALLET].get(self.quote, ZERO)

    def balance(self, asset: str, *, account: Account = Account.WALLET) -> Decimal:
        """What lies in an account, of a currency or an asset; signed."""
        return self._balances[account].get(asset, ZERO)

    def position(self, asset: str) -> Decimal:
        """Signed: spot in base, perpetuals in contracts; 0 where nothing is held."""
        held = self._contracts.get(asset)
        return self._wallet.get(asset, ZERO) if held is None else held

    def positions(self) -> dict[str, Decimal]:
        """Every position that is not zero, other than the quote currency."""
        held = self._balances[Account.WALLET] | self._balances[Account.CONTRACTS]
        held.pop(self.quote, None)
        return held

    def multiplier(self, asset: str) -> Decimal:
        """Units of base in one unit of the position; 1 for spot and currencies."""
        instrument = self._instruments.get(asset)
        return instrument.multiplier if instrument else Decimal(1)

    def entry_value(self, asset: str) -> Decimal:
        """Contracts × multiplier × average entry, signed; 0 for spot."""
        return self._entry_values.get(asset, ZERO)

    def realized(self, asset: str) -> Decimal:
        """Price profit that reductions of this perpetual have realized, before costs."""
        return self._realized.get(asset, ZERO)

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        """In quote currency, at these marks. Raises MissingMark for a held asset."""
        with localcontext(MONEY):
            total = self.cash
            for asset, quantity in self.positions().items():
                total += quantity * self.multiplier(asset) * mark_of(marks, asset)
                total -= self.entry_value(asset)
            return total

    def initial_margin(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Σ |contracts| × multiplier × mark × initial rate over the perpetuals."""
        return self._margin(marks, lambda instrument: instrument.initial_margin)

    def maintenance_margin(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Σ |contracts| × multiplier × mark × maintenance rate over the perpetuals."""
        return self._margin(marks, lambda instrument: instrument.maintenance_margin)

    def snapshot(self) -> LedgerSnapshot:
        """An immutable copy."""
        return LedgerSnapshot(
            quote=self.quote,
            balances=MappingProxyType(
                {
                    (account, asset): amount
                    for account, held in self._balances.items()
                    for asset, amount in held.items()
                }
            ),
            entry_values=MappingProxyType(dict(self._entry_values)),
            realized=MappingProxyType(dict(self._realized)),
            fills=self._fills,
        )

    # --- one method per event: compute, check, post ---------------------------

    def _fill(self, event: OrderFilled) -> tuple[Entry, ...]:
        if event.trade_id in self._trades.get(event.asset, ()):
            return ()
        instrument = self._instrument(event.asset)
        change = event.side.sign * event.quantity
        by = f"fill {event.trade_id}"
        fee = self._fee(event, instrument)
        entries = self._trade(instrument, change, event.price, fee=fee, by=by)
        self._trades.setdefault(event.asset, set()).add(event.trade_id)
        self._fills += 1
        return entries

    def _settle(self, event: PositionSettled) -> tuple[Entry, ...]:
        """What was held goes to the market at the settlement price."""
        instrument = self._instrument(event.asset)
        held, quantity = self.position(event.asset), event.quantity
        by = f"settlement {event.reference}"
        if quantity * held < 0 or abs(quantity) > abs(held):
            raise BrokenInvariant(
                f"{by} of {quantity} {event.asset}",
                where="ledger",
                why=f"the position is {held}",
            )
        fee = moves(event.fee, self.quote, source=Account.WALLET, target=Account.FEES)
        return self._trade(instrument, -quantity, event.price, fee=fee, by=by)

    def _fund(self, event: FundingPaid) -> tuple[Entry, ...]:
        source = {"funding": Account.FUNDING, "borrow": Account.BORROW}.get(event.kind)
        if source is None:
            raise BrokenInvariant(
                f'a payment is of kind "funding" or "borrow", not {event.kind!r}',
                where="ledger",
                why=f"reference {event.reference}",
            )
        entries = moves(event.amount, self.quote, source=source)
        self._post(entries, by=f"{event.kind} {event.reference}", covered=False)
        return tuple(entries)

    def _transfer(self, event: TransferBooked) -> tuple[Entry, ...]:
        asset = self._asset_of(event.currency, time_ns=event.time_ns)
        entries = moves(event.amount, asset, source=Account.TRANSFERS)
        covered = event.amount < 0
        self._post(entries, by=f"transfer {event.reference}", covered=covered)
        return tuple(entries)

    def _redenominate(self, event: CorporateActionApplied) -> tuple[Entry, ...]:
        """quantity × numerator / denominator; the entry value stays what it was.

        Exact where it divides within 18 decimals; else the size is floored to 1e-8 and
        the remainder, worth less than 1e-8 new units, stays with the issuer without
        compensation. A perpetual that vanishes this way realizes its entry value.
        """
        if event.action in self._actions:
            return ()
        asset, held = event.asset, self.position(event.asset)
        home = self._home(asset)
        after = redenominated(held, event.numerator, event.denominator)
        vanished = -self.entry_value(asset) if after == 0 else ZERO
        realized = self.realized(asset) + vanished
        entries = [
            *moves(after - held, asset, source=Account.ACTIONS, target=home),
            *moves(vanished, self.quote, source=Account.PROFIT),
        ]
        self._post(entries, by=f"action {event.action}", covered=False)
        if after == 0:
            _keep(self._entry_values, asset, ZERO)
            _keep(self._realized, asset, realized)
        self._actions.add(event.action)
        return tuple(entries)

    def _trade(
        self,
        instrument: Instrument,
        change: Decimal,
        price: Decimal,
        *,
        fee: Sequence[Entry],
        by: str,
    ) -> tuple[Entry, ...]:
        """The position changes against the market at this price."""
        asset = instrument.asset
        if not instrument.is_perpetual:
            entries = (
                *moves(change, asset, source=Account.MARKET),
                *moves(-change * price, self.quote, source=Account.MARKET),
                *fee,
            )
            self._post(entries, by=by, covered=change > 0)
            return entries
        entry_value, profit = contracts_traded(
            held=self.position(asset),
            entry_value=self.entry_value(asset),
            change=change,
            unit_value=instrument.multiplier * price,
        )
        realized = self.realized(asset) + profit
        entries = (
            *moves(change, asset, source=Account.MARKET, target=Account.CONTRACTS),
            *moves(profit, self.quote, source=Account.PROFIT),
            *fee,
        )
        self._post(entries, by=by, covered=False)
        _keep(self._entry_values, asset, entry_value)
        _keep(self._realized, asset, realized)
        return entries

    # --- the parts they share ------------------------------------------------

    def _fee(self, event: OrderFilled, instrument: Instrument) -> list[Entry]:
        asset = (
            instrument.asset
            if event.fee_currency == instrument.base and not instrument.is_perpetual
            else self._asset_of(event.fee_currency, time_ns=event.time_ns)
        )
        return moves(event.fee, asset, source=Account.WALLET, target=Account.FEES)

    def _post(self, entries: Iterable[Entry], *, by: str, covered: bool) -> None:
        """Post all or, by raising, nothing.

        covered: cash must not end below zero. Assets never may.
        """
        after: dict[tuple[Account, str], Decimal] = {}
        for credit, debit, moved, amount in entries:
            for account, change in ((credit, -amount), (debit, amount)):
                known = after.get((account, moved))
                if known is None:
                    known = self._balances[account].get(moved, ZERO)
                after[account, moved] = known + change
        for (account, asset), amount in after.items():
            if account is not Account.WALLET or amount >= 0:
                continue
            if covered or asset != self.quote:
                raise Overdrawn(asset, held=self.balance(asset), after=amount, by=by)
        for (account, asset), amount in after.items():
            _keep(self._balances[account], asset, amount)

    def _instrument(self, asset: str) -> Instrument:
        instrument = self._instruments.get(asset)
        if instrument is None:
            raise BrokenInvariant(f"{asset} is no known instrument", where="ledger")
        _check_quote(instrument, self.quote)
        return instrument

    def _asset_of(self, currency: str, *, time_ns: int) -> str:
        """What a currency is held as: the latest spot life of that base by then.

        A currency without a spot instrument is held under its own name, which raises
        BrokenInvariant where a perpetual already bears it.
        """
        if currency == self.quote:
            return currency
        lives = [
            instrument
            for instrument in self._instruments.values()
            if instrument.base == currency and not instrument.is_perpetual
        ]
        if lives:
            begun = [life for life in lives if (life.listed_ns or 0) <= time_ns]
            return max(begun or lives[:1], key=lambda life: life.listed_ns or 0).asset
        if currency in self._instruments:
            raise BrokenInvariant(
                f"{currency} is a perpetual here and cannot lie in the wallet",
                where="ledger",
                why="no spot instrument has it as its base",
            )
        return currency

    def _home(self, asset: str) -> Account:
        """Where a position in the asset lies."""
        instrument = self._instruments.get(asset)
        perpetual = instrument is not None and instrument.is_perpetual
        return Account.CONTRACTS if perpetual else Account.WALLET

    def _margin(
        self, marks: Mapping[str, Decimal], rate: Callable[[Instrument], Decimal]
    ) -> Decimal:
        total = ZERO
        with localcontext(MONEY):
            for asset, contracts in self._balances[Account.CONTRACTS].items():
                instrument = self._instruments[asset]
                size = abs(contracts) * instrument.multiplier
                total += size * mark_of(marks, asset) * rate(instrument)
        return total


def _keep(amounts: dict[str, Decimal], key: str, amount: Decimal) -> None:
    """Set it, without keeping zeros: a finished life leaves nothing behind."""
    if amount:
        amounts[key] = amount
    else:
        amounts.pop(key, None)


def _check_quote(instrument: Instrument, quote: str) -> None:
    if instrument.quote != quote:
        raise BadInput(
            f"{instrument.asset} is quoted in {instrument.quote}",
            code="quote_currency",
            where="ledger",
            why=f"the account is kept in {quote}",
            remedy="leave the instrument out of the universe, or keep another account",
        )
