"""Funding, trading rules and corporate actions, attached to a dataset of bars.

Each is stored under the stable ids of the dataset. A payment or an action belongs to
the life during which it happened; a rule to every life that was not over by then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import numpy as np
import pyarrow as pa

from factortrader.errors import BadInput
from factortrader.units import exact_decimal, format_time
from factortrader_adapters.history.findings import (
    EXAMPLES,
    Finding,
    found,
    refuse_if_strict,
)
from factortrader_adapters.history.importing import (
    MOMENT,
    ImportReport,
    ImportRequest,
    table_file,
    write_json,
)
from factortrader_adapters.history.mapping import FileMapping
from factortrader_adapters.history.reading import Rows, read_rows
from factortrader_adapters.history.resolving import resolve
from factortrader_adapters.history.store import (
    DESCRIPTION,
    REPORT,
    Dataset,
    fingerprint,
    open_dataset,
    replacing,
    write_table,
)

Owner = tuple[int, str]
"""Row of the file, and the stable id that it concerns."""


def attach(request: ImportRequest) -> ImportReport:
    """Add the table to the dataset `name`.

    Raises BadInput where that is not there, has such a table already (unless
    `replace`), or shares no asset with the file.
    """
    mapping, where = request.mapping.mapping, str(request.source)
    dataset = open_dataset(request.store, request.name)
    if dataset.has(mapping.kind) and not request.replace:
        raise BadInput(
            f"the dataset {request.name!r} has {mapping.kind} already",
            code="dataset_exists",
            where=str(dataset.folder),
            remedy="give --replace to put this file in their place",
        )
    raw = read_rows(request.source, mapping)
    resolved = resolve(raw, mapping, where=where)
    refuse_if_strict(resolved.findings, strict=request.strict, where=where)
    rows = resolved.rows
    owners, findings = _owners(rows, dataset, mapping)
    if not owners:
        raise BadInput(
            f"no row of the file concerns an asset of {request.name!r}",
            code="empty_import",
            where=where,
            why="\n  ".join(str(finding) for finding in findings),
        )
    table = _TABLES[mapping.kind](rows, owners, mapping=mapping, where=where)
    report = ImportReport(
        dataset=request.name,
        table=mapping.kind,
        source_name=request.source.name,
        rows_read=len(raw),
        rows_kept=table.num_rows,
        assets=len({asset for _, asset in owners}),
        first=format_time(_bound(table, 0)),
        last=format_time(_bound(table, -1)),
        findings=(*resolved.findings, *findings),
        notes=mapping.notes,
        fingerprint="",
    )
    return _write(request, dataset, table=table, report=report)


def _bound(table: Any, row: int) -> int:
    return int(table["time"].cast(pa.int64())[row].as_py())


def _owners(
    rows: Rows, dataset: Dataset, mapping: FileMapping
) -> tuple[list[Owner], tuple[Finding, ...]]:
    """Who each row concerns, in the order of the rows; and whom the rest did."""
    lives: dict[str, list[tuple[str, int, int]]] = {}
    table = dataset.table("instruments")
    listed = table["listed"].cast(pa.int64()).to_pylist()
    ended = table["ended"].cast(pa.int64()).to_pylist()
    names = table["asset"].to_pylist()
    for name, first, last in zip(names, listed, ended, strict=True):
        opened = first - dataset.description.interval_ns
        lives.setdefault(name.partition("#")[0], []).append((name, opened, last))
    any_later = mapping.kind == "rules"
    owners = []
    outside = np.zeros(len(rows), dtype=np.bool_)
    for index in range(len(rows)):
        time_ns = int(rows.time_ns[index])
        for name, opened, last in lives.get(rows.assets.at(index), ()):
            if time_ns <= last and (any_later or time_ns >= opened):
                owners.append((index, name))
    known = np.array([name in lives for name in rows.assets.names])[rows.assets.codes]
    outside[:] = known
    outside[[index for index, _ in owners]] = False
    strangers = sorted(set(rows.assets.names) - set(lives))
    findings = found(
        "outside_life",
        outside,
        rule="rows lie outside the life of their asset and were left out",
        describe=rows.place,
        resolved=False,
    )
    if strangers:
        findings += (
            Finding(
                code="unknown_assets",
                count=len(strangers),
                rule="assets of the file are not in this dataset and were left out",
                resolved=False,
                examples=tuple(strangers[:EXAMPLES]),
            ),
        )
    return owners, findings


def _funding(
    rows: Rows, owners: Sequence[Owner], *, mapping: FileMapping, where: str
) -> Any:
    del mapping, where
    picks = [index for index, _ in owners]
    return _table(rows, owners, {"rate": pa.array(rows.numbers["rate"][picks])})


def _rules(
    rows: Rows, owners: Sequence[Owner], *, mapping: FileMapping, where: str
) -> Any:
    columns: dict[str, Any] = {}
    for name in ("tick", "lot", "min_notional"):
        columns[name] = pa.array(
            [_decimal(rows, index, name, where=where) for index, _ in owners],
            type=pa.string(),
        )
    status = rows.texts.get("status")
    columns["tradable"] = pa.array(
        [
            status is None or status.at(index) in mapping.tradable_status
            for index, _ in owners
        ]
    )
    return _table(rows, owners, columns)


def _decimal(rows: Rows, index: int, name: str, *, where: str) -> str | None:
    """The exact decimal as the vendor wrote it; None where absent or 0 (= no rule)."""
    text = rows.texts[name].at(index) if name in rows.texts else ""
    if not text:
        return None
    try:
        number = exact_decimal(text)
    except ValueError as error:
        raise BadInput(
            f"{name} is no number", code="rule_value", where=where, why=str(error)
        ) from error
    if number < 0:
        raise BadInput(
            f"{name} is negative: {text}",
            code="rule_value",
            where=f"{where}, {rows.place(index)}",
        )
    return text if number else None


def _actions(
    rows: Rows, owners: Sequence[Owner], *, mapping: FileMapping, where: str
) -> Any:
    del mapping
    return _table(
        rows,
        owners,
        {
            name: pa.array(
                [_whole(rows, index, name, where=where) for index, _ in owners]
            )
            for name in ("numerator", "denominator")
        },
    )


def _whole(rows: Rows, index: int, name: str, *, where: str) -> int:
    text = rows.texts[name].at(index)
    if not text.isdigit() or int(text) == 0:
        raise BadInput(
            f"{name} must be a whole number above 0, got {text!r}",
            code="action_ratio",
            where=f"{where}, {rows.place(index)}",
        )
    return int(text)


class _Maker(Protocol):
    def __call__(
        self, rows: Rows, owners: Sequence[Owner], *, mapping: FileMapping, where: str
    ) -> Any: ...


_TABLES: Final[Mapping[str, _Maker]] = {
    "funding": _funding,
    "rules": _rules,
    "actions": _actions,
}


def _table(rows: Rows, owners: Sequence[Owner], columns: dict[str, Any]) -> Any:
    """Sorted by time, then asset."""
    times = rows.time_ns[[index for index, _ in owners]]
    table = pa.table(
        {
            "time": pa.array(times).cast(MOMENT),
            "asset": [asset for _, asset in owners],
            **columns,
        }
    )
    return table.sort_by([("time", "ascending"), ("asset", "ascending")])


def _write(
    request: ImportRequest, dataset: Dataset, *, table: Any, report: ImportReport
) -> ImportReport:
    kind, old = request.mapping.mapping.kind, dataset.description
    tables = {**old.tables, kind: table_file(request, table)}
    print_ = fingerprint(kind=old.kind, interval_ns=old.interval_ns, tables=tables)
    report = msgspec.structs.replace(report, fingerprint=print_)
    reports = msgspec.json.decode((dataset.folder / REPORT).read_bytes())
    notes = (*old.notes, *(f"{kind}: {note}" for note in report.notes))
    with replacing(request.store, request.name) as folder:
        _link(dataset.folder, folder, without=f"{kind}.parquet")
        size = write_table(folder, kind, table)
        tables[kind] = msgspec.structs.replace(tables[kind], bytes=size)
        write_json(folder / REPORT, {**reports, kind: report})
        write_json(
            folder / DESCRIPTION,
            msgspec.structs.replace(
                old, fingerprint=print_, tables=tables, notes=notes
            ),
        )
    return report


def _link(old: Path, new: Path, *, without: str) -> None:
    """The unchanged files of a dataset, shared where the disk can."""
    for path in sorted(old.rglob("*")):
        target = new / path.relative_to(old)
        if path.name in {DESCRIPTION, REPORT, without}:
            continue
        if path.is_dir():
            target.mkdir()
            continue
        try:
            os.link(path, target)
        except OSError:
            shutil.copy2(path, target)
