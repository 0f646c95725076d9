"""A table into a frozen settings class: every problem at once, each with its line.

Each component owns its settings class; nothing here knows any of them.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import (
    Annotated,
    Any,
    Final,
    TypeGuard,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from factortrader.errors import BadConfiguration, BadInput

T = TypeVar("T")
_SHOWN: Final = 24
"""So many names of what is known are listed; of more only examples."""

_EXAMPLES: Final = 5

_LARGEST_FRACTION: Final = 10.0
"""A number that may be larger than this is no weight, share or rate a year."""


@dataclass(slots=True)
class Problems:
    """What is wrong so far, and where each key was written."""

    places: Mapping[str, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def add(self, path: str, text: str) -> None:
        """Note a problem at a dotted path such as "costs.taker_bps"."""
        place = self.place(path)
        self.found.append(f"{path}{f' ({place})' if place else ''}: {text}")

    def place(self, path: str) -> str:
        """Where the key, or what is nearest above it, was written; "" if nowhere.

        The first of several tables stands for a section that should be one.
        """
        probe = path
        while probe:
            for written in (probe, f"{probe}.0"):
                if written in self.places:
                    return self.places[written]
            probe = probe.rpartition(".")[0]
        return ""

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

    path: where the table stands; "" for a whole document.

    Unknown keys name the nearest known one; missing keys, wrong types and values out
    of range each say what is allowed. A class refuses values that do not fit together
    with ValueError; a refusal that begins with the name of a key stands at that key.
    """
    if not is_table(table, path=path, problems=problems):
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
            problems.add(_below(path, key), f"unknown key{nearest(key, known)}")
    values: dict[str, Any] = dict(built)
    for name, spec in known.items():
        if name in table:
            values[name] = _convert(
                table[name], hints[name], path=_below(path, name), problems=problems
            )
        elif _has_no_default(spec):
            problems.add(_below(path, name), f"is missing: {_allowed(hints[name])}")
    if len(problems.found) > before:
        return None
    try:
        return kind(**values)
    except BadInput as error:
        problems.add(path, error.sentence)
    except ValueError as error:
        key = str(error).partition(" ")[0]
        problems.add(_below(path, key) if key in known else path, str(error))
    return None


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def is_table(
    value: object, *, path: str, problems: Problems
) -> TypeGuard[Mapping[str, Any]]:
    """Whether the value is a table; a problem is noted where it is not."""
    if isinstance(value, Mapping):
        return True
    several = isinstance(value, list) and value and isinstance(value[0], Mapping)
    problems.add(
        path,
        f"is one table: write [{path}], not [[{path}]]"
        if several
        else f"must be a table [{path}], got {_show(value)}",
    )
    return False


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
        problems.add(
            path,
            f"{_show(value)} is not allowed: {_allowed(hint)}{_percent(value, hint)}",
        )
        return None


def _percent(value: object, hint: Any) -> str:
    """A hint where a fraction was written as percent."""
    if get_origin(hint) is not Annotated or not isinstance(value, int | float):
        return ""
    base, mark, *_ = get_args(hint)
    most = getattr(mark, "le", None)
    if base is not float or most is None or most > _LARGEST_FRACTION:
        return ""
    written = most < value <= 100.0 * most
    return f"; it is a fraction: {value:g} % is {value / 100.0:g}" if written else ""


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
    """A hint such as "; did you mean 'top_n'?", or what is known; case is forgiven."""
    by_lower = {each.lower(): each for each in reversed(list(known))}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    if close:
        return f"; did you mean {by_lower[close[0]]!r}?"
    names = sorted(known)
    if len(names) > _SHOWN:
        return f"; {len(names)} are known, such as {', '.join(names[:_EXAMPLES])}"
    return f"; known are {', '.join(names)}" if names else ""


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
    if get_origin(hint) is dict:
        return f"a table, each value {_allowed(arguments[1])}"
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
    if mark.min_length is not None:
        parts.append("and not empty")
    if mark.pattern is not None:
        parts.append(f"matching {mark.pattern}")
    return " and ".join(parts)


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
