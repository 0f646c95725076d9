"""Names into objects: adapters by entry point, strategies and factors by reference."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from factortrader.errors import BadInput


def entry_point(group: str, name: str) -> EntryPoint:
    """The entry point `name` of `factortrader.<group>`.

    Raises LookupError, naming what there is, where nothing has that name.
    """
    found = entry_points(group=f"factortrader.{group}")
    for point in found:
        if point.name == name:
            return point
    known = ", ".join(sorted(point.name for point in found)) or "none is installed"
    raise LookupError(f"no adapter {name!r} among the {group}: {known}")


def adapter(group: str, name: str) -> Any:
    """The object behind an entry point. Raises BadInput where there is none."""
    try:
        return entry_point(group, name).load()
    except LookupError as error:
        raise BadInput(
            str(error),
            code="no_adapter",
            remedy="install the package that brings it (pip install -e . in a checkout)",
        ) from error


def settings_of(group: str, name: str) -> type[Any]:
    """The settings class of an adapter; LookupError where the name is unknown."""
    settings: type[Any] = entry_point(group, name).load().Settings
    return settings


def load_object(reference: str, *, folder: Path) -> Any:
    """What "package.module:Name" or "path/file.py:Name" names.

    A path is relative to the configuration's folder. Raises BadInput where the module,
    the file or the name does not exist, or the module fails to import.
    """
    place, mark, name = reference.partition(":")
    if not mark or not place or not name:
        raise BadInput(
            f"{reference!r} is no reference",
            code="reference",
            remedy='write "package.module:Name" or "path/file.py:Name"',
        )
    module = (
        _module_of_file(folder / place) if place.endswith(".py") else _module(place)
    )
    try:
        return getattr(module, name)
    except AttributeError:
        public = [n for n in vars(module) if not n.startswith("_")]
        raise BadInput(
            f"{place} has no {name!r}",
            code="no_such_name",
            why=f"it has {', '.join(sorted(public))}" if public else "",
        ) from None


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise _import_failed(name, error) from error
        raise BadInput(
            f"there is no module {name!r}",
            code="no_such_module",
            remedy="install it, or name a file: path/file.py:Name",
        ) from error
    except Exception as error:
        raise _import_failed(name, error) from error


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BadInput(
            "there is no such file",
            code="no_such_file",
            where=str(path),
            remedy="paths are relative to the configuration's folder",
        )
    name = f"factortrader_user_{file_digest(path)}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput("this is no Python file", code="no_such_file", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _import_failed(str(path), error) from error
    return module


def _import_failed(name: str, error: Exception) -> BadInput:
    return BadInput(
        "the module fails to import",
        code="import_failed",
        where=name,
        why=f"{type(error).__name__}: {error}",
    )


def file_digest(path: Path) -> str:
    """16 hex digits over the file's bytes: what the manifest says of a user's file."""
    return blake2b(path.read_bytes(), digest_size=8).hexdigest()
