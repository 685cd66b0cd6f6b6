from __future__ import annotations
from prefect.model.state import *
from prefect.model.runs import *
from prefect.model.run_inputs import *
from prefect.model.state import State, StateType, StateDetails
from prefect.model.runs import FlowRun, TaskRun
import prefect.states
