"""Be part, in this process, of a flow run that another one executes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect._backend.resolve import backend
from prefect._engine.flow_call import FlowCall
from prefect._runners.threads import ThreadPoolTaskRunner
from prefect.model.records import FlowRunRecord

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def restored(serialized: dict[str, Any]) -> Generator[FlowCall, None, None]:
    """Put the context of `FlowCall.serialize` in force; what is submitted inside runs in threads of this process."""
    call = FlowCall(serialized["flow"], serialized["parameters"], backend=backend())
    call.record = FlowRunRecord._make(serialized["record"])
    call.id = call.record.id
    call.log_prints, call.persist_result = serialized["log_prints"], serialized["persist_result"]
    with call, ThreadPoolTaskRunner() as call.task_runner:
        yield call
