"""`factor lint` beyond single functions: strategies, whole funds, and the report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from factortrader.errors import FactortraderError
from factortrader.events import SignalsUpdated
from factortrader.factors.factor import Factor
from factortrader.market.panel import Panel
from factortrader.market.window import Memo, PanelFunction, Window, checked
from factortrader.ports import Strategy
from factortrader.units import FloatArray, IntArray, format_time
from factortrader.validation.lint import (
    Check,
    Leak,
    changed_bits,
    default_cuts,
    lint_function,
    variants,
)
from factortrader.validation.perturbed import (
    generated_panel,
    input_names,
    with_dead_columns,
)

Signals = tuple[SignalsUpdated, ...]
FundRun = Callable[[Panel], Sequence[tuple[int, bytes]]]
"""Runs a fund over a panel: (time_ns, encoded message) of all it said, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """checked: names of everything that was looked at. leaks: what was found."""

    checked: tuple[str, ...]
    leaks: tuple[Leak, ...]
    bars: int
    generated: bool

    @property
    def clean(self) -> bool:
        return not self.leaks

    def lines(self) -> tuple[str, ...]:
        """The report for a person, one fact per line."""
        market = "generated bars" if self.generated else "bars"
        verdict = f"{len(self.leaks)} leaks" if self.leaks else "no leak"
        return (
            *(str(leak) for leak in self.leaks),
            f"{len(self.checked)} checked over {self.bars} {market}: {verdict}",
        )

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "checked": list(self.checked),
            "bars": self.bars,
            "generated": self.generated,
            "leaks": [
                {
                    "name": leak.name,
                    "check": leak.check.value,
                    "first_ns": leak.first_ns,
                    "asset": leak.asset,
                    "inputs": list(leak.inputs),
                    "what": leak.what,
                }
                for leak in self.leaks
            ],
        }


def lint_report(
    *,
    factors: Sequence[Factor] = (),
    strategies: Sequence[Strategy] = (),
    fund: FundRun | None = None,
    panel: Panel | None = None,
) -> LintReport:
    """Everything given, over one panel; without a panel over a generated one.

    Raises BadInput for a panel that is too short for the longest lookback, or lacks
    a field that a factor reads.
    """
    lookbacks = [factor.lookback_bars for factor in factors]
    lookbacks += [strategy.lookback_bars for strategy in strategies]
    longest = max(lookbacks, default=1)
    market = panel or generated_panel(bars=3 * longest + 60)
    leaks: list[Leak] = []
    for factor in factors:
        leaks += lint_function(
            factor, market, rows=factor.lookback_bars, name=factor.name
        )
    for strategy in strategies:
        leaks += lint_strategy(strategy, market, known=factors)
    if fund is not None:
        leaks += lint_fund(fund, market)
    return LintReport(
        checked=(
            *(factor.name for factor in factors),
            *(_name_of(strategy) for strategy in strategies),
            *(("fund",) if fund is not None else ()),
        ),
        leaks=tuple(leaks),
        bars=market.bars,
        generated=panel is None,
    )


# --- strategies -----------------------------------------------------------------


def lint_strategy(
    strategy: Strategy,
    panel: Panel,
    *,
    cuts: Sequence[int] | None = None,
    known: Collection[PanelFunction] = (),
) -> tuple[Leak, ...]:
    """Every leak of a strategy, and of each panel function that it reads.

    Its signals must be dated by their bar and be the same from exactly `lookback_bars`
    rows and from more, every time, beside dead assets, and with a memo over the whole
    history. known: functions that were checked already. Raises BadInput for a panel that is too short.
    """
    name, rows = _name_of(strategy), strategy.lookback_bars
    chosen = default_cuts(panel, rows) if cuts is None else tuple(cuts)
    chosen = tuple(cut for cut in chosen if cut + 1 >= rows)
    record = _Record(functions={})
    leaks: dict[Check, Leak] = {}
    try:
        for leak in _signal_leaks(strategy, panel, chosen, record=record):
            leaks.setdefault(leak.check, replace(leak, name=name))
    except FactortraderError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever the strategy under test raises)
        what = f"it raised {type(error).__name__}: {error}"
        crash = _leak_at(Check.CRASH, int(panel.close_ns[chosen[0]]), what=what)
        leaks[Check.CRASH] = replace(crash, name=name)
    inside: list[Leak] = []
    for function in (one for one in record.functions if one not in known):
        inside += lint_function(
            function,
            panel,
            rows=getattr(function, "lookback_bars", rows),
            name=f"{name}, {_name_of(function)}",
            cuts=chosen,
        )
    return (*leaks.values(), *inside)


def _signal_leaks(
    strategy: Strategy, panel: Panel, cuts: Sequence[int], *, record: _Record
) -> Iterator[Leak]:
    rows = strategy.lookback_bars
    wide, kept = with_dead_columns(panel)
    whole = _WholeHistory(panel=panel, answers={})
    said: dict[int, Signals] = {}
    for cut in cuts:
        start = cut + 1 - rows
        close_ns = int(panel.close_ns[cut])
        exact = _signals(strategy, panel.rows(start, cut + 1), memo=record)
        said[cut] = exact
        if any(signal.time_ns != close_ns for signal in exact):
            what = "its signal is not dated by the bar"
            yield _leak_at(Check.WRONG_TIME, close_ns, what=what)
        for first in {max(start - 1, 0), max(start - 7, 0), 0}:
            longer = _signals(strategy, panel.rows(first, cut + 1))
            if not _equal(exact, longer):
                what = f"its signal changes with rows before its {rows}"
                yield _leak_at(Check.WARM_UP, close_ns, what=what)
        remembered = _signals(strategy, panel.rows(start, cut + 1), memo=whole)
        if not _equal(exact, remembered):
            what = "its signal changes when its factors see the whole history"
            yield _leak_at(Check.LOOK_AHEAD, close_ns, what=what)
        if not _equal(exact, _signals(strategy, wide.rows(start, cut + 1)), kept=kept):
            what = "its signal changes when assets without any bar stand beside"
            yield _leak_at(Check.DEAD_COLUMNS, close_ns, what=what)
    for cut in reversed(cuts):
        again = _signals(strategy, panel.rows(cut + 1 - rows, cut + 1))
        if not _equal(said[cut], again):
            what = "the same window gave another signal the second time"
            yield _leak_at(Check.NOT_REPEATABLE, int(panel.close_ns[cut]), what=what)


@dataclass(frozen=True, slots=True)
class _Record:
    """A memo that keeps nothing and notes who was asked for."""

    functions: dict[PanelFunction, None]

    def row(self, function: PanelFunction, close_ns: int) -> FloatArray | None:
        del close_ns
        self.functions[function] = None
        return None


@dataclass(frozen=True, slots=True)
class _WholeHistory:
    """The memo of a replay: every row of a function over the whole panel."""

    panel: Panel
    answers: dict[PanelFunction, FloatArray]

    def row(self, function: PanelFunction, close_ns: int) -> FloatArray | None:
        if function not in self.answers:
            self.answers[function] = checked(function, self.panel)
        at = int(np.searchsorted(self.panel.close_ns, close_ns))
        row: FloatArray = self.answers[function][at]
        return row


def _signals(strategy: Strategy, panel: Panel, *, memo: Memo | None = None) -> Signals:
    return tuple(strategy.on_bars(Window(panel=panel, memo=memo)))


def _equal(one: Signals, other: Signals, *, kept: IntArray | None = None) -> bool:
    """Bit for bit; kept: the columns of the other that the one has."""
    if len(one) != len(other):
        return False
    return all(_same(a, b, kept) for a, b in zip(one, other, strict=True))


def _same(one: SignalsUpdated, other: SignalsUpdated, kept: IntArray | None) -> bool:
    columns: slice | IntArray = slice(None) if kept is None else kept
    mine, theirs = _arrays(one), _arrays(other)
    return (
        (one.time_ns, one.strategy) == (other.time_ns, other.strategy)
        and list(mine) == list(theirs)
        and all(
            not changed_bits(mine[name], theirs[name][columns]).any() for name in mine
        )
    )


def _arrays(signal: SignalsUpdated) -> Mapping[str, FloatArray]:
    return {"": signal.scores, **signal.contributions}


def _name_of(named: object) -> str:
    for attribute in ("name", "__name__"):
        if isinstance(name := getattr(named, attribute, None), str):
            return name
    return type(named).__name__


# --- whole funds ----------------------------------------------------------------


def lint_fund(
    run: FundRun, panel: Panel, *, name: str = "fund", cuts: Sequence[int] | None = None
) -> tuple[Leak, ...]:
    """Whether what a fund says up to a bar depends on what comes after it.

    run: the configured fund over a panel. Everything dated at or before the close of a
    cut must be equal when the rows after it are cut off, replaced by noise (prices,
    masks, universe, corporate actions) or made empty. cuts: None = a quarter, half and
    three quarters of the panel.
    """
    chosen = cuts or [panel.bars * quarter // 4 - 1 for quarter in (1, 2, 3)]
    base = run(panel)
    until_ns = int(panel.close_ns[-1])
    if (at_ns := _first_difference(base, run(panel), until_ns=until_ns)) is not None:
        what = "the same panel gave another run the second time"
        return (_leak_at(Check.NOT_REPEATABLE, at_ns, what=what, name=name),)
    for cut in chosen:
        until_ns, future = int(panel.close_ns[cut]), slice(cut + 1, None)

        others = (panel.rows(0, cut + 1), *variants(panel, future))
        parting = partial(_first_difference, base, until_ns=until_ns)
        times = [
            at_ns for other in others if (at_ns := parting(run(other))) is not None
        ]
        if not times:
            continue
        inputs = tuple(
            one
            for one in input_names(panel)
            if any(
                parting(run(other)) is not None
                for other in variants(panel, future, only=one)
            )
        )
        cause = " and ".join(inputs) or "the number of bars"
        what = f"what it said changes with {cause} after {format_time(until_ns)}"
        leak = _leak_at(Check.LOOK_AHEAD, min(times), what=what, name=name)
        return (replace(leak, inputs=inputs),)
    return ()


def _first_difference(
    one: Sequence[tuple[int, bytes]],
    other: Sequence[tuple[int, bytes]],
    *,
    until_ns: int,
) -> int | None:
    """When two runs part for the first time, at or before until_ns."""
    mine = [said for said in one if said[0] <= until_ns]
    theirs = [said for said in other if said[0] <= until_ns]
    for a, b in zip(mine, theirs, strict=False):
        if a != b:
            return min(a[0], b[0])
    longer = mine if len(mine) > len(theirs) else theirs
    shared = min(len(mine), len(theirs))
    return longer[shared][0] if len(longer) > shared else None


def _leak_at(check: Check, first_ns: int, *, what: str, name: str = "") -> Leak:
    return Leak(
        name=name, check=check, first_ns=first_ns, asset="", inputs=(), what=what
    )
