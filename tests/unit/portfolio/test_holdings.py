"""Holdings: what is held, what it is worth, and what may be traded now."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.builders import (
    QUOTE,
    T0,
    bars,
    fill,
    floats,
    instruments,
    made,
    order,
    perpetual,
    spot,
    transfer,
)

from factortrader.events import (
    CorporateActionApplied,
    FundingPaid,
    InstrumentRulesChanged,
    OrderAccepted,
    OrderApproved,
    OrderSubmitted,
    PortfolioMarked,
    PositionSettled,
    Side,
)
from factortrader.instruments import TradingRules
from factortrader.orders.book import OpenOrders
from factortrader.portfolio.exposure import StaleExposure
from factortrader.portfolio.holdings import Holdings
from factortrader.units import DAY_NS

D = Decimal
NAN = float("nan")


class Account:
    """Holdings of A and B (spot) and P (perpetual), and the orders beside them."""

    def __init__(self, *, cash: str = "10000") -> None:
        self.orders = OpenOrders()
        self.holdings = Holdings(
            instruments(spot("A"), spot("B"), perpetual("P")),
            quote=QUOTE,
            orders=self.orders,
        )
        self._trades = 0
        self._now_ns = T0
        if cash:
            self.holdings.on_transfer(transfer(cash))

    def bar(self, **changes: Any) -> list[PortfolioMarked]:
        close = {"A": 100.0, "B": 50.0, "P": 10.0} | changes.pop("close", {})
        self._now_ns += DAY_NS
        bar = bars(close, close_ns=self._now_ns, **changes)
        return list(self.holdings.on_bars(bar))

    def buys(self, asset: str, quantity: str, price: str, **changes: Any) -> None:
        self._trades += 1
        trade_id = f"t{self._trades}"
        self.holdings.on_fill(
            fill(
                trade_id=trade_id,
                asset=asset,
                quantity=quantity,
                price=price,
                **changes,
            )
        )


def test_nothing_is_marked_before_the_account_is_funded() -> None:
    """Warm-up bars give marks and no valuation."""
    account = Account(cash="")
    first = account.bar()
    account.holdings.on_transfer(transfer("500"))

    (second,) = account.bar()

    assert first == []
    assert second.equity == second.cash == 500.0


def test_a_marked_portfolio_says_all_that_results_are_made_of() -> None:
    """10 A at 100 and 20 short P from 12 to 10, in 10,000."""
    account = Account()
    account.bar()
    account.buys("A", "10", "90", fee="9", fee_currency=QUOTE)
    account.buys("P", "20", "12", side=Side.SELL)

    (marked,) = account.bar()

    assert marked.cash == 10_000.0 - 900.0 - 9.0
    assert marked.equity == pytest.approx(marked.cash + 1_000.0 + 40.0)
    assert marked.gross_exposure == pytest.approx(1_200.0 / marked.equity)
    assert marked.net_exposure == pytest.approx(800.0 / marked.equity)
    np.testing.assert_array_equal(marked.quantities, [10.0, 0.0, -20.0])
    np.testing.assert_array_equal(marked.marks, [100.0, 50.0, 10.0])
    assert marked.time_ns == marked.close_ns == T0 + 2 * DAY_NS


def test_every_movement_of_money_changes_the_equity() -> None:
    """Fills, funding, settlements and transfers are heard before anybody asks."""
    account = Account()
    account.bar()
    holdings = account.holdings
    seen = [holdings.equity]
    account.buys("A", "10", "90")
    seen.append(holdings.equity)
    holdings.on_funding(made(FundingPaid, asset="P", amount="-5"))
    seen.append(holdings.equity)
    holdings.on_settled(made(PositionSettled, asset="A", quantity="10", price="0"))
    seen.append(holdings.equity)
    holdings.on_transfer(transfer("-95"))
    seen.append(holdings.equity)

    assert seen == [10_000.0, 10_100.0, 10_095.0, 9_095.0, 9_000.0]


def test_weights_drift_with_the_marks() -> None:
    """Half of the account doubles: it is two thirds then."""
    account = Account()
    account.bar()
    account.buys("A", "50", "100")

    account.bar(close={"A": 200.0})

    np.testing.assert_allclose(account.holdings.weights, [2 / 3, 0.0, 0.0])
    np.testing.assert_array_equal(account.holdings.held, [True, False, False])


def test_an_asset_without_a_bar_keeps_its_mark_and_cannot_be_traded() -> None:
    """Frozen at the last close; its volume is unknown."""
    account = Account()
    account.bar()
    account.bar(close={"A": NAN})
    holdings = account.holdings

    assert holdings.mark("A") == 100.0
    assert math.isnan(holdings.last_volume("A"))
    np.testing.assert_array_equal(holdings.tradable, [False, True, True])


def test_a_quarantined_bar_does_not_move_the_mark() -> None:
    """A suspected error is not what a position is worth."""
    account = Account()
    account.bar()
    account.bar(close={"A": 9_999.0}, clean=[False, True, True])

    assert account.holdings.mark("A") == 100.0


def test_what_was_never_seen_has_no_mark() -> None:
    """Neither has what is no column at all."""
    account = Account()
    account.bar(close={"B": NAN})

    assert math.isnan(account.holdings.mark("B"))
    assert math.isnan(account.holdings.mark("nobody"))
    assert math.isnan(account.holdings.last_volume("nobody"))


def test_volume_counts_in_what_orders_count_in() -> None:
    """Contracts of a perpetual; quote volume over close where base is not told."""
    contract = perpetual("P", multiplier=D(10))
    holdings = Holdings(
        instruments(spot("A"), spot("B"), contract), quote=QUOTE, orders=OpenOrders()
    )
    told = floats(NAN, 1_000.0, 500.0)
    quote_volume = floats(7_000.0, 1.0, 1.0)

    holdings.on_bars(
        bars(
            {"A": 100.0, "B": 50.0, "P": 10.0},
            volume=told,
            fields={"quote_volume": quote_volume},
        )
    )

    assert [holdings.last_volume(each) for each in ("A", "B", "P")] == [70, 1_000, 50]


def test_rules_that_forbid_trading_make_an_asset_untradable() -> None:
    """Until they allow it again; rules of an unknown asset disturb nobody."""
    account = Account()
    account.bar()
    holdings = account.holdings
    stop = TradingRules(tradable=False)
    holdings.on_rules(made(InstrumentRulesChanged, asset="B", rules=stop))
    holdings.on_rules(made(InstrumentRulesChanged, asset="unseen", rules=stop))
    stopped = holdings.tradable
    holdings.on_rules(made(InstrumentRulesChanged, asset="B", rules=TradingRules()))

    np.testing.assert_array_equal(stopped, [True, False, True])
    assert holdings.tradable.all()
    assert holdings.rules("unseen") is stop
    assert holdings.rules("A") == TradingRules()
    assert [*holdings.rules_by_asset] == ["B", "unseen"]


def test_a_redenomination_keeps_the_value() -> None:
    """1:1000 between two bars: units × 1000, mark ÷ 1000, volume × 1000."""
    account = Account()
    account.bar()
    account.buys("A", "10", "100")
    holdings = account.holdings

    holdings.on_action(made(CorporateActionApplied, asset="A", numerator=1000))

    assert holdings.position("A") == 10_000
    assert holdings.mark("A") == pytest.approx(0.1)
    assert holdings.last_volume("A") == pytest.approx(1_000_000.0)
    assert holdings.equity == pytest.approx(10_000.0)
    holdings.verify()


def test_the_same_action_twice_changes_nothing() -> None:
    """Neither the position nor the mark: its id has been heard."""
    account = Account()
    account.bar()
    account.buys("A", "10", "100")
    action = made(CorporateActionApplied, asset="A", numerator=1000)
    account.holdings.on_action(action)

    account.holdings.on_action(action)

    assert account.holdings.position("A") == 10_000
    assert account.holdings.mark("A") == pytest.approx(0.1)
    assert account.holdings.equity == pytest.approx(10_000.0)


def test_an_action_of_an_asset_that_is_no_column_is_only_booked() -> None:
    """Its bars are still to come."""
    account = Account()

    account.holdings.on_action(made(CorporateActionApplied, asset="A"))

    assert math.isnan(account.holdings.mark("A"))


def test_columns_that_are_appended_leave_the_others_where_they_were() -> None:
    """Marks, weights and columns of what was known before."""
    account = Account()
    account.holdings.on_bars(bars({"B": 50.0}))
    account.buys("B", "100", "50")

    account.holdings.on_bars(bars({"B": NAN, "A": 7.0}, close_ns=T0 + DAY_NS))

    assert account.holdings.column("A") == 1
    np.testing.assert_array_equal(account.holdings.marks, [50.0, 7.0])
    np.testing.assert_array_equal(account.holdings.weights, [0.5, 0.0])


@pytest.mark.parametrize(
    ("cash", "reserve", "spendable"),
    [("10000", 0.01, "9900"), ("10000", 0.0, "10000"), ("-5", 0.01, "0")],
)
def test_a_reserve_of_the_cash_is_not_spendable(
    cash: str, reserve: float, spendable: str
) -> None:
    """Exactly; and a debt is nothing to spend."""
    account = Account(cash="10000")
    account.holdings.on_funding(
        made(FundingPaid, asset="P", amount=D(cash) - D(10_000))
    )

    assert account.holdings.spendable(reserve=reserve) == D(spendable)


def test_working_orders_count_from_the_moment_they_are_requested() -> None:
    """An order that risk let pass binds the next one, filled parts no longer do."""
    account = Account()
    account.bar()
    orders, holdings = account.orders, account.holdings
    bought = order(asset="A", quantity="5")
    sold = order(asset="A", quantity="2", side=Side.SELL, order_id="f7" + "1" * 30)

    orders.apply(bought)
    orders.apply(sold)
    requested = holdings.working("A")
    orders.apply(made(OrderApproved, order=bought))
    orders.apply(made(OrderSubmitted))
    orders.apply(made(OrderAccepted))
    orders.apply(fill(asset="A", quantity="3"))
    partly = holdings.working("A")

    assert requested == (D(5), D(2))
    assert partly == (D(2), D(2))
    assert holdings.working("B") == (D(0), D(0))


def test_exposed_is_what_is_held_or_ordered_in_stable_order() -> None:
    """B is held, A is being bought."""
    account = Account()
    account.bar()
    account.buys("B", "1", "50")
    account.orders.apply(order(asset="A"))

    assert account.holdings.exposed == ["A", "B"]
    assert account.holdings.positions == {"B": D(1)}


def test_a_cached_equity_that_is_not_the_ledgers_is_found() -> None:
    """An entry that exposure did not follow breaks the invariant."""
    account = Account()
    account.bar()
    account.buys("A", "10", "90")
    account.holdings.verify()
    account.holdings._ledger.apply(transfer("1"))

    with pytest.raises(StaleExposure):
        account.holdings.verify()


def test_marks_cannot_be_changed_by_who_reads_them() -> None:
    """Neither after a bar nor after a redenomination."""
    account = Account()
    account.bar()
    first = account.holdings.marks
    account.holdings.on_action(made(CorporateActionApplied, asset="A"))

    for marks in (first, account.holdings.marks):
        with pytest.raises(ValueError, match="read-only"):
            marks[0] = 1.0
    np.testing.assert_array_equal(first, floats(100.0, 50.0, 10.0))
