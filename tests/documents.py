"""The documents as their tests see them: fenced blocks, links, and paths in code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FENCE: Final = re.compile(
    r"^```(?P<language>\w+)(?P<marks>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
ANY_FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING: Final = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
CODE: Final = re.compile(r"`(?P<text>[^`\n]+)`")
CONTINUED: Final = re.compile(r"\\\n\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. marks: the words after the language in its first line."""

    document: str
    line: int
    language: str
    marks: frozenset[str]
    body: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def file_name(self) -> str | None:
        """The file that the reader is asked to save the block as."""
        return next((mark for mark in sorted(self.marks) if "." in mark), None)


def documents() -> tuple[Path, ...]:
    """Every Markdown file of the project."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


def blocks(*languages: str) -> tuple[Block, ...]:
    """The fenced blocks of all documents that are in one of these languages."""
    return tuple(
        block
        for path in documents()
        for block in blocks_of(path.read_text(encoding="utf-8"), name_of(path))
        if block.language in languages
    )


def blocks_of(text: str, document: str) -> Iterator[Block]:
    for found in FENCE.finditer(text):
        yield Block(
            document=document,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            marks=frozenset(found["marks"].split()),
            body=found["body"],
        )


def saved(document: str, folder: Path) -> None:
    """Save what the document shows as files, as its reader would."""
    for block in blocks("python", "toml"):
        if block.document == document and block.file_name is not None:
            path = folder / block.file_name
            path.write_text(block.body, encoding="utf-8")


def commands(block: Block) -> Iterator[list[str]]:
    """The command lines of a shell block, without prompts, comments and output.

    A block whose commands carry a `$ ` prompt shows output on its other lines.
    """
    lines = CONTINUED.sub(" ", block.body).splitlines()
    prompted = any(line.startswith("$ ") for line in lines)
    for line in lines:
        if not prompted or line.startswith("$ "):
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield words


def links(text: str) -> list[str]:
    return [found["target"] for found in LINK.finditer(ANY_FENCE.sub("", text))]


def anchors(text: str) -> frozenset[str]:
    """Headings as the anchors that a Markdown page gives them."""
    return frozenset(
        re.sub(r"[^\w\- ]", "", found["text"].lower()).replace(" ", "-")
        for found in HEADING.finditer(ANY_FENCE.sub("", text))
    )


def paths_in_code(text: str) -> Iterator[str]:
    """Inline code that reads like the path of a file or folder of ours."""
    tops = "src|adapters|strategies|tests|docs|config|benchmarks"
    for found in CODE.finditer(ANY_FENCE.sub("", text)):
        if re.fullmatch(rf"(?:{tops})/[\w./-]*", found["text"]):
            yield found["text"]
        elif re.fullmatch(r"[a-z_]+(?:/[a-z_]+)*\.py", found["text"]):
            yield f"src/factortrader/{found['text']}"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
