"""The journal in a SQL database: one row a message, never changed (DESIGN R5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from factortrader.errors import BadInput
from factortrader.ports import JournalRow

_SCHEMA: Final = sa.MetaData()
_HEADER: Final = sa.Table(
    "journal_header",
    _SCHEMA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_MESSAGES: Final = sa.Table(
    "journal",
    _SCHEMA,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("is_input", sa.Boolean, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("link", sa.LargeBinary, nullable=False),
)
_GENESIS: Final = "genesis_link"
_PAGE_ROWS: Final = 5_000


class SqlJournal:
    """A `ports.JournalStore` behind a SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _make_durable)

    @classmethod
    def in_file(cls, path: Path) -> SqlJournal:
        """A journal in one SQLite file."""
        return cls(f"sqlite:///{path}")

    def begin(self, *, genesis_link: bytes, header: Mapping[str, str]) -> None:
        """Create the tables and write the header, in one transaction."""
        with self._transaction() as connection:
            _SCHEMA.create_all(connection)
            if connection.execute(sa.select(_HEADER.c.key)).first() is not None:
                raise BadInput(
                    "there is a journal already",
                    code="journal_exists",
                    where=self._place,
                    remedy="write the run to another folder",
                )
            rows = [{"key": _GENESIS, "value": genesis_link.hex()}]
            rows += [{"key": key, "value": value} for key, value in header.items()]
            connection.execute(_HEADER.insert(), rows)

    def write(self, rows: Sequence[JournalRow]) -> None:
        """Append rows; durable when this returns."""
        columns = [
            {
                "sequence": row.sequence,
                "is_input": row.is_input,
                "kind": row.kind,
                "time_ns": row.time_ns,
                "payload": row.payload,
                "link": row.link,
            }
            for row in rows
        ]
        if columns:
            with self._transaction() as connection:
                connection.execute(_MESSAGES.insert(), columns)

    def genesis_link(self) -> bytes:
        try:
            return bytes.fromhex(self._header_rows()[_GENESIS])
        except ValueError as error:
            raise self._no_journal(f"its first link is no link: {error}") from error

    def header(self) -> Mapping[str, str]:
        rows = self._header_rows()
        return {key: value for key, value in rows.items() if key != _GENESIS}

    def read(self) -> Iterator[JournalRow]:
        """Every row in order, a page at a time; between pages nothing is held open."""
        query = sa.select(_MESSAGES).order_by(_MESSAGES.c.sequence).limit(_PAGE_ROWS)
        page = query
        while rows := self._rows(page):
            for row in rows:
                yield JournalRow(
                    sequence=row.sequence,
                    is_input=row.is_input,
                    kind=row.kind,
                    time_ns=row.time_ns,
                    payload=row.payload,
                    link=row.link,
                )
            page = query.where(_MESSAGES.c.sequence > rows[-1].sequence)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """All or nothing; what the database says against it, in our words."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.IntegrityError as error:
            raise BadInput(
                "a message of this number is there already",
                code="journal_rows",
                where=self._place,
                why=str(error.__cause__ or error),
                remedy="does another process write the same journal?",
            ) from error
        except sa.exc.DBAPIError as error:
            raise BadInput(
                "the journal cannot be written",
                code="journal_unwritable",
                where=self._place,
                why=str(error.__cause__ or error),
                remedy="is the disk full, or somebody else writing to it?",
            ) from error

    def _header_rows(self) -> dict[str, str]:
        query = sa.select(_HEADER.c.key, _HEADER.c.value)
        rows = {row.key: row.value for row in self._rows(query)}
        if _GENESIS not in rows:
            raise self._no_journal("it has no header")
        return rows

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except sa.exc.SQLAlchemyError as error:
            raise self._no_journal(str(error.__cause__ or error)) from error

    @property
    def _place(self) -> str:
        url = self._engine.url
        return url.database or url.render_as_string(hide_password=True)

    def _no_journal(self, why: str) -> BadInput:
        return BadInput(
            "this is no journal, or it is damaged",
            code="no_journal",
            where=self._place,
            why=why,
            remedy="replay with --journal writes one into the run folder",
        )


def _make_durable(connection: object, _record: object) -> None:
    """A commit is on the disk when it returns; readers do not block the writer."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
