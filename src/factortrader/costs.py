"""What trading costs: one model, expected by the planner and charged by the replay.

    price paid = print × (1 ± (half_spread + impact × √participation))
    fee        = notional × maker or taker rate of the tier

Participation is the order's quantity over the bar's volume. The square-root law:
Almgren, Thum, Hauptmann & Li (2005), "Direct estimation of equity market impact".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import msgspec

from factortrader.events import Liquidity, Side
from factortrader.units import BPS, decimal_shortest

Bps = Annotated[float, msgspec.Meta(ge=-100.0, le=1_000.0)]
NonNegativeBps = Annotated[float, msgspec.Meta(ge=0.0, le=10_000.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTier:
    """Fees from this traded notional (quote currency, trailing 30 days) upwards."""

    traded_30d_quote: Annotated[float, msgspec.Meta(ge=0.0)]
    maker_bps: Bps
    taker_bps: Bps


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSettings:
    """`[costs]`.

    maker_bps, taker_bps: fee in basis points of notional (below the first tier).
    half_spread_bps: distance from the print to the touch.
    impact_bps: price move of an order as large as the bar's whole volume.
    borrow_annual: carry of an idealized short per year (fraction of notional);
    None = shorts of spot are refused.
    """

    maker_bps: Bps
    taker_bps: Bps
    half_spread_bps: NonNegativeBps
    impact_bps: NonNegativeBps
    fee_tiers: tuple[FeeTier, ...] = ()
    borrow_annual: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] | None = None


class CostModel:
    """The one object that knows costs. Stateless."""

    def __init__(self, settings: CostSettings) -> None:
        self.settings = settings
        base = FeeTier(
            traded_30d_quote=0.0,
            maker_bps=settings.maker_bps,
            taker_bps=settings.taker_bps,
        )
        tiers = sorted(settings.fee_tiers, key=lambda tier: tier.traded_30d_quote)
        self._tiers = (base, *tiers)

    def fee_rate(self, liquidity: Liquidity, *, traded_30d_quote: float) -> Decimal:
        """Fee as an exact fraction of notional at this trailing volume."""
        reached = self._tiers[0]
        for tier in self._tiers[1:]:
            # Not "<": an unknown volume (NaN) reaches no tier.
            if not traded_30d_quote >= tier.traded_30d_quote:
                break
            reached = tier
        bps = reached.maker_bps if liquidity is Liquidity.MAKER else reached.taker_bps
        return decimal_shortest(bps).scaleb(-4)

    def slippage(self, participation: float) -> float:
        """Half spread plus impact, as a fraction of the print; NaN volume = no impact."""
        impact = (
            self.settings.impact_bps * math.sqrt(participation)
            if participation > 0.0
            else 0.0
        )
        return (self.settings.half_spread_bps + impact) * BPS

    def taker_price(
        self, print_price: float, side: Side, participation: float
    ) -> float:
        """What a taker pays (buy) or gets (sell, at least 0) against a print.

        Before rounding.
        """
        share = 1.0 + side.sign * self.slippage(participation)
        return print_price * max(share, 0.0)

    def expected_fraction(self, notional: float, volume_quote: float) -> float:
        """Fee, half spread and impact of a taker as a fraction of |notional|.

        volume_quote: traded notional of the bar it is expected to meet; without a
        positive volume no impact is expected.
        """
        participation = abs(notional) / volume_quote if volume_quote > 0.0 else 0.0
        return self.settings.taker_bps * BPS + self.slippage(participation)
