"""Lives: when a ticker's series is one instrument, when another, and why it ended.

A gap of ten bars or more ends an instrument; bars that return later under the same
ticker belong to a new one, `<asset>#2` (Terra 2.0 is not Terra). A bar counts as
missing only where some other asset of the file has it: an outage of everything is
nobody's end. A series that stops within the last three bars of the file, or of its
crawl group, ended with the download (`crawl`), any other for reasons `unknown`.
An instruments table overrides both (`overrides.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from factortrader.errors import BadInput
from factortrader.instruments import EndReason
from factortrader.units import BoolArray, IntArray, format_time
from factortrader_adapters.history.findings import EXAMPLES, Finding
from factortrader_adapters.history.overrides import ByAsset, Override
from factortrader_adapters.history.reading import Rows

GAP_BARS: Final = 10
END_BARS: Final = 3

_ENDS: Final = {
    EndReason.CRAWL: "instruments end with the download (crawl)",
    EndReason.UNKNOWN: "instruments end before it, nobody says why (unknown)",
    EndReason.DELISTED: "instruments were delisted, by the instruments table",
    EndReason.HALTED: "instruments are halted, by the instruments table",
    EndReason.RENAMED: "instruments were renamed, by the instruments table",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One instrument: rows [start, stop) of the sorted file.

    listed_ns, ended_ns: closes of its first and last bar.
    """

    asset: str
    vendor_asset: str
    start: int
    stop: int
    listed_ns: int
    ended_ns: int
    end_reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """All lives of a file, in the order of its rows, and what was found about them."""

    lives: tuple[Life, ...]
    findings: tuple[Finding, ...]


def split_lives(
    rows: Rows, overrides: ByAsset, *, interval_ns: int, where: str
) -> Lives:
    """The lives of rows that are sorted by asset and time.

    Raises BadInput where a vendor's id contains the '#' that marks a later life.
    """
    marked = [name for name in rows.assets.names if "#" in name]
    if marked:
        raise BadInput(
            f"an asset is called {marked[0]!r}",
            code="asset_name",
            where=where,
            why="'#' marks the later lives of a ticker (LUNAUSDT#2)",
            remedy="rename it in the file",
        )
    times, position = np.unique(rows.time_ns, return_inverse=True)
    crawled = _ends_of_crawls(rows, position, len(times))
    changes = np.flatnonzero(np.diff(rows.assets.codes)) + 1
    lives: list[Life] = []
    joined: list[str] = []
    for start, stop in _spans([0, *changes.tolist()], len(rows)):
        asset = rows.assets.at(start)
        entries = overrides.get(asset, ())
        gaps = _gaps(position[start:stop])
        cuts = _cuts(
            rows.time_ns[start:stop], gaps, entries=entries, interval_ns=interval_ns
        )
        joined += [asset] * len(set(gaps) - set(cuts))
        own = [
            _life(rows, (start + first, start + last), number, crawled=crawled)
            for number, (first, last) in enumerate(_spans([0, *cuts], stop - start), 1)
        ]
        lives += _with_reasons(own, entries, interval_ns)
    return Lives(lives=tuple(lives), findings=_reported(lives, joined))


def _spans(starts: Sequence[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=True))


def _gaps(position: IntArray) -> list[int]:
    """Where a bar comes back after ten or more that others had: a position was
    settled at the tenth (DESIGN §7), so what returns is another instrument.
    """
    gaps: list[int] = (np.flatnonzero(np.diff(position) - 1 >= GAP_BARS) + 1).tolist()
    return gaps


def _cuts(
    times: IntArray,
    gaps: Sequence[int],
    *,
    entries: Sequence[Override],
    interval_ns: int,
) -> list[int]:
    """Where a new life starts, after the table's say."""
    slack_ns = GAP_BARS * interval_ns

    def halted(at: int) -> bool:
        return any(
            entry.halts
            and (
                entry.ended_ns is None
                or times[at - 1] - slack_ns <= entry.ended_ns < times[at]
            )
            for entry in entries
        )

    ends = [
        int(np.searchsorted(times - interval_ns, entry.ended_ns, side="right"))
        for entry in entries
        if entry.ended_ns is not None and not entry.halts
    ]
    cuts = {at for at in gaps if not halted(at)} | set(ends)
    return sorted(cuts & set(range(1, len(times))))


def _life(
    rows: Rows, span: tuple[int, int], number: int, *, crawled: BoolArray
) -> Life:
    start, stop = span
    vendor_asset = rows.assets.at(start)
    return Life(
        asset=vendor_asset if number == 1 else f"{vendor_asset}#{number}",
        vendor_asset=vendor_asset,
        start=start,
        stop=stop,
        listed_ns=int(rows.time_ns[start]),
        ended_ns=int(rows.time_ns[stop - 1]),
        end_reason=EndReason.CRAWL if crawled[stop - 1] else EndReason.UNKNOWN,
    )


def _ends_of_crawls(rows: Rows, position: IntArray, bars: int) -> BoolArray:
    """Rows within the last bars of the file or of their crawl group."""
    near: BoolArray = position >= bars - END_BARS
    group = rows.texts.get("crawl_group")
    if group is None:
        return near
    last = np.full(len(group.names) + 1, -1, dtype=np.int64)
    np.maximum.at(last, group.codes, position)
    last[-1] = bars + END_BARS  # a row without a group ends with no group
    return near | (position > last[group.codes] - END_BARS)


def _with_reasons(
    lives: Sequence[Life], entries: Sequence[Override], interval_ns: int
) -> list[Life]:
    """One asset's lives, their ends explained where the table does."""
    slack_ns = GAP_BARS * interval_ns
    explained = list(lives)
    for index, life in enumerate(lives):
        later = lives[index + 1].listed_ns if index + 1 < len(lives) else None
        for entry in entries:
            if entry.reason is None:
                continue
            if entry.ended_ns is None:
                fits = later is None and not entry.halts
            else:
                earliest = life.ended_ns - slack_ns if entry.halts else life.listed_ns
                fits = earliest - interval_ns <= entry.ended_ns and (
                    later is None or entry.ended_ns < later - interval_ns
                )
            if fits:
                explained[index] = replace(life, end_reason=entry.reason)
    return explained


def _reported(lives: Sequence[Life], joined: Sequence[str]) -> tuple[Finding, ...]:
    findings = []
    again = [life for life in lives if life.asset != life.vendor_asset]
    for code, rule, places in (
        (
            "returned_tickers",
            "tickers came back after a gap and are new instruments from there on",
            [f"{life.asset} {format_time(life.listed_ns)}" for life in again],
        ),
        ("joined_lives", "gaps are halts by the instruments table", list(joined)),
        *(
            (
                f"ended_{reason}",
                _ENDS[reason],
                [
                    f"{life.asset} {format_time(life.ended_ns)}"
                    for life in lives
                    if life.end_reason is reason
                ],
            )
            for reason in EndReason
        ),
    ):
        if places:
            findings.append(
                Finding(
                    code=code,
                    count=len(places),
                    rule=rule,
                    resolved=False,
                    examples=tuple(places[:EXAMPLES]),
                )
            )
    return tuple(findings)
