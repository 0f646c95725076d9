"""Ways to be wrong in a configuration: exit code 2, one message, nothing left behind.

A case changes one sound fund. Its message must carry the words, and name the line that
was changed, unless the case says where else it points. `test_bad_code.py` does the
same for strategies and factors, `test_bad_files.py` for vendors' files and the store.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bad_cases import BLEND, FUND, MOMENTUM, STRATEGY, Case, prove_refused, write
from tests.run_folders import command


def period(claim: str, text: str, *says: str) -> Case:
    return Case(claim, {"bars = 150": f"bars = 150\n{text}"}, says)


CONFIGURATION = (
    Case("a misspelt key", {"top_n = 8": "topn = 8"}, ("did you mean 'top_n'?",)),
    Case(
        "a misspelt section",
        {"[costs]": "[cost]"},
        ("unknown section; did you mean 'costs'?", "costs.taker_bps: is missing"),
    ),
    Case(
        "a limit without a value",
        {"max_orders = 60\n": "", "[risk]": "[risk]"},
        ("risk.max_orders", "is missing: a whole number ≥ 0"),
    ),
    Case(
        "a number as text",
        {"size = 20": 'size = "20"'},
        ("universe.size", "'20' is not allowed: a whole number ≥ 1"),
    ),
    Case("a yes as a number", {"top_n = 8": "top_n = true"}, ("True is not allowed",)),
    Case(
        "percent where a fraction is meant",
        {"gross = 0.9": "gross = 95"},
        ("a number ≥ 0 and ≤ 10", "it is a fraction: 95 % is 0.95"),
    ),
    Case("no number", {"gross = 0.9": "gross = nan"}, ("nan is not allowed",)),
    Case("a negative seed", {"seed = 11": "seed = -1"}, ("-1", "a whole number ≥ 0")),
    Case(
        "no capital",
        {"capital = 250_000": "capital = 0"},
        ("fund.capital", "0 is not allowed: a number > 0"),
    ),
    Case(
        "a schedule that is no time",
        {'every = "weekly"': 'every = "weakly"'},
        ("hourly, daily, weekly", "got 'weakly'"),
    ),
    Case(
        "a section in two brackets",
        {"[fund]": "[[fund]]"},
        ("write [fund], not [[fund]]",),
    ),
    Case(
        "a factor in one bracket",
        {STRATEGY: f"{BLEND}\n[factor]\n{MOMENTUM}"},
        ("write each factor as a [[factor]] table",),
        place="fund.toml, line 22)",
    ),
    Case(
        "a source that is not installed",
        {'source = "synthetic"': 'source = "synthetik"'},
        ("no adapter 'synthetik'", "store, synthetic"),
    ),
    Case(
        "a venue that is not installed",
        {'adapter = "simulated"': 'adapter = "binance"'},
        ("no adapter 'binance' among the venues: simulated",),
    ),
    Case(
        "several problems at once",
        {"top_n = 8": "topn = 8", "size = 20": "size = -1", "seed = 11": "sed = 11"},
        ("3 problems", "'top_n'", "≥ 1", "did you mean 'seed'?"),
    ),
    Case("an empty file", {FUND: ""}, ("fund.name: is missing",), place="fund.toml"),
    Case(
        "no TOML",
        {"seed = 11": "seed 11"},
        ("this is no TOML", "Expected '=' after a key"),
        place="fund.toml, line 6:",
    ),
)

PERIOD = (
    period(
        "a start after the end",
        'end = "2019-02-01"\nstart = "2019-03-01"',
        "start (2019-03-01) must lie before end (2019-02-01)",
    ),
    period(
        "a start that is no date",
        'start = "01/03/2019"',
        "start is an ISO date",
        "got '01/03/2019'",
    ),
    period("a day that does not exist", 'start = "2019-02-30"', "out of range"),
    Case(
        "no data in the range",
        {"bars = 150": 'bars = 150\nstart = "2031-01-01"'},
        ("no bar in the range", "from 2019-01-02 to 2019-05-31"),
        place="fund.toml, line 12, data.start",
    ),
    Case(
        "an end before the first bar",
        {"bars = 150": 'bars = 150\nend = "2011-01-01"'},
        ("no bar in the range",),
        place="fund.toml, line 12, data.end",
    ),
    Case(
        "a length in another unit",
        {"bars = 150": 'bars = 150\ninterval = "1 day"'},
        ('an interval reads like "1d", "4h" or "15m", got \'1 day\'',),
        place="fund.toml, line 12, data.interval",
    ),
)

FIT = (
    Case(
        "a benchmark that the data lacks",
        {'benchmark = "BTC"': 'benchmark = "btc"'},
        ("the data has no asset 'btc'; did you mean 'BTC'?",),
    ),
    Case(
        "an asset of the universe that the data lacks",
        {"size = 20": 'size = 20\ninclude = ["BTC", "B*", "ETC"]'},
        ("the data has no asset 'ETC'; did you mean 'ETH'?",),
    ),
    Case(
        "another quote currency than that of the data",
        {"seed = 11": 'seed = 11\nquote = "EUR"'},
        ("kept in EUR", "quoted in USDT", "nothing is converted"),
    ),
    Case(
        "a schedule finer than the bars",
        {'every = "weekly"': 'every = "6h"'},
        ("'6h' is more often than the data has bars, which are 1d long",),
    ),
    Case(
        "a lookback longer than the history",
        {"formation_bars = 30": "formation_bars = 400", "[signal]": "[signal]"},
        ("it reads 401 bars, and the history has 150",),
        place="signal.strategy (fund.toml, line 21)",
    ),
    Case(
        "a universe that is empty on some dates",
        {'on_empty = "cash"': 'on_empty = "refuse"'},
        ("empty on 4 of 22 rebalances", "first on 2019-01-02", 'on_empty = "cash"'),
        place="fund.toml, line 14, [universe]",
    ),
    Case(
        "a universe that is empty on all dates",
        {"size = 20": 'size = 20\ninclude = ["Z*"]'},
        ("empty on 22 of 22 rebalances", "loosen the rules"),
        place="fund.toml, line 14, [universe]",
    ),
    Case(
        "shorts of what cannot be borrowed",
        {"gross = 0.9": "gross = 0.9\nlong_short = true"},
        ("sells short, and the data is spot", "costs.borrow_annual"),
        place="fund.toml, line 28, portfolio.long_short",
    ),
    Case(
        "an asset of the strategy that the data lacks",
        {
            STRATEGY: 'strategy = "factortrader_strategies.buy_and_hold:BuyAndHold"\n'
            'parameters = {assets = ["BTC", "ETC"]}'
        },
        ("signal.parameters.assets", "did you mean 'ETH'?"),
    ),
)

OPTIONS = (
    Case("no key", {}, ("--set wants section.key=value",), "top_n", sets=("top_n",)),
    Case("no part of a key", {}, ("got 'a..b=3'",), "--set", sets=("a..b=3",)),
    Case(
        "a misspelt option",
        {},
        ("did you mean 'top_n'?",),
        "portfolio.topn (--set)",
        sets=("portfolio.topn=3",),
    ),
    Case(
        "an option of another type",
        {},
        ("'many' is not allowed",),
        "portfolio.top_n (--set)",
        sets=("portfolio.top_n=many",),
    ),
    Case(
        "a base that is not there",
        {"[fund]": 'extends = "base.toml"\n[fund]'},
        ("the configuration that", "fund.toml extends cannot be read"),
        "base.toml",
    ),
    Case(
        "a circle of bases",
        {"[fund]": 'extends = "base.toml"\n[fund]'},
        ("extends itself", "fund.toml extends base.toml extends fund.toml"),
        "base.toml, line 1",
        others={"base.toml": 'extends = "fund.toml"'},
    ),
    Case(
        "a mistake in a base",
        {FUND: 'extends = "base.toml"'},
        ("did you mean 'top_n'?",),
        "base.toml, line 26",
        others={"base.toml": FUND.replace("top_n = 8", "topn = 8")},
    ),
    Case("a run folder that is there", {}, ("exists already",), "", out="."),
    Case("the root of the disk", {}, ("exists already",), "/: ", out="/"),
    Case(
        "a run folder that cannot be made",
        {},
        ("cannot be written", "Not a directory", "--out"),
        "fund.toml/run",
        out="fund.toml/run",
    ),
)


@pytest.mark.parametrize(
    "case", [*CONFIGURATION, *PERIOD, *FIT, *OPTIONS], ids=lambda case: case.claim
)
def test_bad_input_is_refused(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the essential words and the place, no traceback, nothing left."""
    prove_refused(case, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("fund.capital=1", "the capital is too small"),
        ("portfolio.gross=0", "every weight aimed at was zero"),
        ("risk.max_orders=0", "the first by max_orders"),
    ],
)
def test_a_run_without_an_order_says_why(
    change: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is an answer, so the code is 0, and seldom the one that was asked for."""
    write(tmp_path, {"fund.toml": FUND})
    out = tmp_path / "run"

    code = command(
        "replay", tmp_path / "fund.toml", "--out", out, "--json", "--set", change
    )

    said = capsys.readouterr().err
    assert code == 0
    assert "warning: no order was sent" in said
    assert why in said
    assert why in (out / "manifest.json").read_text()
