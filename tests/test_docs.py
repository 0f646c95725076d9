"""The documents tell the truth: snippets run, commands exist, links lead somewhere."""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from tests import documents
from tests.documents import Block
from tests.house_rules import BRITISH, MACHINE_PATH, UNFINISHED

from factortrader.cli import build_parser, main

ROOT: Final = documents.ROOT
PYTHON: Final = documents.blocks("python")
SHELL: Final = documents.blocks("bash", "console", "sh")
TOML: Final = documents.blocks("toml")
PAGES: Final = documents.documents()


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_a_python_snippet_runs(block: Block, tmp_path: Path) -> None:
    """A reader who copies the snippet sees it work."""
    path = tmp_path / "snippet.py"
    path.write_text(block.body, encoding="utf-8")

    code = compile(block.body, str(path), "exec")

    if "compiles" not in block.marks:
        exec(code, {"__name__": "snippet", "__file__": str(path)})


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.place)
def test_a_command_in_a_document_exists(block: Block) -> None:
    """Every verb and flag shown is one the program takes, every target one of make's."""
    parser = build_parser()
    for words in documents.commands(block):
        program, *arguments = words
        if program == "factortrader":
            assert accepts(parser, arguments), " ".join(words)
        elif program == "make":
            assert set(targets(arguments)) <= make_targets(), " ".join(words)


@pytest.mark.parametrize("block", TOML, ids=lambda block: block.place)
def test_a_toml_snippet_parses(block: Block) -> None:
    """What is shown as TOML is TOML."""
    tomllib.loads(block.body)


@pytest.mark.parametrize("page", PAGES, ids=documents.name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file that exists and, with a #, a heading in it."""
    text = page.read_text(encoding="utf-8")
    for target in documents.links(text):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        goal = page.parent / name if name else page
        assert goal.exists(), target
        if anchor:
            assert anchor in documents.anchors(goal.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", PAGES, ids=documents.name_of)
def test_every_path_named_in_a_document_exists(page: Path) -> None:
    """A file that a document names is where the document says."""
    named = documents.paths_in_code(page.read_text(encoding="utf-8"))

    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=documents.name_of)
def test_documents_keep_the_house_rules_of_words(page: Path) -> None:
    """American spelling, nothing left to be done, no path of somebody's machine."""
    text = page.read_text(encoding="utf-8")

    for pattern in (BRITISH, UNFINISHED, MACHINE_PATH):
        assert pattern.findall(text) == []


def test_every_decision_is_in_the_index() -> None:
    """The index of decisions links each page once, in order."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))

    listed = documents.links((folder / "README.md").read_text(encoding="utf-8"))

    assert listed == pages


@pytest.mark.slow
def test_the_fund_of_the_readme_leaves_behind_what_the_readme_says(
    tmp_path: Path,
) -> None:
    """Its files, saved side by side, lint, replay and verify, on a smaller market."""
    documents.saved("README.md", tmp_path)
    fund, run = str(tmp_path / "fund.toml"), tmp_path / "run"
    small = ["--set", "data.assets=30", "--set", "data.bars=600"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promised = set(re.findall(r"`(\w+\.(?:html|json|parquet|sqlite))`", readme))

    assert main(["factor", "lint", fund, *small]) == 0
    assert main(["replay", fund, "--out", str(run), "--journal", *small]) == 0
    assert main(["verify", str(run)]) == 0

    left = {path.name for path in run.iterdir()}
    assert promised - {"candles.parquet"} <= left


def test_a_command_that_does_not_exist_is_noticed() -> None:
    """The check of commands can fail: on a verb, a flag and a missing argument."""
    parser = build_parser()

    assert accepts(parser, ["demo"])
    assert not accepts(parser, ["predict"])
    assert not accepts(parser, ["demo", "--no-such-flag"])
    assert not accepts(parser, ["replay"])


def test_a_shell_block_is_read_like_a_shell_would() -> None:
    """Prompts mark commands, a backslash continues one, a # ends it."""
    plain = "factortrader demo  # quick\n\nmake \\\n  test\n"
    prompted = "$ factortrader demo\nequity 1.0\n"

    (first, second) = documents.blocks_of(
        f"```bash\n{plain}```\ntext\n```console\n{prompted}```\n", "page.md"
    )

    assert list(documents.commands(first)) == [
        ["factortrader", "demo"],
        ["make", "test"],
    ]
    assert list(documents.commands(second)) == [["factortrader", "demo"]]


def accepts(parser: argparse.ArgumentParser, arguments: list[str]) -> bool:
    try:
        parser.parse_args(arguments)
    except SystemExit as ended:
        return ended.code == 0
    return True


def targets(arguments: list[str]) -> list[str]:
    return [word for word in arguments if "=" not in word]


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
