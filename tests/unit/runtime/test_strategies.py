"""From a configuration to a strategy that conforms, or to every reason why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests import funds

from factortrader.config.fund import FactorSettings
from factortrader.config.parsing import Problems
from factortrader.ports import Strategy
from factortrader.runtime.strategies import (
    bind_factors,
    blended,
    build_strategy,
    user_code,
)

MINE = """
from dataclasses import dataclass, field

LIMIT = 3


@dataclass(frozen=True, kw_only=True)
class Good:
    tilt: float = 1.0
    days: int = 5

    @property
    def lookback_bars(self):
        return self.days

    def on_bars(self, window):
        return ()


class Plain:
    lookback_bars = 1

    def on_bars(self, window):
        return ()


@dataclass
class Mute:
    lookback_bars = 1


@dataclass
class Rows:
    lookback_bars: object = 0

    def on_bars(self, window):
        return ()


@dataclass
class Method:
    def lookback_bars(self):
        return 5

    def on_bars(self, window):
        return ()


@dataclass
class Greedy:
    lookback_bars = 1

    def on_bars(self, window, more):
        return ()


@dataclass
class Blending:
    factors: tuple
    lookback_bars = 9

    def on_bars(self, window):
        return ()


def inverse(close):
    return -close


def broken(nonsense):
    return nonsense
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def built(
    folder: Path,
    name: str,
    *,
    parameters: dict[str, Any] | None = None,
    factors: tuple[FactorSettings, ...] = (),
) -> tuple[Strategy | None, list[str]]:
    """The strategy of the user's file, and the problems that were noted."""
    base = funds.config("momentum")
    config = replace(
        base,
        signal=replace(
            base.signal,
            strategy=name if ":" in name else f"mine.py:{name}",
            parameters=parameters or {},
        ),
        factors=factors,
        document=replace(base.document, folder=folder),
    )
    problems = Problems()
    return build_strategy(config, problems), problems.found


def factor(use: str = "mine.py:inverse", **changes: Any) -> FactorSettings:
    return FactorSettings(use=use, rows=1, **changes)


def test_a_strategy_of_the_users_own_file_is_built_with_its_parameters(
    folder: Path,
) -> None:
    """Defaults where nothing is said."""
    strategy, problems = built(folder, "Good", parameters={"days": 7})

    assert problems == []
    assert strategy is not None
    assert strategy.lookback_bars == 7
    assert strategy.tilt == 1.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("mine.py:Absent", "mine.py has no 'Absent'"),
        ("gone.py:Good", "there is no such file"),
        ("no_such_package:Good", "there is no module 'no_such_package'"),
        ("nonsense:", "is no reference"),
        ("LIMIT", "must be a dataclass of its parameters"),
        ("Plain", "must be a dataclass of its parameters"),
        ("inverse", "must be a dataclass of its parameters"),
        ("Mute", "it lacks on_bars"),
        ("Good:Good", "there is no module 'Good'"),
        ("Rows", "lookback_bars must be a whole number ≥ 1, got 0"),
        ("Method", "make it a property"),
        ("Greedy", "must take one argument, the window"),
        ("Blending", "name at least one"),
    ],
)
def test_what_is_no_strategy_is_a_problem_and_not_a_crash(
    folder: Path, name: str, problem: str
) -> None:
    """The reason is noted at the key that asks for it."""
    strategy, problems = built(folder, name)

    assert strategy is None
    (found,) = problems
    assert problem in found
    assert found.startswith(("signal.strategy: ", "factor: "))


@pytest.mark.parametrize("rows", [0, -1, 2.5, True, None, "9"])
def test_a_lookback_is_a_whole_positive_number(folder: Path, rows: object) -> None:
    """And a truth value is none."""
    strategy, problems = built(folder, "Rows", parameters={"lookback_bars": rows})

    assert strategy is None
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"dayz": 3}, "signal.parameters.dayz"),
        ({"days": "many"}, "signal.parameters.days"),
        ({"tilt": "much"}, "signal.parameters.tilt"),
    ],
)
def test_a_wrong_parameter_is_named_by_its_key(
    folder: Path, parameters: dict[str, Any], problem: str
) -> None:
    """Misspelt, or of another type."""
    strategy, problems = built(folder, "Good", parameters=parameters)

    assert strategy is None
    assert problems[0].startswith(problem)


def test_factors_are_handed_to_a_strategy_that_blends_them(folder: Path) -> None:
    """With their weights, in the order of the tables."""
    two = (factor(weight=2.0), factor(name="again", weight=-1.0))

    strategy, problems = built(folder, "Blending", factors=two)

    assert problems == []
    assert strategy is not None
    assert [each.name for each in blended(strategy)] == ["inverse", "again"]
    assert [weight for _, weight in strategy.factors] == [2.0, -1.0]  # type: ignore[attr-defined]
    assert user_code(strategy)[0] is strategy
    assert len(user_code(strategy)) == 3


def test_a_strategy_without_factors_blends_none(folder: Path) -> None:
    """Its own code is all there is."""
    strategy, _ = built(folder, "Good")

    assert strategy is not None
    assert blended(strategy) == ()
    assert user_code(strategy) == (strategy,)


def test_factors_for_a_strategy_that_takes_none_are_a_problem(folder: Path) -> None:
    """They would be ignored, and nobody would know."""
    strategy, problems = built(folder, "Good", factors=(factor(),))

    assert strategy is None
    assert "takes no [[factor]] tables" in problems[0]


def test_every_factor_that_cannot_be_bound_is_a_problem(folder: Path) -> None:
    """All of them at once, each at its table and key."""
    tables = (
        factor("mine.py:absent"),
        factor("mine.py:LIMIT"),
        factor(transform="upside_down"),
        factor(),
        factor(),
    )
    base = funds.config("momentum")
    config = replace(
        base, factors=tables, document=replace(base.document, folder=folder)
    )
    problems = Problems()

    bound = bind_factors(config, problems)

    assert [found.split(":")[0] for found in problems.found] == [
        "factor.0.use",
        "factor.1.use",
        "factor.2.transform",
        "factor.4",
    ]
    assert [weight for _, weight in bound] == [1.0, 1.0]


def test_a_factor_of_something_that_is_no_field_is_a_problem(folder: Path) -> None:
    """A panel has no nonsense."""
    strategy, problems = built(folder, "Blending", factors=(factor("mine.py:broken"),))

    assert strategy is None
    assert "nonsense" in problems[0]
