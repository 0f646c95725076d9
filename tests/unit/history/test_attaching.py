"""Funding, rules and actions join the dataset that they concern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.history.vendor_files import (
    DAY_0,
    bars,
    daily_mapping,
    imported,
    request,
    write_parquet,
)

from factortrader.errors import BadInput
from factortrader.events import (
    CorporateActionApplied,
    FundingRatePublished,
    InstrumentRulesChanged,
)
from factortrader.ports import History
from factortrader.units import DAY_NS, HOUR_NS
from factortrader_adapters.history.attaching import attach
from factortrader_adapters.history.importing import ImportReport
from factortrader_adapters.history.mapping import FileMapping, InstrumentMapping
from factortrader_adapters.history.source import StoreSettings, StoreSource

PERPETUAL = daily_mapping(
    instruments=InstrumentMapping(quote="USDT", ticker="pair", kind="perpetual")
)
FUNDING = FileMapping(
    kind="funding",
    interval="1h",
    tolerance="1s",
    columns={"time": "ts", "asset": "symbol", "rate": "rate"},
)
RULES = FileMapping(
    kind="rules",
    columns={name: name for name in ("asset", "tick", "lot", "min_notional", "status")}
    | {"time": "ts"},
)
ACTIONS = FileMapping(
    kind="actions",
    columns={name: name for name in ("asset", "numerator", "denominator")}
    | {"time": "ts"},
)


def attached(
    folder: Path,
    mapping: FileMapping,
    rows: Sequence[Mapping[str, Any]],
    **changes: Any,
) -> ImportReport:
    source = write_parquet(folder / f"{mapping.kind}.parquet", rows)
    return attach(request(source, mapping=mapping, **changes))


def load(folder: Path, *, start: int | None = None, end: int | None = None) -> History:
    settings = StoreSettings(dataset="daily", store=str(folder / "store"))
    return StoreSource(settings).load(
        start_ns=None if start is None else DAY_0 + start * DAY_NS,
        end_ns=None if end is None else DAY_0 + end * DAY_NS,
        warm_up_bars=0,
    )


def payment(asset: str, hours: float, rate: float) -> dict[str, Any]:
    return {"ts": DAY_0 + int(hours * HOUR_NS), "symbol": asset, "rate": rate}


def rule(day: float, **changes: Any) -> dict[str, Any]:
    spoken = {"tick": "0.01", "lot": "0.001", "min_notional": "10", "status": "TRADING"}
    stamp = DAY_0 + int(day * DAY_NS)
    return {"ts": stamp, "asset": "BTCUSDT", **spoken, **changes}


def action(day: float, **changes: Any) -> dict[str, Any]:
    ratio = {"numerator": 1000, "denominator": 1}
    stamp = DAY_0 + int(day * DAY_NS)
    return {"ts": stamp, "asset": "BTCUSDT", **ratio, **changes}


def test_payments_of_a_day_are_summed_at_its_close(tmp_path: Path) -> None:
    """(t−1, t] at t: a payment at midnight belongs to the day that ends there."""
    imported(tmp_path, bars("BTCUSDT", range(4)), mapping=PERPETUAL)
    late = 0.020 / 3600
    rows = [
        payment("BTCUSDT", 8 + late, 0.001),
        payment("BTCUSDT", 16, 0.002),
        payment("BTCUSDT", 24 + late, 0.004),
        payment("BTCUSDT", 32, 0.008),
    ]

    attached(tmp_path, FUNDING, rows)

    history = load(tmp_path)
    np.testing.assert_allclose(
        history.panel.raw("funding_rate")[:, 0], [0.007, 0.008, np.nan, np.nan]
    )
    events = [one for one in history.events if isinstance(one, FundingRatePublished)]
    assert [(one.time_ns - DAY_0) // DAY_NS for one in events] == [1, 2]
    assert events[0].assets == ("BTCUSDT",)
    np.testing.assert_allclose(events[0].rates, [0.007])


def test_funding_over_an_outage_falls_to_the_next_bar(tmp_path: Path) -> None:
    """No payment is lost because the panel has no row for its day."""
    imported(tmp_path, bars("BTCUSDT", [0, 1, 3]), mapping=PERPETUAL)

    attached(tmp_path, FUNDING, [payment("BTCUSDT", 24 * 2 + 8, 0.003)])

    np.testing.assert_allclose(
        load(tmp_path).panel.raw("funding_rate")[:, 0], [np.nan, np.nan, 0.003]
    )


def test_spot_pays_no_funding(tmp_path: Path) -> None:
    """On spot the rate is a field for factors and no event."""
    imported(tmp_path, bars("BTCUSDT", range(4)))

    attached(tmp_path, FUNDING, [payment("BTCUSDT", 8, 0.001)])

    history = load(tmp_path)
    assert history.events == ()
    assert history.panel.raw("funding_rate")[0, 0] == 0.001
    assert any("spot instruments pay none" in note for note in history.notes)


def test_a_payment_belongs_to_the_life_in_which_it_fell(tmp_path: Path) -> None:
    """The two instruments of one ticker do not share funding; the gap has none."""
    rows = bars("BTCUSDT", range(40)) + bars("LUNAUSDT", [*range(5), *range(25, 40)])
    imported(tmp_path, rows, mapping=PERPETUAL)
    hours = (24 * 2, 24 * 15, 24 * 30)

    report = attached(
        tmp_path, FUNDING, [payment("LUNAUSDT", at, 0.001) for at in hours]
    )

    field = load(tmp_path).panel.raw("funding_rate")
    assert report.rows_kept == 2
    assert {finding.code for finding in report.findings} == {"outside_life"}
    assert np.argwhere(np.isfinite(field)).tolist() == [[1, 1], [29, 2]]


def test_an_action_is_dated_after_the_open_of_its_bar(tmp_path: Path) -> None:
    """It follows the decision at that instant; research prices are continuous."""
    rows = bars("BTCUSDT", range(2)) + [
        row | {"close": row["close"] / 1000} for row in bars("BTCUSDT", [2, 3])
    ]
    imported(tmp_path, rows)

    attached(tmp_path, ACTIONS, [action(2.4)])

    history = load(tmp_path)
    (event,) = history.events
    assert isinstance(event, CorporateActionApplied)
    assert event.time_ns == DAY_0 + 2 * DAY_NS + 1
    assert (event.numerator, event.denominator) == (1000, 1)
    np.testing.assert_allclose(
        history.panel.research("close")[:, 0], [100.0, 101.0, 102.0, 103.0]
    )


def test_an_action_before_the_range_still_adjusts_and_is_no_event(
    tmp_path: Path,
) -> None:
    """The ratio is anchored at listing, so a row does not depend on the range."""
    imported(tmp_path, bars("BTCUSDT", range(10)))
    attached(tmp_path, ACTIONS, [action(2)])

    whole, late = load(tmp_path), load(tmp_path, start=5)
    early = load(tmp_path, end=2)

    assert late.events == early.events == ()
    np.testing.assert_array_equal(
        late.panel.research("close"), whole.panel.research("close")[5:]
    )
    np.testing.assert_array_equal(
        early.panel.research("close"), whole.panel.research("close")[:2]
    )


def test_rules_apply_from_the_day_they_were_seen(tmp_path: Path) -> None:
    """What was in force comes with the first bar; repeats are silent."""
    imported(tmp_path, bars("BTCUSDT", range(10)))
    rows = [rule(0), rule(3), rule(5, status="BREAK"), rule(7, tick="0")]

    attached(tmp_path, RULES, rows)

    history = load(tmp_path, start=2)
    changes = [one for one in history.events if isinstance(one, InstrumentRulesChanged)]
    assert [(one.time_ns - DAY_0) / DAY_NS for one in changes] == [3.0, 5.0, 7.0]
    assert [one.rules.tradable for one in changes] == [True, False, True]
    assert changes[0].rules.tick == Decimal("0.01")
    assert changes[0].rules.lot == Decimal("0.001")
    assert changes[2].rules.tick is None
    assert history.panel.eligible[:, 0].tolist() == [
        *[True] * 2,
        *[False] * 2,
        *[True] * 4,
    ]


def test_later_rules_do_not_reach_an_earlier_range(tmp_path: Path) -> None:
    """A run that ends before a rule was seen does not know it."""
    imported(tmp_path, bars("BTCUSDT", range(10)))
    attached(tmp_path, RULES, [rule(6, status="BREAK")])

    history = load(tmp_path, end=5)

    assert history.events == ()
    assert history.panel.eligible.all()


def test_attaching_changes_the_fingerprint_and_keeps_the_bars(tmp_path: Path) -> None:
    """Other content is another dataset; its bars are the same."""
    imported(tmp_path, bars("BTCUSDT", range(4)))
    before = load(tmp_path)

    attached(tmp_path, RULES, [rule(0)])

    after = load(tmp_path)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.panel.raw("close"), before.panel.raw("close"))


def test_a_table_is_replaced_only_on_request(tmp_path: Path) -> None:
    """A second file of rules needs --replace; new bars drop the rules and say so."""
    imported(tmp_path, bars("BTCUSDT", range(4)))
    attached(tmp_path, RULES, [rule(0)])

    with pytest.raises(BadInput, match="has rules already"):
        attached(tmp_path, RULES, [rule(0)])
    attached(tmp_path, RULES, [rule(0, tick="0.5")], replace=True)
    (event,) = load(tmp_path).events
    again = imported(tmp_path, bars("BTCUSDT", range(4)), replace=True)

    assert isinstance(event, InstrumentRulesChanged)
    assert event.rules.tick == Decimal("0.5")
    assert "attachments_dropped" in {finding.code for finding in again.findings}
    assert load(tmp_path).events == ()


@pytest.mark.parametrize(
    ("mapping", "row", "code"),
    [
        (RULES, rule(0, tick="fine"), "rule_value"),
        (RULES, rule(0, lot="-1"), "rule_value"),
        (RULES, rule(0, asset="DOGEUSDT"), "empty_import"),
        (ACTIONS, action(0, numerator=0), "action_ratio"),
        (FUNDING, payment("BTCUSDT", 8, float("inf")), "empty_import"),
    ],
    ids=["no number", "negative", "nobody's", "ratio of zero", "infinite"],
)
def test_a_table_that_cannot_be_used_changes_nothing(
    tmp_path: Path, mapping: FileMapping, row: dict[str, Any], code: str
) -> None:
    """The dataset is as it was before."""
    imported(tmp_path, bars("BTCUSDT", range(4)))
    before = load(tmp_path)

    with pytest.raises(BadInput) as refusal:
        attached(tmp_path, mapping, [row])

    assert refusal.value.code == code
    assert load(tmp_path).fingerprint == before.fingerprint


def test_nothing_is_attached_to_what_is_not_there(tmp_path: Path) -> None:
    """Bars come first."""
    with pytest.raises(BadInput, match="unknown_dataset"):
        attached(tmp_path, RULES, [rule(0)])
