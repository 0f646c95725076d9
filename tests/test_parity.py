"""Replay and live agree: the same fund leaves the same journal through both drivers."""

from __future__ import annotations

import pytest
from tests.funds import FUNDS, fund
from tests.runs import lived, replayed

from factortrader.events import OrderFilled
from factortrader.runtime.codec import encode


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNDS)
def test_both_drivers_leave_the_same_journal(name: str) -> None:
    """Heap with memo or asyncio queue without it: not one message differs."""
    same = fund(name)

    by_replay = replayed(same)
    by_live = lived(same)

    for ours, theirs in zip(by_replay.messages, by_live.messages, strict=False):
        assert encode(ours) == encode(theirs)
    assert by_replay.head == by_live.head
    assert by_replay.of(OrderFilled), "a fund that never trades proves nothing"


@pytest.mark.slow
def test_a_queue_of_one_changes_nothing() -> None:
    """Back-pressure delays producers; it does not reorder what they say."""
    same = fund("momentum")

    assert lived(same, queue_events=1).head == lived(same, queue_events=1_000).head
