"""The house as the rules see it: every module, parsed once."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ("src", "adapters", "strategies")
EVERYWHERE: Final = (*SOURCE, "tests", "benchmarks")

Breaches: TypeAlias = Iterator[tuple[int, str]]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file; path is relative to the root, with forward slashes.

    nodes: everything in the tree, in the order of `ast.walk`.
    """

    path: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))

    @property
    def calls(self) -> Iterator[ast.Call]:
        return (node for node in self.nodes if isinstance(node, ast.Call))

    @property
    def in_decision_path(self) -> bool:
        return self.path.removesuffix(".py").startswith(decision_path())


@cache
def decision_path() -> tuple[str, ...]:
    """Paths of the modules that the import contract keeps free of I/O."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if "decision path" in each["name"])
    return tuple(
        f"{'src' if name.startswith('factortrader.') else 'strategies'}/"
        + name.replace(".", "/")
        for name in contract["source_modules"]
    )


@cache
def modules(folders: tuple[str, ...]) -> tuple[Module, ...]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(
        parsed(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
        for path in sorted(found)
    )


def parsed(text: str, path: str) -> Module:
    tree = ast.parse(text)
    return Module(path, text, tree, tuple(ast.walk(tree)))


Check: TypeAlias = Callable[[Module], Breaches]


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).startswith("Protocol") for base in node.bases)


@cache
def port_methods() -> frozenset[str]:
    """The names of all methods that some Protocol of the core declares."""
    return frozenset(
        member.name
        for module in modules(("src",))
        for node in module.nodes
        if isinstance(node, ast.ClassDef) and is_protocol(node)
        for member in node.body
        if isinstance(member, Function)
    )
