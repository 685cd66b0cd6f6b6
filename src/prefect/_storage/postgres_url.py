"""The URL of a Postgres store: its spellings, and how it is shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._storage.postgres_driver import pq

if TYPE_CHECKING:
    from collections.abc import Mapping

_SSL_OF_ASYNCPG = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
_SECRETS = frozenset(("password", "passfile", "sslpassword"))


def libpq_url(url: str) -> str:
    """The URL as libpq takes it: `postgresql+asyncpg://…?ssl=require` is `postgresql://…?sslmode=require`.

    Options that only the other driver knows (a size of its statement cache) are left out.
    """
    from urllib.parse import parse_qsl, urlsplit  # 7 ms of import, for URLs of Postgres alone

    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "+" in parts.scheme:
        ssl = options.pop("ssl", None)
        if ssl:
            options.setdefault("sslmode", _SSL_OF_ASYNCPG.get(ssl.lower(), ssl))
        known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
        options = {name: value for name, value in options.items() if name in known}
    return _joined(parts.netloc, parts.path, options)


def shown_url(url: str) -> str:
    """The URL as people may see it: without the password."""
    from urllib.parse import parse_qsl, urlsplit  # as above

    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    options = {name: value for name, value in parse_qsl(parts.query) if name not in _SECRETS}
    return _joined(login.partition(":")[0] + at + host, parts.path, options)


def _joined(netloc: str, path: str, options: Mapping[str, str]) -> str:
    from urllib.parse import quote, urlencode, urlunsplit  # as above

    query = urlencode(options, quote_via=quote, safe="/:,")
    # by hand where nobody is named: urlunsplit leaves the slashes out, and libpq wants them
    return urlunsplit(("postgresql", netloc, path, query, "")) if netloc else f"postgresql://{path}?{query}"
