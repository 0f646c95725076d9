"""Re-execution of a journal: the same inputs must give the same messages (R5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from factortrader.errors import BadInput, BrokenInvariant, NoAnswer
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
            why = "this row is not what was written, or the one before it is not"
            raise _broken(row, why)
    return link, count


def _re_execute(rows: Iterable[JournalRow], codec: ReplayCodec, engine: Engine) -> int:
    inputs = 0
    for step in _steps(rows):
        cause = _input(step[0], codec)
        inputs += 1
        try:
            said = engine.step(cause).messages
        except BrokenInvariant as error:
            why = f"the core cannot go on from it: {error.sentence}"
            raise _differs(step[0], why) from error
        _compare(step, said, codec)
    return inputs


def _input(row: JournalRow, codec: ReplayCodec) -> Event:
    try:
        message = codec.decode(row.payload)
    except BadInput as error:
        raise _differs(row, error.sentence) from error
    if isinstance(message, Command):
        raise _differs(row, "an input must be an event, this is a command")
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
        if (row.kind, row.time_ns) != (type(message).__name__, message.time_ns):
            raise _broken(
                row,
                f"its payload is a {type(message).__name__} of "
                f"{format_time(message.time_ns)}, the columns beside it say otherwise",
            )


def _broken(row: JournalRow, why: str) -> NoAnswer:
    return NoAnswer(
        f"the chain is broken at message {row.sequence} "
        f"({row.kind}, {format_time(row.time_ns)})",
        code="broken_link",
        why=why,
    )


def _differs(row: JournalRow, why: str) -> NoAnswer:
    return NoAnswer(
        f"message {row.sequence} ({row.kind}) is not what the core says",
        code="different_message",
        where=format_time(row.time_ns),
        why=why if len(why) < 600 else why[:600] + "…",
        remedy="same code, versions and machine? the manifest names those of the run",
    )
