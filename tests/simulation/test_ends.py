"""From a vendor's file to the run folder: what ends is lost, what returns is another.

A small market in the shape of the vendors' files: a coin that falls to nothing, stops
and returns as another one, a stablecoin that breaks and stops, a redenomination.
`tests/e2e/test_real_data.py` says the same of LUNA, UST and SUN themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from tests.run_folders import (
    dealings,
    equity,
    is_rederived,
    last_quantities,
    replay,
    settlements,
    summary,
    table,
    values,
)
from tests.unit.history.vendor_files import bar, imported, run_import

CONFIG = Path(__file__).resolve().parents[2] / "config"
DAYS = 90
LAST_DAY, RETURN_DAY = 40, 58
SPLIT_DAY, RATIO = 60, 1_000
STRATEGIES = {
    "equal_weight": ("factortrader_strategies.equal_weight:EqualWeight", "weekly"),
    "buy_and_hold": ("factortrader_strategies.buy_and_hold:BuyAndHold", "once"),
}

pytestmark = pytest.mark.slow


def day(number: int) -> pd.Timestamp:
    """The close of the bar of this day."""
    return pd.Timestamp("2022-01-01", tz="UTC") + pd.Timedelta(days=number + 1)


def luna(number: int) -> float:
    """100, a ten-millionth of it on the last two days, and 8.87 as another coin."""
    if number < LAST_DAY - 1:
        return 100.0
    return 0.00005 if number <= LAST_DAY else 8.87


def sun(number: int) -> float:
    return 25.0 if number < SPLIT_DAY else 25.0 / RATIO


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vendor")
    lunas = [*range(LAST_DAY + 1), *range(RETURN_DAY, DAYS)]
    rows = [bar("BTCUSDT", n, 40_000.0 + 10.0 * n, volume=1e6) for n in range(DAYS)]
    rows += [bar("LUNAUSDT", n, luna(n), volume=1e12) for n in lunas]
    rows += [
        bar("USTUSDT", n, 1.0 if n < LAST_DAY else 0.25, volume=1e12)
        for n in range(LAST_DAY + 1)
    ]
    rows += [
        bar("SUNUSDT", n, sun(n), volume=1e12)
        for n in range(DAYS)
        if not SPLIT_DAY - 3 <= n < SPLIT_DAY
    ]
    imported(folder, rows)
    actions = folder / "actions.csv"
    date = (day(SPLIT_DAY - 1)).isoformat()
    actions.write_text(f"time,asset,numerator,denominator\n{date},SUNUSDT,{RATIO},1\n")
    run_import(folder / "store", actions, "actions", name="daily")
    return folder / "store"


def run(store: Path, folder: Path, strategy: str, *assets: str) -> Path:
    """A simple fund that holds these, from the tenth day on."""
    name, every = STRATEGIES[strategy]
    config = folder / "fund.toml"
    config.write_text(
        f'extends = "{CONFIG / "research.toml"}"\n[signal]\nstrategy = "{name}"\n'
    )
    changes: Mapping[str, object] = {
        "data.dataset": "daily",
        "data.store": str(store),
        "data.start": str(day(9).date()),
        "universe.include": list(assets),
        "universe.min_history_bars": 5,
        "universe.min_dollar_volume": 0,
        "universe.volume_window_bars": 5,
        "portfolio.top_n": len(assets),
        "portfolio.max_weight": 0.5,
        "risk.max_weight": 1.0,
        "schedule.every": every,
    }
    return replay(config, folder / "run", changes=changes)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_holds_a_dying_coin_loses_it(
    store: Path, tmp_path: Path, strategy: str
) -> None:
    """Ten bars after the last one it is settled at nothing; its ticker's return
    belongs to another instrument and earns no holder of the first."""
    folder = run(store, tmp_path, strategy, "BTCUSDT", "LUNAUSDT*", "USTUSDT")

    settled = table(folder, "cashflows").query("kind == 'settlement'")
    assert settlements(folder) == {"LUNAUSDT": 0.0, "USTUSDT": 0.0}
    assert set(settled["time"]) == {day(LAST_DAY + 10)}
    for asset in ("LUNAUSDT", "USTUSDT"):
        assert dealings(folder, asset).iloc[-1] < day(LAST_DAY + 10)
        fills = table(folder, "fills")
        assert fills.loc[fills["asset"] == asset, "time"].max() <= day(LAST_DAY)
        assert asset not in last_quantities(folder)
    assert equity(folder).pct_change().max() < 0.01
    assert equity(folder).iloc[-1] < 0.75 * equity(folder).iloc[0]
    assert is_rederived(folder)


def test_the_coin_that_returns_is_bought_as_another(
    store: Path, tmp_path: Path
) -> None:
    """A fund that rebalances holds the second coin under its own name."""
    folder = run(store, tmp_path, "equal_weight", "BTCUSDT", "LUNAUSDT*", "USTUSDT")

    first = dealings(folder, "LUNAUSDT#2").iloc[0]
    assert first > day(RETURN_DAY)
    assert last_quantities(folder)["LUNAUSDT#2"] > 0.0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_redenomination_changes_quantity_and_mark_and_nothing_else(
    store: Path, tmp_path: Path, strategy: str
) -> None:
    """A thousand new units for each old one, at a thousandth: the value stands."""
    folder = run(store, tmp_path, strategy, "BTCUSDT", "SUNUSDT")

    held = values(folder, "SUNUSDT")
    before = held[held.index < day(SPLIT_DAY - 1)].iloc[-1]
    after = held[held.index >= day(SPLIT_DAY)].iloc[0]
    assert after["mark"] == pytest.approx(before["mark"] / RATIO, rel=1e-12)
    assert after["quantity"] == pytest.approx(before["quantity"] * RATIO, rel=1e-12)
    assert settlements(folder) == {}
    assert summary(folder)["total_return"] > -0.01
    assert is_rederived(folder)
