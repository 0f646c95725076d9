"""What the venue says of our account."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from factortrader.events.base import Event
from factortrader.instruments import EndReason


class BalancesReported(Event, frozen=True, kw_only=True, gc=False):
    balances: Mapping[str, Decimal]


class PositionsReported(Event, frozen=True, kw_only=True, gc=False):
    """asset → signed contracts."""

    positions: Mapping[str, Decimal]


class FundingPaid(Event, frozen=True, kw_only=True, gc=False):
    """Funding or borrow on one position; amount > 0 was received, < 0 paid, in quote.

    kind: "funding" for perpetuals, "borrow" for idealized shorts.
    """

    asset: str
    amount: Decimal
    kind: str
    reference: str


class TransferBooked(Event, frozen=True, kw_only=True, gc=False):
    """A deposit (> 0) or withdrawal (< 0); the initial capital is the first one."""

    currency: str
    amount: Decimal
    reference: str


class PositionSettled(Event, frozen=True, kw_only=True, gc=False):
    """A position ended without an order of ours: an end of life or a liquidation.

    quantity: signed, what was held. price: settlement price in quote, after any
    haircut. fee ≥ 0 in quote. reason: an end reason, or None for a liquidation.
    """

    asset: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    reason: EndReason | None
    reference: str
