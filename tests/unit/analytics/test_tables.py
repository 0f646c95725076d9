"""The tables have exactly the columns that docs/run-folder.md promises."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.builders import made, spot
from tests.unit.analytics.fund import Fund

from factortrader.analytics.tables import run_tables
from factortrader.events import OrderRequested, SignalsUpdated, TargetsSet
from factortrader.units import DAY_NS

NAN = float("nan")

COLUMNS = {
    "equity": "time equity cash gross_exposure net_exposure drawdown turnover fees "
    "benchmark_equal_weight",
    "signals": "time asset score",
    "targets": "time asset weight",
    "positions": "time asset quantity mark weight",
    "orders": "order_id time asset side quantity limit_price status reason plan",
    "fills": "time order_id trade_id asset side quantity price fee fee_currency "
    "liquidity",
    "cashflows": "time kind asset amount currency reference",
}


def trading_fund() -> Fund:
    fund = Fund(spot("BTC"), spot("ETH"), capital="1000")
    fund.think(("BTC", "ETH"), [1.0, NAN], [0.5, NAN])
    fund.trade("BTC", "5", price="100", fee="0.00000001")
    fund.close(BTC=100.0, ETH=10.0)
    return fund


@pytest.mark.parametrize("name", COLUMNS)
def test_an_empty_table_has_all_its_columns(name) -> None:
    """Who reads it needs no special case."""
    table = run_tables(Fund(spot("BTC")).results())[name]

    assert table.column_names == COLUMNS[name].split()
    assert table.num_rows == 0
    assert table.schema.field("time").type == pa.timestamp("ns", tz="UTC")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_has_the_same_types_with_and_without_rows(name) -> None:
    """Types come from the schema and not from what happened to be there."""
    empty = run_tables(Fund(spot("BTC")).results())[name].schema
    filled = run_tables(trading_fund().results())[name]

    assert filled.num_rows > 0
    assert {field.name: filled.schema.field(field.name).type for field in empty} == {
        field.name: field.type for field in empty
    }


def test_money_is_text_that_spells_the_decimal() -> None:
    """Digit for digit, never with an exponent."""
    (fill,) = run_tables(trading_fund().results())["fills"].to_pylist()

    assert (fill["quantity"], fill["price"], fill["fee"]) == ("5", "100", "0.00000001")


def test_signals_carry_a_column_per_factor_and_no_row_without_a_view() -> None:
    """ETH has no score and no part of one."""
    table = run_tables(trading_fund().results())["signals"]

    assert table.column_names[2:] == ["score", "factor:momentum"]
    assert table.to_pydict()["asset"] == ["BTC"]


def test_a_factor_that_is_missing_in_one_signal_is_undefined_there() -> None:
    """Strategies may change what stands behind a score."""
    fund = Fund(spot("BTC"))
    fund.say(
        made(SignalsUpdated, contributions={"carry": np.array([2.0])}),
        made(SignalsUpdated, contributions={"value": np.array([3.0])}),
    )

    columns = run_tables(fund.results())["signals"].to_pydict()

    assert np.array(columns["factor:carry"]) == pytest.approx([2.0, NAN], nan_ok=True)
    assert np.array(columns["factor:value"]) == pytest.approx([NAN, 3.0], nan_ok=True)


def test_a_target_of_zero_is_a_row_and_leave_alone_is_none() -> None:
    """Zero is a wish, NaN is none."""
    fund = Fund(spot("BTC"))
    fund.say(made(TargetsSet, assets=("BTC", "ETH"), weights=[0.0, NAN]))

    columns = run_tables(fund.results())["targets"].to_pydict()

    assert (columns["asset"], columns["weight"]) == (["BTC"], [0.0])


def test_long_tables_follow_a_cross_section_that_grows() -> None:
    """Each row names the asset of its own message."""
    fund = Fund(spot("BTC"), spot("ETH"), capital="1000")
    fund.trade("BTC", "1", price="100")
    fund.close(BTC=100.0)
    fund.trade("ETH", "2", price="10")
    fund.close(BTC=100.0, ETH=10.0)

    columns = run_tables(fund.results())["positions"].to_pydict()

    assert columns["asset"] == ["BTC", "BTC", "ETH"]
    assert columns["weight"] == pytest.approx([0.1, 0.1, 0.02])
    first, second = fund.close_ns - 2 * DAY_NS, fund.close_ns - DAY_NS
    assert [time.value for time in columns["time"]] == [first, second, second]


def test_a_market_order_has_no_limit_price() -> None:
    """Nothing is null, not an empty text."""
    fund = Fund(spot("BTC"))
    fund.say(
        made(OrderRequested, order_id="a"),
        made(OrderRequested, order_id="b", limit_price="99.5"),
    )

    columns = run_tables(fund.results())["orders"].to_pydict()

    assert columns["limit_price"] == [None, "99.5"]
    assert columns["status"] == ["planned", "planned"]
    assert columns["reason"] == [None, None]
