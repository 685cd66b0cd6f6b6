"""Bind arguments to a function's parameters, fast where the call is plain."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from prefect.exceptions import ParameterBindError, ReservedArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

RESERVED = ("wait_for", "return_state")


class Binder:
    """The signature of one function, taken apart once.

    Raises:
        ReservedArgumentError: a parameter is called `wait_for` or `return_state` (behaviour 3).
    """

    __slots__ = ("_defaults", "_fn", "_keyword", "_names", "_plain", "_positional", "_spread", "signature")

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn
        self.signature = inspect.signature(fn)
        parameters = self.signature.parameters
        for name in RESERVED:
            if name in parameters:
                raise ReservedArgumentError(f"'{name}' is a reserved argument name and cannot be used.")
        kinds = {p.kind for p in parameters.values()}
        self._plain = kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
        self._names = tuple(parameters)
        self._defaults = {
            n: p.default for n, p in parameters.items() if p.default is not inspect.Parameter.empty
        }
        self._positional = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_ONLY]
        self._spread = next((n for n, p in parameters.items() if p.kind is p.VAR_POSITIONAL), None)
        self._keyword = next((n for n, p in parameters.items() if p.kind is p.VAR_KEYWORD), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return self._names

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters' defaults."""
        return self._defaults

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Every parameter's value, defaults included; `*args` and `**kwargs` stand under their own names.

        Raises:
            ParameterBindError: the arguments do not fit (behaviour 10).
        """
        if self._plain and len(args) <= len(self._names):
            parameters = dict(zip(self._names, args, strict=False))
            for name in self._names[len(args) :]:
                if name in kwargs:
                    parameters[name] = kwargs[name]
                elif name in self._defaults:
                    parameters[name] = self._defaults[name]
            if len(parameters) == len(self._names) and (not kwargs or self._names_once(args, kwargs)):
                return parameters
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as exc:
            raise ParameterBindError.from_bind_failure(self._fn, exc, args, kwargs) from exc
        bound.apply_defaults()
        return bound.arguments

    def bind_given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The values of the parameters that are given, without defaults. Raises ParameterBindError."""
        try:
            return self.signature.bind(*args, **kwargs).arguments
        except TypeError as exc:
            raise ParameterBindError.from_bind_failure(self._fn, exc, args, kwargs) from exc

    def flattened(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters with what is in `**kwargs` beside the others."""
        if self._keyword is None or self._keyword not in parameters:
            return dict(parameters)
        rest = {name: value for name, value in parameters.items() if name != self._keyword}
        return rest | parameters[self._keyword]

    def completed(self, flattened: dict[str, Any]) -> dict[str, Any]:
        """The other way round, with defaults for what is missing."""
        own = {name: flattened[name] for name in self._names if name in flattened and name != self._keyword}
        if self._keyword is not None:
            own[self._keyword] = {n: v for n, v in flattened.items() if n not in own}
        return {**self._defaults, **own} if len(own) < len(self._names) else own

    def _names_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether every keyword names a parameter that was not given by position."""
        return all(name in self._names[len(args) :] for name in kwargs)

    def call_arguments(self, parameters: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The other way round: how to call the function with these parameters."""
        if self._plain:
            return (), parameters
        rest = dict(parameters)
        args: list[Any] = []
        if self._spread is not None:
            # what stands before *args can only be passed by position
            before = self._names[: self._names.index(self._spread)]
            args += [rest.pop(name) for name in before]
            args += rest.pop(self._spread, ())
        else:
            args += [rest.pop(name) for name in self._positional]
        if self._keyword is not None:
            rest |= rest.pop(self._keyword, {})
        return tuple(args), rest
