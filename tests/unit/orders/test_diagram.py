"""The page about the life cycle is made from the table and from nothing else."""

from __future__ import annotations

from pathlib import Path

from factortrader.orders.diagram import lifecycle_page
from factortrader.orders.lifecycle import TRANSITIONS, OrderState

PAGE = Path(__file__).resolve().parents[3] / "docs" / "order-lifecycle.md"


def test_the_page_in_the_documents_is_current() -> None:
    """A change of the table without a new page fails here.

    `python -m factortrader.orders.diagram > docs/order-lifecycle.md` writes it.
    """
    assert PAGE.read_text(encoding="utf-8") == lifecycle_page()


def test_every_state_and_every_move_is_drawn() -> None:
    """The diagram has an arrow for each transition that changes the state."""
    page = lifecycle_page()

    for (state, event), target in TRANSITIONS.items():
        if target is not state:
            arrows = [
                row for row in page.splitlines() if f"{state} --> {target}:" in row
            ]
            assert [event.__name__ in row for row in arrows] == [True]
    for state in OrderState:
        assert f"| `{state}` |" in page
