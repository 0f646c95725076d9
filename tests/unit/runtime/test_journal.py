"""The journal: every message numbered, chained, and durable before commands leave."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from tests.builders import T0, made
from tests.fakes.memory_store import MemoryStore

from factortrader.events import Message, SetTimer, TimerFired
from factortrader.runtime.codec import encode
from factortrader.runtime.journal import ChainedJournal, genesis, next_link

FIRST = genesis("configuration", "data")


def timers(*names: str) -> list[Message]:
    return [made(TimerFired, timer=name) for name in names]


def journal(store: MemoryStore | None = None, **settings: int) -> ChainedJournal:
    return ChainedJournal(genesis_link=FIRST, encode=encode, store=store, **settings)


def test_the_head_of_an_empty_journal_is_its_genesis() -> None:
    """Which fund, on which data."""
    assert journal().head == FIRST.hex()


def test_the_genesis_names_configuration_and_data_apart() -> None:
    """Text cannot wander from one into the other."""
    links = {
        genesis(*parts) for parts in (("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"))
    }

    assert len(links) == 4
    assert {len(link) for link in links} == {20}


def test_a_link_can_be_derived_by_a_stranger() -> None:
    """blake2b over the link before, the number, the flag and the payload."""
    plain = FIRST + (7).to_bytes(8, "big") + b"\x01" + b"payload"

    link = next_link(FIRST, sequence=7, is_input=True, payload=b"payload")

    assert link == blake2b(plain, digest_size=20).digest()


@pytest.mark.parametrize(
    "changes",
    [{"sequence": 8}, {"is_input": False}, {"payload": b"other"}],
)
def test_everything_that_is_chained_changes_the_link(changes: dict) -> None:
    """Number, flag and payload."""
    row = {"sequence": 7, "is_input": True, "payload": b"payload"}

    assert next_link(FIRST, **row | changes) != next_link(FIRST, **row)
    assert next_link(b"other" * 4, **row) != next_link(FIRST, **row)


def test_rows_carry_what_the_messages_are() -> None:
    """Number, kind, time and payload; the first of a step is the input."""
    store = MemoryStore()
    messages = [made(TimerFired), made(SetTimer, fire_at_ns=T0)]

    kept = journal(store)
    kept.append(1, messages)
    kept.append(3, messages[:1])

    assert [(row.sequence, row.is_input, row.kind) for row in store.rows] == [
        (1, True, "TimerFired"),
        (2, False, "SetTimer"),
        (3, True, "TimerFired"),
    ]
    assert [row.payload for row in store.rows[:2]] == [
        encode(each) for each in messages
    ]
    assert {row.time_ns for row in store.rows} == {T0}


def test_each_row_is_linked_to_the_one_before() -> None:
    """From the genesis to the head."""
    store = MemoryStore()
    kept = journal(store)
    kept.append(1, timers("a", "b"))
    kept.append(3, timers("c"))

    link = FIRST
    for row in store.rows:
        link = next_link(
            link, sequence=row.sequence, is_input=row.is_input, payload=row.payload
        )
        assert row.link == link
    assert kept.head == link.hex()


def test_a_step_is_written_before_append_returns() -> None:
    """Facts are durable before they are acted on (R5)."""
    store = MemoryStore()
    kept = journal(store)

    kept.append(1, timers("a", "b"))
    kept.append(3, timers("c"))

    assert store.batches == [2, 1]


def test_rows_may_be_kept_back_where_nothing_leaves() -> None:
    """A replay writes many steps at once, and what is left when it closes."""
    store = MemoryStore()
    kept = journal(store, flush_rows=3)

    kept.append(1, timers("a", "b"))
    before = list(store.batches)
    kept.append(3, timers("c", "d"))
    kept.append(5, timers("e"))
    kept.close()

    assert before == []
    assert store.batches == [4, 1]
    assert store.is_closed


def test_closing_twice_writes_nothing_twice() -> None:
    """An ending may be announced by more than one."""
    store = MemoryStore()
    kept = journal(store, flush_rows=9)
    kept.append(1, timers("a"))

    kept.close()
    kept.close()

    assert store.batches == [1]


def test_without_a_store_the_head_alone_identifies_a_run() -> None:
    """The same head as with one, whatever is kept back."""
    heads = set()
    for kept in (
        journal(),
        journal(MemoryStore()),
        journal(MemoryStore(), flush_rows=9),
    ):
        kept.append(1, timers("a", "b"))
        kept.append(3, timers("c"))
        kept.close()
        heads.add(kept.head)

    assert len(heads) == 1
