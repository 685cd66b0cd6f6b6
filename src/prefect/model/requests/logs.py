"""Requests about log lines."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from prefect.model.base import DateTime, NamedEnum, PrefectBaseModel
from prefect.model.requests.base import ActionBaseModel, Operator, OperatorMixin, Page

Level = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class LogCreate(ActionBaseModel):
    """A log line, of a run or of none."""

    name: str
    level: Level
    message: str
    timestamp: DateTime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    worker_id: UUID | None = None


class LogFilterName(PrefectBaseModel):
    """By the logger's name."""

    any_: list[str] | None = None


class LogFilterLevel(PrefectBaseModel):
    """By level."""

    ge_: Level | None = None
    le_: Level | None = None


class LogFilterTimestamp(PrefectBaseModel):
    """By time, both ends included."""

    before_: DateTime | None = None
    after_: DateTime | None = None


class LogFilterFlowRunId(PrefectBaseModel):
    """By flow run."""

    any_: list[UUID] | None = None


class LogFilterTaskRunId(PrefectBaseModel):
    """By task run: any of these; or those that belong to none."""

    any_: list[UUID] | None = None
    is_null_: bool | None = None


class LogFilterTextSearch(PrefectBaseModel):
    """By words of the message or the logger's name: see `prefect.model.text_search`."""

    query: str = Field(max_length=200)


class LogFilter(PrefectBaseModel, OperatorMixin):
    """Which log lines."""

    operator: Operator = Operator.and_
    level: LogFilterLevel | None = None
    timestamp: LogFilterTimestamp | None = None
    flow_run_id: LogFilterFlowRunId | None = None
    task_run_id: LogFilterTaskRunId | None = None
    text: LogFilterTextSearch | None = None


class LogSort(NamedEnum):
    """In which order."""

    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


class FilterLogs(Page):
    """The body of a search."""

    logs: LogFilter | None = None
    sort: LogSort = LogSort.TIMESTAMP_ASC
