"""What the synthetic market contains: tails, clusters, lives and planted premia."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from factortrader.instruments import EndReason
from factortrader_adapters.history.synthetic import SyntheticSettings, SyntheticSource
from factortrader_adapters.history.synthetic_path import (
    MOMENTUM_DAYS,
    SKIP_DAYS,
    STYLES,
    VOLATILITY_DAYS,
)

WITHOUT_PREMIA = {f"{style}_premium_annual": 0.0 for style in STYLES}


def full_market(**changes):
    settings = dataclasses.replace(SyntheticSettings(), **changes)
    return SyntheticSource(settings).load(start_ns=None, end_ns=None, warm_up_bars=0)


@pytest.fixture(scope="module")
def history():
    return full_market()


@pytest.fixture(scope="module")
def unplanted():
    return full_market(**WITHOUT_PREMIA)


def lagged(values, bars):
    shifted = np.full_like(values, np.nan)
    shifted[bars:] = values[:-bars]
    return shifted


def returns_of(panel):
    close = panel.research("close")
    return close / lagged(close, 1) - 1.0


def lived(returns):
    """The returns of each coin in turn, without gaps; coins with two years or more."""
    for column in returns.T:
        own = column[np.isfinite(column)]
        if len(own) > 730:
            yield own


def characteristics(panel):
    """What a factor sees at each close, signed so that more should earn more."""
    close = panel.research("close")
    returns = returns_of(panel)
    volatility = np.full_like(returns, np.nan)
    for row in range(VOLATILITY_DAYS, len(returns)):
        volatility[row] = returns[row - VOLATILITY_DAYS + 1 : row + 1].std(axis=0)
    return {
        "momentum": lagged(close, SKIP_DAYS) / lagged(close, MOMENTUM_DAYS),
        "size": -panel.research("market_cap"),
        "carry": -panel.research("funding_rate"),
        "reversal": -close / lagged(close, SKIP_DAYS),
        "low_volatility": -volatility,
    }


def rank_information_coefficients(scores, forward):
    """Spearman correlation per row over the assets that have both."""
    found = []
    for score, outcome in zip(scores, forward, strict=True):
        both = np.isfinite(score) & np.isfinite(outcome)
        if both.sum() >= 10:
            ranks = [values[both].argsort().argsort() for values in (score, outcome)]
            found.append(np.corrcoef(*ranks)[0, 1])
    return np.array(found)


def t_statistics(panel):
    forward = np.full(panel.listed.shape, np.nan)
    forward[:-1] = returns_of(panel)[1:]
    found = {}
    for style, scores in characteristics(panel).items():
        ics = rank_information_coefficients(scores, forward)
        found[style] = ics.mean() / ics.std(ddof=1) * np.sqrt(len(ics))
    return found


def sharpe(returns):
    return returns.mean() / returns.std(ddof=1) * np.sqrt(365.0)


@pytest.mark.slow
def test_planted_premia_can_be_found(history) -> None:
    """Lagged characteristics rank the next returns, each with the planted sign."""
    found = t_statistics(history.panel)

    assert set(found) == set(STYLES)
    assert min(found.values()) > 3.0, found


@pytest.mark.slow
def test_what_was_not_planted_is_not_found(history, unplanted) -> None:
    """Without premia nothing is significant: the planting makes the difference."""
    planted, bare = t_statistics(history.panel), t_statistics(unplanted.panel)

    assert max(abs(value) for value in bare.values()) < 3.0, bare
    for style in STYLES:
        assert planted[style] - bare[style] > 2.0


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_a_premium_can_be_planted_with_either_sign(unplanted, style) -> None:
    """A negative premium alone turns the correlation of its own style around."""
    turned = full_market(**{**WITHOUT_PREMIA, f"{style}_premium_annual": -0.6})

    assert t_statistics(turned.panel)[style] < t_statistics(unplanted.panel)[style] - 3


def test_returns_have_fat_tails(history) -> None:
    """Excess kurtosis above 3 for the typical coin and for the market's coin."""
    kurtosis = [
        np.mean((own - own.mean()) ** 4) / own.var() ** 2 - 3.0
        for own in lived(returns_of(history.panel))
    ]

    assert np.median(kurtosis) > 3.0
    assert kurtosis[0] > 3.0


def test_volatility_clusters(history) -> None:
    """Absolute returns are correlated with those of the bar before."""
    persistence = [
        np.corrcoef(np.abs(own[1:]), np.abs(own[:-1]))[0, 1]
        for own in lived(returns_of(history.panel))
    ]

    assert np.median(persistence) > 0.1
    assert persistence[0] > 0.1


def test_coins_move_together(history) -> None:
    """The average pairwise correlation is that of a crypto market."""
    returns = returns_of(history.panel)
    long_lived = np.isfinite(returns).sum(axis=0) == len(returns) - 1
    correlation = np.corrcoef(returns[1:, long_lived], rowvar=False)
    count = len(correlation)

    average = (correlation.sum() - count) / (count * (count - 1))

    assert count > 10
    assert 0.3 < average < 0.7


def test_the_market_is_not_silly(history) -> None:
    """Neither the largest coin nor an equal-weight holding earns a fantastic Sharpe."""
    returns = returns_of(history.panel)

    assert abs(sharpe(returns[1:, 0])) < 2.0
    assert abs(sharpe(np.nanmean(returns[1:], axis=1))) < 2.0


def test_bitcoin_is_the_market(history) -> None:
    """The benchmark follows the equal-weight market and varies less than a coin."""
    returns = returns_of(history.panel)[1:]
    market = np.nanmean(returns, axis=1)

    assert np.corrcoef(returns[:, 0], market)[0, 1] > 0.8
    assert returns[:, 0].std() < np.nanmedian(np.nanstd(returns, axis=0))
    cap = history.panel.raw("market_cap")
    assert (np.nanargmax(cap, axis=1) == 0).all()


def test_coins_are_listed_over_time(history) -> None:
    """A third is there at the start, every coin has come by the end."""
    listed = history.panel.listed

    assert listed[0].sum() == 40
    assert listed.any(axis=0).all()
    first = listed.argmax(axis=0)
    assert len(set(first)) > 60
    assert (np.diff(first) >= 0).all()


def test_coins_die_suddenly_and_slowly(history) -> None:
    """A good part is delisted; each lost nearly all, some within days."""
    panel = history.panel
    worst_days, losses = [], []
    for column, instrument in enumerate(history.instruments):
        if instrument.end_reason is not EndReason.DELISTED:
            continue
        close = panel.research("close")[panel.listed[:, column], column]
        losses.append(close[-1] / close.max() - 1.0)
        worst_days.append((close[1:] / close[:-1]).min() - 1.0)

    assert 10 <= len(losses) <= 40
    assert max(losses) < -0.98
    assert min(losses) < -0.99
    assert min(worst_days) < -0.85
    assert max(worst_days) > -0.70


def test_bars_are_consistent(history) -> None:
    """Low ≤ open, close ≤ high; all prices and volumes are positive."""
    panel = history.panel
    opened, high, low, close, volume = (
        panel.raw(name)[panel.listed]
        for name in ("open", "high", "low", "close", "volume")
    )

    assert (low > 0.0).all()
    assert (low <= np.minimum(opened, close)).all()
    assert (high >= np.maximum(opened, close)).all()
    assert (volume > 0.0).all()


def test_a_bar_opens_near_the_close_before(history) -> None:
    """Within one per mille, a redenomination being no move."""
    panel = history.panel
    opened, close = panel.research("open"), panel.research("close")

    jump = np.abs(opened[1:] / close[:-1] - 1.0)

    assert np.nanmax(jump) < 2e-3


def test_volume_is_wide_and_rises_with_movement(history) -> None:
    """Quote volumes span orders of magnitude; busy days are those that move."""
    panel = history.panel
    quote_volume = panel.raw("quote_volume")
    typical = np.nanmedian(quote_volume, axis=0)
    moves, volumes = np.abs(returns_of(panel)), np.log(quote_volume / typical)
    both = np.isfinite(moves) & np.isfinite(volumes)

    assert typical.max() / typical.min() > 1_000.0
    assert np.corrcoef(moves[both], volumes[both])[0, 1] > 0.1


def test_counts_are_counts_and_takers_buy_a_part(history) -> None:
    """Trades are whole and positive; taker purchases lie within the volume."""
    panel = history.panel
    trades = panel.raw("trades")[panel.listed]
    share = (panel.raw("taker_buy_base") / panel.raw("volume"))[panel.listed]

    assert (trades >= 1.0).all()
    assert (trades == np.floor(trades)).all()
    assert share.min() >= 0.05
    assert share.max() <= 0.95
    assert 0.45 < share.mean() < 0.55


def test_supply_grows_slowly(history) -> None:
    """Capitalization over research price never falls and grows by at most a tenth."""
    panel = history.panel
    supply = panel.raw("market_cap") / panel.research("close")
    growth = supply[365:] / supply[:-365]

    assert np.nanmin(growth) >= 1.0
    assert np.nanmax(growth) < 1.1


def test_funding_is_small_persistent_and_two_sided(history) -> None:
    """A positive mean of a few percent a year, with coins on both sides."""
    rates = history.panel.raw("funding_rate")
    annual = rates * 365.0

    assert 0.02 < np.nanmean(annual) < 0.15
    assert np.nanmin(annual) < -0.2
    assert np.corrcoef(rates[1:, 0], rates[:-1, 0])[0, 1] > 0.8
