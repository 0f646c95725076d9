"""The bus: who hears what, in which order. Only the bus delivers (R2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from factortrader.errors import BrokenInvariant
from factortrader.events import Event, Message

Handler: TypeAlias = Callable[[Any], Iterable[Message]]
E_ = TypeVar("E_", bound=Event)


class Bus:
    """Handlers by event type; subscription order is delivery order.

    Handlers return what follows and never deliver anything themselves.
    """

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = {}

    def subscribe(
        self, event: type[E_], *handlers: Callable[[E_], Iterable[Message]]
    ) -> None:
        """Deliver the event to these handlers, after those already there.

        Raises BrokenInvariant for a command: those leave the core unheard.
        """
        if not issubclass(event, Event):
            raise BrokenInvariant(f"nobody inside hears {event.__name__}", where="bus")
        self._handlers.setdefault(event, []).extend(handlers)

    def cascade(self, event: Event, *, limit: int) -> list[Message]:
        """The event and all that follows from it, first in, first out.

        Commands are kept in the sequence but heard by nobody inside. Raises
        BrokenInvariant once more than `limit` messages have followed: a wiring loop.
        """
        messages: list[Message] = [event]
        handlers = self._handlers
        at = 0
        while at < len(messages):
            message = messages[at]
            at += 1
            for handler in handlers.get(type(message), ()):  # type: ignore[arg-type]
                messages.extend(handler(message))
            if len(messages) - 1 > limit:
                raise _loop(messages, limit=limit)
        return messages

    @property
    def wiring(self) -> Mapping[str, tuple[str, ...]]:
        """Event name → who hears it, in order: the circuit diagram as a value."""
        return {
            event.__name__: tuple(_name(handler) for handler in handlers)
            for event, handlers in self._handlers.items()
        }


def _loop(messages: list[Message], *, limit: int) -> BrokenInvariant:
    """Names what goes round: the kinds among the last half of the messages."""
    kinds = {type(message).__name__ for message in messages[len(messages) // 2 :]}
    return BrokenInvariant(
        f"{type(messages[0]).__name__} was followed by more than {limit} messages",
        where="bus",
        why=f"a wiring loop of {', '.join(sorted(kinds))}",
    )


def _name(handler: Handler) -> str:
    return getattr(handler, "__qualname__", repr(handler))
