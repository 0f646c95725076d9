"""The life cycle as a page: a Mermaid diagram and a table, out of the one table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from factortrader.events import CancelRejected, Event, OrderAdopted, OrderFilled
from factortrader.orders.lifecycle import BIRTHS, CLOSED, TRANSITIONS, OrderState

_S = OrderState

_MEANING: Final[Mapping[OrderState, tuple[str, bool]]] = MappingProxyType(
    {
        _S.PLANNED: ("execution wants it; risk has not judged it yet", True),
        _S.REFUSED: ("ours: the plan or the order broke a limit", False),
        _S.APPROVED: ("risk lets it pass; nothing is sent yet", False),
        _S.SUBMITTING: ("the intent: durable before the first byte", True),
        _S.UNKNOWN: ("the outcome is not known: blocks the asset", True),
        _S.OPEN: ("the venue has it, nothing is filled", True),
        _S.PARTLY_FILLED: ("the venue has it, a part is filled", True),
        _S.CANCELING: ("a cancel is on its way", True),
        _S.FILLED: ("the whole quantity is filled", True),
        _S.CANCELED: ("ended by a cancel; what was filled stays", True),
        _S.EXPIRED: ("ended by the venue; what was filled stays", True),
        _S.REJECTED: ("the venue's: never entered its book", True),
        _S.ABSENT: ("proven never to have reached the venue", True),
        _S.SETTLED: ("Σ fills = cumulative: nothing more can come", True),
        _S.PARKED: ("contradictory: waits for a person, blocks the asset", True),
        _S.ADOPTED: ("found at the venue with our tag, without an intent", True),
    }
)
"""What the state says, and whether it is durable before the next step."""


def possible(state: OrderState, event: type[Event]) -> tuple[OrderState, ...]:
    """Every state the event can lead to, the cumulative fill being what it may."""
    known = TRANSITIONS[state, event]
    if event is OrderFilled and known in (_S.PARTLY_FILLED, _S.CANCELING):
        return (known, _S.FILLED)
    if event is CancelRejected and state is _S.CANCELING:
        return (_S.OPEN, _S.PARTLY_FILLED)
    if event is OrderAdopted and state is _S.PARKED:
        return (_S.OPEN, _S.PARTLY_FILLED, _S.FILLED)
    return (known,)


def lifecycle_page() -> str:
    """`docs/order-lifecycle.md`: the diagram, the table, and what they leave out."""
    return "\n".join(
        [
            "# The life cycle of an order",
            "",
            "Generated from `TRANSITIONS` in `src/factortrader/orders/lifecycle.py`,",
            "where the theory stands on top. `python -m factortrader.orders.diagram`",
            "writes this page; a test proves that it is current.",
            "",
            "```mermaid",
            *_diagram(),
            "```",
            "",
            "Arrows that lead back to the same state are left out; the table has them.",
            "Where an order is at the venue, its cumulative fill decides between open,",
            "partly filled and filled. Every other event raises `IllegalTransition` and",
            "changes nothing.",
            "",
            *_table(),
            "",
        ]
    )


def _diagram() -> list[str]:
    arrows: dict[tuple[OrderState, OrderState], list[str]] = {}
    for state, event in TRANSITIONS:
        for target in possible(state, event):
            if target is not state:
                arrows.setdefault((state, target), []).append(event.__name__)
    births = [f"    [*] --> {born}: {event.__name__}" for event, born in BIRTHS.items()]
    moves = [
        f"    {state} --> {target}: {', '.join(events)}"
        for (state, target), events in arrows.items()
    ]
    left = {state for state, _ in arrows}
    ends = [f"    {state} --> [*]" for state in OrderState if state not in left]
    return ["stateDiagram-v2", *births, *moves, *ends]


def _table() -> list[str]:
    rows = [
        "| state | meaning | durable | closed | entered by | stays on |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for state, (meaning, durable) in _MEANING.items():
        entering = [event.__name__ for event, born in BIRTHS.items() if born is state]
        staying: list[str] = []
        for source, event in TRANSITIONS:
            if state not in possible(source, event):
                continue
            (staying if source is state else entering).append(event.__name__)
        rows.append(
            f"| `{state}` | {meaning} | {_yes(durable)} | {_yes(state in CLOSED)} "
            f"| {_listed(entering)} | {_listed(staying)} |"
        )
    return rows


def _listed(events: list[str]) -> str:
    return ", ".join(f"`{event}`" for event in dict.fromkeys(events)) or "–"


def _yes(value: bool) -> str:  # noqa: FBT001
    return "yes" if value else "–"


if __name__ == "__main__":
    sys.stdout.write(lifecycle_page())
