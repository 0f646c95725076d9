"""Speed, honestly: CPU seconds of medians, and ratios taken within one run.

CPU time of one thread, so that a busy machine changes little; contenders take turns,
so that what changes meets all of them. Absolute figures belong to the machine that is
named above them, ratios travel. Nothing here fails: a figure is read by a person.

    python benchmarks/run.py              # all
    python benchmarks/run.py operators    # start, demo, replay or operators
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from replays import replays

SINGLE_THREAD: Final[Mapping[str, str]] = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
START_ROUNDS: Final = 15
DEMO_ROUNDS: Final = 3
OPERATOR_ROUNDS: Final = 5
BARS: Final = 1_000
ASSETS: Final = 40
WINDOW_BARS: Final = 90

Row = tuple[str, ...]


def main() -> None:
    """Measure what was asked for and print one table each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    asked = parser.parse_args().suites or list(SUITES)
    unknown = [name for name in asked if name not in SUITES]
    if unknown:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(SUITES)}")
    print(
        f"Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )
    for name in asked:
        title, header, rows = SUITES[name]()
        show(title, header, rows)


# --- start-up -------------------------------------------------------------------------


def start() -> tuple[str, Row, list[Row]]:
    """What it costs to start, over an interpreter that does nothing."""
    contenders = {
        "python -c pass": "pass",
        "import factortrader": "import factortrader",
        "import the engine": "import factortrader.runtime.engine",
        "factortrader --help": (
            "import contextlib, factortrader.cli as cli\n"
            "with contextlib.suppress(SystemExit): cli.main(['--help'])"
        ),
    }
    seconds = take_turns(
        {name: partial(child_seconds, "-c", code) for name, code in contenders.items()},
        rounds=START_ROUNDS,
    )
    bare = seconds["python -c pass"]
    rows: list[Row] = [
        (name, f"{value:.3f}", f"{value - bare:+.3f}")
        for name, value in seconds.items()
    ]
    title = f"Start-up (CPU seconds, median of {START_ROUNDS})"
    return title, ("what", "seconds", "over bare"), rows


# --- a whole replay -------------------------------------------------------------------


def demo() -> tuple[str, Row, list[Row]]:
    """The demo as a user runs it: start-up, market, replay, report."""
    import pandas as pd

    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(DEMO_ROUNDS):
            out = Path(scratch) / str(turn)
            code = (
                "import sys, factortrader.cli as cli; sys.exit(cli.main(sys.argv[1:]))"
            )
            seconds.append(child_seconds("-c", code, "demo", "--out", str(out)))
        (summary,) = Path(scratch).joinpath("0").rglob("summary.json")
        bars = len(pd.read_parquet(summary.with_name("equity.parquet")))
        fills = len(pd.read_parquet(summary.with_name("fills.parquet")))
        assets = pd.read_parquet(summary.with_name("signals.parquet"))[
            "asset"
        ].nunique()
    median = statistics.median(seconds)
    rows: list[Row] = [
        (
            "factortrader demo",
            f"{median:.2f}",
            f"{bars:,} × {assets}",
            f"{fills:,}",
            f"{bars / median:,.0f}",
        )
    ]
    title = f"Demo, report included (CPU seconds, median of {DEMO_ROUNDS})"
    return title, ("what", "seconds", "bars × assets", "fills", "bars/second"), rows


# --- operators ------------------------------------------------------------------------


def operators() -> tuple[str, Row, list[Row]]:
    """Bit-exact operators against pandas: called per window, and its compiled code."""
    rows: list[Row] = []
    for name, contenders in operator_contenders().items():
        seconds = take_turns(
            {who: partial(own_seconds, call) for who, call in contenders.items()},
            rounds=OPERATOR_ROUNDS,
        )
        milliseconds = [f"{value * 1e3:.1f}" for value in seconds.values()]
        ratios = [f"{value / seconds['ours']:.2f}×" for value in seconds.values()]
        rows.append((name, *milliseconds, *ratios[1:]))
    title = (
        f"Operators over {BARS:,} bars × {ASSETS} assets, window {WINDOW_BARS} "
        f"(CPU milliseconds, median of {OPERATOR_ROUNDS})"
    )
    return title, ("what", "ours", "apply", "pandas", "apply/ours", "pandas/ours"), rows


def operator_contenders() -> dict[str, dict[str, Callable[[], object]]]:
    """By operator: ours, NumPy applied to each window, and pandas' compiled one."""
    import numpy as np
    import pandas as pd

    from factortrader.factors import operators as ours

    noise = np.random.default_rng(7).normal(0.0, 0.03, (BARS, ASSETS))
    prices = 100.0 * np.exp(np.cumsum(noise, axis=0))
    rolling = pd.DataFrame(prices).rolling(WINDOW_BARS)
    plain: dict[str, Callable[..., object]] = {
        "mean": np.mean,
        "std": partial(np.std, ddof=1),
        "median": np.median,
    }
    return {
        f"rolling_{name}": {
            "ours": partial(getattr(ours, f"rolling_{name}"), prices, WINDOW_BARS),
            "apply": partial(rolling.apply, function, raw=True),
            "pandas": getattr(rolling, name),
        }
        for name, function in plain.items()
    }


# --- measuring ------------------------------------------------------------------------


def take_turns(
    contenders: Mapping[str, Callable[[], float]], *, rounds: int
) -> dict[str, float]:
    """The median of what each says, asked in turns, after one round of warming up."""
    said: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, measure in contenders.items():
            seconds = measure()
            if turn:
                said[name].append(seconds)
    return {name: statistics.median(values) for name, values in said.items()}


def child_seconds(*arguments: str) -> float:
    """CPU seconds of a fresh interpreter, user and system; exits if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **SINGLE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    user = after.ru_utime - before.ru_utime
    return user + after.ru_stime - before.ru_stime


def own_seconds(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before


def show(title: str, header: Row, rows: list[Row]) -> None:
    """A table: words on the left, figures on the right."""
    table = [header, *rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(header))]
    print(f"\n{title}\n")
    for row in table:
        first, *rest = (
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "   ".join((first, *rest)))


SUITES: Final[Mapping[str, Callable[[], tuple[str, Row, list[Row]]]]] = {
    "start": start,
    "demo": demo,
    "replay": replays,
    "operators": operators,
}

if __name__ == "__main__":
    os.environ.update(SINGLE_THREAD)
    main()
