"""What is kept of a golden replay: enough to see that it changed, and where."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from tests.funds import FUNDS
from tests.runs import Told, golden

from factortrader.events import (
    OrderFilled,
    OrderRequested,
    PortfolioMarked,
    SubmitOrder,
    TargetsSet,
)

FILE: Final = Path(__file__).parent / "results.toml"
_HEADER: Final = """\
# What the funds of tests/funds.py come to. Made by `python tests/golden/regenerate.py`;
# a change here is a change of behavior and belongs into the commit that causes it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """rebalances: targets that were set. orders, fills: sent, and executions.

    final_equity: quote currency at the last bar. order_digest: over the id, asset and
    side of every order in the order of sending; it holds across machines (R1).
    """

    rebalances: int
    orders: int
    fills: int
    final_equity: float
    order_digest: str


def result(told: Told) -> Result:
    """Of one replay."""
    orders = [each.order for each in told.of(SubmitOrder)]
    return Result(
        rebalances=len(told.of(TargetsSet)),
        orders=len(orders),
        fills=len(told.of(OrderFilled)),
        final_equity=told.of(PortfolioMarked)[-1].equity,
        order_digest=order_digest(orders),
    )


def order_digest(orders: list[OrderRequested]) -> str:
    """16 hex digits over (id, asset, side), one order a line."""
    digest = blake2b(digest_size=8)
    for order in orders:
        digest.update(f"{order.order_id} {order.asset} {order.side}\n".encode())
    return digest.hexdigest()


def replayed_results() -> dict[str, Result]:
    return {name: result(golden(name)) for name in FUNDS}


def read() -> dict[str, Result]:
    """What was kept, by fund."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: Result(**table) for name, table in tables.items()}


def text(results: Mapping[str, Result]) -> str:
    """The file's content: one table a fund, one line a figure."""
    parts = [_HEADER]
    for name, figures in results.items():
        lines = [f"{key} = {_toml(value)}" for key, value in asdict(figures).items()]
        parts.append("\n".join([f"[{name}]", *lines, ""]))
    return "\n".join(parts)


def _toml(value: float | str) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def differences(kept: Result, now: Result) -> list[str]:
    """What moved, in words. Equity may differ by 1e-6 of itself."""
    moved = []
    for key, before in asdict(kept).items():
        after = getattr(now, key)
        if isinstance(before, float):
            if abs(after - before) > 1e-6 * abs(before):
                moved.append(f"{key}: {before:,.2f} → {after:,.2f}")
        elif after != before:
            moved.append(f"{key}: {before} → {after}")
    return moved
