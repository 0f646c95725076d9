"""Vendors' time stamps → nanoseconds since the epoch, UTC."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factortrader.errors import BadInput
from factortrader.units import IntArray

MISSING: Final = np.iinfo(np.int64).min
"""Stands for a stamp that is null."""

_WITH_ZONE: Final = r"\d:\d\d.*(Z|[+-]\d\d(:?\d\d)?)$"
_UTC: Final = (r"\s*UTC$", "Z")
_QUOTED: Final = re.compile(r"parse string: '(.*)' as a scalar")
_UNIT_NS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def read_stamps(
    column: Any,
    *,
    zone: str,
    unit: str | None,
    where: str,
    file_row: IntArray | None = None,
) -> IntArray:
    """Nanoseconds in UTC, shape (rows,); MISSING where the stamp is null.

    file_row: the rows' numbers in the file, where these are not all of them.
    Stamps with an offset are converted each by its own; stamps without one lie in
    `zone`. Raises BadInput for both kinds in one column, for integers without a
    unit, for times that the zone does not have or has twice, and for what is no time.
    """
    try:
        moments = _moments(column, zone=zone, unit=unit)
    except _MixedZones as mixed:
        aware, bare = (
            f"{text!r} in row {_row(column, text, file_row)}" for text in mixed.stamps
        )
        raise BadInput(
            "some stamps carry a time zone and some do not",
            code="stamp_zone",
            where=where,
            why=f"{aware}, {bare}: nobody can say what the latter means",
            remedy="write every stamp with its zone, or every one without and set"
            " the mapping's 'zone'",
        ) from mixed
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError) as error:
        raise BadInput(
            "a time stamp cannot be read",
            code="stamp_unreadable",
            where=where + _culprit(column, str(error), file_row),
            why=str(error).splitlines()[0],
            remedy="stamps are ISO 8601 text, or integers with 'stamp_unit', between"
            " the years 1678 and 2261",
        ) from error
    except ValueError as error:
        raise BadInput(str(error), code="stamp_unit", where=where) from error
    present = pc.is_valid(moments).to_numpy(zero_copy_only=False)
    values = pc.fill_null(moments.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return np.where(present, values, MISSING).astype(np.int64)


class _MixedZones(Exception):
    """stamps: one that carries a zone, and one that does not."""

    def __init__(self, aware: str, bare: str) -> None:
        super().__init__(aware, bare)
        self.stamps = (aware, bare)


def _row(column: Any, text: str, file_row: IntArray | None) -> int:
    """The row of the file, from 1, in which the text stands first."""
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    texts = pc.replace_substring_regex(texts, *_UTC)
    at = int(pc.index(texts, text).as_py())
    return at + 1 if file_row is None else int(file_row[at])


def _culprit(column: Any, said: str, file_row: IntArray | None) -> str:
    """The row of the stamp that Arrow quotes, where it quotes one."""
    quoted = _QUOTED.search(said)
    return f", row {_row(column, quoted[1], file_row)}" if quoted else ""


def _moments(column: Any, *, zone: str, unit: str | None) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            return column.cast(pa.timestamp("ns", tz="UTC"))
        return _localized(column, zone)
    if pa.types.is_date(kind):
        return _localized(column, zone)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _counted(column, unit)
    if unit is not None:
        return _counted(column, unit)
    return _spoken(column.cast(pa.string()), zone)


def _localized(column: Any, zone: str) -> Any:
    moments = column.cast(pa.timestamp("ns"))
    known = pc.assume_timezone(
        moments, timezone=zone, ambiguous="raise", nonexistent="raise"
    )
    return known.cast(pa.timestamp("ns", tz="UTC"))


def _counted(column: Any, unit: str | None) -> Any:
    if unit is None:
        raise ValueError(
            "the stamps are numbers, and the mapping does not say of what:"
            ' set stamp_unit to "s", "ms", "us" or "ns"'
        )
    nanoseconds = pc.multiply_checked(column.cast(pa.int64()), _UNIT_NS[unit])
    return nanoseconds.cast(pa.timestamp("ns", tz="UTC"))


def _spoken(texts: Any, zone: str) -> Any:
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.replace_substring_regex(texts, *_UTC)
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    zoned = pc.match_substring_regex(texts, _WITH_ZONE)
    if not pc.any(zoned).as_py():
        return _localized(texts, zone)
    if not pc.all(zoned).as_py():
        bare = texts.filter(pc.invert(zoned))[0].as_py()
        aware = texts.filter(zoned)[0].as_py()
        raise _MixedZones(aware, bare)
    return texts.cast(pa.timestamp("ns", tz="UTC"))
