"""`factortrader data import | list`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factortrader_adapters.history.importing import ImportReport
    from factortrader_adapters.history.store import Description

DEFAULT_STORE = "data/market"


class DataCommand:
    """Heavy libraries are loaded by the verb that needs them, never by `--help`."""

    name = "data"
    help = "import vendor files into the store, and list what it holds"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="data_verb", metavar="VERB", required=True)
        importing = verbs.add_parser(
            "import", help="make a dataset of a CSV or Parquet file"
        )
        importing.add_argument("file", metavar="FILE", type=Path)
        importing.add_argument(
            "--mapping", required=True, type=Path, help="TOML that describes the file"
        )
        importing.add_argument(
            "--name", required=True, help="the dataset to make or to attach to"
        )
        importing.add_argument(
            "--replace", action="store_true", help="replace what has this name"
        )
        importing.add_argument(
            "--strict",
            action="store_true",
            help="refuse a file that would need to be changed",
        )
        importing.add_argument(
            "--instruments",
            type=Path,
            help="table of lives: asset or ticker, listed, ended, reason",
        )
        listing = verbs.add_parser("list", help="show the datasets of the store")
        for verb in (importing, listing):
            verb.add_argument("--store", type=Path, default=Path(DEFAULT_STORE))
            verb.add_argument("--json", action="store_true", help="print JSON")

    def run(self, arguments: argparse.Namespace) -> int:
        """Exit code; raises FactortraderError for what cannot be done."""
        if arguments.data_verb == "import":
            return _import(arguments)
        return _list(arguments)


COMMAND = DataCommand()


def _import(arguments: argparse.Namespace) -> int:
    from factortrader_adapters.history.attaching import attach
    from factortrader_adapters.history.importing import ImportRequest, import_bars
    from factortrader_adapters.history.mapping import read_mapping

    request = ImportRequest(
        source=arguments.file,
        mapping=read_mapping(arguments.mapping),
        name=arguments.name,
        store=arguments.store,
        replace=arguments.replace,
        strict=arguments.strict,
        instruments=arguments.instruments,
    )
    bars = request.mapping.mapping.kind == "bars"
    report = import_bars(request) if bars else attach(request)
    _say(_json(report) if arguments.json else _told(report))
    return 0


def _told(report: ImportReport) -> str:
    head = (
        f"{report.dataset}: {report.table} of {report.assets:,} instruments,"
        f" {report.rows_kept:,} rows kept of {report.rows_read:,},"
        f" {report.first} to {report.last}"
    )
    lines = [head]
    for finding in report.findings:
        lines.append(f"  {finding.count:>9,}  {finding.rule}")
        if finding.examples:
            lines.append(f"{'':13}e.g. {'; '.join(finding.examples)}")
    lines += [f"  note: {note}" for note in report.notes if _own(note)]
    lines.append(f"  fingerprint {report.fingerprint}")
    return "\n".join(lines)


def _own(note: str) -> bool:
    """Not one of the findings, which are listed already."""
    return not note.startswith("import: ")


def _list(arguments: argparse.Namespace) -> int:
    from factortrader_adapters.history.store import dataset_names, open_dataset

    found = [
        open_dataset(arguments.store, name).description
        for name in dataset_names(arguments.store)
    ]
    if arguments.json:
        _say(_json([_listed(description) for description in found]))
    elif found:
        _say(_columns([list(_listed(description).items()) for description in found]))
    else:
        _say(f"{arguments.store} holds no dataset")
    return 0


def _listed(description: Description) -> dict[str, Any]:
    from factortrader.units import format_interval, format_time

    return {
        "name": description.name,
        "kind": description.kind,
        "interval": format_interval(description.interval_ns),
        "rows": description.rows,
        "assets": description.assets,
        "first": format_time(description.first_close_ns),
        "last": format_time(description.last_close_ns),
        "tables": sorted(description.tables),
        "ends": description.ends,
        "fingerprint": description.fingerprint,
    }


def _columns(rows: Sequence[Sequence[tuple[str, Any]]]) -> str:
    """Aligned text, the keys as its head; fingerprints by their first digits."""
    head = [key for key, _ in rows[0]]
    body = [[_cell(key, value) for key, value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in (head, *body)
    )


def _cell(key: str, value: Any) -> str:
    if key == "fingerprint":
        return str(value)[:12]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{count} {reason}" for reason, count in value.items())
    if isinstance(value, list):
        return ",".join(value)
    return str(value)


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
