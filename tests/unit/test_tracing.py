"""OpenTelemetry spans of runs, as a collector gets them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="pip install opentelemetry-sdk")

COLLECT = """
import json
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))

def show():
    print(json.dumps([
        {
            "name": s.name,
            "id": s.context.span_id,
            "parent": s.parent.span_id if s.parent else None,
            "trace": s.context.trace_id,
            "status": s.status.status_code.name,
            "description": s.status.description,
            "links": [link.context.span_id for link in s.links],
            "events": [event.name for event in s.events],
            **{name: value for name, value in s.attributes.items()},
        }
        for s in exporter.get_finished_spans()
    ]))
"""


def program(tmp_path: Path, body: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of its own: a provider is set once in a process."""
    script = tmp_path / "program.py"
    script.write_text(body, encoding="utf-8")
    import os

    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    home = {"PREFECT_HOME": str(tmp_path / "home"), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    return subprocess.run(
        [sys.executable, str(script)],
        env={**clean, **home, **env},
        text=True,
        capture_output=True,
        timeout=60,
    )


def spans_of(tmp_path: Path, body: str) -> list[dict[str, Any]]:
    done = program(tmp_path, COLLECT + textwrap.dedent(body))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_flow_run_and_its_task_runs(tmp_path):
    spans = spans_of(
        tmp_path,
        """
        from prefect import flow, task
        from prefect.task_runners import ThreadPoolTaskRunner

        trace.set_tracer_provider(provider)

        @task
        def make():
            with trace.get_tracer("mine").start_as_current_span("inside"):
                return [1]

        @task(retries=1)
        def fail(value):
            raise ValueError("no")

        @task
        async def later():
            return 2

        @flow
        def inner():
            return 3

        @flow(name="Outer", task_runner=ThreadPoolTaskRunner(2))
        def outer():
            made = make.submit()
            failed = fail.submit(made)
            failed.wait()
            inner()
            return 4

        with trace.get_tracer("mine").start_as_current_span("around"):
            outer()
        import asyncio

        @flow
        async def awaited():
            return await later()

        asyncio.run(awaited())
        show()
        """,
    )
    by_name = {one["name"]: one for one in spans}
    assert set(by_name) == {"around", "Outer", "make", "inside", "fail", "inner", "awaited", "later"}
    parents = {
        "Outer": "around",
        "make": "Outer",
        "inside": "make",
        "fail": "Outer",
        "inner": "Outer",
        "later": "awaited",
    }
    for name, parent in parents.items():
        assert by_name[name]["parent"] == by_name[parent]["id"], name
        assert by_name[name]["trace"] == by_name[parent]["trace"]
    assert by_name["awaited"]["parent"] is None
    assert by_name["fail"]["links"] == [by_name["make"]["id"]]
    assert (by_name["fail"]["status"], by_name["make"]["status"]) == ("ERROR", "OK")
    assert "no" in by_name["fail"]["description"]
    assert "exception" in by_name["fail"]["events"]
    assert "Retrying" in by_name["fail"]["events"] or "AwaitingRetry" in by_name["fail"]["events"]
    assert by_name["fail"]["prefect.run.count"] == 2
    assert by_name["Outer"]["prefect.run.type"] == "flow"
    assert by_name["Outer"]["prefect.state.name"] == "Completed"
    assert by_name["make"]["prefect.flow_run.id"] == by_name["Outer"]["prefect.run.id"]


def test_a_flow_that_fails_and_one_that_is_a_generator(tmp_path):
    spans = spans_of(
        tmp_path,
        """
        from prefect import flow, task

        trace.set_tracer_provider(provider)

        @task
        def items():
            yield 1
            yield 2

        @flow
        def broken():
            list(items())
            raise ValueError("broken here")

        @flow
        def wants(x: int):
            pass

        for call in (broken, lambda: wants("not a number")):
            try:
                call()
            except Exception:
                pass
        show()
        """,
    )
    by_name = {one["name"]: one for one in spans}
    assert by_name["broken"]["status"] == "ERROR"
    assert "broken here" in by_name["broken"]["description"]
    assert by_name["items"]["parent"] == by_name["broken"]["id"]
    assert by_name["wants"]["prefect.state.type"] == "FAILED"


PLAIN = """
import sys
from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner

@task
def work():
    return 1

@flow(task_runner=ProcessPoolTaskRunner(1))
def plain():
    return work.submit().result()

if __name__ == "__main__":
    assert plain() == 1
    print(any(name.startswith("opentelemetry") for name in sys.modules))
"""


def test_nothing_is_imported_where_nobody_collects(tmp_path):
    done = program(tmp_path, PLAIN)
    assert done.stdout.split() == ["False"], done.stderr


def test_the_environment_names_an_exporter_and_children_continue_the_trace(tmp_path):
    done = program(tmp_path, PLAIN, OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0, done.stderr
    decoder, found, text = json.JSONDecoder(), {}, done.stderr
    while "{" in text:
        one, end = decoder.raw_decode(text[text.index("{") :])
        text = text[text.index("{") + end :]
        found[one["name"]] = one
    assert set(found) == {"plain", "work"}
    assert found["work"]["parent_id"] == found["plain"]["context"]["span_id"]
    assert found["work"]["context"]["trace_id"] == found["plain"]["context"]["trace_id"]


@pytest.mark.parametrize("env", [{"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}], ids=str)
def test_it_can_be_switched_off(tmp_path, env):
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    done = program(tmp_path, PLAIN, **endpoint, **env)
    assert done.stdout.split() == ["False"], done.stderr
