"""The sections of the report that measure, each a function from results to markup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

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
"""A monthly return of this size has the strongest color, a year's at three times it."""


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
    import pandas as pd

    if not len(results.returns):
        return Html("")
    returns = monthly_returns(returns_by_bar(results, results.returns))
    by_year: dict[int, dict[int, float]] = {}
    labels = pd.DatetimeIndex(returns.index)
    for label, value in zip(labels, returns, strict=True):
        by_year.setdefault(label.year, {})[label.month] = float(value)
    rows = []
    for year, values in sorted(by_year.items()):
        finite = [each for each in values.values() if np.isfinite(each)]
        total = float(np.prod([1.0 + each for each in finite])) - 1.0
        cells = [_heat(values.get(month, np.nan)) for month in range(1, 13)]
        rows.append(
            (
                f"{year:04d}",
                *cells,
                _heat(total if finite else np.nan, full=3.0 * FULL_HEAT),
            )
        )
    return section(
        "Monthly returns", table(("", *MONTHS, "Year"), rows, kind="months figures")
    )


def costs(summary: Summary, *, quote: str) -> Html:
    """What was paid, and what that is of average equity in a year."""
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
    """How much was invested and how much was traded, on average."""
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
        return section(title, tag("p", "The fund was in cash.", class_="note"))
    rest = len(held) - len(shown)
    ones = "one" if rest == 1 else "ones"
    note = tag("p", f"and {rest} smaller {ones}", class_="note") if rest else ""
    header = ("Asset", "Quantity", "Mark", "Weight")
    return section(title, table(header, shown, kind="figures"), note)


def benchmark_name(column: str) -> str:
    name = column.removeprefix("benchmark_")
    return "Equal weight" if name == "equal_weight" else name


def _kind(column: str) -> str:
    return "equal" if column == "benchmark_equal_weight" else "asset"


def _orders(results: RunResults) -> Html:
    counts: dict[str, int] = {}
    for line in results.recorder.orders.lines():
        counts[line.outcome] = counts.get(line.outcome, 0) + 1
    said = ", ".join(
        f"{number(count, 0)} {status.replace('_', ' ')}"
        for status, count in sorted(counts.items())
    )
    return tag("p", f"Orders by outcome: {said or UNDEFINED}", class_="note")


def _heat(value: float, *, full: float = FULL_HEAT) -> Html:
    if not np.isfinite(value):
        return tag("td", UNDEFINED)
    heat = min(abs(value) / full, 1.0)
    return tag(
        "td",
        number(value * 100.0, 1),
        data_heat="gain" if value >= 0.0 else "loss",
        style=f"--heat: {heat:.2f}",
    )
