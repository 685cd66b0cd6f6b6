"""The other side of `process_pool`: takes task runs from a connection, runs them, sends their outcomes back."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import os
import pickle
import sys
from multiprocessing.connection import Client
from typing import TYPE_CHECKING, Any

import cloudpickle

from prefect._backend import journal
from prefect._base.drive import drive, drive_async, run_awaitable
from prefect._engine import run as engine
from prefect._runners.remote import restored
from prefect._runners.transfer import call_elsewhere, outcome_of
from prefect.context import EngineContext, hydrated_context, register_restorer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from prefect._engine.task_call import TaskCall


def main() -> None:
    """Serve one parent until it closes the connection, or is gone."""
    address, key, path = pickle.load(sys.stdin.buffer)
    sys.path[:] = path
    connection = Client(address, authkey=key)
    _, context, initializer, initargs = cloudpickle.loads(connection.recv_bytes())
    if initializer is not None:
        initializer(*initargs)
    register_restorer(restored)
    with hydrated_context(context):
        _serve(connection)
    journal.commit()


def _serve(connection: Connection) -> None:
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(_outcome(*cloudpickle.loads(message)[1:]))


def _outcome(task: Any, identity: tuple[Any, ...]) -> bytes:
    """Run it and record it; the outcome, pickled, once everything of it is on disk."""
    flow = EngineContext.get()
    call = call_elsewhere(task, identity, flow=flow)
    try:
        if task.isasync:
            run_awaitable(drive_async(engine.task_run(call)))
        else:
            drive(engine.task_run(call))
    except Exception:  # noqa: S110 - it is in the call's state
        pass
    except BaseException as exc:
        journal.commit()
        if not isinstance(exc, (KeyboardInterrupt, SystemExit)):
            raise
        os._exit(1)
    journal.commit()
    return _pickled(call)


def _pickled(call: TaskCall) -> bytes:
    try:
        return cloudpickle.dumps(outcome_of(call))
    except Exception as exc:
        call.exception = TypeError(
            f"The result of task '{call.task.name}' cannot be sent back from its process: {exc}. "
            "Return something that can be pickled, or use a ThreadPoolTaskRunner."
        )
        call.value = None
        return cloudpickle.dumps(outcome_of(call))
