"""Ask the rules in order, then keep the books."""

from __future__ import annotations

from prefect._orchestration.bookkeeping import changes_of
from prefect._orchestration.flow_rules import FLOW_RUN_FORCED_RULES, FLOW_RUN_RULES
from prefect._orchestration.flow_slots import release_slot
from prefect._orchestration.transition import Accept, Decision, Reject, Transition


def decide(transition: Transition) -> Decision:
    """What becomes of a state proposed for a flow run."""
    for rule in FLOW_RUN_FORCED_RULES if transition.force else FLOW_RUN_RULES:
        answer = rule(transition)
        if isinstance(answer, Transition):
            transition = answer
            if transition.redirected is not None:
                break
        elif answer is not None:
            return answer
    transition = release_slot(transition)
    changes = changes_of(transition)
    if transition.redirected is None:
        return Accept(changes["state"], changes, transition.slot)
    return Reject(changes["state"], transition.redirected, changes, transition.slot, transition.cancels)
