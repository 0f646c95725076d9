"""The way to the venue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factortrader.units import SECOND_NS
from factortrader_adapters.simulated.latency import Latency


def test_a_command_takes_at_least_a_nanosecond() -> None:
    latency = Latency(fixed_seconds=0.0, jitter_seconds=0.0, seed=0)

    assert latency.arrival_ns(sent_ns=100, venue_ns=50) == 101


@pytest.mark.slow
@given(
    sent=st.lists(st.integers(0, 10**12), min_size=1, max_size=20),
    fixed=st.floats(0.0, 5.0),
    jitter=st.floats(0.0, 5.0),
    seed=st.integers(0, 2**32),
)
def test_arrivals_come_in_order_within_the_jitter(sent, fixed, jitter, seed) -> None:
    """Each later than its sending, none before an earlier one, none too late."""
    latency = Latency(fixed_seconds=fixed, jitter_seconds=jitter, seed=seed)
    sent = sorted(sent)

    arrivals = [latency.arrival_ns(sent_ns=at, venue_ns=0) for at in sent]

    longest_ns = round(fixed * SECOND_NS) + round(jitter * SECOND_NS) + 1
    assert arrivals == sorted(arrivals)
    for at, arrival in zip(sent, arrivals, strict=True):
        assert at < arrival <= at + longest_ns
