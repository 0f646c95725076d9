"""What a replay did up to a date does not depend on where it ends (G1)."""

from __future__ import annotations

import pytest
from tests.funds import FUNDS, fund
from tests.runs import golden, replayed

from factortrader.runtime.codec import encode
from factortrader.units import parse_time_ns


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNDS)
def test_a_shorter_replay_is_a_prefix_of_the_longer_one(name: str) -> None:
    """Every message up to the earlier end is the same, to the byte."""
    end = "2019-10-14"
    full = golden(name).messages
    short = replayed(fund(name, data={"end": end})).messages

    assert short[-1].time_ns <= parse_time_ns(end)
    assert len(short) < len(full)
    for one, other in zip(short, full, strict=False):
        assert encode(one) == encode(other)


@pytest.mark.slow
def test_a_longer_market_does_not_change_the_past() -> None:
    """A market with more days to come trades the same until then."""
    short = replayed(fund("momentum", data={"bars": 300})).messages
    longer = golden("momentum").messages

    for one, other in zip(short, longer, strict=False):
        assert encode(one) == encode(other)
