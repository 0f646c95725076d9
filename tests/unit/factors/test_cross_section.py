"""Operators across assets, by hand and against NumPy row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from factortrader.factors import operators as op
from factortrader.units import FloatArray

RANDOM = np.random.default_rng(4)
X = RANDOM.standard_t(3, (60, 33))
X[RANDOM.random(X.shape) < 0.1] = np.nan
WHERE = RANDOM.random(X.shape) < 0.8
OPERATORS = [op.rank, op.demean, op.zscore, op.winsorized_zscore, op.robust_zscore]


def winsorized_by_hand(row: FloatArray) -> FloatArray:
    low, high = np.quantile(row, [0.05, 0.95])
    row = np.clip(row, low, high)
    return np.clip((row - row.mean()) / row.std(ddof=1), -3.0, 3.0)


def robust_by_hand(row: FloatArray) -> FloatArray:
    gap = row - np.median(row)
    return np.clip(gap / (1.4826 * np.median(np.abs(gap))), -3.0, 3.0)


def rank_by_hand(row: FloatArray) -> FloatArray:
    return np.argsort(np.argsort(row)) / (len(row) - 1) - 0.5


BY_HAND: dict[Callable[..., FloatArray], Callable[[FloatArray], FloatArray]] = {
    op.rank: rank_by_hand,
    op.demean: lambda row: row - row.mean(),
    op.zscore: lambda row: (row - row.mean()) / row.std(ddof=1),
    op.winsorized_zscore: winsorized_by_hand,
    op.robust_zscore: robust_by_hand,
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_row_is_what_numpy_makes_of_its_eligible_entries(
    operator: Callable[..., FloatArray],
) -> None:
    """Missing and ineligible entries are NaN and count for nobody."""
    found = operator(X, where=WHERE)

    for row, values in enumerate(X):
        taken = np.isfinite(values) & WHERE[row]
        expected = BY_HAND[operator](values[taken])
        np.testing.assert_allclose(found[row, taken], expected, rtol=1e-9, atol=1e-12)
        assert np.isnan(found[row, ~taken]).all()


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_row_without_a_difference_expresses_no_view(
    operator: Callable[..., FloatArray],
) -> None:
    """Equal values, one value, no value: NaN, neither 0 nor infinite."""
    flat = np.full((1, 10), 0.1)
    single = np.array([[np.nan, 3.0, np.inf]])

    assert np.isnan(operator(flat)).all()
    assert np.isnan(operator(single)).all()
    assert np.isnan(operator(np.full((2, 3), np.nan))).all()
    assert np.isnan(operator(X, where=np.zeros(X.shape, dtype=bool))).all()
    assert operator(X[:0]).shape == (0, 33)


def test_ranks_are_percentiles_minus_a_half_and_ties_go_by_column() -> None:
    """Equal values are ranked in the order of their stable ids."""
    x = np.array([[7.0, 1.0, 7.0, np.nan, 1.0, 9.0]])

    np.testing.assert_array_equal(op.rank(x), [[0.0, -0.5, 0.25, np.nan, -0.25, 0.5]])


def test_ranks_are_centered_and_span_one() -> None:
    """From −1/2 to 1/2, summing to zero, whatever the number of assets."""
    ranks = op.rank(X)

    np.testing.assert_allclose(np.nansum(ranks, axis=1), 0.0, atol=1e-12)
    np.testing.assert_array_equal(np.nanmin(ranks, axis=1), -0.5)
    np.testing.assert_array_equal(np.nanmax(ranks, axis=1), 0.5)


@pytest.mark.parametrize("operator", OPERATORS)
def test_rows_do_not_see_each_other_and_assets_have_no_order(
    operator: Callable[..., FloatArray],
) -> None:
    """Permuting dates permutes the result; so does permuting assets, up to rounding."""
    rows, columns = RANDOM.permutation(len(X)), RANDOM.permutation(X.shape[1])
    whole = operator(X)

    np.testing.assert_array_equal(operator(X[rows]), whole[rows])
    np.testing.assert_allclose(operator(X[:, columns]), whole[:, columns], atol=1e-12)


@pytest.mark.parametrize("operator", [op.rank, *OPERATORS[2:]])
def test_the_scale_of_a_row_does_not_matter(
    operator: Callable[..., FloatArray],
) -> None:
    """Standardized scores of ten times the row are the same."""
    np.testing.assert_allclose(operator(10.0 * X), operator(X), atol=1e-12)


def test_an_outlier_is_winsorized_before_the_moments_are_taken() -> None:
    """Worked by hand: with the mean and std first the outlier would dominate."""
    row = np.array([[*np.arange(1.0, 21.0), 1e6]])

    score = op.winsorized_zscore(row)

    clipped = np.clip(row[0], 2.0, 20.0)
    expected = (clipped - clipped.mean()) / clipped.std(ddof=1)
    np.testing.assert_allclose(score[0], expected, rtol=1e-12)
    assert score[0, -1] == score[0, -2] < 2.0


def test_scores_end_at_three() -> None:
    """A far outlier counts as three deviations where the spread ignores it."""
    row = np.array([[0.0, 1.0, 2.0, 3.0, 1e9, -1e9]])

    assert op.robust_zscore(row)[0, 4:].tolist() == [3.0, -3.0]
    assert np.nanmax(op.zscore(X, clip=1.0)) == 1.0


def test_a_tail_of_half_the_row_is_refused() -> None:
    """There would be nothing left between the quantiles."""
    with pytest.raises(ValueError, match="tail must lie"):
        op.winsorized_zscore(X, tail=0.5)
