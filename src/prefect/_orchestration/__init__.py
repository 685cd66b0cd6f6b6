"""The rules: may a run enter the state that is proposed for it? Pure functions, records in, decision out.

The backend asks inside the transaction that then writes what was decided. One rule is one function; their
order is in `FLOW_RUN_RULES`, `FLOW_RUN_FORCED_RULES` and `TASK_RUN_RULES`.
"""

from __future__ import annotations

from prefect._orchestration.decide import decide
from prefect._orchestration.decide_task_run import decide_task_run
from prefect._orchestration.flow_rules import FLOW_RUN_FORCED_RULES, FLOW_RUN_RULES
from prefect._orchestration.open_attempt import open_attempt
from prefect._orchestration.task_rules import TASK_RUN_RULES
from prefect._orchestration.task_transition import TagLimit, TaskFacts, TaskTransition
from prefect._orchestration.transition import (
    Abort,
    Accept,
    Decision,
    DeploymentLimit,
    Facts,
    Reject,
    Transition,
    Wait,
)

__all__ = [
    "FLOW_RUN_FORCED_RULES",
    "FLOW_RUN_RULES",
    "TASK_RUN_RULES",
    "Abort",
    "Accept",
    "Decision",
    "DeploymentLimit",
    "Facts",
    "Reject",
    "TagLimit",
    "TaskFacts",
    "TaskTransition",
    "Transition",
    "Wait",
    "decide",
    "decide_task_run",
    "open_attempt",
]
