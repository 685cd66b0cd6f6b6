"""The bodies of requests about flows."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from prefect.model.base import PrefectBaseModel
from prefect.model.requests.base import NumberedPage, Page
from prefect.model.requests.flows import FlowFilter, FlowSort
from prefect.model.requests.joint import JointFilter


class FilterFlows(Page, JointFilter):
    """The body of a search."""

    sort: FlowSort = FlowSort.NAME_ASC


class PaginateFlows(NumberedPage, JointFilter):
    """The body of a search by pages."""

    sort: FlowSort = FlowSort.NAME_ASC


class DeleteFlows(PrefectBaseModel):
    """Which flows to remove."""

    flows: FlowFilter | None = None
    limit: int = Field(default=50, ge=1, le=50)


class FlowIds(PrefectBaseModel):
    """Some flows."""

    flow_ids: list[UUID]
