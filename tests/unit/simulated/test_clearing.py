"""What happens to positions without an order: funding, borrow, actions, liquidation."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from tests.builders import T0, made, perpetual, spot
from tests.unit.simulated.world import LATE_NS, Session, costs, flat, kinds, market

from factortrader.events import (
    CorporateActionApplied,
    FundingPaid,
    FundingRatePublished,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    PositionSettled,
)
from factortrader.units import HOUR_NS


def funding(time_ns: int, rate: float = 0.001):
    return made(FundingRatePublished, time_ns=time_ns, rates=[rate])


@pytest.mark.parametrize(
    ("side", "rate", "amount"),
    [
        ("buy", 0.001, "-2"),
        ("sell", 0.001, "2"),
        ("buy", -0.001, "2"),
        ("sell", -0.001, "-2"),
    ],
)
def test_longs_pay_shorts_a_positive_rate(side, rate, amount) -> None:
    """amount = − position × multiplier × last close × rate, dated with the rate."""
    bars = market({"BTC": [100.0, 100.0, 400.0]})
    due_ns = int(bars.close_ns[1]) + 8 * HOUR_NS
    contract = perpetual("BTC", multiplier=Decimal("0.1"))
    session = Session(bars, instruments=[contract], events=[funding(due_ns, rate)])
    session.send(side, "200", row=0)
    session.until(2)

    paid = session.only(FundingPaid)

    assert paid.amount == Decimal(amount)
    assert (paid.kind, paid.time_ns) == ("funding", due_ns)


def test_funding_comes_before_what_arrives_at_the_same_time() -> None:
    """Who opens at the moment of funding pays none."""
    bars = flat()
    due_ns = int(bars.close_ns[0]) + 250_000_000
    session = Session(bars, instruments=[perpetual("BTC")], events=[funding(due_ns)])

    session.send(row=0)
    session.until(3)

    assert session.heard(OrderFilled)
    assert session.heard(FundingPaid) == []


def test_spot_and_unknown_rates_pay_nothing() -> None:
    bars = market({"BTC": [100.0] * 3, "ETH": [10.0] * 3})
    due_ns = int(bars.close_ns[1]) + 1
    nothing = made(
        FundingRatePublished,
        time_ns=due_ns,
        assets=("ETH", "BTC"),
        rates=[np.nan, 0.01],
    )
    session = Session(
        bars, instruments=[spot("BTC"), perpetual("ETH")], events=[nothing]
    )
    session.send(row=0)
    session.send(row=0, asset="ETH")
    session.until(2)

    assert len(session.heard(OrderFilled)) == 2
    assert session.heard(FundingPaid) == []


def test_an_idealized_short_pays_borrow_at_each_close_and_no_funding() -> None:
    """amount = − |notional| × borrow_annual × elapsed / 365 days."""
    bars = market({"BTC": [100.0, 100.0, 200.0]})
    stand_in = perpetual("BTC", idealized=True)
    session = Session(
        bars,
        instruments=[stand_in],
        events=[funding(int(bars.close_ns[1]) + 1)],
        cost_model=costs(borrow_annual=0.365),
    )
    session.send("sell", "10", row=0)
    session.until(2)

    paid = session.heard(FundingPaid)

    assert [event.amount for event in paid] == [Decimal(-1), Decimal(-2)]
    assert [event.time_ns for event in paid] == session.closes[1:]
    assert {event.kind for event in paid} == {"borrow"}


def test_an_idealized_long_pays_nothing() -> None:
    session = Session(
        flat(),
        instruments=[perpetual("BTC", idealized=True)],
        cost_model=costs(borrow_annual=0.5),
    )
    session.send("buy", "10", row=0)
    session.until(3)

    assert session.heard(FundingPaid) == []


def split(time_ns: int, numerator: int = 10, denominator: int = 1):
    return made(
        CorporateActionApplied,
        time_ns=time_ns,
        numerator=numerator,
        denominator=denominator,
    )


@pytest.mark.parametrize("kind", [spot, perpetual])
def test_a_redenomination_keeps_the_value(kind) -> None:
    """Ten times the units at a tenth of the price, before and after the next bar."""
    bars = market({"BTC": [100.0, 100.0, 10.0]})
    when_ns = int(bars.close_ns[1]) + HOUR_NS
    session = Session(bars, instruments=[kind("BTC")], events=[split(when_ns)])
    session.send("buy", "3", row=0)
    session.until(1)
    account = session.venue._account

    before = account.equity(session.closes[1])
    list(session.venue.advance(when_ns))
    between = account.equity(when_ns)
    session.until(2)

    assert account.quantity("BTC") == Decimal(30)
    assert before == between == account.equity(session.closes[2]) == 10_000.0


def test_an_order_before_a_redenomination_meets_its_bar_in_old_units() -> None:
    """The row of the action is printed in new units; the order's are restated."""
    bars = market({"BTC": [100.0, 11.0]}, open=[[100.0], [10.0]])
    when_ns = int(bars.close_ns[0]) + HOUR_NS
    session = Session(bars, events=[split(when_ns)])

    session.send("buy", "3", row=0)
    session.until(1)

    assert session.only(OrderFilled).price == Decimal(100)
    assert session.venue._account.quantity("BTC") == Decimal(30)


def test_a_redenomination_cancels_what_works_and_rejects_what_is_on_its_way() -> None:
    """Orders in the old unit mean nothing after it."""
    bars = market({"BTC": [100.0, 10.0, 10.0]})
    when_ns = int(bars.close_ns[0]) + HOUR_NS
    session = Session(bars, events=[split(when_ns)])

    resting = session.send(limit="95", row=0)
    session.send(row=0, after_ns=HOUR_NS - 1)
    session.send(row=0, after_ns=HOUR_NS)
    session.until(2)

    canceled = session.only(OrderCanceled)
    assert (canceled.order_id, canceled.time_ns) == (resting, when_ns)
    assert canceled.reason == "redenominated"
    assert session.only(OrderRejected).code == "redenominated"
    assert session.only(OrderFilled).price == Decimal(10)


def test_an_account_below_its_maintenance_margin_is_liquidated_at_the_mark() -> None:
    """Every perpetual goes, with the taker fee, before the bar is told."""
    bars = market({"BTC": [100.0, 100.0, 93.0, 93.0]})
    model = costs(taker_bps=10.0)
    session = Session(
        bars, instruments=[perpetual("BTC")], capital="1100", cost_model=model
    )
    session.send("buy", "100", row=0)
    session.until(1)

    answers = session.until(2)

    (settled,) = answers
    assert settled == made(
        PositionSettled,
        time_ns=session.closes[2],
        asset="BTC",
        quantity="100",
        price="93",
        fee="9.3",
        reason=None,
        reference=settled.reference,
    )
    assert session.venue._account.equity(session.closes[2]) == pytest.approx(380.7)
    session.send("buy", "1", row=2)
    session.until(3)
    assert session.heard(OrderRejected) == []


def test_an_account_above_its_maintenance_margin_is_left_alone() -> None:
    bars = market({"BTC": [100.0, 100.0, 94.0, 94.0]})
    session = Session(bars, instruments=[perpetual("BTC")], capital="1100")
    session.send("buy", "100", row=0)
    session.until(3)

    assert session.heard(PositionSettled) == []


def test_a_bankrupt_account_trades_no_more() -> None:
    """A short that lost more than there was: working orders go, new ones are refused."""
    bars = market({"BTC": [100.0, 100.0, 300.0, 300.0]})
    session = Session(bars, instruments=[perpetual("BTC")], capital="1100")
    session.send("sell", "100", row=0)
    session.send("sell", "1", limit="250", row=1, after_ns=LATE_NS, tif="post_only")
    session.until(2)

    session.send("buy", "1", row=2)
    session.until(3)

    assert "PositionSettled" in kinds(session.said)
    assert session.only(OrderRejected).code == "bankrupt"
    assert session.venue._account.equity(T0) < 0.0
    assert session.venue.next_ns() is None


def test_losses_eat_what_was_set_aside() -> None:
    """A resting spot buy whose cash is gone expires instead of overdrawing."""
    bars = market(
        {"BTC": [100.0] * 3, "ETH": [100.0] * 3},
        low=[[100.0, 100.0], [100.0, 100.0], [100.0, 80.0]],
    )
    due_ns = int(bars.close_ns[1]) + 1
    dear = made(FundingRatePublished, time_ns=due_ns, assets=("BTC",), rates=[0.2])
    session = Session(
        bars,
        instruments=[perpetual("BTC"), spot("ETH")],
        events=[dear],
        capital="100",
    )
    session.send("buy", "1", row=0)
    session.send("buy", "1", limit="90", row=0, asset="ETH")
    session.until(2)

    assert [fill.asset for fill in session.heard(OrderFilled)] == ["BTC"]
    assert kinds(session.said)[-1] == "OrderExpired"
