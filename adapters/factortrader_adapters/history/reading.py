"""A vendor's CSV or Parquet file → typed rows, nothing resolved yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factortrader.errors import BadInput
from factortrader.units import FloatArray, IntArray, format_time
from factortrader_adapters.history.mapping import (
    NUMBERS,
    TEXTS,
    FileMapping,
    FilterValue,
    nearest,
)
from factortrader_adapters.history.stamps import MISSING, read_stamps

_NO_NUMBER: Final = re.compile(
    r"CSV column #(?P<column>\d+): .*to double: invalid value '(?P<value>.*)'"
)
"""What Arrow says of a cell; its columns are numbered from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A column of text as codes into its names; −1 = missing."""

    names: tuple[str, ...]
    codes: IntArray

    def at(self, index: int) -> str:
        code = int(self.codes[index])
        return self.names[code] if code >= 0 else ""

    def take(self, rows: NDArray[Any]) -> Labels:
        return replace(self, codes=self.codes[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of the file, each array of shape (rows,).

    time_ns: the vendor's stamp, UTC; MISSING where null. file_row: 1 = first row
    under the header, before any filter. numbers: NaN where null.
    """

    assets: Labels
    time_ns: IntArray
    file_row: IntArray
    numbers: Mapping[str, FloatArray]
    texts: Mapping[str, Labels]

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def tickers(self) -> Labels:
        """What the venue calls the assets; their ids where nothing else is given."""
        return self.texts.get("ticker", self.assets)

    def take(self, rows: NDArray[Any]) -> Rows:
        """The rows at these indices, or where the mask is true."""
        return Rows(
            assets=self.assets.take(rows),
            time_ns=self.time_ns[rows],
            file_row=self.file_row[rows],
            numbers={name: values[rows] for name, values in self.numbers.items()},
            texts={name: labels.take(rows) for name, labels in self.texts.items()},
        )

    def place(self, index: int) -> str:
        """The row as a reader of the file would find it."""
        stamp = int(self.time_ns[index])
        when = "no stamp" if stamp == MISSING else format_time(stamp)
        asset = self.assets.at(index) or "no asset"
        return f"{asset} {when} (row {int(self.file_row[index])})"


def read_rows(path: Path, mapping: FileMapping) -> Rows:
    """The mapped columns of the rows that pass the filter.

    Raises BadInput where the file cannot be read, lacks a column, or where a column
    has another type than its field.
    """
    table = read_columns(
        path,
        numbers=_mapped(mapping, NUMBERS[mapping.kind]),
        texts=_mapped(mapping, ("time", "asset", *TEXTS[mapping.kind])),
        others=tuple(mapping.filter),
        delimiter=mapping.delimiter,
    )
    file_row = np.arange(1, table.num_rows + 1, dtype=np.int64)
    if mapping.filter:
        kept = _passing(table, mapping.filter, where=str(path))
        table, file_row = table.filter(pa.array(kept)), file_row[kept]
    columns = mapping.columns
    where = f"{path}, column {columns['time']!r}"
    return Rows(
        assets=labels_of(table[columns["asset"]]),
        time_ns=read_stamps(
            table[columns["time"]],
            zone=mapping.zone,
            unit=mapping.stamp_unit,
            where=where,
            file_row=file_row,
        ),
        file_row=file_row,
        numbers={
            name: _floats(table[columns[name]], where=f"{path}, {columns[name]!r}")
            for name in NUMBERS[mapping.kind]
            if name in columns
        },
        texts={
            name: labels_of(table[columns[name]])
            for name in TEXTS[mapping.kind]
            if name in columns
        },
    )


def column_names(path: Path) -> list[str]:
    """The file's columns."""
    with _readable(path):
        if _is_parquet(path):
            names: list[str] = pq.read_schema(path).names
            return names
        with pacsv.open_csv(path) as reader:
            return list(reader.schema.names)


def _mapped(mapping: FileMapping, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mapping.columns[name] for name in names if name in mapping.columns)


def read_columns(
    path: Path,
    *,
    numbers: tuple[str, ...],
    texts: tuple[str, ...],
    others: tuple[str, ...] = (),
    delimiter: str = ",",
) -> Any:
    """These columns as an Arrow table.

    Parquet keeps its types. Of CSV, `others` get the type they look like.
    """
    wanted = list(dict.fromkeys((*numbers, *texts, *others)))
    with _readable(path):
        if _is_parquet(path):
            _require(wanted, pq.read_schema(path).names, where=str(path))
            return pq.read_table(path, columns=wanted)
        return _read_csv(
            path, wanted, numbers=numbers, texts=texts, delimiter=delimiter
        )


def _is_parquet(path: Path) -> bool:
    """Parquet or not CSV either: then raises BadInput."""
    if path.suffix in {".parquet", ".pq"}:
        return True
    if ".csv" in path.suffixes[-2:]:
        return False
    raise BadInput(
        f"files of type {path.suffix or 'unknown'!r} cannot be imported",
        code="file_type",
        where=str(path),
        remedy="give a .csv, .csv.gz or .parquet file",
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what the readers raise about the file into BadInput."""
    try:
        yield
    except FileNotFoundError as error:
        raise BadInput(
            "no such file",
            code="file_missing",
            where=str(path),
            remedy="check the path",
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise BadInput(
            "the file cannot be read",
            code="file_unreadable",
            where=str(path),
            why=str(error).splitlines()[0],
            remedy="fetch it again, or mend the row",
        ) from error


def _read_csv(
    path: Path,
    wanted: list[str],
    *,
    numbers: tuple[str, ...],
    texts: tuple[str, ...],
    delimiter: str,
) -> Any:
    parse = pacsv.ParseOptions(delimiter=delimiter)
    with pacsv.open_csv(path, parse_options=parse) as reader:
        names = reader.schema.names
    _require(wanted, names, where=str(path))

    def read(columns: Sequence[str], types: Mapping[str, Any]) -> Any:
        convert = pacsv.ConvertOptions(include_columns=columns, column_types=types)
        return pacsv.read_csv(path, parse_options=parse, convert_options=convert)

    types = dict.fromkeys(numbers, pa.float64()) | dict.fromkeys(texts, pa.string())
    try:
        return read(wanted, types)
    except pa.ArrowInvalid as error:
        said = _NO_NUMBER.search(str(error))
        if said is None:
            raise
        name = names[int(said["column"])]
        column = read([name], {name: pa.string()})[name]
        row = pc.index(column, said["value"]).as_py() + 1
        raise BadInput(
            f"{said['value']!r} is no number",
            code="file_value",
            where=f"{path}, column {name!r}, row {row}",
            why="numbers are written with a decimal point and no thousands separator",
            remedy="mend the row; an empty cell is a missing value",
        ) from error


def _require(wanted: list[str], have: list[str], *, where: str) -> None:
    lacking = [name for name in wanted if name not in have]
    if lacking:
        raise BadInput(
            f"the file has no column {', '.join(map(repr, lacking))}",
            code="unknown_column",
            where=where,
            why="; ".join(f"{name!r}: {nearest(name, have)}" for name in lacking),
            remedy="correct the mapping's [columns], [filter] or delimiter",
        )


def _passing(
    table: Any,
    wanted: Mapping[str, FilterValue | list[FilterValue]],
    *,
    where: str,
) -> NDArray[np.bool_]:
    kept = np.ones(table.num_rows, dtype=np.bool_)
    for name, value in wanted.items():
        values = value if isinstance(value, list) else [value]
        column = table[name]
        try:
            allowed = pa.array(values).cast(column.type)
        except pa.ArrowException as error:
            raise BadInput(
                f"the filter on {name!r} does not fit the column's type {column.type}",
                code="filter_type",
                where=where,
                why=str(error).splitlines()[0],
            ) from error
        kept &= pc.is_in(column, value_set=allowed).to_numpy()
    return kept


def labels_of(column: Any) -> Labels:
    """The text column as labels; null and "" are missing."""
    texts = column.cast(pa.string())
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    coded = pc.dictionary_encode(texts)
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    return Labels(
        names=tuple(coded.dictionary.to_pylist()), codes=codes.astype(np.int64)
    )


def _floats(column: Any, *, where: str) -> FloatArray:
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowException as error:
        raise BadInput(
            f"the column holds {column.type}, and numbers are needed",
            code="column_type",
            where=where,
            why=str(error).splitlines()[0],
        ) from error
    values: FloatArray = pc.fill_null(numbers, np.nan).to_numpy().astype(np.float64)
    return values
