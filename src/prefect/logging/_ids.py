"""Run ids as logs have them: text in records, 16 bytes in rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect.context import FlowRunContext, TaskRunContext


def id_text(value: Any) -> str | None:
    """The id as text; it may be 16 bytes, a UUID or text."""
    if isinstance(value, bytes):
        digits = value.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return None if value is None else str(value)


def id_bytes(value: Any) -> bytes | None:
    """The id as 16 bytes, None if it is none: a log is not lost because its id is ill-formed."""
    if isinstance(value, str):
        try:
            found = bytes.fromhex(value.replace("-", ""))
        except ValueError:
            return None
        return found if len(found) == 16 else None
    if isinstance(value, UUID):
        return value.bytes
    return value if isinstance(value, bytes) and len(value) == 16 else None


def run_ids_in_context() -> tuple[bytes | None, bytes | None]:
    """The flow run and the task run in whose context this is called."""
    task_context = TaskRunContext.get()
    if task_context is not None:
        return task_context.record.flow_run_id, task_context.record.id
    flow_context = FlowRunContext.get()
    return (None if flow_context is None else flow_context.record.id), None
