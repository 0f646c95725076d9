"""The store: one folder per dataset, complete or not there at all.

    <store>/<name>/dataset.json         what it is, sizes and digests of its files
                   import_report.json   what each import found and did
                   bars.parquet         time (close), asset, open … market_cap
                   instruments.parquet  asset, ticker, base, quote, life
                   funding, rules, actions .parquet   where attached
                   cube/                the same bars as memory-mapped arrays

A dataset is written beside its place and renamed into it. Digests are of the content
(names, types, values), not of the Parquet encoding.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factortrader.errors import BadInput
from factortrader_adapters.history.mapping import nearest

DESCRIPTION: Final = "dataset.json"
REPORT: Final = "import_report.json"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class TableFile(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file.

    content: sha256 of what it says; mapping, source: of what it was made from.
    """

    rows: int
    bytes: int
    content: str
    mapping_sha256: str
    source_sha256: str
    source_name: str


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """`dataset.json`. Times are closes in ns UTC; ends: reason → instruments."""

    format: int = 1
    name: str
    kind: str
    interval_ns: int
    quote: str
    fingerprint: str
    rows: int
    assets: int
    first_close_ns: int
    last_close_ns: int
    columns: tuple[str, ...]
    ends: dict[str, int]
    notes: tuple[str, ...]
    survivor_biased: bool = False
    tables: dict[str, TableFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset that was found complete."""

    folder: Path
    description: Description

    def table(self, name: str) -> Any:
        """The Arrow table; raises BadInput where the file is torn."""
        path = self.folder / f"{name}.parquet"
        try:
            return pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise _torn(path, str(error).splitlines()[0]) from error

    def has(self, name: str) -> bool:
        return name in self.description.tables


def open_dataset(store: Path, name: str) -> Dataset:
    """The dataset under this name; raises BadInput where it is not there or torn."""
    folder = store / checked_name(name)
    if not (folder / DESCRIPTION).is_file():
        raise _absent(store, name)
    try:
        text = (folder / DESCRIPTION).read_bytes()
        description = msgspec.json.decode(text, type=Description)
    except (OSError, msgspec.DecodeError) as error:
        raise _torn(folder / DESCRIPTION, str(error)) from error
    for table, file in description.tables.items():
        path = folder / f"{table}.parquet"
        size = path.stat().st_size if path.is_file() else None
        if size != file.bytes:
            why = "is missing" if size is None else f"has {size:,} bytes"
            raise _torn(path, f"it {why}; it was written with {file.bytes:,}")
    return Dataset(folder=folder, description=description)


def dataset_names(store: Path) -> list[str]:
    """Names of what lies in the store, sorted."""
    if not store.is_dir():
        return []
    return sorted(
        entry.name
        for entry in store.iterdir()
        if not entry.name.startswith(".") and (entry / DESCRIPTION).is_file()
    )


def checked_name(name: str) -> str:
    """The name, if it can be a folder's; raises BadInput otherwise."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot name a dataset",
            code="dataset_name",
            remedy="use letters, digits, '_', '-' and '.', beginning with a letter"
            " or digit",
        )
    return name


def _absent(store: Path, name: str) -> BadInput:
    names = dataset_names(store)
    aside = _aside(store, name)
    if aside.is_dir():
        remedy = f"an import was cut off while replacing it: rename {aside} to {name}"
    else:
        remedy = "import it with 'factortrader data import FILE --mapping M --name N'"
    return BadInput(
        f"the store has no dataset {name!r}",
        code="unknown_dataset",
        where=str(store),
        why=nearest(name, names)
        if names
        else "the store is empty"
        if store.is_dir()
        else "there is no such folder",
        remedy=remedy,
    )


def _torn(path: Path, why: str) -> BadInput:
    return BadInput(
        "the dataset is not as it was written",
        code="torn_dataset",
        where=str(path),
        why=why,
        remedy="import it again with --replace",
    )


def _aside(store: Path, name: str) -> Path:
    return store / f".{name}.replaced"


@contextmanager
def replacing(store: Path, name: str) -> Iterator[Path]:
    """A fresh folder that becomes the dataset when the block ends well.

    On any error, Ctrl-C included, nothing remains of it and an older dataset of the
    name is untouched.
    """
    final, aside = store / checked_name(name), _aside(store, name)
    fresh = store / f".{name}.{os.getpid()}.partial"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        yield fresh
        sync(fresh)
        shutil.rmtree(aside, ignore_errors=True)
        if final.exists():
            final.rename(aside)
        try:
            fresh.rename(final)
        except BaseException:
            if aside.exists():
                aside.rename(final)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise BadInput(
            "the dataset cannot be written",
            code="store_unwritable",
            where=str(final),
            why=error.strerror or str(error),
            remedy="name another folder with --store",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def sync(folder: Path) -> None:
    """Everything in the folder is on the disk: its name may now say that it is."""
    for path in (*folder.rglob("*"), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_table(folder: Path, name: str, table: Any) -> int:
    """Write `<name>.parquet` (zstd); returns its bytes."""
    path = folder / f"{name}.parquet"
    pq.write_table(table, path, compression="zstd")
    return path.stat().st_size


def content_digest(table: Any) -> str:
    """sha256 over names, types and values, in row order; nulls are one value."""
    digest = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        digest.update(f"{name}:{len(column)}".encode())
        valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
        digest.update(np.packbits(valid).tobytes())
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type):
            digest.update("\0".join(column.fill_null("").to_pylist()).encode())
        else:
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.int64())
            elif pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            values = column.fill_null(0).to_numpy(zero_copy_only=False)
            digest.update(str(values.dtype).encode() + values.tobytes())
    return digest.hexdigest()


def fingerprint(*, kind: str, interval_ns: int, tables: Mapping[str, TableFile]) -> str:
    """sha256 of the content: the same data has the same one wherever it lies."""
    parts = [f"{kind} {interval_ns}"]
    parts += [f"{name} {tables[name].content}" for name in sorted(tables)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
