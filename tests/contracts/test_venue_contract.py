"""What every venue owes us, whichever world it is in.

A venue under test is driven through `VenueUnderTest`: it takes commands, and gives the
answers that they led to. The suite knows nothing else of it, so a sandbox or a testnet
joins by one more entry in `VENUES`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Protocol

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import order, panel, spot

from factortrader.costs import CostModel, CostSettings
from factortrader.events import (
    CancelOrder,
    CancelRejected,
    Command,
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderRequested,
    OrderType,
    Side,
    SubmitOrder,
    TimeInForce,
)
from factortrader.ports import History
from factortrader_adapters.simulated.settings import SimulatedVenueSettings
from factortrader_adapters.simulated.venue import SimulatedVenue

ENDS = (OrderCanceled, OrderExpired, OrderRejected)
BARS = 8
ASSETS = ("BTC", "ETH")


class VenueUnderTest(Protocol):
    """One account with 100,000 USDT at a venue that knows BTC and ETH.

    Prices wander around 100. Steps are counted from 0 to `steps` − 1; commands of one
    step are sent together, and `answers` waits until nothing more can come.
    """

    steps: int

    def send(self, command: Command, *, step: int) -> None: ...

    def answers(self) -> Sequence[Event]: ...


class SimulatedUnderTest:
    """The simulated venue over a random walk; one step per bar."""

    steps = BARS - 1

    def __init__(self) -> None:
        self._panel = _walk()
        self._venue = SimulatedVenue(
            SimulatedVenueSettings(latency_jitter_seconds=0.5, max_participation=0.01),
            history=History(
                panel=self._panel,
                instruments=tuple(spot(asset) for asset in ASSETS),
                events=(),
                fingerprint="0" * 64,
                synthetic=True,
                notes=(),
            ),
            costs=CostModel(
                CostSettings(
                    maker_bps=1.0, taker_bps=10.0, half_spread_bps=5.0, impact_bps=50.0
                )
            ),
            quote="USDT",
            capital=Decimal(100_000),
            seed=11,
            on_disappearance="haircut",
            haircut=1.0,
        )
        self._sent: dict[int, list[Command]] = {}

    def send(self, command: Command, *, step: int) -> None:
        self._sent.setdefault(step, []).append(command)

    def answers(self) -> Sequence[Event]:
        said: list[Event] = []
        for step, close_ns in enumerate(self._panel.close_ns.tolist()):
            said += self._venue.advance(close_ns)
            for command in self._sent.get(step, ()):
                self._venue.execute(dated(command, close_ns))
        return said


def _walk():
    rng = np.random.Generator(np.random.PCG64(3))
    shape = (BARS, len(ASSETS))
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
    opens = np.vstack([close[:1], close[:-1]])
    high = np.maximum(opens, close) * 1.01
    low = np.minimum(opens, close) * 0.99
    close[4, 1] = np.nan
    columns = {asset: close[:, at] for at, asset in enumerate(ASSETS)}
    return panel(columns, fields={"open": opens, "high": high, "low": low})


def dated(command: Command, time_ns: int) -> Command:
    """The same command, said at that time."""
    match command:
        case SubmitOrder(order=asked):
            fields = {name: getattr(asked, name) for name in asked.__struct_fields__}
            fields["time_ns"] = time_ns
            return SubmitOrder(time_ns=time_ns, order=OrderRequested(**fields))
        case CancelOrder():
            return CancelOrder(
                time_ns=time_ns, order_id=command.order_id, asset=command.asset
            )
    raise AssertionError(f"no venue executes {command}")


VENUES: tuple[Callable[[], VenueUnderTest], ...] = (SimulatedUnderTest,)

asked_for = st.tuples(
    st.integers(0, BARS - 2),
    st.sampled_from(ASSETS),
    st.sampled_from(Side),
    st.sampled_from(["0", "0.5", "3", "25"]),
    st.sampled_from([None, "90", "99", "100", "101", "110"]),
    st.sampled_from(TimeInForce),
    st.booleans(),
)


def requests(asked: Iterable[tuple]) -> list[tuple[int, OrderRequested, bool]]:
    """(step, order, whether it is canceled one step later), ids in order."""
    return [
        (
            step,
            order(
                order_id=f"order-{number}",
                asset=asset,
                side=side,
                quantity=quantity,
                limit_price=limit,
                order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
                time_in_force=tif,
            ),
            canceled,
        )
        for number, (step, asset, side, quantity, limit, tif, canceled) in enumerate(
            asked
        )
    ]


def answered(venue: VenueUnderTest, asked: Iterable[tuple]) -> Sequence[Event]:
    """Everything the venue says to these orders and cancels."""
    for step, requested, canceled in requests(asked):
        venue.send(SubmitOrder(time_ns=0, order=requested), step=step)
        if canceled:
            command = CancelOrder(
                time_ns=0, order_id=requested.order_id, asset=requested.asset
            )
            venue.send(command, step=min(step + 1, venue.steps - 1))
    return venue.answers()


@pytest.mark.slow
@pytest.mark.parametrize("venue", VENUES)
@given(asked=st.lists(asked_for, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_venue_keeps_its_contract(venue, asked) -> None:
    """Whatever is asked of it, in whatever order."""
    orders = {each.order_id: each for _, each, _ in requests(asked)}

    said = answered(venue(), asked)

    answers_come_in_order(said)
    ids_are_unique(said)
    for order_id, requested in orders.items():
        an_order_lives_once(requested, of_order(said, order_id))


def of_order(said: Iterable[Event], order_id: str) -> list[Event]:
    return [event for event in said if getattr(event, "order_id", None) == order_id]


def answers_come_in_order(said: Sequence[Event]) -> None:
    """Dates never fall."""
    times = [event.time_ns for event in said]
    assert times == sorted(times)


def ids_are_unique(said: Sequence[Event]) -> None:
    """One id per acceptance, one id per trade."""
    accepted = [e.venue_order_id for e in said if isinstance(e, OrderAccepted)]
    trades = [(e.asset, e.trade_id) for e in said if isinstance(e, OrderFilled)]
    assert not [each for each, n in Counter([*accepted, *trades]).items() if n > 1]


def an_order_lives_once(requested: OrderRequested, said: Sequence[Event]) -> None:
    """Rejected, or accepted once, filled upwards to at most its quantity, ended once.

    A cancel is answered by an end or by a rejection of the cancel; nothing but that
    follows the end.
    """
    life = [event for event in said if not isinstance(event, CancelRejected)]
    assert isinstance(life[0], OrderAccepted | OrderRejected)
    assert sum(isinstance(event, OrderAccepted) for event in life) <= 1
    fills = [event for event in life if isinstance(event, OrderFilled)]
    filled = Decimal(0)
    for fill in fills:
        assert fill.quantity > 0
        assert (fill.asset, fill.side) == (requested.asset, requested.side)
        filled += fill.quantity
        assert fill.cumulative == filled <= requested.quantity
        if requested.limit_price is not None:
            assert requested.side.sign * (requested.limit_price - fill.price) >= 0
    ends = [event for event in life if isinstance(event, ENDS)]
    is_full = filled == requested.quantity > 0
    assert len(ends) + is_full <= 1
    assert not ends or ends[0] is life[-1]
    for end in ends:
        assert getattr(end, "cumulative", filled) == filled
    if requested.time_in_force is TimeInForce.IOC or requested.limit_price is None:
        assert len(ends) + is_full == 1


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_executes_an_order_id_once(venue) -> None:
    """The second request under an id is rejected (R8)."""
    under_test = venue()
    requested = order(order_id="twice", quantity="0.5")
    for _ in range(2):
        under_test.send(SubmitOrder(time_ns=0, order=requested), step=0)

    said = of_order(under_test.answers(), "twice")

    assert [type(event) for event in said] == [
        OrderAccepted,
        OrderFilled,
        OrderRejected,
    ]


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_answers_a_cancel_of_nothing(venue) -> None:
    under_test = venue()
    under_test.send(CancelOrder(time_ns=0, order_id="none", asset="BTC"), step=0)

    (answer,) = of_order(under_test.answers(), "none")

    assert isinstance(answer, CancelRejected)


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_answers_the_same_to_the_same(venue) -> None:
    """Two accounts, the same commands: the same answers, ids and all."""
    asked = [
        (step, asset, Side.BUY, "25", "101", TimeInForce.GTC, False)
        for step in range(3)
        for asset in ASSETS
    ]

    assert answered(venue(), asked) == answered(venue(), asked)


def test_the_walk_is_no_toy() -> None:
    """The contract is tried on fills, partial fills and every end."""
    asked = [
        (0, "BTC", Side.BUY, "25", None, TimeInForce.GTC, False),
        (0, "BTC", Side.BUY, "0", None, TimeInForce.GTC, False),
        (0, "ETH", Side.BUY, "25", "110", TimeInForce.GTC, True),
        (3, "ETH", Side.SELL, "0.5", None, TimeInForce.GTC, False),
    ]

    said = answered(SimulatedUnderTest(), asked)

    seen = {type(event) for event in said}
    assert {OrderAccepted, OrderFilled, OrderExpired, OrderRejected} <= seen
    assert any(
        isinstance(event, OrderFilled) and event.cumulative < 25 for event in said
    )
