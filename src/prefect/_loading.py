"""Find a flow by its entrypoint, in a process that did not define it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from prefect._engine.replay import MAIN_ALIAS
from prefect.exceptions import MissingFlowError, ScriptError


def load_object(entrypoint: str) -> Any:
    """The object that `path/to/file.py:name` or `package.module:name` names.

    A script is imported under a name of its own, so that its `if __name__ == "__main__":` does not run; what was
    recorded as part of `__main__` is found there again.

    Raises:
        ScriptError: the script raised while it was imported.
        MissingFlowError: there is no such file, module or name.
    """
    source, _, name = entrypoint.rpartition(":")
    if not source:
        raise MissingFlowError(f"Expected an entrypoint path.py:name or module:name, got {entrypoint!r}.")
    module = _load_script(Path(source)) if source.endswith(".py") else _load_module(source)
    found: Any = module
    for part in name.split("."):
        if part == "<locals>" or not hasattr(found, part):
            raise MissingFlowError(
                f"Expected {name!r} at the top level of {source}, found no such name. "
                "Define the flow at the top level of its file, or name another one with --entrypoint."
            )
        found = getattr(found, part)
    return found


def _load_script(path: Path) -> Any:
    path = path.absolute()
    if not path.is_file():
        raise MissingFlowError(f"Expected a Python file at {path}, found none. Name the file with --entrypoint.")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(MAIN_ALIAS, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MAIN_ALIAS] = module
    try:
        spec.loader.exec_module(module)
    except Exception as exc:
        raise ScriptError(user_exc=exc, path=str(path)) from exc
    return module


def _load_module(name: str) -> Any:
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        raise MissingFlowError(f"Expected a module {name!r}, found none ({exc}).") from exc
    except Exception as exc:
        raise ScriptError(user_exc=exc, path=name) from exc
