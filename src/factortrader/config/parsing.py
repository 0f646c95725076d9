"""A table into a frozen settings class: every problem at once, each with its line.

Each component owns its settings class; nothing here knows any of them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from factortrader.errors import BadConfiguration, BadInput

T = TypeVar("T")


@dataclass(slots=True)
class Problems:
    """What is wrong so far, and where each key was written."""

    places: Mapping[str, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def add(self, path: str, text: str) -> None:
        """Note a problem at a dotted path such as "costs.taker_bps"."""
        place = self.places.get(path)
        probe = path
        while place is None and "." in probe:
            probe = probe.rpartition(".")[0]
            place = self.places.get(probe)
        self.found.append(f"{path}{f' ({place})' if place else ''}: {text}")

    def raise_if_any(self, where: str) -> None:
        if self.found:
            raise BadConfiguration(self.found, where=where)


def parse(
    kind: type[T],
    table: object,
    *,
    path: str,
    problems: Problems,
    given: Mapping[str, Any] | None = None,
) -> T | None:
    """The table as an instance of a frozen dataclass; None where a problem was noted.

    given: fields that are built elsewhere and are no keys of the table.

    Unknown keys name the nearest known one; missing keys, wrong types and values out
    of range each say what is allowed.
    """
    if not isinstance(table, Mapping):
        problems.add(path, f"must be a table, got {_show(table)}")
        return None
    before = len(problems.found)
    hints = get_type_hints(kind, include_extras=True)
    built = given or {}
    known = {
        f.name: f
        for f in dataclasses.fields(kind)  # type: ignore[arg-type]
        if f.init and f.name not in built
    }
    for key in table:
        if key not in known:
            problems.add(f"{path}.{key}", f"unknown key{nearest(key, known)}")
    values: dict[str, Any] = dict(built)
    for name, spec in known.items():
        if name in table:
            values[name] = _convert(
                table[name], hints[name], path=f"{path}.{name}", problems=problems
            )
        elif (
            spec.default is dataclasses.MISSING
            and spec.default_factory is dataclasses.MISSING
        ):
            problems.add(f"{path}.{name}", f"is missing: {_allowed(hints[name])}")
    if len(problems.found) > before:
        return None
    try:
        return kind(**values)
    except (ValueError, BadInput) as error:
        problems.add(path, str(error))
        return None


def _convert(value: object, hint: Any, *, path: str, problems: Problems) -> Any:
    kind = _dataclass_of(hint)
    if kind is not None and isinstance(value, Mapping):
        return parse(kind, value, path=path, problems=problems)
    item = _item_dataclass_of(hint)
    if item is not None and isinstance(value, list):
        return tuple(
            parse(item, entry, path=f"{path}.{at}", problems=problems)
            for at, entry in enumerate(value)
        )
    if isinstance(value, date | datetime | time):
        value = value.isoformat()
    try:
        return msgspec.convert(value, hint, strict=True)
    except msgspec.ValidationError:
        problems.add(path, f"{_show(value)} is not allowed: {_allowed(hint)}")
        return None


def _dataclass_of(hint: Any) -> type[Any] | None:
    options = [hint, *get_args(hint)]
    return next(
        (o for o in options if isinstance(o, type) and dataclasses.is_dataclass(o)),
        None,
    )


def _item_dataclass_of(hint: Any) -> type[Any] | None:
    if get_origin(hint) is tuple:
        return _dataclass_of(get_args(hint)[0])
    return None


def nearest(name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    """A hint such as "; did you mean 'top_n'?", or what is known."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


_NAMES: Final[Mapping[Any, str]] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    type(None): "nothing",
}


def _allowed(hint: Any) -> str:
    """What a hint accepts, in words."""
    if get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        limits = [_range(mark) for mark in marks if isinstance(mark, msgspec.Meta)]
        return " ".join([_allowed(base), *filter(None, limits)])
    if hint in _NAMES:
        return _NAMES[hint]
    arguments = get_args(hint)
    if get_origin(hint) is not None and str(get_origin(hint)).endswith("Literal"):
        return "one of " + ", ".join(repr(a) for a in arguments)
    if get_origin(hint) is tuple:
        return f"a list of {_allowed(arguments[0])}"
    if arguments and get_origin(hint) is not dict and not isinstance(hint, type):
        return " or ".join(_allowed(a) for a in arguments if a is not type(None))
    if dataclasses.is_dataclass(hint):
        keys = ", ".join(f.name for f in dataclasses.fields(hint))
        return f"a table with {keys}"
    return getattr(hint, "__name__", str(hint))


def _range(mark: msgspec.Meta) -> str:
    parts = [
        f"{sign} {limit:g}"
        for sign, limit in (
            (">", mark.gt),
            ("≥", mark.ge),
            ("<", mark.lt),
            ("≤", mark.le),
        )
        if limit is not None
    ]
    if mark.pattern is not None:
        parts.append(f"matching {mark.pattern}")
    return " and ".join(parts)


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
