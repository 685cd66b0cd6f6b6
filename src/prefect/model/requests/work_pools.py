"""Requests about work pools and their queues."""

from __future__ import annotations

from prefect.model.requests.base import FilterIds, FilterModel, FilterNames, Operator, OperatorMixin


class WorkPoolFilterId(FilterIds):
    """By id."""


class WorkPoolFilterName(FilterNames):
    """By name."""


class WorkPoolFilterType(FilterNames):
    """By type."""


class WorkPoolFilter(FilterModel, OperatorMixin):
    """Which work pools."""

    operator: Operator = Operator.and_
    id: WorkPoolFilterId | None = None
    name: WorkPoolFilterName | None = None
    type: WorkPoolFilterType | None = None


class WorkQueueFilterId(FilterIds):
    """By id."""


class WorkQueueFilterName(FilterNames):
    """By name, or its beginning."""

    startswith_: list[str] | None = None


class WorkQueueFilter(FilterModel, OperatorMixin):
    """Which work queues."""

    operator: Operator = Operator.and_
    id: WorkQueueFilterId | None = None
    name: WorkQueueFilterName | None = None
