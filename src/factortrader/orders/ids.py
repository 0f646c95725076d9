"""Order ids and plan hashes: the same decision has the same name everywhere (§12.2).

    order id = "f7" + 4 hex blake2b(account | epoch)
             + 26 hex blake2b(account | environment | epoch | strategy | rebalance
                              | symbol | side | leg | attempt)

The first six characters are the tag by which we know our own orders at a venue. What
is hashed is the compact JSON array of the fields, digest sizes 2 and 13 bytes: an
array keeps fields apart, whatever characters they hold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec

from factortrader.events import RebalancePlanned, Side

ORDER_ID_HEX: Final = 32

_MARK: Final = "f7"
_TAG_BYTES: Final = 2
_ORDER_BYTES: Final = 13
_PLAN_BYTES: Final = 16


@dataclass(frozen=True, kw_only=True)
class OrderIds:
    """Names the orders of one account.

    account: at one venue. environment: "replay", "paper", "testnet", "live", …
    epoch: grows when a testnet was wiped or a new account history begins.
    """

    account: str
    environment: str
    epoch: int = 0

    @cached_property
    def tag(self) -> str:
        """Six hex characters that every order of this account and epoch begins with."""
        return _MARK + _digest([self.account, self.epoch], _TAG_BYTES)

    def order_id(
        self,
        *,
        strategy: str,
        rebalance: str,
        asset: str,
        side: Side,
        leg: int,
        attempt: int = 0,
    ) -> str:
        """32 lowercase hex characters, the same for the same arguments.

        rebalance: schedule slot and sequence. leg: of the plan. attempt: grows only
        after the one before was proven absent, rejected or ended with a remainder.
        """
        named = [
            self.account,
            self.environment,
            self.epoch,
            strategy,
            rebalance,
            asset,
            side.value,
            leg,
            attempt,
        ]
        return self.tag + _digest(named, _ORDER_BYTES)

    def is_ours(self, order_id: str) -> bool:
        """True if an id found at the venue carries our tag."""
        return len(order_id) == ORDER_ID_HEX and order_id.startswith(self.tag)


def plan_hash(plan: RebalancePlanned) -> str:
    """32 hex characters over the plan's content, its own hash and time left out.

    An approval that names the hash therefore names exactly these legs.
    """
    fields = (
        plan.rebalance,
        plan.strategy,
        plan.equity,
        plan.legs,
        plan.turnover,
        plan.gross_exposure,
        plan.net_exposure,
    )
    return _digest(fields, _PLAN_BYTES)


def _digest(content: Any, digest_bytes: int) -> str:
    encoded = msgspec.json.encode(content)
    return hashlib.blake2b(encoded, digest_size=digest_bytes).hexdigest()
