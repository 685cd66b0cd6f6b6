"""Serves several flows at once, as a user's script does; all that they say goes to their logs."""

from __future__ import annotations

import time
from pathlib import Path

from prefect import flow, pause_flow_run, serve, suspend_flow_run, task
from prefect.concurrency.sync import concurrency
from prefect.deployments import run_deployment
from prefect.input import RunInput, receive_input, send_input
from prefect.runtime import flow_run


class Answer(RunInput):
    name: str
    age: int = 3


@flow(log_prints=True)
def greets(x: int = 1) -> int:
    print(f"greets with {x}")
    return x * 2


@flow(log_prints=True)
def pauses() -> None:
    pause_flow_run(timeout=120, poll_interval=1)
    answer = pause_flow_run(wait_for_input=Answer.with_initial_data(age=7), timeout=120, poll_interval=1)
    print(f"heard of {answer.name}, {answer.age}")


@task(persist_result=True)
def counted() -> int:
    return 17


@flow(log_prints=True, persist_result=True)
def suspends() -> None:
    print(f"begins, run {flow_run.run_count}")
    found = counted()
    answer = suspend_flow_run(wait_for_input=Answer, timeout=600)
    print(f"after {found} heard of {answer.name}, {answer.age}")


@flow(log_prints=True)
def hears() -> None:
    for said in receive_input(str, timeout=60, poll_interval=0.5):
        print(f"was told {said}")
        if said == "enough":
            return


@flow(log_prints=True)
def tells(other: str) -> None:
    for said in ("hello", "enough"):
        send_input(said, flow_run_id=other)


@flow(log_prints=True)
def takes_turns(limit: str, mark: str) -> None:
    with concurrency(limit, occupy=1), Path(mark).open("a") as file:
        file.write("in\n")
        file.flush()
        time.sleep(1)
        file.write("out\n")


def note(flow, flow_run, state) -> None:
    """The hook of a run that was cancelled."""
    mark = Path(flow_run.parameters["mark"])
    mark.write_text(f"{mark.read_text()} {state.name}")


@flow(on_cancellation=[note])
def lingers(mark: str) -> None:
    Path(mark).write_text("begun")
    for _ in range(1200):
        time.sleep(0.1)


@flow(log_prints=True)
def delegates(timeout: float = 120) -> None:
    run = run_deployment("greets/several", parameters={"x": 4}, timeout=timeout, poll_interval=1)
    print(f"its child is {run.state.name}")


if __name__ == "__main__":
    flows = (greets, pauses, suspends, hears, tells, takes_turns, lingers, delegates)
    serve(*[one.to_deployment("several") for one in flows], print_starting_message=False, limit=8)
