"""A dataset is complete or not there, and its digest is of what it says."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from tests.unit.history.vendor_files import bars, imported

from factortrader.errors import BadInput
from factortrader_adapters.history.store import (
    content_digest,
    dataset_names,
    open_dataset,
    replacing,
)


def test_a_dataset_that_was_written_opens(tmp_path: Path) -> None:
    """Its description says what it holds."""
    imported(tmp_path, bars("BTCUSDT", range(5)))

    dataset = open_dataset(tmp_path / "store", "daily")

    assert dataset.description.rows == 5
    assert dataset.description.ends == {"crawl": 1}
    assert dataset_names(tmp_path / "store") == ["daily"]


def test_an_unknown_dataset_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    """A misspelled name gets a suggestion."""
    imported(tmp_path, bars("BTCUSDT", range(5)))

    with pytest.raises(BadInput, match="did you mean 'daily'"):
        open_dataset(tmp_path / "store", "dialy")


@pytest.mark.parametrize("table", ["bars", "instruments"])
def test_a_shortened_or_missing_table_is_refused(tmp_path: Path, table: str) -> None:
    """A torn dataset is named, not half served."""
    imported(tmp_path, bars("BTCUSDT", range(5)))
    path = tmp_path / "store" / "daily" / f"{table}.parquet"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(BadInput, match="torn_dataset"):
        open_dataset(tmp_path / "store", "daily")
    path.unlink()
    with pytest.raises(BadInput, match="is missing"):
        open_dataset(tmp_path / "store", "daily")


def test_a_description_that_is_no_json_is_refused(tmp_path: Path) -> None:
    """A half-written description is torn as well."""
    imported(tmp_path, bars("BTCUSDT", range(5)))
    path = tmp_path / "store" / "daily" / "dataset.json"
    path.write_bytes(path.read_bytes()[:40])

    with pytest.raises(BadInput, match="torn_dataset"):
        open_dataset(tmp_path / "store", "daily")


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "a b"])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    """A dataset stays inside its store."""
    with pytest.raises(BadInput, match="dataset_name"):
        open_dataset(tmp_path, name)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_write_that_is_cut_off_leaves_the_old_dataset(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """On an error, Ctrl-C included, nothing has changed."""
    imported(tmp_path, bars("BTCUSDT", range(5)))
    store = tmp_path / "store"

    def write_half() -> None:
        with replacing(store, "daily") as folder:
            (folder / "bars.parquet").write_text("half")
            raise error

    with pytest.raises(error):
        write_half()

    assert open_dataset(store, "daily").description.rows == 5
    assert [path.name for path in store.iterdir()] == ["daily"]


def test_a_cut_between_the_two_renames_is_explained(tmp_path: Path) -> None:
    """The dataset that was put aside is found and named."""
    imported(tmp_path, bars("BTCUSDT", range(5)))
    store = tmp_path / "store"
    (store / "daily").rename(store / ".daily.replaced")

    with pytest.raises(BadInput, match=r"rename .*\.daily\.replaced to daily"):
        open_dataset(store, "daily")


def test_the_digest_is_of_content_not_of_encoding() -> None:
    """Dictionary or plain text, chunked or not: the same rows, the same digest."""
    plain = pa.table({"asset": ["A", "B", "A"], "close": [1.0, None, 3.0]})
    coded = pa.table(
        {"asset": plain["asset"].dictionary_encode(), "close": plain["close"]}
    )
    chunked = pa.concat_tables([plain.slice(0, 1), plain.slice(1)])

    assert content_digest(coded) == content_digest(plain)
    assert content_digest(chunked) == content_digest(plain)


@pytest.mark.parametrize(
    "other",
    [
        {"asset": ["A", "B", "A"], "close": [1.0, 0.0, 3.0]},
        {"asset": ["A", "A", "B"], "close": [1.0, None, 3.0]},
        {"asset": ["A", "B", "A"], "open": [1.0, None, 3.0]},
    ],
    ids=["null is not 0", "another asset", "another name"],
)
def test_other_content_has_another_digest(other: dict[str, list[object]]) -> None:
    """Values, names and the place of the missing all count."""
    table = pa.table({"asset": ["A", "B", "A"], "close": [1.0, None, 3.0]})

    assert content_digest(pa.table(other)) != content_digest(table)
