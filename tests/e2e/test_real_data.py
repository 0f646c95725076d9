"""Funds on the vendors' own files: what died there dies here, and nothing is made up.

The files are not distributed: these tests need the folder `shared/data` beside the
checkout. Generated twins that run everywhere are in `tests/simulation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from tests.run_folders import (
    command,
    dealings,
    equity,
    is_rederived,
    last_quantities,
    manifest,
    overrides,
    replay,
    settlements,
    summary,
    table,
    values,
)
from tests.runs import Told, replayed

from factortrader.runtime.assembly import build_fund, read_config
from factortrader.runtime.codec import encode
from factortrader.units import parse_time_ns

ROOT = Path(__file__).resolve().parents[2]
VENDORS = ROOT / ".." / "shared" / "data"
CONFIG = ROOT / "config"
DATASETS = {
    "binance_1d": "binance_1d_from_1h",
    "coingecko": "xs_daily_coingecko",
    "binance_1h": "klines_1h",
}
"""Our name → the vendor's file and the mapping of the same name."""

SHIPPED = ("momentum", "reversal", "multi_factor")
SIMPLE = {
    "equal_weight": "factortrader_strategies.equal_weight:EqualWeight",
    "buy_and_hold": "factortrader_strategies.buy_and_hold:BuyAndHold",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all((VENDORS / f"{name}.parquet").is_file() for name in DATASETS.values()),
        reason="the vendors' files are not beside this checkout",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A dataset, and what a fund of the shipped configuration changes to trade it.

    start, middle, end: a stretch that is short and in which something dies.
    """

    start: str
    middle: str
    end: str
    changes: Mapping[str, object]


MARKETS = {
    "binance_1d": Market(
        start="2022-03-01",
        middle="2022-05-20",
        end="2022-07-01",
        changes={"fund.benchmark": "BTCUSDT"},
    ),
    "coingecko": Market(
        start="2022-03-01",
        middle="2022-05-20",
        end="2022-07-01",
        changes={
            "fund.benchmark": "bitcoin",
            "fund.quote": "USD",
            "execution.legs": "together",  # there is no open to share
        },
    ),
    "binance_1h": Market(
        start="2022-04-20",
        middle="2022-05-13T06:00",
        end="2022-06-05",
        changes={
            "fund.benchmark": "BTCUSDT",
            "universe.size": 6,
            "universe.min_history_bars": 240,
            "portfolio.top_n": 3,
            "portfolio.max_weight": 0.4,
            "risk.max_weight": 0.5,
            "schedule.every": "daily",
        },
    ),
}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three vendor files, imported by the shipped mappings, redenominations attached."""
    folder = tmp_path_factory.mktemp("real") / "market"

    def imported(file: Path, mapping: str, name: str) -> None:
        spoken = CONFIG / "data" / f"{mapping}.toml"
        words = ("--mapping", spoken, "--name", name, "--store", folder, "--json")
        assert command("data", "import", file, *words) == 0

    for name, vendor in DATASETS.items():
        imported(VENDORS / f"{vendor}.parquet", vendor, name)
    actions = CONFIG / "data" / "binance_redenominations.csv"
    imported(actions, "actions", "binance_1d")
    return folder


@pytest.fixture(scope="session")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Configurations of the strategies that need no parameters."""
    folder = tmp_path_factory.mktemp("simple")
    paths = {}
    for name, strategy in SIMPLE.items():
        every = "once" if name == "buy_and_hold" else "weekly"
        paths[name] = folder / f"{name}.toml"
        paths[name].write_text(
            f'extends = "{CONFIG / "research.toml"}"\n'
            f'[fund]\nname = "{name}"\n'
            f'[signal]\nstrategy = "{strategy}"\n'
            f'[schedule]\nevery = "{every}"\n'
        )
    return paths


def changes_of(
    store: Path, dataset: str, more: Mapping[str, object] | None = None
) -> dict[str, object]:
    """What the configuration changes for this dataset, by dotted key."""
    market = MARKETS[dataset]
    return {
        "data.dataset": dataset,
        "data.store": str(store),
        "data.start": market.start,
        "data.end": market.end,
        **market.changes,
        **(more or {}),
    }


def fund_messages(
    config: Path, changes: Mapping[str, object], *, memo: bool = True
) -> Told:
    """Everything that this fund says."""
    return replayed(
        build_fund(read_config(config, overrides=overrides(changes))), memo=memo
    )


def hold(*assets: str) -> dict[str, object]:
    """Changes that make a simple fund hold these and nothing else."""
    return {
        "universe.include": list(assets),
        "universe.exclude": [],
        "universe.min_history_bars": 5,
        "universe.min_dollar_volume": 0,
        "portfolio.top_n": len(assets),
        "portfolio.max_weight": 0.5,
        "risk.max_weight": 1.0,
    }


def at(date: str) -> pd.Timestamp:
    return pd.Timestamp(date, tz="UTC")


def capital(folder: Path) -> float:
    return float(manifest(folder)["capital"])


@pytest.mark.parametrize("fund", SHIPPED)
@pytest.mark.parametrize("dataset", MARKETS)
def test_the_shipped_funds_trade_every_dataset_at_a_cost(
    store: Path, tmp_path: Path, dataset: str, fund: str
) -> None:
    """Fills are paid for, and a stranger comes to the same equity at every bar."""
    folder = replay(
        CONFIG / f"{fund}.toml", tmp_path / "run", changes=changes_of(store, dataset)
    )

    found = summary(folder)
    assert found["trades"] > 20
    assert found["total_fees"] > 0.0
    assert found["total_slippage"] > 0.0
    assert found["cost_drag"] > 0.0
    assert is_rederived(folder)
    assert (folder / "report.html").stat().st_size > 20_000


@pytest.mark.parametrize("strategy", SIMPLE)
@pytest.mark.parametrize(
    ("dataset", "ends"),
    [
        (
            "binance_1d",
            {
                "LUNAUSDT": ("2022-05-14", "2022-05-24"),
                "USTUSDT": ("2022-05-14", "2022-05-24"),
                "FTTUSDT": ("2022-11-16", "2022-11-26"),
            },
        ),
        (
            "binance_1h",
            {
                "LUNAUSDT": ("2022-05-13T01:00", "2022-05-13T11:00"),
                "USTUSDT": ("2022-05-13T01:00", "2022-05-13T11:00"),
                "FTTUSDT": ("2022-11-15T05:00", "2022-11-15T15:00"),
            },
        ),
    ],
)
def test_luna_ust_and_ftt_die_in_the_results(
    store: Path,
    simple: Mapping[str, Path],
    tmp_path: Path,
    strategy: str,
    dataset: str,
    ends: Mapping[str, tuple[str, str]],
) -> None:
    """Ten bars after its last one each is settled at nothing, and what comes back
    under its ticker is another instrument: nobody earns ×177,000."""
    changes = changes_of(store, dataset, hold("BTCUSDT", *(f"{one}*" for one in ends)))
    changes |= {"data.start": "2022-05-01", "data.end": "2022-12-01"}
    if strategy == "buy_and_hold":
        changes["signal.parameters.assets"] = ["BTCUSDT", *ends]
    folder = replay(simple[strategy], tmp_path / "run", changes=changes)

    flows = table(folder, "cashflows")
    settled = flows[flows["kind"] == "settlement"].set_index("asset")
    assert set(settled.index) == set(ends)
    for asset, (last_bar, end) in ends.items():
        assert float(settled.loc[asset, "amount"]) == 0.0
        assert settled.loc[asset, "time"] == at(end)
        assert dealings(folder, asset).iloc[-1] < at(end)
        fills = table(folder, "fills")
        assert fills.loc[fills["asset"] == asset, "time"].max() <= at(last_bar)
        assert asset not in last_quantities(folder)
    assert equity(folder).pct_change().max() < 0.6  # Terra 2.0 rose by 168 % in a day
    assert is_rederived(folder)


def test_the_fall_of_luna_is_the_loss_of_who_held_it(
    store: Path, simple: Mapping[str, Path], tmp_path: Path
) -> None:
    """Buy and hold loses what stood in the three, at cost, to within its costs."""
    dying = ("LUNAUSDT", "USTUSDT", "FTTUSDT")
    changes = changes_of(store, "binance_1d", hold("BTCUSDT", *dying))
    changes |= {"data.start": "2022-05-01", "data.end": "2022-12-15"}
    folder = replay(simple["buy_and_hold"], tmp_path / "run", changes=changes)

    fills = table(folder, "fills")
    paid = fills["quantity"].astype(float) * fills["price"].astype(float)
    bitcoin = values(folder, "BTCUSDT")["value"].iloc[-1]
    cash = capital(folder) - paid.sum() - summary(folder)["total_fees"]
    assert set(fills["asset"]) == {"BTCUSDT", *dying}
    assert equity(folder).iloc[-1] == pytest.approx(bitcoin + cash, rel=1e-12)
    assert equity(folder).iloc[-1] < 0.5 * capital(folder)


def test_terra_classic_keeps_its_place_at_coingecko(
    store: Path, simple: Mapping[str, Path], tmp_path: Path
) -> None:
    """There it trades on under its own id, at a ten-thousandth of what it was; the
    token whose crawl ended is settled at its last price."""
    dying = ("terra-luna", "terrausd", "ftx-token")
    changes = changes_of(store, "coingecko", hold("bitcoin", *dying))
    changes |= {"data.start": "2022-05-01", "data.end": "2022-12-15"}
    folder = replay(simple["buy_and_hold"], tmp_path / "run", changes=changes)

    terra = values(folder, "terra-luna")["value"]
    assert terra.index[-1] == equity(folder).index[-1]
    assert terra.iloc[-1] < 0.003 * terra.iloc[0]
    assert set(settlements(folder)) == {"ftx-token"}
    assert settlements(folder)["ftx-token"] > 0.0
    assert is_rederived(folder)


@pytest.mark.parametrize(
    ("asset", "date", "ratio"),
    [
        ("SUNUSDT", "2021-06-18", 1000),
        ("VIDTUSDT", "2022-11-09", 10),
        ("QUICKUSDT", "2023-07-21", 1000),
    ],
)
def test_a_redenomination_neither_earns_nor_loses(
    store: Path,
    simple: Mapping[str, Path],
    tmp_path: Path,
    asset: str,
    date: str,
    ratio: int,
) -> None:
    """The price falls by the ratio, the quantity grows by it, the value goes on."""
    changes = changes_of(store, "binance_1d", hold(asset, "BTCUSDT"))
    changes |= {
        "data.start": str((at(date) - pd.Timedelta(days=20)).date()),
        "data.end": str((at(date) + pd.Timedelta(days=20)).date()),
    }
    folder = replay(simple["buy_and_hold"], tmp_path / "run", changes=changes)

    held = values(folder, asset)
    before, after = held[held.index < at(date)], held[held.index > at(date)]
    assert after["mark"].iloc[0] < 3.0 * before["mark"].iloc[-1] / ratio
    assert after["quantity"].iloc[0] == pytest.approx(
        ratio * before["quantity"].iloc[-1], rel=1e-12
    )
    moved = after["mark"].iloc[0] * ratio / before["mark"].iloc[-1]
    assert after["value"].iloc[0] == pytest.approx(
        moved * before["value"].iloc[-1], rel=1e-12
    )
    assert 0.3 < moved < 3.0
    assert settlements(folder) == {}
    assert is_rederived(folder)


@pytest.mark.parametrize(
    ("dataset", "fund"),
    [
        *(("binance_1d", fund) for fund in (*SHIPPED, *SIMPLE)),
        ("coingecko", "multi_factor"),
        ("binance_1h", "multi_factor"),
    ],
)
def test_a_replay_to_a_date_is_the_beginning_of_the_whole_one(
    store: Path, simple: Mapping[str, Path], dataset: str, fund: str
) -> None:
    """Every message up to the date, orders and fills among them, to the byte."""
    config = simple.get(fund, CONFIG / f"{fund}.toml")
    middle = MARKETS[dataset].middle

    full = fund_messages(config, changes_of(store, dataset)).messages
    short = fund_messages(
        config, changes_of(store, dataset, {"data.end": middle})
    ).messages

    known = [each for each in full if each.time_ns <= parse_time_ns(middle)]
    assert len(known) > len(short) // 2
    assert len(short) < len(full)
    assert [encode(each) for each in short] == [encode(each) for each in known]


@pytest.mark.parametrize("dataset", MARKETS)
def test_without_the_memo_real_data_leaves_the_same_journal(
    store: Path, dataset: str
) -> None:
    """Factors from their window bar by bar, or once over the whole history."""
    changes = changes_of(store, dataset, {"data.end": MARKETS[dataset].middle})
    config = CONFIG / "multi_factor.toml"

    by_memo = fund_messages(config, changes)
    by_window = fund_messages(config, changes, memo=False)

    assert by_memo.head == by_window.head


def test_the_same_command_twice_gives_the_same_run_and_both_verify(
    store: Path, tmp_path: Path
) -> None:
    """The summary to the byte, the journal to its head."""
    config = CONFIG / "momentum.toml"
    changes = changes_of(store, "binance_1d")

    one, other = (
        replay(config, tmp_path / name, "--journal", changes=changes)
        for name in ("one", "other")
    )

    assert (one / "summary.json").read_bytes() == (other / "summary.json").read_bytes()
    assert manifest(one)["journal_head"] == manifest(other)["journal_head"]
    assert command("verify", one) == command("verify", other) == 0
