"""From what is assigned to what is in force: parse, fill in defaults, derive what follows from the rest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from prefect._base.settings.kinds import Secret
from prefect._base.settings.table import BY_PATH, TABLE, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from prefect._base.settings.kinds import Spec
    from prefect._base.settings.sources import Assignments

_MUTABLE: Final[tuple[Any, ...]] = (list, set, dict)


def resolve(assignments: Assignments) -> dict[str, Any]:
    """Every setting's value by its path, in the order of the table.

    Raises:
        SettingsError: one or more values are ill-typed; a line for each.
    """
    home = str(_value(BY_PATH["home"], assignments, home=""))
    values: dict[str, Any] = {}
    problems: list[str] = []
    for spec in TABLE:
        try:
            values[spec.path] = _value(spec, assignments, home)
        except SettingsError as error:  # noqa: PERF203 - all mistakes are reported at once
            problems.append(str(error))
    if problems:
        raise SettingsError("\n".join(problems))
    _derive(values, assignments)
    return values


def profiles_path(assignments: Assignments) -> Path:
    """Where the profiles are: that much must be known before they are read."""
    home = str(_value(BY_PATH["home"], assignments, home=""))
    return _value(BY_PATH["profiles_path"], assignments, home)


def _value(spec: Spec, assignments: Assignments, home: str) -> Any:
    assigned = assignments.get(spec.path)
    if assigned is None:
        value = _default(spec, home)
    else:
        try:
            value = spec.kind.parse(assigned.value)
        except (ValueError, TypeError):
            got = "a value of another kind (hidden: it is a secret)" if spec.secret else repr(assigned.value)
            raise SettingsError(
                f"{spec.env}: expected {spec.kind.expects}, got {got}, from {assigned.place}."
            ) from None
    return Secret(value) if spec.secret and value is not None else value


def _default(spec: Spec, home: str) -> Any:
    default = spec.default
    if type(default) in _MUTABLE:
        return default.copy()
    if isinstance(default, str) and default.startswith(("$", "~", "sqlite:")):
        return spec.kind.parse(default.replace("$PREFECT_HOME", home))
    return default


def _derive(values: dict[str, Any], assignments: Assignments) -> None:
    """Fill in what follows from other settings."""
    if values["debug_mode"]:
        values["logging.level"] = values["internal.logging_level"] = "DEBUG"
    if values["ui_url"] is None and values["api.url"]:
        values["ui_url"] = values["api.url"].rstrip("/").removesuffix("/api")
    if values["api.ssl_cert_file"] is None:
        values["api.ssl_cert_file"] = os.environ.get("SSL_CERT_FILE")
    if "server.ui.api_url" not in assignments:
        own = f"http://{values['server.api.host']}:{values['server.api.port']}"
        values["server.ui.api_url"] = values["api.url"] or own + (values["server.api.base_path"] or "/api")
    if "server.database.connection_url" not in assignments:
        values["server.database.connection_url"] = Secret(
            _url_of_parts(values) or values["server.database.connection_url"]
        )


def _url_of_parts(values: dict[str, Any]) -> str | None:
    """The database's URL from `server.database.driver`, `host` and so on, if they are given."""
    part = {
        name: values[f"server.database.{name}"]
        for name in ("driver", "host", "port", "user", "name", "password")
    }
    if not part["driver"] and not part["host"]:
        return None
    driver = part["driver"] or "postgresql"
    if driver.startswith("sqlite"):
        return f"{driver}:///{part['name'] or ':memory:'}"
    from urllib.parse import quote  # 7 ms of import, for databases given in parts

    user = quote(part["user"] or "", safe="")
    password = ":" + quote(part["password"], safe="") if part["password"] else ""
    port = f":{part['port']}" if part["port"] else ""
    login = f"{user}{password}@" if user or password else ""
    return f"{driver}://{login}{part['host'] or 'localhost'}{port}/{part['name'] or ''}"
