"""From weights to legs: lots, minimum notional, the band, cash and collateral."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from tests.builders import leg, perpetual, spot

from factortrader.events import Leg, Side
from factortrader.instruments import TradingRules
from factortrader.portfolio.affording import scale_to_cash
from factortrader.portfolio.drafts import SizedPlan, SizingProblem
from factortrader.portfolio.sizing import size_legs
from factortrader.units import MONEY, to_float

NAN = float("nan")
LOT = TradingRules(lot=Decimal("0.001"))


@pytest.fixture(autouse=True)
def _exact_money() -> Iterator[None]:
    """As inside the core: a result that would be rounded raises."""
    with localcontext(MONEY):
        yield


def problem(weights: Mapping[str, float], **changes: Any) -> SizingProblem:
    """An account of 1,000 in cash; marks of 100, lots of 0.001, no band, no costs."""
    assets = tuple(weights)
    positions = {
        asset: Decimal(quantity)
        for asset, quantity in changes.pop("positions", {}).items()
    }
    marks = dict.fromkeys(assets, 100.0) | changes.pop("marks", {})
    values: dict[str, Any] = {
        "equity": 1000.0,
        "cash": Decimal(1000),
        "instruments": {asset: spot(asset) for asset in assets},
        "rules": dict.fromkeys(assets, LOT),
        "no_trade_band": 0.0,
        "cost_fraction": 0.0,
    } | changes
    return SizingProblem(
        assets=assets,
        weights=np.array([*weights.values()], dtype=float),
        marks=np.array([marks[asset] for asset in assets], dtype=float),
        positions=positions,
        **values,
    )


def legs(plan: SizedPlan) -> list[str]:
    """The legs as a person would say them."""
    return [
        f"{each.side} {each.quantity.normalize():f} {each.asset}" for each in plan.legs
    ]


def reasons(plan: SizedPlan) -> dict[str, str]:
    return {each.asset: each.reason for each in plan.skipped}


def test_weights_become_quantities_down_to_the_lot() -> None:
    """A third of 1,000 at 100 is 3.333 of a lot of 0.001, never 3.334."""
    plan = size_legs(problem({"A": 1 / 3}))

    assert legs(plan) == ["buy 3.333 A"]
    assert plan.legs[0].target_weight == 1 / 3
    assert plan.legs[0].current_weight == 0.0
    assert plan.legs[0].mark == 100.0


def test_a_weight_of_exactly_n_lots_gets_n_lots() -> None:
    """0.07 × 1,000 / 0.07 is 999.9999999999999 in binary and still means 1000."""
    whole = TradingRules(lot=Decimal(1))

    plan = size_legs(problem({"A": 0.07}, marks={"A": 0.07}, rules={"A": whole}))

    assert legs(plan) == ["buy 1000 A"]


def test_sells_go_first_and_the_largest_first_within_each() -> None:
    """Reductions, then additions, each by notional; equal ones by id; numbered so."""
    plan = size_legs(
        problem(
            {"E": 0.1, "D": 0.1, "C": 0.3, "B": 0.0, "A": 0.1},
            positions={"B": "1", "A": "3"},
            cash=Decimal(600),
        )
    )

    assert legs(plan) == ["sell 2 A", "sell 1 B", "buy 3 C", "buy 1 D", "buy 1 E"]
    assert [each.leg for each in plan.legs] == [0, 1, 2, 3, 4]


def test_what_has_no_target_is_left_alone() -> None:
    """NaN means leave alone: no leg and nothing to explain."""
    plan = size_legs(problem({"A": NAN}, positions={"A": "5"}))

    assert plan == SizedPlan(legs=(), skipped=())


def test_an_exit_sells_the_whole_position_down_to_the_lot() -> None:
    """Fees taken in base leave odd amounts: what is below the lot stays."""
    plan = size_legs(problem({"A": 0.0}, positions={"A": "1.2349999"}))

    assert legs(plan) == ["sell 1.234 A"]


def test_dust_stays_and_is_reported() -> None:
    """Below the lot or the minimum notional there is no order that a venue takes."""
    rules = {
        "A": LOT,
        "B": TradingRules(lot=Decimal("0.001"), min_notional=Decimal(10)),
    }

    plan = size_legs(
        problem(
            {"A": 0.0, "B": 0.0}, positions={"A": "0.0009", "B": "0.099"}, rules=rules
        )
    )

    assert plan.legs == ()
    assert reasons(plan) == {
        "A": "below the lot of 0.001",
        "B": "9.9 is below the minimum notional 10",
    }


def test_small_changes_stay_inside_the_band() -> None:
    """The band is relative to the larger of target and current weight."""
    inside = problem({"A": 0.5}, positions={"A": "5.4"}, no_trade_band=0.1)
    outside = problem({"A": 0.5}, positions={"A": "5.6"}, no_trade_band=0.1)

    assert reasons(size_legs(inside)) == {"A": "inside the no-trade band"}
    assert legs(size_legs(outside)) == ["sell 0.6 A"]


def test_entries_and_exits_pass_the_band() -> None:
    """However small, who enters or leaves is traded."""
    plan = size_legs(
        problem({"A": 0.001, "B": 0.0}, positions={"B": "0.01"}, no_trade_band=1.0)
    )

    assert legs(plan) == ["sell 0.01 B", "buy 0.01 A"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"marks": {"A": NAN}}, "no mark"),
        ({"rules": {"A": TradingRules(tradable=False)}}, "the venue's rules say: not"),
        ({"equity": 0.0}, "equity is 0"),
        ({"equity": NAN}, "equity is nan"),
    ],
)
def test_what_cannot_be_traded_is_skipped_with_its_reason(
    changes: dict[str, Any], reason: str
) -> None:
    """Without a mark, a permission or an equity there is no leg."""
    plan = size_legs(problem({"A": 0.5}, **changes))

    assert plan.legs == ()
    assert reasons(plan)["A"].startswith(reason)


def test_purchases_shrink_pro_rata_when_cash_is_short() -> None:
    """600 of wanted purchases and 300 in cash: everybody gets half."""
    short = problem({"A": 0.4, "B": 0.2}, cash=Decimal(300))

    assert legs(size_legs(short)) == ["buy 2 A", "buy 1 B"]


def test_purchases_leave_room_for_their_costs_and_those_of_the_sells() -> None:
    """Σ buys × 1.01 ≤ cash + Σ sells × 0.99: 980.2 of the wanted 1,000 at 1 %."""
    full = problem(
        {"A": 1.0, "B": 0.0},
        positions={"B": "10"},
        cash=Decimal(0),
        cost_fraction=0.01,
    )

    plan = size_legs(full)

    assert legs(plan) == ["sell 10 B", "buy 9.801 A"]


def test_purchases_shrunk_into_the_band_are_not_worth_an_order() -> None:
    """A hundredth of what is wanted is left for a later rebalance."""
    short = problem({"A": 0.5}, cash=Decimal(5), no_trade_band=0.05)

    plan = size_legs(short)

    assert plan.legs == ()
    assert reasons(plan)["A"].startswith("cash: the affordable part")


def test_without_cash_nothing_is_bought() -> None:
    """No cash, or a debt, buys nothing and says so."""
    for cash in ("0", "-5"):
        plan = size_legs(problem({"A": 0.5}, cash=Decimal(cash)))

        assert plan.legs == ()
        assert reasons(plan) == {"A": "cash: below the lot of 0.001"}


def test_tiny_prices_and_huge_quantities_do_not_break_exact_money() -> None:
    """A mark with 17 digits at 1e-8 beside one at 1e5, and the sum still fits."""
    cheap = problem(
        {"A": 0.7, "B": 0.7},
        marks={"A": 1.2345678901234567e-08, "B": 98765.43210987654},
        rules={},
        equity=1e9,
        cash=Decimal(10**9),
        cost_fraction=0.0010000000000000002,
    )

    plan = size_legs(cheap)

    spent = sum(to_float(each.quantity) * each.mark for each in plan.legs)
    assert spent == pytest.approx(1e9 / 1.001, rel=1e-6)


def test_a_short_of_spot_is_an_exit_and_is_reported() -> None:
    """Spot cannot be sold short: what is held goes, and the rest is explained."""
    plan = size_legs(problem({"A": -0.5, "B": -0.1}, positions={"A": "2"}))

    assert legs(plan) == ["sell 2 A"]
    assert reasons(plan) == dict.fromkeys("AB", "spot cannot be sold short")


def test_a_perpetual_that_changes_sign_is_one_leg() -> None:
    """From 2 long to 3 short is one sale of 5, sent after the reductions."""
    plan = size_legs(
        problem(
            {"P": -0.3, "A": 0.0},
            positions={"P": "2", "A": "1"},
            instruments={"P": perpetual("P"), "A": spot("A")},
        )
    )

    assert legs(plan) == ["sell 1 A", "sell 5 P"]


def test_covering_a_short_counts_as_a_reduction() -> None:
    """Buying back goes before opening."""
    plan = size_legs(
        problem(
            {"P": -0.1, "Q": -0.5},
            positions={"P": "-2"},
            instruments={"P": perpetual("P"), "Q": perpetual("Q")},
        )
    )

    assert legs(plan) == ["buy 1 P", "sell 5 Q"]


def test_perpetuals_are_bounded_by_their_margin_not_by_cash() -> None:
    """At 10 % margin 1,000 carry a notional of 10,000, and no more."""
    affordable = problem({"P": 9.0}, instruments={"P": perpetual("P")})
    excessive = problem({"P": 20.0}, instruments={"P": perpetual("P")})

    assert legs(size_legs(affordable)) == ["buy 90 P"]
    assert legs(size_legs(excessive)) == ["buy 100 P"]


def test_spot_uses_up_the_collateral_of_perpetuals() -> None:
    """900 in spot leave 100 of collateral, which carry 1,000 at 10 %."""
    mixed = problem(
        {"A": NAN, "P": -2.0},
        positions={"A": "9"},
        cash=Decimal(100),
        instruments={"A": spot("A"), "P": perpetual("P")},
    )

    assert legs(size_legs(mixed)) == ["sell 10 P"]


def test_what_closes_of_a_leg_that_changes_sign_is_never_scaled() -> None:
    """60 short at 100 bind 600 of 700: all of it is closed, and 70 long are opened."""
    short: dict[str, Any] = {
        "instruments": {"P": perpetual("P")},
        "positions": {"P": "-60"},
    }

    turned = size_legs(problem({"P": 20.0}, equity=700.0, **short))
    strained = size_legs(problem({"P": 20.0}, equity=1.0, **short))

    assert legs(turned) == ["buy 130 P"]
    assert legs(strained) == ["buy 60.1 P"]


def test_closing_one_perpetual_pays_for_another() -> None:
    """The margin that a reduction releases carries what is opened."""
    full = problem(
        {"P": 0.0, "Q": 9.0},
        positions={"P": "90"},
        instruments={"P": perpetual("P"), "Q": perpetual("Q")},
    )

    assert legs(size_legs(full)) == ["sell 90 P", "buy 90 Q"]


def test_the_multiplier_turns_contracts_into_base() -> None:
    """With 10 units a contract at 100, half of 1,000 is half a contract."""
    contract = perpetual("P", multiplier=Decimal(10))

    plan = size_legs(problem({"P": 0.5}, instruments={"P": contract}))

    assert legs(plan) == ["buy 0.5 P"]


# --- scale_to_cash ----------------------------------------------------------------


def rescaled(*given_legs: Leg, cash: str, **changes: Any) -> SizedPlan:
    keys: dict[str, Any] = {
        "cost_fraction": 0.0,
        "instruments": {
            "A": spot("A"),
            "B": spot("B"),
            "P": perpetual("P"),
        },
        "rules": dict.fromkeys("ABP", LOT),
    } | changes
    return scale_to_cash(given_legs, cash=Decimal(cash), **keys)


def test_remaining_purchases_are_scaled_to_what_arrived() -> None:
    """Half of the cash arrived: each purchase is half, numbers are kept."""
    plan = rescaled(
        leg(leg=3, asset="A", quantity="4"),
        leg(leg=4, asset="B", quantity="2"),
        cash="300",
    )

    assert legs(plan) == ["buy 2 A", "buy 1 B"]
    assert [each.leg for each in plan.legs] == [3, 4]


def test_enough_cash_changes_nothing() -> None:
    """The very same legs come back."""
    given_leg = leg(asset="A", quantity="4")

    assert rescaled(given_leg, cash="400").legs == (given_leg,)


def test_sells_and_perpetuals_do_not_wait_for_cash() -> None:
    """Only spot purchases are paid from cash."""
    plan = rescaled(
        leg(asset="A", side=Side.SELL),
        leg(asset="P", quantity="7"),
        leg(asset="B", quantity="1"),
        cash="0",
    )

    assert legs(plan) == ["sell 1 A", "buy 7 P"]
    assert reasons(plan) == {"B": "below the lot of 0.001"}


def test_the_fee_reserve_is_kept_back() -> None:
    """At 25 % costs 100 of cash buy 80."""
    assert legs(rescaled(leg(asset="A"), cash="100", cost_fraction=0.25)) == [
        "buy 0.8 A"
    ]
