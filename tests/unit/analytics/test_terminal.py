"""What a finished run says in the terminal."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from factortrader.analytics.terminal import terminal_summary


def said(**changes) -> str:
    values = {
        "fund": "Momentum [v2]",
        "quote": "USDT",
        "stamps": ("SYNTHETIC DATA",),
        "folder": Path("runs/r1"),
    }
    console = Console(width=80, color_system=None, record=True, file=StringIO())
    summary = {"sharpe": 1.234, "total_return": -0.5, "calmar": float("nan")}
    console.print(terminal_summary(summary, **(values | changes)))
    return console.export_text()


def test_it_shows_the_numbers_the_stamps_and_the_place() -> None:
    """Rounded as in the report, undefined as a dash; brackets are no markup."""
    text = said()

    for words in ("Momentum [v2]", "[SYNTHETIC DATA]", "−50.00 %", "1.23", "–"):
        assert words in text
    assert str(Path("runs/r1/report.html")) in text


def test_without_stamps_there_is_no_banner() -> None:
    """The first line is the name of the fund."""
    assert said(stamps=()).startswith("Momentum [v2]")
