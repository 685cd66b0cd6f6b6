"""What is recorded and found, once more on a store in Postgres."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from databases import backend_on
from prefect._backend.local import LocalBackend
from prefect._storage.opening import open_store
from server.test_events import *  # noqa: F403
from server.test_logs import *  # noqa: F403
from server.test_sockets import *  # noqa: F403
from server.test_task_runs import *  # noqa: F403

del test_no_frames_hurt_the_server  # noqa: F821 - it is the same whatever the store is


@pytest.fixture(scope="module")
def backend(postgres) -> Iterator[LocalBackend]:
    """The backend that the server of this module serves."""
    made = backend_on(open_store(postgres.fresh()))
    yield made
    made.close()
