"""A journal store that keeps its rows in a list, for tests that break them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from factortrader.errors import BadInput
from factortrader.ports import JournalRow


class MemoryStore:
    """Conforms to `ports.JournalStore`; remembers each write as one batch."""

    def __init__(self) -> None:
        self.rows: list[JournalRow] = []
        self.batches: list[int] = []
        self.is_closed = False
        self._genesis: bytes | None = None
        self._header: dict[str, str] = {}

    def begin(self, *, genesis_link: bytes, header: Mapping[str, str]) -> None:
        if self._genesis is not None:
            raise BadInput("there is a journal already", code="journal_exists")
        self._genesis = genesis_link
        self._header = dict(header)

    def write(self, rows: Sequence[JournalRow]) -> None:
        known = {row.sequence for row in self.rows}
        if any(row.sequence in known for row in rows):
            raise BadInput("a message is there already", code="journal_rows")
        self.rows += rows
        self.batches.append(len(rows))

    def genesis_link(self) -> bytes:
        if self._genesis is None:
            raise BadInput("this is no journal", code="no_journal")
        return self._genesis

    def header(self) -> Mapping[str, str]:
        self.genesis_link()
        return dict(self._header)

    def read(self) -> Iterator[JournalRow]:
        self.genesis_link()
        return iter(sorted(self.rows, key=lambda row: row.sequence))

    def close(self) -> None:
        self.is_closed = True
