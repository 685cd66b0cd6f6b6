"""Variables: named JSON values that outlive a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from typing_extensions import Self

from prefect._base.drive import drive_async
from prefect.client._use import Using, either
from prefect.model.requests.variables import VariableCreate, VariableUpdate, VariableValue

if TYPE_CHECKING:
    from collections.abc import Generator

    Steps = Generator[Any, Any, Any]


class Variable(BaseModel):
    """A variable.

    Under a running event loop `get`, `set` and `unset` give awaitables, unless a sync flow or task calls them;
    `aget`, `aset` and `aunset` always do.

    Attributes:
        name: lowercase letters, digits, dashes and underscores; 255 at most.
        value: anything that JSON can hold in 5,000 characters.
        tags: for finding it.
    """

    name: str
    value: VariableValue
    tags: list[str] | None = None

    @classmethod
    def set(
        cls, name: str, value: VariableValue, tags: list[str] | None = None, overwrite: bool = False
    ) -> Self:
        """Keep a value under a name.

        Args:
            name: see `Variable`.
            value: see `Variable`.
            tags: those of the variable from now on.
            overwrite: replace the value that the name has.

        Raises:
            ValueError: the name has a value, and is not to be overwritten; or name or value are none
                (pydantic's ValidationError).
        """
        return either(cls._set(name, value, tags, overwrite))

    @classmethod
    async def aset(
        cls, name: str, value: VariableValue, tags: list[str] | None = None, overwrite: bool = False
    ) -> Self:
        """The async form of `set`."""
        return await drive_async(cls._set(name, value, tags, overwrite))

    @classmethod
    def get(cls, name: str, default: VariableValue = None) -> VariableValue:
        """The value of that name, or `default`."""
        return either(cls._get(name, default))

    @classmethod
    async def aget(cls, name: str, default: VariableValue = None) -> VariableValue:
        """The async form of `get`."""
        return await drive_async(cls._get(name, default))

    @classmethod
    def unset(cls, name: str) -> bool:
        """Forget the variable; whether there was one."""
        return either(cls._unset(name))

    @classmethod
    async def aunset(cls, name: str) -> bool:
        """The async form of `unset`."""
        return await drive_async(cls._unset(name))

    @classmethod
    def _set(cls, name: str, value: VariableValue, tags: list[str] | None, overwrite: bool) -> Steps:
        wanted = VariableCreate(name=name, value=value, tags=tags or [])
        known = yield Using(None, "read_variable_by_name", name=name)
        if known is None:
            yield Using(None, "create_variable", variable=wanted)
        elif overwrite:
            yield Using(None, "update_variable", variable=VariableUpdate(**wanted.model_dump()))
        else:
            raise ValueError(f"Variable {name!r} already exists. Use `overwrite=True` to update it.")
        return cls(name=name, value=value, tags=wanted.tags)

    @classmethod
    def _get(cls, name: str, default: VariableValue) -> Steps:
        known = yield Using(None, "read_variable_by_name", name=name)
        return default if known is None else known.value

    @classmethod
    def _unset(cls, name: str) -> Generator[Any, Any, bool]:
        known = yield Using(None, "read_variable_by_name", name=name)
        if known is not None:
            yield Using(None, "delete_variable_by_name", name=name)
        return known is not None
