"""Variables: named JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.limits import page_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import clauses
from prefect._storage.clauses import Clause
from prefect._storage.variables import VARIABLES, VariableRecord
from prefect.exceptions import ObjectAlreadyExists
from prefect.model.objects import Variable
from prefect.model.requests.variables import (
    CountVariables,
    FilterVariables,
    VariableCreate,
    VariableFilter,
    VariableUpdate,
)

if TYPE_CHECKING:
    from prefect._storage.protocol import Transaction

_ORDERS = {
    "CREATED_DESC": "created DESC",
    "UPDATED_DESC": "updated DESC",
    "NAME_DESC": "name DESC",
    "NAME_ASC": "name",
}


@endpoint("POST", "/variables/", status=201)
def create_variable(api: Api, body: VariableCreate) -> Variable:
    """Make a variable. Raises ObjectAlreadyExists where the name is taken."""
    now = now_us()
    record = VariableRecord(new_id(), body.name, body.value, body.tags or [], now, now)
    with api.store.write() as cx:
        _require_free(cx, body.name)
        VARIABLES.insert(cx, record)
    return _shown(record)


@endpoint("GET", "/variables/{id}")
def read_variable(api: Api, id: UUID) -> Variable:
    """One variable. Raises ObjectNotFound."""
    return _required(VARIABLES.read(api.store, id=id.bytes))


@endpoint("GET", "/variables/name/{name}")
def read_variable_by_name(api: Api, name: str) -> Variable:
    """The variable of that name. Raises ObjectNotFound."""
    return _required(VARIABLES.read(api.store, name=name))


@endpoint("POST", "/variables/filter")
def read_variables(api: Api, body: FilterVariables | None = None) -> list[Variable]:
    """The variables that pass the filter."""
    asked = body or FilterVariables()
    found = VARIABLES.find(
        api.store, _where(asked.variables), order=_ORDERS[asked.sort.value], **page_of(asked)
    )
    return [_shown(record) for record in found]


@endpoint("POST", "/variables/count")
def count_variables(api: Api, body: CountVariables | None = None) -> int:
    """How many variables pass the filter."""
    return VARIABLES.count(api.store, _where(body.variables if body else None))


@endpoint("PATCH", "/variables/{id}", status=204)
def update_variable(api: Api, id: UUID, body: VariableUpdate) -> None:
    """Change a variable. Raises ObjectNotFound, ObjectAlreadyExists."""
    _update(api, body, id=id.bytes)


@endpoint("PATCH", "/variables/name/{name}", status=204)
def update_variable_by_name(api: Api, name: str, body: VariableUpdate) -> None:
    """Change the variable of that name. Raises ObjectNotFound, ObjectAlreadyExists."""
    _update(api, body, name=name)


@endpoint("DELETE", "/variables/{id}", status=204)
def delete_variable(api: Api, id: UUID) -> None:
    """Remove a variable. Raises ObjectNotFound."""
    _delete(api, id=id.bytes)


@endpoint("DELETE", "/variables/name/{name}", status=204)
def delete_variable_by_name(api: Api, name: str) -> None:
    """Remove the variable of that name. Raises ObjectNotFound."""
    _delete(api, name=name)


def _update(api: Api, body: VariableUpdate, **equals: Any) -> None:
    changes = body.model_dump(exclude_unset=True)
    with api.store.write() as cx:
        record = VARIABLES.read(cx, **equals)
        if record is None:
            raise missing("Variable")
        if changes.get("name", record.name) != record.name:
            _require_free(cx, changes["name"])
        VARIABLES.update(cx, record.id, {**changes, "updated": now_us()})


def _delete(api: Api, **equals: Any) -> None:
    with api.store.write() as cx:
        if not VARIABLES.delete(cx, **equals):
            raise missing("Variable")


def _where(asked: VariableFilter | None) -> list[Clause]:
    if asked is None:
        return []
    found: list[Clause] = []
    if asked.id is not None and asked.id.any_ is not None:
        found.append(clauses.any_of("id", [one.bytes for one in asked.id.any_]))
    if asked.name is not None and asked.name.any_ is not None:
        found.append(clauses.any_of("name", asked.name.any_))
    if asked.name is not None and asked.name.like_ is not None:
        found.append(clauses.contains("name", asked.name.like_))
    if asked.tags is not None:
        found.append(clauses.tags("tags", asked.tags.operator.value, asked.tags.all_, asked.tags.is_null_))
    return [clauses.joined(asked.operator.value, found)]


def _require_free(cx: Transaction, name: str) -> None:
    if VARIABLES.read(cx, name=name) is not None:
        raise ObjectAlreadyExists(None, f"Variable with name {name!r} already exists.")


def _required(record: VariableRecord | None) -> Variable:
    if record is None:
        raise missing("Variable")
    return _shown(record)


def _shown(record: VariableRecord) -> Variable:
    return Variable.model_validate(VARIABLES.shown(record))
