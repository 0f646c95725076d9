"""`data import` and `data list` as a user types them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.history.vendor_files import bars, write_parquet

from factortrader.errors import BadInput
from factortrader_adapters.history.commands import COMMAND

MAPPING = """
interval = "1d"
[columns]
time = "ts"
asset = "symbol"
close = "close"
[instruments]
quote = "USDT"
ticker = "pair"
"""


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args([str(word) for word in words]))


def importing(folder: Path, *more: object) -> int:
    """Import `folder/vendor.parquet` as "daily" into `folder/store`."""
    (folder / "m.toml").write_text(MAPPING)
    words = ("--mapping", folder / "m.toml", "--name", "daily")
    store = ("--store", folder / "store")
    return run("import", folder / "vendor.parquet", *words, *store, *more)


def vendor(folder: Path) -> None:
    rows = bars("BTCUSDT", range(9)) + bars("ETHUSDT", [1, 1, 2]) + bars("ETHBTC", [3])
    write_parquet(folder / "vendor.parquet", rows)


def test_an_import_tells_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts, rules and examples stand on the terminal and in the report."""
    vendor(tmp_path)

    assert importing(tmp_path) == 0

    said = capsys.readouterr().out
    assert "daily: bars of 2 instruments, 11 rows kept of 13" in said
    assert "exact duplicates were dropped" in said
    assert "ETHBTC 2022-01-04 (row 13)" in said
    report = json.loads((tmp_path / "store/daily/import_report.json").read_text())
    assert {finding["code"] for finding in report["bars"]["findings"]} == {
        "other_quote",
        "exact_duplicates",
        "ended_crawl",
        "ended_unknown",
    }


def test_json_is_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report and the list parse, and agree on the fingerprint."""
    vendor(tmp_path)

    importing(tmp_path, "--json")
    report = json.loads(capsys.readouterr().out)
    run("list", "--store", tmp_path / "store", "--json")
    (listed,) = json.loads(capsys.readouterr().out)

    assert report["rows_read"] == 13
    assert listed["fingerprint"] == report["fingerprint"]
    assert listed["ends"] == {"crawl": 1, "unknown": 1}
    assert (listed["interval"], listed["assets"]) == ("1d", 2)


def test_list_shows_every_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each; an empty store says so."""
    run("list", "--store", tmp_path / "store")
    assert "holds no dataset" in capsys.readouterr().out

    vendor(tmp_path)
    importing(tmp_path)
    capsys.readouterr()
    run("list", "--store", tmp_path / "store")

    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["name", "kind", "interval", "rows"]
    assert line.split()[:5] == ["daily", "spot", "1d", "11", "2"]


def test_a_dataset_is_replaced_only_on_request(tmp_path: Path) -> None:
    """Without --replace the second import is refused and the first stays."""
    vendor(tmp_path)
    importing(tmp_path)

    with pytest.raises(BadInput, match="dataset_exists"):
        importing(tmp_path)
    assert importing(tmp_path, "--replace") == 0


def test_strict_refuses_a_file_with_defects_and_writes_nothing(tmp_path: Path) -> None:
    """Exit 2 by way of BadInput, and no half-written dataset."""
    vendor(tmp_path)

    with pytest.raises(BadInput, match="strict_import"):
        importing(tmp_path, "--strict")
    assert not (tmp_path / "store").exists()


def test_a_torn_file_leaves_no_dataset(tmp_path: Path) -> None:
    """A bad file is named and the store stays empty."""
    vendor(tmp_path)
    path = tmp_path / "vendor.parquet"
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(BadInput, match=r"vendor\.parquet"):
        importing(tmp_path)
    assert not (tmp_path / "store").exists()


def test_an_instruments_table_overrides_the_lives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--instruments says how a series ended; names it does not know are reported."""
    vendor(tmp_path)
    table = tmp_path / "instruments.csv"
    table.write_text("ticker,reason\nETHUSDT,delisted\nNOSUCH,halted\n")

    importing(tmp_path, "--instruments", table, "--json")

    findings = {
        finding["code"]: finding["examples"]
        for finding in json.loads(capsys.readouterr().out)["findings"]
    }
    assert findings["instruments_unmatched"] == ["NOSUCH"]
    assert findings["ended_delisted"] == ["ETHUSDT 2022-01-04"]


@pytest.mark.slow
def test_configuring_loads_no_heavy_library() -> None:
    """`factortrader --help` must not wait for Arrow or pandas."""
    program = (
        "import argparse, sys\n"
        "from factortrader_adapters.history.commands import COMMAND\n"
        "import factortrader_adapters.history.source\n"
        "COMMAND.configure(argparse.ArgumentParser())\n"
        "print([name for name in ('pyarrow', 'pandas', 'rich') if name in sys.modules])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"
