"""What the risk monitor measured, found and did."""

from __future__ import annotations

from enum import StrEnum

from factortrader.events.base import Event


class Severity(StrEnum):
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class TradingState(StrEnum):
    ACTIVE = "active"
    REDUCE_ONLY = "reduce_only"
    PAUSED = "paused"
    CANCELED = "canceled"
    HALTED = "halted"


class RiskMeasured(Event, frozen=True, kw_only=True, gc=False):
    measure: str
    value: float
    limit: float


class LimitBreached(Event, frozen=True, kw_only=True, gc=False):
    measure: str
    value: float
    limit: float
    severity: Severity


class TradingStateChanged(Event, frozen=True, kw_only=True, gc=False):
    """by: who or what changed it; why: their words."""

    state: TradingState
    by: str
    why: str
