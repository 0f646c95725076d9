"""The run log tells what a person wants to be told, and where it stands."""

from __future__ import annotations

import json
from pathlib import Path

from tests.builders import bars, made

from factortrader.events import OrderRejected, PlanRefused
from factortrader.logs import RunLog


def test_each_line_is_one_fact_with_the_number_of_its_message(tmp_path: Path) -> None:
    """Messages are counted as the journal counts them; quiet ones are not told."""
    path = tmp_path / "log.jsonl"

    with RunLog(path, run_id="r1") as log:
        log.tell("run_started", fund="f")
        log.tap(
            [bars({"BTC": 100.0}), made(PlanRefused, limit="gross", reason="2 > 1")]
        )
        log.tap([made(OrderRejected, code="lot", reason="too fine")])

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == [
        "run_started",
        "plan_refused",
        "order_rejected",
    ]
    assert [line.get("sequence") for line in lines] == [None, 2, 3]
    assert lines[1]["reason"] == "2 > 1"
    assert all(line["run_id"] == "r1" for line in lines)


def test_bars_are_never_logged(tmp_path: Path) -> None:
    """What happens every bar stands in the journal and nowhere else."""
    path = tmp_path / "log.jsonl"

    with RunLog(path, run_id="r1") as log:
        log.tap([bars({"BTC": 100.0})] * 3)

    assert path.read_text() == ""
