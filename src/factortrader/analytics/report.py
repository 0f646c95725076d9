"""report.html: one file that opens from disk, without a network.

It is made of the run's results only; nothing in it names an outside address, and a
policy in its head forbids the browser to load any.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from factortrader.analytics import report_record as record
from factortrader.analytics import report_sections as sections
from factortrader.analytics.report_html import Html, joined, money, tag
from factortrader.analytics.results import RunResults
from factortrader.units import format_interval, format_time, to_float

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)


def render_report(
    results: RunResults, *, summary: Mapping[str, float], manifest: Mapping[str, Any]
) -> str:
    """The whole page; the same results give the same bytes."""
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("title", results.facts.fund),
        tag("style", _resource("report.css")),
    )
    body = tag(
        "body",
        _header(results),
        sections.headline(summary),
        sections.curves(results),
        sections.comparison(results, summary),
        sections.months(results),
        _columns(
            sections.costs(summary, quote=results.facts.quote),
            sections.exposure(results, summary),
        ),
        sections.holdings(results),
        record.ends(results),
        record.refusals(results),
        _columns(record.limits(results), record.assumptions(results)),
        record.notes(results),
        record.origin(manifest),
        record.every_number(summary),
        record.configuration(results),
        tag("script", _resource("report.js")),
    )
    page = tag("html", head, body, lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _header(results: RunResults) -> Html:
    facts = results.facts
    closes = results.close_ns.tolist()
    period = "no bar was marked"
    if closes:
        period = (
            f"{format_time(closes[0])} to {format_time(closes[-1])}, "
            f"{len(closes):,} bars of {format_interval(facts.interval_ns)}"
        )
    capital = f"{money(to_float(results.movements.capital))} {facts.quote}"
    stamps = [tag("li", stamp) for stamp in facts.stamps]
    return tag(
        "header",
        tag("h1", facts.fund),
        tag("p", f"{period}; capital {capital}"),
        tag("ul", *stamps, class_="stamps") if stamps else "",
    )


def _columns(*parts: Html) -> Html:
    """Side by side where the page is wide."""
    return tag("div", joined(parts), class_="columns")


def _resource(name: str) -> Html:
    """A file beside this one, put in as it is: it is ours and has no outside text."""
    text = files("factortrader.analytics").joinpath(name).read_text(encoding="utf-8")
    return Html(f"\n{text}")
