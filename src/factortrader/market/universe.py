"""Who may be held, as of each bar (METHODS 1.3): point in time, with hysteresis.

Statistics are window-local functions of the panel; membership is a fold of them,
because whether an asset stays depends on whether it was in.
"""

from __future__ import annotations

import fnmatch
import math
import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
import numpy as np

from factortrader.market.panel import Panel
from factortrader.market.trailing import last_known, trailing_count, trailing_mean
from factortrader.units import BoolArray, FloatArray, IntArray, read_only

MIN_AVAILABILITY: Final = 0.8
"""Share of bars that must be present in a trailing window (METHODS 1.1)."""

MAX_GAP_BARS: Final = 3
"""Bars that may be missing before an asset counts as gone (DESIGN §7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseSettings:
    """`[universe]`.

    include, exclude: case-sensitive globs over stable ids; no include = all.
    min_history_bars: bars that must be present among the last min_history_bars / 0.8
    (at least three more), so that a gap of a few bars does not expel a member.
    min_dollar_volume: quote currency per bar, trailing mean over volume_window_bars
    of the quote volume, or of close × volume where the vendor has none. An asset
    without volume is not eligible when a minimum is set; 0 = no minimum.
    min_market_cap: quote currency, last known value; 0 = no minimum.
    size: the largest so many by rank_by; None = all.
    hysteresis: a member stays up to rank size × (1 + hysteresis), and above a minimum
    divided by (1 + hysteresis).
    on_disappearance: at which price a position is settled whose bars stopped: the
    last one, or the last one less `haircut` (a fraction of it).
    on_empty: when nobody is a member at a rebalance: refuse the run, or hold cash.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_history_bars: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    min_dollar_volume: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    volume_window_bars: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 30
    min_market_cap: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    size: Annotated[int, msgspec.Meta(ge=1)] | None = None
    rank_by: Literal["dollar_volume", "market_cap"] = "dollar_volume"
    hysteresis: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.0
    on_disappearance: Literal["haircut", "last_price"] = "haircut"
    haircut: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1.0
    on_empty: Literal["refuse", "cash"] = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseStatistics:
    """What membership is decided on; (bars, assets), or (assets,) for one bar.

    admissible: named, alive, old enough, and allowed by the source.
    dollar_volume: trailing mean, quote currency; NaN = unknown or too few bars.
    market_cap: last known, quote currency; NaN = unknown.
    """

    admissible: BoolArray
    dollar_volume: FloatArray
    market_cap: FloatArray

    def row(self, bar: int) -> UniverseStatistics:
        return UniverseStatistics(
            admissible=self.admissible[bar],
            dollar_volume=self.dollar_volume[bar],
            market_cap=self.market_cap[bar],
        )


class _Ballot(NamedTuple):
    """All of a bar's decision that does not depend on who was in; (…, assets).

    enters, stays: passes every rule but the size, as an outsider or as a member.
    order: columns by `rank_by`, the largest first, ties by column.
    """

    enters: BoolArray
    stays: BoolArray
    order: IntArray


class Universe:
    """The membership rules of one fund. Stateless: the caller keeps the last row."""

    def __init__(self, settings: UniverseSettings) -> None:
        self.settings = settings
        self._history_window_bars = max(
            math.ceil(settings.min_history_bars / MIN_AVAILABILITY),
            settings.min_history_bars + MAX_GAP_BARS,
        )
        self._included = _Matcher(settings.include or ("*",))
        self._excluded = _Matcher(settings.exclude)

    @property
    def lookback_bars(self) -> int:
        """Rows that the statistics of one bar read, the bar itself included."""
        return max(self._history_window_bars, self.settings.volume_window_bars)

    def membership(
        self, panel: Panel, *, previous: BoolArray | None = None
    ) -> BoolArray:
        """Members at each bar, (bars, assets): the fold of `step` over the rows.

        previous: (assets,), members before the first row; None = nobody.
        Later rows never change earlier ones.
        """
        members = np.zeros(panel.listed.shape, dtype=np.bool_)
        last = np.zeros(len(panel.assets), np.bool_) if previous is None else previous
        ballots = zip(*self._ballot(self.statistics(panel)), strict=True)
        for bar, ballot in enumerate(ballots):
            last = members[bar] = self._elected(last, _Ballot(*ballot))
        return read_only(members)

    def step(self, previous: BoolArray, row: UniverseStatistics) -> BoolArray:
        """Members with this bar, given those before it; both (assets,)."""
        return read_only(self._elected(previous, self._ballot(row)))

    def _ballot(self, given: UniverseStatistics) -> _Ballot:
        """One for each row of the statistics: all rows of a history at once."""
        settings = self.settings
        stay_factor = 1.0 + settings.hysteresis
        enters, stays = given.admissible.copy(), given.admissible.copy()
        for values, minimum in (
            (given.dollar_volume, settings.min_dollar_volume),
            (given.market_cap, settings.min_market_cap),
        ):
            if minimum > 0.0:
                # NaN compares false: unknown is not enough
                enters &= values >= minimum
                stays &= values >= minimum / stay_factor
        ranked_by: FloatArray = getattr(given, settings.rank_by)
        if settings.size is not None:
            known = np.isfinite(ranked_by)
            enters &= known
            stays &= known
        order = np.argsort(-ranked_by, axis=-1, kind="stable")
        return _Ballot(enters=enters, stays=stays, order=order)

    def _elected(self, previous: BoolArray, ballot: _Ballot) -> BoolArray:
        """Who passes: the first `size` of them, and members somewhat further down."""
        passes = np.where(previous, ballot.stays, ballot.enters)
        size = self.settings.size
        if size is None or np.count_nonzero(passes) <= size:
            return passes
        exit_rank = math.floor(size * (1.0 + self.settings.hysteresis) + 1e-9)
        ranked = ballot.order[passes[ballot.order]]
        elected = np.zeros_like(passes)
        elected[ranked[:size]] = True
        waiting = ranked[size:exit_rank]
        elected[waiting] = previous[waiting]
        return elected

    def statistics(self, panel: Panel) -> UniverseStatistics:
        """Trailing statistics of every bar; each depends on its window only."""
        settings = self.settings
        seen = panel.listed & panel.clean & np.isfinite(panel.raw("close"))
        alive = trailing_count(seen, window_bars=1 + MAX_GAP_BARS) > 0
        history = trailing_count(seen, window_bars=self._history_window_bars)
        named = np.array([self._named(asset) for asset in panel.assets], np.bool_)
        window_bars = settings.volume_window_bars
        return UniverseStatistics(
            admissible=(
                panel.eligible & alive & named & (history >= settings.min_history_bars)
            ),
            dollar_volume=trailing_mean(
                np.where(seen, panel.dollar_volume(), np.nan),
                window_bars=window_bars,
                min_bars=math.ceil(window_bars * MIN_AVAILABILITY - 1e-9),
            ),
            market_cap=last_known(
                np.where(seen, _market_cap(panel), np.nan), max_gap_bars=MAX_GAP_BARS
            ),
        )

    def _named(self, asset: str) -> bool:
        return bool(self._included(asset)) and not self._excluded(asset)


def _market_cap(panel: Panel) -> FloatArray:
    if "market_cap" in panel.fields:
        return panel.raw("market_cap")
    return np.full(panel.listed.shape, np.nan)


class _Matcher:
    """Whether a stable id matches one of the globs."""

    def __init__(self, globs: tuple[str, ...]) -> None:
        patterns = "|".join(fnmatch.translate(glob) for glob in globs)
        self._pattern = re.compile(patterns) if globs else None

    def __call__(self, asset: str) -> bool:
        return self._pattern is not None and self._pattern.match(asset) is not None
