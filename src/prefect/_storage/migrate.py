"""Forward migrations in plain SQL, `migrations/{sqlite,postgres}/NNN_name.sql`: in order, each in a transaction.

Both folders make the same tables, so a version means the same in both. A SQLite file has it in its own `user_version`,
so that opening an up-to-date store costs one page read; a Postgres schema in a table of one row.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

_FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"^(\d{3})_(\w+)\.sql$")
TABLE: Final = "schema_version"
_LOCK: Final = 0x506C7570  # of Postgres, while tables are made


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    name: str
    sql: str


@lru_cache(maxsize=1)
def newest() -> int:
    """The schema version this package writes."""
    return max(
        int(match[1]) for entry in (_FOLDER / "sqlite").iterdir() if (match := _NAME.match(entry.name))
    )


@lru_cache(maxsize=2)
def migrations(dialect: str = "sqlite") -> tuple[Migration, ...]:
    """Every migration of `sqlite` or `postgres`, in order."""
    found = [
        Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8"))
        for entry in (_FOLDER / dialect).iterdir()
        if (match := _NAME.match(entry.name))
    ]
    return tuple(sorted(found))


class Schema(Protocol):
    """The tables of an open store, as they are brought up."""

    dialect: str

    def version(self) -> int:
        """The version of the tables; 0 where there are none."""
        ...

    def exclusively(self) -> AbstractContextManager[None]:
        """A transaction in which nobody else brings them up."""
        ...

    def apply(self, step: Migration) -> None:
        """Change them, and note the version."""
        ...


def upgrade(schema: Schema, name: str) -> list[Migration]:
    """Bring a store to the newest version; what was applied, in order. Safe when several processes do it at once.

    Raises:
        StoreError: it was written by a newer version of this package.
    """
    applied: list[Migration] = []
    while (version := schema.version()) != newest():
        if version > newest():
            raise StoreError(
                f"The store {name} has schema version {version}; this package knows versions up to {newest()}. "
                "Expected a store of this version or older: upgrade pluperfect, or use another store."
            )
        with schema.exclusively():
            present = schema.version()
            step = next((m for m in migrations(schema.dialect) if m.version > present), None)
            if step is None:
                break
            schema.apply(step)
            applied.append(step)
    return applied


def too_old(name: str, version: int) -> str:
    """What is said of a store that may not be brought up without being asked."""
    return (
        f"The store {name} is at schema version {version}, this package needs {newest()}. "
        "Run `prefect database upgrade`."
    )


class SqliteSchema:
    """The tables of a SQLite file."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def version(self) -> int:
        """See `Schema`."""
        return version_of(self._connection)

    @contextmanager
    def exclusively(self) -> Generator[None, None, None]:
        """See `Schema`."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def apply(self, step: Migration) -> None:
        """See `Schema`."""
        for statement in _statements(step.sql):
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {step.version:d}")


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of the open file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(sql: str) -> list[str]:
    """The statements of a script (`executescript` would commit first)."""
    found: list[str] = []
    text = ""
    for line in sql.splitlines(keepends=True):
        text += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found


class PostgresSchema:
    """The tables of a schema of Postgres, on a connection in autocommit whose search path is that schema."""

    dialect = "postgres"

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def version(self) -> int:
        """See `Schema`."""
        found = self._connection.execute("SELECT to_regclass(%s)", (f"{self._schema}.{TABLE}",)).fetchone()
        if found[0] is None:
            return 0
        row = self._connection.execute(f"SELECT version FROM {TABLE}").fetchone()  # noqa: S608 - a name of ours
        return int(row[0]) if row else 0

    @contextmanager
    def exclusively(self) -> Generator[None, None, None]:
        """See `Schema`. The lock comes first: a transaction that waited for it would not see what others made."""
        self._connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        try:
            with self._connection.transaction():
                yield
        finally:
            if not self._connection.closed:
                self._connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")

    def apply(self, step: Migration) -> None:
        """See `Schema`."""
        if self.version() == 0:
            self._connection.execute(self._first())
        self._connection.execute(step.sql)
        self._connection.execute(f"UPDATE {TABLE} SET version = {step.version:d}")  # noqa: S608 - a name of ours

    def _first(self) -> str:
        """The schema and its version. A schema that is there needs no right to make one."""
        row = self._connection.execute("SELECT to_regnamespace(%s)", (self._schema,)).fetchone()
        make = f"CREATE SCHEMA {self._schema};" if row[0] is None else ""
        return f"""
            {make}
            CREATE TABLE {TABLE} (version BIGINT NOT NULL);
            INSERT INTO {TABLE} VALUES (0);
        """  # noqa: S608 - names of ours
