"""The stated rules by which a vendor's rows become clean, sorted rows.

    another quote currency         left out
    no stamp or no asset           dropped
    stamp off the interval's grid  put on it within the tolerance, else dropped
    impossible price               the row is withheld: not a bar
    same asset and time            equal rows collapse; of different ones the last
                                   in the file wins (a forming bar saved repeatedly)
    wrong order                    sorted

Impossible rows go first, so that a broken copy cannot displace a sound one. Nothing
is repaired, and each rule reports how often it was used.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from factortrader.errors import BadInput
from factortrader.units import (
    BoolArray,
    FloatArray,
    IntArray,
    format_interval,
    format_time,
    parse_time_ns,
)
from factortrader_adapters.history.findings import Finding, found
from factortrader_adapters.history.mapping import AMOUNTS, PRICES, FileMapping
from factortrader_adapters.history.reading import Rows
from factortrader_adapters.history.stamps import MISSING

_NOISE = 1e-6
"""Relative; vendors round to single precision."""

_ENOUGH_STAMPS = 10
"""Different ones, from which the interval of a file can be told."""

_MOST_OFF_GRID = 0.5
_FIRST_STAMP_NS = parse_time_ns("1980-01-01")
"""Seconds that are read as milliseconds lie in January 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Rows sorted by asset and time, each pair once; `time_ns` is the bar's close."""

    rows: Rows
    findings: tuple[Finding, ...]


def resolve(rows: Rows, mapping: FileMapping, *, where: str) -> Resolved:
    """All rules in their order.

    Raises BadInput where nothing remains, or where the stamps show that the mapping
    speaks of another interval or unit.
    """
    if mapping.kind == "bars":
        _check_stamps(rows, mapping, where=where)
    findings: list[Finding] = []
    steps = [_with_keys]
    if mapping.kind in {"bars", "funding"}:
        steps.append(_on_grid)
    if mapping.kind == "bars":
        steps.insert(0, _quoted)
        steps += [_possible, _whole_enough, _known_amounts, _consistent]
    elif mapping.kind == "funding":
        steps.append(_finite_rates)
    for step in (*steps, _sorted, _unique):
        rows, reported = step(rows, mapping)
        findings.extend(reported)
    if not len(rows):
        raise BadInput(
            "nothing remains of this file",
            code="empty_import",
            where=where,
            why="\n  ".join(str(finding) for finding in findings)
            or "no row passes the filter, or the file has no rows",
            remedy="check the mapping's filter, interval and stamps against the file",
        )
    return Resolved(rows=rows, findings=tuple(findings))


def _check_stamps(rows: Rows, mapping: FileMapping, *, where: str) -> None:
    """A wrong interval or unit leaves a file that is plausible, and nonsense."""
    times = np.unique(rows.time_ns[rows.time_ns != MISSING])
    if len(times) < _ENOUGH_STAMPS:
        return
    interval_ns = mapping.interval_ns
    stated = format_interval(interval_ns)
    late = times % interval_ns
    off = np.minimum(late, interval_ns - late) > mapping.tolerance_ns
    apart_ns = int(np.gcd.reduce(np.diff(times)))
    if times[-1] < _FIRST_STAMP_NS:
        what, why = (
            f"the stamps lie before {format_time(_FIRST_STAMP_NS)}",
            f"the last one is read as {format_time(int(times[-1]))}",
        )
        remedy = "correct the mapping's stamp_unit"
    elif off.mean() > _MOST_OFF_GRID:
        what, why = (
            f"the bars of this file are not {stated} long",
            f"{off.mean():.0%} of the stamps lie off that grid",
        )
        remedy = "correct the mapping's interval, or its tolerance"
    elif apart_ns >= 2 * interval_ns and apart_ns % interval_ns == 0:
        what, why = (
            f"the bars of this file are not {stated} long",
            f"all of its stamps lie multiples of {format_interval(apart_ns)} apart",
        )
        remedy = f'correct the mapping: interval = "{format_interval(apart_ns)}"'
    else:
        return
    raise BadInput(what, code="interval", where=where, why=why, remedy=remedy)


_Step = tuple[Rows, tuple[Finding, ...]]


def _quoted(rows: Rows, mapping: FileMapping) -> _Step:
    """Without pairs in another quote currency: one dataset has one."""
    spec = mapping.instruments
    if spec is None:
        return rows, ()
    tickers = rows.tickers
    fits = np.array([spec.base_of(name) != "" for name in tickers.names] + [True])
    other = ~fits[tickers.codes]
    return rows.take(~other), found(
        "other_quote",
        other,
        rule=f"rows of pairs that are not quoted in {spec.quote} were left out",
        describe=rows.place,
    )


def _with_keys(rows: Rows, mapping: FileMapping) -> _Step:
    del mapping
    bad = (rows.assets.codes < 0) | (rows.time_ns == MISSING)
    reported = found(
        "missing_key",
        bad,
        rule="rows without a stamp or an asset were dropped",
        describe=rows.place,
    )
    return rows.take(~bad), reported


def _on_grid(rows: Rows, mapping: FileMapping) -> _Step:
    """Stamps become closes of bars; of funding they stay the moments of payment."""
    interval_ns = mapping.interval_ns
    late = rows.time_ns % interval_ns
    early = interval_ns - late
    off = np.minimum(late, early)
    far, near = off > mapping.tolerance_ns, (off > 0) & (off <= mapping.tolerance_ns)
    grid = format_interval(interval_ns)
    reported = found(
        "off_grid",
        far,
        rule=f"rows off the {grid} grid were dropped",
        describe=rows.place,
    ) + found(
        "rounded_stamps",
        near,
        rule=f"stamps within {mapping.tolerance} of the {grid} grid were put on it",
        describe=rows.place,
        resolved=False,
    )
    time_ns = rows.time_ns - np.where(late <= early, late, -early)
    if mapping.kind == "bars" and mapping.stamps == "open":
        time_ns = time_ns + interval_ns
    return replace(rows, time_ns=time_ns).take(~far), reported


def _possible(rows: Rows, mapping: FileMapping) -> _Step:
    del mapping
    withheld = np.zeros(len(rows), dtype=np.bool_)
    reported: tuple[Finding, ...] = ()
    prices = [rows.numbers[name] for name in PRICES if name in rows.numbers]
    for code, what, is_bad in (
        ("price_missing", "a missing price", np.isnan),
        ("price_infinite", "an infinite price", np.isinf),
        ("price_not_positive", "a zero or negative price", _not_positive),
    ):
        bad = np.logical_or.reduce([is_bad(price) for price in prices]) & ~withheld
        reported += found(
            code, bad, rule=f"rows with {what} were withheld", describe=rows.place
        )
        withheld |= bad
    return rows.take(~withheld), reported


def _not_positive(price: FloatArray) -> BoolArray:
    answer: BoolArray = price <= 0.0
    return answer


def _whole_enough(rows: Rows, mapping: FileMapping) -> _Step:
    parts = rows.numbers.get("parts")
    if parts is None or mapping.full_parts is None:
        return rows, ()
    poor = parts < mapping.min_parts
    partial = ~poor & (parts < mapping.full_parts)
    reported = found(
        "too_partial",
        poor,
        rule=f"bars of fewer than {mapping.min_parts} parts were withheld",
        describe=rows.place,
    ) + found(
        "partial_bars",
        partial,
        rule=f"bars have fewer than {mapping.full_parts} parts (outages, first and"
        " last days) and were kept",
        describe=rows.place,
        resolved=False,
    )
    return rows.take(~poor), reported


def _known_amounts(rows: Rows, mapping: FileMapping) -> _Step:
    """Infinite, negative and declared-unknown amounts become NaN; the bar stays."""
    numbers = dict(rows.numbers)
    reported: tuple[Finding, ...] = ()
    for name in (name for name in AMOUNTS if name in numbers):
        values = numbers[name]
        impossible = np.isinf(values) | (values < 0.0)
        unknown = (values == 0.0) & _zero_is_unknown(rows, mapping, name)
        reported += found(
            f"{name}_impossible",
            impossible,
            rule=f"infinite or negative values of {name} were taken as unknown",
            describe=rows.place,
        ) + found(
            f"{name}_zero",
            unknown,
            rule=f"zeros of {name} mean unknown, as the mapping says",
            describe=rows.place,
            resolved=False,
        )
        numbers[name] = np.where(impossible | unknown, np.nan, values)
    if "volume" not in numbers and "quote_volume" in numbers:
        numbers["volume"] = numbers["quote_volume"] / numbers["close"]
    return replace(rows, numbers=numbers), reported


def _zero_is_unknown(rows: Rows, mapping: FileMapping, name: str) -> BoolArray:
    spoken = mapping.zero_is_unknown.get(name, False)
    if isinstance(spoken, dt.date):
        answer: BoolArray = rows.time_ns <= parse_time_ns(spoken.isoformat())
        return answer
    return np.full(len(rows), spoken, dtype=np.bool_)


def _consistent(rows: Rows, mapping: FileMapping) -> _Step:
    del mapping
    if not {"high", "low"} <= set(rows.numbers):
        return rows, ()
    high, low = rows.numbers["high"], rows.numbers["low"]
    crossed = low > high * (1 + _NOISE)
    for name in ("open", "close"):
        price = rows.numbers.get(name)
        if price is not None:
            crossed |= price > high * (1 + _NOISE)
            crossed |= price < low * (1 - _NOISE)
    reported = found(
        "range_crossed",
        crossed,
        rule="bars whose open or close lies outside [low, high] were kept as they are",
        describe=rows.place,
        resolved=False,
    )
    return rows, reported


def _finite_rates(rows: Rows, mapping: FileMapping) -> _Step:
    del mapping
    bad = ~np.isfinite(rows.numbers["rate"])
    reported = found(
        "rate_missing",
        bad,
        rule="payments without a finite rate were withheld",
        describe=rows.place,
    )
    return rows.take(~bad), reported


def _sorted(rows: Rows, mapping: FileMapping) -> _Step:
    """By asset name, then time, then place in the file."""
    del mapping
    by_name = np.argsort(np.argsort(np.array(rows.assets.names, dtype=object)))
    rank = by_name[rows.assets.codes] if len(rows) else rows.assets.codes
    in_file = np.argsort(rank, kind="stable")
    back = np.zeros(len(rows), dtype=np.bool_)
    same = rank[in_file][1:] == rank[in_file][:-1]
    back[in_file[1:]] = same & (np.diff(rows.time_ns[in_file]) < 0)
    reported = found(
        "wrong_order",
        back,
        rule="rows that were older than the row before them were sorted in",
        describe=rows.place,
    )
    return rows.take(np.lexsort((rows.file_row, rows.time_ns, rank))), reported


def _unique(rows: Rows, mapping: FileMapping) -> _Step:
    del mapping
    last = _last_of_each(rows)
    kept = np.flatnonzero(last)
    if len(kept) == len(rows):
        return rows, ()
    winner = kept[np.searchsorted(kept, np.arange(len(rows)))]
    equal = np.ones(len(rows), dtype=np.bool_)
    for values in rows.numbers.values():
        other = values[winner]
        equal &= (values == other) | (np.isnan(values) & np.isnan(other))
    for labels in rows.texts.values():
        equal &= labels.codes == labels.codes[winner]
    reported = found(
        "exact_duplicates",
        ~last & equal,
        rule="exact duplicates were dropped",
        describe=rows.place,
    ) + found(
        "conflicting_duplicates",
        ~last & ~equal,
        rule="earlier versions of a row gave way to the last one in the file",
        describe=rows.place,
    )
    return rows.take(last), reported


def _last_of_each(rows: Rows) -> BoolArray:
    """Where sorted rows end a run of equal asset and time."""
    last = np.ones(len(rows), dtype=np.bool_)
    same: IntArray = rows.assets.codes[1:] == rows.assets.codes[:-1]
    last[:-1] = ~(same & (rows.time_ns[1:] == rows.time_ns[:-1]))
    return last
