"""Proposing states, for packages written for Prefect 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.exceptions import Abort

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient
    from prefect.model.state import State


async def propose_state(
    client: PrefectClient, state: State[Any], flow_run_id: UUID, force: bool = False
) -> State[Any]:
    """Propose a state for a flow run; the state that it is in then.

    Raises:
        ObjectNotFound: there is no such run.
        Abort: the proposal was refused for good.
    """
    answer = await client.set_flow_run_state(flow_run_id, state, force=force)
    if answer.status.value == "ABORT":
        raise Abort(getattr(answer.details, "reason", None) or "The state was refused.")
    return answer.state or (await client.read_flow_run(flow_run_id)).state or state
