"""What the synthetic venue says besides bars: instruments, rules, actions."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from factortrader.events import (
    CorporateActionApplied,
    FundingRatePublished,
    InstrumentRulesChanged,
)
from factortrader.instruments import EndReason
from factortrader.ports import HistorySource
from factortrader.units import DAY_NS, parse_time_ns
from factortrader_adapters.history.synthetic import SyntheticSettings, SyntheticSource

SMALL = SyntheticSettings(seed=3, assets=24, bars=520)


def load(settings=SMALL, *, start=None, end=None, warm_up_bars=0):
    source: HistorySource = SyntheticSource(settings)
    return source.load(
        start_ns=None if start is None else parse_time_ns(start),
        end_ns=None if end is None else parse_time_ns(end),
        warm_up_bars=warm_up_bars,
    )


def of_kind(history, kind):
    return [event for event in history.events if isinstance(event, kind)]


def arrays(panel):
    return {
        **panel.fields,
        "close_ns": panel.close_ns,
        "listed": panel.listed,
        "clean": panel.clean,
        "eligible": panel.eligible,
        "adjustment": panel.adjustment,
    }


def assert_same_rows(panel, other):
    for name, values in arrays(panel).items():
        np.testing.assert_array_equal(values, arrays(other)[name], err_msg=name)


@pytest.fixture(scope="module")
def history():
    return load()


def test_events_stand_in_order_of_time(history) -> None:
    """They ascend, and none lies outside the bars."""
    times = [event.time_ns for event in history.events]

    assert times == sorted(times)
    assert times[0] > history.panel.close_ns[0] - DAY_NS
    assert times[-1] <= history.panel.close_ns[-1]


def test_funding_is_published_at_every_close(history) -> None:
    """One event a bar, aligned with the panel's field."""
    published = of_kind(history, FundingRatePublished)

    assert [event.time_ns for event in published] == list(history.panel.close_ns)
    rates = np.stack([event.rates for event in published])
    np.testing.assert_array_equal(rates, history.panel.raw("funding_rate"))
    assert not published[0].rates.flags.writeable


def test_every_listed_coin_has_rules_before_it_trades(history) -> None:
    """Rules come with the first bar, or with the first row of the cut."""
    panel = history.panel
    first_rules = {}
    for event in of_kind(history, InstrumentRulesChanged):
        first_rules.setdefault(event.asset, event)

    for column, asset in enumerate(panel.assets):
        rows = np.flatnonzero(panel.listed[:, column])
        if len(rows) == 0:
            assert asset not in first_rules
            continue
        assert first_rules[asset].time_ns == panel.close_ns[rows[0]]


def test_rules_fit_the_price(history) -> None:
    """A tick is a small part of the price and a lot is worth little money."""
    panel = history.panel
    close = panel.raw("close")
    rules = {}
    events = iter(of_kind(history, InstrumentRulesChanged))
    event = next(events, None)
    for row, close_ns in enumerate(panel.close_ns):
        while event is not None and event.time_ns <= close_ns:
            rules[event.asset] = event.rules
            event = next(events, None)
        for column in np.flatnonzero(panel.listed[row]):
            now = rules[panel.assets[column]]
            price = close[row, column]
            assert float(now.tick) <= 1e-2 * price
            assert float(now.lot) * price <= max(10.0, 1.01 * price)
            assert now.min_notional == Decimal(10)


def test_the_rules_of_bitcoin_are_those_of_a_venue(history) -> None:
    """Around 4,000 USDT: cents and hundred-thousandths."""
    event = next(
        event
        for event in of_kind(history, InstrumentRulesChanged)
        if event.asset == "BTC"
    )

    assert event.rules.tick == Decimal("0.01")
    assert event.rules.lot == Decimal("0.00001")
    assert event.rules.tradable


def test_a_cut_begins_with_the_rules_in_force(history) -> None:
    """What was said before the cut is folded into its first row."""
    in_force = {}
    for event in of_kind(history, InstrumentRulesChanged):
        if event.time_ns <= parse_time_ns("2019-12-01"):
            in_force[event.asset] = event.rules

    cut = load(start="2019-11-30")
    first_ns = int(cut.panel.close_ns[0])

    said = {
        event.asset: event.rules
        for event in of_kind(cut, InstrumentRulesChanged)
        if event.time_ns == first_ns
    }
    assert said == in_force


def test_a_redenomination_moves_the_raw_price_and_nothing_else(history) -> None:
    """One new price for a thousand old units; value, research price, cap go on."""
    panel = history.panel
    [action] = of_kind(history, CorporateActionApplied)
    column = panel.assets.index(action.asset)
    row = int(np.searchsorted(panel.close_ns, action.time_ns))

    ratio = action.numerator / action.denominator
    raw, research = panel.raw("close")[:, column], panel.research("close")[:, column]
    cap = panel.raw("market_cap")[:, column]
    assert action.time_ns == panel.close_ns[row] - DAY_NS + 1
    assert ratio == 1_000
    assert raw[row] / raw[row - 1] < 2.0 / ratio
    assert 0.5 < research[row] / research[row - 1] < 2.0
    assert 0.5 < cap[row] / cap[row - 1] < 2.0
    assert panel.adjustment is not None
    assert set(panel.adjustment[:row, column]) == {1.0}
    assert set(panel.adjustment[row:, column]) == {1_000.0}
    others = np.delete(panel.adjustment, column, axis=1)
    assert (others == 1.0).all()


def test_price_times_volume_does_not_notice_a_redenomination(history) -> None:
    """Base volume is in new units, quote volume in quote currency."""
    panel = history.panel

    turned_over = panel.raw("close") * panel.raw("volume")

    np.testing.assert_allclose(turned_over, panel.raw("quote_volume"), rtol=1e-9)


def test_a_halted_coin_trades_again(history) -> None:
    """Forty days without bars and without trading, with the reason in the table."""
    panel = history.panel
    [halted] = [
        instrument
        for instrument in history.instruments
        if instrument.end_reason is EndReason.HALTED
    ]
    column = panel.assets.index(halted.asset)
    last = int(np.searchsorted(panel.close_ns, halted.ended_ns))

    assert panel.listed[last, column]
    assert not panel.listed[last + 1 : last + 41, column].any()
    assert panel.listed[last + 41 :, column].all()
    switches = [
        (event.rules.tradable, event.time_ns)
        for event in of_kind(history, InstrumentRulesChanged)
        if event.asset == halted.asset
    ]
    assert (False, panel.close_ns[last] + 1) in switches
    assert (True, panel.close_ns[last + 40] + 1) in switches


def test_a_halt_that_is_over_before_a_cut_is_not_in_its_table(history) -> None:
    """A reader of later rows meets an ordinary coin."""
    cut = load(start="2019-12-31")

    assert all(
        instrument.end_reason is not EndReason.HALTED for instrument in cut.instruments
    )


def test_a_gap_of_a_few_bars_is_no_end(history) -> None:
    """Some coin misses three bars in its life and the table says nothing of it."""
    panel = history.panel
    gaps = {}
    for column, instrument in enumerate(history.instruments):
        rows = np.flatnonzero(panel.listed[:, column])
        missing = int(np.diff(rows).sum() - max(len(rows) - 1, 0))
        if missing:
            gaps[missing] = instrument.end_reason

    assert gaps == {3: None, 40: EndReason.HALTED}


def test_the_table_tells_the_life_of_every_coin(history) -> None:
    """Listed is the first close, ended the last one, delisted the reason."""
    panel = history.panel
    for column, instrument in enumerate(history.instruments):
        closes = panel.close_ns[panel.listed[:, column]]
        assert instrument.asset == panel.assets[column]
        assert instrument.quote == "USDT"
        if len(closes) == 0:
            assert instrument.listed_ns > panel.close_ns[-1]
            continue
        assert instrument.listed_ns == closes[0]
        if instrument.end_reason is EndReason.DELISTED:
            assert instrument.ended_ns == closes[-1]
        elif instrument.end_reason is None:
            assert instrument.ended_ns is None
            assert closes[-1] == panel.close_ns[-1]


def test_dead_coins_cannot_be_traded_any_more(history) -> None:
    """The venue ends trading just after the last bar."""
    stopped = {
        (event.asset, event.time_ns)
        for event in of_kind(history, InstrumentRulesChanged)
        if not event.rules.tradable
    }

    dead = {
        (instrument.asset, instrument.ended_ns + 1)
        for instrument in history.instruments
        if instrument.end_reason is EndReason.DELISTED
    }
    assert dead
    assert dead <= stopped
