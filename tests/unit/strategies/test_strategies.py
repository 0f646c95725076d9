"""What each strategy says, and that each is a Strategy."""

from __future__ import annotations

import numpy as np
import pytest

from factortrader.errors import BadInput
from factortrader.events import SignalsUpdated
from factortrader.factors.factor import bind
from factortrader.factors.momentum import momentum
from factortrader.factors.reversal import short_term_reversal
from factortrader.market.window import Window
from factortrader.ports import Strategy
from factortrader.validation.perturbed import generated_panel
from factortrader_strategies.blend import Blend
from factortrader_strategies.buy_and_hold import BuyAndHold
from factortrader_strategies.cross_sectional_momentum import CrossSectionalMomentum
from factortrader_strategies.equal_weight import EqualWeight
from factortrader_strategies.short_term_reversal import ShortTermReversal

PANEL = generated_panel(bars=50, assets=9, seed=8)
ELIGIBLE = PANEL.eligible[-1]


def said_by(strategy: Strategy) -> SignalsUpdated:
    start = PANEL.bars - strategy.lookback_bars
    (signal,) = strategy.on_bars(Window(panel=PANEL.rows(start, PANEL.bars)))
    return signal


def test_momentum_holds_what_rose_most() -> None:
    """Scores are the ranks of the formation return among the eligible."""
    signal = said_by(CrossSectionalMomentum(formation_bars=10, skip_bars=2))

    close = PANEL.research("close")
    rise = np.where(ELIGIBLE, close[-3] / close[-11], np.nan)
    assert np.nanargmax(signal.scores) == np.nanargmax(rise)
    assert np.nanargmin(signal.scores) == np.nanargmin(rise)
    assert (np.nanmin(signal.scores), np.nanmax(signal.scores)) == (-0.5, 0.5)
    np.testing.assert_array_equal(signal.contributions["momentum"], signal.scores)


def test_reversal_holds_what_fell_most() -> None:
    """Scores turn the sign of the recent return."""
    signal = said_by(ShortTermReversal(formation_bars=3, transform="none"))

    close = PANEL.research("close")
    expected = np.where(ELIGIBLE, 1.0 - close[-1] / close[-4], np.nan)
    np.testing.assert_allclose(signal.scores, expected, atol=1e-15)


def test_a_blend_adds_its_factors_and_keeps_their_parts() -> None:
    """The score is the weighted sum; the contributions say whose it was."""
    rise = bind(momentum, parameters={"lookback_bars": 20}, transform="rank")
    bounce = bind(short_term_reversal, transform="zscore")

    blend = Blend(factors=((rise, 0.7), (bounce, -0.3)), name="two")
    signal = said_by(blend)

    parts = [rise(PANEL)[-1] * 0.7, bounce(PANEL)[-1] * -0.3]
    seen = np.isfinite(signal.scores)
    assert seen.sum() > 3
    np.testing.assert_array_equal(signal.scores[seen], (parts[0] + parts[1])[seen])
    np.testing.assert_array_equal(
        signal.contributions["short_term_reversal"][seen], parts[1][seen]
    )
    assert list(signal.contributions) == ["momentum", "short_term_reversal"]
    assert blend.lookback_bars == 21
    assert signal.strategy == "two"


def test_equal_weight_scores_every_eligible_asset_alike() -> None:
    """1 for the eligible, no view on the others."""
    scores = said_by(EqualWeight()).scores

    np.testing.assert_array_equal(scores, np.where(ELIGIBLE, 1.0, np.nan))


def test_buy_and_hold_scores_the_named_assets() -> None:
    """Without names all that are eligible."""
    held = [PANEL.assets[i] for i in np.flatnonzero(ELIGIBLE)[:2]]
    out = PANEL.assets[int(np.flatnonzero(~ELIGIBLE)[0])]

    named = said_by(BuyAndHold(assets=(*held, out))).scores

    assert [PANEL.assets[i] for i in np.flatnonzero(named == 1.0)] == held
    assert np.isnan(named).sum() == len(PANEL.assets) - 2
    np.testing.assert_array_equal(
        said_by(BuyAndHold()).scores, said_by(EqualWeight()).scores
    )


def test_buy_and_hold_refuses_an_asset_that_does_not_exist() -> None:
    """A misspelt id is named with the nearest one."""
    with pytest.raises(BadInput, match="did you mean 'A01'"):
        said_by(BuyAndHold(assets=("A01USDT",)))


def test_settings_that_make_no_sense_are_refused_at_once() -> None:
    """A strategy that cannot work is not constructed."""
    with pytest.raises(BadInput, match="skip_bars must lie"):
        CrossSectionalMomentum(formation_bars=5, skip_bars=5)
    with pytest.raises(BadInput, match="bars must be"):
        ShortTermReversal(formation_bars=0)
    with pytest.raises(BadInput, match="did you mean 'rank'"):
        CrossSectionalMomentum(transform="rnak")
    with pytest.raises(BadInput, match="at least one"):
        Blend(factors=())
    with pytest.raises(BadInput, match="same name"):
        Blend(factors=((bind(momentum), 1.0), (bind(momentum), 2.0)))


def test_strategies_with_equal_settings_are_equal() -> None:
    """A strategy is a value."""
    assert CrossSectionalMomentum() == CrossSectionalMomentum(formation_bars=90)
    assert hash(CrossSectionalMomentum()) == hash(CrossSectionalMomentum())
