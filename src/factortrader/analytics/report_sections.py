"""The sections of the report, each a function from results to markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from factortrader.analytics.benchmarks import ASSUMPTIONS
from factortrader.analytics.charts import Line, line_chart
from factortrader.analytics.performance import (
    drawdown,
    monthly_returns,
    performance_metrics,
)
from factortrader.analytics.report_html import (
    UNDEFINED,
    Html,
    joined,
    metric,
    metric_text,
    money,
    number,
    percent,
    plain,
    section,
    significant,
    table,
    tag,
)
from factortrader.analytics.results import RunResults
from factortrader.analytics.summary import returns_by_bar, wealth_returns
from factortrader.units import format_time, periods_per_year

Summary = Mapping[str, float]

HEADLINE: Final = {
    "total_return": "Total return",
    "annual_return": "Annual return",
    "volatility": "Volatility",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "max_drawdown": "Maximum drawdown",
    "calmar": "Calmar",
    "final_equity": "Final equity",
    "annual_turnover": "Annual turnover",
    "cost_drag": "Cost drag a year",
    "beta": "Beta",
    "information_ratio": "Information ratio",
}
COMPARED: Final = {
    "total_return": "Total return",
    "annual_return": "Annual return",
    "volatility": "Volatility",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "max_drawdown": "Maximum drawdown",
    "calmar": "Calmar",
    "cvar_95": "CVaR 95 % a bar",
    "best_month": "Best month",
    "worst_month": "Worst month",
}
COSTS: Final = {
    "fees": "Fees",
    "slippage": "Spread and impact",
    "funding": "Funding",
    "borrow": "Borrow",
}
MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
FULL_HEAT: Final = 0.25
"""A monthly return of this size has the strongest color."""


def headline(summary: Summary) -> Html:
    cards = (
        tag("div", tag("dt", name), tag("dd", metric(key, summary[key])))
        for key, name in HEADLINE.items()
        if key in summary
    )
    return section("Headline", tag("dl", *cards, class_="cards"))


def curves(results: RunResults) -> Html:
    """Equity on a logarithmic scale and drawdown, against the benchmarks."""
    wealth = [*results.benchmark_wealth.items()]
    lines = [Line(name=results.facts.fund, kind="fund", values=results.equity)]
    lines += [
        Line(name=benchmark_name(column), kind=_kind(column), values=values)
        for column, values in wealth
    ]
    depths = [Line(name=results.facts.fund, kind="fund", values=results.drawdown)]
    depths += [
        Line(name=benchmark_name(column), kind=_kind(column), values=drawdown(values))
        for column, values in wealth
    ]
    close_ns = results.close_ns
    return joined(
        (
            section(
                f"Equity ({results.facts.quote}, logarithmic)",
                line_chart(close_ns, lines, height=340, log=True),
            ),
            section("Drawdown", line_chart(close_ns, depths, height=220, share=True)),
        )
    )


def comparison(results: RunResults, summary: Summary) -> Html:
    """The fund beside what the same bars paid without a view."""
    per_year = periods_per_year(results.facts.interval_ns)
    columns = {
        column: performance_metrics(
            returns_by_bar(results, wealth_returns(wealth)),
            periods_per_year=per_year,
        )
        for column, wealth in results.benchmark_wealth.items()
    }
    rows = [
        (
            name,
            tag("td", metric(key, summary[key])),
            *(metric_text(key, metrics[key]) for metrics in columns.values()),
        )
        for key, name in COMPARED.items()
    ]
    header = ("", results.facts.fund, *(benchmark_name(each) for each in columns))
    return section("Against the benchmarks", table(header, rows, kind="figures"))


def months(results: RunResults) -> Html:
    """Years × months, compounded; a daily bar that closes on the first is last month's."""
    if not len(results.returns):
        return Html("")
    returns = monthly_returns(returns_by_bar(results, results.returns))
    by_year: dict[int, dict[int, float]] = {}
    for label, value in zip(returns.index.strftime("%Y %m"), returns, strict=True):
        year, month = map(int, label.split())
        by_year.setdefault(year, {})[month] = float(value)
    rows = []
    for year, values in sorted(by_year.items()):
        finite = [each for each in values.values() if np.isfinite(each)]
        total = float(np.prod([1.0 + each for each in finite])) - 1.0
        cells = [_heat(values.get(month, np.nan)) for month in range(1, 13)]
        rows.append((f"{year:04d}", *cells, _heat(total if finite else np.nan)))
    return section(
        "Monthly returns", table(("", *MONTHS, "Year"), rows, kind="months figures")
    )


def costs(summary: Summary, *, quote: str) -> Html:
    rows: list[tuple[object, ...]] = [
        (
            name,
            tag("td", metric(f"total_{key}", summary[f"total_{key}"])),
            tag("td", metric(f"annual_{key}", summary[f"annual_{key}"])),
        )
        for key, name in COSTS.items()
    ]
    rows.append(
        (
            "Together",
            money(sum(summary[f"total_{key}"] for key in COSTS)),
            percent(sum(summary[f"annual_{key}"] for key in COSTS)),
        )
    )
    header = ("", f"Paid ({quote})", "Of average equity, a year")
    note = tag("p", "A negative cost was received.", class_="note")
    return section("Costs", table(header, rows, kind="figures"), note)


def exposure(results: RunResults, summary: Summary) -> Html:
    rows = results.recorder.rows
    gross = np.array([row.gross_exposure for row in rows])
    names = {
        "average_gross_exposure": "Gross exposure, average",
        "average_net_exposure": "Net exposure, average",
        "average_positions": "Positions, average",
        "average_turnover": "Turnover a bar, one-way",
        "trades": "Fills",
        "rebalances": "Rebalances",
    }
    shown: list[tuple[object, ...]] = [
        (name, tag("td", metric(key, summary[key]))) for key, name in names.items()
    ]
    highest = float(np.nanmax(gross)) if np.isfinite(gross).any() else np.nan
    shown.insert(1, ("Gross exposure, highest", percent(highest)))
    return section(
        "Exposure and trading", table(("", ""), shown, kind="figures"), _orders(results)
    )


def holdings(results: RunResults, *, most: int = 15) -> Html:
    """What was held at the last bar, the largest first."""
    if not results.recorder.rows:
        return Html("")
    row = results.recorder.rows[-1]
    held = []
    for column, quantity, mark in zip(row.held, row.quantities, row.marks, strict=True):
        asset = row.assets[column]
        value = quantity * mark * float(results.instruments[asset].multiplier)
        held.append((asset, float(quantity), float(mark), float(value)))
    held.sort(key=lambda each: -abs(each[3]) if np.isfinite(each[3]) else 0.0)
    equity = row.equity if row.equity > 0.0 else np.nan
    shown = [
        (asset, significant(quantity), significant(mark), percent(value / equity))
        for asset, quantity, mark, value in held[:most]
    ]
    title = f"Positions on {format_time(row.close_ns)}"
    if not shown:
        return section(title, tag("p", "None: the fund was in cash.", class_="note"))
    rest = len(held) - len(shown)
    note = tag("p", f"and {rest} smaller ones", class_="note") if rest else ""
    header = ("Asset", "Quantity", "Mark", "Weight")
    return section(title, table(header, shown, kind="figures"), note)


def ends(results: RunResults) -> Html:
    """Positions that ended without an order of ours, and what that cost."""
    found = results.movements.ends
    title = "Instruments that ended while held"
    if not found:
        return section(title, tag("p", "None.", class_="note"))
    rows = [
        (
            end.asset,
            tag("td", format_time(end.time_ns)),
            tag("td", end.reason),
            significant(float(end.quantity)),
            significant(end.mark),
            significant(float(end.price)),
            money(end.cost),
        )
        for end in found
    ]
    together = sum(end.cost for end in found if np.isfinite(end.cost))
    header = ("Asset", "Settled", "Reason", "Quantity", "Last mark", "Price", "Cost")
    note = f"Together they cost {money(together)} {results.facts.quote}."
    return section(
        title, table(header, rows, kind="figures"), tag("p", note, class_="note")
    )


def refusals(results: RunResults) -> Html:
    """Plans and orders refused or reduced, breaches and states: who said no, how often."""
    rows = [
        (what, tag("td", limit), number(len(times), 0), *_span(times), tag("td", last))
        for (what, limit), (times, last) in sorted(_refused(results).items())
    ]
    title = "Refusals, reductions and breaches"
    if not rows:
        return section(title, tag("p", "None.", class_="note"))
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
            legs = f"{len(approval.legs)} legs were left"
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
    rows = [
        (name, tag("td", plain(value))) for name, value in flat(results.facts.limits)
    ]
    if not rows:
        return section("Limits in force", tag("p", "None.", class_="note"))
    return section("Limits in force", table(("Limit", "Value"), rows))


def assumptions(results: RunResults, manifest: Mapping[str, Any]) -> Html:
    """How fills, costs and ends were simulated, and on what, with which versions."""
    stated = [
        (topic, tag("td", plain(text)))
        for topic, text in (results.facts.assumptions or {}).items()
    ]
    shown_elsewhere = {*_OF_OTHER_SECTIONS}
    origin = [
        (name, tag("td", tag("code", plain(value))))
        for name, value in flat(
            {
                key: value
                for key, value in manifest.items()
                if key not in shown_elsewhere
            }
        )
    ]
    notes = [tag("li", note) for note in (*results.facts.notes, *ASSUMPTIONS)]
    return joined(
        (
            section(
                "Assumptions",
                table(("Topic", "What was assumed"), stated) if stated else "",
                tag("ul", *notes, class_="plain"),
            ),
            section("Origin", table(("Key", "Value"), origin)),
        )
    )


_OF_OTHER_SECTIONS: Final = (
    "assumptions",
    "configuration",
    "fund",
    "instruments",
    "limits",
    "notes",
    "stamps",
)


def every_number(summary: Summary) -> Html:
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


def benchmark_name(column: str) -> str:
    name = column.removeprefix("benchmark_")
    return "Equal weight" if name == "equal_weight" else name


def _kind(column: str) -> str:
    return "equal" if column == "benchmark_equal_weight" else "asset"


def _orders(results: RunResults) -> Html:
    counts: dict[str, int] = {}
    for line in results.recorder.orders.lines():
        counts[line.status.value] = counts.get(line.status.value, 0) + 1
    said = ", ".join(
        f"{number(count, 0)} {status.replace('_', ' ')}"
        for status, count in sorted(counts.items())
    )
    return tag("p", f"Orders by last state: {said or UNDEFINED}", class_="note")


def _heat(value: float) -> Html:
    if not np.isfinite(value):
        return tag("td", UNDEFINED)
    heat = min(abs(value) / FULL_HEAT, 1.0)
    return tag(
        "td",
        number(value * 100.0, 1),
        data_heat="gain" if value >= 0.0 else "loss",
        style=f"--heat: {heat:.2f}",
    )
