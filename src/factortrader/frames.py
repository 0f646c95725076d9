"""Where arrays meet labelled frames: pandas at the edge, never in the core.

Frames are indexed `datetime64[ns, UTC]` by bar close, oldest first, with stable asset
ids as columns.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from factortrader.errors import BadInput
from factortrader.factors.factor import INPUTS, TRANSFORMS
from factortrader.market.panel import Panel
from factortrader.units import FloatArray


def frame(panel: Panel, field: str) -> pd.DataFrame:
    """One research field of a panel as a frame (bars × assets)."""
    return pd.DataFrame(
        panel.research(field), index=_times(panel), columns=list(panel.assets)
    )


def _times(panel: Panel) -> pd.DatetimeIndex:
    closes = panel.close_ns.astype("datetime64[ns]")
    return pd.DatetimeIndex(closes, name="time").tz_localize("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class PandasFactor:
    """A factor in pandas, called once per bar on exactly its declared rows.

    Slow and correct: whatever the function does inside its window, it cannot see a
    row outside, so it satisfies R11 by construction. Equal by value, hashable.
    """

    name: str
    function: Callable[..., Any]
    inputs: tuple[str, ...]
    parameters: tuple[tuple[str, Any], ...]
    lookback_bars: int
    transform: str = "none"

    def bound(
        self,
        *,
        name: str | None = None,
        parameters: Mapping[str, object] | None = None,
        transform: str | None = None,
    ) -> PandasFactor:
        """The same function under other settings; BadInput for one it lacks."""
        settings = {**dict(self.parameters), **(parameters or {})}
        return pandas_factor(
            self.function,
            lookback_bars=self.lookback_bars,
            name=name or self.name,
            parameters=settings,
            transform=transform or self.transform,
        )

    def __call__(self, panel: Panel) -> FloatArray:
        """Scores, (bars, assets); NaN where the window is not full."""
        frames = {name: frame(panel, name) for name in self.inputs}
        scores = np.full((panel.bars, len(panel.assets)), np.nan)
        for last in range(self.lookback_bars - 1, panel.bars):
            rows = slice(last + 1 - self.lookback_bars, last + 1)
            windows = (whole.iloc[rows] for whole in frames.values())
            answer = self.function(*windows, **dict(self.parameters))
            scores[last] = self._row(answer, panel.assets)
        scores = np.where(np.isfinite(scores), scores, np.nan)
        return TRANSFORMS[self.transform](scores, panel.eligible)

    def _row(self, answer: object, assets: tuple[str, ...]) -> FloatArray:
        """The newest scores in the panel's order: a Series, or a frame's last row."""
        if isinstance(answer, pd.DataFrame):
            answer = answer.iloc[-1]
        if not isinstance(answer, pd.Series):
            raise BadInput(
                "a pandas factor returns a Series by asset, or a frame of them, "
                f"this one returned {type(answer).__name__}",
                code="factor_shape",
                where=f"factor {self.name}",
                remedy="return one score per column of its inputs",
            )
        row: FloatArray = answer.reindex(list(assets)).to_numpy(dtype=np.float64)
        return row


def pandas_factor(
    function: Callable[..., Any],
    *,
    lookback_bars: int,
    name: str | None = None,
    parameters: Mapping[str, object] | None = None,
    transform: str = "none",
) -> PandasFactor:
    """A function of frames as a factor.

    function: positional parameters name panel fields and receive `lookback_bars` rows
    of them as frames; keyword-only parameters are settings. It returns the newest
    scores as a Series by asset, or a frame whose last row counts.
    Raises BadInput for an unknown field, setting or transform, ValueError unless
    lookback_bars ≥ 1.
    """
    if lookback_bars < 1:
        raise ValueError(f"lookback_bars must be at least 1, got {lookback_bars}")
    chosen = name or str(getattr(function, "__name__", "factor"))
    known = inspect.signature(function).parameters
    keywords = {n for n, p in known.items() if p.kind is p.KEYWORD_ONLY}
    inputs = tuple(n for n in known if n not in keywords)
    settings = {n: known[n].default for n in known if n in keywords}
    given = dict(parameters or {})
    refuse = partial(_refuse, f"factor {chosen}")
    refuse("no panel field", set(inputs) - set(INPUTS), code="unknown_field")
    refuse("no parameter", set(given) - keywords, code="unknown_parameter")
    refuse("no transform", {transform} - set(TRANSFORMS), code="unknown_transform")
    settings.update(given)
    lacking = {n for n, v in settings.items() if v is inspect.Parameter.empty}
    refuse("no value for", lacking, code="missing_parameter")
    return PandasFactor(
        name=chosen,
        function=function,
        inputs=inputs,
        parameters=tuple(settings.items()),
        lookback_bars=lookback_bars,
        transform=transform,
    )


def _refuse(where: str, lack: str, names: set[str], *, code: str) -> None:
    if names:
        raise BadInput(
            f"there is {lack} {', '.join(sorted(names))}",
            code=code,
            where=where,
        )
