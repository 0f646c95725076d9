"""`factortrader demo`: five years of a synthetic market, replayed and reported."""

from __future__ import annotations

import argparse
from importlib.resources import as_file, files

from factortrader.cli.replay import add_run_options, replay_file


def configure(parser: argparse.ArgumentParser) -> None:
    add_run_options(parser)


def run(arguments: argparse.Namespace) -> int:
    source = files("factortrader.cli") / "demo.toml"
    with as_file(source) as config:
        return replay_file(config, arguments)
