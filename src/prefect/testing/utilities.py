"""An isolated store for tests, and small helpers."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._backend import resolve
from prefect.settings import temporary_settings
from prefect.settings.in_force import load as read_settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client.schemas.objects import FlowRun

__all__ = [
    "assert_does_not_warn",
    "exceptions_equal",
    "get_most_recent_flow_run",
    "prefect_test_harness",
]


@contextmanager
def prefect_test_harness(server_startup_timeout: int | None = 30) -> Generator[None, None, None]:
    """Give the block a PREFECT_HOME and a store of its own, removed at its end. Takes a few milliseconds.

    Args:
        server_startup_timeout: accepted for compatibility; no server is started.
    """
    _ = server_startup_timeout
    with tempfile.TemporaryDirectory(prefix="prefect-test-", ignore_cleanup_errors=True) as home:
        url = f"sqlite:///{Path(home) / 'pluperfect.db'}"
        # the environment too: for threads without this context, and for child processes
        variables = {
            "PREFECT_HOME": home,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": url,
            "PREFECT_TERMINAL_LIVE": "false",
        }
        with _environment(variables), temporary_settings({**variables, "PREFECT_API_URL": None}):
            try:
                yield
            finally:
                resolve.close(url)


@contextmanager
def _environment(variables: dict[str, str]) -> Generator[None, None, None]:
    before = {name: os.environ.get(name) for name in (*variables, "PREFECT_API_URL")}
    os.environ.update(variables)
    os.environ.pop("PREFECT_API_URL", None)
    read_settings()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        read_settings()


def exceptions_equal(a: BaseException, b: BaseException) -> bool:
    """Whether two exceptions are of the same class and hold the same arguments."""
    return type(a) is type(b) and repr(a) == repr(b)


@contextmanager
def assert_does_not_warn(ignore_warnings: list[type[Warning]] | None = None) -> Generator[None, None, None]:
    """Raise AssertionError if the block warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ignored in ignore_warnings or []:
            warnings.filterwarnings("ignore", category=ignored)
        try:
            yield
        except Warning as exc:
            raise AssertionError(f"Warning was raised. {exc!r}") from exc


async def get_most_recent_flow_run(client: Any = None, flow_name: str | None = None) -> FlowRun:
    """The flow run that was created last, of `flow_name` if given.

    Raises:
        ObjectNotFound: there is none.
    """
    from prefect.exceptions import ObjectNotFound
    from prefect.model.runs import FlowRun

    _ = client
    found = resolve.backend().find_flow_runs(flow_names=[flow_name] if flow_name else (), limit=1)
    if not found:
        raise ObjectNotFound(help_message="There is no flow run yet.")
    return FlowRun.from_record(found[0])
