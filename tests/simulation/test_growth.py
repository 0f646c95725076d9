"""What an order costs does not depend on how many came before it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import pytest
from tests.funds import fund

from factortrader.analytics.recorder import RunRecorder
from factortrader.events import Message, OrderFilled
from factortrader.runtime.assembly import Fund, build_core, build_simulated_venue
from factortrader.runtime.codec import ReplayCodec
from factortrader.runtime.journal import ChainedJournal
from factortrader.runtime.replay import Replay


class CallsAtFills:
    """A tap that notes, at each fill, how many calls there have been so far."""

    def __init__(self) -> None:
        self.calls = 0
        self.at_fill: list[int] = []

    def tap(self, messages: Sequence[Message]) -> None:
        fills = sum(isinstance(message, OrderFilled) for message in messages)
        self.at_fill += [self.calls] * fills

    def during(self, call: Callable[[], None]) -> None:
        def heard(_frame: object, event: str, _argument: object) -> None:
            self.calls += event in ("call", "c_call")

        sys.setprofile(heard)
        try:
            call()
        finally:
            sys.setprofile(None)

    def per_fill(self, start: int, stop: int) -> float:
        """Mean calls between fills of that stretch, bars and plans included."""
        return (self.at_fill[stop - 1] - self.at_fill[start]) / (stop - 1 - start)


def counted(given: Fund) -> CallsAtFills:
    calls = CallsAtFills()
    replay = Replay(
        engine=build_core(given, environment="replay", memo=True),
        history=given.history,
        venue=build_simulated_venue(given),
        journal=ChainedJournal(
            genesis_link=b"", encode=ReplayCodec(given.history).encode
        ),
        taps=[RunRecorder(benchmark="BTC").observe, calls.tap],
    )
    calls.during(replay.run)
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reversal_daily", "late_jittery_venue"])
def test_four_times_the_orders_cost_four_times_as_much(name: str) -> None:
    """Calls per fill, all told, in a later stretch are those of an early one."""
    calls = counted(fund(name, data={"bars": 1_000}))
    fills = len(calls.at_fill)
    assert fills > 1_500

    early = calls.per_fill(fills // 8, fills // 4)
    late = calls.per_fill(fills // 2, fills)

    assert late < 1.1 * early
