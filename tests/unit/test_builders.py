"""The builders build what they promise."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from tests.builders import T0, bars, fill, made, order, panel

from factortrader.events import MESSAGES, BarsClosed, OrderFilled, OrderRequested


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_every_message_of_the_vocabulary_has_a_smallest_example(kind) -> None:
    """Each field of each message holds a value of the type it is annotated with."""
    message = made(kind)

    for field in msgspec.structs.fields(kind):
        value = getattr(message, field.name)
        if not _holds_arrays(field.type):
            msgspec.convert(
                value, field.type, strict=True, builtin_types=(Decimal,), dec_hook=_same
            )
        elif isinstance(value, np.ndarray):
            assert not value.flags.writeable


def test_text_becomes_money_and_lists_become_read_only_rows() -> None:
    """A changed field is converted to what the message needs."""
    buy = order(quantity="2.5", limit_price="99")
    bar = made(BarsClosed, close=[1.0], listed=[False])

    assert (buy.quantity, buy.limit_price) == (Decimal("2.5"), Decimal(99))
    assert not bar.close.flags.writeable
    assert bar.listed.dtype == np.bool_


def test_an_unknown_field_is_refused() -> None:
    """A misspelt field is an error, not a silent default."""
    with pytest.raises(TypeError, match="OrderRequested has no field quantiy"):
        made(OrderRequested, quantiy="1")


def test_a_fill_is_complete_and_at_its_reference_unless_told_otherwise() -> None:
    """Cumulative follows quantity and reference follows price."""
    filled = fill(quantity="3", price="7")

    assert isinstance(filled, OrderFilled)
    assert (filled.cumulative, filled.reference) == (Decimal(3), Decimal(7))


def test_a_panel_ends_at_the_date_of_the_bars() -> None:
    """The last row of the panel and the single bar describe the same close."""
    history = panel({"BTC": [1.0, np.nan, 2.0], "ETH": [np.nan, 3.0, 4.0]})
    bar = bars({"BTC": 2.0, "ETH": 4.0})

    assert history.close_ns[-1] == bar.close_ns == bar.time_ns == T0
    assert history.assets == bar.assets
    assert history.listed.tolist() == [[True, False], [False, True], [True, True]]


def _holds_arrays(kind: object) -> bool:
    return "ndarray" in str(kind)


def _same(_kind: type, value: object) -> object:
    return value
