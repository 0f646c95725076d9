"""What holds in every session: no fill before its information, and the money adds up."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import panel, perpetual, spot
from tests.unit.simulated.world import LATENCY_NS, Session, costs

from factortrader.events import (
    FundingPaid,
    OrderFilled,
    PositionSettled,
    TransferBooked,
)
from factortrader.units import HOUR_NS, MINUTE_NS, to_float

BARS = 30
ASSETS = ("BTC", "ETH")

wanted = st.tuples(
    st.integers(0, BARS - 1),
    st.sampled_from([0, 30, 90, 600, 24 * 60 - 1]),
    st.sampled_from(ASSETS),
    st.sampled_from(["buy", "sell"]),
    st.sampled_from(["0.7", "4", "90"]),
    st.sampled_from([None, None, 0.95, 0.995, 1.0, 1.005, 1.05]),
    st.sampled_from(["gtc", "ioc", "post_only"]),
)


def random_market(seed: int):
    """Two assets that gap, trade in a range, miss bars and lack opens; one dies."""
    rng = np.random.Generator(np.random.PCG64(seed))
    shape = (BARS, len(ASSETS))
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.05, shape), axis=0))
    opens = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0.0, 0.02, shape))
    high = np.maximum(opens, close) * np.exp(rng.exponential(0.02, shape))
    low = np.minimum(opens, close) * np.exp(-rng.exponential(0.02, shape))
    close[rng.random(shape) < 0.1] = np.nan
    opens[rng.random(shape) < 0.1] = np.nan
    close[int(rng.integers(10, BARS)) :, 1] = np.nan
    fields = {"open": opens, "high": high, "low": low}
    fields["volume"] = rng.uniform(0.0, 1_000.0, shape)
    return panel({a: close[:, at] for at, a in enumerate(ASSETS)}, fields=fields)


def run(seed: int, orders, *, kind) -> Session:
    """One session: each order is sent at the close of its row plus some minutes."""
    session = Session(
        random_market(seed),
        instruments=[kind(asset, idealized=kind is perpetual) for asset in ASSETS],
        cost_model=costs(
            maker_bps=1.0,
            taker_bps=10.0,
            half_spread_bps=5.0,
            impact_bps=50.0,
            borrow_annual=0.1,
        ),
        remainder="rest" if seed % 2 else "expire",
    )
    for row, minutes, asset, side, quantity, distance, tif in sorted(
        orders, key=lambda wish: wish[:2]
    ):
        sent_ns = session.closes[row] + minutes * MINUTE_NS
        session.said += session.venue.advance(sent_ns)
        mark = np.nan_to_num(
            session.bars.raw("close")[row, ASSETS.index(asset)], nan=100.0
        )
        limit = None if distance is None else f"{mark * distance:.2f}"
        session.send(
            side,
            quantity,
            row=row,
            after_ns=minutes * MINUTE_NS,
            asset=asset,
            limit=limit,
            tif="gtc" if limit is None else tif,
        )
    session.said += session.venue.advance(session.closes[-1] + 48 * HOUR_NS)
    return session


sessions = st.builds(
    run,
    st.integers(0, 1_000),
    st.lists(wanted, min_size=1, max_size=12),
    kind=st.sampled_from([spot, perpetual]),
)


@pytest.mark.slow
@given(session=sessions)
@settings(max_examples=80, deadline=None)
def test_no_order_fills_on_what_was_known_when_it_was_decided(session) -> None:
    """A fill is later than its decision, and its print lies within a later bar (R7)."""
    bars = session.bars

    for fill in session.heard(OrderFilled):
        decided_ns = session.sent_ns[fill.order_id]
        column = ASSETS.index(fill.asset)
        row = int(np.searchsorted(bars.close_ns, fill.time_ns, side="left"))

        assert fill.time_ns >= decided_ns + LATENCY_NS
        assert bars.close_ns[row] > decided_ns
        assert np.isfinite(bars.raw("close")[row, column])
        reference = to_float(fill.reference)
        assert bars.raw("low")[row, column] <= reference * (1 + 1e-9)
        assert reference <= bars.raw("high")[row, column] * (1 + 1e-9)


@pytest.mark.slow
@given(session=sessions)
@settings(max_examples=80, deadline=None)
def test_the_answers_alone_tell_what_the_account_holds(session) -> None:
    """A stranger who adds up transfers, fills, payments and settlements agrees."""
    held = dict.fromkeys(ASSETS, Decimal(0))
    cash = Decimal(0)
    for event in session.said:
        match event:
            case TransferBooked():
                cash += event.amount
            case FundingPaid():
                cash += event.amount
            case OrderFilled():
                held[event.asset] += event.side.sign * event.quantity
                cash -= event.side.sign * event.quantity * event.price + event.fee
            case PositionSettled():
                held[event.asset] -= event.quantity
                cash += event.quantity * event.price - event.fee

    account = session.venue._account
    worth = cash + sum(
        quantity * Decimal(repr(account._prints.mark(asset, session.closes[-1])))
        for asset, quantity in held.items()
        if quantity
    )
    assert held == {asset: account.quantity(asset) for asset in ASSETS}
    assert account.equity(session.closes[-1]) == pytest.approx(float(worth), abs=1e-6)


@pytest.mark.slow
@given(session=sessions)
@settings(max_examples=80, deadline=None)
def test_nothing_of_spot_is_ever_less_than_nothing(session) -> None:
    """Fills stay within our share of the bar; every reservation is given back."""
    account = session.venue._account
    taken: dict[tuple[str, int], Decimal] = {}
    for fill in session.heard(OrderFilled):
        row = int(np.searchsorted(session.bars.close_ns, fill.time_ns, side="left"))
        key = (fill.asset, row)
        taken[key] = taken.get(key, Decimal(0)) + fill.quantity
    for (asset, row), quantity in taken.items():
        volume = session.bars.raw("volume")[row, ASSETS.index(asset)]
        assert float(quantity) <= 0.1 * volume * (1 + 1e-9)

    session.venue._desk.cancel_all("the session is over", now_ns=session.closes[-1])
    assert account._reserved_quote == 0
    assert not any(account._reserved_base.values())
