"""What a person ordered."""

from __future__ import annotations

from enum import StrEnum

from factortrader.events.base import Event


class OperatorAction(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    REDUCE_ONLY = "reduce_only"
    CANCEL_ALL = "cancel_all"
    FLATTEN = "flatten"
    HALT = "halt"


class OperatorCommanded(Event, frozen=True, kw_only=True, gc=False):
    action: OperatorAction
    who: str
    why: str
