"""How the lives of instruments end, and what a position is then worth (DESIGN §7).

    reason               settled at the close of            at
    delisted             the first bar after `ended_ns`     last price, haircut
    renamed              the first bar after `ended_ns`     last price
    crawl                the 11th bar after `ended_ns`      last price
    unknown, no table    the 10th bar in a row without one  last price, haircut
    halted               never: frozen until it trades      –

A series that ends together with the panel is marked and not settled. The haircut is
`[universe] on_disappearance`; it takes from who is long. A short is settled at the
last price, because a vanished series must not pay anybody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from factortrader.instruments import EndReason, Instrument
from factortrader.units import BoolArray

MISSING_BARS = 10
"""So many bars in a row without one mean that the instrument is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfLife:
    """One instrument's end. last_ns: orders that arrive later are rejected.

    row: the panel row at whose close positions are settled, None = never.
    """

    asset: str
    reason: EndReason
    last_ns: int
    row: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedPosition:
    """A position that ended with its instrument, for the report.

    quantity: signed, what was held. last_price, price: quote per unit, before and
    after the haircut. cost_quote: what the end took from the account at that mark.
    """

    time_ns: int
    asset: str
    reason: EndReason
    quantity: Decimal
    last_price: Decimal
    price: Decimal
    cost_quote: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DisappearanceRule:
    """`[universe] on_disappearance` and its haircut, a fraction of the last price."""

    policy: Literal["haircut", "last_price"]
    haircut: float

    def settlement_price(
        self, last_price: float, *, reason: EndReason, is_long: bool
    ) -> float:
        """last price × (1 − haircut) for longs of delisted and unknown, else last."""
        cut = reason in {EndReason.DELISTED, EndReason.UNKNOWN} and is_long
        if cut and self.policy == "haircut":
            return last_price * (1.0 - self.haircut)
        return last_price


def ends_of_life(
    instruments: Sequence[Instrument],
    *,
    printed: BoolArray,
    closes_ns: Sequence[int],
) -> tuple[EndOfLife, ...]:
    """Every end that falls into the panel, by row and then by column.

    instruments: one per column. printed: (bars, assets), where a bar exists.
    closes_ns: (bars,), ascending.
    """
    found = (
        _end_of_life(instrument, printed[:, column], closes_ns)
        for column, instrument in enumerate(instruments)
    )
    ends = [end for end in found if end is not None]
    never = len(closes_ns)
    return tuple(sorted(ends, key=lambda end: never if end.row is None else end.row))


def _end_of_life(
    instrument: Instrument, printed: BoolArray, closes_ns: Sequence[int]
) -> EndOfLife | None:
    rows = np.flatnonzero(printed)
    reason = instrument.end_reason or EndReason.UNKNOWN
    if not len(rows) or reason is EndReason.HALTED:
        return None
    if reason is EndReason.UNKNOWN:
        row = _row_of_absence(rows, bars=len(closes_ns))
        last_ns = None if row is None else closes_ns[row]
    else:
        ended_ns = instrument.ended_ns
        if ended_ns is None:
            ended_ns = closes_ns[int(rows[-1])]
        wait = MISSING_BARS if reason is EndReason.CRAWL else 0
        after = bisect_right(closes_ns, ended_ns) + wait
        row = after if after < len(closes_ns) else None
        last_ns = ended_ns
        if reason is EndReason.CRAWL:
            last_ns = None if row is None else closes_ns[row]
    if last_ns is None:
        return None
    return EndOfLife(asset=instrument.asset, reason=reason, last_ns=last_ns, row=row)


def _row_of_absence(rows: np.ndarray, *, bars: int) -> int | None:
    """The row of the tenth missing bar after a printed one, or None.

    rows: ascending rows that have a bar.
    """
    following = np.append(rows[1:], bars)
    absent = np.flatnonzero(following - rows > MISSING_BARS)
    return int(rows[absent[0]]) + MISSING_BARS if len(absent) else None
