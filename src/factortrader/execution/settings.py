"""`[execution]`: how a plan becomes orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """How legs are sent.

    legs: "reduce_first" sends what adds when what reduces has ended, sized from the
    cash that arrived; "together" sends all legs at once, sized from the proceeds that
    are expected, so that all share one print even where data has no open. Risk counts
    what is not sold yet as held beside what is bought: for spot a max_gross of 1 is
    always enough, perpetuals need room for both.
    order_type: "market", or "limit" at the decision mark ± limit_offset_bps (positive
    = towards crossing). time_in_force: of limit orders. valid_bars: a resting limit
    order expires after so many bars. fee_reserve: fraction of cash that buys leave
    untouched for fees and slippage.
    """

    legs: Literal["reduce_first", "together"] = "reduce_first"
    order_type: Literal["market", "limit"] = "market"
    limit_offset_bps: Annotated[float, msgspec.Meta(ge=-1_000.0, le=1_000.0)] = 0.0
    time_in_force: Literal["gtc", "ioc", "post_only"] = "gtc"
    valid_bars: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    fee_reserve: Annotated[float, msgspec.Meta(ge=0.0, le=0.2)] = 0.005
