"""Messages as canonical bytes, and back (R5).

MessagePack with field names, one tag per message; an array is an extension of one
type character and its bytes, little-endian. The same message has the same bytes on
every run. In replay a bar is written as a reference into the dataset.
"""

from __future__ import annotations

from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final, Union

import msgspec
import numpy as np

from factortrader.errors import BadInput
from factortrader.events import MESSAGES, BarsClosed, Message
from factortrader.ports import History
from factortrader.runtime.stream import bar_at
from factortrader.units import format_time, read_only

SCHEMA_VERSION: Final = 1
"""Grows when a message changes its meaning; readers upcast, rows are never migrated."""

_ARRAY: Final = 1
_TYPES: Final = {b"d": np.dtype("<f8"), b"?": np.dtype("?"), b"q": np.dtype("<i8")}
_CODES: Final = MappingProxyType({kind: code for code, kind in _TYPES.items()})


class BarsReferenced(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A bar of a replay: (dataset fingerprint, row, digest of the row)."""

    time_ns: int
    fingerprint: str
    row: int
    digest: str


def _encode_array(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        code = _CODES.get(value.dtype)
        if code is None:
            raise TypeError(f"cannot write an array of {value.dtype} into a journal")
        return msgspec.msgpack.Ext(_ARRAY, code + value.tobytes())
    raise TypeError(f"cannot write {type(value).__name__} into a journal")


def _decode_array(code: int, raw: memoryview) -> Any:
    if code != _ARRAY:
        raise ValueError(f"unknown extension {code}")
    kind = _TYPES.get(bytes(raw[:1]))
    if kind is None:
        raise ValueError(f"unknown kind of array {bytes(raw[:1])!r}")
    return read_only(np.frombuffer(raw[1:], dtype=kind))


def _as_array(kind: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value
    raise TypeError(f"expected an array for {kind}, found {type(value).__name__}")


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_encode_array, order="deterministic")
_decoder: Final = msgspec.msgpack.Decoder(
    Union[(*MESSAGES, BarsReferenced)],
    ext_hook=_decode_array,
    dec_hook=_as_array,
)


def encode(message: Message | BarsReferenced) -> bytes:
    """The message's canonical bytes."""
    return _encoder.encode(message)


def decode(payload: bytes) -> Message | BarsReferenced:
    """The message in these bytes; BadInput where they are not one of ours."""
    try:
        decoded: Message | BarsReferenced = _decoder.decode(payload)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise BadInput(
            "these bytes are no message of this version",
            code="journal_payload",
            why=str(error),
        ) from error
    return decoded


def digest_bar(bar: BarsClosed) -> str:
    """16 hex digits over the whole bar."""
    return blake2b(encode(bar), digest_size=8).hexdigest()


class ReplayCodec:
    """Writes bars of a known history as references, and reads them back from it."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._row_of = {int(ns): i for i, ns in enumerate(history.panel.close_ns)}

    def encode(self, message: Message) -> bytes:
        """The message's canonical bytes; of a bar its row and digest."""
        if isinstance(message, BarsClosed):
            return encode(
                BarsReferenced(
                    time_ns=message.time_ns,
                    fingerprint=self._history.fingerprint,
                    row=self._row_of[message.close_ns],
                    digest=digest_bar(message),
                )
            )
        return encode(message)

    def decode(self, payload: bytes) -> Message:
        """Raises BadInput where the data is not what the journal was written from."""
        message = decode(payload)
        if not isinstance(message, BarsReferenced):
            return message
        if message.fingerprint != self._history.fingerprint:
            raise BadInput(
                "the journal was written from other data",
                code="journal_data",
                why=f"it names {message.fingerprint[:16]}…, the data here is "
                f"{self._history.fingerprint[:16]}…",
                remedy="import the dataset that the run was made from",
            )
        if not 0 <= message.row < self._history.panel.bars:
            raise BadInput(
                f"the journal names row {message.row}, which the data does not have",
                code="journal_data",
            )
        bar = bar_at(self._history, message.row)
        if digest_bar(bar) != message.digest or bar.time_ns != message.time_ns:
            raise BadInput(
                f"the bar of {format_time(message.time_ns)} is not the one in the data",
                code="journal_data",
                why="its digest differs",
            )
        return bar
