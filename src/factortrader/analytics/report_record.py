"""The sections of the report that record: ends, refusals, limits, assumptions, origin."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from factortrader.analytics.benchmarks import ASSUMPTIONS
from factortrader.analytics.movements import End
from factortrader.analytics.report_html import (
    Html,
    metric,
    money,
    number,
    plain,
    section,
    significant,
    table,
    tag,
)
from factortrader.analytics.results import RunResults
from factortrader.units import format_time

_ROUNDING: Final = 1e-9
"""Share of a position's worth that ticks may take without being a cost."""


def ends(results: RunResults) -> Html:
    """Positions that ended without an order of ours, and what that cost."""
    found = results.movements.ends
    title = "Instruments that ended while held"
    if not found:
        return section(
            title, tag("p", "No position ended without an order.", class_="note")
        )
    rows = [
        (
            end.asset,
            tag("td", format_time(end.time_ns)),
            tag("td", end.reason),
            significant(float(end.quantity)),
            significant(end.mark),
            significant(float(end.price)),
            money(_cost(end)),
        )
        for end in found
    ]
    together = sum(_cost(end) for end in found if np.isfinite(end.cost))
    header = ("Asset", "Settled", "Reason", "Quantity", "Last mark", "Price", "Cost")
    note = (
        f"Together the ends cost {money(together)} {results.facts.quote} against the "
        "last marks; what the marks lost before is in the returns."
    )
    return section(
        title, table(header, rows, kind="figures"), tag("p", note, class_="note")
    )


def _cost(end: End) -> float:
    """What the end took; rounding a price to ticks is no cost."""
    worth = abs(float(end.quantity) * end.mark)
    return end.cost if abs(end.cost) > _ROUNDING * worth else 0.0


def refusals(results: RunResults) -> Html:
    """Plans and orders refused or reduced, breaches and states: who said no, how often."""
    rows = [
        (what, tag("td", limit), number(len(times), 0), *_span(times), tag("td", last))
        for (what, limit), (times, last) in sorted(_refused(results).items())
    ]
    title = "Refusals, reductions and breaches"
    if not rows:
        return section(
            title, tag("p", "Nothing was refused, reduced or breached.", class_="note")
        )
    header = ("What", "Limit", "Times", "First", "Last", "In the end")
    return section(title, table(header, rows))


def _refused(results: RunResults) -> dict[tuple[str, str], tuple[list[int], str]]:
    """(what, limit) → when, and the last words."""
    found: dict[tuple[str, str], tuple[list[int], str]] = {}
    for what, limit, time_ns, words in _said_no(results):
        times = found.get((what, limit), ([], ""))[0]
        found[what, limit] = ([*times, time_ns], words)
    return found


def _said_no(results: RunResults) -> Iterator[tuple[str, str, int, str]]:
    recorder = results.recorder
    for refusal in recorder.refused:
        yield "Plan refused", refusal.limit, refusal.time_ns, refusal.reason
    for approval in recorder.reduced:
        for limit in approval.limits:
            legs = f"legs left: {len(approval.legs)}"
            yield "Plan reduced", limit, approval.time_ns, legs
    for breach in recorder.breaches:
        words = f"{significant(breach.value)} against {significant(breach.limit)}"
        what = f"Breach, {breach.severity.value}"
        yield what, breach.measure, breach.time_ns, words
    for change in recorder.states:
        words = f"{change.by}: {change.why}"
        yield "Trading state", change.state.value, change.time_ns, words


def _span(times: Sequence[int]) -> tuple[Html, Html]:
    return tag("td", format_time(times[0])), tag("td", format_time(times[-1]))


def limits(results: RunResults) -> Html:
    """Every limit that the run was held to."""
    rows = [
        (name, tag("td", _limit(value))) for name, value in flat(results.facts.limits)
    ]
    if not rows:
        return section(
            "Limits in force", tag("p", "No limit was configured.", class_="note")
        )
    return section("Limits in force", table(("Limit", "Value"), rows))


def _limit(value: Any) -> str:
    """As configured, large numbers grouped."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_whole = is_number and float(value).is_integer()
    return f"{int(value):,}" if is_whole else plain(value)


def assumptions(results: RunResults) -> Html:
    """How fills, costs and ends were simulated."""
    stated = [
        (topic, tag("td", plain(text)))
        for topic, text in (results.facts.assumptions or {}).items()
    ]
    listing = table(("Topic", "What was assumed"), stated) if stated else ""
    return section("Assumptions", listing)


def notes(results: RunResults) -> Html:
    """What the source found in its data, and what the benchmarks assume."""
    said = [tag("li", note) for note in (*results.facts.notes, *ASSUMPTIONS)]
    return section("Notes", tag("ul", *said, class_="plain"))


def origin(manifest: Mapping[str, Any]) -> Html:
    """Who ran what, on which data, with which versions."""
    shown_elsewhere = {*_OF_OTHER_SECTIONS}
    rows = [
        (name.removesuffix("_ns"), tag("td", tag("code", _fact(name, value))))
        for name, value in flat(
            {
                key: value
                for key, value in manifest.items()
                if key not in shown_elsewhere
            }
        )
    ]
    return section("Origin", table(("Key", "Value"), rows, kind="facts"))


def _fact(name: str, value: Any) -> str:
    """A moment as a date, the command as it was typed, anything else as text."""
    if name.endswith("_ns") and isinstance(value, int):
        return format_time(value)
    if name == "command" and isinstance(value, list | tuple):
        return shlex.join(str(word) for word in value)
    return plain(value)


_OF_OTHER_SECTIONS: Final = (
    "assumptions",
    "configuration",
    "fund",
    "instruments",
    "limits",
    "notes",
    "stamps",
)


def every_number(summary: Mapping[str, float]) -> Html:
    rows = [
        (tag("code", key), tag("td", metric(key, value)))
        for key, value in summary.items()
    ]
    listing = table(("Key in summary.json", "Value"), rows, kind="figures")
    return tag("details", tag("summary", "Every metric"), listing)


def configuration(results: RunResults) -> Html:
    rows = [
        (tag("code", key), tag("td", tag("code", plain(value))))
        for key, value in flat(results.facts.configuration)
    ]
    listing = table(("Key", "Value"), rows) if rows else tag("p", "Not recorded.")
    return tag("details", tag("summary", "Configuration"), listing)


def flat(nested: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """Dotted key and value of every leaf, in the order given."""
    for key, value in (nested or {}).items():
        leaves: Mapping[str, Any] | None = None
        if isinstance(value, Mapping):
            leaves = value
        elif isinstance(value, list | tuple) and any(
            isinstance(each, Mapping) for each in value
        ):
            leaves = {str(at): each for at, each in enumerate(value, start=1)}
        if leaves is None:
            yield str(key), value
        else:
            yield from ((f"{key}.{under}", leaf) for under, leaf in flat(leaves))
