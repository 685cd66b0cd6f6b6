"""Variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api import variables
from prefect.client._method import Caller, method
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.variables import FilterVariables

if TYPE_CHECKING:
    from prefect.client._method import Steps
    from prefect.model.objects import Variable
    from prefect.model.requests.variables import VariableCreate, VariableUpdate


class VariableMethods(Caller):
    """What both clients ask about variables."""

    @method
    def create_variable(self, variable: VariableCreate) -> Steps[Variable]:
        """Make a variable. Raises ObjectAlreadyExists where the name is taken."""
        return (yield self._ask(variables.create_variable, body=variable))

    @method
    def read_variable_by_name(self, name: str) -> Steps[Variable | None]:
        """The variable of that name, or None."""
        try:
            return (yield self._ask(variables.read_variable_by_name, name=name))
        except ObjectNotFound:
            return None

    @method
    def read_variables(self, limit: int | None = None) -> Steps[list[Variable]]:
        """Variables, by name."""
        return (yield self._ask(variables.read_variables, body=FilterVariables(limit=limit)))

    @method
    def update_variable(self, variable: VariableUpdate) -> Steps[None]:
        """Change the variable of that name. Raises ObjectNotFound."""
        yield self._ask(variables.update_variable_by_name, name=variable.name, body=variable)

    @method
    def delete_variable_by_name(self, name: str) -> Steps[None]:
        """Remove the variable of that name. Raises ObjectNotFound."""
        yield self._ask(variables.delete_variable_by_name, name=name)
