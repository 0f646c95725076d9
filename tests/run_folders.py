"""What tests read out of a run folder, and the commands that write one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from tests.stranger import largest_error

from factortrader.cli import main

TOLERANCE = 1e-9
"""Relative error up to which a stranger's equity is the recorded one."""


def command(*words: object) -> int:
    """One command line; the exit code."""
    return main([str(word) for word in words])


def overrides(changes: Mapping[str, object]) -> list[str]:
    """Values by dotted key, as `--set` takes them."""
    return [f"{key}={json.dumps(value)}" for key, value in changes.items()]


def replay(
    config: Path,
    folder: Path,
    *options: str,
    changes: Mapping[str, object] | None = None,
) -> Path:
    """`factortrader replay` of this file into this folder."""
    sets = [word for each in overrides(changes or {}) for word in ("--set", each)]
    words = ("replay", config, "--out", folder, "--json", *options, *sets)
    assert command(*words) == 0
    return folder


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def summary(folder: Path) -> dict[str, float]:
    numbers: dict[str, float] = json.loads((folder / "summary.json").read_text())
    return numbers


def manifest(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return facts


def equity(folder: Path) -> pd.Series:
    """Equity by bar."""
    return table(folder, "equity").set_index("time")["equity"]


def settlements(folder: Path) -> dict[str, float]:
    """Asset → what its settlement brought, in quote."""
    flows = table(folder, "cashflows")
    ended = flows[flows["kind"] == "settlement"]
    return dict(zip(ended["asset"], ended["amount"].astype(float), strict=True))


def dealings(folder: Path, asset: str) -> pd.Series:
    """When this asset was filled or marked, ascending."""
    times = [
        rows.loc[rows["asset"] == asset, "time"]
        for rows in (table(folder, "fills"), table(folder, "positions"))
    ]
    return pd.concat(times).sort_values(ignore_index=True)


def last_quantities(folder: Path) -> dict[str, float]:
    """Asset → quantity held at the last bar."""
    held = table(folder, "positions")
    last = held[held["time"] == equity(folder).index[-1]]
    return dict(zip(last["asset"], last["quantity"], strict=True))


def values(folder: Path, asset: str) -> pd.DataFrame:
    """Quantity, mark and value of one asset, by bar."""
    held = table(folder, "positions")
    own = held[held["asset"] == asset].set_index("time")[["quantity", "mark"]]
    return own.assign(value=own["quantity"] * own["mark"])


def is_rederived(folder: Path) -> bool:
    """Whether a stranger comes to the same equity at every bar."""
    return largest_error(folder) <= TOLERANCE
