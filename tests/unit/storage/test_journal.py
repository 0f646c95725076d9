"""The journal in SQLite: durable, paged, and honest about what is no journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from factortrader.errors import BadInput
from factortrader.ports import JournalRow
from factortrader_adapters.storage.journal import _PAGE_ROWS, SqlJournal

GENESIS = bytes(20)


def rows(count: int, *, first: int = 1) -> list[JournalRow]:
    return [
        JournalRow(
            sequence=sequence,
            is_input=True,
            kind="TimerFired",
            time_ns=sequence,
            payload=b"payload",
            link=bytes(20),
        )
        for sequence in range(first, first + count)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def begun(path: Path) -> SqlJournal:
    journal = SqlJournal.in_file(path)
    journal.begin(genesis_link=GENESIS, header={"schema_version": "1"})
    return journal


def test_the_connection_that_commits_waits_for_the_disk(path: Path) -> None:
    """Write-ahead log, full synchronization: read back where it is written (§5)."""
    journal = begun(path)

    with journal._engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000}


def test_every_connection_is_durable(path: Path) -> None:
    """Also the second one of the pool, while the first is in use."""
    journal = begun(path)

    with journal._engine.connect(), journal._engine.connect() as second:
        synchronous = second.exec_driver_sql("PRAGMA synchronous").scalar()

    assert synchronous == 2


def test_a_closed_journal_is_one_file(path: Path) -> None:
    """It can be moved into its run folder: nothing is left in a log beside it."""
    journal = begun(path)
    journal.write(rows(10))

    journal.close()

    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert len([*SqlJournal.in_file(path).read()]) == 10


def test_a_long_journal_is_read_page_by_page(path: Path) -> None:
    """Every row once, over the seams of the pages, in order."""
    journal = begun(path)
    count = 2 * _PAGE_ROWS + 1
    journal.write(rows(count))

    assert [row.sequence for row in journal.read()] == [*range(1, count + 1)]


def test_a_journal_of_whole_pages_ends_where_they_end(path: Path) -> None:
    """No row too many, and no page that never ends."""
    journal = begun(path)
    journal.write(rows(_PAGE_ROWS))

    assert sum(1 for _ in journal.read()) == _PAGE_ROWS


def test_reading_holds_nothing_open(path: Path) -> None:
    """A reader that stops in the middle does not block the writer."""
    journal = begun(path)
    journal.write(rows(3))
    reading = journal.read()
    next(reading)

    journal.write(rows(1, first=4))

    assert [row.sequence for row in journal.read()] == [1, 2, 3, 4]


def test_a_file_that_is_no_database_is_no_journal(path: Path) -> None:
    """The path is named, and the file is left as it was."""
    path.write_bytes(b"this is text " * 100)

    with pytest.raises(BadInput) as failure:
        SqlJournal.in_file(path).genesis_link()

    assert failure.value.code == "no_journal"
    assert failure.value.where == str(path)
    assert path.read_bytes().startswith(b"this is text")


def test_a_database_without_a_header_is_no_journal(path: Path) -> None:
    """The table is there, the first link is not."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE journal_header (key TEXT, value TEXT)")
        database.commit()

    with pytest.raises(BadInput, match="it has no header"):
        SqlJournal.in_file(path).genesis_link()


def test_a_first_link_that_is_no_link_is_damage(path: Path) -> None:
    """Not hexadecimal: somebody wrote there."""
    begun(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE journal_header SET value = 'x' WHERE key LIKE 'gen%'")
        database.commit()

    with pytest.raises(BadInput, match="its first link is no link"):
        SqlJournal.in_file(path).genesis_link()


def test_a_place_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    """A folder that is not there."""
    journal = SqlJournal.in_file(tmp_path / "nowhere" / "journal.sqlite")

    with pytest.raises(BadInput) as failure:
        journal.begin(genesis_link=GENESIS, header={})

    assert failure.value.code == "journal_unwritable"
