"""What becomes of a proposal while the server that it was sent to is away."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prefect._backend.protocol import Answer
from prefect._orchestration import Accept, Reject, Wait, decide

if TYPE_CHECKING:
    from prefect._backend.line import Away
    from prefect._orchestration import Transition

_log = logging.getLogger("prefect.journal")


def decided_here(asked: Transition, changes: dict[str, Any], away: Away) -> Answer:
    """What the same rules say of the run as this process knows it. The server decides when it gets the proposal.

    Sound, because only the executor of an attempt moves its run on; where somebody else has (it was cancelled, or
    taken up by another process), the server refuses the proposal then, and what it has stands.
    """
    _log.warning(
        "%s The flow run '%s' goes on as %s; the server learns of it later.",
        away,
        asked.run.name,
        asked.proposed.name,
    )
    decision = decide(asked)
    if isinstance(decision, Accept):
        return Answer("ACCEPT", asked.run._replace(**decision.changes, **changes))
    if isinstance(decision, Reject):
        return Answer("REJECT", asked.run._replace(**decision.changes), decision.reason)
    if isinstance(decision, Wait):
        return Answer("WAIT", asked.run, decision.reason, decision.delay_seconds)
    return Answer("ABORT", asked.run, decision.reason)
