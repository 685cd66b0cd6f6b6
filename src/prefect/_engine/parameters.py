"""A flow's parameters: stored, resolved, validated and coerced by annotation (behaviours 11 and 12)."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

from prefect._backend.protocol import NewFlowRun
from prefect._base import clock
from prefect._base.ids import new_id
from prefect._base.jsonable import to_jsonable
from prefect._engine import inputs
from prefect._engine.effects import Verb
from prefect.context import current_tags
from prefect.exceptions import ParameterTypeError
from prefect.model.names import random_name
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from prefect._engine.flow_call import FlowCall

    Steps = Generator[Any, Any, None]

MAXIMUM_PICKLE = 1_000_000
_EXACT = frozenset((int, str, float, bool, bytes))


def create_run(call: FlowCall, *, name: str | None = None, running: bool = False) -> Steps:
    """Make the flow run's row, unless it is there already: Pending, or Running at once."""
    if call.taken_up:
        return
    state = StateRecord(new_id(), "RUNNING", "Running", clock.now_us()) if running else None
    if call.tracking is not None and state is not None:
        call.tracking.mirror(state)
    call.id = call.id or new_id()
    flow, parent = call.flow, call.parent
    shown, pickled = stored_form(call.parameters)
    new = NewFlowRun(
        id=call.id,
        flow_name=flow.name,
        name=name or random_name(),
        state=StateRecord(new_id(), "PENDING", "Pending", clock.now_us()),
        parameters=shown,
        parameters_pickle=pickled,
        tags=tuple(sorted(current_tags())),
        flow_version=flow.version,
        entrypoint=flow.entrypoint,
        working_dir=os.getcwd(),  # noqa: PTH109 - a Path costs ten times as much
        parent_task_run_id=call.tracking.id if call.tracking is not None else None,
        parent_flow_run_id=parent.id if parent is not None else None,
        root_flow_run_id=parent.record.root_flow_run_id if parent is not None else None,
        policy={"retries": flow.retries, "retry_delay": flow.retry_delay_seconds},
    )
    yield Verb(
        call.backend,
        lambda: call.backend.create_flow_run(new, executes=True, running=state),
        call.take_up,
    )


def stored_form(parameters: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    """The parameters as JSON for show and, where JSON cannot bring them back, also pickled for a resumed run."""
    shown, faithful = to_jsonable(parameters)
    if faithful:
        return shown, None
    if any(inputs.needs_resolving(value) for value in parameters.values()):
        return shown, None  # stored again once the futures have their results
    try:
        blob = pickle.dumps(parameters, 5)
    except Exception:
        return shown, None
    return shown, blob if len(blob) <= MAXIMUM_PICKLE else None


def resolve(call: FlowCall) -> Steps:
    """Put results in the place of futures and states."""
    call.parameters = {name: inputs.resolved(value) for name, value in call.parameters.items()}
    shown, pickled = stored_form(call.parameters)
    changes = {"parameters": shown, "parameters_pickle": pickled}
    yield Verb(call.backend, lambda: call.backend.update_flow_run(call.id, changes))
    call.record = call.record._replace(parameters=shown, parameters_pickle=pickled)


def validate(call: FlowCall) -> None:
    """Coerce the parameters by the function's annotations.

    Raises:
        ParameterTypeError: one is refused; the message names it, what was expected and what came.
    """
    if call.flow.should_validate_parameters:
        call.parameters = validated(call.flow, call.parameters)


def validated(flow: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, coerced. Values that are exactly what a plain annotation asks for need no pydantic."""
    hints = flow.type_hints
    if all(
        name not in hints or hints[name] is Any or (hints[name] in _EXACT and type(value) is hints[name])
        for name, value in parameters.items()
    ):
        return parameters
    return flow.parameter_validator(parameters)


def make_validator(flow: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that validates the flow's parameters with pydantic, made once a flow."""
    from pydantic import ConfigDict, Field, ValidationError, create_model  # 150 ms of import

    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for position, parameter in enumerate(flow.binder.signature.parameters.values()):
        hint = flow.type_hints.get(parameter.name, Any)
        if parameter.kind is parameter.VAR_POSITIONAL:
            hint = tuple[hint, ...]
        elif parameter.kind is parameter.VAR_KEYWORD:
            hint = dict[str, hint]
        # pydantic reserves some names (leading underscores, model_*): the field has its own, the error the user's
        field = f"p{position}"
        names[field] = parameter.name
        fields[field] = (hint, Field(alias=parameter.name))
    config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=False)
    model = create_model(
        flow.fn.__name__ if hasattr(flow.fn, "__name__") else "Parameters", __config__=config, **fields
    )

    def validate(parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            checked = model.model_validate(parameters)
        except ValidationError as exc:
            raise ParameterTypeError.from_validation_error(exc) from None
        return {name: getattr(checked, field) for field, name in names.items() if name in parameters}

    return validate
