"""The run folder is written whole or not at all, and the same each time."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.builders import spot
from tests.unit.analytics.fund import Fund

from factortrader.analytics.run_folder import json_text, write_run
from factortrader.errors import BadInput

FILES = {
    "cashflows.parquet",
    "equity.parquet",
    "fills.parquet",
    "manifest.json",
    "orders.parquet",
    "positions.parquet",
    "report.html",
    "signals.parquet",
    "summary.json",
    "targets.parquet",
}


def small_fund() -> Fund:
    fund = Fund(spot("BTC"), spot("ETH"), benchmark="BTC")
    fund.trade("BTC", "5", price="100", fee="0.5")
    fund.close(BTC=100.0, ETH=10.0)
    fund.close(BTC=101.0, ETH=10.0)
    return fund


def write(folder: Path, **changes) -> Path:
    fund = small_fund()
    values = {
        "recorder": fund.recorder,
        "facts": fund.facts(stamps=("SYNTHETIC DATA",), limits={"gross": 1.0}),
        "manifest": {"run_id": "r1"},
    }
    write_run(folder, **(values | changes))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_leaves_exactly_these_files(tmp_path) -> None:
    """And nothing beside the folder."""
    run = write(tmp_path / "runs" / "r1")

    assert {*contents(run)} == FILES
    assert [path.name for path in run.parent.iterdir()] == ["r1"]


def test_the_same_run_twice_is_the_same_bytes(tmp_path) -> None:
    """Nothing of the clock, the machine or the memory is in the files."""
    first, second = write(tmp_path / "a"), write(tmp_path / "b")

    assert contents(first) == contents(second)


def test_the_manifest_says_what_a_stranger_needs(tmp_path) -> None:
    """Capital, quote currency, and the instruments that were traded."""
    manifest = json.loads((write(tmp_path / "a") / "manifest.json").read_text())

    assert manifest["run_id"] == "r1"
    assert manifest["capital"] == 10_000.0
    assert (manifest["quote"], manifest["interval"]) == ("USDT", "1d")
    assert manifest["stamps"] == ["SYNTHETIC DATA"]
    assert manifest["instruments"] == {
        "BTC": {"kind": "spot", "base": "BTC", "quote": "USDT", "multiplier": "1"}
    }


def test_undefined_numbers_are_null() -> None:
    """JSON knows neither NaN nor infinity."""
    text = json_text({"b": float("nan"), "a": [float("inf"), Decimal("1E-7")]})

    assert json.loads(text) == {"a": [None, "0.0000001"], "b": None}
    assert text.index('"a"') < text.index('"b"')


def test_an_existing_run_is_not_written_over(tmp_path) -> None:
    """Somebody may still need it; the message says what to do."""
    run = write(tmp_path / "a")
    before = contents(run)

    with pytest.raises(BadInput, match="exists already") as refusal:
        write(run, manifest={"run_id": "r2"})

    assert refusal.value.code == "run_exists"
    assert contents(run) == before


def test_a_run_is_replaced_when_asked_for(tmp_path) -> None:
    """The new folder takes the place of the old one; nothing of it is left."""
    run = write(tmp_path / "a")
    (run / "notes.txt").write_text("old")

    write(run, manifest={"run_id": "r2"}, replace=True)

    assert {*contents(run)} == FILES
    assert json.loads((run / "manifest.json").read_text())["run_id"] == "r2"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_no_run_is_never_replaced(tmp_path) -> None:
    """A mistyped --out does not cost a home directory."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years")

    with pytest.raises(BadInput, match="exists already"):
        write(tmp_path / "precious", replace=True)

    assert (tmp_path / "precious" / "thesis.txt").exists()


def test_a_failed_write_leaves_no_folder_and_no_trace(tmp_path) -> None:
    """The journal stays where it was, for the next attempt."""
    journal = tmp_path / "journal.sqlite"
    journal.write_text("messages")

    with pytest.raises(FileNotFoundError):
        write(tmp_path / "a", moved_in=(journal, tmp_path / "missing.jsonl"))

    assert [path.name for path in tmp_path.iterdir()] == ["journal.sqlite"]
    assert journal.read_text() == "messages"


def test_journal_and_log_move_in_with_the_rest(tmp_path) -> None:
    """They were written while the run ran."""
    journal = tmp_path / "journal.sqlite"
    journal.write_text("messages")

    run = write(tmp_path / "a", moved_in=(journal,))

    assert contents(run)["journal.sqlite"] == b"messages"
    assert not journal.exists()
