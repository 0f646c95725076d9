"""`factor lint`: nothing looks ahead, nor beyond the rows it declares (R11).

A value at bar t must be the same, to the last bit, whatever comes after t, whatever
came before the declared rows, and whichever dead assets stand beside. So:

    look_ahead      the rows after a cut are cut off, replaced by noise, made empty
    warm_up         the rows before the declared window are cut off, noise, empty
    dead_columns    assets without bars are put between the others
    not_repeatable  the same panel twice
    wrong_time      a signal is not dated by the bar it was made of

Where something leaks, each input (field, mask, corporate actions) is changed alone:
those whose change alone shows are named. No tolerance anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from factortrader.errors import BadInput, FactortraderError
from factortrader.market.panel import Panel
from factortrader.market.window import PanelFunction, checked
from factortrader.units import BoolArray, FloatArray, format_time
from factortrader.validation.perturbed import (
    blank,
    input_names,
    noisy,
    with_dead_columns,
)


class Check(StrEnum):
    LOOK_AHEAD = "look_ahead"
    WARM_UP = "warm_up"
    DEAD_COLUMNS = "dead_columns"
    NOT_REPEATABLE = "not_repeatable"
    WRONG_TIME = "wrong_time"
    CRASH = "crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One way in which one function is not what it promises.

    first_ns: close of the earliest bar whose value changed; asset: whose, or "".
    inputs: what moved it when changed alone; empty where nothing does alone: then it
    is the number of rows, or the order in which they are summed.
    """

    name: str
    check: Check
    first_ns: int
    asset: str
    inputs: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        who = f" for {self.asset}" if self.asset else ""
        return (
            f"{self.name}: {self.check} at {format_time(self.first_ns)}{who}: "
            f"{self.what}"
        )


def lint_function(
    function: PanelFunction,
    panel: Panel,
    *,
    rows: int,
    name: str,
    cuts: Sequence[int] | None = None,
) -> tuple[Leak, ...]:
    """Every leak of a panel function, at most one per kind of check.

    rows: what it declares that one value needs, the newest included.
    cuts: row numbers after which the future is changed; None = `default_cuts`.
    Raises BadInput for a panel that is too short, or lacks what the function reads.
    """
    chosen = default_cuts(panel, rows) if cuts is None else tuple(cuts)
    subject = _Subject(name, rows, panel, chosen)
    try:
        base = checked(function, panel)
    except FactortraderError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever the function under test raises)
        return (subject.crashed(error, "the whole panel"),)
    again = changed_bits(base, checked(function, panel))
    if again.any():
        what = "the same panel gave another value the second time"
        return (subject.leak(Check.NOT_REPEATABLE, again, what=what),)
    found: list[Leak | None] = []
    for check in (_look_ahead, _warm_up, _dead_columns):
        try:
            found.append(check(function, subject, base))
        except Exception as error:  # noqa: BLE001 (as above)
            found.append(
                subject.crashed(error, f"a panel changed for {check.__name__[1:]}")
            )
    return tuple(leak for leak in found if leak is not None)


def default_cuts(panel: Panel, rows: int) -> tuple[int, ...]:
    """Six rows spread over the panel, and up to four just before a price comes (back):
    there a value that was filled from the future shows.

    Raises BadInput unless the panel has more than `rows` bars.
    """
    first, last = rows - 1, panel.bars - 2
    if last < first:
        raise BadInput(
            f"{panel.bars} bars are too few to check a lookback of {rows}",
            code="lint_panel",
            remedy=f"give at least {rows + 1} bars, better {3 * rows}",
        )
    spread = np.linspace(first, last, 6).astype(np.int64)
    seen = np.isfinite(panel.research("close"))
    returning = np.flatnonzero((~seen[:-1] & seen[1:]).any(axis=1))
    returning = returning[(returning >= first) & (returning <= last)]
    before_a_price = returning[:: max(len(returning) // 4, 1)][:4]
    return tuple(int(row) for row in np.union1d(spread, before_a_price))


# --- the checks of a panel function ---------------------------------------------


@dataclass(frozen=True, slots=True)
class _Subject:
    name: str
    rows: int
    panel: Panel
    cuts: tuple[int, ...]

    def leak(
        self,
        check: Check,
        changed: BoolArray,
        *,
        what: str,
        inputs: tuple[str, ...] = (),
    ) -> Leak:
        """`changed`: (bars, assets) of the panel, somewhere True."""
        row, column = np.argwhere(changed)[0]
        return Leak(
            name=self.name,
            check=check,
            first_ns=int(self.panel.close_ns[row]),
            asset=self.panel.assets[column],
            inputs=inputs,
            what=what,
        )

    def crashed(self, error: Exception, over: str) -> Leak:
        return Leak(
            name=self.name,
            check=Check.CRASH,
            first_ns=int(self.panel.close_ns[0]),
            asset="",
            inputs=(),
            what=f"over {over} it raised {type(error).__name__}: {error}",
        )


def _look_ahead(
    function: PanelFunction, subject: _Subject, base: FloatArray
) -> Leak | None:
    panel = subject.panel
    found = np.zeros(base.shape, dtype=np.bool_)
    inputs: tuple[str, ...] = ()
    after_ns = 0
    for cut in subject.cuts:
        expected, future = base[: cut + 1], slice(cut + 1, None)
        others = (panel.rows(0, cut + 1), *variants(panel, future))
        read = partial(_head, function, cut + 1)
        changed = _any_moved(read, expected, others)
        if not changed.any():
            continue
        found[: cut + 1] |= changed
        after_ns = after_ns or int(panel.close_ns[cut])
        inputs = inputs or _causes(read, expected, panel, rows=future)
    if not found.any():
        return None
    cause = " and ".join(inputs) or "the number of bars"
    what = f"its value changes with {cause} after {format_time(after_ns)}"
    return subject.leak(Check.LOOK_AHEAD, found, what=what, inputs=inputs)


def _warm_up(
    function: PanelFunction, subject: _Subject, base: FloatArray
) -> Leak | None:
    """Compared with the panel that ends at the cut, lest look-ahead counts twice."""
    found = np.zeros(base.shape, dtype=np.bool_)
    inputs: tuple[str, ...] = ()
    for cut in (cut for cut in subject.cuts if cut + 1 >= subject.rows):
        past = subject.panel.rows(0, cut + 1)
        expected = checked(function, past)[-1:]
        start = cut + 1 - subject.rows
        shorter = {start, max(start - 1, 0), max(start - 7, 0)}
        others = [past.rows(first, cut + 1) for first in sorted(shorter)]
        earlier = slice(0, start)
        if start > 0:
            others.extend(variants(past, earlier))
        read = partial(_tail, function)
        changed = _any_moved(read, expected, others)
        if not changed.any():
            continue
        found[cut] |= changed[0]
        if start > 0:
            inputs = inputs or _causes(read, expected, past, rows=earlier)
    if not found.any():
        return None
    cause = " and ".join(inputs) or "the number of bars"
    what = f"its value changes with {cause} before its {subject.rows} rows"
    return subject.leak(Check.WARM_UP, found, what=what, inputs=inputs)


def _dead_columns(
    function: PanelFunction, subject: _Subject, base: FloatArray
) -> Leak | None:
    wide, kept = with_dead_columns(subject.panel)
    changed = changed_bits(base, checked(function, wide)[:, kept])
    if not changed.any():
        return None
    what = "its value changes when assets without any bar stand beside"
    return subject.leak(Check.DEAD_COLUMNS, changed, what=what)


def variants(panel: Panel, rows: slice, *, only: str | None = None) -> Iterator[Panel]:
    """The panel with these rows as noise, then empty; only: the one input to change."""
    chosen = None if only is None else (only,)
    yield noisy(panel, rows, seed=rows.start + (rows.stop or 0), only=chosen)
    yield blank(panel, rows, only=chosen)


def _head(function: PanelFunction, rows: int, panel: Panel) -> FloatArray:
    return checked(function, panel)[:rows]


def _tail(function: PanelFunction, panel: Panel) -> FloatArray:
    return checked(function, panel)[-1:]


def _any_moved(
    read: Callable[[Panel], FloatArray],
    expected: FloatArray,
    others: Iterable[Panel],
) -> BoolArray:
    """Which of the expected values some other panel gives otherwise."""
    moved = np.zeros(expected.shape, dtype=np.bool_)
    for other in others:
        moved |= changed_bits(expected, read(other))
    return moved


def _causes(
    read: Callable[[Panel], FloatArray],
    expected: FloatArray,
    panel: Panel,
    *,
    rows: slice,
) -> tuple[str, ...]:
    """The inputs whose change in these rows moves an expected value by itself."""
    return tuple(
        name
        for name in input_names(panel)
        if _any_moved(read, expected, variants(panel, rows, only=name)).any()
    )


def changed_bits(one: FloatArray, other: FloatArray) -> BoolArray:
    """Where two arrays differ in a bit; NaN equals NaN."""
    bits: BoolArray = np.ascontiguousarray(one).view(np.int64) != np.ascontiguousarray(
        other
    ).view(np.int64)
    return bits & ~(np.isnan(one) & np.isnan(other))
