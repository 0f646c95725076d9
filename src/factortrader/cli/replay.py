"""`factortrader replay CONFIG`: run a fund over history."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from factortrader.cli.output import warn


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the fund's TOML")
    add_run_options(parser)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What `replay` and `demo` have in common."""
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="run folder (default: runs/<run id>)"
    )
    parser.add_argument("--replace", action="store_true", help="replace the run in DIR")
    parser.add_argument(
        "--journal", action="store_true", help="also write journal.sqlite, for verify"
    )
    parser.add_argument(
        "--no-memo",
        action="store_true",
        help="evaluate factors bar by bar, as live does (slow, same result)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="override one value, e.g. portfolio.top_n=10",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the summary as JSON, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    return replay_file(arguments.config, arguments)


def replay_file(config: Path, arguments: argparse.Namespace) -> int:
    """Replay the fund in this file and say what came of it."""
    from factortrader.cli.progress import bars_progress, show_run
    from factortrader.runtime.assembly import build_fund, read_config
    from factortrader.runtime.run import Request, replay

    fund = build_fund(read_config(config, overrides=arguments.overrides))
    request = Request(
        command=["factortrader", *sys.argv[1:]],
        out=arguments.out,
        journal=arguments.journal,
        memo=not arguments.no_memo,
        replace=arguments.replace,
    )
    with bars_progress(fund.history.panel.bars, quiet=arguments.json) as progress:
        finished = replay(fund, request, progress=progress)
    show_run(finished, as_json=arguments.json)
    for warning in finished.warnings:
        warn(warning)
    return 0
