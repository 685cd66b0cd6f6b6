"""Log lines of runs."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.limits import page_of
from prefect._base.clock import to_datetime, to_us
from prefect._base.ids import id_at
from prefect._storage import clauses, logs
from prefect._storage.clauses import Clause
from prefect._storage.pruning import first_id_at
from prefect.model.objects import Log
from prefect.model.records import LogRecord
from prefect.model.requests.base import Operator
from prefect.model.requests.logs import FilterLogs, LogCreate, LogFilter, LogSort
from prefect.model.text_search import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_SLACK_US = 60_000_000  # a line's id is made with its timestamp, or soon after
_TEXT = "(message || ' ' || name)"


@endpoint("POST", "/logs/", status=201, audited=False)
def create_logs(api: Api, body: list[LogCreate]) -> None:
    """Record log lines. The same lines sent again, after an answer that got lost, are recorded once."""
    lines = _rows_of(body)
    with api.store.write() as cx:
        logs.insert(cx, lines)
    api.backend.journal.announce((), lines)


@endpoint("POST", "/logs/filter")
def read_logs(api: Api, body: FilterLogs | None = None) -> list[Log]:
    """The log lines that pass the filter."""
    asked = body or FilterLogs()
    found = logs.select(
        api.store,
        where(asked.logs) if asked.logs else [],
        newest_first=asked.sort is LogSort.TIMESTAMP_DESC,
        **page_of(asked),
    )
    return [shown(line) for line in found]


def shown(line: LogRecord) -> Log:
    """A line as clients see it."""
    moment = to_datetime(line.timestamp)
    return Log.model_construct(
        None,
        id=UUID(bytes=line.id),
        created=moment,
        updated=moment,
        name=line.name,
        level=line.level,
        message=line.message,
        timestamp=moment,
        flow_run_id=UUID(bytes=line.flow_run_id) if line.flow_run_id else None,
        task_run_id=UUID(bytes=line.task_run_id) if line.task_run_id else None,
    )


def where(asked: LogFilter) -> list[Clause]:
    """The filter as conditions."""
    found = [*_by_level(asked), *_by_time(asked), *_by_run(asked)]
    if asked.text is not None:
        any_of, all_of, none_of = words_of(asked.text.query)
        found += [clauses.contains(_TEXT, word) for word in all_of]
        found += [_not(clauses.contains(_TEXT, word)) for word in none_of]
        found += [clauses.joined("or_", [clauses.contains(_TEXT, word) for word in any_of])] if any_of else []
    return [clauses.joined(asked.operator.value, found)] if found else []


def passes(asked: LogFilter, line: LogRecord) -> bool:
    """Whether a line passes the filter: what `where` asks of the store."""
    found: list[bool] = []
    if asked.level is not None:
        found.append(_is_between(line.level, asked.level.ge_, asked.level.le_))
    if asked.timestamp is not None:
        found.append(
            _is_between(to_datetime(line.timestamp), asked.timestamp.after_, asked.timestamp.before_)
        )
    for run_id, wanted in ((line.flow_run_id, asked.flow_run_id), (line.task_run_id, asked.task_run_id)):
        if wanted is not None and wanted.any_ is not None:
            found.append(run_id in [id.bytes for id in wanted.any_])
    if asked.task_run_id is not None and asked.task_run_id.is_null_ is not None:
        found.append((line.task_run_id is None) is asked.task_run_id.is_null_)
    if asked.text is not None:
        found.append(words_of(asked.text.query).are_in(f"{line.message} {line.name}"))
    return not found or (all if asked.operator is Operator.and_ else any)(found)


def _is_between(value: Any, low: Any, high: Any) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _by_level(asked: LogFilter) -> list[Clause]:
    if asked.level is None:
        return []
    bounds = ((">=", asked.level.ge_), ("<=", asked.level.le_))
    return [clauses.compare("level", operator, value) for operator, value in bounds if value is not None]


def _by_time(asked: LogFilter) -> list[Clause]:
    """The id too is bounded: it begins with the time, and there is an index on it."""
    found: list[Clause] = []
    if asked.timestamp is not None and asked.timestamp.after_ is not None:
        after = to_us(asked.timestamp.after_)
        exact, coarse = clauses.compare("timestamp", ">=", after), first_id_at(after - _SLACK_US)
        found.append(clauses.joined("and_", [clauses.compare("id", ">=", coarse), exact]))
    if asked.timestamp is not None and asked.timestamp.before_ is not None:
        before = to_us(asked.timestamp.before_)
        exact, coarse = clauses.compare("timestamp", "<=", before), first_id_at(before + _SLACK_US)
        found.append(clauses.joined("and_", [clauses.compare("id", "<=", coarse), exact]))
    return found


def _by_run(asked: LogFilter) -> list[Clause]:
    found: list[Clause] = []
    for column, wanted in (("flow_run_id", asked.flow_run_id), ("task_run_id", asked.task_run_id)):
        if wanted is not None and wanted.any_ is not None:
            found.append(clauses.any_of(column, [id.bytes for id in wanted.any_]))
    if asked.task_run_id is not None and asked.task_run_id.is_null_ is not None:
        found.append(clauses.is_null("task_run_id", asked.task_run_id.is_null_))
    return found


def _not(clause: Clause) -> Clause:
    return Clause(f"NOT {clause.sql}", clause.values)


def _rows_of(given: Sequence[LogCreate]) -> list[LogRecord]:
    times_seen: Counter[tuple[object, ...]] = Counter()
    rows: list[LogRecord] = []
    for one in given:
        content = (
            to_us(one.timestamp),
            one.level,
            one.name.replace("\x00", ""),  # which Postgres does not take
            one.message.replace("\x00", ""),
            one.flow_run_id.bytes if one.flow_run_id else None,
            one.task_run_id.bytes if one.task_run_id else None,
        )
        times_seen[content] += 1
        rows.append(LogRecord(_id_of(content, times_seen[content]), *content))
    return rows


def _id_of(content: tuple[object, ...], occurrence: int) -> bytes:
    """An id made from the line itself, so that a line that is sent again has the same one."""
    digest = blake2b(repr((content, occurrence)).encode("utf-8", "replace"), digest_size=8).digest()
    moment = content[0]
    assert isinstance(moment, int)
    return id_at(moment, int.from_bytes(digest, "big"))
