"""Fixtures for the tests of flows; pytest finds them by itself where the package is installed.

Every import waits for its fixture: a test run that uses none of them pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefect._base.clock import VirtualClock
    from prefect.testing.crash import CrashReport

_HELP = "Retries and delays of flows and tasks wait by a virtual clock, in every test: they cost no time."


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--prefect-skip-waits`, or `prefect_skip_waits = true` in the configuration file."""
    group = parser.getgroup("prefect")
    group.addoption("--prefect-skip-waits", action="store_true", default=False, help=_HELP)
    parser.addini("prefect_skip_waits", _HELP, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Put every test on virtual time, if that was asked for."""
    if config.getoption("prefect_skip_waits") or config.getini("prefect_skip_waits"):
        config.pluginmanager.register(_SkipWaits(), "prefect-skip-waits")


class _SkipWaits:
    @pytest.fixture(autouse=True)
    def prefect_waits_are_skipped(self, virtual_time: VirtualClock) -> None:
        """Every test asks for virtual time."""


@pytest.fixture
def prefect_store() -> Generator[None, None, None]:
    """A PREFECT_HOME and an empty store of the test's own."""
    from prefect.testing.utilities import prefect_test_harness  # not for tests that use no store

    with prefect_test_harness():
        yield


@pytest.fixture
def virtual_time() -> Generator[VirtualClock, None, None]:
    """A clock in this process that retries and delays move instead of waiting; `advance(seconds)` moves it too.

    What the code under test sleeps by itself (`time.sleep`) and what other processes do takes its time.
    """
    from prefect._base.clock import VirtualClock, use_clock  # not for tests in real time

    clock = VirtualClock()
    with use_clock(clock):
        yield clock


@pytest.fixture
def crash_test() -> Callable[..., CrashReport]:
    """`prefect.testing.crash.crash_test`: kill a flow at each commit point, resume it, report what went wrong."""
    from prefect.testing.crash import crash_test  # not for tests that kill nothing

    return crash_test
