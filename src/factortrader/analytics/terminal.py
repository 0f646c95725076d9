"""What a finished run says in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from factortrader.analytics.report_html import metric_text

SHOWN: Final = {
    "total_return": "Total return",
    "annual_return": "Annual return",
    "volatility": "Volatility",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "max_drawdown": "Maximum drawdown",
    "calmar": "Calmar",
    "annual_turnover": "Annual turnover",
    "cost_drag": "Cost drag a year",
    "trades": "Fills",
    "rebalances": "Rebalances",
    "final_equity": "Final equity",
}


def terminal_summary(
    summary: Mapping[str, float],
    *,
    fund: str,
    quote: str,
    stamps: Sequence[str],
    folder: Path,
) -> RenderableType:
    """The headline numbers in a table, the stamps above, the folder below."""
    numbers = Table(title=Text(fund, style="bold"), title_justify="left", box=None)
    numbers.add_column("metric", style="dim", header_style="dim")
    numbers.add_column("value", justify="right", header_style="dim")
    for key, name in SHOWN.items():
        if key in summary:
            unit = f" {quote}" if key == "final_equity" else ""
            numbers.add_row(name, Text(metric_text(key, summary[key]) + unit))
    parts: list[RenderableType] = []
    if stamps:
        parts.append(Text("  ".join(f"[{stamp}]" for stamp in stamps), "bold yellow"))
    parts.append(numbers)
    parts.append(Text.assemble("report  ", (str(folder / "report.html"), "bold")))
    return Group(*parts)
