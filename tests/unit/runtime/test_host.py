"""The host asks the strategy when a rebalance is due, and proves what it says."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import T0, bars, floats, made, window

from factortrader.errors import BadInput
from factortrader.events import BarsClosed, SignalsUpdated, TargetsSet
from factortrader.market.schedule import Schedule, ScheduleSettings
from factortrader.market.window import Window
from factortrader.runtime.host import StrategyHost
from factortrader.units import DAY_NS

SEEN = window({"A": [1.0], "B": [2.0]})


class Spoken:
    """Says what it was told to say, and counts how often it was asked."""

    lookback_bars = 1

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Window] = []

    def on_bars(self, seen: Window) -> Any:
        self.asked.append(seen)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def signal(**changes: Any) -> SignalsUpdated:
    values = {"assets": ("A", "B"), "scores": [1.0, 2.0]} | changes
    return made(SignalsUpdated, **values)


def host(strategy: Spoken, *, every: str = "weekly") -> StrategyHost:
    schedule = Schedule(ScheduleSettings(every=every), start_ns=T0)
    return StrategyHost(strategy, schedule=schedule, window=lambda: SEEN)


def bar(day: int = 0) -> BarsClosed:
    return bars({"A": 1.0, "B": 2.0}, close_ns=T0 + day * DAY_NS)


def test_the_strategy_is_asked_on_due_bars_only() -> None:
    """On Monday, and on the Monday after; T0 is one."""
    strategy = Spoken(())
    asked = host(strategy)

    for day in range(-1, 8):
        asked.on_bars(bar(day))

    assert strategy.asked == [SEEN, SEEN]


def test_what_it_says_is_passed_on() -> None:
    """The very event."""
    said = signal()

    assert tuple(host(Spoken([said])).on_bars(bar())) == (said,)


def test_silence_is_an_answer() -> None:
    """No view at all, and the slot is used up."""
    strategy = Spoken(iter(()))
    asked = host(strategy)

    assert tuple(asked.on_bars(bar())) == ()
    assert tuple(asked.on_bars(bar(1))) == ()
    assert len(strategy.asked) == 1


def test_a_signal_without_any_view_is_fine() -> None:
    """NaN everywhere: everything is held."""
    nothing = signal(scores=[float("nan")] * 2)

    assert tuple(host(Spoken((nothing,))).on_bars(bar())) == (nothing,)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ([signal(scores=[1.0])], r"scores has shape \(1,\) for 2 assets"),
        ([signal(scores=[1.0, float("inf")])], "infinite"),
        ([signal(time_ns=T0 + 1)], "dated like its bar"),
        ([signal(assets=("A", "C"))], "the assets of the window"),
        ([signal(contributions={"value": floats(1.0)})], r"value has shape \(1,\)"),
        ([signal(), signal()], "once a bar, it spoke 2 times"),
        ([made(TargetsSet)], "must give SignalsUpdated, it gave TargetsSet"),
        (None, "must give SignalsUpdated, it gave NoneType"),
        (3, "must give SignalsUpdated, it gave int"),
    ],
)
def test_an_answer_that_cannot_be_traded_on_is_refused(answer: Any, fault: str) -> None:
    """The error names the strategy's file, the bar, and what is wrong."""
    with pytest.raises(BadInput, match=fault) as failure:
        tuple(host(Spoken(answer)).on_bars(bar()))

    assert failure.value.code == "strategy_answer"
    assert "test_host.py" in failure.value.where
    assert "2024-01-01" in failure.value.why


def test_an_error_of_the_strategy_says_at_which_bar() -> None:
    """The traceback is the user's, the date is ours."""
    with pytest.raises(ZeroDivisionError) as failure:
        tuple(host(Spoken(ZeroDivisionError("mine"))).on_bars(bar()))

    assert failure.value.__notes__ == ["at the bar of 2024-01-01"]
