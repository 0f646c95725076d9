"""Bars and marks by time, in the units of that time."""

from __future__ import annotations

import math

import numpy as np
from tests.builders import made, panel
from tests.unit.simulated.world import market

from factortrader.events import CorporateActionApplied
from factortrader.units import HOUR_NS
from factortrader_adapters.simulated.prints import Prints

NAN = float("nan")


def test_the_mark_is_the_last_close_that_was_known() -> None:
    """Nothing before the first close; over gaps and doubts the last good one."""
    clean = np.array([[True], [True], [True], [False]])
    bars = panel({"BTC": [NAN, 100.0, NAN, 999.0]}, clean=clean)
    prints = Prints(bars, ())
    closes = prints.closes_ns

    assert prints.mark("BTC", closes[0]) is None
    assert prints.mark("BTC", closes[1] - 1) is None
    assert [prints.mark("BTC", close) for close in closes[1:]] == [100.0] * 3


def test_a_bar_begins_after_the_close_before_it() -> None:
    """At its very beginning it is not there yet; a nanosecond later it is."""
    prints = Prints(market({"BTC": [100.0, 101.0]}), ())
    begin_ns = prints.closes_ns[0]

    assert prints.bar("BTC", row=1, time_ns=begin_ns) is None
    assert prints.bar("BTC", row=1, time_ns=begin_ns + 1) is not None
    assert prints.bar("BTC", row=2, time_ns=begin_ns + 1) is None


def test_prices_that_are_no_prices_are_unknown() -> None:
    """An open of zero is none; a missing high or low is that of open and close."""
    bars = market(
        {"BTC": [100.0]}, open=[[0.0]], high=[[NAN]], low=[[NAN]], volume=[[NAN]]
    )
    prints = Prints(bars, ())

    bar = prints.bar("BTC", row=0, time_ns=prints.closes_ns[0])

    assert bar is not None
    assert math.isnan(bar.open)
    assert math.isnan(bar.volume)
    assert (bar.low, bar.high, bar.close) == (100.0, 100.0, 100.0)


def test_bars_and_marks_are_restated_over_redenominations() -> None:
    """price × ratio before, volume ÷ ratio: the notional stays; one id counts once."""
    bars = market({"BTC": [100.0, 10.0, 10.0]}, volume=[[1.0], [50.0], [50.0]])
    when_ns = int(bars.close_ns[0]) + HOUR_NS
    action = made(CorporateActionApplied, time_ns=when_ns)
    prints = Prints(bars, (action, action))

    before = prints.bar("BTC", row=1, time_ns=when_ns - 1)
    after = prints.bar("BTC", row=1, time_ns=when_ns)

    assert before is not None
    assert after is not None
    assert (before.close, before.volume) == (100.0, 5.0)
    assert (after.close, after.volume) == (10.0, 50.0)
    assert prints.mark("BTC", when_ns - 1) == 100.0
    assert prints.mark("BTC", when_ns) == 10.0
    assert prints.mark("BTC", prints.closes_ns[2]) == 10.0
