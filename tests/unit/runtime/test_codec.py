"""The codec: canonical bytes, and the very same message back."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from tests.builders import T0, bars, fill, floats, made, panel
from tests.unit.simulated.world import history

from factortrader.errors import BadInput
from factortrader.events import (
    MESSAGES,
    BarsClosed,
    CorporateActionApplied,
    OperatorCommanded,
    OrderAdopted,
    OrderFilled,
    PortfolioMarked,
    SignalsUpdated,
)
from factortrader.runtime.codec import (
    BarsReferenced,
    ReplayCodec,
    decode,
    digest_bar,
    encode,
)
from factortrader.runtime.stream import bar_at
from factortrader.units import DAY_NS

WORLD = history(panel({"A": [1.0, 2.0, 3.0], "B": [10.0, 20.0, 30.0]}))


def smallest(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The smallest message of this kind; what builders do not know is filled in."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    known = {
        name: value
        for name, value in {
            "fire_at_ns": T0,
            "silent_ns": 1,
            "age_ns": 1,
            "as_of_ns": T0,
            "known_at_ns": T0,
        }.items()
        if name in fields
    }
    return made(kind, **known)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_every_message_comes_back_as_it_was(kind: type[msgspec.Struct]) -> None:
    """The same type, and the same bytes again."""
    message = smallest(kind)

    back = decode(encode(message))

    assert type(back) is kind
    assert encode(back) == encode(message)


def test_arrays_come_back_to_the_bit_and_read_only() -> None:
    """NaN, infinities, the sign of zero and the smallest number."""
    row = floats(math.nan, math.inf, -0.0, 5e-324, 1 / 3)
    back = decode(encode(made(SignalsUpdated, scores=row)))

    assert isinstance(back, SignalsUpdated)
    assert back.scores.tobytes() == row.tobytes()
    assert back.scores.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        back.scores[0] = 1.0


def test_masks_come_back_as_masks() -> None:
    """One byte an asset."""
    back = decode(encode(bars({"A": 1.0, "B": math.nan})))

    assert isinstance(back, BarsClosed)
    assert back.listed.dtype == np.bool_
    assert back.listed.tolist() == [True, False]


@pytest.mark.parametrize("amount", ["0.1000", "1E-8", "123456789.123456789", "-0"])
def test_money_keeps_its_digits(amount: str) -> None:
    """What was written to the last zero is read to the last zero."""
    back = decode(encode(fill(price=amount)))

    assert isinstance(back, OrderFilled)
    assert str(back.price) == str(Decimal(amount))


def test_the_order_of_a_mapping_does_not_change_the_bytes() -> None:
    """Canonical: keys are sorted."""
    one = made(SignalsUpdated, contributions={"a": floats(1.0), "b": floats(2.0)})
    other = made(SignalsUpdated, contributions={"b": floats(2.0), "a": floats(1.0)})

    assert encode(one) == encode(other)


def test_a_view_has_the_bytes_of_its_values() -> None:
    """A strided or reversed row is written like a plain one."""
    square = np.arange(9.0).reshape(3, 3)
    strided = made(SignalsUpdated, scores=np.array([0.0, 3.0, 6.0]))

    assert encode(msgspec.structs.replace(strided, scores=square[:, 0])) == encode(
        strided
    )


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.complex128, np.object_])
def test_an_array_of_another_kind_is_not_written(kind: type) -> None:
    """Nobody could read it back."""
    strange = made(PortfolioMarked, marks=floats(1.0))
    strange = msgspec.structs.replace(strange, marks=np.ones(1).astype(kind))

    with pytest.raises(TypeError, match="cannot write an array of"):
        encode(strange)


def test_counts_are_written_and_read_as_64_bits() -> None:
    """Whatever the machine calls its long integer."""
    counted = msgspec.structs.replace(
        made(SignalsUpdated), scores=np.array([1, -(2**62)], dtype=np.int64)
    )
    back = decode(encode(counted))

    assert isinstance(back, SignalsUpdated)
    assert back.scores.tolist() == [1, -(2**62)]


def test_anything_else_is_not_written() -> None:
    """A set has no order, and nobody says what an object means."""
    strange = msgspec.structs.replace(made(OrderAdopted), order_id=object())

    with pytest.raises(TypeError, match="cannot write object into a journal"):
        encode(strange)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"no message",
        msgspec.msgpack.encode({"type": "Unknown", "time_ns": 1}),
        msgspec.msgpack.encode({"type": "TimerFired", "time_ns": 1}),
        encode(made(SignalsUpdated)).replace(b"\x01d", b"\x01x"),
        encode(made(SignalsUpdated)).replace(b"\x01d", b"\x02d"),
    ],
)
def test_bytes_that_are_no_message_are_bad_input(payload: bytes) -> None:
    """Torn, unknown, incomplete, or of another kind of array."""
    with pytest.raises(BadInput) as failure:
        decode(payload)

    assert failure.value.code == "journal_payload"


def test_a_bar_of_a_replay_is_a_reference() -> None:
    """Fingerprint, row and digest instead of the arrays."""
    written = ReplayCodec(WORLD).encode(bar_at(WORLD, 1))

    assert decode(written) == BarsReferenced(
        time_ns=T0 - DAY_NS,
        fingerprint=WORLD.fingerprint,
        row=1,
        digest=digest_bar(bar_at(WORLD, 1)),
    )


def test_a_reference_is_read_back_as_the_bar_itself() -> None:
    """To the last bit of every array."""
    codec = ReplayCodec(WORLD)
    bar = bar_at(WORLD, 2)

    assert encode(codec.decode(codec.encode(bar))) == encode(bar)


def test_other_messages_of_a_replay_are_written_whole() -> None:
    """Only bars lie in the dataset."""
    message = made(CorporateActionApplied)

    assert ReplayCodec(WORLD).encode(message) == encode(message)
    assert ReplayCodec(WORLD).decode(encode(message)) == message


def test_a_reference_into_other_data_is_refused() -> None:
    """The fingerprint says so before anything is compared."""
    written = ReplayCodec(WORLD).encode(bar_at(WORLD, 0))

    with pytest.raises(BadInput, match="written from other data"):
        ReplayCodec(replace(WORLD, fingerprint="1" * 64)).decode(written)


@pytest.mark.parametrize("row", [-1, 3])
def test_a_reference_to_a_row_that_is_not_there_is_refused(row: int) -> None:
    """Neither before the first nor after the last."""
    written = encode(
        BarsReferenced(time_ns=T0, fingerprint=WORLD.fingerprint, row=row, digest="")
    )

    with pytest.raises(BadInput, match=f"row {row}, which the data does not have"):
        ReplayCodec(WORLD).decode(written)


@pytest.mark.parametrize("changes", [{"digest": "0" * 16}, {"time_ns": T0 + 1}])
def test_a_row_that_is_not_the_one_that_was_written_is_refused(changes: dict) -> None:
    """Same fingerprint, another bar: the digest or the date differs."""
    codec = ReplayCodec(WORLD)
    reference = decode(codec.encode(bar_at(WORLD, 2)))

    with pytest.raises(BadInput, match="not the one in the data"):
        codec.decode(encode(msgspec.structs.replace(reference, **changes)))


@pytest.mark.parametrize("name", ["close", "volume"])
def test_every_value_of_a_bar_is_in_its_digest(name: str) -> None:
    """One bit is enough."""
    bar = bars({"A": 1.0})
    values = getattr(bar, name)
    nudged = msgspec.structs.replace(bar, **{name: np.nextafter(values, np.inf)})

    assert digest_bar(nudged) != digest_bar(bar)
    assert digest_bar(msgspec.structs.replace(bar, fields={"x": floats(1.0)})) != (
        digest_bar(bar)
    )


def test_enumerations_are_written_by_their_value() -> None:
    """A journal is readable without the program."""
    assert b"pause" in encode(made(OperatorCommanded))
