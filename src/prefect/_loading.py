"""Find a flow by its entrypoint, in a process that did not define it."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect._base.modules import MAIN_ALIAS, natural_name
from prefect._callables import WrappedFunction
from prefect._options import FlowOptions
from prefect.exceptions import MissingFlowError, ScriptError

if TYPE_CHECKING:
    from prefect.flows import Flow

_log = logging.getLogger("prefect.runner")
_importing = 0


def is_importing() -> bool:
    """Whether this process is importing the source of a flow just now, which must not start to serve then."""
    return _importing > 0


def is_left_out(call: str) -> bool:
    """Whether a call that starts or registers something is to do nothing, its script being only imported. Says so."""
    if is_importing():
        _log.warning(
            "`%s` does nothing while its script is imported to find a flow. Call it where only the script itself "
            'does: under `if __name__ == "__main__":`.',
            call,
        )
    return is_importing()


def load_flow(entrypoint: str) -> Flow[..., Any]:
    """The flow that `path/to/file.py:name` or `package.module:name` names.

    Raises:
        ScriptError: the script raised while it was imported.
        MissingFlowError: there is no flow of that name.
    """
    return flow_of(load_object(entrypoint), entrypoint)


def flow_of(found: Any, entrypoint: str) -> Flow[..., Any]:
    """What was found at an entrypoint, if it is a flow. Raises MissingFlowError."""
    kind = type(found).__name__
    if isinstance(found, WrappedFunction) and found._options_type is FlowOptions:
        return cast("Flow[..., Any]", found)
    raise MissingFlowError(f"Expected a flow at {entrypoint!r}, got {kind}. Name a function with @flow.")


def load_object(entrypoint: str) -> Any:
    """The object that `path/to/file.py:name` or `package.module:name` names.

    A script is imported under the name that its file has (never as `__main__`), so that what it defines is what
    others that import it see; what was recorded as part of `__main__` is found there again.

    Raises:
        ScriptError: the script raised while it was imported.
        MissingFlowError: there is no such file, module or name.
    """
    source, _, _ = entrypoint.rpartition(":")
    if not source:
        raise MissingFlowError(f"Expected an entrypoint path.py:name or module:name, got {entrypoint!r}.")
    return find_object(load_source(source), entrypoint)


def load_source(source: str) -> Any:
    """Import `path/to/file.py` or `package.module`; the module. Raises as `load_object`."""
    global _importing
    _importing += 1
    try:
        return _load_script(Path(source)) if source.endswith(".py") else _load_module(source)
    finally:
        _importing -= 1


def find_object(module: Any, entrypoint: str) -> Any:
    """What an entrypoint names in its module. Raises MissingFlowError."""
    source, _, name = entrypoint.rpartition(":")
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
        raise MissingFlowError(
            f"Expected a Python file at {path}, found none. Name the file with --entrypoint."
        )
    name, root = natural_name(str(path))
    if root not in sys.path:
        sys.path.insert(0, root)
    if name in sys.modules or name.partition(".")[0] in sys.stdlib_module_names:
        name = MAIN_ALIAS  # taken, maybe by an earlier state of this very file
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = sys.modules[MAIN_ALIAS] = module
    try:
        if "." in name:
            importlib.import_module(name.rpartition(".")[0])  # its packages, for relative imports
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as exc:
        sys.modules.pop(name, None)
        raise ScriptError(user_exc=exc, path=str(path)) from exc
    return module


def _load_module(name: str) -> Any:
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        raise MissingFlowError(f"Expected a module {name!r}, found none ({exc}).") from exc
    except (Exception, SystemExit) as exc:
        raise ScriptError(user_exc=exc, path=name) from exc
