"""The run folder, written whole or not at all (docs/run-folder.md)."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from factortrader.analytics.recorder import RunRecorder
from factortrader.analytics.results import RunFacts, RunResults
from factortrader.errors import BadInput
from factortrader.units import format_interval, to_float


def write_run(
    folder: Path,
    *,
    recorder: RunRecorder,
    facts: RunFacts,
    manifest: Mapping[str, Any],
    moved_in: Sequence[Path] = (),
    replace: bool = False,
) -> dict[str, float]:
    """Write everything that a run leaves behind, and return its summary.

    manifest: what the driver knows (run_id, command, versions, hashes, times); the
    facts, the capital and the stamps are added. moved_in: files that were written
    while the run ran (journal, log) and belong in the folder.

    The folder appears under its name in one rename. Raises BadInput where it exists
    already, unless `replace` and it is a run folder.
    """
    from factortrader.analytics.report import render_report
    from factortrader.analytics.summary import run_summary
    from factortrader.analytics.tables import run_tables

    refuse_existing(folder, replace=replace)
    results = RunResults(recorder, facts)
    summary = run_summary(results)
    whole_manifest = _manifest(results, manifest)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write_text(partial / "manifest.json", json_text(whole_manifest))
        _write_text(partial / "summary.json", json_text(summary))
        for name, table in run_tables(results).items():
            _write_parquet(partial / f"{name}.parquet", table)
        report = render_report(results, summary=summary, manifest=whole_manifest)
        _write_text(partial / "report.html", report)
        for file in moved_in:
            shutil.move(file, partial / file.name)
        _publish(partial, folder)
    except BaseException:
        _give_back(partial, moved_in)
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return summary


def json_text(value: Any) -> str:
    """Sorted keys, two spaces, NaN and infinities as null, decimals as text."""
    return (
        json.dumps(_jsonable(value), indent=2, sort_keys=True, ensure_ascii=False)
        + "\n"
    )


def _manifest(results: RunResults, manifest: Mapping[str, Any]) -> dict[str, Any]:
    facts = results.facts
    touched = {fill.asset for fill in results.movements.fills}
    touched |= {end.asset for end in results.movements.ends}
    return {
        **manifest,
        "fund": facts.fund,
        "quote": facts.quote,
        "capital": to_float(results.movements.capital),
        "interval": format_interval(facts.interval_ns),
        "benchmark": results.recorder.benchmark,
        "stamps": facts.stamps,
        "limits": facts.limits or {},
        "assumptions": facts.assumptions or {},
        "notes": facts.notes,
        "configuration": facts.configuration or {},
        "instruments": {
            asset: {
                "kind": each.kind,
                "base": each.base,
                "quote": each.quote,
                "multiplier": each.multiplier,
            }
            for asset, each in results.instruments.items()
            if asset in touched
        },
    }


def _jsonable(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _jsonable(each) for key, each in value.items()}
        case Enum():
            return value.value
        case Decimal():
            return f"{value:f}"
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
        case np.integer():
            return int(value)
        case None | str() | bool() | int():
            return value
        case Iterable():
            return [_jsonable(each) for each in value]
    return str(value)


def refuse_existing(folder: Path, *, replace: bool) -> None:
    """Raises BadInput where a run would be written over; replace: an older run may be."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if replace and (folder / "manifest.json").is_file():
        return
    raise BadInput(
        "the run folder exists already",
        code="run_exists",
        where=str(folder),
        why="a run is never written over" if not replace else "it holds no run",
        remedy="name another folder with --out, or --replace the run in this one"
        if (folder / "manifest.json").is_file()
        else "name another folder with --out",
    )


def _publish(partial: Path, folder: Path) -> None:
    """Put the finished folder in its place; an older one leaves first."""
    if not folder.exists():
        partial.rename(folder)
        return
    older = folder.with_name(f".{folder.name}.{os.getpid()}.older")
    shutil.rmtree(older, ignore_errors=True)
    folder.rename(older)
    partial.rename(folder)
    shutil.rmtree(older)


def _give_back(partial: Path, moved_in: Sequence[Path]) -> None:
    """A failed write leaves journal and log where they were."""
    for file in moved_in:
        taken = partial / file.name
        if taken.exists() and not file.exists():
            shutil.move(taken, file)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_parquet(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")
