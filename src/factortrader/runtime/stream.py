"""A history as the events that the core would have heard."""

from __future__ import annotations

from collections.abc import Iterator

from factortrader.events import BarsClosed, Event
from factortrader.market.panel import BAR_FIELDS
from factortrader.ports import History


def bar_at(history: History, row: int) -> BarsClosed:
    """The bar of that row, as views into the panel."""
    panel = history.panel
    close_ns = int(panel.close_ns[row])
    fields = {
        name: values[row]
        for name, values in panel.fields.items()
        if name not in BAR_FIELDS
    }
    if panel.adjustment is not None:
        fields["adjustment"] = panel.adjustment[row]
    return BarsClosed(
        time_ns=close_ns,
        close_ns=close_ns,
        interval_ns=panel.interval_ns,
        assets=panel.assets,
        open=panel.fields["open"][row],
        high=panel.fields["high"][row],
        low=panel.fields["low"][row],
        close=panel.fields["close"][row],
        volume=panel.fields["volume"][row],
        fields=fields,
        listed=panel.listed[row],
        clean=panel.clean[row],
        eligible=panel.eligible[row],
    )


def bars(history: History) -> Iterator[BarsClosed]:
    """Every bar, oldest first."""
    for row in range(history.panel.bars):
        yield bar_at(history, row)


def news(history: History) -> Iterator[Event]:
    """What the market said besides bars, oldest first."""
    return iter(history.events)
