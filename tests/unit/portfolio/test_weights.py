"""From scores to weights: the methods, what they leave alone, and the cap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factortrader.errors import BrokenInvariant
from factortrader.portfolio.methods import weight_method
from factortrader.portfolio.settings import PortfolioSettings
from factortrader.portfolio.weights import Allocation, WeightProblem, water_filled

NAN = float("nan")


def problem(*scores: float, **changes: Any) -> WeightProblem:
    """Everything is tradable, a candidate, and not held, unless changed."""
    count = len(scores)
    held = np.asarray(changes.pop("current_weights", np.zeros(count)), dtype=float)
    values: dict[str, Any] = {
        "candidates": [True] * count,
        "tradable": [True] * count,
        "held": held != 0.0,
        "volatility": [0.02] * count,
    } | changes
    return WeightProblem(
        scores=np.array(scores, dtype=float),
        current_weights=held,
        volatility=np.array(values["volatility"], dtype=float),
        **{
            name: np.array(values[name], dtype=bool)
            for name in ("candidates", "tradable", "held")
        },
    )


def allocated(given_problem: WeightProblem, method: str, **changes: Any) -> Allocation:
    keys = {"gross": 0.9} | changes
    return weight_method(PortfolioSettings(method=method, **keys))(given_problem)  # type: ignore[arg-type]


def weights(given_problem: WeightProblem, method: str, **changes: Any) -> list[float]:
    return [float(w) for w in allocated(given_problem, method, **changes).weights]


def test_top_n_holds_the_best_scores_in_equal_weights() -> None:
    """Two of four are held, each with half of the gross."""
    found = weights(problem(1.0, 4.0, 2.0, 3.0), "top_n", top_n=2)

    assert found == [0.0, 0.45, 0.0, 0.45]


def test_equal_scores_are_taken_in_stable_id_order() -> None:
    """A tie at the edge of the selection goes to the earlier column."""
    found = weights(problem(1.0, 1.0, 1.0), "top_n", top_n=2)

    assert found == [0.45, 0.45, 0.0]


def test_a_thin_market_does_not_concentrate_the_portfolio() -> None:
    """With two of the wanted three each still gets a third; the rest is cash."""
    allocation = allocated(problem(1.0, NAN, 2.0), "top_n", top_n=3)

    assert [float(w) for w in allocation.weights] == [0.3, 0.0, 0.3]
    assert allocation.diagnostics["cash"].startswith("0.3 of gross not placed")


def test_nobody_to_choose_means_all_cash() -> None:
    """Without a single view everything tradable gets a zero."""
    for method in ("top_n", "quantiles", "proportional", "inverse_volatility"):
        assert weights(problem(NAN, NAN), method) == [0.0, 0.0]
        assert weights(problem(NAN, NAN), method, long_short=True) == [0.0, 0.0]


def test_what_is_held_without_a_view_is_left_alone() -> None:
    """No score is no reason to sell; the others share what is left of the gross."""
    held = problem(NAN, 2.0, 1.0, current_weights=[0.5, 0.0, 0.0])

    found = weights(held, "top_n", top_n=2)

    np.testing.assert_array_equal(found, [NAN, 0.2, 0.2])


def test_what_left_the_universe_is_exited() -> None:
    """Not a candidate, held and tradable: weight zero, whatever its score."""
    gone = problem(9.0, 1.0, candidates=[False, True], current_weights=[0.4, 0.0])

    assert weights(gone, "top_n", top_n=1) == [0.0, 0.9]


def test_what_cannot_be_traded_is_left_alone_and_uses_up_gross() -> None:
    """No bar now means no order, held or not, and the position still counts."""
    halted = problem(
        9.0,
        8.0,
        1.0,
        candidates=[False, False, True],
        tradable=[False, False, True],
        current_weights=[0.3, 0.0, 0.0],
    )

    found = weights(halted, "top_n", top_n=1)

    np.testing.assert_allclose(found, [NAN, NAN, 0.6], rtol=0, atol=1e-12)


def test_quantiles_long_short_is_dollar_neutral() -> None:
    """The best and the worst fifth, each side half of the gross."""
    scores = range(10)

    found = weights(problem(*scores), "quantiles", quantile=0.2, long_short=True)

    assert found == [-0.225, -0.225, 0, 0, 0, 0, 0, 0, 0.225, 0.225]


def test_a_quantile_counts_like_a_person() -> None:
    """0.29 of 100 assets are 29, although 0.29 × 100 is 28.999… in binary."""
    found = weights(problem(*range(100)), "quantiles", quantile=0.29)

    assert sum(weight > 0.0 for weight in found) == 29


def test_long_short_needs_two_assets() -> None:
    """One asset cannot be dollar neutral, so nothing is held."""
    assert weights(problem(1.0), "quantiles", long_short=True) == [0.0]


def test_proportional_weights_follow_positive_scores() -> None:
    """Long only: scores of 3 and 1 get three quarters and a quarter."""
    found = weights(problem(3.0, 1.0, -5.0), "proportional")

    assert found == [0.675, 0.225, 0.0]


def test_proportional_long_short_weights_scores_less_their_mean() -> None:
    """Adding a constant to all scores changes nothing."""
    low = weights(problem(1.0, 2.0, 6.0), "proportional", long_short=True)
    high = weights(problem(11.0, 12.0, 16.0), "proportional", long_short=True)

    assert low == high == [-0.3, -0.15, 0.45]


def test_inverse_volatility_halves_the_weight_at_double_risk() -> None:
    """Among the chosen, weights are inversely proportional to volatility."""
    risky = problem(3.0, 2.0, 1.0, volatility=[0.04, 0.02, 0.01])

    assert weights(risky, "inverse_volatility", top_n=2) == [0.3, 0.6, 0.0]


def test_a_price_that_does_not_move_gets_no_weight() -> None:
    """Dividing by next to nothing would put everything on a stale price."""
    stale = problem(3.0, 2.0, volatility=np.array([5e-324, 0.02]))

    assert weights(stale, "inverse_volatility", top_n=2)[0] == 0.0


def test_without_a_volatility_an_asset_is_not_entered_and_not_sold() -> None:
    """Unknown and zero volatility count as no view."""
    unknown = problem(
        3.0, 2.0, 1.0, volatility=[NAN, 0.0, 0.02], current_weights=[0.2, 0.0, 0.0]
    )

    found = weights(unknown, "inverse_volatility", top_n=1)

    np.testing.assert_allclose(found, [NAN, 0.0, 0.7], rtol=0, atol=1e-12)


def test_the_cap_passes_the_excess_on_until_nobody_is_above_it() -> None:
    """Clip and renormalize would end above the cap; water-filling cannot."""
    found = weights(problem(100.0, 60.0, 10.0, 10.0), "proportional", max_weight=0.3)

    assert found == [0.3, 0.3, 0.15, 0.15]


def test_what_does_not_fit_under_the_cap_stays_cash_and_is_said() -> None:
    """Two assets at a cap of 0.3 invest 0.6 of the wanted 0.9."""
    allocation = allocated(problem(5.0, 1.0), "proportional", max_weight=0.3)

    assert [float(w) for w in allocation.weights] == [0.3, 0.3]
    assert allocation.diagnostics["cash"] == "0.3 of gross not placed, 2 at the cap"


def test_ten_assets_at_a_tenth_are_exactly_equal() -> None:
    """The cap that leaves no freedom is met exactly."""
    found = weights(problem(*range(1, 11)), "proportional", gross=1.0, max_weight=0.1)

    assert found == [0.1] * 10


def test_a_capped_side_pulls_the_other_down() -> None:
    """Long–short stays dollar neutral when one side cannot place its half."""
    lopsided = problem(5.0, -1.0, -2.0, -2.0)

    found = weights(lopsided, "proportional", long_short=True, max_weight=0.2)

    assert found[0] == 0.2
    assert sum(found) == pytest.approx(0.0, abs=1e-9)


def test_gross_goes_before_neutrality_where_a_kept_position_is_too_large() -> None:
    """0.8 long is kept: the short side gets what is left of 0.9, not its half."""
    heavy = problem(NAN, 2.0, 1.0, current_weights=[0.8, 0.0, 0.0])

    found = weights(heavy, "top_n", top_n=1, long_short=True)

    np.testing.assert_allclose(found, [NAN, 0.0, -0.1], rtol=0, atol=1e-12)


def test_replacing_a_missing_score_by_zero_changes_the_answer() -> None:
    """No view is not a view of zero."""
    missing = weights(problem(NAN, -1.0), "top_n", top_n=1)
    zero = weights(problem(0.0, -1.0), "top_n", top_n=1)

    assert missing == [0.0, 0.9]
    assert zero == [0.9, 0.0]


def test_inputs_stay_and_the_answer_is_read_only() -> None:
    """A method neither changes its problem nor lets its answer be changed."""
    given_problem = problem(1.0, 2.0)
    before = given_problem.scores.copy()

    allocation = allocated(given_problem, "proportional")

    np.testing.assert_array_equal(given_problem.scores, before)
    with pytest.raises(ValueError, match="read-only"):
        allocation.weights[0] = 1.0


def test_misaligned_arrays_are_a_crash() -> None:
    """A problem whose arrays disagree in length is a bug of ours."""
    with pytest.raises(BrokenInvariant, match="volatility"):
        problem(1.0, 2.0, volatility=[0.1])


@st.composite
def problems(draw: st.DrawFn) -> WeightProblem:
    count = draw(st.integers(0, 12))
    number = st.floats(-5.0, 5.0, width=32) | st.just(NAN)

    def row(element: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(element, min_size=count, max_size=count))

    tradable = np.array(row(st.booleans()), dtype=bool)
    current = st.sampled_from([0.0, 0.0, 0.1, -0.1, 0.5])
    return problem(
        *row(number),
        tradable=tradable,
        candidates=tradable & np.array(row(st.booleans()), dtype=bool),
        current_weights=row(current),
        volatility=row(st.floats(0.0, 0.2) | st.just(NAN)),
    )


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    each=problems(),
    method=st.sampled_from(["top_n", "quantiles", "proportional"])
    | st.just("inverse_volatility"),
    long_short=st.booleans(),
    top_n=st.integers(1, 6),
    gross=st.floats(0.0, 2.0),
    max_weight=st.floats(0.01, 1.0),
)
def test_every_method_respects_cap_gross_and_what_is_left_alone(
    each: WeightProblem,
    method: str,
    long_short: bool,
    top_n: int,
    gross: float,
    max_weight: float,
) -> None:
    """Whatever the problem: no weight above the cap, no gross above the wanted one."""
    found = allocated(
        each,
        method,
        long_short=long_short,
        top_n=top_n,
        gross=gross,
        max_weight=max_weight,
    ).weights

    if method == "inverse_volatility":
        weighable = np.isfinite(each.volatility) & (each.volatility > 0.0)
        each = replace(each, scores=np.where(weighable, each.scores, NAN))
    set_now = np.isfinite(found)
    kept_gross = float(np.abs(each.current_weights[each.kept]).sum())
    assert (np.abs(found[set_now]) <= max_weight).all()
    assert np.abs(found[set_now]).sum() <= max(0.0, gross - kept_gross) + 1e-8
    np.testing.assert_array_equal(~set_now, ~each.tradable | each.kept)
    assert long_short or (found[set_now] >= 0.0).all()
    assert (found[set_now & ~each.candidates] == 0.0).all()


@settings(max_examples=60, deadline=None)
@given(
    proportions=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20),
    budget=st.floats(0.0, 2.0),
    max_weight=st.floats(1e-3, 1.0),
)
def test_water_filling_places_all_that_fits(
    proportions: list[float], budget: float, max_weight: float
) -> None:
    """The sum is the budget or everybody is at the cap, and order is kept."""
    given_proportions = np.array(proportions)

    found = water_filled(given_proportions, budget=budget, max_weight=max_weight)

    assert (found <= max_weight).all()
    fits = min(budget, max_weight * len(proportions))
    assert found.sum() == pytest.approx(fits, rel=1e-9, abs=1e-12)
    in_order = found[np.argsort(given_proportions, kind="stable")]
    assert (np.diff(in_order) >= -1e-12).all()
