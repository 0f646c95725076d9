"""Progress and results on a terminal, with rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from factortrader.analytics.run_folder import json_text
from factortrader.analytics.terminal import terminal_summary
from factortrader.cli.output import say
from factortrader.runtime.run import Run

_EVERY_BARS = 64
"""Drawing is dearer than a bar."""


class _Rate(ProgressColumn):
    """Bars per second so far."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


@contextmanager
def bars_progress(bars: int, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with rate and time left, on stderr; nothing when quiet."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("bars"),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    with progress:
        task = progress.add_task("bars", total=bars)

        def heard(done: int, total: int) -> None:
            if done % _EVERY_BARS == 0 or done == total:
                progress.update(task, completed=done)

        yield heard


def show_run(run: Run, *, as_json: bool) -> None:
    """The headline figures, or the whole summary as JSON."""
    if as_json:
        say(json_text(run.summary).rstrip())
        return
    Console().print(
        terminal_summary(
            run.summary,
            fund=run.facts.fund,
            quote=run.facts.quote,
            stamps=run.facts.stamps,
            folder=run.folder,
        )
    )
