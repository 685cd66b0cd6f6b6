"""The verbs that the engine, the runner and the command line may ask. All are synchronous.

`local.py` answers them from a store; another backend answers the same ones over HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prefect._backend.writer import Journal
    from prefect._storage.filters import Condition
    from prefect.model.records import FlowRunRecord, LogRecord, ProcessRecord, StateRecord, TaskRunRecord


class NewFlowRun(NamedTuple):
    """What is asked for when a flow run is created."""

    id: bytes
    flow_name: str
    name: str
    state: StateRecord
    parameters: dict[str, Any]
    parameters_pickle: bytes | None = None
    tags: tuple[str, ...] = ()
    flow_version: str | None = None
    entrypoint: str | None = None
    working_dir: str | None = None
    parent_task_run_id: bytes | None = None
    parent_flow_run_id: bytes | None = None
    root_flow_run_id: bytes | None = None
    policy: dict[str, Any] = {}  # noqa: RUF012 - never written to
    idempotency_key: str | None = None


class Answer(NamedTuple):
    """What became of a proposed state.

    `status` is ACCEPT (written, maybe modified), REJECT (another state was written, or the present one kept: the
    caller adopts `run.state`), WAIT (nothing written; ask again after `delay_seconds`) or ABORT (nothing written;
    the caller stops).
    """

    status: str
    run: FlowRunRecord
    reason: str | None = None
    delay_seconds: float = 0.0


class Backend(Protocol):
    """See the module."""

    journal: Journal[Any]
    blocks: bool  # whether a verb goes over a network: an event loop asks it in a thread
    look_seconds: float | None  # so often somebody who waits may look; None: as seldom as the caller wants
    tells_news: bool  # whether who waits for something of a run is told of it, see `prefect.client._news`
    frees_slots: bool  # whether the slots that a run holds are given back with its final state
    queues_rows: (
        bool  # whether a background run's row is handed to workers; else `create_task_run` makes the run
    )
    names_inputs: bool  # whether a task run's row names every parameter, also one that came from no other run
    evaluates_automations: bool  # whether anything happens when the trigger of an automation fires

    def create_flow_run(
        self, new: NewFlowRun, *, executes: bool, running: StateRecord | None = None
    ) -> FlowRunRecord:
        """Create a run. With `executes` this process takes it up (attempt 1) and holds its lease.

        `running` is the state it enters at once, in the same transaction.
        """
        ...

    def open_attempt(self, run_id: bytes, changes: dict[str, Any] | None = None) -> FlowRunRecord:
        """Take up an existing run that nobody executes: a new attempt, state Pending. `changes` are columns to set.

        Raises:
            ObjectNotFound: there is no such run.
            Abort: another process executes it.
        """
        ...

    def propose_flow_run_state(
        self,
        run_id: bytes,
        state: StateRecord,
        *,
        attempt: int | None = None,
        force: bool = False,
        changes: dict[str, Any] | None = None,
        known: FlowRunRecord | None = None,
    ) -> Answer:
        """Ask to move a run on. `attempt` fences: an older one than the run's is refused (ABORT).

        `changes` are columns to set with it if it is accepted (a result, a name). A terminal state is committed
        together with everything the journal holds. `known` is the run as the caller last saw it: if it still is
        so, it need not be read again.
        """
        ...

    def update_flow_run(self, run_id: bytes, changes: dict[str, Any]) -> None:
        """Set columns that are no part of its state: name, parameters."""
        ...

    def create_task_run(self, row: TaskRunRecord) -> None:
        """Put a background run on record, where its row is not enough (see `queues_rows`)."""
        ...

    def take_task_run(self, run_id: bytes) -> TaskRunRecord | None:
        """Execute a background run in this process from now on; None where another one does."""
        ...

    def attend(self) -> None:
        """This process executes background runs until it ends: its lease is kept."""
        ...

    def process_id(self) -> bytes:
        """Who executes task runs that are part of no flow run."""
        ...

    def enter_flow_run(self, run_id: bytes, cancel: Callable[[], None]) -> None:
        """This process is executing the run: renew its lease, deliver a cancellation."""
        ...

    def leave_flow_run(self, run_id: bytes, *, unfinished: bool = False) -> None:
        """It has ended here; with `unfinished` its state is no final one, and somebody else may take it up."""
        ...

    def read_flow_run(self, run_id: bytes) -> FlowRunRecord:
        """One run. Raises ObjectNotFound."""
        ...

    def find_flow_runs(
        self,
        *,
        flow_names: Sequence[str] = (),
        where: Iterable[Condition] = (),
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[FlowRunRecord]:
        """Runs, newest first."""
        ...

    def read_flow_run_states(self, run_id: bytes) -> list[StateRecord]:
        """Every state of a run, oldest first."""
        ...

    def delete_flow_runs(self, run_ids: Sequence[bytes]) -> int:
        """Remove runs with all that belongs to them; how many there were."""
        ...

    def read_task_run(self, run_id: bytes) -> TaskRunRecord:
        """One task run. Raises ObjectNotFound."""
        ...

    def find_task_runs(
        self,
        *,
        flow_run_ids: Sequence[bytes] = (),
        where: Iterable[Condition] = (),
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[TaskRunRecord]:
        """Task runs, oldest first unless told otherwise."""
        ...

    def read_task_run_states(self, run_id: bytes) -> list[StateRecord]:
        """Every state of a task run, oldest first."""
        ...

    def count_task_runs(self, flow_run_id: bytes) -> dict[str, int]:
        """How many task runs of a flow run are in each state type."""
        ...

    def recorded_task_runs(self, flow_run_id: bytes) -> list[TaskRunRecord]:
        """What a resumed flow run may replay, oldest first."""
        ...

    def find_logs(
        self,
        *,
        flow_run_id: bytes | None = None,
        task_run_id: bytes | None = None,
        limit: int | None = None,
        offset: int = 0,
        newest_first: bool = False,
    ) -> list[LogRecord]:
        """Log lines in the order they were written."""
        ...

    def limits_of_tags(self, tags: Sequence[str]) -> list[str]:
        """The names of the limits on these tags; perhaps also names that no limit has."""
        ...

    def read_process(self, process_id: bytes) -> ProcessRecord | None:
        """A process that executes runs; None once it has ended."""
        ...

    def reap(self) -> list[FlowRunRecord]:
        """Turn runs whose process is dead, or whose lease has expired, into Crashed; those runs."""
        ...

    def claim_flow_run(self, run_id: bytes, seen: bytes) -> bool:
        """Take a scheduled run off its schedule, for who will execute it, while it is in the state it was seen in.

        Whoever is first has it. False where somebody was faster, or it has to wait (for a slot of its deployment).
        """
        ...

    def executor_ended(
        self, run_id: bytes, *, host: str, pid: int | None, cause: str | None, hand_over: bool = False
    ) -> FlowRunRecord:
        """The process of a run of a deployment has ended: Crashed or Cancelled, unless it has said how the run ended.

        A crashed run that may be recovered is scheduled again at once; with `hand_over` it always is.
        """
        ...

    def close(self) -> None:
        """Write what is left and give the store back."""
        ...
