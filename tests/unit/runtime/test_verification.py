"""Verification proves the chain first, and then every message of a fresh core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.builders import made, panel
from tests.fakes.memory_store import MemoryStore
from tests.unit.simulated.world import history

from factortrader.bus import Bus
from factortrader.errors import BrokenInvariant, NoAnswer
from factortrader.events import (
    BarsClosed,
    Message,
    RaiseAlert,
    TimerFired,
    VenueReconnected,
)
from factortrader.ports import JournalRow
from factortrader.runtime.codec import ReplayCodec, encode
from factortrader.runtime.engine import Engine
from factortrader.runtime.journal import ChainedJournal, genesis, next_link
from factortrader.runtime.stream import bars
from factortrader.runtime.verification import Verified, verify

WORLD = history(panel({"A": [1.0, 2.0, 3.0]}))
CODEC = ReplayCodec(WORLD)
FIRST = genesis("configuration", WORLD.fingerprint)


def core(*, silent_ns: int = 1, stream: str = "fills") -> Engine:
    """Two messages follow each bar."""
    follows: list[Message] = [
        made(VenueReconnected, silent_ns=silent_ns, stream=stream),
        made(RaiseAlert),
    ]
    bus = Bus()
    bus.subscribe(BarsClosed, lambda bar: follows)
    return Engine(bus)


def journaled() -> MemoryStore:
    """What a core said about three bars: nine rows."""
    store = MemoryStore()
    store.begin(genesis_link=FIRST, header={})
    journal = ChainedJournal(genesis_link=FIRST, encode=CODEC.encode, store=store)
    engine = core()
    for bar in bars(WORLD):
        step = engine.step(bar)
        journal.append(step.first_sequence, step.messages)
    return store


def rechained(rows: list[JournalRow]) -> list[JournalRow]:
    """The rows with numbers and links as if they had been written so."""
    link, chained = FIRST, []
    for number, row in enumerate(rows, start=1):
        link = next_link(
            link, sequence=number, is_input=row.is_input, payload=row.payload
        )
        chained.append(replace(row, sequence=number, link=link))
    return chained


def proven(store: MemoryStore, engine: Engine | None = None) -> Verified:
    return verify(store, genesis_link=FIRST, codec=CODEC, engine=engine or core())


def refusal(store: MemoryStore, engine: Engine | None = None) -> NoAnswer:
    with pytest.raises(NoAnswer) as failure:
        proven(store, engine)
    return failure.value


def test_an_honest_journal_is_proven() -> None:
    """So many messages, so many inputs, this head."""
    store = journaled()

    assert proven(store) == Verified(
        messages=9, inputs=3, head=store.rows[-1].link.hex()
    )


def test_a_journal_of_another_fund_is_refused_at_its_genesis() -> None:
    """Before anything is read."""
    with pytest.raises(NoAnswer) as failure:
        verify(journaled(), genesis_link=b"x" * 20, codec=CODEC, engine=core())

    assert failure.value.code == "genesis"


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": encode(made(TimerFired))},
        {"is_input": True},
        {"link": bytes(20)},
    ],
)
def test_a_changed_row_is_named(changes: dict[str, Any]) -> None:
    """Payload, flag, or the link itself."""
    store = journaled()
    store.rows[4] = replace(store.rows[4], **changes)

    found = refusal(store)

    assert found.code == "broken_link"
    assert "message 5 (VenueReconnected, 2024-01-01)" in found.what


@pytest.mark.parametrize("changes", [{"kind": "OrderFilled"}, {"time_ns": 1}])
def test_a_row_that_is_labelled_as_something_else_is_named(
    changes: dict[str, Any],
) -> None:
    """Kind and time are not chained; they must be those of the message."""
    store = journaled()
    store.rows[4] = replace(store.rows[4], **changes)

    assert refusal(store).code == "broken_link"


def test_a_row_that_is_gone_is_named() -> None:
    """By its number."""
    store = journaled()
    del store.rows[4]

    assert refusal(store).what == "the journal has no message 5"


def replaced(at: int, payload: bytes) -> Callable[[list[JournalRow]], list[JournalRow]]:
    return lambda rows: [
        replace(row, payload=payload) if index == at else row
        for index, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("change", "what", "why"),
    [
        (
            replaced(4, encode(made(VenueReconnected, silent_ns=7))),
            "message 5 (VenueReconnected) is not what the core says",
            "the core says VenueReconnected(",
        ),
        (
            lambda rows: [*rows[:4], *rows[5:]],
            "message 5 (RaiseAlert) is not what the core says",
            "the core says VenueReconnected instead",
        ),
        (
            lambda rows: [*rows[:5], *rows[6:]],
            "message 6 is missing from the journal",
            "the core says RaiseAlert after VenueReconnected",
        ),
        (
            lambda rows: [*rows[:6], rows[5], *rows[6:]],
            "message 7 (RaiseAlert) is not what the core says",
            "the core says nothing more here",
        ),
        (
            lambda rows: rows[1:],
            "message 1 (VenueReconnected) is not what the core says",
            "the journal does not begin with an input",
        ),
        (
            replaced(3, encode(made(RaiseAlert))),
            "message 4 (BarsClosed) is not what the core says",
            "an input must be an event, this is a command",
        ),
    ],
)
def test_a_rebuilt_chain_is_found_out_by_the_core(
    change: Callable, what: str, why: str
) -> None:
    """The first number whose message differs, and how."""
    store = journaled()
    store.rows = rechained(change(store.rows))

    found = refusal(store)

    assert (found.code, found.what) == ("different_message", what)
    assert found.why.startswith(why)


def test_another_core_says_something_else() -> None:
    """The same inputs, other messages: the first of them is named."""
    assert (
        "message 2 (VenueReconnected)" in refusal(journaled(), core(silent_ns=2)).what
    )


def test_a_core_that_breaks_on_an_input_is_an_answer() -> None:
    """No crash: the journal is not what this program says."""
    bus = Bus()

    def breaks(bar: BarsClosed):
        raise BrokenInvariant("columns may only be appended")

    bus.subscribe(BarsClosed, breaks)

    assert "cannot go on from it" in refusal(journaled(), Engine(bus)).why


def test_a_long_message_is_shortened() -> None:
    """A cross-section of thousands does not fill the terminal."""
    assert len(refusal(journaled(), core(stream="x" * 2_000)).why) < 700
