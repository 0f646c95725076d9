"""What holds of the ledger after every event of any sequence."""

from __future__ import annotations

from collections import defaultdict
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import fill, instruments, made, perpetual, spot, transfer

from factortrader.errors import BrokenInvariant
from factortrader.events import (
    CorporateActionApplied,
    FundingPaid,
    OrderFilled,
    PositionSettled,
    Side,
    TransferBooked,
)
from factortrader.portfolio.exposure import Exposure
from factortrader.portfolio.ledger import Ledger
from factortrader.units import MONEY, ZERO

D = Decimal
KNOWN = instruments(
    spot("BTC"), spot("ETH"), spot("BNB"), perpetual(multiplier=D("0.01"))
)
ASSETS = tuple(KNOWN)
TRADED = ("BTC", "ETH", "BTC-PERP")
ROOMY = Context(prec=100, traps=[])
FUNDED = (transfer("100000"), transfer("50", currency="BNB"))

quantities = st.decimals("0.00000001", "300", places=8)
prices = st.decimals("0.000001", "500", places=6)
fees = st.decimals("0", "5", places=8)
sides = st.sampled_from(Side)


@st.composite
def fills(draw) -> OrderFilled:
    asset = draw(st.sampled_from(TRADED))
    in_kind = KNOWN[asset].base if asset != "BTC-PERP" else "USDT"
    return fill(
        asset=asset,
        side=draw(sides),
        quantity=draw(quantities),
        price=draw(prices),
        fee=draw(fees),
        fee_currency=draw(st.sampled_from(("USDT", "BNB", in_kind))),
        trade_id=str(draw(st.integers(0, 10))),
    )


EVENTS = st.one_of(
    fills(),
    fills(),
    st.builds(
        lambda amount, currency: transfer(amount, currency=currency),
        st.decimals("-2000", "2000", places=4),
        st.sampled_from(("USDT", "BTC", "BNB")),
    ),
    st.builds(
        lambda amount, kind: made(FundingPaid, amount=amount, kind=kind),
        st.decimals("-50", "50", places=8),
        st.sampled_from(("funding", "borrow")),
    ),
    st.builds(
        lambda asset, share, price, fee: (asset, share, price, fee),
        st.sampled_from(TRADED),
        st.sampled_from((D(1), D("0.5"), D(-1))),
        prices,
        fees,
    ),
    st.builds(
        lambda action, asset, numerator, denominator: made(
            CorporateActionApplied,
            action=f"action-{action}",
            asset=asset,
            numerator=numerator,
            denominator=denominator,
        ),
        st.integers(0, 3),
        st.sampled_from(TRADED),
        st.integers(1, 7),
        st.integers(1, 7),
    ),
)
MARKS = st.fixed_dictionaries(dict.fromkeys(ASSETS, prices))


def settled(ledger: Ledger, drawn):
    """A settlement of a share of what is held; every other event is as drawn."""
    if not isinstance(drawn, tuple):
        return drawn
    asset, share, price, fee = drawn
    quantity = MONEY.multiply(ledger.position(asset), share)
    return made(PositionSettled, asset=asset, quantity=quantity, price=price, fee=fee)


def value_gained(ledger: Ledger, event, marks) -> Decimal:
    """What the event must do to equity at these marks, without the ledger's books."""
    match event:
        case OrderFilled():
            units = event.side.sign * event.quantity * KNOWN[event.asset].multiplier
            fee = event.fee * {"USDT": D(1), **marks}[event.fee_currency]
            return units * (marks[event.asset] - event.price) - fee
        case PositionSettled():
            units = event.quantity * KNOWN[event.asset].multiplier
            return units * (event.price - marks[event.asset]) - event.fee
        case FundingPaid():
            return event.amount
        case TransferBooked():
            return event.amount * {"USDT": D(1), **marks}[event.currency]
        case CorporateActionApplied():
            units = ledger.position(event.asset) * KNOWN[event.asset].multiplier
            grown = units * event.numerator / event.denominator
            return (grown - units) * marks[event.asset]


def sums_by_asset(ledger: Ledger) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for (_account, asset), amount in ledger.snapshot().balances.items():
        totals[asset] += amount
    return totals


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(drawn=st.lists(EVENTS, max_size=25), marks=MARKS)
def test_the_books_hold_after_every_event(drawn, marks) -> None:
    """Balanced to zero, equity explained to the last digit, or refused unchanged."""
    ledger = Ledger(KNOWN, quote="USDT")
    exposure = Exposure(ledger, assets=ASSETS)
    row = np.array([float(marks[asset]) for asset in ASSETS])
    booked = []

    with localcontext(MONEY):
        for each in [*FUNDED, *drawn]:
            event = settled(ledger, each)
            before, equity = ledger.snapshot(), ledger.equity(marks)
            with localcontext(ROOMY):
                gain = value_gained(ledger, event, marks)
            try:
                entries = ledger.apply(event)
            except BrokenInvariant:
                note("refused")
                assert ledger.snapshot() == before
                continue
            booked.append(event)
            exposure.follow(entries)

            assert all(entry.amount > 0 for entry in entries)
            assert not any(sums_by_asset(ledger).values())
            assert all(ledger.position(asset) >= 0 for asset in ("BTC", "ETH", "BNB"))
            exposure.verify(row)
            gained = ledger.equity(marks) - equity
            if not entries:
                assert ledger.snapshot() == before
            elif isinstance(event, CorporateActionApplied):
                lost = ROOMY.abs(ROOMY.subtract(gained, gain))
                assert lost < D("1e-8") * marks[event.asset]
            else:
                assert gained == gain

    again = Ledger(KNOWN, quote="USDT")
    for event in booked:
        again.apply(event)
        after = again.snapshot()
        if isinstance(event, OrderFilled | CorporateActionApplied):
            assert again.apply(event) == ()
            assert again.snapshot() == after
    assert again.snapshot() == ledger.snapshot()


@given(
    asset=st.sampled_from(TRADED),
    side=sides,
    quantity=quantities,
    price=st.decimals("0.000001", "300", places=6),
    cost=st.tuples(fees, fees),
)
def test_a_round_trip_at_a_constant_price_loses_exactly_the_two_fees(
    asset, side, quantity, price, cost
) -> None:
    """Nothing is left of the position, and nothing else is gone."""
    side = side if asset == "BTC-PERP" else Side.BUY
    other = Side.SELL if side is Side.BUY else Side.BUY
    trade = {"asset": asset, "quantity": quantity, "price": price}
    ledger = Ledger(KNOWN, quote="USDT")
    ledger.apply(transfer("100000"))

    ledger.apply(fill(trade_id="1", side=side, fee=cost[0], **trade))
    ledger.apply(fill(trade_id="2", side=other, fee=cost[1], **trade))

    assert ledger.positions() == {}
    assert ledger.cash == D(100_000) - cost[0] - cost[1]


@given(
    trades=st.lists(
        st.tuples(sides, st.decimals("0.1", "9", places=1), prices), max_size=12
    )
)
def test_entry_value_is_what_was_paid_less_what_was_realized(trades) -> None:
    """Whatever is rounded on the way, a flat perpetual has realized its cash flows."""
    ledger = Ledger(KNOWN, quote="USDT")
    paid = held = ZERO
    with localcontext(MONEY):
        for number, (side, quantity, price) in enumerate(trades):
            ledger.apply(
                fill(
                    asset="BTC-PERP",
                    trade_id=str(number),
                    side=side,
                    quantity=quantity,
                    price=price,
                )
            )
            paid += side.sign * quantity * price * D("0.01")
            held += side.sign * quantity

            assert ledger.position("BTC-PERP") == held
            assert ledger.entry_value("BTC-PERP") == paid + ledger.realized("BTC-PERP")
            assert ledger.entry_value("BTC-PERP") * held >= 0
            assert ledger.cash == ledger.realized("BTC-PERP")
