"""The state of the connections, and timers."""

from __future__ import annotations

from factortrader.events.base import Event


class VenueDisconnected(Event, frozen=True, kw_only=True, gc=False):
    stream: str


class VenueReconnected(Event, frozen=True, kw_only=True, gc=False):
    stream: str
    silent_ns: int


class DataStale(Event, frozen=True, kw_only=True, gc=False):
    stream: str
    age_ns: int


class TimerFired(Event, frozen=True, kw_only=True, gc=False):
    timer: str
