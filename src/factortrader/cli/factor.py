"""`factortrader factor list | lint`: what there is, and whether it looks ahead."""

from __future__ import annotations

import argparse
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factortrader.cli.output import say

if TYPE_CHECKING:
    from factortrader.market.panel import Panel
    from factortrader.runtime.assembly import Fund
    from factortrader.validation.lint_fund import FundRun, LintReport

_LINT_BARS = 400
"""The whole fund is replayed some dozen times over the last so many bars."""


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the factors that are shipped")
    listing.add_argument("--json", action="store_true", help="print JSON")
    lint = actions.add_parser(
        "lint", help="check a configured fund, or everything shipped, for look-ahead"
    )
    lint.add_argument(
        "config",
        nargs="?",
        type=Path,
        metavar="CONFIG",
        help="the fund's TOML (default: all shipped factors on generated bars)",
    )
    lint.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="override one value of the configuration",
    )
    lint.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "list":
        return _list(as_json=arguments.json)
    if arguments.config is None:
        report = _lint_shipped()
    else:
        report = _lint_fund(arguments.config, arguments.overrides)
    say(
        json.dumps(report.to_json(), indent=2)
        if arguments.json
        else "\n".join(report.lines())
    )
    return 0 if report.clean else 1


def shipped_factors() -> Iterator[Callable[..., Any]]:
    """Every function below `factortrader.factors` that declares its rows."""
    package = import_module("factortrader.factors")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for _, function in inspect.getmembers(
            import_module(module.name), inspect.isfunction
        ):
            if function.__module__ == module.name and hasattr(function, "rows_needed"):
                yield function


def _list(*, as_json: bool) -> int:
    rows = [_described(function) for function in shipped_factors()]
    if as_json:
        say(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        settings = ", ".join(f"{k}={v}" for k, v in row["parameters"].items())
        say(f"{row['use']}  ({', '.join(row['inputs'])}; {settings})")
        say(f"    {row['what']}")
    return 0


def _described(function: Callable[..., Any]) -> dict[str, Any]:
    from factortrader.factors.factor import bind

    factor = bind(function)
    return {
        "use": f"{function.__module__}:{function.__name__}",
        "inputs": list(factor.inputs),
        "parameters": dict(factor.parameters),
        "lookback_bars": factor.lookback_bars,
        "what": (inspect.getdoc(function) or "").partition("\n")[0],
    }


def _lint_shipped() -> LintReport:
    from factortrader.factors.factor import bind
    from factortrader.validation.lint_fund import lint_report

    return lint_report(factors=[bind(function) for function in shipped_factors()])


def _lint_fund(config: Path, overrides: list[str]) -> LintReport:
    """Factors, strategy, and the whole fund down to its fills, on its own data."""
    from factortrader.loading import blaming
    from factortrader.runtime.assembly import build_fund, read_config
    from factortrader.runtime.strategies import blended, user_code
    from factortrader.validation.lint_fund import lint_report

    fund = build_fund(read_config(config, overrides=overrides))
    panel = fund.history.panel
    recent = panel.rows(max(0, panel.bars - _LINT_BARS), panel.bars)
    with blaming(*user_code(fund.strategy)):
        return lint_report(
            factors=blended(fund.strategy),
            strategies=[fund.strategy],
            fund=_fund_run(fund),
            panel=recent,
        )


def _fund_run(fund: Fund) -> FundRun:
    """The fund over another panel: (time_ns, canonical bytes) of all it said."""
    from factortrader.events import Message
    from factortrader.runtime.assembly import build_core, build_simulated_venue
    from factortrader.runtime.codec import encode
    from factortrader.runtime.replay import Replay

    def run_over(panel: Panel) -> list[tuple[int, bytes]]:
        first_ns = int(panel.close_ns[0])
        events = tuple(e for e in fund.history.events if e.time_ns > first_ns)
        start_ns = max(fund.start_ns, first_ns + fund.lookback_bars * panel.interval_ns)
        over = replace(
            fund,
            history=replace(fund.history, panel=panel, events=events),
            start_ns=start_ns,
        )
        said: list[Message] = []
        Replay(
            engine=build_core(over, environment="lint", memo=False),
            history=over.history,
            venue=build_simulated_venue(over),
            journal=_Unwritten(),
            taps=[said.extend],
        ).run()
        return [(message.time_ns, encode(message)) for message in said]

    return run_over


class _Unwritten:
    """A journal for runs that only their messages are wanted of."""

    head = ""

    def append(self, first_sequence: int, messages: Any) -> None: ...

    def close(self) -> None: ...
