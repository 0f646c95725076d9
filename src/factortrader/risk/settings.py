"""`[risk]`: every limit is stated in the configuration; none has a default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

_Weight = Annotated[float, msgspec.Meta(ge=0.0, le=10.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSettings:
    """`[risk]`. Weights and exposures are fractions of equity.

    max_weight: of one asset, |weight|. max_gross: Σ|weight|. max_net: |Σ weight|.
    max_turnover: ½ Σ|Δweight| of one plan, one-way. max_orders: legs of one plan.
    max_order_notional_quote: of one order, at the decision mark.
    max_participation: order quantity as a share of the last bar's volume.
    collar_bps: how far an order may pay away from its decision mark.
    """

    max_weight: _Weight
    max_gross: _Weight
    max_net: _Weight
    max_turnover: _Weight
    max_orders: Annotated[int, msgspec.Meta(ge=0)]
    max_order_notional_quote: Annotated[float, msgspec.Meta(ge=0.0)]
    max_participation: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
    collar_bps: Annotated[float, msgspec.Meta(ge=0.0, le=10_000.0)]
