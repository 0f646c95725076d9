"""Ways to be wrong in a run folder that is to be verified: bad input, or a no."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.bad_cases import FUND, left_in, write
from tests.run_folders import command


@pytest.fixture(scope="module")
def journaled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files that `verify` reads of a run."""
    folder = tmp_path_factory.mktemp("journaled")
    write(folder, {"fund.toml": FUND})
    words = ("--out", folder / "run", "--journal", "--json")
    assert command("replay", folder / "fund.toml", *words) == 0
    run = folder / "run"
    return {
        name: (run / name).read_bytes() for name in ("manifest.json", "journal.sqlite")
    }


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("manifest.json", None, "this is no run folder"),
        ("manifest.json", b"{", "this is no run folder"),
        ("manifest.json", b"{}", "manifest.json does not say 'configuration'"),
        ("journal.sqlite", None, "this run has no journal"),
        ("journal.sqlite", b"", "this is no journal"),
        ("journal.sqlite", b"no journal" * 999, "this is no journal"),
        ("journal.sqlite", 20_000, "this is no journal, or it is damaged"),
    ],
)
def test_a_run_that_cannot_be_verified_is_refused(
    name: str,
    content: bytes | int | None,
    says: str,
    journaled: dict[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder without manifest or journal, or with a torn one, is bad input."""
    for each, whole in journaled.items():
        (tmp_path / each).write_bytes(whole)
    if content is None:
        (tmp_path / name).unlink()
    else:
        torn = journaled[name][:content] if isinstance(content, int) else content
        (tmp_path / name).write_bytes(torn)
    before = left_in(tmp_path)

    assert command("verify", tmp_path) == 2

    said = capsys.readouterr().err
    assert says in said
    assert str(tmp_path) in said
    assert left_in(tmp_path) == before


def test_a_journal_whose_end_was_cut_off_is_not_verified(
    journaled: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is left of it is sound, and is not the run: the answer is no."""
    for name, whole in journaled.items():
        (tmp_path / name).write_bytes(whole)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as database, database:
        database.execute("DELETE FROM journal")

    assert command("verify", tmp_path) == 1

    assert "the journal ends after 0 messages" in capsys.readouterr().err
