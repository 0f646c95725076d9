"""`verify` proves a journal, and says where one was tampered with (DESIGN R5)."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests import funds
from tests.run_folders import command, manifest

from factortrader.errors import NoAnswer
from factortrader.events import BarsClosed, OrderFilled, SignalsUpdated
from factortrader.ports import JournalRow
from factortrader.runtime.codec import BarsReferenced, decode, encode
from factortrader.runtime.journal import next_link
from factortrader.runtime.run import JOURNAL, Request, replay, verify_run
from factortrader_adapters.storage.journal import SqlJournal

pytestmark = pytest.mark.slow

SHORT = {"assets": 12, "bars": 120}
"""A market that is replayed in the blink of an eye."""


def journaled(folder: Path) -> Path:
    """A run with a journal."""
    fund = funds.fund("momentum", data=SHORT, universe={"size": 10})
    return replay(fund, Request(command=["test"], out=folder, journal=True)).folder


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return journaled(tmp_path_factory.mktemp("honest") / "run")


@pytest.fixture
def copied(honest: Path, tmp_path: Path) -> Path:
    """A copy that may be tampered with."""
    return Path(shutil.copytree(honest, tmp_path / "run"))


def rows(run: Path) -> list[JournalRow]:
    store = SqlJournal.in_file(run / JOURNAL)
    try:
        return list(store.read())
    finally:
        store.close()


def execute(run: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(run / JOURNAL)) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


def first(run: Path, kind: type[msgspec.Struct]) -> JournalRow:
    return next(row for row in rows(run) if row.kind == kind.__name__)


def rewrite(run: Path, changed: JournalRow, payload: bytes) -> None:
    """Put this payload into the row and rebuild every link from it on."""
    link, rebuilt = genesis_link(run), []
    for row in rows(run):
        said = payload if row.sequence == changed.sequence else row.payload
        link = next_link(
            link, sequence=row.sequence, is_input=row.is_input, payload=said
        )
        rebuilt.append((said, link, row.sequence))
    statement = "UPDATE journal SET payload = ?, link = ? WHERE sequence = ?"
    with closing(sqlite3.connect(run / JOURNAL)) as connection, connection:
        connection.executemany(statement, rebuilt)


def genesis_link(run: Path) -> bytes:
    store = SqlJournal.in_file(run / JOURNAL)
    try:
        return store.genesis_link()
    finally:
        store.close()


def refusal(run: Path) -> NoAnswer:
    with pytest.raises(NoAnswer) as caught:
        verify_run(run)
    return caught.value


def named(error: NoAnswer) -> int:
    """The sequence number in the error's first line."""
    found = re.search(r"message (\d+)", str(error))
    assert found is not None
    return int(found[1])


def test_an_honest_journal_is_verified(honest: Path) -> None:
    """Every message again, and the head that the manifest names."""
    proven, differs = verify_run(honest)

    assert proven.messages == len(rows(honest))
    assert proven.inputs == sum(row.is_input for row in rows(honest))
    assert proven.head == manifest(honest)["journal_head"]
    assert differs == []
    assert command("verify", honest) == 0


def test_the_same_run_twice_is_the_same_to_the_byte(
    honest: Path, tmp_path: Path
) -> None:
    """Summary, tables and journal head; only the manifest knows which run it was."""
    again = journaled(tmp_path / "again")

    assert manifest(again)["journal_head"] == manifest(honest)["journal_head"]
    names = {path.name for path in honest.glob("*.parquet")} | {"summary.json"}
    assert len(names) > 7
    for name in names:
        assert (again / name).read_bytes() == (honest / name).read_bytes(), name


@pytest.mark.parametrize(
    "tamper",
    [
        lambda run, at: execute(
            run,
            "UPDATE journal SET payload = CAST(payload || x'00' AS BLOB) WHERE sequence = ?",
            at,
        ),
        lambda run, at: execute(
            run, "UPDATE journal SET is_input = 1 - is_input WHERE sequence = ?", at
        ),
        lambda run, at: execute(
            run, "UPDATE journal SET link = zeroblob(20) WHERE sequence = ?", at
        ),
        lambda run, at: execute(run, "DELETE FROM journal WHERE sequence = ?", at),
    ],
    ids=["payload", "input", "link", "deleted"],
)
def test_a_changed_row_is_named_as_the_broken_link(
    copied: Path, tamper: Callable[[Path, int], None]
) -> None:
    """Whatever was changed in it, and the command says no."""
    middle = len(rows(copied)) // 2
    tamper(copied, middle)

    error = refusal(copied)

    assert error.code == "broken_link"
    assert named(error) == middle
    assert command("verify", copied) == 1


@pytest.mark.parametrize(
    ("column", "value"), [("kind", "OrderFilled"), ("time_ns", 17)]
)
def test_the_columns_beside_the_payload_are_held_to_it(
    copied: Path, column: str, value: object
) -> None:
    """Kind and time repeat what the payload says, for whoever queries them."""
    changed = first(copied, SignalsUpdated)
    execute(
        copied,
        f"UPDATE journal SET {column} = ? WHERE sequence = ?",
        value,
        changed.sequence,
    )

    error = refusal(copied)

    assert error.code == "broken_link"
    assert named(error) == changed.sequence


def test_a_journal_without_its_end_is_refused(copied: Path) -> None:
    """Cut off at an input, the chain holds and every message is right, but the head
    is not the manifest's."""
    last_input = max(row.sequence for row in rows(copied) if row.is_input)
    execute(copied, "DELETE FROM journal WHERE sequence >= ?", last_input)

    error = refusal(copied)

    assert error.code == "journal_cut_off"


def test_a_changed_input_with_a_rebuilt_chain_names_what_follows_from_it(
    copied: Path,
) -> None:
    """A fill a cent dearer in fees: the next mark is the first that the core says otherwise."""
    changed = first(copied, OrderFilled)
    fill = decode(changed.payload)
    assert isinstance(fill, OrderFilled)
    dearer = msgspec.structs.replace(fill, fee=fill.fee + Decimal("0.01"))
    rewrite(copied, changed, encode(dearer))

    error = refusal(copied)

    mark = next(
        row
        for row in rows(copied)
        if row.kind == "PortfolioMarked" and row.sequence > changed.sequence
    )
    assert changed.is_input
    assert error.code == "different_message"
    assert named(error) == mark.sequence
    assert command("verify", copied) == 1


def test_an_input_that_cannot_have_been_is_named_itself(copied: Path) -> None:
    """A fill that nobody could have paid stops the core; that is no bug of ours."""
    changed = first(copied, OrderFilled)
    fill = decode(changed.payload)
    assert isinstance(fill, OrderFilled)
    rewrite(copied, changed, encode(msgspec.structs.replace(fill, fee=Decimal(10**9))))

    error = refusal(copied)

    assert error.code == "different_message"
    assert named(error) == changed.sequence


def test_a_bar_that_is_not_in_the_data_is_named_itself(copied: Path) -> None:
    """A reference with another digest, or bytes that mean nothing."""
    changed = first(copied, BarsClosed)
    bar = decode(changed.payload)
    assert isinstance(bar, BarsReferenced)
    rewrite(copied, changed, encode(msgspec.structs.replace(bar, digest="0" * 16)))

    assert named(refusal(copied)) == changed.sequence

    rewrite(copied, changed, b"nothing")

    assert named(refusal(copied)) == changed.sequence


def test_a_changed_decision_with_a_rebuilt_chain_is_named_itself(copied: Path) -> None:
    """The core never said that."""
    changed = first(copied, SignalsUpdated)
    signal = decode(changed.payload)
    assert isinstance(signal, SignalsUpdated)
    other = msgspec.structs.replace(signal, strategy="another")
    rewrite(copied, changed, encode(other))

    error = refusal(copied)

    assert error.code == "different_message"
    assert named(error) == changed.sequence


def test_a_changed_configuration_begins_another_chain(copied: Path) -> None:
    """The journal starts from the hash of configuration and data."""
    path = copied / "manifest.json"
    text = path.read_text()
    assert '"top_n": 8' in text
    path.write_text(text.replace('"top_n": 8', '"top_n": 7'))

    assert refusal(copied).code == "genesis"
