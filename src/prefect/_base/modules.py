"""What a Python file is called when it is imported, however it came to run."""

from __future__ import annotations

import os
from typing import Any

MAIN_ALIAS = "__prefect_main__"  # where a resumed run finds what its script defined as part of `__main__`
_MAIN = frozenset(("__main__", "__mp_main__", MAIN_ALIAS))


def natural_name(path: str) -> tuple[str, str]:
    """The dotted name under which the file is imported, and the folder that must be on `sys.path` for it."""
    folder, file = os.path.split(os.path.abspath(path))  # noqa: PTH100, os.path: on the way of every script
    parts = [file.removesuffix(".py")]
    while os.path.exists(os.path.join(folder, "__init__.py")):  # noqa: PTH110, PTH118
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    return ".".join(parts), folder


def module_of(function: Any) -> str:
    """The name of a function's module; for a script that was run, what it is called when imported."""
    module = getattr(function, "__module__", "") or ""
    if module not in _MAIN:
        return module
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    return natural_name(file)[0] if os.path.isfile(file) else "__main__"  # noqa: PTH113
