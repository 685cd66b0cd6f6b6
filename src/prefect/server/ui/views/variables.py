"""Variables: named JSON values."""

from __future__ import annotations

from uuid import UUID

from prefect._api.variables import (
    count_variables,
    create_variable,
    delete_variable,
    read_variable,
    read_variables,
    update_variable,
)
from prefect.model.requests.variables import (
    CountVariables,
    FilterVariables,
    VariableCreate,
    VariableFilter,
    VariableFilterName,
    VariableFilterTags,
    VariableUpdate,
)
from prefect.server.ui.form_values import json_of, request_of, tags_of, text_of
from prefect.server.ui.page import Asked, Move, View, page
from prefect.server.ui.paging import offset_of

PAGE = 100
LIST = "/variables"


@page("/variables")
def show_variables(asked: Asked) -> View:
    """All variables by name."""
    name, tags = asked.query.get("q"), [one for one in asked.query.getlist("tag") if one]
    wanted = VariableFilter(
        name=VariableFilterName(like_=name) if name else None,
        tags=VariableFilterTags(all_=tags) if tags else None,
    )
    offset = offset_of(asked)
    found = read_variables(asked.api, FilterVariables(variables=wanted, limit=PAGE + 1, offset=offset))
    values = {
        "variables": found[:PAGE],
        "next": offset + PAGE if len(found) > PAGE else None,
        "number": count_variables(asked.api, CountVariables(variables=wanted)),
        "may_add": asked.may(create_variable),
    }
    return View("variables.html", "Variables", values)


@page("/variables/variable/{id}")
def show_variable(asked: Asked, id: UUID) -> View:
    """One variable, with the form that changes it."""
    variable = read_variable(asked.api, id)
    may = {"may_change": asked.may(update_variable), "may_delete": asked.may(delete_variable)}
    return View("variable.html", variable.name, {"variable": variable, **may})


@page("/variables", "POST")
def add_variable(asked: Asked) -> Move:
    """Make a variable."""
    name, value = text_of(asked, "name"), json_of(asked, "value")
    body = request_of(VariableCreate, name=name, value=value, tags=tags_of(asked))
    asked.do(create_variable, body)
    return Move(LIST, f"Variable {body.name} was made.")


@page("/variables/variable/{id}", "POST")
def change_variable(asked: Asked, id: UUID) -> Move:
    """Change name, value and tags."""
    name, value = text_of(asked, "name"), json_of(asked, "value")
    asked.do(update_variable, id, request_of(VariableUpdate, name=name, value=value, tags=tags_of(asked)))
    return Move(LIST, f"Variable {name} was changed.")


@page("/variables/variable/{id}/delete", "POST")
def remove_variable(asked: Asked, id: UUID) -> Move:
    """Remove a variable."""
    asked.do(delete_variable, id)
    return Move(LIST, f"Variable {text_of(asked, 'called')} was deleted.")
