"""The coins of the synthetic market: names, lives and characters.

Everything here is drawn once, before the first bar, from streams that know nothing
of the market's length: a longer market has the same coins with the same fates.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np

from factortrader.units import DAY_NS, FloatArray, IntArray

ANCHORS: Final = ("BTC", "ETH")
"""The market's largest coin, which is the benchmark, and its runner-up."""

# fmt: off
_ONSETS: Final = (
    "AL", "BO", "CE", "DRA", "EL", "FLO", "GRI", "HE", "IX",
    "JO", "KA", "LU", "MI", "NO", "OR", "PLU", "QUI", "RO",
    "SEL", "TAV", "UMB", "VE", "WO", "XE", "YL", "ZO",
)
_ENDINGS: Final = (
    "BRA", "CAN", "DOR", "FEN", "GON", "LIN", "LOX", "MON", "NEX",
    "PIA", "QUA", "RAL", "RIS", "SOL", "TIS", "TRA", "VIA", "VOR",
    "WYN", "ZEN",
)
# fmt: on

MOST_COINS: Final = len(ANCHORS) + len(_ONSETS) * len(_ENDINGS)

_NEVER: Final = 2**40
"""A row beyond every market."""


class Stream(IntEnum):
    """One generator per purpose, so that no draw shifts another."""

    NAMES = 0
    LIVES = 1
    CHARACTERS = 2
    REGIMES = 3
    MARKET_SHOCKS = 4
    MARKET_JUMPS = 5
    STYLE_SHOCKS = 6
    COIN_SHOCKS = 7
    COIN_JUMP_TIMES = 8
    COIN_JUMP_SIZES = 9
    FUNDING = 10
    VOLUME = 11
    TAKERS = 12
    RANGES = 13
    TRADE_SIZES = 14
    MARKET_JUMP_SIZES = 15
    OPENS = 16


def generator(seed: int, stream: Stream) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, int(stream)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Bars as days and years."""

    start_ns: int
    interval_ns: int

    @property
    def years_per_bar(self) -> float:
        return self.interval_ns / (365 * DAY_NS)

    def bars_in(self, days: float) -> int:
        """The bars in so many days, at least one."""
        return max(1, round(days * DAY_NS / self.interval_ns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coins:
    """What is fixed about every coin; arrays have shape (assets,).

    first_bar: row of the first bar. last_bar: row of the last one. collapse_bar: first
    row of the collapse, which takes collapse_bars rows and leaves the share `residual`
    of the price. gap, halt: (coin, first row without a bar, first row after them); the
    coin cannot trade during the halt. redenomination: (coin, row, new units per old
    unit). style_exposure: factor on the premia. price, supply: before the first bar.
    """

    names: tuple[str, ...]
    first_bar: IntArray
    last_bar: IntArray
    collapse_bar: IntArray
    collapse_bars: IntArray
    residual: FloatArray
    gap: tuple[int, int, int] | None
    halt: tuple[int, int, int] | None
    redenomination: tuple[int, int, int] | None
    beta: FloatArray
    volatility_annual: FloatArray
    style_exposure: FloatArray
    price: FloatArray
    supply: FloatArray
    inflation_annual: FloatArray
    turnover_daily: FloatArray


def make_coins(assets: int, *, seed: int, calendar: Calendar) -> Coins:
    """The cast of a market, in order of listing."""
    lives = _lives(assets, seed=seed, calendar=calendar)
    characters = _characters(assets, seed=seed)
    days = calendar.bars_in
    gap = (_GAP_COIN, days(150), days(150) + days(3))
    halt = (_HALTED_COIN, days(270), days(270) + days(40))
    redenomination = (_REDENOMINATED_COIN, days(220), 1_000)
    return Coins(
        names=_names(assets, seed=seed),
        gap=gap if assets > _GAP_COIN else None,
        halt=halt if assets > _HALTED_COIN else None,
        redenomination=redenomination if assets > _REDENOMINATED_COIN else None,
        **lives,
        **characters,
    )


_SUDDEN_COIN: Final = 3
_HALTED_COIN: Final = 4
_GAP_COIN: Final = 5
_REDENOMINATED_COIN: Final = 6
_SLOW_COIN: Final = 7
_CAST: Final = 8
"""The first coins play the parts which every market must show, early on."""


def _names(assets: int, *, seed: int) -> tuple[str, ...]:
    made = [onset + ending for onset in _ONSETS for ending in _ENDINGS]
    order = generator(seed, Stream.NAMES).permutation(len(made))
    return (*ANCHORS, *(made[at] for at in order))[:assets]


def _lives(assets: int, *, seed: int, calendar: Calendar) -> dict[str, Any]:
    """Listings over four and a half years; ends at eight in a hundred a year."""
    draw = generator(seed, Stream.LIVES).random((assets, 4))
    days = calendar.bars_in
    present = min(assets, max(_CAST, -(-assets // 3)))
    first_bar = np.zeros(assets, dtype=np.int64)
    first_bar[present:] = [
        days(day) for day in np.sort(10.0 + 1_600.0 * draw[present:, 0])
    ]
    protected = {0, 1, _HALTED_COIN, _GAP_COIN, _REDENOMINATED_COIN}
    staged = {_SUDDEN_COIN: (330.0, True), _SLOW_COIN: (480.0, False)}
    collapse_bar = np.full(assets, _NEVER)
    last_bar = np.full(assets, _NEVER)
    collapse_bars = np.ones(assets, dtype=np.int64)
    for coin in range(assets):
        if coin in protected:
            continue
        age_days = 180.0 - np.log1p(-draw[coin, 1]) / 0.08 * 365.0
        age_days, sudden = staged.get(coin, (age_days, bool(draw[coin, 2] < 0.5)))
        collapse_bars[coin] = days(2.0 if sudden else 30.0)
        collapse_bar[coin] = first_bar[coin] + days(age_days)
        lingering = days(15.0 if sudden else 5.0)
        last_bar[coin] = collapse_bar[coin] + collapse_bars[coin] + lingering
    return {
        "first_bar": first_bar,
        "last_bar": last_bar,
        "collapse_bar": collapse_bar,
        "collapse_bars": collapse_bars,
        "residual": 0.002 + 0.004 * draw[:, 3],
    }


def _characters(assets: int, *, seed: int) -> dict[str, Any]:
    rng = generator(seed, Stream.CHARACTERS)
    uniform = rng.random((assets, 5))
    normal = rng.standard_normal((assets, 2))
    cap = np.exp(np.log(2.5e8) + 1.3 * normal[:, 0])
    price = 10.0 ** (-2.5 + 4.5 * uniform[:, 0])
    found = {
        "beta": 0.75 + 0.6 * uniform[:, 1],
        "volatility_annual": 0.45 + 0.6 * uniform[:, 2],
        "style_exposure": np.ones(assets),
        "price": price,
        "supply": cap / price,
        "inflation_annual": 0.08 * uniform[:, 3],
        "turnover_daily": 0.05 * np.exp(0.8 * normal[:, 1]),
    }
    anchors = {
        "beta": (0.9, 1.1),
        "volatility_annual": (0.15, 0.35),
        "style_exposure": (0.0, 0.5),
        "price": (4_000.0, 150.0),
        "supply": (17.5e6, 104e6),
        "inflation_annual": (0.018, 0.03),
        "turnover_daily": (0.06, 0.08),
    }
    for name, values in anchors.items():
        found[name][: len(values)] = values[:assets]
    return found
