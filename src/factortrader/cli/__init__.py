"""The command line: one verb per intention, one file per verb.

Verbs of the core are listed here by module; adapters bring theirs through the entry
point group `factortrader.commands`. A verb is imported when it is called, and imports
what is heavy when it runs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

import factortrader
from factortrader.cli.output import fail
from factortrader.errors import FactortraderError

_VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("demo", "replay a synthetic market and write its report"),
    "replay": ("replay", "run a fund over history"),
    "verify": ("verify", "re-execute a run's journal and demand the same messages"),
    "factor": ("factor", "list factors, or check them for look-ahead"),
}
_INTERRUPTED: Final = 130
_TRACEBACK: Final = "FACTORTRADER_TRACEBACK"


class Verb(Protocol):
    """What a verb's module offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


class AdapterVerb(Verb, Protocol):
    """What an adapter brings: a verb with its name and its line of help."""

    @property
    def name(self) -> str: ...

    @property
    def help(self) -> str: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    0 fine, 1 the answer is no, 2 wrong usage or bad input, 3 our bug,
    130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _answered(words)
    except FactortraderError as error:
        _trace()
        fail(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        fail("interrupted; nothing half-written was left behind")
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last place that can say it kindly
        _trace()
        fail(
            f"[internal] {type(error).__name__}: {error}\n"
            f"  this is a bug of ours; {_TRACEBACK}=1 shows where"
        )
        return 3


def _answered(words: Sequence[str]) -> int:
    """Run it; what is still in the buffer is printed while somebody can hear of it."""
    try:
        arguments, verb = _parse(words)
        code = verb.run(arguments)
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return code


def _trace() -> None:
    """The traceback, for whoever asks for it."""
    if os.environ.get(_TRACEBACK):
        import traceback

        traceback.print_exc()


def build_parser() -> argparse.ArgumentParser:
    """The parser with every verb configured, for documentation and its tests."""
    parser, verbs = _frame()
    for name, (_, text) in _VERBS.items():
        verb = _core_verb(name)
        verb.configure(verbs.add_parser(name, help=text, description=text))
    for brought in _adapter_verbs():
        text = brought.help
        brought.configure(verbs.add_parser(brought.name, help=text, description=text))
    return parser


def _frame() -> tuple[
    argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]
]:
    parser = argparse.ArgumentParser(
        prog="factortrader",
        description="Research, replay and live trading of crypto factor portfolios.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"factortrader {factortrader.__version__}",
    )
    return parser, parser.add_subparsers(dest="verb", metavar="VERB", required=True)


def _parse(words: Sequence[str]) -> tuple[argparse.Namespace, Verb]:
    """Only the called verb is imported and configured."""
    parser, verbs = _frame()
    called = next((word for word in words if not word.startswith("-")), None)
    chosen: Verb | None = None
    for name, (_, text) in _VERBS.items():
        own = verbs.add_parser(name, help=text, description=text)
        if name == called:
            chosen = _core_verb(name)
            chosen.configure(own)
    if called not in _VERBS:
        for brought in _adapter_verbs():
            text = brought.help
            own = verbs.add_parser(brought.name, help=text, description=text)
            if brought.name == called:
                chosen = brought
                brought.configure(own)
    arguments = parser.parse_args(words)
    if chosen is None:
        parser.error("name a verb")
    return arguments, chosen


def _adapter_verbs() -> Iterator[AdapterVerb]:
    """By name; asking for them takes half of the time that `--help` takes."""
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group="factortrader.commands")):
        yield point.load()


def _core_verb(name: str) -> Verb:
    verb: Verb = importlib.import_module(f"factortrader.cli.{_VERBS[name][0]}")
    return verb
