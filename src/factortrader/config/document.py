"""A configuration as it was written: files merged, and where each key stands.

`extends = "base.toml"` puts this file's tables over another's, key by key; `--set
section.key=value` puts one value over both. The raw table never leaves this package.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factortrader.errors import BadInput

Table = Mapping[str, Any]

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY: Final = re.compile(r"""^\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_.-]+))\s*=""")


@dataclass(frozen=True, slots=True)
class Document:
    """A merged configuration: its tables, and where each key was written."""

    tables: Table
    places: Mapping[str, str]
    folder: Path
    name: str


def read(path: Path, *, overrides: Sequence[str] = ()) -> Document:
    """The file, what it extends, and `key=value` overrides, merged.

    Raises BadInput where a file is missing or no TOML, or an override is malformed.
    """
    tables, places = _read_layers(path, seen=())
    for override in overrides:
        key, mark, text = override.partition("=")
        if not mark or not key.strip():
            raise BadInput(
                f"--set wants section.key=value, got {override!r}",
                code="override",
                remedy='for example --set portfolio.top_n=10 or --set fund.name="x"',
            )
        tables = _merge(tables, _nest(key.strip().split("."), _value(text.strip())))
        places[key.strip()] = "--set"
    return Document(tables, places, path.parent, str(path))


def _read_layers(
    path: Path, *, seen: tuple[Path, ...]
) -> tuple[dict[str, Any], dict[str, str]]:
    resolved = path.resolve()
    if resolved in seen:
        raise BadInput(
            "a configuration extends itself", code="extends", where=str(path)
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "the configuration cannot be read",
            code="no_configuration",
            where=str(path),
            why=str(error),
            remedy="name an existing TOML file",
        ) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(
            "this is no TOML", code="no_toml", where=str(path), why=str(error)
        ) from error
    places = _places(text, path.name)
    base = tables.pop("extends", None)
    if base is None:
        return tables, places
    if not isinstance(base, str):
        raise BadInput("extends names a file", code="extends", where=str(path))
    below, below_places = _read_layers(path.parent / base, seen=(*seen, resolved))
    return _merge(below, tables), {**below_places, **places}


def _places(text: str, name: str) -> dict[str, str]:
    """Dotted path → "file, line n", by a scan: tomllib keeps no positions."""
    places: dict[str, str] = {}
    counts: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            section = header[2].strip()
            if header[1] == "[[":
                counts[section] = counts.get(section, -1) + 1
                section = f"{section}.{counts[section]}"
            places.setdefault(section, f"{name}, line {number}")
            continue
        key = _KEY.match(line)
        if key:
            leaf = next(part for part in key.groups() if part)
            dotted = f"{section}.{leaf}" if section else leaf
            places.setdefault(dotted, f"{name}, line {number}")
    return places


def _merge(below: Table, above: Table) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _nest(keys: Sequence[str], value: Any) -> dict[str, Any]:
    nested: Any = value
    for key in reversed(keys):
        nested = {key: nested}
    table: dict[str, Any] = nested
    return table


def _value(text: str) -> Any:
    """A TOML value; bare words are text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
