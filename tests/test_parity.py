"""Replay and live agree: the same fund leaves the same journal through both drivers."""

from __future__ import annotations

import gc

import pytest
from tests.funds import FUNDS, fund
from tests.runs import golden, lived

from factortrader.events import OrderFilled
from factortrader.runtime.codec import encode


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNDS)
def test_both_drivers_leave_the_same_journal(name: str) -> None:
    """Heap with memo or asyncio queue without it: not one message differs."""
    by_replay = golden(name)
    by_live = lived(fund(name))

    for ours, theirs in zip(by_replay.messages, by_live.messages, strict=False):
        assert encode(ours) == encode(theirs)
    assert by_replay.head == by_live.head
    assert by_replay.of(OrderFilled), "a fund that never trades proves nothing"


@pytest.mark.slow
def test_a_queue_of_one_changes_nothing() -> None:
    """Back-pressure delays producers; it does not reorder what they say."""
    assert lived(fund("momentum"), queue_events=1).head == golden("momentum").head


@pytest.mark.slow
def test_every_task_ends_in_order(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing waits or listens any more when the driver returns."""
    lived(fund("momentum", data={"bars": 100}))
    gc.collect()

    assert not [record for record in caplog.records if record.name == "asyncio"]
