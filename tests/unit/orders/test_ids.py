"""The same decision has the same name everywhere, and no other decision has it."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest
from tests.builders import leg, plan

from factortrader.events import RebalancePlanned, Side
from factortrader.orders.ids import OrderIds, plan_hash

NAMED = {
    "strategy": "momentum",
    "rebalance": "2024-01-01T00:00Z#1",
    "asset": "BTC",
    "side": Side.BUY,
    "leg": 0,
    "attempt": 0,
}


def ids(**changes) -> OrderIds:
    return OrderIds(
        **{"account": "main", "environment": "replay", "epoch": 1} | changes
    )


def test_an_order_id_can_be_derived_by_a_stranger() -> None:
    """f7, a tag of account and epoch, and a digest of the compact JSON of the fields."""
    tag = hashlib.blake2b(b'["main",1]', digest_size=2).hexdigest()
    fields = [
        "main",
        "replay",
        1,
        "momentum",
        "2024-01-01T00:00Z#1",
        "BTC",
        "buy",
        0,
        0,
    ]
    content = json.dumps(fields, separators=(",", ":")).encode()
    digest = hashlib.blake2b(content, digest_size=13).hexdigest()

    assert ids().order_id(**NAMED) == f"f7{tag}{digest}"


def test_an_order_id_is_32_lowercase_hex() -> None:
    """Every venue's alphabet and length has room for it."""
    order_id = ids().order_id(**NAMED)

    assert len(order_id) == 32
    assert set(order_id) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("strategy", "carry"),
        ("rebalance", "2024-01-02T00:00Z#1"),
        ("asset", "ETH"),
        ("side", Side.SELL),
        ("leg", 1),
        ("attempt", 1),
    ],
)
def test_every_field_of_the_decision_changes_the_id(field, other) -> None:
    """Two orders that differ anywhere have different names, under the same tag."""
    first = ids().order_id(**NAMED)
    second = ids().order_id(**NAMED | {field: other})

    assert first != second
    assert first[:6] == second[:6]


@pytest.mark.parametrize(
    ("field", "other", "same_tag"),
    [("account", "second", False), ("epoch", 2, False), ("environment", "live", True)],
)
def test_account_environment_and_epoch_change_the_id(field, other, same_tag) -> None:
    """A wiped testnet or another account never meets an old name."""
    first, second = ids(), ids(**{field: other})

    assert first.order_id(**NAMED) != second.order_id(**NAMED)
    assert (first.tag == second.tag) is same_tag


def test_fields_cannot_run_into_each_other() -> None:
    """Separators inside a field do not make it look like two."""
    first = NAMED | {"strategy": 'a","b', "rebalance": "c"}
    second = NAMED | {"strategy": "a", "rebalance": 'b","c'}
    third = NAMED | {"strategy": "a|b", "rebalance": "c"}
    fourth = NAMED | {"strategy": "a", "rebalance": "b|c"}

    made = {ids().order_id(**fields) for fields in (first, second, third, fourth)}

    assert len(made) == 4


def test_our_own_orders_are_known_by_their_tag() -> None:
    """Another account's order, or a person's, is not ours."""
    mine = ids().order_id(**NAMED)
    other = ids(account="second").order_id(**NAMED)

    assert ids().is_ours(mine)
    assert not ids().is_ours(other)
    assert not ids().is_ours("web_1234")
    assert not ids().is_ours(mine[:-1])


def test_a_plan_hash_names_the_content_and_nothing_else() -> None:
    """Its own field and the time are left out."""
    first = plan(plan="", time_ns=1)
    later = plan(plan="f" * 32, time_ns=2)

    assert plan_hash(first) == plan_hash(later)
    assert len(plan_hash(first)) == 32


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("rebalance", "2024-01-02T00:00Z#1"),
        ("strategy", "carry"),
        ("equity", 10_000.000000000002),
        ("legs", (leg(quantity="1.00000001"),)),
        ("legs", (leg(), leg(leg=1))),
        ("turnover", 0.006),
        ("gross_exposure", 0.1),
        ("net_exposure", 0.1),
    ],
)
def test_every_field_of_a_plan_changes_its_hash(field, other) -> None:
    """An approval names exactly this plan."""
    first: RebalancePlanned = plan()
    second = msgspec.structs.replace(first, **{field: other})

    assert plan_hash(first) != plan_hash(second)


def test_the_order_of_the_legs_is_part_of_the_plan() -> None:
    """It is the order in which they will be sent."""
    one, two = leg(leg=0), leg(leg=1, asset="ETH")

    assert plan_hash(plan(one, two)) != plan_hash(plan(two, one))
