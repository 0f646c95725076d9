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
_AT_LINE: Final = re.compile(r"at line (\d+)")
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
        keys = [part.strip() for part in key.split(".")]
        if not mark or not all(keys):
            raise BadInput(
                f"--set wants section.key=value, got {override!r}",
                code="override",
                remedy='for example --set portfolio.top_n=10 or --set fund.name="x"',
            )
        tables = _merge(tables, _nest(keys, _value(text.strip())))
        places[".".join(keys)] = "--set"
    return Document(tables, places, path.parent, str(path))


def _read_layers(
    path: Path, *, seen: tuple[Path, ...]
) -> tuple[dict[str, Any], dict[str, str]]:
    """seen: the files that led here by `extends`."""
    text = _text(path, seen[-1] if seen else None)
    tables = parse_toml(text, where=str(path))
    places = key_places(text, path.name)
    base = tables.pop("extends", None)
    if base is None:
        return tables, places
    where = str(path.parent / places.get("extends", path.name))
    if not isinstance(base, str):
        raise BadInput(
            f"extends must name a file, got {base!r}",
            code="extends",
            where=where,
            remedy='write it like extends = "base.toml"',
        )
    below = path.parent / base
    chain = (*seen, path)
    if below.resolve() in [each.resolve() for each in chain]:
        raise BadInput(
            "a configuration extends itself",
            code="extends",
            where=where,
            why=" extends ".join(each.name for each in (*chain, below)),
            remedy="let the base stand alone",
        )
    under, under_places = _read_layers(below, seen=chain)
    return _merge(under, tables), {**under_places, **places}


def _text(path: Path, extended_by: Path | None) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"the configuration that {extended_by} extends cannot be read"
            if extended_by
            else "the configuration cannot be read",
            code="no_configuration",
            where=str(path),
            why=getattr(error, "strerror", None) or str(error),
            remedy="name an existing TOML file; a base lies relative to what extends it"
            if extended_by
            else "name an existing TOML file",
        ) from error


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    """The tables of a TOML text; BadInput with the line where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _AT_LINE.search(str(error))
        raise BadInput(
            "this is no TOML",
            code="no_toml",
            where=f"{where}, line {line[1]}" if line else where,
            why=str(error),
            remedy='a section is [name], a key is name = value, text stands in "quotes"',
        ) from error


def key_places(text: str, name: str) -> dict[str, str]:
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
        elif isinstance(old, list) and isinstance(value, dict) and _at(value, old):
            entries = {str(at): entry for at, entry in enumerate(old)}
            merged[key] = list(_merge(entries, value).values())
        else:
            merged[key] = value
    return merged


def _at(value: Table, entries: Sequence[object]) -> bool:
    """Whether the keys number entries, as in `--set factor.0.weight=0.5`."""
    numbers = {str(at) for at in range(len(entries))}
    return bool(value) and numbers.issuperset(value)


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
