"""Tasks in other processes: each worker thread of the pool has a process of its own and talks to it.

The process runs the whole task run (states, retries, logs) and records it through a journal of its own; only the
outcome comes back. A process that dies, or that overruns a time limit without being interruptible, is replaced.
"""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Listener
from typing import TYPE_CHECKING, Any

import cloudpickle

from prefect._engine import tracing
from prefect._engine.task_run import TaskRunTimeoutError, replayed_before_sending
from prefect._runners.threads import ThreadPoolTaskRunner
from prefect._runners.transfer import identity_of, take_outcome
from prefect.context import serialize_context
from prefect.exceptions import CrashedRun
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection

    from typing_extensions import Self

    from prefect._engine.task_call import TaskCall

KILL_AFTER_SECONDS = 1.0  # behind a time limit that the process itself should have kept


class ProcessPoolTaskRunner(ThreadPoolTaskRunner):
    """Runs tasks in processes: for work that keeps a processor busy.

    Tasks, arguments and results travel pickled (by value where they cannot be imported), so that a script needs no
    `if __name__ == "__main__"`.

    Args:
        max_workers: how many processes; as many as there are processors unless given here or by
            PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS.
        subprocess_message_processor_factories: each is called once in the parent, and what it returns is called
            with every outcome that comes back.
        initializer: called in each process before its first task.
        initargs: its arguments.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        subprocess_message_processor_factories: Iterable[Callable[..., Any]] | None = None,
        initializer: Callable[..., None] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        limit = get_current_settings().tasks.runner.process_pool_max_workers
        super().__init__(max_workers=max_workers or limit or os.cpu_count() or 1)
        self._factories = tuple(subprocess_message_processor_factories or ())
        self._initializer = initializer
        self._initargs = initargs
        self._local = threading.local()
        self._workers: set[_Worker] = set()

    @property
    def subprocess_message_processor_factories(self) -> tuple[Callable[..., Any], ...]:
        """The factories this runner was made with."""
        return self._factories

    def set_subprocess_message_processor_factories(
        self, subprocess_message_processor_factories: Iterable[Callable[..., Any]] | None = None
    ) -> None:
        """Use other factories from now on."""
        self._factories = tuple(subprocess_message_processor_factories or ())

    def duplicate(self) -> Self:
        """A runner with the same options, not started."""
        return type(self)(self._max_workers, self._factories, self._initializer, self._initargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._max_workers, self._factories, self._initializer, self._initargs)

    def cancel_all(self) -> None:
        """Do not start what has not been started; end the processes."""
        super().cancel_all()
        for worker in list(self._workers):
            worker.kill()

    def _interrupt(self, call: TaskCall, thread: int) -> None:
        """The process is killed instead; its thread then sees that it is gone."""

    def _execute(self, call: TaskCall) -> None:
        if replayed_before_sending(call):
            return
        worker = self._worker()
        try:
            outcome = worker.run(call)
        except _ProcessEnded as end:
            self._discard(worker)
            _record_death(call, end)
        else:
            take_outcome(call, *outcome)
            call.journal.tell(call)
            for factory in self._factories:
                factory()(call)

    def _worker(self) -> _Worker:
        worker = getattr(self._local, "worker", None)
        if worker is None or not worker.is_alive():
            worker = self._local.worker = _Worker(self._initializer, self._initargs)
            self._workers.add(worker)
        return worker

    def _discard(self, worker: _Worker) -> None:
        worker.kill()
        self._workers.discard(worker)
        self._local.worker = None

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        while self._workers:
            self._workers.pop().close()


class _ProcessEnded(Exception):
    """The process is gone before it answered: it died, or it was killed for overrunning its time."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class _Worker:
    """One process, and the connection to it."""

    def __init__(self, initializer: Callable[..., None] | None, initargs: tuple[Any, ...]) -> None:
        key = secrets.token_bytes(32)
        with Listener(authkey=key) as listener:
            environment = (
                os.environ
                | tracing.environment()
                | get_current_settings().to_environment_variables(exclude_unset=True)
            )
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from prefect._runners.process_worker import main; main()"],
                stdin=subprocess.PIPE,
                env=environment,
            )
            assert self._process.stdin is not None
            self._process.stdin.write(cloudpickle.dumps((listener.address, key, sys.path)))
            self._process.stdin.close()
            self._connection: Connection = listener.accept()
        self._send(("start", serialize_context(), initializer, initargs))

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def run(self, call: TaskCall) -> Any:
        """Run a call there; what `TaskCall.outcome` gave there.

        Raises:
            _ProcessEnded: there is no answer, and there will be none.
        """
        timeout = call.task.timeout_seconds
        try:
            self._send(("run", call.task, identity_of(call)))
            if timeout is not None and not self._connection.poll(
                (timeout + KILL_AFTER_SECONDS) * (call.task.retries + 1) + _total_delay(call)
            ):
                self.kill()
                raise _ProcessEnded(f"Task run exceeded timeout of {timeout} second(s)", timed_out=True)
            return cloudpickle.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            code = self._process.wait()
            how = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
            raise _ProcessEnded(f"The worker process (pid {self._process.pid}) {how}.") from None

    def kill(self) -> None:
        """End the process at once."""
        with suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Let the process end, and wait for it."""
        with suppress(OSError):
            self._connection.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def _send(self, message: tuple[Any, ...]) -> None:
        self._connection.send_bytes(cloudpickle.dumps(message))


def _total_delay(call: TaskCall) -> float:
    delays = call.task.retry_delay_seconds
    return sum(delays) if isinstance(delays, list) else float(delays or 0) * call.task.retries


def _record_death(call: TaskCall, end: _ProcessEnded) -> None:
    """The process could not say how the run ended: this one does."""
    if not call.run_count:
        call.transition("RUNNING", "Running")
    if end.timed_out:
        call.exception = TaskRunTimeoutError(str(end))
        call.transition("FAILED", "TimedOut", str(end))
    else:
        call.exception = CrashedRun(str(end))
        call.transition("CRASHED", "Crashed", str(end))
    call.done = True
    call.logger().error("%s", end)
