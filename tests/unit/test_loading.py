"""Names become objects, and what fails in a user's code is told with its line."""

from __future__ import annotations

import os
import py_compile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from factortrader.errors import BadInput, BrokenInvariant
from factortrader.loading import (
    adapter,
    blaming,
    entry_point,
    file_digest,
    load_object,
    settings_of,
)

HERE = Path(__file__).parent


def written(folder: Path, text: str, name: str = "mine.py") -> str:
    (folder / name).write_text(text)
    return name


def loaded(folder: Path, text: str) -> Callable[..., object]:
    function: Callable[..., object] = load_object(
        f"{written(folder, text)}:f", folder=folder
    )
    return function


@contextmanager
def noted(note: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        error.add_note(note)
        raise


def test_a_name_in_a_package_is_found() -> None:
    """As an import would find it."""
    found = load_object("factortrader.errors:BadInput", folder=HERE)

    assert found is BadInput


def test_a_name_in_a_file_is_found_relative_to_the_configuration(
    tmp_path: Path,
) -> None:
    """The same file gives the same object, so that factors are equal by value."""
    f = loaded(tmp_path, "def f():\n    return 7\n")

    assert f() == 7
    assert load_object("mine.py:f", folder=tmp_path) is f
    assert load_object(f"{tmp_path}/mine.py:f", folder=HERE) is f


def test_a_changed_file_is_another_module(tmp_path: Path) -> None:
    """What was edited is loaded again."""
    before = loaded(tmp_path, "def f():\n    return 7\n")
    digest = file_digest(tmp_path / "mine.py")

    after = loaded(tmp_path, "def f():\n    return 8\n")

    assert (before(), after()) == (7, 8)
    assert file_digest(tmp_path / "mine.py") != digest


def test_bytecode_of_an_earlier_text_is_not_run(tmp_path: Path) -> None:
    """An edit within the second that keeps the size is an edit all the same."""
    path = tmp_path / "mine.py"
    path.write_text("def f():\n    return 7\n")
    moment = path.stat()
    py_compile.compile(str(path), doraise=True)

    path.write_text("def f():\n    return 8\n")
    os.utime(path, ns=(moment.st_atime_ns, moment.st_mtime_ns))

    assert load_object("mine.py:f", folder=tmp_path)() == 8


def test_equal_files_in_two_places_keep_their_places(tmp_path: Path) -> None:
    """A message must name the file that the configuration named."""
    text = "def f():\n    raise KeyError('x')\n"
    (tmp_path / "other").mkdir()
    loaded(tmp_path, text)
    f = loaded(tmp_path / "other", text)

    with pytest.raises(BadInput) as refusal, blaming(f):
        f()

    assert "other/mine.py, line 2" in refusal.value.where


@pytest.mark.parametrize(
    ("reference", "code", "said"),
    [
        ("momentum", "reference", "path/file.py:Name"),
        (":f", "reference", "no reference"),
        ("a.b:", "reference", "no reference"),
        ("no.such.module:f", "no_such_module", "'no.such.module'"),
        ("factortrader.nothing:f", "no_such_module", "'factortrader.nothing'"),
        ("factortrader.errors:BadInptu", "no_such_name", "did you mean 'BadInput'?"),
        ("factortrader.bus:zzz", "no_such_name", "it defines Bus"),
        ("absent.py:f", "no_such_file", "configuration's folder"),
        ("folder.py:f", "no_such_file", "no such file"),
    ],
)
def test_what_cannot_be_found_is_refused(
    reference: str, code: str, said: str, tmp_path: Path
) -> None:
    """With the nearest name, or how a reference is written."""
    (tmp_path / "folder.py").mkdir()

    with pytest.raises(BadInput) as refusal:
        load_object(reference, folder=tmp_path)

    assert refusal.value.code == code
    assert said in str(refusal.value)


def test_names_that_a_module_only_imports_are_not_offered(tmp_path: Path) -> None:
    """A user looks for what the module brings itself."""
    written(tmp_path, "from pathlib import Path\ndef mine(): ...\ndef _not(): ...\n")

    with pytest.raises(BadInput) as refusal:
        load_object("mine.py:yours", folder=tmp_path)

    assert refusal.value.why == "it defines mine"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("x = 1\ndef f(:\n", 2, "SyntaxError"),
        ("import no_such_library\n", 1, "ModuleNotFoundError"),
        ("x = {}\n\ny = x['k']\n", 3, "KeyError: 'k'"),
        ("raise SystemExit(3)\n", 1, "SystemExit: 3"),
        ("def g():\n    assert 0\ng()\n", 2, "AssertionError"),
    ],
)
def test_a_module_that_fails_to_import_names_its_line(
    text: str, line: int, said: str, tmp_path: Path
) -> None:
    """And can be loaded once it is mended."""
    written(tmp_path, text)

    with pytest.raises(BadInput, match="fails to import") as refusal:
        load_object("mine.py:f", folder=tmp_path)

    assert f"mine.py, line {line}" in refusal.value.where
    assert refusal.value.why.startswith(said)
    assert loaded(tmp_path, "def f():\n    return 1\n")() == 1


def test_ctrl_c_during_an_import_is_no_mistake_of_the_module(tmp_path: Path) -> None:
    """It passes."""
    written(tmp_path, "raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        load_object("mine.py:f", folder=tmp_path)


# --- whose fault it is ------------------------------------------------------------


def test_the_innermost_line_of_the_user_is_named(tmp_path: Path) -> None:
    """Not the caller, and not the library that was called; notes come along."""
    f = loaded(tmp_path, "def g(x):\n    return int(x)\ndef f():\n    return g('a')\n")

    with pytest.raises(BadInput) as refusal, blaming(f), noted("at noon"):
        f()

    assert refusal.value.where.endswith("mine.py, line 2, in g")
    assert refusal.value.why.startswith("ValueError: invalid literal")
    assert refusal.value.why.endswith("; at noon")
    assert isinstance(refusal.value.__cause__, ValueError)


def test_an_instance_stands_for_its_class(tmp_path: Path) -> None:
    """A strategy is blamed by the file of its class."""
    kind = loaded(tmp_path, "class f:\n    def __call__(self):\n        return 1 / 0\n")
    strategy = kind()

    with pytest.raises(BadInput, match=r"line 3, in f\.__call__"), blaming(strategy):
        strategy()  # type: ignore[operator]


def test_what_fails_elsewhere_is_not_blamed_on_the_user(tmp_path: Path) -> None:
    """Our bug stays our bug while theirs is running, unless nothing else could be."""
    f = loaded(tmp_path, "def f(): ...\n")

    with pytest.raises(ZeroDivisionError), blaming(f):
        _ = 1 / 0
    with pytest.raises(BadInput, match=r"mine\.py"), blaming(f, wholly=True):
        _ = 1 / 0


def test_our_own_code_is_never_the_users() -> None:
    """Whatever a configuration names of this project is our bug."""
    with pytest.raises(AttributeError), blaming(file_digest, wholly=True):
        file_digest("text")  # type: ignore[arg-type]


def test_a_refusal_keeps_its_words_and_gets_the_line(tmp_path: Path) -> None:
    """A user may raise BadInput; without a place it stands at the line that did."""
    f = loaded(
        tmp_path,
        "from factortrader.errors import BadInput\n"
        "def f(where=''):\n"
        "    raise BadInput('no', code='mine', where=where)\n",
    )

    for where, suffix in (("", ""), ("there", ", there")):
        with pytest.raises(BadInput) as refusal, blaming(f):
            f(where)
        assert refusal.value.code == "mine"
        assert refusal.value.where.endswith(f"mine.py, line 3, in f{suffix}")


def test_a_broken_invariant_and_ctrl_c_pass(tmp_path: Path) -> None:
    """They are nobody's input."""
    f = loaded(tmp_path, "def f(error):\n    raise error\n")

    for error in (BrokenInvariant("never"), KeyboardInterrupt()):
        with pytest.raises(type(error)), blaming(f):
            f(error)


# --- adapters ---------------------------------------------------------------------


def test_an_adapter_is_found_by_its_short_name() -> None:
    """Through the entry points of whatever is installed."""
    point = entry_point("sources", "synthetic")

    assert adapter("sources", "synthetic") is point.load()
    assert settings_of("sources", "synthetic") is point.load().Settings


def test_an_adapter_that_is_not_installed_is_refused() -> None:
    """With the names of those that are."""
    with pytest.raises(LookupError, match="store, synthetic"):
        settings_of("sources", "tape")
    with pytest.raises(BadInput, match="no adapter 'pit' among the venues"):
        adapter("venues", "pit")
    with pytest.raises(BadInput, match="none is installed"):
        adapter("telegraphs", "morse")
