"""The journal: every message numbered, in canonical bytes, chained by hash (R5).

    link[0] = hash(configuration, data)
    link[n] = blake2b(link[n−1] | n | is input | payload)

Rows go to a store (SQL, or nowhere: the head alone already identifies a run).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from factortrader.events import Message
from factortrader.ports import JournalRow, JournalStore

_LINK_BYTES: Final = 20


def genesis(configuration: str, data_fingerprint: str) -> bytes:
    """The link before the first message: which fund, on which data."""
    digest = blake2b(digest_size=_LINK_BYTES, person=b"ft-genesis")
    for part in (configuration, data_fingerprint):
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.digest()


def next_link(link: bytes, *, sequence: int, is_input: bool, payload: bytes) -> bytes:
    """The link of one row, given the link before it."""
    prefix = link + sequence.to_bytes(8, "big") + (b"\1" if is_input else b"\0")
    return blake2b(prefix + payload, digest_size=_LINK_BYTES).digest()


class ChainedJournal:
    """Chains what the engine says, and hands the rows to a store.

    flush_rows: rows kept back before they are written; 1 = each step is durable before
    its commands leave (paper and live), more in replay, where nothing leaves.
    """

    def __init__(
        self,
        *,
        genesis_link: bytes,
        encode: Callable[[Message], bytes],
        store: JournalStore | None = None,
        flush_rows: int = 1,
    ) -> None:
        self._link = genesis_link
        self._encode = encode
        self._store = store
        self._flush_rows = flush_rows
        self._rows: list[JournalRow] = []

    @property
    def head(self) -> str:
        return self._link.hex()

    def append(self, first_sequence: int, messages: Sequence[Message]) -> None:
        link = self._link
        for offset, message in enumerate(messages):
            payload = self._encode(message)
            sequence = first_sequence + offset
            link = next_link(
                link, sequence=sequence, is_input=offset == 0, payload=payload
            )
            if self._store is not None:
                self._rows.append(
                    JournalRow(
                        sequence=sequence,
                        is_input=offset == 0,
                        kind=type(message).__name__,
                        time_ns=message.time_ns,
                        payload=payload,
                        link=link,
                    )
                )
        self._link = link
        if len(self._rows) >= self._flush_rows:
            self._flush()

    def close(self) -> None:
        self._flush()
        if self._store is not None:
            self._store.close()

    def _flush(self) -> None:
        if self._store is not None and self._rows:
            self._store.write(self._rows)
            self._rows = []
