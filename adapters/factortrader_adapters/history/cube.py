"""The cube: a dataset's bars as memory-mapped arrays, bars × assets.

    cube/cube.json        fields, assets in column order, digest of the bars
         close_ns.npy     (bars,) int64
         <field>.npy      (bars, assets) float64, NaN = no bar or no value

Only bars that some asset has are rows. Columns stand in order of listing, then id,
so a longer download appends columns and never moves one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from factortrader.market.panel import BAR_FIELDS, EXTRA_FIELDS
from factortrader.units import FloatArray, IntArray
from factortrader_adapters.history.reading import labels_of
from factortrader_adapters.history.store import Dataset, sync

_FOLDER: Final = "cube"
_HEAD: Final = "cube.json"


class _CubeHead(msgspec.Struct, frozen=True, kw_only=True):
    content: str
    assets: tuple[str, ...]
    fields: tuple[str, ...]
    bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """close_ns: (bars,); fields: name → (bars, assets), read-only maps or arrays."""

    close_ns: IntArray
    assets: tuple[str, ...]
    fields: Mapping[str, FloatArray]


def open_cube(dataset: Dataset) -> Cube:
    """The cube of these bars; built, and kept where the store may be written."""
    content = dataset.description.tables["bars"].content
    kept = _mapped(dataset.folder / _FOLDER, content)
    if kept is not None:
        return kept
    cube = cube_of(dataset.table("bars"))
    fresh = dataset.folder / f".{_FOLDER}.{os.getpid()}.partial"
    try:
        write_cube(fresh, cube, content=content)
        sync(fresh)
        shutil.rmtree(dataset.folder / _FOLDER, ignore_errors=True)
        (fresh / _FOLDER).rename(dataset.folder / _FOLDER)
    except OSError:
        return cube  # a store that cannot be written still serves
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return cube


def cube_of(bars: Any) -> Cube:
    """The cube of a bars table, whatever the order of its rows."""
    labels = labels_of(bars["asset"])
    names = np.array(labels.names, dtype=str)
    time_ns = bars["time"].cast(pa.int64()).to_numpy()
    close_ns, row = np.unique(time_ns, return_inverse=True)
    listed = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(listed, labels.codes, time_ns)
    order = np.lexsort((names, listed))
    column = np.argsort(order)[labels.codes]
    fields = {}
    for name in (*BAR_FIELDS, *EXTRA_FIELDS):
        if name in bars.column_names or name in BAR_FIELDS:
            array = np.full((len(close_ns), len(names)), np.nan)
            if name in bars.column_names:
                array[row, column] = bars[name].fill_null(np.nan).to_numpy()
            fields[name] = array
    return Cube(
        close_ns=close_ns.astype(np.int64),
        assets=tuple(names[order].tolist()),
        fields=fields,
    )


def write_cube(folder: Path, cube: Cube, *, content: str) -> None:
    """Write `<folder>/cube/`; its head comes last, so a cut-off cube has none."""
    target = folder / _FOLDER
    target.mkdir(parents=True)
    np.save(target / "close_ns.npy", cube.close_ns)
    for name, array in cube.fields.items():
        np.save(target / f"{name}.npy", array)
    head = _CubeHead(
        content=content,
        assets=cube.assets,
        fields=tuple(cube.fields),
        bars=len(cube.close_ns),
    )
    (target / _HEAD).write_bytes(msgspec.json.encode(head))


def _mapped(folder: Path, content: str) -> Cube | None:
    """The kept cube, or None where it is absent, torn, or of other bars."""
    try:
        head = msgspec.json.decode((folder / _HEAD).read_bytes(), type=_CubeHead)
        if head.content != content:
            return None
        fields = {name: _map(folder / f"{name}.npy") for name in head.fields}
        close_ns = np.load(folder / "close_ns.npy")
    except (OSError, EOFError, ValueError, msgspec.DecodeError):
        return None
    shape = (head.bars, len(head.assets))
    if close_ns.shape != shape[:1] or any(
        array.shape != shape or array.dtype != np.float64 for array in fields.values()
    ):
        return None
    return Cube(close_ns=close_ns, assets=head.assets, fields=fields)


def _map(path: Path) -> FloatArray:
    array: FloatArray = np.asarray(np.load(path, mmap_mode="r"))
    return array
