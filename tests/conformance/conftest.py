"""The suites of this folder run in every form a user may write."""

from __future__ import annotations

import pytest

from conformance.forms import Async, Form, Sync


@pytest.fixture(params=[Sync(), Async()], ids=["sync", "async"])
def form(request: pytest.FixtureRequest) -> Form:
    """The test runs twice: its flows and tasks are plain functions, then coroutine functions."""
    return request.param
