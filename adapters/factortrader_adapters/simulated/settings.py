"""`[venue]` of a simulated venue: how fast it is and how much of a bar it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedVenueSettings:
    """How orders travel and how much of them fills.

    latency_seconds: from the core's command to the venue's answer, at least 1 ns.
    latency_jitter_seconds: up to so much more, uniformly, from the run's seed.
    print_budget_seconds: an order that arrives this soon after a bar's beginning
    meets its open, a later one its close; never more than a tenth of the bar.
    max_participation: share of a bar's base volume that we may fill per asset.
    remainder: what a market order that met this cap does: expire, or rest and take
    its share of the next bars too.
    """

    latency_seconds: Annotated[float, msgspec.Meta(ge=0.0, le=86_400.0)] = 0.25
    latency_jitter_seconds: Annotated[float, msgspec.Meta(ge=0.0, le=86_400.0)] = 0.0
    print_budget_seconds: Annotated[float, msgspec.Meta(ge=0.0, le=86_400.0)] = 60.0
    max_participation: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.1
    remainder: Literal["expire", "rest"] = "expire"
