"""The instruments table: what somebody knows about lives beyond their bars.

Columns `asset` (vendor's id) or `ticker`, and any of `listed`, `ended`, `reason`
(delisted, halted, renamed, crawl, unknown); one row per life or halt.

    listed   bars that closed by then are withheld (quotes of a future, of a fork)
    ended    the bar that contains this moment is the life's last; bars of the
             ticker after it are another instrument
    halted   a gap that begins at `ended` (at any gap, without it) is no end
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from factortrader.errors import BadInput
from factortrader.instruments import EndReason
from factortrader.units import IntArray
from factortrader_adapters.history.findings import EXAMPLES, Finding, found
from factortrader_adapters.history.mapping import nearest
from factortrader_adapters.history.reading import (
    Rows,
    column_names,
    labels_of,
    read_columns,
)
from factortrader_adapters.history.stamps import MISSING, read_stamps

_COLUMNS = ("asset", "ticker", "listed", "ended", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One row of the table; times in ns UTC, None = the bars decide."""

    name: str
    listed_ns: int | None
    ended_ns: int | None
    reason: EndReason | None

    @property
    def halts(self) -> bool:
        return self.reason is EndReason.HALTED


ByAsset: TypeAlias = Mapping[str, tuple[Override, ...]]
"""Vendor's asset id → its rows of the table."""


def read_overrides(path: Path) -> tuple[Override, ...]:
    """The rows of the table; raises BadInput for what it cannot mean."""
    names = column_names(path)
    unknown = [name for name in names if name not in _COLUMNS]
    if unknown or not {"asset", "ticker"} & set(names):
        raise BadInput(
            f"unknown column {unknown[0]!r}"
            if unknown
            else "no column asset or ticker",
            code="instruments_columns",
            where=str(path),
            why=nearest(unknown[0], _COLUMNS) if unknown else "",
            remedy=f"the columns of an instruments table are {', '.join(_COLUMNS)}",
        )
    table = read_columns(path, numbers=(), texts=tuple(names))
    key = labels_of(table["asset" if "asset" in names else "ticker"])
    times = {
        name: read_stamps(table[name], zone="UTC", unit=None, where=f"{path}, {name}")
        for name in ("listed", "ended")
        if name in names
    }
    reasons = labels_of(table["reason"]) if "reason" in names else None
    return tuple(
        Override(
            name=key.at(index),
            listed_ns=_moment(times.get("listed"), index),
            ended_ns=_moment(times.get("ended"), index),
            reason=_reason(reasons.at(index), path) if reasons else None,
        )
        for index in range(table.num_rows)
    )


def _moment(times: IntArray | None, index: int) -> int | None:
    if times is None or times[index] == MISSING:
        return None
    return int(times[index])


def _reason(text: str, path: Path) -> EndReason | None:
    if not text:
        return None
    try:
        return EndReason(text)
    except ValueError as error:
        raise BadInput(
            f"unknown reason {text!r}",
            code="instruments_reason",
            where=str(path),
            why=nearest(text, [reason.value for reason in EndReason]),
        ) from error


def by_asset(
    overrides: Sequence[Override], rows: Rows, *, where: str
) -> tuple[ByAsset, tuple[Finding, ...]]:
    """The overrides under the ids of the file; those for nobody are reported.

    Raises BadInput where a ticker names several assets.
    """
    matched: dict[str, list[Override]] = {}
    strangers = []
    tickers = _assets_by_ticker(rows)
    for entry in overrides:
        candidates = [entry.name] if entry.name in rows.assets.names else []
        candidates = candidates or tickers.get(entry.name, [])
        if len(candidates) > 1:
            raise BadInput(
                f"the ticker {entry.name!r} names {' and '.join(candidates)}",
                code="instruments_ambiguous",
                where=where,
                remedy="name the asset id in a column 'asset'",
            )
        if not candidates:
            strangers.append(entry.name)
        for asset in candidates:
            matched.setdefault(asset, []).append(entry)
    findings: tuple[Finding, ...] = ()
    if strangers:
        findings = (
            Finding(
                code="instruments_unmatched",
                count=len(strangers),
                rule="rows of the instruments table concern no asset of this file",
                resolved=False,
                examples=tuple(strangers[:EXAMPLES]),
            ),
        )
    return {name: tuple(entries) for name, entries in matched.items()}, findings


def _assets_by_ticker(rows: Rows) -> dict[str, list[str]]:
    tickers = rows.texts.get("ticker")
    if tickers is None:
        return {}
    pairs = np.unique(np.stack([tickers.codes, rows.assets.codes]), axis=1)
    named: dict[str, list[str]] = {}
    for ticker, asset in pairs.T.tolist():
        if ticker >= 0:
            named.setdefault(tickers.names[ticker], []).append(rows.assets.names[asset])
    return named


def without_unlisted(
    rows: Rows, overrides: ByAsset, *, where: str
) -> tuple[Rows, tuple[Finding, ...]]:
    """Sorted rows without the bars that closed by the listing of their life.

    Raises BadInput where none remains.
    """
    early = np.zeros(len(rows), dtype=np.bool_)
    for asset, entries in overrides.items():
        mine = rows.assets.codes == rows.assets.names.index(asset)
        for entry in entries:
            if entry.listed_ns is None:
                continue
            before = [
                other.ended_ns
                for other in entries
                if other.ended_ns is not None and other.ended_ns < entry.listed_ns
            ]
            after_ns = max(before, default=MISSING)
            early |= (
                mine & (rows.time_ns <= entry.listed_ns) & (rows.time_ns > after_ns)
            )
    reported = found(
        "before_listing",
        early,
        rule="bars before the listing in the instruments table were withheld",
        describe=rows.place,
        resolved=False,
    )
    if early.all():
        raise BadInput(
            "every bar lies before its listing in the instruments table",
            code="empty_import",
            where=where,
        )
    return rows.take(~early), reported
