"""OpenTelemetry spans of flow runs and task runs, where somebody collects them.

Spans are made from the moment at which a program sets a tracer provider (with its first flow run after that), or from
the start where the environment names an exporter (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_EXPORTER`) as the
OpenTelemetry specification has it. Where neither is so, nothing of OpenTelemetry is imported and a run costs nothing
more: `prefect._engine.run` calls the bare generators, and not those of this module.

What a span holds: the run's names and id, its states, the error it ended with; its parent is the span that was
current where the run was called, and links lead to the task runs whose results it was given.
"""

# OpenTelemetry is an optional package, so everything of it is Any here.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import logging
import os
import sys
from collections import OrderedDict
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from prefect._version import PLUPERFECT_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefect._engine.flow_call import FlowCall
    from prefect._engine.task_call import TaskCall

    Run = Generator[Any, Any, Any]

MOST_REMEMBERED: Final = 10_000  # spans of task runs that links may lead to
PARENT: Final = "TRACEPARENT"  # of the environment: the span around this process, in W3C form
_spans: OrderedDict[str, Any] = OrderedDict()
_log = logging.getLogger("prefect.tracing")


def is_asked_for() -> bool:
    """Whether the environment names an exporter, and OpenTelemetry's SDK is there."""
    env = os.environ
    if env.get("OTEL_SDK_DISABLED", "").lower() == "true" or env.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    names = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if not any(env.get(name) for name in names):
        return False
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        _log.warning("The environment asks for OpenTelemetry spans: pip install 'pluperfect[otel]'")
        return False
    return True


def has_provider() -> bool:
    """Whether the program has set a tracer provider; imports nothing."""
    trace = sys.modules.get("opentelemetry.trace")
    return trace is not None and getattr(trace, "_TRACER_PROVIDER", None) is not None


def environment() -> dict[str, str]:
    """What a child process is told, so that its spans are children of the current one."""
    if "opentelemetry.trace" not in sys.modules:
        return {}
    carrier: dict[str, str] = {}
    import_module("opentelemetry.trace.propagation.tracecontext").TraceContextTextMapPropagator().inject(
        carrier
    )
    return {PARENT: carrier["traceparent"]} if "traceparent" in carrier else {}


def traced_tasks(task_run: Callable[[TaskCall], Run]) -> Callable[[TaskCall], Run]:
    """The same run, in a span."""

    def traced(call: TaskCall) -> Run:
        with _span(call.task.name, is_entered=not call.task.isgenerator) as span:
            try:
                yield from task_run(call)
            finally:
                _describe_task(span, call)

    return traced


def traced_flows(flow_run: Callable[[FlowCall], Run]) -> Callable[[FlowCall], Run]:
    """The same run, in a span."""

    def traced(call: FlowCall) -> Run:
        with _span(call.flow.name, is_entered=not call.flow.isgenerator) as span:
            try:
                yield from flow_run(call)
            finally:
                _describe_flow(span, call)

    return traced


@contextmanager
def _span(name: str, *, is_entered: bool) -> Generator[Any, None, None]:
    """A span that ends with the block. Of generator functions it is not current: their callers run in between."""
    trace = import_module("opentelemetry.trace")
    span = _tracer().start_span(name, context=_around(trace))
    if is_entered:
        context = import_module("opentelemetry.context")
        token = context.attach(trace.set_span_in_context(span))
        try:
            yield span
        finally:
            context.detach(token)
            span.end()
    else:
        try:
            yield span
        finally:
            span.end()


def _around(trace: Any) -> Any:
    """The current context; where no span is, the one that this process was started in."""
    if trace.get_current_span().get_span_context().is_valid or PARENT not in os.environ:
        return None
    propagation = import_module("opentelemetry.trace.propagation.tracecontext")
    return propagation.TraceContextTextMapPropagator().extract({"traceparent": os.environ[PARENT]})


def _tracer() -> Any:
    trace = import_module("opentelemetry.trace")
    if not has_provider():
        _provide(trace)
    return trace.get_tracer("pluperfect", PLUPERFECT_VERSION)


@lru_cache(maxsize=1)  # tried once
def _provide(trace: Any) -> None:
    """Set a provider with the exporter that the environment names."""
    try:
        exporter = _exporter(os.environ.get("OTEL_TRACES_EXPORTER") or "otlp")
    except ImportError as exc:
        _log.warning("No OpenTelemetry spans are sent: %s. pip install 'pluperfect[otel]'", exc)
        return
    provider = import_module("opentelemetry.sdk.trace").TracerProvider()
    provider.add_span_processor(import_module("opentelemetry.sdk.trace.export").BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def _exporter(name: str) -> Any:
    if name == "console":
        return import_module("opentelemetry.sdk.trace.export").ConsoleSpanExporter(out=sys.stderr)
    named = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    protocol = "grpc" if named == "grpc" else "http"
    return import_module(f"opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter").OTLPSpanExporter()


def _describe_task(span: Any, call: TaskCall) -> None:
    run_id = str(UUID(bytes=call.id))
    _set(
        span,
        {
            "prefect.run.type": "task",
            "prefect.run.id": run_id,
            "prefect.run.name": call.name,
            "prefect.run.count": call.run_count,
            "prefect.task.key": call.task.task_key,
            "prefect.flow_run.id": str(UUID(bytes=call.flow.id)) if call.flow is not None else None,
        },
    )
    detail = call.detail or {}
    for sources in detail.get("task_inputs", {}).values():
        for source in sources:
            if source.get("id") in _spans:
                span.add_link(_spans[source["id"]], {"prefect.link": "input"})
    for entry in call.history or ():
        span.add_event(entry[1], {"prefect.state.type": entry[0]}, timestamp=entry[2] * 1000)
    _end(span, call.state_type, call.state_name, call.state_message, call.exception)
    _spans[run_id] = span.get_span_context()
    if len(_spans) > MOST_REMEMBERED:
        _spans.popitem(last=False)


def _describe_flow(span: Any, call: FlowCall) -> None:
    record = getattr(call, "record", None)  # there is none of a run that was never created
    _set(span, {"prefect.run.type": "flow", "prefect.flow.name": call.flow.name})
    if record is None:
        return
    _set(
        span,
        {
            "prefect.run.id": str(UUID(bytes=call.id)),
            "prefect.run.name": record.name,
            "prefect.run.count": record.run_count,
            "prefect.run.attempt": record.attempt,
            "prefect.flow.version": record.flow_version,
            "prefect.deployment.id": str(UUID(bytes=record.deployment_id)) if record.deployment_id else None,
        },
    )
    _end(span, record.state.type, record.state.name, record.state.message, call.exception)


def _set(span: Any, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if value is not None:
            span.set_attribute(name, value)


def _end(span: Any, type_: str, name: str, message: str | None, exception: BaseException | None) -> None:
    """Completed is OK, failed and crashed an error; of anything else the state's name has to do."""
    _set(span, {"prefect.state.type": type_, "prefect.state.name": name, "prefect.state.message": message})
    trace = import_module("opentelemetry.trace")
    if type_ == "COMPLETED":
        span.set_status(trace.Status(trace.StatusCode.OK))
    elif type_ in {"FAILED", "CRASHED"}:
        if exception is not None:
            span.record_exception(exception)
        span.set_status(trace.Status(trace.StatusCode.ERROR, message or name))
