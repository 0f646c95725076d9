"""Entries: how the ledger writes down that something moved, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, Inexact
from enum import StrEnum
from typing import Final, NamedTuple

from factortrader.errors import BrokenInvariant
from factortrader.units import ZERO, floor_to_step, share_rounded

ENTRY_QUANTUM: Final = Decimal("0.00000001")
"""A partial reduction releases its share of the entry value in multiples of this."""

ACTION_LOT: Final = Decimal("0.00000001")
"""A redenomination that does not divide leaves a multiple of this."""

ACTION_DECIMALS: Final = 18
"""A quotient with more decimals than chains count in does not divide."""


class Account(StrEnum):
    """Ours are the first two; the others are the world's side of each movement."""

    WALLET = "wallet"
    CONTRACTS = "contracts"
    MARKET = "market"
    PROFIT = "profit"
    """Realized price profit of perpetuals."""
    FEES = "fees"
    FUNDING = "funding"
    BORROW = "borrow"
    TRANSFERS = "transfers"
    ACTIONS = "actions"


class Entry(NamedTuple):
    """`amount` > 0 of the asset leaves `credit` and arrives at `debit`."""

    credit: Account
    debit: Account
    asset: str
    amount: Decimal


class Overdrawn(BrokenInvariant):
    """A booking would leave less than nothing of an asset; nothing was posted."""

    def __init__(self, asset: str, *, held: Decimal, after: Decimal, by: str) -> None:
        self.asset = asset
        self.held = held
        self.after = after
        super().__init__(
            f"{by} would leave {after} {asset} of {held}",
            where="ledger",
            why="spot cannot be sold short, nor cash be spent that is not there",
        )


class MissingMark(BrokenInvariant):
    """Something is held that nobody has put a price on."""

    def __init__(self, asset: str) -> None:
        self.asset = asset
        super().__init__(
            f"{asset} is held and has no mark",
            where="portfolio",
            why="what is held without a price makes the equity unknown, not smaller",
        )


def mark_of(marks: Mapping[str, Decimal], asset: str) -> Decimal:
    """The mark of something held. Raises MissingMark where there is none."""
    mark = marks.get(asset)
    if mark is None or not mark.is_finite():
        raise MissingMark(asset)
    return mark


def moves(
    amount: Decimal, asset: str, *, source: Account, target: Account = Account.WALLET
) -> list[Entry]:
    """The entry that moves a signed amount, into the wallet by default; none for 0."""
    if amount == 0:
        return []
    if amount < 0:
        source, target, amount = target, source, -amount
    return [Entry(source, target, asset, amount)]


def contracts_traded(
    *, held: Decimal, entry_value: Decimal, change: Decimal, unit_value: Decimal
) -> tuple[Decimal, Decimal]:
    """(entry value, realized profit) after a position of perpetuals changed.

    A change in the direction of the position adds its value. One against it releases
    entry value pro rata of the contracts closed and realizes the difference; what goes
    beyond zero opens the other side at its own value.

    held, change: signed contracts. entry_value: signed like held. unit_value:
    multiplier × price. Always: entry value after = before + change × unit_value +
    profit, so that what `ENTRY_QUANTUM` rounds now is profit later, and never lost.
    """
    value = change * unit_value
    if held * change >= 0:
        return entry_value + value, ZERO
    if abs(change) <= abs(held):
        released = share_rounded(
            entry_value, part=abs(change), whole=abs(held), quantum=ENTRY_QUANTUM
        )
        if abs(released) > abs(entry_value):  # dust, rounded beyond what there is
            released = entry_value
        return entry_value - released, -value - released
    return (held + change) * unit_value, held * unit_value - entry_value


def redenominated(held: Decimal, numerator: int, denominator: int) -> Decimal:
    """held × numerator / denominator, exact or floored in size to `ACTION_LOT`.

    Runs in `units.MONEY`.
    """
    grown = held * numerator
    try:
        after = grown / denominator
    except Inexact:
        pass
    else:
        if after.scaleb(ACTION_DECIMALS) % 1 == 0:
            return after
    floored = floor_to_step(abs(grown), ACTION_LOT * denominator) / denominator
    return floored if held > 0 else -floored
