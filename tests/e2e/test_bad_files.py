"""Ways to be wrong in a vendor's file and in the store.

What can be resolved is resolved by a stated rule and reported, and refused under
--strict; everything else is exit code 2, one message, and no dataset left behind.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.bad_cases import FUND, left_in, write
from tests.run_folders import command

HEAD = "ts,symbol,open,high,low,close,volume"
MAPPING = """
interval = "1d"
[columns]
time = "ts"
asset = "symbol"
open = "open"
high = "high"
low = "low"
close = "close"
volume = "volume"
[instruments]
quote = "USDT"
ticker = "pair"
"""
STORED = (
    FUND.replace('source = "synthetic"\n', "")
    .replace("assets = 12\nbars = 150\nseed = 3", 'dataset = "daily"\nstore = "STORE"')
    .replace('benchmark = "BTC"', 'benchmark = "BTCUSDT"')
    .replace("formation_bars = 30", "formation_bars = 5")
    .replace("min_history_bars = 20", "min_history_bars = 5")
)


def rows(days: int = 40) -> list[list[object]]:
    """Three coins day by day, row 1 first; BTCUSDT is every third row from 1."""
    start = dt.date(2022, 1, 1)
    return [
        [start + dt.timedelta(days=day), coin, price, price + 1, price - 1, price, 1e6]
        for day in range(days)
        for at, coin in enumerate(("BTCUSDT", "ETHUSDT", "XRPUSDT"))
        for price in [100 + 10 * at + day * 7 % 13]
    ]


def csv(table: Sequence[Sequence[object]]) -> str:
    return "\n".join([HEAD, *(",".join(map(str, row)) for row in table)]) + "\n"


def cell(row: int, column: str, value: object) -> str:
    """The file with one other cell; rows count from 1."""
    table = rows()
    table[row - 1][HEAD.split(",").index(column)] = value
    return csv(table)


@dataclass(frozen=True)
class Import:
    """An import that is refused. old, new: one change of the mapping."""

    claim: str
    says: tuple[str, ...]
    file: str = csv(rows())
    old: str = ""
    new: str = ""
    strict: bool = False


def mapping(claim: str, old: str, new: str, *says: str) -> Import:
    return Import(claim, says, old=old, new=new)


def content(claim: str, file: str, *says: str) -> Import:
    return Import(claim, says, file=file)


def strict(claim: str, file: str, *says: str) -> Import:
    return Import(claim, ("a strict import changes nothing", *says), file, strict=True)


IMPORTS = (
    mapping(
        "a misspelt key",
        "interval",
        "intervall",
        "m.toml, line 2): unknown key; did you mean 'interval'?",
    ),
    mapping(
        "a misspelt field",
        'close = "close"',
        'clsoe = "close"',
        "columns.clsoe (m.toml, line 9)",
        "did you mean 'close'?",
        "columns.close (m.toml, line 3): is missing",
    ),
    mapping(
        "an unknown column",
        'close = "close"',
        'close = "last"',
        "v.csv: the file has no column 'last'",
        "correct the mapping",
    ),
    mapping(
        "an interval in other words",
        '"1d"',
        '"daily"',
        "interval (m.toml, line 2)",
        "got 'daily'",
    ),
    mapping(
        "a shorter interval than the file's",
        '"1d"',
        '"1h"',
        "the bars of this file are not 1h long",
        'interval = "1d"',
    ),
    mapping(
        "a longer interval than the file's",
        '"1d"',
        '"7d"',
        "the bars of this file are not 7d long",
    ),
    mapping(
        "a zone that does not exist",
        "interval",
        'zone = "Mars"\ninterval',
        "zone (m.toml, line 2): there is no time zone 'Mars'",
    ),
    mapping(
        "another quote currency",
        '"USDT"',
        '"EUR"',
        "nothing remains of this file",
        "not quoted in EUR",
    ),
    mapping("no mapping", MAPPING, "columns = [", "m.toml", "this is no TOML"),
    content("no rows", HEAD + "\n", "nothing remains of this file"),
    content("nothing at all", "", "v.csv: the file cannot be read", "Empty CSV file"),
    content(
        "a short row",
        csv(rows()) + "2022-03-01,BTCUSDT,1\n",
        "Expected 7 columns, got 3",
    ),
    content(
        "a price that is no number",
        cell(4, "close", "abc"),
        "v.csv, column 'close', row 4: 'abc' is no number",
    ),
    content(
        "a stamp that is no time",
        cell(4, "ts", "yesterday"),
        "v.csv, column 'ts', row 4",
        "ISO 8601",
    ),
    content(
        "mixed time zones",
        cell(4, "ts", "2022-01-02T00:00:00Z"),
        "some stamps carry a time zone and some do not",
        "'2022-01-02T00:00:00Z' in row 4",
        "'2022-01-01' in row 1",
        "'zone'",
    ),
    content("a name with a mark", cell(4, "symbol", "BTC#USDT"), "called 'BTC#USDT'"),
    strict("a missing price", cell(4, "close", "nan"), "price_missing", "(row 4)"),
    strict("a negative price", cell(4, "low", -1), "price_not_positive", "(row 4)"),
    strict("a price of zero", cell(4, "open", 0), "price_not_positive", "(row 4)"),
    strict("an infinite price", cell(4, "high", "inf"), "price_infinite", "(row 4)"),
    strict("a row twice", csv([*rows()[:3], *rows()]), "exact_duplicates"),
    strict("two versions", csv([[*rows()[0][:6], 9], *rows()]), "conflicting_dup"),
    strict("wrong order", csv(rows()[::-1]), "wrong_order"),
)


def importing(folder: Path, *more: object, file: str = "v.csv") -> int:
    return command(
        *("data", "import", folder / file, "--mapping", folder / "m.toml"),
        *("--name", "daily", "--store", folder / "store", *more),
    )


@pytest.mark.parametrize("case", IMPORTS, ids=lambda case: case.claim)
def test_a_bad_import_is_refused(
    case: Import, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, words and place, and no dataset, whole or partial."""
    write(tmp_path, {"m.toml": MAPPING.replace(case.old, case.new, 1)})
    (tmp_path / "v.csv").write_text(case.file)
    before = left_in(tmp_path)

    code = importing(tmp_path, *(["--strict"] if case.strict else []))

    said = capsys.readouterr().err
    assert code == 2, said
    assert [words for words in case.says if words not in said] == [], said
    assert "Traceback" not in said
    assert left_in(tmp_path) == before


@pytest.mark.parametrize(
    "case", [case for case in IMPORTS if case.strict], ids=lambda case: case.claim
)
def test_what_strict_refuses_is_resolved_and_reported(
    case: Import, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --strict the stated rule is applied, counted and written down."""
    write(tmp_path, {"m.toml": MAPPING, "v.csv": case.file})

    assert importing(tmp_path, "--json") == 0

    report = json.loads(capsys.readouterr().out)
    codes = [finding["code"] for finding in report["findings"]]
    assert any(code.startswith(case.says[1]) for code in codes)
    assert report["rows_kept"] in {119, 120}


@pytest.mark.parametrize("kept", [0, 7, 2_000, -9], ids=str)
def test_a_torn_parquet_file_is_refused(
    kept: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut off anywhere, it is named and nothing is imported."""
    write(tmp_path, {"m.toml": MAPPING})
    columns = zip(*rows(), strict=True)
    table = pa.table(dict(zip(HEAD.split(","), map(list, columns), strict=True)))
    pq.write_table(table, tmp_path / "v.parquet")
    torn = (tmp_path / "v.parquet").read_bytes()[:kept]
    (tmp_path / "v.parquet").write_bytes(torn)

    assert importing(tmp_path, file="v.parquet") == 2

    said = capsys.readouterr().err
    assert "v.parquet: the file cannot be read" in said
    assert "fetch it again" in said
    assert left_in(tmp_path) == ["m.toml", "v.parquet"]


# --- what was imported, and what is asked of it -----------------------------------


def stored(folder: Path, table: Sequence[Sequence[object]], fund: str = STORED) -> Path:
    """A dataset of these rows, and a fund beside it."""
    text = fund.replace("STORE", str(folder / "store"))
    write(folder, {"m.toml": MAPPING, "v.csv": csv(table), "fund.toml": text})
    assert importing(folder, "--json") == 0
    return folder / "fund.toml"


def replayed(fund: Path, *sets: str) -> int:
    options = [word for each in sets for word in ("--set", each)]
    return command("replay", fund, "--out", fund.parent / "run", "--json", *options)


def tear(name: str, kept: int) -> Callable[[Path], None]:
    def torn(dataset: Path) -> None:
        path = dataset / name
        path.write_bytes(path.read_bytes()[:kept])

    return torn


def nothing(dataset: Path) -> None:
    assert dataset.is_dir()


@pytest.mark.parametrize(
    ("damage", "change", "says"),
    [
        (nothing, 'data.dataset="dayly"', ("no dataset 'dayly'", "mean 'daily'?")),
        (nothing, 'data.store="nowhere"', ("nowhere", "there is no such folder")),
        (
            nothing,
            'data.start="2023-01-01"',
            ("data.start", "2022-01-02 to 2022-02-10"),
        ),
        (nothing, 'data.assets=["BTC"]', ("data.assets", "did you mean 'BTCUSDT'?")),
        (nothing, "data.assets=[]", ("data.assets", "not empty")),
        (nothing, 'universe.rank_by="market_cap"', ("universe.size", "market cap")),
        (tear("bars.parquet", -9), "fund.seed=1", ("bars.parquet", "--replace")),
        (tear("instruments.parquet", 9), "fund.seed=1", ("instruments.parquet",)),
        (tear("dataset.json", 9), "fund.seed=1", ("dataset.json", "import it again")),
    ],
)
def test_a_dataset_that_cannot_serve_is_refused(
    damage: Callable[[Path], None],
    change: str,
    says: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, what and where, and no run folder."""
    fund = stored(tmp_path, rows())
    damage(tmp_path / "store" / "daily")
    capsys.readouterr()

    assert replayed(fund, change) == 2

    said = capsys.readouterr().err
    assert [words for words in says if words not in said] == [], said
    assert not (tmp_path / "run").exists()


def test_a_named_asset_without_a_bar_in_the_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The benchmark ended before the start: its life and its line are told."""
    ended = [row for at, row in enumerate(rows()) if at % 3 or at < 45]
    fund = stored(tmp_path, ended)

    assert replayed(fund, 'data.start="2022-02-01"') == 2

    said = capsys.readouterr().err
    assert "fund.benchmark (fund.toml, line 5): 'BTCUSDT' has no bar" in said
    assert "its bars close from 2022-01-02 to 2022-01-16" in said


def test_an_asset_that_ends_during_the_run_is_settled_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An end is no mistake: the run succeeds, and its results tell of the end."""
    ended = [row for at, row in enumerate(rows()) if at % 3 != 2 or at < 60]
    fund = stored(tmp_path, ended)

    assert replayed(fund, "universe.volume_window_bars=3") == 0

    capsys.readouterr()
    log = (tmp_path / "run" / "log.jsonl").read_text()
    flows = pq.read_table(tmp_path / "run" / "cashflows.parquet").to_pylist()
    assert "position_settled" in log
    assert ("settlement", "XRPUSDT") in {
        (each["kind"], each["asset"]) for each in flows
    }
