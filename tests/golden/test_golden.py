"""Every fund comes to what it came to before; a difference is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.builders import order
from tests.funds import FUNDS
from tests.golden.results import (
    Result,
    differences,
    order_digest,
    read,
    result,
    text,
)
from tests.runs import golden

from factortrader.events import Side

RESULT = Result(
    rebalances=3,
    orders=20,
    fills=19,
    final_equity=100_000.0,
    order_digest="0123456789abcdef",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNDS)
def test_a_fund_comes_to_what_it_came_to_before(name: str) -> None:
    """If this was meant: `python tests/golden/regenerate.py`, and commit the file."""
    moved = differences(read()[name], result(golden(name)))

    assert not moved, f"{name} moved:\n  " + "\n  ".join(moved)


def test_the_file_knows_every_fund_and_no_other() -> None:
    """A new fund is regenerated into it."""
    assert [*read()] == [*FUNDS]


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({}, []),
        ({"fills": 20}, ["fills: 19 → 20"]),
        ({"final_equity": 100_000.09}, []),
        ({"final_equity": 100_001.0}, ["final_equity: 100,000.00 → 100,001.00"]),
        (
            {"orders": 21, "order_digest": "fedc"},
            ["orders: 20 → 21", "order_digest: 0123456789abcdef → fedc"],
        ),
    ],
)
def test_what_moved_is_named(changes: dict, moved: list[str]) -> None:
    """Counts exactly, equity to a millionth."""
    assert differences(RESULT, replace(RESULT, **changes)) == moved


def test_the_digest_depends_on_id_asset_side_and_sequence() -> None:
    """And on nothing else: neither prices nor quantities."""
    one, other = order(), order(order_id="f7" + "1" * 30)
    digests = {
        order_digest(orders)
        for orders in (
            [one, other],
            [other, one],
            [one],
            [order(asset="ETH"), other],
            [order(side=Side.SELL), other],
        )
    }

    assert len(digests) == 5
    assert order_digest([order(quantity="7", mark=3.0)]) == order_digest([one])


def test_the_file_is_readable() -> None:
    """The file's text is a plain TOML table of the result."""
    assert 'order_digest = "0123456789abcdef"' in text({"fund": RESULT})
    assert "[fund]\nrebalances = 3\norders = 20\n" in text({"fund": RESULT})
