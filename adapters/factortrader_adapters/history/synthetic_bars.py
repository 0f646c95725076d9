"""What the venue prints of the synthetic path: raw bars, volumes, masks."""

from __future__ import annotations

from typing import Final

import numpy as np

from factortrader.market.panel import Panel
from factortrader.units import BoolArray, FloatArray
from factortrader_adapters.history.synthetic_coins import (
    Calendar,
    Coins,
    Stream,
    generator,
)
from factortrader_adapters.history.synthetic_path import Path

_TRADE_QUOTE: Final = 250.0
"""Mean size of a trade in quote currency."""


def print_bars(coins: Coins, path: Path, *, seed: int, calendar: Calendar) -> Panel:
    """The whole market as a panel, from its first bar to its last.

    Raw prices and base quantities are in the units of the day: a redenomination
    divides the price and multiplies the quantities. NaN where a coin has no bar.
    """
    bars, assets = path.price.shape
    listed = _listed(coins, bars)
    units = _new_units(coins, bars)
    economic = {
        **_prices(coins, path, seed=seed),
        **_volumes(coins, path, seed=seed, calendar=calendar),
        "market_cap": path.price * path.supply,
        "funding_rate": path.funding,
    }
    to_raw = {
        **dict.fromkeys(("open", "high", "low", "close"), 1.0 / units),
        **dict.fromkeys(("volume", "taker_buy_base"), units),
    }
    everywhere = np.ones((bars, assets), dtype=np.bool_)
    close_ns = calendar.start_ns + (np.arange(bars) + 1) * calendar.interval_ns
    return Panel(
        close_ns=close_ns.astype(np.int64),
        interval_ns=calendar.interval_ns,
        assets=coins.names,
        fields={
            name: np.where(listed, values * to_raw.get(name, 1.0), np.nan)
            for name, values in economic.items()
        },
        listed=listed,
        clean=everywhere,
        eligible=listed.copy(),
        adjustment=units,
    )


def _listed(coins: Coins, bars: int) -> BoolArray:
    rows = np.arange(bars)[:, None]
    listed: BoolArray = (rows >= coins.first_bar) & (rows <= coins.last_bar)
    for silence in (coins.gap, coins.halt):
        if silence is not None:
            coin, first, after = silence
            listed[first:after, coin] = False
    return listed


def _new_units(coins: Coins, bars: int) -> FloatArray:
    """New units per unit at listing, as of each row: the cumulative ratio."""
    units = np.ones((bars, len(coins.names)))
    if coins.redenomination is not None:
        coin, row, ratio = coins.redenomination
        units[row:, coin] = ratio
    return units


def _prices(coins: Coins, path: Path, *, seed: int) -> dict[str, FloatArray]:
    """Opens a few basis points from the previous close; extremes beyond both ends."""
    shape = path.price.shape
    close = path.price
    before = np.concatenate([coins.price[None, :], close[:-1]])
    gap = 2e-4 * generator(seed, Stream.OPENS).standard_normal(shape)
    opened = before * (1.0 + gap)
    beyond = np.abs(generator(seed, Stream.RANGES).standard_normal((*shape, 2)))
    reach = 0.4 * path.deviation[:, :, None] * beyond
    return {
        "open": opened,
        "high": np.maximum(opened, close) * (1.0 + reach[:, :, 0]),
        "low": np.minimum(opened, close) / (1.0 + reach[:, :, 1]),
        "close": close,
    }


def _volumes(
    coins: Coins, path: Path, *, seed: int, calendar: Calendar
) -> dict[str, FloatArray]:
    """Turnover of the capitalization, larger on days that move.

    log(quote volume / cap) rises with |return| / usual deviation and has slow noise.
    """
    shape = path.price.shape
    dt = calendar.years_per_bar
    usual = np.hypot(coins.volatility_annual, 0.6 * coins.beta) * np.sqrt(dt)
    surprise = np.minimum(np.abs(path.returns) / usual, 6.0)
    mood = _moods(shape, seed=seed)
    days_per_bar = 365.0 * dt
    turnover = coins.turnover_daily * days_per_bar
    quote_volume = (
        path.price * path.supply * turnover * np.exp(0.35 * surprise + 0.5 * mood)
    )
    volume = quote_volume / path.price
    takers = generator(seed, Stream.TAKERS).standard_normal(shape)
    bought = 0.5 + 0.06 * np.tanh(path.returns / usual) + 0.02 * takers
    sizes = generator(seed, Stream.TRADE_SIZES).standard_normal(shape)
    trades = np.ceil(quote_volume / (_TRADE_QUOTE * np.exp(0.2 * sizes)))
    return {
        "volume": volume,
        "quote_volume": quote_volume,
        "trades": trades,
        "taker_buy_base": volume * np.clip(bought, 0.05, 0.95),
    }


def _moods(shape: tuple[int, int], *, seed: int) -> FloatArray:
    """AR(1) with variance one and memory 0.9 per bar."""
    noise = generator(seed, Stream.VOLUME).standard_normal(shape)
    moods = np.empty(shape)
    mood = np.zeros(shape[1])
    for t in range(shape[0]):
        mood = 0.9 * mood + np.sqrt(1.0 - 0.9**2) * noise[t]
        moods[t] = mood
    return moods
