"""A function that stands at a path: an endpoint of the API, or a page of the UI."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any, get_type_hints


class Placed:
    """A function whose first argument is who asks, with the HTTP method and the path that it answers to.

    Args:
        function: what answers.
        method: of HTTP.
        path: with `{name}` for each argument in it.
    """

    def __init__(self, function: Callable[..., Any], method: str, path: str) -> None:
        self.function = function
        self.method = method
        self.path = path

    @cached_property
    def signature(self) -> inspect.Signature:
        """The function's, without the first argument, with real types in place of their names."""
        hints = get_type_hints(self.function, include_extras=True)
        _, *parameters = inspect.signature(self.function).parameters.values()
        return inspect.Signature(
            [one.replace(annotation=hints[one.name]) for one in parameters],
            return_annotation=hints["return"],
        )
