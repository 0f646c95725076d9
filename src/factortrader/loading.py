"""Names into objects: adapters by entry point, strategies and factors by reference."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

from factortrader.errors import BadInput, FactortraderError

_OURS: Final = ("factortrader", "factortrader_adapters", "factortrader_strategies")
"""The import roots of this project."""


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
        raise BadInput(
            f"{place} has no {name!r}",
            code="no_such_name",
            why=_own_names(module, nearest_to=name),
        ) from None


def _own_names(module: ModuleType, *, nearest_to: str) -> str:
    """What the module defines itself and shows, or the one of it that was meant."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]
    close = difflib.get_close_matches(nearest_to, own, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"it defines {', '.join(sorted(own)) or 'nothing'}"


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _import_failed(name, error) from error
        raise BadInput(
            f"there is no module {name!r}",
            code="no_such_module",
            remedy="install it, or name a file: path/file.py:Name",
        ) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(name, error) from error


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BadInput(
            "there is no such file",
            code="no_such_file",
            where=str(path),
            remedy="paths are relative to the configuration's folder",
        )
    name = (
        f"factortrader_user_{_digest(str(path.resolve()).encode())}_{file_digest(path)}"
    )
    if name in sys.modules:
        return sys.modules[name]
    loader = _AsItStands(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, Exception | SystemExit):
            raise _import_failed(str(path), error) from error
        raise
    return module


class _AsItStands(SourceFileLoader):
    """Compiles the text whose digest the manifest names.

    Python's cached bytecode goes by size and second, and may be of an earlier text.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _import_failed(name: str, error: BaseException) -> BadInput:
    where = _place_in(error, [name, str(Path(name).absolute())]) or name
    why = _said(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        where = f"{_shown(error.filename)}, line {error.lineno}"
        why = f"SyntaxError: {error.msg}"
    return BadInput(
        "the module fails to import",
        code="import_failed",
        where=where,
        why=why,
        remedy="mend it until `python` imports it",
    )


# --- whose fault it is ------------------------------------------------------------


@contextmanager
def blaming(*named: object, wholly: bool = False) -> Iterator[None]:
    """What the code that a configuration named raises, as BadInput with its line.

    named: classes, instances or functions; those of this project are nobody's but
    ours. wholly: nothing else runs inside, so all that is raised is theirs, even
    where none of their lines was reached.

    Other errors pass, and so does BadInput, with their line added.
    """
    files = [file for each in named if (file := _file_of(each)) is not None]
    try:
        yield
    except BadInput as error:
        place = _place_in(error.__cause__ or error, files)
        error.where = ", ".join(part for part in (place, error.where) if part)
        raise
    except FactortraderError:
        raise
    except (Exception, SystemExit) as error:
        place = _place_in(error, files)
        if not files or not (place or wholly):
            raise
        raise BadInput(
            "this code of yours failed",
            code="user_code",
            where=place or _shown(files[0]),
            why="; ".join([_said(error), *getattr(error, "__notes__", ())]),
            remedy="mend it; FACTORTRADER_TRACEBACK=1 shows how it was reached",
        ) from error


def _file_of(named: object) -> str | None:
    """The file of the module that defines it; None for ours and for built-in ones."""
    definition = named if hasattr(named, "__qualname__") else type(named)
    module = getattr(definition, "__module__", None) or ""
    if module.partition(".")[0] in _OURS:
        return None
    return getattr(sys.modules.get(module), "__file__", None)


def _place_in(error: BaseException, files: Sequence[str]) -> str:
    """Where the innermost frame stands that lies in one of the files; "" if none."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename in files:
            inside = "" if code.co_name == "<module>" else f", in {code.co_qualname}"
            place = f"{_shown(code.co_filename)}, line {trace.tb_lineno}{inside}"
        trace = trace.tb_next
    return place


def _shown(file: str) -> str:
    """The path as its user would type it."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def file_digest(path: Path) -> str:
    """16 hex digits over the file's bytes: what the manifest says of a user's file."""
    return _digest(path.read_bytes())


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=8).hexdigest()
