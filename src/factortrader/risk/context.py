"""What risk needs to know of the account: a read-only view that others keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from factortrader.events.risk import TradingState
from factortrader.instruments import TradingRules
from factortrader.portfolio.worst import WorstCase
from factortrader.risk.settings import RiskSettings


class Book(Protocol):
    """The account as of now, at the last marks. Assets are stable ids."""

    @property
    def equity(self) -> float:
        """Quote currency at the last marks."""
        ...

    @property
    def cash(self) -> Decimal:
        """Quote currency in the wallet: what purchases of spot are paid from."""
        ...

    @property
    def exposed(self) -> Sequence[str]:
        """Assets with a position or a working order, in a stable order."""
        ...

    def position(self, asset: str) -> Decimal:
        """Signed quantity or contracts; 0 where nothing is held."""
        ...

    def is_perpetual(self, asset: str) -> bool:
        """False for spot, which is paid in full and never sold short."""
        ...

    def mark(self, asset: str) -> float:
        """Last mark, quote currency per unit; NaN where never seen."""
        ...

    def last_volume(self, asset: str) -> float:
        """Volume of the last bar in base units or contracts; NaN = unknown."""
        ...

    def multiplier(self, asset: str) -> Decimal:
        """Units of base per contract; 1 for spot."""
        ...

    def rules(self, asset: str) -> TradingRules: ...

    def working(self, asset: str) -> tuple[Decimal, Decimal]:
        """What may still be bought and sold by approved orders, both ≥ 0.

        Approved, open, canceling and unknown orders count with what is not filled;
        the order that is just being judged does not.
        """
        ...

    def worst_case(self) -> WorstCase:
        """Every order that `working` counts filled on the side that hurts more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContext:
    """Everything a judgment depends on beside what is judged."""

    settings: RiskSettings
    book: Book
    state: TradingState
