"""`factortrader verify RUN`: re-execute a run's journal."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from factortrader.cli.output import say, warn


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    from factortrader.runtime.run import verify_run

    proven, differs = verify_run(arguments.run)
    for line in differs:
        warn(f"the environment is not that of the run: {line}")
    if arguments.json:
        facts = {
            "messages": proven.messages,
            "inputs": proven.inputs,
            "head": proven.head,
            "environment_differs": differs,
        }
        say(json.dumps(facts, indent=2))
    else:
        say(
            f"verified: {proven.inputs} inputs give the same {proven.messages} "
            f"messages, head {proven.head}"
        )
    return 0
