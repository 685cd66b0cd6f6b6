"""Log lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from prefect._api import logs as log_lines
from prefect.client._method import Caller, method
from prefect.model.requests.logs import FilterLogs, LogCreate, LogSort

if TYPE_CHECKING:
    from prefect.client._method import Steps
    from prefect.model.objects import Log
    from prefect.model.requests.logs import LogFilter


class LogMethods(Caller):
    """What both clients ask about log lines."""

    @method
    def create_logs(self, logs: Iterable[LogCreate | dict[str, Any]]) -> Steps[None]:
        """Record log lines."""
        lines = [one if isinstance(one, LogCreate) else LogCreate.model_validate(one) for one in logs]
        yield self._ask(log_lines.create_logs, body=lines)

    @method
    def read_logs(
        self,
        log_filter: LogFilter | None = None,
        limit: int | None = None,
        offset: int | None = None,
        sort: LogSort | None = None,
    ) -> Steps[list[Log]]:
        """Log lines, oldest first unless `sort` says otherwise."""
        asked = FilterLogs(
            logs=log_filter, limit=limit, offset=offset or 0, sort=sort or LogSort.TIMESTAMP_ASC
        )
        return (yield self._ask(log_lines.read_logs, body=asked))
