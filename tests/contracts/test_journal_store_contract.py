"""What every journal store owes us: rows as they were, in order, durable on return.

A store joins the suite by one more entry in `STORES`. `reopened` gives what a later
process would find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.memory_store import MemoryStore

from factortrader.errors import BadInput
from factortrader.ports import JournalRow, JournalStore
from factortrader_adapters.storage.journal import SqlJournal

GENESIS = bytes(range(20))
HEADER = {"schema_version": "1", "configuration": '{"é": "λ"}', "empty": ""}


@dataclass
class Place:
    """Where a store lies. reopened: the same place, opened anew."""

    fresh: JournalStore
    reopened: Callable[[], JournalStore]


def sql_in_file(folder: Path) -> Place:
    path = folder / "journal.sqlite"
    return Place(SqlJournal.in_file(path), lambda: SqlJournal.in_file(path))


def in_memory(_folder: Path) -> Place:
    store = MemoryStore()
    return Place(store, lambda: store)


STORES = {"sql in a file": sql_in_file, "in memory": in_memory}


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    found = STORES[request.param](tmp_path)
    yield found
    found.fresh.close()


def begun(place: Place) -> JournalStore:
    place.fresh.begin(genesis_link=GENESIS, header=HEADER)
    return place.fresh


def row(sequence: int, **changes: object) -> JournalRow:
    values = {
        "is_input": True,
        "kind": "TimerFired",
        "time_ns": 1_700_000_000_123_456_789,
        "payload": b"\x00\xff payload",
        "link": bytes(20),
    }
    return JournalRow(sequence=sequence, **(values | changes))  # type: ignore[arg-type]


def test_a_journal_knows_where_it_began(place: Place) -> None:
    """Genesis and header, for whoever opens it later."""
    begun(place)

    later = place.reopened()

    assert later.genesis_link() == GENESIS
    assert later.header() == HEADER
    assert [*later.read()] == []


def test_a_place_that_has_a_journal_is_not_begun_again(place: Place) -> None:
    """And what is there stays."""
    begun(place).write([row(1)])

    with pytest.raises(BadInput) as failure:
        place.reopened().begin(genesis_link=b"x" * 20, header={})

    assert failure.value.code == "journal_exists"
    assert place.reopened().genesis_link() == GENESIS
    assert [*place.reopened().read()] == [row(1)]


def test_a_place_without_a_journal_says_so(place: Place) -> None:
    """Whatever is asked of it."""
    for ask in (
        place.fresh.genesis_link,
        place.fresh.header,
        lambda: [*place.fresh.read()],
    ):
        with pytest.raises(BadInput) as failure:
            ask()
        assert failure.value.code == "no_journal"


def test_rows_are_there_when_write_returns(place: Place) -> None:
    """Another reader sees them, while the writer is still open."""
    store = begun(place)

    store.write([row(1), row(2, is_input=False)])
    first = [*place.reopened().read()]
    store.write([row(3)])

    assert first == [row(1), row(2, is_input=False)]
    assert [*place.reopened().read()] == [*first, row(3)]


def test_rows_are_read_in_order_of_sequence(place: Place) -> None:
    """Whatever the order in which they came."""
    store = begun(place)
    store.write([row(3), row(1)])
    store.write([row(2)])

    assert [each.sequence for each in store.read()] == [1, 2, 3]


def test_a_row_is_never_replaced(place: Place) -> None:
    """The same number again is refused, and with it the whole batch."""
    store = begun(place)
    store.write([row(1)])

    with pytest.raises(BadInput) as failure:
        store.write([row(2), row(1, payload=b"other")])

    assert failure.value.code == "journal_rows"
    assert [*store.read()] == [row(1)]


def test_nothing_to_write_is_nothing_written(place: Place) -> None:
    """An empty batch is no error."""
    store = begun(place)

    store.write([])

    assert [*store.read()] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORES)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.builds(
            row,
            sequence=st.just(0),
            is_input=st.booleans(),
            kind=st.sampled_from(["BarsClosed", "OrderFilled"]),
            time_ns=st.integers(-(2**63), 2**63 - 1),
            payload=st.binary(max_size=200),
            link=st.binary(min_size=20, max_size=20),
        ),
        max_size=12,
    )
)
def test_whatever_was_written_is_read(
    kind: str, rows: list[JournalRow], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every time, every flag, every byte."""
    place = STORES[kind](tmp_path_factory.mktemp("store"))
    store = begun(place)
    numbered = [
        row(
            number,
            is_input=each.is_input,
            kind=each.kind,
            time_ns=each.time_ns,
            payload=each.payload,
            link=each.link,
        )
        for number, each in enumerate(rows, start=1)
    ]
    store.write(numbered)

    assert [*place.reopened().read()] == numbered
    store.close()
