"""The log of a run: one JSON line a fact, each leading to its journal row.

The core has no logger; its journal is its log. At the edge this tap tells what a
person would want to be told: beginning, end, refusals, rejections, settlements.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import structlog

from factortrader.events import (
    CorporateActionApplied,
    LimitBreached,
    Message,
    OrderExpired,
    OrderRefused,
    OrderRejected,
    PlanReduced,
    PlanRefused,
    PositionSettled,
    TradingStateChanged,
)
from factortrader.units import format_time


class RunLog:
    """Writes `log.jsonl`. Use as a context manager; hand `tap` to the driver."""

    def __init__(self, path: Path, *, run_id: str) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._sequence = 0
        self._log: Any = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
            wrapper_class=structlog.BoundLogger,
        ).bind(run_id=run_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def tell(self, event: str, **facts: object) -> None:
        """One fact; the event's name is constant, past tense, snake case."""
        self._log.info(event, **facts)

    def tap(self, messages: Sequence[Message]) -> None:
        """Hear the messages of one step, in order."""
        for message in messages:
            self._sequence += 1
            self._hear(message)

    def _hear(self, message: Message) -> None:
        match message:
            case PlanRefused():
                self._warn("plan_refused", message, limit=message.limit)
            case PlanReduced():
                self._note("plan_reduced", message, limits=message.limits)
            case OrderRefused():
                self._warn("order_refused", message, order_id=message.order_id)
            case OrderRejected():
                self._warn(
                    "order_rejected",
                    message,
                    order_id=message.order_id,
                    code=message.code,
                )
            case OrderExpired():
                self._note("order_expired", message, order_id=message.order_id)
            case PositionSettled():
                self._warn(
                    "position_settled",
                    message,
                    asset=message.asset,
                    quantity=str(message.quantity),
                    price=str(message.price),
                )
            case CorporateActionApplied():
                self._note("corporate_action_applied", message, asset=message.asset)
            case LimitBreached():
                self._warn("limit_breached", message, measure=message.measure)
            case TradingStateChanged():
                self._warn("trading_state_changed", message, state=message.state.value)

    def _note(self, event: str, message: Message, **facts: object) -> None:
        self._log.info(event, **self._bound(message), **facts)

    def _warn(self, event: str, message: Message, **facts: object) -> None:
        self._log.warning(event, **self._bound(message), **facts)

    def _bound(self, message: Message) -> dict[str, object]:
        """What leads from a line to its journal row."""
        facts: dict[str, object] = {
            "sequence": self._sequence,
            "time": format_time(message.time_ns),
        }
        reason = getattr(message, "reason", None)
        if reason:
            facts["reason"] = str(reason)
        return facts
