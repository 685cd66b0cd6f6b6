"""Setting logging up: our defaults, a logging.yml in their place, and single keys from the environment."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from prefect.exceptions import ConfigurationError
from prefect.logging._default_config import default_config, override_from_environment
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from pathlib import Path

PROCESS_LOGGING_CONFIG: dict[str, Any] = {}
"""What is in force, once logging is set up."""
_set_up = False


def ensure_logging_setup() -> None:
    """Set logging up unless this process has done so. Costs nothing from the second call on."""
    if not _set_up:
        setup_logging()


def setup_logging(incremental: bool | None = None) -> dict[str, Any]:
    """Configure the loggers of this package; the root logger only if a logging.yml says so.

    The configuration is that of `PREFECT_LOGGING_CONFIG_PATH` if the file exists, else ours. The environment
    may replace a single key of either: `PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL` is the level of the
    logger `prefect.flow_runs`.

    Args:
        incremental: change levels only and leave handlers as they are; by default from the second call on.

    Returns:
        The configuration, in the schema of `logging.config`.

    Raises:
        ConfigurationError: the file, or a value in the environment, is not a logging configuration.
    """
    global _set_up
    settings = get_current_settings()
    path = settings.logging.config_path
    from_file = os.path.exists(path)  # noqa: PTH110 - pathlib is slower to import
    config = load_logging_config(path) if from_file else default_config(settings)
    config["incremental"] = _set_up if incremental is None else incremental
    try:
        if from_file:
            _apply_file(config)
        else:
            override_from_environment(config)
            _apply(config)
    except (KeyError, ValueError, TypeError, AttributeError, ImportError) as error:
        source = path if from_file else "The PREFECT_LOGGING_* variables"
        reason = f"{error}: {error.__cause__}" if error.__cause__ else repr(error)
        raise ConfigurationError(
            f"{source}: expected a logging configuration, got one with {reason}"
        ) from error
    if not config["incremental"]:
        _route_extra_loggers(settings.logging.extra_loggers)
    _set_up = True
    PROCESS_LOGGING_CONFIG.clear()
    PROCESS_LOGGING_CONFIG.update(config)
    return config


def load_logging_config(path: Path) -> dict[str, Any]:
    """Read a logging.yml: `${PREFECT_LOGGING_LEVEL}` and the like are filled in, then the environment's keys.

    Raises:
        ConfigurationError: it is not a YAML mapping.
    """
    from string import Template  # only a logging.yml has placeholders

    import yaml  # 15 ms of import that only a logging.yml is worth

    try:
        text = Template(path.read_text(encoding="utf-8")).safe_substitute(_placeholders())
        config: Any = yaml.safe_load(text)
    except (yaml.YAMLError, OSError) as error:
        raise ConfigurationError(f"{path}: expected a logging configuration in YAML: {error}") from error
    if not isinstance(config, dict):
        raise ConfigurationError(f"{path}: expected a YAML mapping, got {type(config).__name__}.")
    override_from_environment(cast("dict[str, Any]", config))
    return cast("dict[str, Any]", config)


def _apply(config: dict[str, Any]) -> None:
    """Apply our own configuration without `logging.config`, whose import takes 10 ms (this takes 0.2).

    It also spares what the application has done by now: its handlers stay, and a level that it set does, too.
    """
    handlers: dict[str, logging.Handler] = {}
    if not config["incremental"]:
        used = {name for logger in config["loggers"].values() for name in logger.get("handlers", ())}
        for name in used:
            handlers[name] = _handler(name, config)
    for name, wanted in config["loggers"].items():
        logger = logging.getLogger(name)
        if _set_up or logger.level == logging.NOTSET:
            logger.setLevel(wanted["level"])
        if not config["incremental"]:
            logger.propagate = wanted.get("propagate", True)
            logger.handlers[:] = [
                *_foreign_handlers(logger),
                *(_mark(handlers[each]) for each in wanted.get("handlers", ())),
            ]


def _handler(name: str, config: dict[str, Any]) -> logging.Handler:
    options = dict(config["handlers"][name])
    level, formatter = options.pop("level"), options.pop("formatter", None)
    handler = _make(options)
    handler.setLevel(level)
    if formatter is not None:
        handler.setFormatter(_make(config["formatters"][formatter]))
    return handler


def _make(options: dict[str, Any]) -> Any:
    """An object of the class that `()` or `class` names, made with the rest."""
    arguments = dict(options)
    module, _, name = (arguments.pop("()", None) or arguments.pop("class")).rpartition(".")
    return getattr(import_module(module), name)(**arguments)


def _apply_file(config: dict[str, Any]) -> None:
    import logging.config  # 10 ms of import that only a logging.yml is worth

    config.setdefault("disable_existing_loggers", False)
    logging.config.dictConfig(config)


def _route_extra_loggers(names: list[str]) -> None:
    """Give the loggers that the user named what `prefect.extra` has, where they do not inherit it already."""
    wanted = logging.getLogger("prefect.extra").handlers
    for name in sorted(names):  # parents come before their children
        logger = logging.getLogger(name)
        logger.handlers[:] = _foreign_handlers(logger)
        for handler in wanted:
            if not _reaches(logger, handler):
                logger.addHandler(_mark(handler))


def _mark(handler: logging.Handler) -> logging.Handler:
    """Remember that we put it there, so that setting up again replaces it."""
    handler.__dict__["_from_prefect"] = True
    return handler


def _foreign_handlers(logger: logging.Logger) -> list[logging.Handler]:
    return [handler for handler in logger.handlers if "_from_prefect" not in handler.__dict__]


def _reaches(start: logging.Logger, handler: logging.Handler) -> bool:
    logger: logging.Logger | None = start
    while logger is not None:
        if handler in logger.handlers:
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _placeholders() -> dict[str, str]:
    settings = get_current_settings()
    return {
        **os.environ,
        **settings.to_environment_variables(),
        "PREFECT_LOGGING_INTERNAL_LEVEL": settings.internal.logging_level,  # the older names of these two
        "PREFECT_LOGGING_SERVER_LEVEL": settings.server.logging_level,
    }
