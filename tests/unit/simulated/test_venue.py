"""Time at the venue: what happens when, in which order, and never twice."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from tests.builders import T0, made, panel, perpetual, spot
from tests.unit.simulated.world import (
    LATE_NS,
    LATENCY_NS,
    Session,
    costs,
    flat,
    history,
    kinds,
    market,
    nan_like,
)

from factortrader.errors import BadInput, BrokenInvariant
from factortrader.events import (
    CancelRejected,
    InstrumentRulesChanged,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    RaiseAlert,
    TransferBooked,
)
from factortrader.instruments import TradingRules
from factortrader.ports import SimulatedVenue as Port
from factortrader.units import DAY_NS, SECOND_NS
from factortrader_adapters.simulated.venue import SimulatedVenue


def test_the_first_answer_is_the_initial_capital() -> None:
    """The account opens with one transfer, dated at the close it is told."""
    session = Session(flat(), capital="5000")

    transfer = session.only(TransferBooked)

    assert transfer.amount == Decimal(5000)
    assert transfer.currency == "USDT"
    assert transfer.time_ns == session.closes[0]


def test_an_account_that_nobody_opens_opens_at_the_first_bar() -> None:
    """A driver which only follows `next_ns` gets the transfer with the first bar."""
    bars = flat()
    venue: Port = SimulatedVenue(
        SimulatedVenue.Settings(),
        history=history(bars),
        costs=costs(),
        quote="USDT",
        capital=Decimal(1),
        seed=0,
        on_disappearance="haircut",
        haircut=1.0,
    )

    first_ns = venue.next_ns()
    assert first_ns == bars.close_ns[0]
    answers = list(venue.advance(first_ns))

    assert kinds(answers) == ["TransferBooked"]
    assert venue.next_ns() is None


def test_an_early_market_order_fills_at_the_open_dated_at_arrival() -> None:
    """Accepted and filled in one breath, against the print just after the decision."""
    session = Session(market({"BTC": [100.0, 130.0]}, open=[[100.0], [110.0]]))

    session.send(row=0)
    answers = session.until(1)

    assert kinds(answers) == ["OrderAccepted", "OrderFilled"]
    assert {answer.time_ns for answer in answers} == {session.closes[0] + LATENCY_NS}
    fill = session.only(OrderFilled)
    assert fill.price == fill.reference == Decimal(110)
    assert fill.cumulative == Decimal(1)
    assert fill.fee_currency == "USDT"


def test_a_late_market_order_fills_at_the_close_of_its_bar() -> None:
    """After the print budget the next print is the close, dated there."""
    session = Session(market({"BTC": [100.0, 130.0]}, open=[[100.0], [110.0]]))

    session.send(row=0, after_ns=LATE_NS)
    session.until(1)

    fill = session.only(OrderFilled)
    assert fill.price == Decimal(130)
    assert fill.time_ns == session.closes[1]
    assert session.only(OrderAccepted).time_ns == (
        session.closes[0] + LATE_NS + LATENCY_NS
    )


def test_bars_without_an_open_fill_at_the_next_close() -> None:
    """Close-only data never fills at the close that was known."""
    bars = market({"BTC": [100.0, 130.0]}, open=nan_like(2))
    session = Session(bars)

    session.send(row=0)
    session.until(1)

    fill = session.only(OrderFilled)
    assert (fill.price, fill.time_ns) == (Decimal(130), session.closes[1])


def test_without_latency_an_order_still_meets_the_bar_after_its_decision() -> None:
    """A latency of zero is a nanosecond, so the bar that just closed is over."""
    bars = market({"BTC": [100.0, 130.0]}, open=[[90.0], [110.0]])
    session = Session(bars, latency_seconds=0.0)

    session.send(row=0)
    session.until(1)

    fill = session.only(OrderFilled)
    assert fill.price == Decimal(110)
    assert fill.time_ns > session.closes[0]


def test_the_print_budget_is_never_more_than_a_tenth_of_the_bar() -> None:
    """On one-minute bars an order that comes after 6 seconds has missed the open."""
    minute = 60 * SECOND_NS
    bars = panel(
        {"BTC": [100.0, 130.0]}, interval_ns=minute, fields={"open": [[100.0], [110.0]]}
    )
    session = Session(bars)

    session.send(row=0, after_ns=7 * SECOND_NS)
    session.until(1)

    assert session.only(OrderFilled).price == Decimal(130)


def test_a_market_order_without_a_bar_expires() -> None:
    """Nothing is ever filled on a bar that does not exist."""
    session = Session(market({"BTC": [100.0, np.nan, 100.0], "ETH": [10.0] * 3}))

    session.send(row=0)
    session.until(2)

    assert session.heard(OrderFilled) == []
    expired = session.only(OrderExpired)
    assert expired.cumulative == 0
    assert "nobody trades" in expired.reason
    assert expired.time_ns == session.closes[0] + LATENCY_NS


def test_a_gap_in_the_rows_is_a_bar_that_does_not_exist() -> None:
    """Rows are missing where nobody traded: the row after the gap is not the next bar."""
    closes_ns = T0 + DAY_NS * np.array([0, 3], dtype=np.int64)
    session = Session(panel({"BTC": [100.0, 130.0]}, close_ns=closes_ns))

    session.send(row=0)
    session.until(1)

    assert session.heard(OrderFilled) == []
    assert session.heard(OrderExpired)


def test_a_quarantined_bar_fills_nothing() -> None:
    """Nobody trades on a print that the source itself doubts."""
    clean = np.array([[True], [False], [True]])
    session = Session(panel({"BTC": [100.0, 900.0, 100.0]}, clean=clean))

    session.send(row=0)
    session.until(2)

    assert session.heard(OrderFilled) == []


def test_an_order_after_the_last_bar_expires() -> None:
    session = Session(flat(bars=2))

    session.send(row=1)
    answers = list(session.venue.advance(session.closes[1] + DAY_NS))

    assert kinds(answers) == ["OrderAccepted", "OrderExpired"]


def test_sells_pay_for_the_buys_of_the_same_rebalance() -> None:
    """All legs share one print, in sending order: the money of a sell is there."""
    bars = market({"BTC": [100.0] * 3, "ETH": [50.0] * 3})
    session = Session(bars, capital="100")
    session.send("buy", "1", row=0)
    session.until(1)

    session.send("sell", "1", row=1)
    session.send("buy", "2", row=1, asset="ETH")
    session.until(2)

    assert [fill.asset for fill in session.heard(OrderFilled)] == ["BTC", "BTC", "ETH"]
    assert session.heard(OrderRejected) == []


def test_a_round_trip_at_a_constant_price_loses_two_fees_and_two_half_spreads() -> None:
    """Costs are charged on both sides, on the notional that was traded."""
    model = costs(taker_bps=10.0, half_spread_bps=5.0)
    session = Session(flat(), cost_model=model)
    session.send("buy", "10", row=0)
    session.until(1)

    session.send("sell", "10", row=1)
    session.until(2)

    bought, sold = session.heard(OrderFilled)
    assert (bought.price, sold.price) == (Decimal("100.05"), Decimal("99.95"))
    assert (bought.fee, sold.fee) == (Decimal("1.0005"), Decimal("0.9995"))
    lost = 10 * (bought.price - sold.price) + bought.fee + sold.fee
    assert lost == Decimal("3.0000")
    assert session.venue._account.equity(session.closes[2]) == 9_997.0


def test_jitter_is_drawn_from_the_seed_and_keeps_the_order_of_sending() -> None:
    """The same seed gives the same arrivals; no order overtakes an earlier one."""

    def arrivals(seed: int) -> list[int]:
        session = Session(flat(), seed=seed, latency_jitter_seconds=10.0)
        for _ in range(5):
            session.send(quantity="0.1")
        session.until(1)
        return [accepted.time_ns for accepted in session.heard(OrderAccepted)]

    assert arrivals(1) == arrivals(1)
    assert arrivals(1) != arrivals(2)
    assert arrivals(1) == sorted(arrivals(1))
    assert len(set(arrivals(1))) > 1


def test_commands_given_while_answers_are_read_are_answered_in_time() -> None:
    """A driver may react to the first answer before it reads the second."""
    session = Session(flat())
    session.send("buy", "1", row=0)
    answers = []

    for answer in session.venue.advance(session.closes[1]):
        answers.append(answer)
        if type(answer) is OrderFilled and len(answers) == 2:
            session.send("sell", "1", row=0, after_ns=LATENCY_NS)

    assert kinds(answers) == [
        "OrderAccepted",
        "OrderFilled",
        "OrderAccepted",
        "OrderFilled",
    ]
    assert answers[-1].time_ns == session.closes[0] + 2 * LATENCY_NS


def test_answers_that_were_not_read_are_not_lost() -> None:
    session = Session(flat())
    session.send(row=0)

    first = next(session.venue.advance(session.closes[1]))
    second = next(session.venue.advance(session.closes[1]))

    assert kinds([first, second]) == ["OrderAccepted", "OrderFilled"]


def test_a_command_that_comes_after_its_time_arrives_now() -> None:
    """What was sent before the venue's clock moved on cannot arrive in the past."""
    session = Session(
        market({"BTC": [100.0, 130.0, 150.0]}, open=[[1.0], [2.0], [3.0]])
    )
    session.until(1)

    session.send(row=0)
    session.until(2)

    assert session.only(OrderFilled).time_ns > session.closes[1]


def test_an_idle_venue_has_nothing_to_say() -> None:
    """Spot that is held costs no visit per bar."""
    session = Session(flat(bars=300))
    session.send(row=0)
    session.until(1)

    assert session.venue.next_ns() is None


def test_a_canceled_order_fills_no_more() -> None:
    """The answer tells what had been filled when the cancel arrived."""
    session = Session(flat(), max_participation=0.001)
    resting = session.send(quantity="3", limit="100", row=0)
    session.until(0)

    session.cancel(resting, row=0)
    session.until(3)

    assert session.only(OrderCanceled).cumulative == Decimal(1)
    assert len(session.heard(OrderFilled)) == 1


def test_a_cancel_that_lost_the_race_is_rejected() -> None:
    """One code for closed orders, another for orders that never were."""
    session = Session(flat())
    filled = session.send(row=0)

    session.cancel(filled, row=0)
    session.cancel("nobody", row=0)
    session.until(1)

    codes = [answer.code for answer in session.heard(CancelRejected)]
    assert codes == ["already_closed", "unknown_order"]


def test_rules_count_from_their_date_on() -> None:
    """An order is judged by the rules as of its arrival, not by later ones."""
    bars = flat(bars=4)
    coarse = made(
        InstrumentRulesChanged,
        time_ns=int(bars.close_ns[1]),
        rules=TradingRules(lot=Decimal(1)),
    )
    session = Session(bars, events=[coarse])

    session.send(quantity="0.5", row=0)
    session.until(1)
    session.send(quantity="0.5", row=1)
    session.until(2)

    assert len(session.heard(OrderFilled)) == 1
    assert session.only(OrderRejected).code == "lot"


def test_rules_from_before_the_account_opened_count_too() -> None:
    bars = flat(bars=2)
    early = made(
        InstrumentRulesChanged,
        time_ns=int(bars.close_ns[0]) - 1,
        rules=TradingRules(tradable=False),
    )
    session = Session(bars, events=[early])

    session.send(row=0)
    session.until(1)

    assert session.only(OrderRejected).code == "not_trading"


def test_the_same_order_id_is_executed_once() -> None:
    """A second request under one id is refused and changes nothing (R8)."""
    session = Session(flat())

    session.send(row=0, order_id="twice")
    session.send(row=0, order_id="twice")
    session.until(1)

    assert len(session.heard(OrderFilled)) == 1
    assert session.only(OrderRejected).code == "duplicate_order"


def test_commands_for_others_and_before_the_opening_break() -> None:
    session = Session(flat())

    with pytest.raises(BrokenInvariant, match="RaiseAlert"):
        session.venue.execute(RaiseAlert(time_ns=T0, code="x", text="y"))
    with pytest.raises(BrokenInvariant, match="open already"):
        session.venue.start(T0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"capital": "0"}, "capital"),
        ({"haircut": 1.5}, "haircut"),
        ({"instruments": [perpetual("BTC", idealized=True)]}, "borrow_missing"),
    ],
)
def test_a_world_that_cannot_be_is_refused_before_the_first_event(
    changes, code
) -> None:
    with pytest.raises(BadInput) as refused:
        Session(flat(), **changes)

    assert refused.value.code == code


def test_another_quote_currency_is_refused() -> None:
    with pytest.raises(BadInput, match="quoted in"):
        Session(flat(), instruments=[spot("BTC", quote="EUR")])
