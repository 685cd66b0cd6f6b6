"""What the original gets wrong and we do not copy: see the end of docs/behaviours.md."""

from __future__ import annotations

import pytest

from conformance import observe
from conformance.forms import Form
from prefect import flow, task
from prefect.context import FlowRunContext
from prefect.states import Running

pytestmark = pytest.mark.mends_the_original


@pytest.mark.behaviour(19)
def test_a_task_that_returns_running_ends(form: Form):
    calls = []

    @task
    @form
    def work():
        calls.append(1)
        return Running()

    assert form.run(work, return_state=True).is_running()
    assert len(calls) == 1


@pytest.mark.behaviour(48)
def test_a_flow_that_raises_generator_exit_crashes():
    run_ids = []

    @flow
    def odd():
        run_ids.append(FlowRunContext.get().flow_run.id)
        raise GeneratorExit

    with pytest.raises(GeneratorExit):
        odd()
    assert observe.flow_run(run_ids[0]).state_name == "Crashed"


@pytest.mark.behaviour(27)
def test_a_direct_call_on_a_failed_upstream_warns_that_it_was_not_run(
    form: Form, caplog: pytest.LogCaptureFixture
):
    @task
    @form
    def fails():
        raise ValueError("x")

    @task
    @form
    def work(x: object):
        return 1

    @flow
    @form
    def parent():
        return (yield work((yield fails(return_state=True)))) is None

    assert form.run(parent) is True
    assert any(
        "did not reach a 'COMPLETED' state" in r.getMessage()
        for r in caplog.records
        if r.levelname == "WARNING"
    )
