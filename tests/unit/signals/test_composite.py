"""Composites keep what each factor said, and signals what is allowed to be said."""

from __future__ import annotations

import numpy as np
import pytest

from factortrader.market.window import Window
from factortrader.signals.composite import Part, composite
from factortrader.signals.signal import signals_updated
from factortrader.validation.perturbed import generated_panel

FIRST = np.array([1.0, 2.0, np.nan, np.nan])
SECOND = np.array([0.5, np.nan, -1.0, np.inf])
PARTS = [
    Part(name="first", weight=0.6, values=FIRST),
    Part(name="second", weight=-0.2, values=SECOND),
]


def test_a_score_is_the_sum_of_its_contributions() -> None:
    """An asset without all of its factors has no view."""
    found = composite(PARTS)

    np.testing.assert_array_equal(found.scores, [0.6 - 0.1, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(found.contributions["first"], [0.6] + [np.nan] * 3)
    np.testing.assert_array_equal(found.contributions["second"], [-0.1] + [np.nan] * 3)


def test_with_renormalization_the_present_speak_for_the_missing() -> None:
    """Weights are scaled up to the whole; without any factor there is no view."""
    found = composite(PARTS, renormalize=True)

    whole = 0.6 + 0.2
    np.testing.assert_allclose(
        found.scores, [0.5, 0.6 * 2 * whole / 0.6, 0.2 * whole / 0.2, np.nan]
    )
    np.testing.assert_allclose(
        np.nansum(list(found.contributions.values()), axis=0)[:3], found.scores[:3]
    )
    assert np.isnan(found.contributions["second"][1])


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "at least one"),
        ([PARTS[0], PARTS[0]], "same name"),
        ([Part(name="a", weight=0.0, values=FIRST)], "weight of 'a'"),
        ([Part(name="a", weight=float("nan"), values=FIRST)], "weight of 'a'"),
    ],
)
def test_a_composite_of_nonsense_is_refused(parts: list[Part], words: str) -> None:
    """No parts, twice the same name, no weight."""
    with pytest.raises(ValueError, match=words):
        composite(parts)


def test_a_signal_says_nothing_of_the_ineligible_and_cannot_be_changed() -> None:
    """Scores and contributions of ineligible assets are NaN; arrays are read-only."""
    panel = generated_panel(bars=40, assets=8, seed=1)
    scores = np.arange(8.0)
    scores[0] = np.inf

    signal = signals_updated(
        Window(panel=panel),
        strategy="s",
        scores=scores,
        contributions={"f": scores},
    )

    said = panel.eligible[-1] & np.isfinite(scores)
    assert 0 < said.sum() < 8
    for array in (signal.scores, signal.contributions["f"]):
        np.testing.assert_array_equal(np.isfinite(array), said)
        assert not array.flags.writeable
    assert scores.flags.writeable
    assert (signal.time_ns, signal.assets) == (int(panel.close_ns[-1]), panel.assets)
