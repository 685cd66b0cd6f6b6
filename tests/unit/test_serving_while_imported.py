"""A script that serves or deploys at its top level is imported to execute a run: that must not start anything."""

from __future__ import annotations

import logging

import pytest

from prefect import get_client
from prefect._loading import load_flow

SCRIPT = """
import asyncio

import prefect
from prefect import flow, task
from prefect.runner import Runner
from prefect.task_worker import aserve, serve as serve_tasks


@task
def double(n: int):
    return 2 * n


@flow
def left_alone():
    return "executed"


CALL
reached = True
"""

CALLS = {
    "flow.serve": ("serve", "left_alone.serve(name='top')"),
    "serve": ("serve", "prefect.serve(left_alone.to_deployment('top'))"),
    "aserve": ("serve", "asyncio.run(prefect.aserve(left_alone.to_deployment('top')))"),
    "flow.deploy": ("deploy", "left_alone.deploy('top', work_pool_name='nowhere', image='x:y')"),
    "deploy": ("deploy", "prefect.deploy(left_alone.to_deployment('top'), work_pool_name='nowhere')"),
    "Runner.run": ("Runner.run", "r = Runner('top'); r.add_flow(left_alone, 'other'); r.run()"),
    "Runner.start": ("Runner.start", "asyncio.run(Runner('top').start())"),
    "task_worker.serve": ("task_worker.serve", "serve_tasks(double)"),
    "task_worker.aserve": ("task_worker.serve", "asyncio.run(aserve(double))"),
}


@pytest.mark.parametrize(("named", "call"), CALLS.values(), ids=CALLS)
def test_nothing_is_started_and_that_is_said(tmp_path, caplog, named, call):
    caplog.set_level(logging.WARNING)
    script = tmp_path / f"at_the_top_{abs(hash(call))}.py"
    script.write_text(SCRIPT.replace("CALL", call))
    loaded = load_flow(f"{script}:left_alone")
    assert loaded.fn() == "executed"
    assert loaded.fn.__globals__["reached"]
    assert f"`{named}` does nothing while" in caplog.text
    assert '__name__ == "__main__"' in caplog.text
    with get_client(sync_client=True) as client:
        assert "top" not in [one.name for one in client.read_deployments()]
