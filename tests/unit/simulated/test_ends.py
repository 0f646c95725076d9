"""How lives end: each reason, and what a position is then worth."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from tests.builders import T0, perpetual, spot
from tests.unit.simulated.world import Session, costs, kinds, market

from factortrader.events import (
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    PositionSettled,
)
from factortrader.instruments import EndReason
from factortrader.units import DAY_NS
from factortrader_adapters.simulated.ends import DisappearanceRule, ends_of_life

NAN = float("nan")
BARS = 20
LAST = 3
"""BTC trades in rows 0 to LAST and is gone then; ETH goes on."""


def dying(after: int, *, returns: int | None = None):
    """BTC at 100 until row LAST, missing in `after` bars; ETH as long as the panel."""
    prices = [100.0] * (LAST + 1) + [NAN] * after
    if returns is not None:
        prices[returns] = 100.0
    return market({"BTC": prices, "ETH": [10.0] * len(prices)})


def held(bars, reason: EndReason | None, *, side: str = "buy", **changes) -> Session:
    """A session that holds 10 BTC (or is short of them) when its life ends."""
    ended_ns = None if reason is None else int(bars.close_ns[LAST])
    kind = perpetual if side == "sell" else spot
    btc = kind("BTC", end_reason=reason, ended_ns=ended_ns)
    session = Session(bars, instruments=[btc, spot("ETH")], **changes)
    session.send(side, "10", row=0)
    session.until(len(bars.close_ns) - 1)
    assert session.heard(OrderFilled)
    return session


@pytest.mark.parametrize(
    ("reason", "row", "price"),
    [
        (EndReason.DELISTED, LAST + 1, "0"),
        (EndReason.RENAMED, LAST + 1, "100"),
        (EndReason.UNKNOWN, LAST + 10, "0"),
        (None, LAST + 10, "0"),
        (EndReason.CRAWL, LAST + 11, "100"),
    ],
)
def test_each_end_settles_at_its_bar_and_price(reason, row, price) -> None:
    """Dated at that bar's close, at the last price after the haircut, without a fee."""
    session = held(dying(15), reason)

    settled = session.only(PositionSettled)

    assert settled.time_ns == session.closes[row]
    assert (settled.quantity, settled.price) == (Decimal(10), Decimal(price))
    assert settled.fee == 0
    assert settled.reason is (reason or EndReason.UNKNOWN)
    assert session.venue._account.quantity("BTC") == 0


def test_a_halted_instrument_is_frozen_until_it_trades_again() -> None:
    """Never settled; orders expire while nobody trades, and fill when somebody does."""
    bars = dying(16, returns=LAST + 15)
    session = held(bars, EndReason.HALTED)

    assert session.heard(PositionSettled) == []

    again = held(bars, EndReason.HALTED)
    assert again.venue._account.equity(again.closes[-1]) == 10_000.0


def test_a_halted_instrument_can_be_sold_when_it_trades_again() -> None:
    bars = dying(16, returns=LAST + 15)
    btc = spot("BTC", end_reason=EndReason.HALTED, ended_ns=int(bars.close_ns[LAST]))
    session = Session(bars, instruments=[btc, spot("ETH")])
    session.send("buy", "10", row=0)
    session.until(LAST + 1)

    session.send("sell", "10", row=LAST + 1)
    session.until(LAST + 14)
    session.send("sell", "10", row=LAST + 14)
    session.until(LAST + 15)

    assert len(session.heard(OrderExpired)) == 1
    assert len(session.heard(OrderFilled)) == 2


@pytest.mark.parametrize(
    ("reason", "missing"),
    [
        (None, 9),
        (EndReason.UNKNOWN, 9),
        (EndReason.CRAWL, 10),
        (EndReason.DELISTED, 0),
    ],
)
def test_a_series_that_ends_with_the_panel_is_marked_and_not_settled(
    reason, missing
) -> None:
    """The end of the download is no loss."""
    session = held(dying(missing), reason)

    assert session.heard(PositionSettled) == []
    assert session.venue._account.equity(session.closes[-1]) == 10_000.0


def test_a_haircut_takes_a_part_and_the_policy_may_take_nothing() -> None:
    part = held(dying(15), None, haircut=0.25)
    nothing = held(dying(15), None, on_disappearance="last_price")

    assert part.only(PositionSettled).price == Decimal(75)
    assert nothing.only(PositionSettled).price == Decimal(100)


def test_a_short_gains_nothing_from_a_series_that_vanished() -> None:
    """A haircut takes from who is long; nobody is paid for missing rows."""
    session = held(dying(15), None, side="sell")

    settled = session.only(PositionSettled)

    assert (settled.quantity, settled.price) == (Decimal(-10), Decimal(100))
    assert session.venue._account.equity(session.closes[-1]) == 10_000.0


def test_the_report_says_what_each_end_cost() -> None:
    session = held(dying(15), EndReason.DELISTED, haircut=0.4)

    (ended,) = session.venue.ends()

    assert ended.asset == "BTC"
    assert ended.reason is EndReason.DELISTED
    assert (ended.last_price, ended.price) == (Decimal(100), Decimal(60))
    assert ended.cost_quote == Decimal(400)
    assert ended.time_ns == session.closes[LAST + 1]


def test_an_end_cancels_what_works_and_rejects_what_comes() -> None:
    bars = dying(15)
    btc = spot("BTC", end_reason=EndReason.DELISTED, ended_ns=int(bars.close_ns[LAST]))
    session = Session(bars, instruments=[btc, spot("ETH")])
    resting = session.send(limit="50", row=0)
    session.until(LAST)

    session.send(row=LAST)
    session.until(LAST + 2)

    assert session.only(OrderRejected).code == "ended"
    canceled = session.only(OrderCanceled)
    assert canceled.order_id == resting
    assert canceled.time_ns == session.closes[LAST + 1]


def test_a_ticker_that_returns_after_its_end_is_not_the_same_instrument() -> None:
    """Ten missing bars ended it; its id trades no more."""
    bars = dying(16, returns=LAST + 15)
    session = Session(bars)

    session.send(row=LAST + 14)
    session.until(LAST + 15)

    assert session.only(OrderRejected).code == "ended"


def test_an_account_that_lost_everything_is_bankrupt() -> None:
    bars = dying(15)
    session = Session(bars, capital="1000")
    session.send("buy", "10", row=0)
    session.until(LAST + 10)

    session.send(row=LAST + 10, asset="ETH")
    session.until(LAST + 11)

    assert kinds(session.said)[-2:] == ["PositionSettled", "OrderRejected"]
    assert session.only(OrderRejected).code == "bankrupt"


def test_a_vanished_idealized_short_pays_borrow_until_it_is_settled() -> None:
    bars = dying(15)
    session = held(
        bars,
        None,
        side="sell",
        cost_model=costs(borrow_annual=0.0),
    )
    assert session.only(PositionSettled).time_ns == session.closes[LAST + 10]


def test_gaps_shorter_than_ten_bars_end_nothing() -> None:
    """Nine missing bars are a pause, ten are an end, and the first end counts."""
    closes_ns = (T0 + DAY_NS * np.arange(40)).tolist()

    def row_of_end(*rows: int) -> int | None:
        printed = np.zeros((40, 1), dtype=bool)
        printed[list(rows)] = True
        ends = ends_of_life([spot("BTC")], printed=printed, closes_ns=closes_ns)
        return ends[0].row if ends else None

    assert row_of_end(*range(40)) is None
    assert row_of_end(0, 10, 20, 30) is None
    assert row_of_end(0, 11, 39) == 10
    assert row_of_end(5) == 15
    assert row_of_end(30) is None
    assert row_of_end(29) == 39
    assert row_of_end() is None


@pytest.mark.parametrize("reason", list(EndReason))
def test_no_settlement_price_exceeds_the_last_price(reason) -> None:
    rule = DisappearanceRule(policy="haircut", haircut=0.5)

    for is_long in (True, False):
        price = rule.settlement_price(100.0, reason=reason, is_long=is_long)
        assert price == (
            50.0
            if is_long and reason in {EndReason.DELISTED, EndReason.UNKNOWN}
            else 100.0
        )
