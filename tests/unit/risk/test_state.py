"""The trading state: what it lets pass, and what changes it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

import pytest
from tests.builders import kinds, leg, made, order
from tests.fakes.books import judged, monitor, refused, remaining

from factortrader.events import (
    OperatorCommanded,
    OrderApproved,
    PlanRefused,
    Side,
    TradingStateChanged,
)
from factortrader.events.operator import OperatorAction
from factortrader.events.risk import TradingState
from factortrader.units import MONEY

NAN = float("nan")


@pytest.fixture(autouse=True)
def _exact_money() -> Iterator[None]:
    """As inside the core: a result that would be rounded raises."""
    with localcontext(MONEY):
        yield


def test_a_reduce_only_desk_refuses_orders_that_add_risk() -> None:
    """Only orders that bring a position nearer to zero pass, in plans too."""
    desk = monitor(state=TradingState.REDUCE_ONLY, positions={"BTC": "2"})

    sale = order(side=Side.SELL, quantity="2")
    assert kinds(tuple(desk.on_order(sale))) == [OrderApproved]
    assert refused(desk).limit == "trading_state"
    assert refused(desk, side=Side.SELL, quantity="3").limit == "trading_state"
    flip = leg(quantity="5", side=Side.SELL)
    assert remaining(judged(desk, flip)) == {"BTC": Decimal(2)}
    adding = judged(desk, leg())
    assert isinstance(adding, PlanRefused)
    assert adding.limit == "trading_state"


@pytest.mark.parametrize(
    "state", [TradingState.PAUSED, TradingState.CANCELED, TradingState.HALTED]
)
def test_a_stopped_desk_lets_nothing_pass(state: TradingState) -> None:
    """Neither plans nor orders, not even those that reduce."""
    desk = monitor(state=state, positions={"BTC": "2"})

    sale = refused(desk, side=Side.SELL)
    whole = judged(desk, leg(side=Side.SELL))

    assert (sale.limit, str(state) in sale.reason) == ("trading_state", True)
    assert isinstance(whole, PlanRefused)
    assert whole.limit == "trading_state"


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("active", "pause", "paused"),
        ("active", "reduce_only", "reduce_only"),
        ("active", "cancel_all", "canceled"),
        ("active", "flatten", "reduce_only"),
        ("active", "halt", "halted"),
        ("active", "resume", None),
        ("paused", "pause", None),
        ("paused", "reduce_only", None),
        ("halted", "pause", None),
        ("halted", "cancel_all", None),
        ("halted", "flatten", "reduce_only"),
        ("halted", "resume", "active"),
        ("reduce_only", "resume", "active"),
        ("reduce_only", "pause", "paused"),
    ],
)
def test_commands_tighten_and_only_resume_and_flatten_loosen(
    before: str, action: str, after: str | None
) -> None:
    """A latched state is not softened by a weaker command."""
    desk = monitor(state=TradingState(before))
    command = made(OperatorCommanded, action=OperatorAction(action), who="op", why="?")

    changes = tuple(desk.on_operator(command))

    assert desk.state == before, "only the event itself changes the state"
    for change in changes:
        assert isinstance(change, TradingStateChanged)
        assert (change.state, change.by, change.why) == (after, "op", "?")
        desk.on_state(change)
    assert desk.state == (after or before)
