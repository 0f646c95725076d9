"""What leaves the core. A driver carries each out; nothing else does."""

from __future__ import annotations

from factortrader.events.base import Command
from factortrader.events.orders import OrderRequested


class SubmitOrder(Command, frozen=True, kw_only=True, gc=False):
    """Send once. The order's own fields are those that risk approved."""

    order: OrderRequested


class CancelOrder(Command, frozen=True, kw_only=True, gc=False):
    order_id: str
    asset: str


class SetTimer(Command, frozen=True, kw_only=True, gc=False):
    """Ask for `TimerFired(timer)` at fire_at_ns."""

    timer: str
    fire_at_ns: int


class RaiseAlert(Command, frozen=True, kw_only=True, gc=False):
    code: str
    text: str
