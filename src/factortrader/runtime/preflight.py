"""What a configuration asks of its data, checked before the first event.

A currency, an asset, a field or a stretch of history that is asked for and not there
is refused with the line that asks for it, everything at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from factortrader.config.fund import FundConfig
from factortrader.config.parsing import Problems, nearest
from factortrader.errors import BadInput
from factortrader.factors.factor import ELIGIBLE
from factortrader.market.panel import DOLLAR_VOLUME, Panel
from factortrader.market.schedule import Schedule
from factortrader.market.universe import Universe
from factortrader.ports import History, Strategy
from factortrader.runtime.strategies import blended
from factortrader.units import (
    DAY_NS,
    HOUR_NS,
    format_interval,
    format_time,
    parse_interval_ns,
)

_SLOTS_NS: Final = {
    "hourly": HOUR_NS,
    "daily": DAY_NS,
    "weekly": 7 * DAY_NS,
    "monthly": 28 * DAY_NS,
}
"""The shortest slot that each name can mean; "once" has none."""

_GLOB: Final = frozenset("*?[")


class Problem(NamedTuple):
    """The path of the key that asks, and what is wrong with it."""

    path: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """A configuration beside the history that it is to run on.

    start_ns: trading starts; the bar that closes then is the first to decide on.
    """

    config: FundConfig
    strategy: Strategy
    universe: Universe
    history: History
    start_ns: int

    def check(self) -> None:
        """Raises BadConfiguration with everything that this history cannot serve.

        BadInput where the universe is empty on a rebalance and may not be.
        """
        problems = Problems(self.config.document.places)
        for path, text in (
            *_quote(self),
            *_named_assets(self),
            *_schedule(self),
            *_legs(self),
            *_factor_fields(self),
            *_universe_fields(self),
            *_lookbacks(self),
        ):
            problems.add(path, text)
        problems.raise_if_any(self.config.document.name)
        _refuse_empty_universe(self)

    @property
    def panel(self) -> Panel:
        return self.history.panel

    @cached_property
    def traded(self) -> Panel:
        """The bars of the run itself, without the warm-up."""
        first = int(np.searchsorted(self.panel.close_ns, self.start_ns, "right"))
        return self.panel.rows(first, self.panel.bars)

    def knows(self, field: str) -> bool:
        """Whether any bar has a value of the field."""
        if field == ELIGIBLE:
            return True
        if field == DOLLAR_VOLUME:
            return bool(np.isfinite(self.panel.dollar_volume()).any())
        known = self.panel.fields.get(field)
        return known is not None and bool(np.isfinite(known).any())


def _quote(flight: Preflight) -> Iterator[Problem]:
    quote = flight.config.fund.quote
    others = sorted({each.quote for each in flight.history.instruments} - {quote})
    if others:
        yield Problem(
            "fund.quote",
            f"the account is kept in {quote}, and the data is quoted in "
            f"{', '.join(others)}; nothing is converted: keep it in {others[0]}, "
            "or use other data",
        )


def _named_assets(flight: Preflight) -> Iterator[Problem]:
    """Who is called by name must be there, and must trade during the run."""
    traded = flight.traded
    columns = {asset: at for at, asset in enumerate(traded.assets)}
    for path, asset in _names(flight):
        column = columns.get(asset)
        if column is None:
            yield Problem(
                path, f"the data has no asset {asset!r}{nearest(asset, columns)}"
            )
        elif not traded.listed[:, column].any():
            instrument = flight.history.instruments[column]
            first, last = int(traded.close_ns[0]), int(traded.close_ns[-1])
            yield Problem(
                path,
                f"{asset!r} has no bar from {format_time(first)} to "
                f"{format_time(last)}{_life(instrument.listed_ns, instrument.ended_ns)}",
            )


def _life(listed_ns: int | None, ended_ns: int | None) -> str:
    if listed_ns is None or ended_ns is None:
        return ""
    return (
        f"; its bars close from {format_time(listed_ns)} to {format_time(ended_ns)}: "
        "name another asset, or choose another period"
    )


def _names(flight: Preflight) -> Iterator[tuple[str, str]]:
    config = flight.config
    if config.fund.benchmark is not None:
        yield "fund.benchmark", config.fund.benchmark
    for path, names in (
        ("universe.include", config.universe.include),
        ("signal.parameters.assets", getattr(flight.strategy, "assets", ())),
        ("data.assets", getattr(config.source, "assets", ())),
    ):
        for name in names if isinstance(names, tuple) else ():
            if isinstance(name, str) and not _GLOB.intersection(name):
                yield path, name


def _slot_ns(every: str) -> float:
    """The shortest time from one rebalance to the next."""
    if every == "once":
        return math.inf
    return _SLOTS_NS.get(every) or parse_interval_ns(every)


def _schedule(flight: Preflight) -> Iterator[Problem]:
    every, interval_ns = flight.config.schedule.every, flight.panel.interval_ns
    if _slot_ns(every) < interval_ns:
        yield Problem(
            "schedule.every",
            f"{every!r} is more often than the data has bars, which are "
            f"{format_interval(interval_ns)} long: rebalance at most once a bar, or "
            "use data with shorter bars",
        )


def _legs(flight: Preflight) -> Iterator[Problem]:
    """What adds must be able to fill before the next decision cancels it."""
    config = flight.config
    if config.execution.legs != "reduce_first" or flight.knows("open"):
        return
    if _slot_ns(config.schedule.every) < 2 * flight.panel.interval_ns:
        yield Problem(
            "execution.legs",
            "this data has no open, so what adds would fill two bars after the "
            "decision, and the next decision comes after one: set "
            'execution.legs = "together", or rebalance every second bar at most',
        )


def _factor_fields(flight: Preflight) -> Iterator[Problem]:
    for at, factor in enumerate(blended(flight.strategy)):
        lacking = [name for name in factor.inputs if not flight.knows(name)]
        if lacking:
            known = sorted(name for name in flight.panel.fields if flight.knows(name))
            yield Problem(
                f"factor.{at}",
                f"factor {factor.name!r} reads {', '.join(lacking)}, and the data "
                f"has no such values; it has {', '.join(known)}: import a dataset that "
                "carries them, or use another factor",
            )


def _universe_fields(flight: Preflight) -> Iterator[Problem]:
    """A rule about what nobody recorded would expel everybody."""
    settings = flight.config.universe
    asks = {
        "min_dollar_volume": "dollar_volume" if settings.min_dollar_volume else None,
        "min_market_cap": "market_cap" if settings.min_market_cap else None,
        "size": settings.rank_by if settings.size is not None else None,
    }
    for key, field in asks.items():
        if field is not None and not flight.knows(field):
            yield Problem(
                f"universe.{key}",
                f"it needs {field.replace('_', ' ')}, which this data does not have: "
                "remove the rule, or import a dataset that carries it",
            )


def _lookbacks(flight: Preflight) -> Iterator[Problem]:
    """Whoever reads more bars than there are would never have a view."""
    bars = flight.panel.bars
    needs = [
        (f"factor.{at}", factor.lookback_bars)
        for at, factor in enumerate(blended(flight.strategy))
    ]
    if not needs:
        needs.append(("signal.strategy", flight.strategy.lookback_bars))
    for path, needed in needs:
        if needed > bars:
            yield Problem(
                path,
                f"it reads {needed:,} bars, and the history has {bars:,}, warm-up "
                "included: shorten its lookback, or import a longer history",
            )


def _refuse_empty_universe(flight: Preflight) -> None:
    """A universe that is empty when a rebalance is due is refused, or holds cash."""
    config, panel = flight.config, flight.panel
    somebody_in = flight.universe.membership(panel).any(axis=1)
    schedule = Schedule(config.schedule, start_ns=flight.start_ns)
    empty: list[int] = []
    last_due_ns: int | None = None
    due = 0
    for close_ns, somebody in zip(
        panel.close_ns.tolist(), somebody_in.flat, strict=True
    ):
        if not schedule.is_due(close_ns, last_due_ns=last_due_ns):
            continue
        due, last_due_ns = due + 1, close_ns
        if not somebody:
            empty.append(close_ns)
    if not empty or (config.universe.on_empty == "cash" and len(empty) < due):
        return
    place = Problems(config.document.places).place("universe")
    raise BadInput(
        f"the universe is empty on {len(empty)} of {due} rebalances",
        code="empty_universe",
        where=f"{place or config.document.name}, [universe]",
        why=f"first on {format_time(empty[0])}, last on {format_time(empty[-1])}",
        remedy="start later, loosen the rules"
        + (
            ', or set universe.on_empty = "cash" to hold cash on those dates'
            if len(empty) < due
            else ""
        ),
    )
