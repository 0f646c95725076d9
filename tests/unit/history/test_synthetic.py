"""The synthetic market as a history source: cuts, records, determinism."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest

from factortrader.errors import BadInput
from factortrader.events import (
    FundingRatePublished,
)
from factortrader.instruments import InstrumentKind
from factortrader.market.panel import BAR_FIELDS, EXTRA_FIELDS
from factortrader.ports import HistorySource
from factortrader.units import DAY_NS, HOUR_NS, parse_time_ns
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


def test_the_panel_has_every_field_and_honest_masks(history) -> None:
    """A bar exists exactly where there is a close; nothing is quarantined."""
    panel = history.panel

    assert set(panel.fields) == {*BAR_FIELDS, *EXTRA_FIELDS}
    for name, values in panel.fields.items():
        np.testing.assert_array_equal(np.isfinite(values), panel.listed, err_msg=name)
    assert panel.clean.all()
    np.testing.assert_array_equal(panel.eligible, panel.listed)


def test_the_first_coins_are_the_market_and_its_runner_up(history) -> None:
    """BTC stands first and is the largest; tickers are unique and upper case."""
    assets = history.panel.assets

    assert assets[:2] == ("BTC", "ETH")
    assert len(set(assets)) == 24
    assert all(name.isascii() and name.isupper() for name in assets)
    assert np.nanargmax(history.panel.raw("market_cap")[0]) == 0


def test_a_bar_is_labelled_by_its_close() -> None:
    """The first daily bar of 2019 closes at midnight of the second of January."""
    panel = load().panel

    assert panel.interval_ns == DAY_NS
    assert panel.close_ns[0] == parse_time_ns("2019-01-02")
    assert set(np.diff(panel.close_ns)) == {DAY_NS}


def test_the_same_seed_makes_the_same_market(history) -> None:
    """Two sources with the same settings serve the same history."""
    again = load()

    assert_same_rows(history.panel, again.panel)
    assert again.instruments == history.instruments
    assert again.fingerprint == history.fingerprint


def test_another_seed_makes_another_market(history) -> None:
    """No price of the first bar is shared, and the fingerprint tells."""
    other = load(dataclasses.replace(SMALL, seed=4))

    shared = history.panel.raw("close")[0] == other.panel.raw("close")[0]
    assert not shared.any()
    assert other.fingerprint != history.fingerprint


@pytest.mark.slow
@pytest.mark.parametrize("bars", [2, 61, 200, 300, 519])
def test_a_longer_market_begins_with_the_shorter_one(history, bars) -> None:
    """Extending the market changes no earlier row."""
    shorter = load(dataclasses.replace(SMALL, bars=bars))

    assert_same_rows(shorter.panel, history.panel.rows(0, bars))


@pytest.mark.slow
@pytest.mark.parametrize("bars", [150, 221, 271, 300, 340])
def test_a_cut_knows_no_more_than_a_shorter_market(history, bars) -> None:
    """Instruments and events up to a date do not tell what happens after it."""
    shorter = load(dataclasses.replace(SMALL, bars=bars))
    end_ns = int(history.panel.close_ns[bars - 1])

    cut = SyntheticSource(SMALL).load(start_ns=None, end_ns=end_ns, warm_up_bars=0)

    assert cut.instruments == shorter.instruments
    assert len(cut.events) == len(shorter.events)
    for ours, theirs in zip(cut.events, shorter.events, strict=True):
        if isinstance(ours, FundingRatePublished):
            np.testing.assert_array_equal(ours.rates, theirs.rates)
            assert ours.time_ns == theirs.time_ns
        else:
            assert ours == theirs


def test_a_cut_holds_the_bars_asked_for_and_the_warm_up_before(history) -> None:
    """Start is exclusive, end inclusive, and the warm-up comes on top."""
    cut = load(start="2019-06-01", end="2019-06-10", warm_up_bars=5)

    assert cut.panel.close_ns[0] == parse_time_ns("2019-05-28")
    assert cut.panel.close_ns[-1] == parse_time_ns("2019-06-10")
    assert cut.panel.bars == 9 + 5
    first = int(np.searchsorted(history.panel.close_ns, cut.panel.close_ns[0]))
    assert_same_rows(cut.panel, history.panel.rows(first, first + 14))


def test_a_warm_up_ends_at_the_first_bar_there_is(history) -> None:
    """Fewer rows than asked for come where the market is younger."""
    cut = load(start="2019-01-04", end="2019-01-08", warm_up_bars=50)

    assert cut.panel.bars == 7
    assert_same_rows(cut.panel, history.panel.rows(0, 7))


@pytest.mark.parametrize(
    ("start", "end"),
    [("2030-01-01", None), (None, "2019-01-01"), ("2019-03-01", "2019-03-01")],
)
def test_a_range_without_a_bar_is_refused(start, end) -> None:
    """The refusal says which bars there are."""
    with pytest.raises(BadInput) as refusal:
        load(start=start, end=end)

    assert refusal.value.code == "no_bars"
    assert "2019-01-02 to 2020-06-04" in refusal.value.why


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"assets": 1}, "synthetic_assets"),
        ({"assets": 10_000}, "synthetic_assets"),
        ({"bars": 1}, "synthetic_bars"),
        ({"interval": "1x"}, "interval"),
        ({"first_open": "yesterday"}, "time"),
    ],
)
def test_settings_without_a_market_are_refused(changes, code) -> None:
    """Each refusal names the setting."""
    with pytest.raises(BadInput) as refusal:
        SyntheticSource(dataclasses.replace(SMALL, **changes))

    assert refusal.value.code == code
    assert next(iter(changes)) in refusal.value.where


def test_configuration_outside_a_range_is_refused() -> None:
    """The ranges of the settings are enforced where configuration is parsed."""
    with pytest.raises(msgspec.ValidationError, match="momentum_premium_annual"):
        msgspec.convert({"momentum_premium_annual": 5.0}, SyntheticSettings)


def test_it_says_that_it_is_synthetic(history) -> None:
    """The stamp, the seed and the planted premia reach the report."""
    notes = " ".join(history.notes)

    assert history.synthetic
    assert "SYNTHETIC" in notes
    assert "seed 3" in notes
    assert "momentum +0.30" in notes


def test_the_fingerprint_covers_what_is_served(history) -> None:
    """A cut and another premium are other data."""
    cut = load(end="2020-01-01")
    planted = load(dataclasses.replace(SMALL, carry_premium_annual=0.31))

    assert len({history.fingerprint, cut.fingerprint, planted.fingerprint}) == 3


def test_perpetuals_have_margins() -> None:
    """The same coins, traded as linear perpetuals."""
    spot, perpetuals = load(), load(dataclasses.replace(SMALL, perpetuals=True))

    assert_same_rows(spot.panel, perpetuals.panel)
    assert {i.kind for i in spot.instruments} == {InstrumentKind.SPOT}
    assert {i.kind for i in perpetuals.instruments} == {InstrumentKind.PERPETUAL}
    for instrument in perpetuals.instruments:
        assert 0 < instrument.maintenance_margin < instrument.initial_margin < 1


@pytest.mark.slow
def test_intraday_markets_keep_annual_scales() -> None:
    """Hourly bars move about √24 times less than daily ones."""
    hourly = load(SyntheticSettings(assets=24, bars=1_500, interval="1h")).panel
    daily = load(SyntheticSettings(assets=24, bars=1_500)).panel

    def usual_move(panel):
        close = panel.raw("close")
        return np.nanmedian(np.abs(close[1:] / close[:-1] - 1.0))

    assert hourly.interval_ns == HOUR_NS
    assert 3.5 < usual_move(daily) / usual_move(hourly) < 7.5


@pytest.mark.slow
@pytest.mark.parametrize("assets", [2, 3, 5, 8])
def test_small_markets_work(assets) -> None:
    """Parts without an actor are left out of the play."""
    history = load(SyntheticSettings(assets=assets, bars=400))

    assert (
        history.panel.assets == load(SMALL).panel.assets[:2] + history.panel.assets[2:]
    )
    assert len(history.instruments) == assets
    assert history.panel.listed[0].all()
