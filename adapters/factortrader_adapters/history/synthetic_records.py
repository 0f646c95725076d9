"""What the synthetic venue says besides bars: instruments, rules, actions, funding."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import numpy as np

from factortrader.events import (
    CorporateActionApplied,
    Event,
    FundingRatePublished,
    InstrumentRulesChanged,
)
from factortrader.instruments import (
    EndReason,
    Instrument,
    InstrumentKind,
    TradingRules,
)
from factortrader.market.panel import Panel
from factortrader.units import IntArray
from factortrader_adapters.history.synthetic_coins import Coins

QUOTE: Final = "USDT"
_MIN_NOTIONAL: Final = Decimal(10)
_SIGNIFICANT_DIGITS: Final = 6
"""Of a price when its tick was set: BTC at 4,000 has a tick of 0.01."""
_RESCALED: Final = 2
"""A venue sets tick and lot anew once the price has moved two orders of magnitude."""


def instruments_of(
    coins: Coins, whole: Panel, *, first: int, stop: int, perpetuals: bool
) -> tuple[Instrument, ...]:
    """One per coin, as a reader of rows first … stop − 1 knows it.

    An end is known one bar after the last bar. The halted coin has its end and its
    reason as long as the halt touches these rows, although its bars come back.
    """
    return tuple(
        _instrument(coins, whole, coin, first=first, stop=stop, perpetuals=perpetuals)
        for coin in range(len(coins.names))
    )


def _instrument(  # one field after the other
    coins: Coins, whole: Panel, coin: int, *, first: int, stop: int, perpetuals: bool
) -> Instrument:
    name = coins.names[coin]
    last, reason = int(coins.last_bar[coin]), EndReason.DELISTED
    halt = coins.halt
    if halt is not None and halt[0] == coin and first < halt[2]:
        last, reason = halt[1] - 1, EndReason.HALTED
    ended = last + 1 < stop
    start_ns = int(whole.close_ns[0])
    return Instrument(
        asset=name,
        ticker=f"{name}{QUOTE}",
        base=name,
        quote=QUOTE,
        kind=InstrumentKind.PERPETUAL if perpetuals else InstrumentKind.SPOT,
        initial_margin=Decimal("0.1") if perpetuals else Decimal(1),
        maintenance_margin=Decimal("0.05") if perpetuals else Decimal(0),
        listed_ns=start_ns + int(coins.first_bar[coin]) * whole.interval_ns,
        ended_ns=start_ns + last * whole.interval_ns if ended else None,
        end_reason=reason if ended else None,
    )


def events_of(
    coins: Coins, whole: Panel, *, first: int, stop: int
) -> tuple[Event, ...]:
    """What was said from the open of row `first` to the close of row stop − 1."""
    events = [
        *_rules_changes(coins, whole, first=first, stop=stop),
        *_redenominations(coins, whole, first=first, stop=stop),
        *_funding(whole, first=first, stop=stop),
    ]
    return tuple(sorted(events, key=lambda event: event.time_ns))


def _funding(whole: Panel, *, first: int, stop: int) -> Iterator[Event]:
    rates = whole.raw("funding_rate")
    for row in range(first, stop):
        time_ns = int(whole.close_ns[row])
        yield FundingRatePublished(
            time_ns=time_ns,
            assets=whole.assets,
            rates=rates[row],
            venue_time_ns=time_ns,
        )


def _redenominations(
    coins: Coins, whole: Panel, *, first: int, stop: int
) -> Iterator[Event]:
    if coins.redenomination is None:
        return
    coin, row, ratio = coins.redenomination
    if first <= row < stop:
        name = coins.names[coin]
        yield CorporateActionApplied(
            time_ns=_just_after_open(whole, row),
            action=f"redenomination:{name}:{row}",
            asset=name,
            numerator=ratio,
            denominator=1,
        )


def _rules_changes(
    coins: Coins, whole: Panel, *, first: int, stop: int
) -> Iterator[Event]:
    """The rules in force at row `first`, and every change from there on."""
    from_ns, to_ns = int(whole.close_ns[first]), int(whole.close_ns[stop - 1])
    for coin, name in enumerate(coins.names):
        in_force: TradingRules | None = None
        for time_ns, rules in _rules_history(coins, whole, coin):
            if time_ns > to_ns:
                break
            if time_ns <= from_ns:
                in_force = rules
                continue
            if in_force is not None:
                yield InstrumentRulesChanged(
                    time_ns=from_ns, asset=name, rules=in_force
                )
                in_force = None
            yield InstrumentRulesChanged(time_ns=time_ns, asset=name, rules=rules)
        if in_force is not None:
            yield InstrumentRulesChanged(time_ns=from_ns, asset=name, rules=in_force)


def _rules_history(
    coins: Coins, whole: Panel, coin: int
) -> Iterator[tuple[int, TradingRules]]:
    """(from when, rules) over the coin's whole life, ascending."""
    close = whole.raw("close")[:, coin]
    rows = np.flatnonzero(np.isfinite(close))
    if len(rows) == 0:
        return
    moments = [
        (int(whole.close_ns[row]), magnitude, True)
        for row, magnitude in _magnitudes(rows, close[rows])
    ]
    suspensions = []
    if coins.halt is not None and coins.halt[0] == coin:
        suspensions = [(coins.halt[1], False), (coins.halt[2], True)]
    elif coins.last_bar[coin] + 1 < whole.bars:
        suspensions = [(int(coins.last_bar[coin]) + 1, False)]
    for row, tradable in suspensions:
        if row < whole.bars:
            known = [
                magnitude for at, magnitude, _ in moments if at < whole.close_ns[row]
            ]
            moments.append((_just_after_open(whole, row), known[-1], tradable))
    for time_ns, magnitude, tradable in sorted(moments):
        yield time_ns, _rules(magnitude, tradable=tradable)


def _magnitudes(rows: IntArray, close: np.ndarray) -> Iterator[tuple[int, int]]:
    """(row, power of ten of the price) where tick and lot are set anew."""
    powers = np.floor(np.log10(close)).astype(np.int64)
    at = 0
    while True:
        yield int(rows[at]), int(powers[at])
        moved = np.flatnonzero(np.abs(powers[at:] - powers[at]) >= _RESCALED)
        if len(moved) == 0:
            return
        at += int(moved[0])


def _rules(magnitude: int, *, tradable: bool) -> TradingRules:
    return TradingRules(
        lot=Decimal(1).scaleb(min(0, -magnitude - 2)),
        tick=Decimal(1).scaleb(magnitude - _SIGNIFICANT_DIGITS + 1),
        min_notional=_MIN_NOTIONAL,
        tradable=tradable,
    )


def _just_after_open(whole: Panel, row: int) -> int:
    return int(whole.close_ns[row]) - whole.interval_ns + 1
