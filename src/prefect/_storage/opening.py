"""A store, opened by the URL that the settings give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._storage.sqlite import SqliteStore
from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from prefect._storage.postgres import PostgresStore


def is_postgres(url: str) -> bool:
    """Whether the URL names a Postgres database, in whatever spelling."""
    return url.partition("://")[0].partition("+")[0] in {"postgresql", "postgres"}


def sqlite_path(url: str) -> str:
    """The file of a SQLite URL: `sqlite:///relative`, `sqlite:////absolute`, `sqlite+aiosqlite:…`, or `:memory:`.

    Raises:
        ConfigurationError: it is no SQLite URL.
    """
    scheme, separator, path = url.partition("://")
    if not separator or scheme not in {"sqlite", "sqlite+aiosqlite"} or path[:1] not in {"", "/"}:
        raise ConfigurationError(
            "PREFECT_API_DATABASE_CONNECTION_URL: expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME, "
            f"got {scheme + '://…' if '@' in url else url!r}. "  # it may hold a password
            "Set it to a file, or unset it for the default."
        )
    file = path[1:].partition("?")[0]
    return ":memory:" if file in {"", "file::memory:"} else file


def open_store(
    url: str, settings: Any = None, *, any_version: bool = False, migrate_on_start: bool | None = None
) -> SqliteStore | PostgresStore:
    """Open the store of a URL.

    Args:
        url: `sqlite:///file`, `postgresql://user:password@host:port/name`, and their other spellings.
        settings: `Settings.server.database` for what the URL does not say; None for the defaults.
        any_version: take it as it is, to look at it or to upgrade it.
        migrate_on_start: bring older tables up to date; by default as the settings say.

    Raises:
        StoreError: it cannot be opened.
        ConfigurationError: the URL is not understood, or psycopg is not installed.
    """
    if migrate_on_start is None:
        migrate_on_start = settings is None or bool(settings.migrate_on_start)
    if not is_postgres(url):
        return SqliteStore(sqlite_path(url), migrate_on_start=migrate_on_start, any_version=any_version)
    from prefect._storage.postgres import PostgresStore  # 60 ms of import (psycopg), and an optional package

    given: dict[str, Any] = {}
    if settings is not None:
        pool = settings.sqlalchemy
        given = {
            "connect_seconds": settings.connection_timeout,
            "statement_seconds": settings.timeout,
            "more_readers": pool.max_overflow,
            **({} if pool.pool_size is None else {"kept_readers": pool.pool_size}),
        }
    return PostgresStore(url, migrate_on_start=migrate_on_start, any_version=any_version, **given)
