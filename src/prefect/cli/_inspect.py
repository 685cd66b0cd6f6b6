"""One run in full: dense text for people, JSON of the public models for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from prefect._backend.resolve import backend
from prefect.cli._output import format_time
from prefect.cli._runs import (
    children_of,
    duration_text,
    flow_run_duration,
    styled_state,
    task_run_duration,
    uuid_text,
)
from prefect.cli._why import place, retry_command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord

_LABEL = 13
_RESUMABLE = frozenset(("FAILED", "CRASHED", "CANCELLED"))


def print_flow_run(run: FlowRunRecord) -> None:
    """A flow run for people."""
    click.echo(f"{click.style(run.name, bold=True)}  flow run of {run.flow_name!r}")
    _print_fields(
        [
            ("ID", uuid_text(run.id)),
            ("State", _state(run.state)),
            ("Cause" if run.state.type in _RESUMABLE else "Message", run.state.message),
            ("Executed by", place(run)),
            ("Scheduled", format_time(run.next_scheduled_start_time)),
            ("Started", format_time(run.start_time)),
            ("Ended", format_time(run.end_time)),
            ("Duration", duration_text(flow_run_duration(run))),
            ("Attempts", f"{run.attempt}, entered Running {_times(run.run_count)}"),
            ("Version", run.flow_version),
            ("Tags", ", ".join(run.tags)),
            ("Entrypoint", run.entrypoint),
            ("Folder", run.working_dir),
            ("Parent", _parent(run)),
            ("Children", _children(run)),
            ("Task runs", _counts(backend().count_task_runs(run.id))),
        ]
    )
    if run.parameters:
        click.echo("Parameters")
        for name, value in run.parameters.items():
            click.echo(f"  {name} = {_short(value)}")
    if run.state.type in _RESUMABLE:
        click.echo(f"\nResume it:  {retry_command(run)}")


def flow_run_json(run: FlowRunRecord) -> dict[str, Any]:
    """A flow run with its states, children and counts, complete."""
    from prefect.model.runs import FlowRun  # 150 ms of import of pydantic, for JSON only
    from prefect.model.state import State

    states: list[State[Any]] = [
        State.from_record(state, flow_run_id=run.id) for state in backend().read_flow_run_states(run.id)
    ]
    return {
        **FlowRun.from_record(run).model_dump(mode="json"),
        "flow_name": run.flow_name,
        "attempt": run.attempt,
        "entrypoint": run.entrypoint,
        "working_dir": run.working_dir,
        "parent_flow_run_id": uuid_text(run.parent_flow_run_id) if run.parent_flow_run_id else None,
        "children": [
            {"id": uuid_text(child.id), "name": child.name, "state_type": child.state.type}
            for child in children_of([run])
        ],
        "states": [state.model_dump(mode="json") for state in states],
        "task_run_counts": backend().count_task_runs(run.id),
        "retry_command": retry_command(run) if run.state.type in _RESUMABLE else None,
    }


def flow_runs_json(runs: Iterable[FlowRunRecord]) -> list[dict[str, Any]]:
    """Flow runs in the fields of the public model, each with the name of its flow."""
    from prefect.model.runs import FlowRun  # 150 ms of import of pydantic, for JSON only

    return [{**FlowRun.from_record(run).model_dump(mode="json"), "flow_name": run.flow_name} for run in runs]


def print_task_run(run: TaskRunRecord) -> None:
    """A task run for people."""
    detail: dict[str, Any] = json.loads(run.detail) if run.detail else {}
    click.echo(f"{click.style(run.name, bold=True)}  task run of {run.task_key!r}")
    states = backend().read_task_run_states(run.id)
    _print_fields(
        [
            ("ID", uuid_text(run.id)),
            ("State", _state(states[-1])),
            ("Cause" if run.state_type in _RESUMABLE else "Message", run.state_message),
            ("Started", format_time(run.start_time)),
            ("Ended", format_time(run.end_time)),
            ("Duration", duration_text(task_run_duration(run))),
            ("Tries", str(run.run_count)),
            ("Flow run", _flow_run_of(run)),
            ("Parent task", uuid_text(run.parent_task_run_id) if run.parent_task_run_id else None),
            ("Tags", ", ".join(detail.get("tags", ()))),
            ("Cache key", detail.get("cache_key")),
            ("Subflow run", detail.get("child_flow_run_id")),
            ("Recorded", f"a result of {len(run.result):,} bytes, for resume" if run.result else None),
            ("States", " → ".join(state.name for state in states) if run.history else None),
        ]
    )


def task_runs_json(runs: Iterable[TaskRunRecord]) -> list[dict[str, Any]]:
    """Task runs in the fields of the public model."""
    from prefect.model.runs import TaskRun  # 150 ms of import of pydantic, for JSON only

    return [TaskRun.from_record(run).model_dump(mode="json") for run in runs]


def _print_fields(fields: Iterable[tuple[str, str | None]]) -> None:
    for label, value in fields:
        if value:
            first, *more = value.splitlines()
            click.echo(f"{click.style(label.ljust(_LABEL), dim=True)}{first}")
            for line in more:
                click.echo(" " * _LABEL + line)


def _state(state: StateRecord) -> str:
    return f"{styled_state(state.type, state.name)}  {format_time(state.timestamp)}"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _counts(counts: dict[str, int]) -> str | None:
    if not counts:
        return None
    parts = [
        f"{counts[each]:,} {styled_state(each, each.lower())}"
        for each in sorted(counts, key=lambda c: -counts[c])
    ]
    return f"{sum(counts.values()):,}: {', '.join(parts)}"


def _parent(run: FlowRunRecord) -> str | None:
    if run.parent_flow_run_id is None:
        return None
    parent = backend().read_flow_run(run.parent_flow_run_id)
    return f"{parent.name}  {uuid_text(parent.id)}"


def _children(run: FlowRunRecord) -> str:
    lines = [
        f"{child.name}  {styled_state(child.state.type, child.state.name)}  {uuid_text(child.id)}"
        for child in children_of([run])
    ]
    return "\n".join([*lines[:10], f"and {len(lines) - 10} more"] if len(lines) > 10 else lines)


def _flow_run_of(run: TaskRunRecord) -> str | None:
    if run.flow_run_id is None:
        return None
    flow_run = backend().read_flow_run(run.flow_run_id)
    return f"{flow_run.name}  {uuid_text(flow_run.id)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text):,} characters; `-o json` shows all)"
