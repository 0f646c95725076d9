"""Ways to be wrong in a strategy or a factor: the message names the user's line.

Exit code 2, one message, no traceback, nothing left behind.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bad_cases import (
    BLEND,
    FUND,
    MOMENTUM,
    STRATEGY,
    Case,
    left_in,
    prove_refused,
    write,
)
from tests.run_folders import command

STRATEGY_FILE = """
from dataclasses import dataclass
import numpy as np
from factortrader.events import SignalsUpdated
from factortrader.signals.signal import signals_updated

@dataclass(frozen=True)
class Mine:
    lookback_bars: int = 3
    def on_bars(self, window):
        scores = np.ones(len(window.assets))
        said = dict(time_ns=window.close_ns, strategy="mine", assets=window.assets,
                    scores=scores, contributions={})
        if window.close_ns > 1_555_000_000 * 10**9:
            BODY
        yield SignalsUpdated(**said)
"""
"""A strategy of the user; BODY stands in line 15 and is reached in the middle."""

FACTOR_FILE = """
import numpy as np

def mine(close):
    BODY
"""
"""A factor of the user; its BODY is line 5."""


def strategy(claim: str, reference: str, *says: str, **more: str) -> Case:
    return Case(claim, {STRATEGY: f'strategy = "{reference}"'}, says, **more)


def spoken(claim: str, body: str, *says: str, place: str = "mine.py, line 15") -> Case:
    """A strategy of the user's that goes wrong in the middle of the run."""
    return strategy(
        claim,
        "mine.py:Mine",
        *says,
        place=place,
        mine=STRATEGY_FILE.replace("BODY", body),
    )


def factor(claim: str, table: str, *says: str, **more: str) -> Case:
    """A blend with this [[factor]] table; its last line is to be named."""
    return Case(claim, {STRATEGY: f"{BLEND}\n[[factor]]\n{table}"}, says, **more)


def own_factor(
    claim: str, body: str, *says: str, place: str = "mine.py, line 4"
) -> Case:
    return factor(
        claim,
        'rows = 3\nuse = "mine.py:mine"',
        *says,
        place=place,
        mine=FACTOR_FILE.replace("BODY", body),
    )


STRATEGIES = (
    strategy("no reference", "momentum", 'write "package.module:Name"'),
    strategy("no such module", "no.such:Mine", "there is no module 'no.such'"),
    strategy("no such file", "mine.py:Mine", "no such file", "configuration's folder"),
    strategy(
        "no such name",
        "factortrader_strategies.blend:Blen",
        "has no 'Blen'; did you mean 'Blend'?",
    ),
    strategy(
        "a function",
        "mine.py:mine",
        "must be a dataclass of its parameters",
        mine="def mine(window): ...",
    ),
    strategy(
        "a class that does not conform",
        "mine.py:Mine",
        "is no strategy: it lacks on_bars",
        mine=STRATEGY_FILE.replace("on_bars", "on_bar"),
    ),
    strategy(
        "a lookback that is no number of bars",
        "mine.py:Mine",
        "lookback_bars must be a whole number ≥ 1, got 0",
        mine=STRATEGY_FILE.replace("int = 3", "int = 0"),
    ),
    strategy(
        "a module with a syntax error",
        "mine.py:Mine",
        "mine.py, line 3: the module fails to import; SyntaxError",
        mine="class Mine:\n  def on_bars(self, window):\n    return (",
    ),
    strategy(
        "a module that fails to import",
        "mine.py:Mine",
        "mine.py, line 2: the module fails to import; KeyError: 'x'",
        mine="rates = {}\nrate = rates['x']\n",
    ),
    strategy(
        "a constructor that fails",
        "mine.py:Mine",
        "mine.py, line 10, in Mine.__post_init__: this code of yours failed; "
        "TypeError: no",
        mine=STRATEGY_FILE.replace(
            "    def on_bars",
            "    def __post_init__(self): raise TypeError('no')\n    def on_bars",
        ),
    ),
    Case(
        "a parameter that the strategy does not have",
        {"formation_bars = 30": "formation = 30"},
        ("signal.parameters.formation", "did you mean 'formation_bars'?"),
        place="fund.toml, line 22",
    ),
    Case(
        "parameters that do not fit together",
        {"skip_bars = 2": "skip_bars = 99"},
        ("skip_bars must lie in [0, 30), got 99",),
        place="fund.toml, line 22",
    ),
)

FACTORS = (
    Case(
        "a blend without a factor",
        {STRATEGY: BLEND},
        ("Blend blends factors: name at least one",),
        place="fund.toml",
    ),
    factor(
        "no such factor",
        MOMENTUM.replace('tum"', 'tun"'),
        "has no 'momentun'; did you mean 'momentum'?",
    ),
    factor(
        "two factors of one name",
        f"{MOMENTUM}\n[[factor]]\nweight = 2.0\n{MOMENTUM}",
        "two factors are called 'momentum'",
        place="factor.1 (fund.toml, line 24)",
    ),
    factor("no weight", f"{MOMENTUM}\nweight = 0.0", "a number other than 0, got 0.0"),
    factor(
        "no such transform",
        f'{MOMENTUM}\ntransform = "ranks"',
        "there is no transform 'ranks'; there are none, rank",
        "did you mean 'rank'?",
    ),
    factor(
        "no such parameter",
        f"{MOMENTUM}\nparameters = {{lookback = 3}}",
        "did you mean 'lookback_bars'?",
    ),
    factor(
        "a parameter of another type",
        f"{MOMENTUM}\nparameters = {{lookback_bars = 3.5}}",
        "lookback_bars = 3.5",
        "give lookback_bars as int",
    ),
    own_factor("another shape", "return close[-1]", "(3, 2)", "of shape (2,)"),
    own_factor(
        "another shape on real bars only",
        "return close[1:] if np.isfinite(close).any() else close * 1.0",
        "(150, 12)",
        "of shape (149, 12)",
    ),
    own_factor("whole numbers", "return (close > 1) * 1", "float64, it returned int64"),
    own_factor("objects", "return close.astype(object)", "it returned object"),
    own_factor("nothing", "close * 2.0", "it returned NoneType"),
    own_factor(
        "a failure",
        "return close.mean(axis='time')",
        "this code of yours failed; TypeError",
        place="mine.py, line 5, in mine",
    ),
    own_factor(
        "a failure on real bars only",
        "return close if np.isnan(close).all() else {}[0]",
        "KeyError: 0; at the bar of 2019-01-02",
        place="mine.py, line 5, in mine",
    ),
    own_factor(
        "a look into the future",
        "return np.roll(close, -1, axis=0)",
        "gives other scores when it sees only its window",
        "look-ahead",
    ),
    own_factor(
        "a write into its input",
        "close[:] = 1.0; return close",
        "assignment destination is read-only",
        place="mine.py, line 5, in mine",
    ),
    factor(
        "a field that no data has",
        'rows = 3\nuse = "mine.py:mine"',
        "there is no panel field 'clsoe'",
        "did you mean 'close'?",
        mine="def mine(clsoe):\n    return clsoe",
    ),
    factor(
        "rows that nobody declared",
        'use = "mine.py:mine"',
        "nobody says how many rows it needs",
        place="factor.0.rows (fund.toml",
        mine="def mine(close):\n    return close",
    ),
)

MIDWAY = (
    spoken("raises", "raise ValueError('no idea')", "ValueError: no idea; at the bar"),
    spoken("fails", "scores[99] = 1.0", "IndexError", "at the bar of 2019-04-15"),
    spoken("ends the program", "raise SystemExit(4)", "this code of yours failed"),
    *(
        spoken(claim, body, *says, place="mine.py, line 10, on_bars")
        for claim, body, *says in (
            ("says text", "yield 'buy'; return", "SignalsUpdated, it gave str"),
            ("says None", "yield None; return", "it gave NoneType"),
            ("speaks twice", "yield SignalsUpdated(**said)", "it spoke 2 times"),
            ("is infinite", "scores[0] = np.inf", "one of them is infinite"),
            ("is short", "said['scores'] = scores[:3]", "shape (3,) for 12 assets"),
            ("counts", "said['scores'] = scores.astype(int)", "float64", "int64"),
            ("lists", "said['scores'] = [1.0] * 12", "float64", "got list"),
            ("is late", "said['time_ns'] = 5", "dated like its bar"),
            ("renames", "said['assets'] = ('BTC',)", "the assets of the window"),
        )
    ),
)


@pytest.mark.parametrize(
    "case", [*STRATEGIES, *FACTORS, *MIDWAY], ids=lambda case: case.claim
)
def test_bad_code_is_refused(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the essential words and the place, no traceback, nothing left."""
    prove_refused(case, tmp_path, capsys)


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in the middle: exit code 130, no draft, no journal, no folder."""
    text = FUND.replace(STRATEGY, 'strategy = "mine.py:Mine"')
    mine = STRATEGY_FILE.replace("BODY", "raise KeyboardInterrupt")
    write(tmp_path, {"fund.toml": text, "mine.py": mine})
    before = left_in(tmp_path)

    code = command(
        *("replay", tmp_path / "fund.toml", "--out", tmp_path / "runs/run"),
        "--journal",
    )

    assert code == 130
    assert "interrupted" in capsys.readouterr().err
    assert left_in(tmp_path) == before


@pytest.mark.slow
def test_a_strategy_without_a_view_is_no_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A factor of infinities is no view: the run holds cash, and says so."""
    text = FUND.replace(
        STRATEGY, f'{BLEND}\n[[factor]]\nrows = 1\nuse = "mine.py:mine"'
    )
    mine = FACTOR_FILE.replace("BODY", "return close / 0.0")
    write(tmp_path, {"fund.toml": text, "mine.py": mine})

    code = command(
        "replay", tmp_path / "fund.toml", "--out", tmp_path / "run", "--json"
    )

    assert code == 0
    assert "every score was NaN" in capsys.readouterr().err
