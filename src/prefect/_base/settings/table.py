"""The table of all settings, and the ways to find a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._base.settings.client_table import CLIENT_TABLE
from prefect._base.settings.server_table import SERVER_TABLE
from prefect._base.settings.services_table import SERVICES_TABLE
from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from prefect._base.settings.kinds import Spec


class SettingsError(ConfigurationError, ValueError):
    """A setting is unknown or ill-typed: which one, what was expected, what came, and from where.

    Also a ValueError, as which Prefect reports the same mistakes.
    """


TABLE: Final = CLIENT_TABLE + SERVER_TABLE + SERVICES_TABLE
BY_PATH: Final = {spec.path: spec for spec in TABLE}
BY_ENV: Final = {spec.env: spec for spec in TABLE}
BY_ENV.update({spec.alias: spec for spec in TABLE if spec.alias})


def find(key: str) -> Spec:
    """The row of an attribute path (`api.url`) or an environment name (`PREFECT_API_URL`, or its alias).

    Raises:
        SettingsError: there is none; the message names the closest one.
    """
    spec = BY_ENV.get(key) or BY_PATH.get(key)
    if spec is None:
        raise SettingsError(f"Unknown setting: {key!r}. {closest_hint(key)}")
    return spec


def closest(key: str, cutoff: float = 0.6) -> str | None:
    """The known name that `key` was probably meant to be."""
    import difflib  # 2 ms of import, for mistakes only

    names = BY_ENV if key.startswith("PREFECT_") else BY_PATH
    return next(iter(difflib.get_close_matches(key, names, n=1, cutoff=cutoff)), None)


def closest_hint(key: str) -> str:
    """What to do about the unknown name `key`."""
    name = closest(key)
    return f"Did you mean {name!r}?" if name else "`prefect config view --show-defaults` lists all settings."
