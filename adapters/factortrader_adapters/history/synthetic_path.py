"""The path of the synthetic market, bar by bar.

    r[t, i] = β_i m[t] + Σ_k z_k[t-1, i] (π_k dt + s √dt η_k[t]) + e[t, i] + J[t, i]

m: one market factor with regimes, GARCH(1,1) volatility, Student-t shocks and rare
crashes. z_k: the style characteristic k of coin i as of the *previous* close, as a
standardized rank over the living coins (mean 0, deviation 1), so that anybody who
looks at closed bars can compute it. π_k: its planted premium per year. e: the coin's
own GARCH(1,1) with Student-t shocks. J: jumps. r is a simple return: the median coin
pays the volatility drag.

Every random array is drawn bar by bar from its own stream, hence a longer market
begins with exactly the shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from factortrader.units import DAY_NS, BoolArray, FloatArray, IntArray
from factortrader_adapters.history.synthetic_coins import (
    Calendar,
    Coins,
    Stream,
    generator,
)

STYLES: Final = ("momentum", "size", "carry", "reversal", "low_volatility")
"""In the order of the rows of every characteristics array."""

MOMENTUM_DAYS: Final = 60
SKIP_DAYS: Final = 5
"""Reversal is the return over these last days, momentum leaves them out."""
VOLATILITY_DAYS: Final = 30

_STYLE_VOLATILITY_ANNUAL: Final = 0.10
_MARKET_VOLATILITY_ANNUAL: Final = 0.68
_DRIFT_ANNUAL: Final = np.array([1.3, -1.1, 0.1])
_REGIME_SCALE: Final = np.array([1.0, 1.2, 0.65])
_REGIME_DAYS: Final = np.array([200.0, 120.0, 90.0])
"""Bull, bear, quiet: drift, scale of volatility, mean duration."""

_ARCH_DAILY: Final = 0.16
_PERSISTENCE_DAILY: Final = 0.98
_VARIANCE_CAP: Final = 12.0
"""Conditional variance stays below so many times its long-run level."""

_MARKET_FREEDOM: Final = 5.0
_COIN_FREEDOM: Final = 4.0
_WORST_RETURN: Final = -0.9
_BEST_RETURN: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Economic prices (before any redenomination), each array (bars, assets).

    returns: simple, per bar, 0 before listing. price: close in quote currency; before
    a coin's first bar its initial price. supply: coins in circulation. funding:
    fraction of notional per bar. deviation: conditional standard deviation per bar.
    """

    returns: FloatArray
    price: FloatArray
    supply: FloatArray
    funding: FloatArray
    deviation: FloatArray


def walk(
    coins: Coins, premia_annual: FloatArray, *, bars: int, seed: int, calendar: Calendar
) -> Path:
    """The path of every coin from its listing to its end.

    premia_annual: one per style, in the order of STYLES.
    """
    shape = (bars, len(coins.names))
    dt = calendar.years_per_bar
    path = Path(
        returns=np.zeros(shape),
        price=np.empty(shape),
        supply=_supply(coins, bars, dt=dt),
        funding=_funding(shape, seed=seed, calendar=calendar),
        deviation=np.empty(shape),
    )
    rows = np.arange(bars)[:, None]
    alive = (rows >= coins.first_bar) & (rows <= coins.last_bar)
    market = _market(bars, seed=seed, calendar=calendar)
    given = market[:, None] * coins.beta + _coin_jumps(shape, seed=seed, dt=dt)
    styles = _style_returns(premia_annual, bars, seed=seed, dt=dt)
    shocks = _student(generator(seed, Stream.COIN_SHOCKS), _COIN_FREEDOM, shape)
    survival = _survival(coins, bars)
    base = coins.volatility_annual**2 * dt
    variance, last = base, coins.price
    for t in range(bars):
        scores = _characteristics(path, coins, t, calendar=calendar)
        path.deviation[t] = np.sqrt(variance)
        own = path.deviation[t] * shocks[t]
        style = (styles[t][:, None] * scores).sum(axis=0)
        change = given[t] + coins.style_exposure * style + own
        kept = 1.0 + np.clip(change, _WORST_RETURN, _BEST_RETURN)
        path.returns[t] = np.where(alive[t], kept * survival[t] - 1.0, 0.0)
        path.price[t] = last = last * (1.0 + path.returns[t])
        variance = _next_variance(variance, own, base=base, calendar=calendar)
    return path


def _characteristics(
    path: Path, coins: Coins, t: int, *, calendar: Calendar
) -> FloatArray:
    """Standardized ranks known at the close before row t, shape (styles, assets)."""
    found = np.full((len(STYLES), len(coins.names)), np.nan)
    age = t - coins.first_bar
    known = (age > 0) & (t <= coins.last_bar)
    skip = calendar.bars_in(SKIP_DAYS)
    lookback = calendar.bars_in(MOMENTUM_DAYS)
    price = path.price
    if t > lookback:
        seen = known & (age > lookback)
        found[0, seen] = (price[t - 1 - skip] / price[t - 1 - lookback])[seen]
    if t > 0:
        found[1, known] = -(price[t - 1] * path.supply[t - 1])[known]
        found[2, known] = -path.funding[t - 1, known]
    if t > skip:
        seen = known & (age > skip)
        found[3, seen] = -(price[t - 1] / price[t - 1 - skip])[seen]
    window = max(2, calendar.bars_in(VOLATILITY_DAYS))
    if t >= window:
        seen = known & (age >= window)
        recent = path.returns[t - window : t]
        found[4, seen] = -((recent - recent.mean(axis=0)) ** 2).mean(axis=0)[seen]
    return _standardized_ranks(found)


def _standardized_ranks(values: FloatArray) -> FloatArray:
    """Per row: uniform ranks with mean 0 and deviation 1; 0 where not known."""
    known = np.isfinite(values)
    # NaN sorts last, so the known ones take the ranks 0 … count - 1.
    ranks = values.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    scores = ((ranks + 0.5) / count - 0.5) * np.sqrt(12.0)
    known_scores: FloatArray = np.where(known, scores, 0.0)
    return known_scores


def _next_variance(
    variance: FloatArray, shock: FloatArray, *, base: FloatArray, calendar: Calendar
) -> FloatArray:
    """GARCH(1,1) around the base, with a ceiling that keeps fat tails from exploding.

    Persistence decays with time and the weight of a shock with its root, the scaling
    of Nelson (1990), Journal of Econometrics 45, 7-38: bars of any length then have
    about the same volatility per year.
    """
    days = calendar.interval_ns / DAY_NS
    persistence = _PERSISTENCE_DAILY**days
    arch = min(_ARCH_DAILY * days**0.5, persistence)
    following = (
        (1.0 - persistence) * base + (persistence - arch) * variance + arch * shock**2
    )
    capped: FloatArray = np.minimum(following, _VARIANCE_CAP * base)
    return capped


def _market(bars: int, *, seed: int, calendar: Calendar) -> FloatArray:
    """Returns of the market factor, shape (bars,)."""
    dt = calendar.years_per_bar
    shocks = _student(generator(seed, Stream.MARKET_SHOCKS), _MARKET_FREEDOM, (bars, 1))
    jumps = _jumps(
        generator(seed, Stream.MARKET_JUMPS).random((bars, 1)) < 1.5 * dt,
        generator(seed, Stream.MARKET_JUMP_SIZES).standard_normal((bars, 1)),
        mean=-0.08,
        deviation=0.06,
    )
    expected_jump = 1.5 * dt * -0.08
    regimes = _regimes(bars, seed=seed, calendar=calendar)
    base = np.array([_MARKET_VOLATILITY_ANNUAL**2 * dt])
    variance = base
    returns = np.empty(bars)
    for t in range(bars):
        scale = _REGIME_SCALE[regimes[t]]
        shock = np.sqrt(variance) * shocks[t]
        drift = _DRIFT_ANNUAL[regimes[t]] * dt - expected_jump
        returns[t] = (drift + scale * shock + jumps[t])[0]
        variance = _next_variance(variance, shock, base=base, calendar=calendar)
    return returns


def _regimes(bars: int, *, seed: int, calendar: Calendar) -> IntArray:
    """0 bull, 1 bear, 2 quiet; a Markov chain with geometric stays."""
    draws = generator(seed, Stream.REGIMES).random((bars, 2))
    regimes = np.empty(bars, dtype=np.int64)
    current = 0
    for t in range(bars):
        if draws[t, 0] < 1.0 / calendar.bars_in(_REGIME_DAYS[current]):
            current = (current + 1 + int(draws[t, 1] < 0.5)) % len(_REGIME_DAYS)
        regimes[t] = current
    return regimes


def _style_returns(
    premia_annual: FloatArray, bars: int, *, seed: int, dt: float
) -> FloatArray:
    """What one unit of each characteristic earns in each bar, shape (bars, styles)."""
    shocks = generator(seed, Stream.STYLE_SHOCKS).standard_normal((bars, len(STYLES)))
    earned: FloatArray = (
        premia_annual * dt + _STYLE_VOLATILITY_ANNUAL * np.sqrt(dt) * shocks
    )
    return earned


def _coin_jumps(shape: tuple[int, int], *, seed: int, dt: float) -> FloatArray:
    return _jumps(
        generator(seed, Stream.COIN_JUMP_TIMES).random(shape) < 1.5 * dt,
        generator(seed, Stream.COIN_JUMP_SIZES).standard_normal(shape),
        mean=0.0,
        deviation=0.18,
    )


def _jumps(
    happens: BoolArray, sizes: FloatArray, *, mean: float, deviation: float
) -> FloatArray:
    return np.where(happens, mean + deviation * sizes, 0.0)


def _student(
    rng: np.random.Generator, freedom: float, shape: tuple[int, int]
) -> FloatArray:
    """Student-t with variance one."""
    shocks = rng.standard_t(freedom, shape) * np.sqrt((freedom - 2.0) / freedom)
    clipped: FloatArray = np.clip(shocks, -12.0, 12.0)
    return clipped


def _survival(coins: Coins, bars: int) -> FloatArray:
    """What a collapse leaves of the price in each bar, 1 elsewhere."""
    left = np.ones((bars, len(coins.names)))
    for coin, first in enumerate(coins.collapse_bar):
        length = coins.collapse_bars[coin]
        left[first : first + length, coin] = coins.residual[coin] ** (1.0 / length)
    return left


def _supply(coins: Coins, bars: int, *, dt: float) -> FloatArray:
    years = (np.arange(bars)[:, None] + 1) * dt
    supply: FloatArray = coins.supply * np.exp(coins.inflation_annual * years)
    return supply


def _funding(shape: tuple[int, int], *, seed: int, calendar: Calendar) -> FloatArray:
    """AR(1) around +8 % a year with a half-life of 15 days; fractions per bar."""
    memory = 0.5 ** (1.0 / (15.0 * DAY_NS / calendar.interval_ns))
    noise = generator(seed, Stream.FUNDING).standard_normal(shape)
    rates = np.empty(shape)
    level = noise[0] if len(noise) else np.zeros(shape[1])
    for t in range(shape[0]):
        level = memory * level + np.sqrt(1.0 - memory**2) * noise[t]
        rates[t] = (0.08 + 0.18 * level) * calendar.years_per_bar
    return rates
