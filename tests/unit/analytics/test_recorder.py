"""The recorder keeps what the tables need, and counts each thing once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.builders import fill, leg, made, order, plan, spot
from tests.unit.analytics.fund import Fund

from factortrader.analytics.recorder import RunRecorder
from factortrader.events import (
    CorporateActionApplied,
    OrderAccepted,
    OrderApproved,
    OrderCanceled,
    OrderRefused,
    OrderRejected,
    OrderSettled,
    OrderSubmitted,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RiskMeasured,
)
from factortrader.orders.lifecycle import IllegalTransition


def lines(*events):
    recorder = RunRecorder()
    recorder.observe(events)
    return list(recorder.orders.lines())


SENT = (order(), OrderApproved(time_ns=0, order=order()), made(OrderSubmitted))


def test_an_order_has_one_line_with_its_last_state() -> None:
    """Request, approval, submission, acceptance and fill are one line: filled."""
    (line,) = lines(*SENT, made(OrderAccepted), fill())

    assert (line.status, line.order_id, line.plan) == (
        "filled",
        order().order_id,
        order().plan,
    )


@pytest.mark.parametrize(
    ("events", "status", "reason"),
    [
        ((order(), made(OrderRefused, limit="gross")), "refused", "gross: reason"),
        ((*SENT, made(OrderRejected)), "rejected", "code: reason"),
        (
            (*SENT, made(OrderAccepted), made(OrderCanceled), made(OrderSettled)),
            "settled",
            "canceled: reason",
        ),
        (
            (*SENT, made(OrderAccepted), fill(), made(OrderSettled, cumulative="1")),
            "settled",
            "filled",
        ),
    ],
    ids=["refused", "rejected", "canceled", "filled"],
)
def test_an_order_keeps_the_words_of_who_ended_it(events, status, reason) -> None:
    """A settled order says in which state it closed; a refusal names its limit."""
    (line,) = lines(*events)

    assert (line.status, line.reason) == (status, reason)


def test_a_settled_order_counts_by_the_state_in_which_it_closed() -> None:
    """Settled says that nothing more can come, not what came."""
    (canceled,) = lines(*SENT, made(OrderCanceled), made(OrderSettled))
    (waiting,) = lines(*SENT)

    assert (canceled.outcome, waiting.outcome) == ("canceled", "submitting")


def test_the_line_shows_the_quantity_that_risk_approved() -> None:
    """An approval may be smaller than the request; the order is what was approved."""
    smaller = OrderApproved(time_ns=0, order=order(quantity="0.4"))

    (line,) = lines(order(quantity="1"), smaller)

    assert str(line.quantity) == "0.4"


def test_an_order_cannot_do_what_the_life_cycle_forbids() -> None:
    """A fill of an order that was never sent is as impossible here as in the book."""
    with pytest.raises(IllegalTransition):
        lines(order(), fill())


def test_a_fill_delivered_twice_counts_once() -> None:
    """Fills are the same if asset and trade id are."""
    fund = Fund(spot("BTC"))
    fund.trade("BTC", "1", price="100")
    _, again = fund.recorder.movements[-1]

    fund.recorder.observe([again])

    assert len(fund.recorder.movements) == 2
    assert len(fund.results().movements.fills) == 1


def test_an_action_delivered_twice_counts_once() -> None:
    """Corporate actions are the same if their id is."""
    recorder = RunRecorder()
    action = made(CorporateActionApplied)

    recorder.observe([action, action])

    assert len(recorder.movements) == 1


def test_rebalances_are_approved_plans_with_something_to_trade() -> None:
    """Refused and empty plans are none, and a plan is one however it is approved."""
    recorder = RunRecorder()

    recorder.observe(
        [
            plan(leg(), plan="a"),
            made(PlanApproved, plan="a"),
            made(PlanApproved, plan="a"),
            plan(leg(), plan="b"),
            made(PlanReduced, plan="b", legs=(leg(quantity="0.5"),)),
            plan(leg(), plan="c"),
            made(PlanReduced, plan="c", legs=()),
            plan(leg(), plan="d"),
            made(PlanRefused, plan="d"),
            made(PlanApproved, plan="e"),
        ]
    )

    assert recorder.rebalances == 2


def test_what_the_tables_do_not_need_is_not_kept() -> None:
    """A measure of every bar leaves nothing behind."""
    recorder = RunRecorder()
    before = {name: repr(value) for name, value in vars(recorder).items()}

    recorder.observe([made(RiskMeasured)])

    assert {name: repr(value) for name, value in vars(recorder).items()} == before


@pytest.mark.slow
def test_recording_loads_no_library_of_tables_or_charts() -> None:
    """They come with the writing; a run that only listens does not pay for them."""
    script = (
        "import sys, factortrader.analytics.recorder, factortrader.analytics.run_folder;"
        "print({'pandas', 'pyarrow', 'plotly', 'rich'} & {*sys.modules})"
    )

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "set()"


def test_a_row_keeps_only_what_is_held() -> None:
    """Memory grows with the positions, not with the universe."""
    fund = Fund(spot("BTC"), spot("ETH"), spot("SOL"))
    fund.trade("ETH", "2", price="10")
    fund.close(BTC=100.0, ETH=10.0, SOL=1.0)

    (row,) = fund.recorder.rows

    assert (row.held.tolist(), row.quantities.tolist(), row.marks.tolist()) == (
        [1],
        [2.0],
        [10.0],
    )
