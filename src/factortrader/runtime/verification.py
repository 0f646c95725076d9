"""Re-execution of a journal: the same inputs must give the same messages (R5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from factortrader.errors import NoAnswer
from factortrader.events import Command, Event, Message
from factortrader.ports import JournalRow, JournalStore
from factortrader.runtime.codec import ReplayCodec
from factortrader.runtime.engine import Engine
from factortrader.runtime.journal import next_link
from factortrader.units import format_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was proven: so many messages, from so many inputs, ending at this head."""

    messages: int
    inputs: int
    head: str


def verify(
    store: JournalStore, *, genesis_link: bytes, codec: ReplayCodec, engine: Engine
) -> Verified:
    """Prove the chain, then feed the inputs to a fresh core and compare every message.

    Raises NoAnswer naming the broken link, or the first sequence number whose message
    differs.
    """
    stored = store.genesis_link()
    if stored != genesis_link:
        raise NoAnswer(
            "the journal starts from another configuration or other data",
            code="genesis",
            why=f"its chain begins at {stored.hex()[:16]}…, "
            f"this configuration and data give {genesis_link.hex()[:16]}…",
        )
    head, count = _prove_chain(store.read(), genesis_link)
    inputs = _re_execute(store.read(), codec, engine)
    return Verified(messages=count, inputs=inputs, head=head.hex())


def _prove_chain(rows: Iterable[JournalRow], genesis_link: bytes) -> tuple[bytes, int]:
    link, count = genesis_link, 0
    for row in rows:
        count += 1
        if row.sequence != count:
            raise NoAnswer(
                f"the journal has no message {count}",
                code="broken_link",
                why=f"number {row.sequence} follows number {count - 1}",
            )
        link = next_link(
            link, sequence=count, is_input=row.is_input, payload=row.payload
        )
        if link != row.link:
            raise NoAnswer(
                f"the chain is broken at message {count} "
                f"({row.kind}, {format_time(row.time_ns)})",
                code="broken_link",
                why="this row is not what was written, or the one before it is not",
            )
    return link, count


def _re_execute(rows: Iterable[JournalRow], codec: ReplayCodec, engine: Engine) -> int:
    inputs = 0
    for step in _steps(rows):
        cause = codec.decode(step[0].payload)
        if isinstance(cause, Command):
            raise _differs(step[0], "an input must be an event, this is a command")
        inputs += 1
        _compare(step, engine.step(_event(cause)).messages, codec)
    return inputs


def _event(message: Message) -> Event:
    assert isinstance(message, Event)
    return message


def _steps(rows: Iterable[JournalRow]) -> Iterator[list[JournalRow]]:
    """Rows grouped by the input that caused them."""
    step: list[JournalRow] = []
    for row in rows:
        if row.is_input and step:
            yield step
            step = []
        if not row.is_input and not step:
            raise _differs(row, "the journal does not begin with an input")
        step.append(row)
    if step:
        yield step


def _compare(
    step: list[JournalRow], messages: list[Message], codec: ReplayCodec
) -> None:
    for offset, (row, message) in enumerate(zip_longest(step, messages)):
        if row is None:
            last = step[-1]
            raise NoAnswer(
                f"message {step[0].sequence + offset} is missing from the journal",
                code="different_message",
                where=format_time(last.time_ns),
                why=f"the core says {type(message).__name__} after {last.kind}",
            )
        if message is None:
            raise _differs(row, "the core says nothing more here")
        if codec.encode(message) != row.payload:
            said = type(message).__name__
            why = (
                f"the core says {said} instead"
                if said != row.kind
                else f"the core says {message}"
            )
            raise _differs(row, why)


def _differs(row: JournalRow, why: str) -> NoAnswer:
    return NoAnswer(
        f"message {row.sequence} ({row.kind}) is not what the core says",
        code="different_message",
        where=format_time(row.time_ns),
        why=why if len(why) < 600 else why[:600] + "…",
        remedy="same code, versions and machine? the manifest names those of the run",
    )
