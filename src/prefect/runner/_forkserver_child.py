"""What a child does: execute one flow run, leave a word for the runner, and end."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from prefect._backend.resolve import backend
from prefect._loading import find_object, flow_of
from prefect.exceptions import PrefectException, PrefectSignal
from prefect.logging import _console
from prefect.logging.configuration import setup_logging
from prefect.runner._endings import REPORTED
from prefect.settings import in_force

if TYPE_CHECKING:
    from types import FrameType

    from prefect.flows import Flow

_LEFT = frozenset(
    ("COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "SCHEDULED")
)  # with no process behind it
_ENDED = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
_OURS = "PREFECT_"
_PRIVATE = "PREFECT__"


class _Stopped(SystemExit):
    """SIGTERM has come, and no flow run was there to take it."""


def become(request: dict[str, Any], module: Any) -> NoReturn:
    """In a fork of the server, which has the flow's module imported: execute the run of the request, and end."""
    _adopt_environment(request["env"])
    os.chdir(request["cwd"])
    _become_random()
    _console.write_to(request["console"])
    entrypoint = request["entrypoint"]
    _serve(request, lambda: flow_of(find_object(module, entrypoint), entrypoint))


def main() -> NoReturn:
    """In a process of its own, whose first argument is the request as JSON: the same."""
    request = json.loads(sys.argv.pop(1))
    word = adopt_descriptors()
    assert word is not None  # whoever gives it this argument gives it those
    _serve({**request, "word": word}, None)


def adopt_descriptors() -> int | None:
    """Take up the files that the runner has opened for a program that it starts; None where none has.

    What is logged goes to the runner's terminal, as the run's logs have it already. The answer is where to leave the
    word `REPORTED` once the run has ended.
    """
    console = os.environ.pop("PREFECT__CONSOLE_FD", None)
    word = os.environ.pop("PREFECT__WORD_FD", None)
    if console is None or word is None:
        return None
    for descriptor in (int(console), int(word)):
        os.set_inheritable(descriptor, False)
    _console.write_to(int(console))
    return int(word)


def _serve(request: dict[str, Any], load: Any) -> NoReturn:
    _take_signals()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # they are files of this process
    word, code = REPORTED, 0
    run_id = UUID(request["run_id"])
    try:
        code = _execute(run_id, request["entrypoint"], load)
    except _Stopped:
        code = -signal.SIGTERM
        word = word_of(run_id, f"The process of the run was ended by {signal.Signals.SIGTERM.name}.")
    except BaseException as error:
        code = 1
        word = word_of(run_id, said(error))
    _end(request["word"], word, code)


def _execute(run_id: UUID, entrypoint: str, load: Any) -> int:
    from prefect._execute import execute  # the engine; a fork has it

    flow: Flow[..., Any] | None = load() if load is not None else None
    run = backend().read_flow_run(run_id.bytes)
    if run.state.type in _ENDED:  # somebody else was faster: a new attempt would execute it twice
        return 0
    done = execute(run, flow=flow, entrypoint=None if flow is not None else entrypoint)
    return 0 if done.run.state.type == "COMPLETED" else 1


def word_of(run_id: UUID, cause: str) -> bytes:
    """REPORTED where the run stands as it should, or is another process's; and else the cause."""
    try:
        run = backend().read_flow_run(run_id.bytes)
        is_ours = run.owner in {None, backend().process_id()}
    except Exception:
        return cause.encode()
    return REPORTED if run.state.type in _LEFT or not is_ours else cause.encode()


def said(error: BaseException) -> str:
    """What has ended a process, in a sentence."""
    if isinstance(error, (PrefectException, PrefectSignal)):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _end(word_fd: int, word: bytes, code: int) -> NoReturn:
    """Leave as any Python program does, but for the tidying up that is for nobody."""
    if word != REPORTED:
        print(word.decode(), file=sys.stderr)  # noqa: T201 - for the run's logs
    with contextlib.suppress(OSError):  # the runner is gone
        os.write(word_fd, word)
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined] # waits for threads that are no daemons
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _take_signals() -> None:
    def stop(number: int, _: FrameType | None) -> None:
        raise _Stopped(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def _adopt_environment(environment: dict[str, str]) -> None:
    """The runner's environment of now; settings are read again where they may have changed."""
    same = _settings_in(dict(os.environ)) == _settings_in(environment)
    os.environ.clear()
    os.environ.update(environment)
    if not same:
        in_force.load()
        setup_logging(incremental=False)


def _settings_in(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_OURS) and not name.startswith(_PRIVATE)
    }


def _become_random() -> None:
    """Python's own generators see to it themselves; numpy's does not."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
