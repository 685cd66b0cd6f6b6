"""Forward migrations in plain SQL: `migrations/sqlite/NNN_name.sql`, applied in order, each in a transaction.

The file's version is SQLite's own `user_version`, so that opening an up-to-date store costs one page read.
"""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from prefect.exceptions import StoreError

_FOLDER = Path(__file__).parent / "migrations" / "sqlite"
_NAME = re.compile(r"^(\d{3})_(\w+)\.sql$")


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    name: str
    sql: str


@lru_cache(maxsize=1)
def newest() -> int:
    """The schema version this package writes."""
    return max(int(match[1]) for entry in _FOLDER.iterdir() if (match := _NAME.match(entry.name)))


@lru_cache(maxsize=1)
def migrations() -> tuple[Migration, ...]:
    """Every migration, in order."""
    found = [
        Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8"))
        for entry in _FOLDER.iterdir()
        if (match := _NAME.match(entry.name))
    ]
    return tuple(sorted(found))


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of the open file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection, path: str) -> list[Migration]:
    """Bring the file to the newest version; what was applied, in order. Safe when two processes do it at once.

    Raises:
        StoreError: the file was written by a newer version of this package.
    """
    applied: list[Migration] = []
    while (version := version_of(connection)) != newest():
        if version > newest():
            raise StoreError(
                f"The store {path} has schema version {version}; this package knows versions up to {newest()}. "
                "Expected a store of this version or older: upgrade pluperfect, or set PREFECT_HOME elsewhere."
            )
        connection.execute("BEGIN IMMEDIATE")
        try:
            step = next(m for m in migrations() if m.version > version_of(connection))
            for statement in _statements(step.sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step.version:d}")
            connection.execute("COMMIT")
        except StopIteration:
            connection.execute("ROLLBACK")
            break
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        applied.append(step)
    return applied


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
