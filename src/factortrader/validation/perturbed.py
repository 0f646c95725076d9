"""Panels that differ from a panel in one respect, and one made from a seed.

For checks that ask: may this difference show there? The panels need not be plausible,
only different.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from factortrader.market.panel import Panel
from factortrader.units import DAY_NS, BoolArray, FloatArray, IntArray

MASKS: Final = ("listed", "clean", "eligible")
ADJUSTMENT: Final = "adjustment"


def input_names(panel: Panel) -> tuple[str, ...]:
    """Everything a panel function can read: fields, masks, corporate actions."""
    return (*panel.fields, *MASKS, ADJUSTMENT)


def noisy(
    panel: Panel, rows: slice, *, seed: int, only: Collection[str] | None = None
) -> Panel:
    """The rows replaced by noise: other values, other gaps, other masks and actions.

    only: the inputs that change; None = all of them.
    """
    random = np.random.default_rng(seed)
    shape = panel.listed[rows].shape

    def noise(values: FloatArray) -> FloatArray:
        known = np.abs(values[np.isfinite(values)])
        scale = float(np.median(known)) if known.size else 1.0
        made = (scale or 1.0) * np.exp(random.normal(0.0, 2.0, shape))
        made[random.random(shape) < 0.1] = np.nan
        return made

    return _replaced(
        panel,
        rows,
        fields={name: noise(values) for name, values in panel.fields.items()},
        masks={name: random.random(shape) < 0.5 for name in MASKS},
        adjustment=random.choice([0.001, 0.5, 1.0, 10.0], shape),
        only=only,
    )


def blank(panel: Panel, rows: slice, *, only: Collection[str] | None = None) -> Panel:
    """The rows without any value: NaN, nothing listed, clean or eligible."""
    shape = panel.listed[rows].shape
    return _replaced(
        panel,
        rows,
        fields=dict.fromkeys(panel.fields, np.full(shape, np.nan)),
        masks=dict.fromkeys(MASKS, np.zeros(shape, dtype=np.bool_)),
        adjustment=np.ones(shape),
        only=only,
    )


def with_dead_columns(panel: Panel) -> tuple[Panel, IntArray]:
    """Assets without any bar put before, between and behind the others.

    Also gives where the old columns went.
    """
    count = len(panel.assets)
    half = count // 2
    kept = np.array([i + 1 + 2 * (i >= half) for i in range(count)], dtype=np.int64)
    width = count + 5
    assets = [f"dead-{i}" for i in range(width)]
    for asset, column in zip(panel.assets, kept, strict=True):
        assets[column] = asset

    def wide(array: FloatArray, fill: float) -> FloatArray:
        out = np.full((panel.bars, width), fill)
        out[:, kept] = array
        return out

    def wide_mask(array: BoolArray) -> BoolArray:
        out = np.zeros((panel.bars, width), dtype=np.bool_)
        out[:, kept] = array
        return out

    adjustment = panel.adjustment
    return Panel(
        close_ns=panel.close_ns,
        interval_ns=panel.interval_ns,
        assets=tuple(assets),
        fields={name: wide(array, np.nan) for name, array in panel.fields.items()},
        listed=wide_mask(panel.listed),
        clean=wide_mask(panel.clean),
        eligible=wide_mask(panel.eligible),
        adjustment=None if adjustment is None else wide(adjustment, 1.0),
    ), kept


def generated_panel(
    *, bars: int = 400, assets: int = 12, seed: int = 0, interval_ns: int = DAY_NS
) -> Panel:
    """A market of pure noise with everything that breaks careless code.

    Random walks with a common part; late listings, deaths, holes, bars without volume,
    quarantined bars, a changing universe, a redenomination; all fields present.
    """
    random = np.random.default_rng(seed)
    shape = (bars, assets)
    moves = random.normal(0.0, 0.03, shape) + random.normal(0.0, 0.02, (bars, 1))
    price = np.exp(random.normal(2.0, 2.0, assets) + np.cumsum(moves, axis=0))
    listed = _lives(random, bars, assets)
    opened = price * np.exp(random.normal(0.0, 0.005, shape))
    volume = np.exp(random.normal(8.0, 1.0, shape))
    volume[random.random(shape) < 0.01] = 0.0
    ratio = np.ones(shape)
    ratio[bars // 2 :, 0] = 10.0
    raw = price / ratio
    fields = {
        "open": opened / ratio,
        "high": np.maximum(price, opened) * 1.01 / ratio,
        "low": np.minimum(price, opened) * 0.99 / ratio,
        "close": raw,
        "volume": volume * ratio,
        "quote_volume": volume * price,
        "trades": np.floor(volume / 10.0),
        "taker_buy_base": volume * ratio * random.uniform(0.3, 0.7, shape),
        "market_cap": price * np.exp(random.normal(15.0, 1.0, assets)),
        "funding_rate": random.normal(1e-4, 2e-4, shape),
    }
    return Panel(
        close_ns=(np.arange(bars, dtype=np.int64) + 18_000) * interval_ns,
        interval_ns=interval_ns,
        assets=tuple(f"A{i:02d}" for i in range(assets)),
        fields={name: np.where(listed, x, np.nan) for name, x in fields.items()},
        listed=listed,
        clean=listed & (random.random(shape) > 0.01),
        eligible=listed
        & np.repeat(random.random((bars // 20 + 1, assets)) > 0.2, 20, 0)[:bars],
        adjustment=ratio,
    )


def _lives(random: np.random.Generator, bars: int, assets: int) -> BoolArray:
    """The first third lives throughout; others list late, die early, or have holes."""
    listed = np.ones((bars, assets), dtype=np.bool_)
    for asset in range(assets // 3, assets):
        start, length = random.integers(1, max(bars // 3, 2)), random.integers(1, 9)
        match asset % 4:
            case 0:
                listed[:start, asset] = False
            case 1:
                listed[bars - start :, asset] = False
            case _:
                for hole in random.integers(0, bars, 4):
                    listed[hole : hole + length, asset] = False
    return listed


def _replaced(
    panel: Panel,
    rows: slice,
    *,
    fields: dict[str, FloatArray],
    masks: dict[str, BoolArray],
    adjustment: FloatArray,
    only: Collection[str] | None,
) -> Panel:
    chosen = input_names(panel) if only is None else only

    def field(name: str) -> FloatArray:
        if name not in chosen:
            return panel.fields[name]
        out = panel.fields[name].copy()
        out[rows] = fields[name]
        return out

    def mask(name: str, kept: BoolArray) -> BoolArray:
        if name not in chosen:
            return kept
        out = kept.copy()
        out[rows] = masks[name]
        return out

    ratio = panel.adjustment
    if ADJUSTMENT in chosen:
        ratio = np.ones(panel.listed.shape) if ratio is None else ratio.copy()
        ratio[rows] = adjustment
    return Panel(
        close_ns=panel.close_ns,
        interval_ns=panel.interval_ns,
        assets=panel.assets,
        fields={name: field(name) for name in panel.fields},
        listed=mask("listed", panel.listed),
        clean=mask("clean", panel.clean),
        eligible=mask("eligible", panel.eligible),
        adjustment=ratio,
    )
