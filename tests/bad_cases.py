"""A sound fund with one thing wrong, and what must be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.funds import BASE
from tests.run_folders import command

FUND = BASE.replace("assets = 30", "assets = 12").replace("bars = 420", "bars = 150")
STRATEGY = (
    'strategy = "factortrader_strategies.cross_sectional_momentum:'
    'CrossSectionalMomentum"\nparameters = {formation_bars = 30, skip_bars = 2}'
)
BLEND = 'strategy = "factortrader_strategies.blend:Blend"'
MOMENTUM = 'use = "factortrader.factors.momentum:momentum"'


@dataclass(frozen=True)
class Case:
    """change: text of the fund → text in its place; its last line is to be named.

    says: words of the message. place: what is named instead of that line.
    mine: content of mine.py, beside the fund. sets: `--set` options. out: the run folder.
    others: further files beside the fund.
    """

    claim: str
    change: Mapping[str, str]
    says: tuple[str, ...]
    place: str | None = None
    mine: str = ""
    sets: tuple[str, ...] = ()
    out: str = "runs/run"
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        text = FUND
        for old, new in self.change.items():
            assert old in text, old
            text = text.replace(old, new, 1)
        return text

    @property
    def named(self) -> str:
        if self.place is not None:
            return self.place
        last = list(self.change.values())[-1].splitlines()[-1]
        return f"fund.toml, line {self.text.splitlines().index(last) + 1})"


def prove_refused(case: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, the essential words and the place, no traceback, nothing left."""
    write(folder, {"fund.toml": case.text, "mine.py": case.mine, **case.others})
    before = left_in(folder)
    sets = [word for each in case.sets for word in ("--set", each)]

    code = command(
        *("replay", folder / "fund.toml", "--out", folder / case.out, "--journal"),
        *sets,
    )

    said = capsys.readouterr().err
    assert code == 2, said
    assert [words for words in case.says if words not in said] == [], said
    assert case.named in said
    assert said.startswith("error: [")
    assert "Traceback" not in said
    assert left_in(folder) == before


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        if text or name.endswith(".toml"):
            (folder / name).write_text(text)


def left_in(folder: Path) -> list[str]:
    """Everything below the folder but what Python keeps of imports."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return sorted(path for path in paths if "__pycache__" not in path)
