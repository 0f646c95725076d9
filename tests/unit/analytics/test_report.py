"""The report: one page, offline, complete, and nothing in it can be code of others."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.builders import made, perpetual, plan, spot
from tests.unit.analytics.fund import Fund

from factortrader.analytics.report import render_report
from factortrader.analytics.report_html import (
    metric_text,
    money,
    percent,
    plain,
    significant,
    tag,
)
from factortrader.analytics.report_record import flat
from factortrader.analytics.summary import run_summary
from factortrader.events import LimitBreached, PlanReduced, PlanRefused
from factortrader.instruments import EndReason

NAN = float("nan")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=y>&'


class Page(HTMLParser):
    """What a browser would see: texts, numbers by key, tags, cells by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def keys(self) -> dict[str, str | None]:
        return {
            attributes["data-key"]: attributes.get("data-value")
            for _, attributes in self.tags
            if "data-key" in attributes
        }


def rendered(fund: Fund, /, *, manifest=None, **facts) -> str:
    results = fund.results(**facts)
    return render_report(
        results, summary=run_summary(results), manifest=manifest or {"run_id": "r1"}
    )


def eventful() -> Fund:
    fund = Fund(spot("BTC"), spot("LUNA"), perpetual(), benchmark="BTC")
    fund.close(BTC=100.0, LUNA=80.0, **{"BTC-PERP": 100.0})
    fund.trade("LUNA", "50", price="80.1", reference="80", fee="4")
    fund.trade("BTC-PERP", "-3", price="99", reference="100", fee="1")
    fund.close(BTC=90.0, LUNA=8.0, **{"BTC-PERP": 90.0})
    fund.say(
        plan(plan="a", time_ns=fund.now_ns),
        made(PlanRefused, plan="a", reason="0.9 above 0.5", time_ns=fund.now_ns),
        plan(plan="b", time_ns=fund.now_ns),
        made(PlanReduced, plan="b", limits=("position",), time_ns=fund.now_ns),
        made(LimitBreached, measure="leverage", value=2.5, time_ns=fund.now_ns),
    )
    fund.settle("LUNA", price="0", reason=EndReason.DELISTED)
    fund.close(BTC=95.0, LUNA=NAN, **{"BTC-PERP": 95.0})
    return fund


def test_the_page_names_no_outside_address() -> None:
    """It opens from disk, and the browser is told to load nothing."""
    text = rendered(eventful())

    assert re.findall(r"(?:https?:)?//[a-z]|url\(|@import|<link|src=", text) == []
    assert "default-src 'none'" in text


def test_every_number_of_the_summary_is_there_with_its_key() -> None:
    """The shown figure is rounded; the exact one is beside it."""
    fund = eventful()
    summary = run_summary(fund.results())

    keys = Page(rendered(fund)).keys()

    assert keys.keys() == summary.keys()
    assert {key: float(value) for key, value in keys.items() if value} == {
        key: value for key, value in summary.items() if np.isfinite(value)
    }


def test_what_is_undefined_is_a_dash() -> None:
    """A run of one bar has hardly a defined number; the words for that never show."""
    fund = Fund(spot("BTC"), benchmark="BTC")
    fund.close(BTC=100.0)

    text = rendered(
        fund,
        configuration={"a": None, "b": NAN, "c": [None, 1.0]},
        limits={"gross": None},
        manifest={"started": None, "score": NAN},
    )

    assert re.findall(r"\b(?:nan|NaN|None|inf|null)\b", text) == []
    assert Page(text).texts.count("–") > 10


def test_a_run_without_a_single_bar_has_a_report() -> None:
    """It says so instead of failing."""
    assert "no bar was marked" in Page(rendered(Fund(spot("BTC")))).text


def test_every_outside_text_is_escaped() -> None:
    """Names, notes, reasons and configuration show as text, whatever they contain."""
    fund = eventful()
    fund.say(made(PlanRefused, limit=HOSTILE, reason=HOSTILE))
    plain_page = Page(rendered(eventful()))

    page = Page(
        rendered(
            fund,
            fund=HOSTILE,
            quote="USDT",
            stamps=(HOSTILE,),
            notes=(HOSTILE,),
            limits={HOSTILE: HOSTILE},
            assumptions={HOSTILE: HOSTILE},
            configuration={HOSTILE: {HOSTILE: [HOSTILE]}},
            manifest={HOSTILE: HOSTILE},
        )
    )

    scripts = [name for name, _ in page.tags if name == "script"]
    assert len(scripts) == sum(1 for name, _ in plain_page.tags if name == "script")
    assert "img" not in {name for name, _ in page.tags}
    assert page.text.count(HOSTILE) >= 10


def test_stamps_stand_in_the_banner() -> None:
    """Nobody reads past them unaware."""
    page = Page(rendered(eventful(), stamps=("SYNTHETIC DATA", "NO VOLUME CAP")))

    assert page.texts.index("SYNTHETIC DATA") < page.texts.index("Headline")
    assert "NO VOLUME CAP" in page.texts


def test_an_end_is_listed_with_what_it_cost() -> None:
    """50 LUNA at a mark of 8 settled at nothing: 400."""
    text = Page(rendered(eventful())).text

    assert re.search(r"LUNA\s+2024-01-02T00:01Z\s+delisted\s+50\s+8\s+0\s+400", text)


def test_an_end_at_the_last_mark_cost_nothing_whatever_the_ticks_took() -> None:
    """A price that was rounded to its tick is no cost; a thousandth of it is one."""
    fund = Fund(spot("A"), spot("B"))
    fund.close(A=0.123456789, B=1.0)
    fund.trade("A", "10000", price="0.123456789", reference="0.123456789", fee="0")
    fund.trade("B", "1000", price="1", reference="1", fee="0")
    fund.close(A=0.123456789, B=1.0)
    fund.settle("A", price="0.12345678899", reason=EndReason.CRAWL)
    fund.settle("B", price="0.999", reason=EndReason.CRAWL)
    fund.close(A=NAN, B=NAN)

    text = Page(rendered(fund)).text

    assert re.search(r"A\s+2024-\S+\s+crawl\s+10,000\s+0.1235\s+0.1235\s+0\n", text)
    assert re.search(r"B\s+2024-\S+\s+crawl\s+1,000\s+1\s+0.999\s+1.00\n", text)


def test_origin_and_limits_read_as_they_were_said() -> None:
    """The command as typed, moments as dates, large limits grouped."""
    text = Page(
        rendered(
            eventful(),
            limits={"max_order_notional_quote": 1_000_000.0, "max_gross": 1.5},
            manifest={
                "command": ["factortrader", "replay", "my fund.toml"],
                "start_ns": 1_625_443_200_000_000_000,
            },
        )
    ).text

    assert "factortrader replay 'my fund.toml'" in text
    assert re.search(r"\bstart\n2021-07-05\n", text)
    assert re.search(r"max_order_notional_quote\n1,000,000\nmax_gross\n1.5\n", text)


def test_refusals_reductions_and_breaches_are_listed_with_their_limits() -> None:
    """Each once with how often it happened and what was said in the end."""
    text = Page(rendered(eventful())).text

    assert re.search(r"Plan refused\s+turnover\s+1\s.*\s.*\s0.9 above 0.5", text)
    assert re.search(r"Plan reduced\s+position\s+1\s.*\s.*\slegs left: 1", text)
    assert re.search(r"Breach, high\s+leverage\s+1\s.*\s.*\s2.5 against 0.2", text)


def test_a_month_belongs_to_the_bars_that_lie_in_it() -> None:
    """The bar that closes on the first of February is January's."""
    fund = Fund(spot("BTC"), capital="1000")
    fund.trade("BTC", "10", price="100")
    fund.close(BTC=100.0)
    for _ in range(30):
        fund.close(BTC=100.0)
    fund.close(BTC=110.0)
    fund.close(BTC=99.0)

    row = Page(rendered(fund)).text.split("2024\n")[1].split("\n")

    assert [cell for cell in row if cell][:3] == ["10.0", "−10.0", "–"]


def test_the_curves_carry_their_values_for_the_pointer() -> None:
    """Every bar of a short run, for the fund and both benchmarks."""
    text = rendered(eventful())

    equity = json.loads(re.findall(r'type="application/json">(.*?)</script>', text)[0])

    assert equity["time"] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert equity["values"][1] == ["10,000", "9,000", "9,500"]


@pytest.mark.slow
def test_a_long_run_stays_small() -> None:
    """Curves are thinned: four times the bars are less than twice the page."""
    short, long = Fund(spot("BTC")), Fund(spot("BTC"))
    for fund, bar_count in ((short, 500), (long, 2_000)):
        for price in 100.0 + np.sin(np.arange(bar_count) / 9.0):
            fund.close(BTC=float(price))

    assert len(rendered(long)) < 2 * len(rendered(short)) < 400_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (percent(0.12345), "12.35 %"),
        (percent(-0.00001), "0.00 %"),
        (percent(NAN), "–"),
        (percent(9.99), "999.00 %"),
        (percent(163.7541), "16,375 %"),
        (money(1234567.8), "1,234,568"),
        (money(-12.345), "−12.35"),
        (money(0.000012345), "0.00001234"),
        (significant(0.000123456), "0.0001235"),
        (significant(123456.0), "123,456"),
        (significant(-1.5), "−1.5"),
        (metric_text("sharpe", 1.234), "1.23"),
        (metric_text("trades", 12345), "12,345"),
        (metric_text("annual_turnover", 29.4), "29.40 ×"),
        (plain(True), "yes"),
        (plain(None), "–"),
        (plain(0.1), "0.1"),
        (plain([1.0, None]), "1, –"),
    ],
)
def test_numbers_read_as_people_write_them(text, shown) -> None:
    """Grouped, with a real minus sign, no exponent, no minus before zero."""
    assert text == shown


def test_markup_escapes_children_and_attributes() -> None:
    """Only what is markup already passes."""
    assert tag("b", "<i>", tag("u", "&"), title='"') == (
        '<b title="&quot;">&lt;i&gt;<u>&amp;</u></b>'
    )


def test_a_configuration_is_shown_leaf_by_leaf() -> None:
    """Tables nest and lists of tables are numbered."""
    nested = {"fund": {"name": "x"}, "factor": [{"name": "m"}, {"name": "v"}], "l": [1]}

    assert [*flat(nested)] == [
        ("fund.name", "x"),
        ("factor.1.name", "m"),
        ("factor.2.name", "v"),
        ("l", [1]),
    ]
