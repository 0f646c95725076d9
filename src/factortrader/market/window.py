"""The trailing window that a strategy sees, and the memo that makes replay fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from factortrader.errors import BadInput
from factortrader.market.panel import Panel
from factortrader.units import FloatArray

PanelFunction = Callable[[Panel], FloatArray]
"""bars × assets in, an array of the same shape out; causal and window-local (R11)."""


class Memo(Protocol):
    """Rows of a panel function that were computed ahead. Never anything else."""

    def row(self, function: PanelFunction, close_ns: int) -> FloatArray | None:
        """The function's row for the bar that closed then, or None if not kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The last bars up to now, universe membership included.

    panel: at most `lookback_bars` rows, the last one just closed; `panel.eligible`
    is the folded membership. A strategy is a pure function of it.
    """

    panel: Panel
    memo: Memo | None = None

    @property
    def close_ns(self) -> int:
        return int(self.panel.close_ns[-1])

    @property
    def assets(self) -> tuple[str, ...]:
        return self.panel.assets

    def latest(self, function: PanelFunction) -> FloatArray:
        """The function's last row, shape (assets,).

        In replay the row may come from a memo over the whole history; operators are
        window-local to the bit, so this is the same row (a test and `factor lint`
        hold them to it).
        """
        if self.memo is not None:
            row = self.memo.row(function, self.close_ns)
            if row is not None:
                return row
        return last_row(function, self.panel)


def last_row(function: PanelFunction, panel: Panel) -> FloatArray:
    """The last row of the function over the panel, shape (assets,).

    Raises BadInput where the function returns another shape than the panel's.
    """
    row: FloatArray = checked(function, panel)[-1]
    return row


def defined_in(function: object) -> str:
    """File and line of a function, or of a factor's own; "" where it has no code."""
    code = getattr(getattr(function, "function", function), "__code__", None)
    return "" if code is None else f"{code.co_filename}, line {code.co_firstlineno}"


def checked(function: PanelFunction, panel: Panel) -> FloatArray:
    """The function over the panel, its shape and type proven."""
    values: object = function(panel)
    shape = (panel.bars, len(panel.assets))
    if not isinstance(values, np.ndarray) or values.shape != shape:
        got = getattr(values, "shape", type(values).__name__)
        raise BadInput(
            f"a factor must return {shape} (bars, assets), this one returned {got}",
            code="factor_shape",
            where=getattr(function, "__name__", repr(function)),
            remedy="return one score for every bar and asset of its inputs",
        )
    if values.dtype != np.float64:
        raise BadInput(
            f"a factor must return float64, this one returned {values.dtype}",
            code="factor_type",
            where=getattr(function, "__name__", repr(function)),
            remedy="convert the result with .astype(float)",
        )
    return values
