"""The core's memory of the market: the last bars, and who is in the universe."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from factortrader.errors import BrokenInvariant
from factortrader.events import BarsClosed, UniverseChanged
from factortrader.market.panel import BAR_FIELDS, Panel
from factortrader.market.universe import Universe
from factortrader.market.window import Memo, Window
from factortrader.units import BoolArray, FloatArray

MembersAt = Callable[[int], BoolArray]
"""close_ns of a bar → the members with it, where they were folded ahead."""

_ADJUSTMENT = "adjustment"


class Tape:
    """A ring of the last `lookback_bars` bars, and the fold of the membership.

    The first component to hear a bar: whoever hears it next reads `window()`.
    memo, members_at: rows computed ahead in replay; the same rows, to the bit.
    """

    def __init__(
        self,
        *,
        lookback_bars: int,
        universe: Universe,
        memo: Memo | None = None,
        members_at: MembersAt | None = None,
    ) -> None:
        self._lookback = max(lookback_bars, universe.lookback_bars, 2)
        self._universe = universe
        self._memo = memo
        self._members_at = members_at or self._folded
        self._assets: tuple[str, ...] = ()
        self._interval_ns = 0
        self._filled = 0
        self._close_ns = np.zeros(0, dtype=np.int64)
        self._fields: dict[str, FloatArray] = {}
        self._listed = self._clean = self._eligible = np.zeros((0, 0), dtype=bool)
        self._members: BoolArray = np.zeros(0, dtype=bool)

    @property
    def members(self) -> BoolArray:
        """Who is in the universe as of the last bar, shape (assets,)."""
        return self._members

    def on_bars(self, bar: BarsClosed) -> Iterable[UniverseChanged]:
        """Remember the bar, fold the membership, tell who entered and left."""
        self._make_room(bar)
        row = self._filled
        self._close_ns[row] = bar.close_ns
        told = bar.fields
        for name, kept in self._fields.items():
            if name in told:
                kept[row] = told[name]
            elif name in BAR_FIELDS:
                kept[row] = getattr(bar, name)
            else:
                kept[row] = _unknown(name)
        self._listed[row] = bar.listed
        self._clean[row] = bar.clean
        self._eligible[row] = bar.eligible
        self._filled += 1
        before = self._members
        members = self._members_at(bar.close_ns)
        self._eligible[row] = members
        self._members = members
        if not np.count_nonzero(before != members):
            return ()
        return (self._changed(bar, before, members),)

    def window(self) -> Window:
        """The trailing window, views into the ring."""
        start = max(0, self._filled - self._lookback)
        rows = slice(start, self._filled)
        fields = dict(self._fields)
        adjustment = fields.pop(_ADJUSTMENT, None)
        panel = Panel(
            close_ns=self._close_ns[rows],
            interval_ns=self._interval_ns,
            assets=self._assets,
            fields={name: values[rows] for name, values in fields.items()},
            listed=self._listed[rows],
            clean=self._clean[rows],
            eligible=self._eligible[rows],
            adjustment=None if adjustment is None else adjustment[rows],
        )
        return Window(panel=panel, memo=self._memo)

    def _folded(self, _close_ns: int) -> BoolArray:
        """One more step of the fold, from the window alone."""
        statistics = self._universe.statistics(self.window().panel)
        return self._universe.step(self._members, statistics.row(-1))

    def _changed(
        self, bar: BarsClosed, before: BoolArray, members: BoolArray
    ) -> UniverseChanged:
        names = np.asarray(bar.assets, dtype=object)
        return UniverseChanged(
            time_ns=bar.time_ns,
            entered=tuple(names[members & ~before]),
            left=tuple(names[before & ~members]),
        )

    def _make_room(self, bar: BarsClosed) -> None:
        if self._filled and bar.close_ns <= self._close_ns[self._filled - 1]:
            raise BrokenInvariant(
                "bars must close in order",
                where="tape",
                why=f"{bar.close_ns} after {self._close_ns[self._filled - 1]}",
            )
        if bar.assets is not self._assets and bar.assets != self._assets:
            self._add_columns(bar)
        for name in bar.fields:
            if name not in self._fields:
                self._fields[name] = self._room(_unknown(name))
        if self._filled == len(self._close_ns):
            kept = self._lookback - 1
            for array in self._arrays():
                array[:kept] = array[self._filled - kept : self._filled]
            self._filled = kept

    def _arrays(self) -> list[np.ndarray]:
        return [
            self._close_ns,
            self._listed,
            self._clean,
            self._eligible,
            *self._fields.values(),
        ]

    def _add_columns(self, bar: BarsClosed) -> None:
        """Columns are append-only: what is known keeps its place."""
        old = len(self._assets)
        if bar.assets[:old] != self._assets:
            raise BrokenInvariant("columns may only be appended", where="tape")
        rows, columns = 2 * self._lookback, len(bar.assets)

        def wider(array: np.ndarray, fill: object) -> np.ndarray:
            room = np.full((rows, columns), fill, dtype=array.dtype)
            room[: self._filled, :old] = array[: self._filled]
            return room

        self._fields = {
            name: wider(self._fields.get(name, np.zeros((0, 0))), _unknown(name))
            for name in (*BAR_FIELDS, *self._fields)
        }
        self._listed = wider(self._listed, fill=False)
        self._clean = wider(self._clean, fill=False)
        self._eligible = wider(self._eligible, fill=False)
        if not old:
            self._close_ns = np.zeros(rows, dtype=np.int64)
        members = np.zeros(columns, dtype=bool)
        members[:old] = self._members
        self._members = members
        self._assets = bar.assets
        self._interval_ns = bar.interval_ns

    def _room(self, fill: float) -> FloatArray:
        return np.full((len(self._close_ns), len(self._assets)), fill)


def _unknown(name: str) -> float:
    """What stands where a field was not published: without an action all is one."""
    return 1.0 if name == _ADJUSTMENT else np.nan
