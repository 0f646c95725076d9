"""What a bar and an order cost in a replay, with journal head, recorder and all limits.

The same small fund in two moods: it buys once and holds, so that nearly every bar is
idle, or it rebalances daily. What an order costs is what is left of the second after
its bars are paid for at the price of an idle one: planning, judging and scoring are in
it. Calls are counted, not timed, so that they say the same on a busy machine.
"""

from __future__ import annotations

import statistics
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from factortrader.runtime.assembly import Fund

ROUNDS: Final = 5
IDLE_BARS: Final = 3_000
BUSY_BARS: Final = 300

TABLES: Final = """
[fund]
name = "benchmark"
capital = 1_000_000
benchmark = "BTC"
[data]
source = "synthetic"
assets = 50
start = "2019-03-01"
seed = 5
[universe]
size = 50
min_history_bars = 20
on_empty = "cash"
[portfolio]
method = "top_n"
top_n = 20
gross = 0.9
max_weight = 0.1
[costs]
maker_bps = 10.0
taker_bps = 10.0
half_spread_bps = 5.0
impact_bps = 100.0
[risk]
max_weight = 0.25
max_gross = 1.0
max_net = 1.0
max_turnover = 1.0
max_orders = 60
max_order_notional_quote = 1_000_000
max_participation = 0.05
collar_bps = 500.0
"""
HOLDS: Final = ("factortrader_strategies.buy_and_hold:BuyAndHold", "once")
TRADES: Final = (
    "factortrader_strategies.short_term_reversal:ShortTermReversal",
    "daily",
)


class Replayed(NamedTuple):
    """amount: CPU seconds, or calls."""

    amount: float
    bars: int
    fills: int


def replays() -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """An idle bar, an order, and an order after four times the history."""
    idle = fund(HOLDS, bars=IDLE_BARS)
    busy = {times: fund(TRADES, bars=times * BUSY_BARS) for times in (1, 4)}
    measures = {"µs": (timed, 1e6, ROUNDS), "calls": (counted, 1.0, 1)}
    columns = []
    for measure, unit, rounds in measures.values():
        bar = median(idle, measure, rounds, per=lambda run: run.amount / run.bars)
        columns.append([unit * bar])
        for each in busy.values():
            order = median(
                each,
                measure,
                rounds,
                per=lambda run, bar=bar: (run.amount - run.bars * bar) / run.fills,
            )
            columns[-1].append(unit * order)
    names = (
        "idle bar",
        f"filled order, {BUSY_BARS:,} bars",
        f"filled order, {4 * BUSY_BARS:,} bars",
    )
    rows = [
        (name, *(f"{value:,.0f}" for value in values))
        for name, values in zip(names, zip(*columns, strict=True), strict=True)
    ]
    title = (
        f"Replay of {len(idle.history.panel.assets)} assets, all told "
        f"(CPU microseconds, median of {ROUNDS}; function calls)"
    )
    return title, ("what", *measures), rows


def fund(mood: tuple[str, str], *, bars: int) -> Fund:
    """The fund on so many bars, without news but its own fills."""
    from dataclasses import replace

    from factortrader.config.document import Document
    from factortrader.runtime.assembly import build_fund, config_of

    tables: dict[str, Any] = tomllib.loads(TABLES)
    strategy, every = mood
    tables["data"]["bars"] = bars
    tables |= {"signal": {"strategy": strategy}, "schedule": {"every": every}}
    document = Document(tables=tables, places={}, folder=Path(), name="benchmark")
    built = build_fund(config_of(document))
    return replace(built, history=replace(built.history, events=()))


def median(
    of: Fund,
    measure: Callable[[Callable[[], None]], float],
    rounds: int,
    *,
    per: Callable[[Replayed], float],
) -> float:
    return statistics.median(per(replayed(of, measure)) for _ in range(rounds))


def replayed(of: Fund, measure: Callable[[Callable[[], None]], float]) -> Replayed:
    """One replay of the fund by a fresh core, measured without its construction."""
    from factortrader.analytics.recorder import RunRecorder
    from factortrader.events import OrderFilled
    from factortrader.runtime.assembly import build_core, build_simulated_venue
    from factortrader.runtime.codec import ReplayCodec
    from factortrader.runtime.journal import ChainedJournal
    from factortrader.runtime.replay import Replay

    recorder = RunRecorder(benchmark=of.config.fund.benchmark)
    replay = Replay(
        engine=build_core(of, environment="replay", memo=True),
        history=of.history,
        venue=build_simulated_venue(of),
        journal=ChainedJournal(genesis_link=b"", encode=ReplayCodec(of.history).encode),
        taps=[recorder.observe],
    )
    amount = measure(replay.run)
    fills = sum(isinstance(moved, OrderFilled) for _, moved in recorder.movements)
    return Replayed(amount, of.history.panel.bars, fills)


def timed(call: Callable[[], None]) -> float:
    """CPU seconds."""
    before = time.process_time()
    call()
    return time.process_time() - before


def counted(call: Callable[[], None]) -> float:
    """Calls of functions, Python's and built in."""
    calls = 0

    def heard(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(heard)
    try:
        call()
    finally:
        sys.setprofile(None)
    return float(calls)
