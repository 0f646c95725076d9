"""`data import`: one vendor file becomes a dataset, or a table attached to one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from factortrader.errors import BadInput
from factortrader.units import format_time
from factortrader_adapters.history.cube import cube_of, write_cube
from factortrader_adapters.history.findings import Finding, refuse_if_strict
from factortrader_adapters.history.lives import Life, split_lives
from factortrader_adapters.history.mapping import (
    AMOUNTS,
    PRICES,
    FileMapping,
    InstrumentMapping,
    MappingFile,
)
from factortrader_adapters.history.overrides import (
    by_asset,
    read_overrides,
    without_unlisted,
)
from factortrader_adapters.history.reading import Rows, read_rows
from factortrader_adapters.history.resolving import resolve
from factortrader_adapters.history.store import (
    DESCRIPTION,
    REPORT,
    Description,
    TableFile,
    checked_name,
    content_digest,
    file_digest,
    fingerprint,
    replacing,
    write_table,
)

MOMENT: Final = pa.timestamp("ns", tz="UTC")
ATTACHED: Final = ("funding", "rules", "actions")


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one import read, found, did and left (`import_report.json`)."""

    dataset: str
    table: str
    source_name: str
    rows_read: int
    rows_kept: int
    assets: int
    first: str
    last: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """The arguments of `data import`."""

    source: Path
    mapping: MappingFile
    name: str
    store: Path
    replace: bool = False
    strict: bool = False
    instruments: Path | None = None


def import_bars(request: ImportRequest) -> ImportReport:
    """Make a dataset of a file of bars, replacing one only where asked to.

    Raises BadInput, and leaves the store as it was, for anything that cannot be used.
    """
    dropped = _replaced(request)
    mapping, where = request.mapping.mapping, str(request.source)
    raw = read_rows(request.source, mapping)
    spec = _instruments_of(mapping)
    resolved = resolve(raw, mapping, where=where)
    rows, findings = resolved.rows, resolved.findings
    refuse_if_strict(findings, strict=request.strict, where=where)
    overrides, more = by_asset(
        read_overrides(request.instruments) if request.instruments else (),
        rows,
        where=str(request.instruments),
    )
    rows, early = without_unlisted(rows, overrides, where=where)
    lives = split_lives(rows, overrides, interval_ns=mapping.interval_ns, where=where)
    findings = (
        *dropped,
        *findings,
        *more,
        *early,
        *lives.findings,
        *_outages(rows, mapping),
    )
    tables = {
        "bars": _bars_table(rows, lives.lives),
        "instruments": _instruments_table(rows, lives.lives, spec),
    }
    notes = (*_notes(rows, findings), *mapping.notes)
    description = _describe(request, tables, lives=lives.lives, notes=notes)
    report = ImportReport(
        dataset=request.name,
        table="bars",
        source_name=request.source.name,
        rows_read=len(raw),
        rows_kept=len(rows),
        assets=len(lives.lives),
        first=format_time(description.first_close_ns),
        last=format_time(description.last_close_ns),
        findings=findings,
        notes=notes,
        fingerprint=description.fingerprint,
    )
    _write(request, tables, description=description, report=report)
    return report


def _replaced(request: ImportRequest) -> tuple[Finding, ...]:
    """What goes with a dataset that is replaced; refuses to replace one unasked."""
    folder = request.store / checked_name(request.name)
    if not folder.exists():
        return ()
    if not request.replace:
        raise BadInput(
            f"the dataset {request.name!r} is there already",
            code="dataset_exists",
            where=str(folder),
            remedy="give another --name, or --replace to put this one in its place",
        )
    attached = [name for name in ATTACHED if (folder / f"{name}.parquet").exists()]
    if not attached:
        return ()
    return (
        Finding(
            code="attachments_dropped",
            count=len(attached),
            rule="tables were attached to the dataset that this one replaces;"
            " import them again",
            resolved=False,
            examples=tuple(attached),
        ),
    )


def _instruments_of(mapping: FileMapping) -> InstrumentMapping:
    assert mapping.instruments is not None  # the mapping of bars was checked for it
    return mapping.instruments


def _bars_table(rows: Rows, lives: Sequence[Life]) -> Any:
    """Long, in order of listing: a longer download appends."""
    order = sorted(range(len(lives)), key=lambda at: _listing(lives[at]))
    picks = np.concatenate([np.arange(lives[at].start, lives[at].stop) for at in order])
    codes = np.repeat(
        np.arange(len(order)), [lives[at].stop - lives[at].start for at in order]
    )
    columns = {
        "time": pa.array(rows.time_ns[picks]).cast(MOMENT),
        "asset": pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32)), [lives[at].asset for at in order]
        ),
    }
    for name in (*PRICES, *AMOUNTS):
        if name in rows.numbers:
            columns[name] = pa.array(rows.numbers[name][picks], from_pandas=True)
    return pa.table(columns)


def _listing(life: Life) -> tuple[int, str]:
    return life.listed_ns, life.asset


def _instruments_table(
    rows: Rows, lives: Sequence[Life], spec: InstrumentMapping
) -> Any:
    ordered = sorted(lives, key=_listing)
    tickers = rows.tickers
    spoken = [tickers.at(life.stop - 1) or life.vendor_asset for life in ordered]
    count = len(ordered)
    return pa.table(
        {
            "asset": [life.asset for life in ordered],
            "ticker": spoken,
            "base": [spec.base_of(ticker) for ticker in spoken],
            "quote": [spec.quote] * count,
            "kind": [spec.kind] * count,
            "multiplier": [spec.multiplier] * count,
            "initial_margin": [spec.initial_margin] * count,
            "maintenance_margin": [spec.maintenance_margin] * count,
            "listed": pa.array([life.listed_ns for life in ordered]).cast(MOMENT),
            "ended": pa.array([life.ended_ns for life in ordered]).cast(MOMENT),
            "end_reason": [str(life.end_reason) for life in ordered],
        }
    )


def _outages(rows: Rows, mapping: FileMapping) -> tuple[Finding, ...]:
    """Bars that no asset of the file has, between its first and its last."""
    interval_ns = mapping.interval_ns
    times = np.unique(rows.time_ns)
    steps = np.diff(times) // interval_ns - 1
    missing = int(steps.sum())
    if not missing:
        return ()
    starts = times[:-1][steps > 0]
    return (
        Finding(
            code="file_outages",
            count=missing,
            rule=f"bars of {mapping.interval} exist for no asset (outages of the venue"
            " or of the recorder); the panel has no row there",
            resolved=False,
            examples=tuple(f"after {format_time(int(start))}" for start in starts[:3]),
        ),
    )


def _notes(rows: Rows, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What every report on this data must say."""
    notes = []
    if "open" not in rows.numbers:
        notes.append("no open prices in this data: orders fill at the next close")
    if "volume" not in rows.numbers:
        notes.append("no volume in this data: fills are not capped by participation")
    notes += [f"import: {finding}" for finding in findings]
    return tuple(notes)


def _describe(
    request: ImportRequest,
    tables: dict[str, Any],
    *,
    lives: Sequence[Life],
    notes: tuple[str, ...],
) -> Description:
    mapping = request.mapping.mapping
    spec = _instruments_of(mapping)
    files = {name: table_file(request, table) for name, table in tables.items()}
    return Description(
        name=request.name,
        kind=spec.kind,
        interval_ns=mapping.interval_ns,
        quote=spec.quote,
        fingerprint=fingerprint(
            kind=spec.kind, interval_ns=mapping.interval_ns, tables=files
        ),
        rows=tables["bars"].num_rows,
        assets=len(lives),
        first_close_ns=min(life.listed_ns for life in lives),
        last_close_ns=max(life.ended_ns for life in lives),
        columns=tuple(tables["bars"].column_names[2:]),
        ends=dict(sorted(Counter(str(life.end_reason) for life in lives).items())),
        notes=notes,
        survivor_biased=mapping.survivor_biased,
        tables=files,
    )


def table_file(request: ImportRequest, table: Any) -> TableFile:
    """What will be known of the table's file; its size once it is written."""
    return TableFile(
        rows=table.num_rows,
        bytes=0,
        content=content_digest(table),
        mapping_sha256=request.mapping.digest,
        source_sha256=file_digest(request.source),
        source_name=request.source.name,
    )


def _write(
    request: ImportRequest,
    tables: dict[str, Any],
    *,
    description: Description,
    report: ImportReport,
) -> None:
    with replacing(request.store, request.name) as folder:
        files = {
            name: msgspec.structs.replace(
                description.tables[name], bytes=write_table(folder, name, table)
            )
            for name, table in tables.items()
        }
        write_cube(folder, cube_of(tables["bars"]), content=files["bars"].content)
        write_json(folder / REPORT, {"bars": report})
        write_json(
            folder / DESCRIPTION, msgspec.structs.replace(description, tables=files)
        )


def write_json(path: Path, value: Any) -> None:
    """Indented JSON, for people and programs."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
