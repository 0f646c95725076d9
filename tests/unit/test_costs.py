"""The cost model: fees by tier, slippage, and one price for planner and replay."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factortrader.costs import CostModel, CostSettings, FeeTier
from factortrader.events import Liquidity, Side
from factortrader.units import MONEY

TIERS = (
    FeeTier(traded_30d_quote=50_000_000.0, maker_bps=-0.5, taker_bps=4.0),
    FeeTier(traded_30d_quote=1_000_000.0, maker_bps=8.0, taker_bps=9.0),
)

participations = st.floats(min_value=0.0, max_value=10.0)
costs_bps = st.floats(min_value=0.0, max_value=10_000.0)


def model(*, half_spread_bps=5.0, impact_bps=100.0, fee_tiers=()):
    return CostModel(
        CostSettings(
            maker_bps=10.0,
            taker_bps=12.5,
            half_spread_bps=half_spread_bps,
            impact_bps=impact_bps,
            fee_tiers=fee_tiers,
        )
    )


def test_fees_are_exact_fractions() -> None:
    """Twelve and a half basis points are 0.00125, in the money context too."""
    with localcontext(MONEY):
        rate = model().fee_rate(Liquidity.TAKER, traded_30d_quote=0.0)

    assert rate == Decimal("0.00125")


@pytest.mark.parametrize(
    ("traded", "maker", "taker"),
    [
        (0.0, "0.001", "0.00125"),
        (999_999.99, "0.001", "0.00125"),
        (1_000_000.0, "0.0008", "0.0009"),
        (49_999_999.0, "0.0008", "0.0009"),
        (50_000_000.0, "-0.00005", "0.0004"),
        (math.inf, "-0.00005", "0.0004"),
    ],
)
def test_the_tier_reached_sets_the_fee(traded, maker, taker) -> None:
    """A tier counts from its threshold on, in whatever order tiers are written."""
    costs = model(fee_tiers=TIERS)

    assert costs.fee_rate(Liquidity.MAKER, traded_30d_quote=traded) == Decimal(maker)
    assert costs.fee_rate(Liquidity.TAKER, traded_30d_quote=traded) == Decimal(taker)


def test_an_unknown_volume_reaches_no_tier() -> None:
    """NaN pays the fee below the first tier, not the best one."""
    costs = model(fee_tiers=TIERS)

    assert costs.fee_rate(Liquidity.TAKER, traded_30d_quote=math.nan) == Decimal(
        "0.00125"
    )


def test_a_tier_from_zero_replaces_the_base() -> None:
    """Nobody is below a tier that begins at nothing."""
    tier = FeeTier(traded_30d_quote=0.0, maker_bps=1.0, taker_bps=2.0)

    costs = model(fee_tiers=(tier,))

    assert costs.fee_rate(Liquidity.TAKER, traded_30d_quote=0.0) == Decimal("0.0002")


def test_slippage_follows_the_square_root_law() -> None:
    """5 bps half spread plus 100 bps × √(1/4)."""
    assert model().slippage(0.25) == pytest.approx(55e-4)
    assert model().slippage(1.0) == pytest.approx(105e-4)


@pytest.mark.parametrize("participation", [0.0, math.nan, -1.0])
def test_without_a_volume_only_the_spread_is_paid(participation) -> None:
    """No participation is known, so no impact is charged."""
    assert model().slippage(participation) == pytest.approx(5e-4)


def test_a_buyer_pays_more_and_a_seller_gets_less() -> None:
    """55 bps around a print of 200."""
    costs = model()

    assert costs.taker_price(200.0, Side.BUY, 0.25) == pytest.approx(201.1)
    assert costs.taker_price(200.0, Side.SELL, 0.25) == pytest.approx(198.9)


def test_a_seller_never_pays_to_sell() -> None:
    """Impact beyond the whole price leaves nothing, not a negative price."""
    costs = model(half_spread_bps=6_000.0, impact_bps=6_000.0)

    assert costs.taker_price(200.0, Side.SELL, 1.0) == 0.0


def test_the_planner_expects_what_the_replay_charges() -> None:
    """A quarter of the bar's notional: taker fee plus the same slippage."""
    costs = model()

    expected = costs.expected_fraction(250.0, 1_000.0)

    assert expected == pytest.approx(12.5e-4 + costs.slippage(0.25))


@pytest.mark.parametrize("volume", [0.0, math.nan, -5.0])
def test_without_a_volume_no_impact_is_expected(volume) -> None:
    """Fee and half spread remain."""
    assert model().expected_fraction(250.0, volume) == pytest.approx(17.5e-4)


def test_a_sale_is_expected_to_cost_like_a_purchase() -> None:
    """The sign of a notional is its side, not its size."""
    costs = model()

    assert costs.expected_fraction(-250.0, 1_000.0) == pytest.approx(
        costs.expected_fraction(250.0, 1_000.0)
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("half_spread_bps", -1.0), ("impact_bps", -0.1), ("taker_bps", 5_000.0)],
)
def test_costs_outside_their_range_are_refused(name, value) -> None:
    """Negative spreads and absurd fees do not get past the configuration."""
    raw = {"maker_bps": 1, "taker_bps": 1, "half_spread_bps": 1, "impact_bps": 1}

    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(raw | {name: value}, CostSettings)


def test_no_cost_has_a_hidden_default() -> None:
    """A configuration states fee, spread and impact."""
    with pytest.raises(msgspec.ValidationError, match="impact_bps"):
        msgspec.convert(
            {"maker_bps": 1, "taker_bps": 1, "half_spread_bps": 1}, CostSettings
        )


@pytest.mark.slow
@given(
    smaller=participations,
    larger=participations,
    half_spread_bps=costs_bps,
    impact_bps=costs_bps,
)
def test_slippage_never_falls_with_size(
    smaller, larger, half_spread_bps, impact_bps
) -> None:
    """A larger order never trades at a better price."""
    smaller, larger = sorted((smaller, larger))
    costs = model(half_spread_bps=half_spread_bps, impact_bps=impact_bps)

    assert 0.0 <= costs.slippage(smaller) <= costs.slippage(larger)
    assert costs.taker_price(1.0, Side.BUY, smaller) <= costs.taker_price(
        1.0, Side.BUY, larger
    )
    assert costs.taker_price(1.0, Side.SELL, smaller) >= costs.taker_price(
        1.0, Side.SELL, larger
    )


@pytest.mark.slow
@given(
    print_price=st.floats(min_value=1e-9, max_value=1e9),
    participation=participations,
    half_spread_bps=costs_bps,
)
def test_a_round_trip_never_earns(print_price, participation, half_spread_bps) -> None:
    """Bought and sold at one print loses at least nothing."""
    costs = model(half_spread_bps=half_spread_bps)

    bought = costs.taker_price(print_price, Side.BUY, participation)
    sold = costs.taker_price(print_price, Side.SELL, participation)

    assert 0.0 <= sold <= print_price <= bought


@pytest.mark.slow
@given(st.lists(st.floats(min_value=0.0, max_value=1e9), min_size=2, max_size=6))
def test_trading_more_never_costs_more_where_tiers_fall(volumes) -> None:
    """With falling tiers the fee falls with the trailing volume."""
    costs = model(fee_tiers=TIERS)

    rates = [
        costs.fee_rate(Liquidity.TAKER, traded_30d_quote=volume)
        for volume in sorted(volumes)
    ]

    assert rates == sorted(rates, reverse=True)
