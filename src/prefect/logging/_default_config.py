"""The configuration that holds without a logging.yml, and how the environment changes single keys of one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from prefect.settings import Settings

_PREFIX = "PREFECT_LOGGING_"


def default_config(settings: Settings) -> dict[str, Any]:
    """What holds without a logging.yml."""
    level = settings.logging.level
    line = "%(asctime)s.%(msecs)03d | %(levelname)-7s | "
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "standard": {
                "()": "prefect.logging.formatters.PrefectFormatter",
                "format": line + "%(name)s - %(message)s",
                "flow_run_fmt": line + "Flow run %(flow_run_name)r - %(message)s",
                "task_run_fmt": line + "Task run %(task_run_name)r - %(message)s",
                "datefmt": "%H:%M:%S",
            },
            "json": {"()": "prefect.logging.formatters.JsonFormatter", "fmt": "default"},
        },
        "handlers": {
            "console": {
                "class": "prefect.logging.handlers.PrefectConsoleHandler",
                "level": "NOTSET",
                "formatter": "standard",
            },
            "api": {"class": "prefect.logging.handlers.APILogHandler", "level": "NOTSET"},
        },
        "loggers": {
            "prefect": {"level": level, "handlers": ["console"]},
            "prefect.extra": {"level": level, "handlers": ["console", "api"], "propagate": False},
            "prefect.flow_runs": {"level": "NOTSET", "handlers": ["api"]},
            "prefect.task_runs": {"level": "NOTSET", "handlers": ["api"]},
            "prefect.client": {"level": level},
            "prefect.server": {"level": settings.server.logging_level},
            "prefect._internal": {"level": settings.internal.logging_level},
        },
    }


def override_from_environment(config: dict[str, Any]) -> None:
    """Replace the keys that `PREFECT_LOGGING_<PATH>` names."""
    given = {
        name.removeprefix(_PREFIX): value for name, value in os.environ.items() if name.startswith(_PREFIX)
    }
    if given:
        _override(config, "", given)


def _override(section: dict[str, Any], path: str, given: dict[str, str]) -> None:
    for key, value in section.items():
        name = path + "".join(c if c.isalnum() else "_" for c in str(key)).upper()
        if isinstance(value, dict):
            _override(cast("dict[str, Any]", value), f"{name}_", given)
        elif name in given:
            section[key] = _level(given[name]) if key == "level" else _like(value, given[name])


def _level(text: str) -> str | int:
    return int(text) if text.isdigit() else text.upper()


def _like(present: Any, text: str) -> Any:
    """The text as the kind of value that it replaces."""
    if isinstance(present, bool):
        return text.lower() in {"1", "true", "yes", "on"}
    if isinstance(present, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
