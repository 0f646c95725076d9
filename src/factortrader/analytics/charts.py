"""Line charts as static SVG: small, sharp at any size, and the same bytes each time.

Colors come from the page's style sheet, so that a chart follows light and dark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from factortrader.analytics.report_html import Html, joined, number, significant, tag
from factortrader.units import (
    DAY_NS,
    FloatArray,
    IntArray,
    format_time,
    parse_time_ns,
    utc_datetime,
)

WIDTH: Final = 960
LEFT: Final = 64
RIGHT: Final = 12
TOP: Final = 10
BOTTOM: Final = 26
BUCKETS: Final = 400
"""Columns into which a longer series is thinned; each keeps its extremes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One curve. kind: its class in the style sheet. values: shape (bars,)."""

    name: str
    kind: str
    values: FloatArray


def line_chart(
    close_ns: IntArray,
    lines: Sequence[Line],
    *,
    height: int,
    log: bool = False,
    share: bool = False,
) -> Html:
    """The lines over time with their legend; empty text where there is no point.

    log: logarithmic values; what is not positive leaves a gap. share: values are
    fractions and shown in percent.
    """
    kept = thinned([line.values for line in lines])
    times = close_ns[kept]
    shown = [_drawable(line.values[kept], log=log) for line in lines]
    finite = np.concatenate([values[np.isfinite(values)] for values in shown])
    if len(times) < 2 or not len(finite):
        return Html("")
    ticks = log_ticks(finite) if log else linear_ticks(finite)
    frame = _Frame.around(finite, ticks, height=height, log=log)
    x = frame.x((times - times[0]) / (times[-1] - times[0]))
    drawing = tag(
        "svg",
        *(_grid_line(frame, tick, at, share=share) for at, tick in enumerate(ticks)),
        *(
            _date_line(frame, place, text, at=at)
            for at, (place, text) in enumerate(
                date_ticks(int(times[0]), int(times[-1]))
            )
        ),
        *(
            tag("path", d=_path(x, frame.y(values)), class_=f"line {line.kind}")
            for line, values in reversed([*zip(lines, shown, strict=True)])
        ),
        tag("line", x1=0, x2=0, y1=TOP, y2=frame.floor, class_="cursor"),
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=", ".join(line.name for line in lines),
    )
    points = _points(times, x, [line.values[kept] for line in lines], share=share)
    return tag("figure", _legend(lines), drawing, points, class_="chart")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where values lie on the canvas."""

    low: float
    high: float
    floor: int
    log: bool

    @classmethod
    def around(
        cls, values: FloatArray, ticks: Sequence[float], *, height: int, log: bool
    ) -> _Frame:
        ends = np.array([values.min(), values.max(), ticks[0], ticks[-1]])
        scaled = np.log10(ends) if log else ends
        low, high = float(scaled.min()), float(scaled.max())
        margin = 0.5 if low == high else 0.0
        return cls(low=low - margin, high=high + margin, floor=height - BOTTOM, log=log)

    def x(self, share: FloatArray) -> FloatArray:
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, values: FloatArray) -> FloatArray:
        scaled = np.log10(values) if self.log else values
        height: FloatArray = (scaled - self.low) / (self.high - self.low)
        return self.floor - height * (self.floor - TOP)


def thinned(columns: Sequence[FloatArray], *, buckets: int = BUCKETS) -> IntArray:
    """Rows that a picture needs: of each bucket the ends and every curve's extremes.

    All rows where there are at most four per bucket.
    """
    count = len(columns[0])
    if count <= 4 * buckets:
        return np.arange(count)
    edges = np.linspace(0, count, buckets + 1).astype(np.int64)
    kept: list[int] = []
    for start, stop in pairwise(edges.tolist()):
        kept += [int(start), int(stop) - 1]
        for values in columns:
            piece = values[start:stop]
            if np.isfinite(piece).any():
                kept += [
                    int(start + np.nanargmin(piece)),
                    int(start + np.nanargmax(piece)),
                ]
    return np.unique(np.array(kept, dtype=np.int64))


def linear_ticks(values: FloatArray, *, wanted: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) that enclose the range."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [each * step for each in range(first, last + 1)]


def log_ticks(values: FloatArray) -> list[float]:
    """1, 2 and 5 times powers of ten that enclose the range; powers over decades."""
    low, high = float(values.min()), float(values.max())
    span = math.log10(high / low)
    if span < 0.35:
        return linear_ticks(values)
    factors = (1.0, 2.0, 5.0) if span < 2.5 else (1.0,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    marks = [f * 10.0**p for p in range(first, last + 1) for f in factors]
    below = [mark for mark in marks if mark <= low][-1:]
    above = [mark for mark in marks if mark >= high][:1]
    return below + [mark for mark in marks if low < mark < high] + above


def date_ticks(start_ns: int, end_ns: int) -> list[tuple[float, str]]:
    """(place in [0, 1], label) of years, months or days, at most a dozen."""
    length = end_ns - start_ns
    months = length / (30 * DAY_NS)
    if months < 2.5:
        style = "%d %b" if length > 4 * DAY_NS else "%d %b %H:%M"
        return [
            (at / 8, utc_datetime(start_ns + at * (length // 8)).strftime(style))
            for at in range(1, 8)
        ]
    every = next((m for m in (1, 2, 3, 6, 12) if months / m <= 12), 0)
    every = every or 12 * math.ceil(months / 144)
    start = utc_datetime(start_ns)
    first = -(-(start.year * 12 + start.month) // every) * every
    last = utc_datetime(end_ns).year * 12 + 12
    ticks = []
    for month in range(first, last, every):
        label = f"{month // 12:04d}-{month % 12 + 1:02d}"
        place = (parse_time_ns(f"{label}-01") - start_ns) / length
        if 0.0 <= place <= 1.0:
            ticks.append((place, label[:4] if every >= 12 else label))
    return ticks


def _drawable(values: FloatArray, *, log: bool) -> FloatArray:
    return np.where(values > 0.0, values, np.nan) if log else values


def _grid_line(frame: _Frame, tick: float, at: int, *, share: bool) -> Html:
    y = f"{float(frame.y(np.array(tick))):.1f}"
    text = f"{number(tick * 100.0, 0)} %" if share else short(tick)
    return joined(
        (
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"),
            tag("text", text, x=LEFT - 8, y=y, dy="0.32em", class_=_class("value", at)),
        )
    )


def _date_line(frame: _Frame, place: float, text: str, *, at: int) -> Html:
    x = f"{float(frame.x(np.array(place))):.1f}"
    low = frame.floor
    return joined(
        (
            tag("line", x1=x, x2=x, y1=low, y2=low + 4, class_="grid"),
            tag("text", text, x=x, y=low + 18, class_=_class("date", at)),
        )
    )


def _class(kind: str, at: int) -> str:
    """A narrow screen leaves out every second label."""
    return f"{kind} second" if at % 2 else kind


def _path(x: FloatArray, y: FloatArray) -> str:
    """Straight lines from point to point, a new start after each gap."""
    drawn = []
    pen = "M"
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        if math.isfinite(down):
            drawn.append(f"{pen}{across:.1f} {down:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(drawn)


def _legend(lines: Sequence[Line]) -> Html:
    entries = [
        tag("span", tag("i", class_=f"swatch {line.kind}"), line.name, tag("b"))
        for line in lines
    ]
    return tag("figcaption", tag("time"), *entries)


def _points(
    times: IntArray, x: FloatArray, columns: Sequence[FloatArray], *, share: bool
) -> Html:
    """What the page's script reads to name the values under the pointer."""
    texts = [
        [
            number(each * 100.0, 1) + " %" if share else number(each, 0)
            for each in column
        ]
        for column in columns
    ]
    points = {
        "time": [format_time(int(each)) for each in times],
        "x": [round(each, 1) for each in x.tolist()],
        "values": texts,
    }
    text = json.dumps(points, separators=(",", ":"), ensure_ascii=False)
    return tag("script", Html(text.replace("<", "\\u003c")), type="application/json")


def short(value: float) -> str:
    """An axis label: 1,500 as "1.5k", 2,000,000 as "2M"."""
    for size, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return significant(value / size, figures=3) + suffix
    return significant(value, figures=3)
