"""Tasks put off for later: as much of behaviour 67 as needs no task worker."""

from __future__ import annotations

import pytest

from conformance.forms import Form
from prefect import task
from prefect.futures import PrefectDistributedFuture


@pytest.mark.behaviour(67)
@pytest.mark.parametrize("how", ["delay", "apply_async"])
def test_a_task_for_later_is_scheduled_and_not_run(form: Form, how: str):
    ran = []

    @task
    @form
    def work(x: int):
        ran.append(x)

    future = work.delay(1) if how == "delay" else work.apply_async((1,))
    assert isinstance(future, PrefectDistributedFuture)
    assert future.state.is_scheduled()
    assert future.state.state_details.deferred is True
    assert ran == []
