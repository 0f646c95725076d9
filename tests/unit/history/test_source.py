"""The store serves a run: panel, instruments, events, fingerprint, notes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.unit.history.vendor_files import (
    DAY_0,
    bars,
    daily_mapping,
    imported,
)

from factortrader.errors import BadInput
from factortrader.instruments import EndReason
from factortrader.ports import History, HistorySource
from factortrader.units import DAY_NS
from factortrader_adapters.history.source import StoreSettings, StoreSource

TWO = bars("BTCUSDT", range(30)) + bars("LUNAUSDT", [*range(5), *range(20, 30)])


def load(
    folder: Path,
    *,
    start: int | None = None,
    end: int | None = None,
    warm_up_bars: int = 0,
    assets: tuple[str, ...] | None = None,
) -> History:
    """Start and end in days after 2022-01-01."""
    settings = StoreSettings(
        dataset="daily", store=str(folder / "store"), assets=assets
    )
    source: HistorySource = StoreSource(settings)
    return source.load(
        start_ns=None if start is None else DAY_0 + start * DAY_NS,
        end_ns=None if end is None else DAY_0 + end * DAY_NS,
        warm_up_bars=warm_up_bars,
    )


def days(history: History) -> list[int]:
    """Closes in days after 2022-01-01."""
    closes: list[int] = ((history.panel.close_ns - DAY_0) // DAY_NS).tolist()
    return closes


def test_the_range_is_open_at_its_start_and_closed_at_its_end(tmp_path: Path) -> None:
    """Bars with start < close ≤ end, and the warm-up rows before them."""
    imported(tmp_path, TWO)

    assert days(load(tmp_path, start=3, end=5)) == [4, 5]
    assert days(load(tmp_path, start=3, end=5, warm_up_bars=2)) == [2, 3, 4, 5]
    assert days(load(tmp_path, start=3, end=5, warm_up_bars=99)) == [1, 2, 3, 4, 5]
    assert len(days(load(tmp_path))) == 30


@pytest.mark.parametrize(("start", "end"), [(5, 3), (5, 5), (40, 50), (-9, -5)])
def test_a_range_without_a_bar_is_refused(tmp_path: Path, start: int, end: int) -> None:
    """An end before the start, and a range beside the data."""
    imported(tmp_path, TWO)

    with pytest.raises(BadInput, match="empty_range"):
        load(tmp_path, start=start, end=end)


def test_every_instrument_of_the_dataset_is_a_column(tmp_path: Path) -> None:
    """Also those whose life lies outside the range; a second life has its own."""
    imported(tmp_path, TWO)

    history = load(tmp_path, start=0, end=10)

    assert history.panel.assets == ("BTCUSDT", "LUNAUSDT", "LUNAUSDT#2")
    assert [one.asset for one in history.instruments] == list(history.panel.assets)
    first, second = history.instruments[1:]
    assert (first.ticker, second.ticker) == ("LUNAUSDT", "LUNAUSDT")
    assert (first.base, first.quote) == ("LUNA", "USDT")
    assert first.ended_ns == DAY_0 + 5 * DAY_NS
    assert first.end_reason is EndReason.UNKNOWN
    assert second.listed_ns == DAY_0 + 21 * DAY_NS
    assert second.end_reason is EndReason.CRAWL


def test_masks_say_where_a_bar_exists(tmp_path: Path) -> None:
    """Listed and eligible follow the bars; nothing is quarantined by a source."""
    imported(tmp_path, TWO)

    panel = load(tmp_path).panel

    np.testing.assert_array_equal(panel.listed, np.isfinite(panel.raw("close")))
    np.testing.assert_array_equal(panel.eligible, panel.listed)
    assert panel.clean.all()
    assert panel.listed.sum() == 45


def test_prices_that_the_vendor_lacks_are_nan_and_noted(tmp_path: Path) -> None:
    """Open is never a copy of close; the report is told how orders fill."""
    columns = {"time": "ts", "asset": "symbol", "close": "close"}
    imported(tmp_path, TWO, mapping=daily_mapping(columns=columns))

    history = load(tmp_path)

    for name in ("open", "high", "low", "volume"):
        assert np.isnan(history.panel.raw(name)).all()
    assert "no open prices in this data: orders fill at the next close" in history.notes
    assert any("not capped by participation" in note for note in history.notes)


def test_a_selection_of_assets_keeps_the_order_of_listing(tmp_path: Path) -> None:
    """Columns stand as in the whole dataset, whatever the order asked for."""
    imported(tmp_path, TWO)

    chosen = load(tmp_path, assets=("LUNAUSDT#2", "BTCUSDT"))
    whole = load(tmp_path)

    assert chosen.panel.assets == ("BTCUSDT", "LUNAUSDT#2")
    np.testing.assert_array_equal(
        chosen.panel.raw("close"), whole.panel.raw("close")[:, [0, 2]]
    )
    assert chosen.fingerprint != whole.fingerprint


def test_an_unknown_asset_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    """A ticker that is not in the data cannot be asked for."""
    imported(tmp_path, TWO)

    with pytest.raises(BadInput, match="did you mean 'BTCUSDT'"):
        load(tmp_path, assets=("BTCUSD",))


def test_the_fingerprint_is_of_the_content_wherever_it_lies(tmp_path: Path) -> None:
    """Another path, another import of the same rows: the same. Another price: not."""
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    imported(tmp_path / "one", TWO)
    imported(tmp_path / "two", list(reversed(TWO)))
    imported(tmp_path / "three", [*TWO[:-1], TWO[-1] | {"close": 129.5}])
    shutil.copytree(tmp_path / "one" / "store", tmp_path / "moved" / "store")

    first = load(tmp_path / "one").fingerprint

    assert load(tmp_path / "two").fingerprint == first
    assert load(tmp_path / "moved").fingerprint == first
    assert load(tmp_path / "three").fingerprint != first
    assert load(tmp_path / "one", end=20).fingerprint != first


def test_the_second_load_gives_what_the_first_gave(tmp_path: Path) -> None:
    """Mapped or freshly built, the panel is the same."""
    imported(tmp_path, TWO)
    shutil.rmtree(tmp_path / "store" / "daily" / "cube")

    first, second = load(tmp_path), load(tmp_path)

    for name, values in first.panel.fields.items():
        np.testing.assert_array_equal(values, second.panel.fields[name])
    assert first.fingerprint == second.fingerprint


def test_data_collected_with_hindsight_says_so(tmp_path: Path) -> None:
    """What the mapping knows about the file's membership reaches every run."""
    imported(tmp_path, TWO)
    assert not load(tmp_path).survivor_biased

    other = tmp_path / "other"
    other.mkdir()
    imported(other, TWO, mapping=daily_mapping(survivor_biased=True))
    assert load(other).survivor_biased
