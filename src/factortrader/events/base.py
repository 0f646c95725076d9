"""The two tags that every message carries, and nothing else inherits."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A fact. `time_ns`: when we knew it, nanoseconds since the epoch, UTC."""

    time_ns: int


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An imperative that leaves the core. `time_ns`: when the core said it."""

    time_ns: int


Message: TypeAlias = Event | Command
