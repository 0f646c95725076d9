"""Rows computed ahead: what makes a replay fast without a second implementation.

By R11 a panel function's row depends only on the rows it declares, to the bit. So the
function may be run once over the whole history and its rows handed out one by one.
That is checked, not trusted: rows at a few bars are computed again from their window
alone, and a difference refuses the run.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from factortrader.errors import BadInput
from factortrader.market.panel import Panel
from factortrader.market.window import PanelFunction, checked, defined_in, last_row
from factortrader.units import FloatArray, format_time, read_only

_SAMPLES: Final = 8


class PanelMemo:
    """A memo over one panel whose `eligible` is already the folded membership.

    lookback_bars: the window that a live run would see.
    """

    def __init__(self, panel: Panel, *, lookback_bars: int) -> None:
        self._panel = panel
        self._lookback_bars = lookback_bars
        self._row_of = {int(ns): i for i, ns in enumerate(panel.close_ns)}
        self._kept: dict[PanelFunction, FloatArray] = {}

    def row(self, function: PanelFunction, close_ns: int) -> FloatArray | None:
        at = self._row_of.get(close_ns)
        if at is None:
            return None
        values = self._kept.get(function)
        if values is None:
            values = read_only(checked(function, self._panel))
            self._check(function, values)
            self._kept[function] = values
        row: FloatArray = values[at]
        return row

    def _check(self, function: PanelFunction, values: FloatArray) -> None:
        last = self._panel.bars - 1
        for at in np.unique(np.linspace(0, last, _SAMPLES).astype(int)):
            start = max(0, int(at) + 1 - self._lookback_bars)
            alone = last_row(function, self._panel.rows(start, int(at) + 1))
            if not same_bits(alone, values[at]):
                name = getattr(function, "name", None) or getattr(
                    function, "__name__", repr(function)
                )
                raise BadInput(
                    f"{name} gives other scores when it sees only its window",
                    code="not_window_local",
                    where=defined_in(function),
                    why=f"at {format_time(int(self._panel.close_ns[at]))} "
                    "it reads rows outside its declared lookback: later ones "
                    "(look-ahead) or earlier ones (a longer lookback than declared)",
                    remedy="run `factortrader factor lint` on it",
                )


def same_bits(left: FloatArray, right: FloatArray) -> bool:
    """Equal to the last bit; NaN equals NaN, whatever its payload."""
    return bool(np.array_equal(left, right, equal_nan=True)) and bool(
        np.array_equal(np.signbit(left[left == 0]), np.signbit(right[right == 0]))
    )
