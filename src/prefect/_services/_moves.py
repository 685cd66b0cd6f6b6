"""How a service moves a run on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prefect.exceptions import ObjectNotFound, StoreError

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend
    from prefect._storage.due import Due
    from prefect.model.records import StateRecord

_log = logging.getLogger("prefect._services")


def move(backend: LocalBackend, run: Due, state: StateRecord, *, force: bool = False) -> bool:
    """Propose a state for a run while it is in the state that it was seen in; whether it has left that.

    A run that cannot be moved is logged and left: it must not keep the others of the round from their turn.

    Raises:
        StoreError: the store cannot be written, which is no matter of this run.
    """
    try:
        answer = backend.propose_flow_run_state(run.id, state, force=force, only_if_state=run.state_id)
    except ObjectNotFound:  # deleted meanwhile
        return False
    except StoreError:
        raise
    except Exception:
        _log.exception("The flow run %s could not become %s", run.id.hex(), state.name)
        return False
    return answer.status in {"ACCEPT", "REJECT"} and answer.run.state.id != run.state_id
