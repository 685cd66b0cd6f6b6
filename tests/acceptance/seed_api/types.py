# ruff: noqa - as users write it
from typing import Callable, List, Optional, Union, Any, Iterable, Generic, TypeVar
from datetime import timedelta

from prefect import Flow, State, Task, flow, task
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.flows import FlowStateHook
from prefect.results import ResultSerializer, ResultStorage
from prefect.task_runners import TaskRunner
from prefect.tasks import RetryConditionCallable, StateHookCallable, TaskOptions

P = TypeVar("P")  # Parameters
R = TypeVar("R")  # Return type


# Hook types
def flow_hook(flow: Flow, flow_run: FlowRun, state: State) -> None:
    print(f"{flow.name} is {state.name}")


def task_hook(task: Task, task_run: TaskRun, state: State) -> None:
    print(f"{task.name} is {state.name}")


def never(task: Task, task_run: TaskRun, state: State) -> bool:
    return False


on_flow_state: FlowStateHook = flow_hook
on_task_state: StateHookCallable = task_hook
retry_condition: RetryConditionCallable = never

# Configuration types
storage: Optional[ResultStorage] = None
serializer: Optional[ResultSerializer] = None

# Task options type
options: TaskOptions = {
    "name": "typed",
    "description": "A task whose options are typed",
    "tags": ["typed"],
    "version": "1",
    "cache_key_fn": None,
    "cache_expiration": None,
    "retries": 1,
    "retry_delay_seconds": 0,
    "retry_condition_fn": retry_condition,
    "timeout_seconds": 60,
}


@task(on_completion=[on_task_state], result_storage=storage, result_serializer=serializer, **options)
def typed_task(x: int) -> int:
    return x


@flow(on_completion=[on_flow_state])
def typed_flow() -> int:
    return typed_task(1)
