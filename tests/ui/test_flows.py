"""The pages of flows, and of a task run."""

from __future__ import annotations

import re

import pytest

from prefect import flow, get_run_logger, task
from prefect.settings import temporary_settings


@pytest.fixture(scope="module")
def ran(server_url):
    """A flow with two tasks, one of which is given what the other made."""

    @task
    def make():
        return 1

    @task
    def fail(number):
        get_run_logger().info("<b>was given</b> %s", number)
        raise ValueError("no <i>luck</i>")

    @flow(name="two steps")
    def two_steps():
        return fail(make(), return_state=True)

    with temporary_settings({"PREFECT_API_URL": f"{server_url}/api"}):
        two_steps(return_state=True)


def test_flows_are_listed_with_their_last_run(ran, reader):
    shown = reader.get("/flows?q=two").text
    assert ">two steps</a>" in shown
    assert "Failed" in shown
    assert "No flow is so." in reader.get("/flows?q=nothing-is-called-so").text


def test_a_flow_leads_to_its_runs(ran, reader):
    (at,) = set(re.findall(r"/flows/flow/[0-9a-f-]{36}", reader.get("/flows?q=two").text))
    shown = reader.get(at).text
    assert "<title>two steps · Pluperfect</title>" in shown
    assert "/runs/flow-run/" in shown
    assert "It has no deployment." in shown


def test_a_task_run_says_what_it_was_given_and_what_it_logged(ran, reader):
    (at,) = set(re.findall(r"/flows/flow/[0-9a-f-]{36}", reader.get("/flows?q=two").text))
    (run,) = set(re.findall(r"/runs/flow-run/[0-9a-f-]{36}", reader.get(at).text))
    task_runs = set(re.findall(r"/runs/task-run/[0-9a-f-]{36}", reader.get(f"{run}?tab=tasks").text))
    pages = [reader.get(one).text for one in task_runs]
    (failed,) = [one for one in pages if "no &lt;i&gt;luck" in one]
    assert "&lt;b&gt;was given&lt;/b&gt; 1" in failed
    assert set(re.findall(r"/runs/task-run/[0-9a-f-]{36}", failed)) < task_runs
    assert run in failed
    assert reader.get("/runs/task-run/01a20623-6d8a-7abf-bfcd-52faf3740a95").status_code == 404
