"""The cube is the bars, mapped; where it is lost it is built again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.unit.history.vendor_files import DAY_0, bar, bars, imported

from factortrader.units import DAY_NS
from factortrader_adapters.history.cube import Cube, cube_of, open_cube
from factortrader_adapters.history.store import Dataset, open_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """C from day 0, A and B from day 2; B lacks day 4; nobody has day 5."""
    rows = (
        bars("CUSDT", [0, 1, 2, 3, 4, 6])
        + bars("BUSDT", [2, 3, 6])
        + bars("AUSDT", [2, 3, 4, 6])
    )
    imported(tmp_path, rows)
    return open_dataset(tmp_path / "store", "daily")


def same(one: Cube, two: Cube) -> None:
    assert one.assets == two.assets
    np.testing.assert_array_equal(one.close_ns, two.close_ns)
    assert set(one.fields) == set(two.fields)
    for name, values in one.fields.items():
        np.testing.assert_array_equal(values, two.fields[name])


def test_columns_stand_in_order_of_listing_then_id(dataset: Dataset) -> None:
    """A later listing never moves an earlier column."""
    assert open_cube(dataset).assets == ("CUSDT", "AUSDT", "BUSDT")


def test_rows_are_the_bars_that_somebody_has(dataset: Dataset) -> None:
    """An outage of everything is no row; a single missing bar is NaN."""
    cube = open_cube(dataset)

    days = (cube.close_ns - DAY_0) // DAY_NS - 1
    assert days.tolist() == [0, 1, 2, 3, 4, 6]
    nan = np.nan
    np.testing.assert_array_equal(
        cube.fields["close"][:, 2], [nan, nan, 102.0, 103.0, nan, 106.0]
    )


def test_the_kept_cube_equals_the_bars(dataset: Dataset) -> None:
    """Mapped arrays and the table say the same, and cannot be written."""
    cube = open_cube(dataset)

    same(cube, cube_of(dataset.table("bars")))
    assert not cube.fields["close"].flags.writeable


@pytest.mark.parametrize("lost", ["cube", "close.npy", "cube.json"])
def test_a_lost_cube_is_built_and_kept_again(dataset: Dataset, lost: str) -> None:
    """Whatever of it is gone, the next load has it, and the one after maps it."""
    before = cube_of(dataset.table("bars"))
    folder = dataset.folder / "cube"
    shutil.rmtree(folder) if lost == "cube" else (folder / lost).unlink()

    same(open_cube(dataset), before)
    assert (folder / "close.npy").is_file()
    same(open_cube(dataset), before)


def test_a_torn_or_foreign_cube_is_not_served(dataset: Dataset, tmp_path: Path) -> None:
    """A cut array and a cube of other bars are both replaced."""
    before = cube_of(dataset.table("bars"))
    path = dataset.folder / "cube" / "close.npy"
    path.write_bytes(path.read_bytes()[:-8])
    same(open_cube(dataset), before)

    (tmp_path / "other").mkdir()
    imported(tmp_path / "other", [bar("CUSDT", 0)])
    shutil.rmtree(dataset.folder / "cube")
    shutil.copytree(
        tmp_path / "other" / "store" / "daily" / "cube", dataset.folder / "cube"
    )
    same(open_cube(dataset), before)


def test_a_store_that_cannot_be_written_still_serves(dataset: Dataset) -> None:
    """Where the cube cannot be kept it is served from memory."""
    before = cube_of(dataset.table("bars"))
    shutil.rmtree(dataset.folder / "cube")
    (dataset.folder / "cube").write_text("a file where the folder should be")

    same(open_cube(dataset), before)
