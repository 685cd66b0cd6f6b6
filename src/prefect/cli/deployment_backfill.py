"""`prefect deployment backfill`: runs for the slots of a stretch of time, one for each."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import click

from prefect._base.clock import clock, to_datetime, to_us
from prefect._base.slots import key_of, slots
from prefect.cli._command import argument
from prefect.cli._objects import asking
from prefect.cli._output import confirm, fail, output_option, print_json
from prefect.cli.deployment_schedule import deployment_named, described

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.deployments import DeploymentResponse, DeploymentSchedule
    from prefect.model.runs import FlowRun

_LOOK_SECONDS = 0.25
_MANY = 100
TAG = "backfill"


class Slot(NamedTuple):
    """One moment at which a schedule was, or will be, due."""

    moment: int
    local: datetime
    schedule: DeploymentSchedule


@click.command("backfill")
@argument("name")
@click.option("--from", "since", required=True, metavar="TIME", help="From when: a date or a time.")
@click.option(
    "--to", "until", required=True, metavar="TIME", help="Until when, included; a date: its whole day."
)
@click.option("--parameter-from-slot", metavar="NAME", help="Give each run its slot as this parameter.")
@click.option("--schedule", "only", type=click.UUID, metavar="ID", help="Only the slots of this schedule.")
@click.option(
    "--limit", type=click.IntRange(1), default=5, show_default=True, help="So many runs at once at most."
)
@click.option("--dry-run", is_flag=True, help="Only say which slots there are.")
@output_option
def backfill(
    name: str,
    *,
    since: str,
    until: str,
    parameter_from_slot: str | None,
    only: UUID | None,
    limit: int,
    dry_run: bool,
    output: str | None,
) -> int:
    """Run a deployment once for each slot of its schedules in a stretch of time.

    A slot that has had its run, by its schedule or by an earlier backfill, gets no other: a backfill that was
    interrupted goes on where it stopped. Somebody must serve the deployment.
    """
    with asking() as client:
        found = deployment_named(client, name)
        wanted = _slots(found, name, since, until, only)
        give = _giver(found, parameter_from_slot)
        if dry_run:
            _show(wanted, give, output)
            return 0
        if len(wanted) > _MANY:
            confirm(f"Make {len(wanted)} runs of {name}?")
        counts = _Backfill(client, found, give, limit, quiet=output is not None).run(wanted)
    _report(counts, output)
    return 0 if not counts["failed"] else 1


def _slots(found: DeploymentResponse, name: str, since: str, until: str, only: UUID | None) -> list[Slot]:
    schedules = [one for one in found.schedules if (one.active if only is None else one.id == only)]
    if not schedules:
        what = "an active schedule" if only is None else f"a schedule {only}"
        fail(
            f"Expected a deployment with {what}, got {name}: `prefect deployment schedule ls` lists its own."
        )
    wanted: list[Slot] = []
    for one in schedules:
        when = one.model_dump(mode="json")["schedule"]
        zone = _zone(when)
        start, end = _moment(since, zone, "--from"), _moment(until, zone, "--to", whole_day=True)
        if end < start:
            fail(f"Expected --from before --to, got {since} and {until}.")
        wanted += [
            Slot(moment, to_datetime(moment).astimezone(zone), one) for moment in slots(when, start - 1, end)
        ]
    return sorted(wanted, key=lambda slot: slot.moment)


def _zone(when: dict[str, Any]) -> tzinfo:
    from zoneinfo import ZoneInfo  # reads the database, only schedules need it

    return ZoneInfo(when.get("timezone") or "UTC")


def _moment(text: str, zone: tzinfo, option: str, *, whole_day: bool = False) -> int:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        fail(f"Expected {option} as a date or a time (2027-06-01, 2027-06-01T12:00), got {text!r}.")
    if whole_day and len(text) == len("2027-06-01"):
        moment += timedelta(days=1) - timedelta(microseconds=1)
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=zone))


class _Giver:
    """The parameters of a slot's run: the schedule's, and the slot as one of them, of its type."""

    def __init__(self, name: str | None, kind: str) -> None:
        self._name = name
        self._kind = kind

    def __call__(self, slot: Slot) -> dict[str, Any]:
        given = dict(slot.schedule.parameters)
        if self._name is not None:
            given[self._name] = (
                slot.local.date().isoformat() if self._kind == "date" else slot.local.isoformat()
            )
        return given


def _giver(found: DeploymentResponse, name: str | None) -> _Giver:
    if name is None:
        return _Giver(None, "")
    known: dict[str, Any] = (found.parameter_openapi_schema or {}).get("properties") or {}
    if known and name not in known:
        fail(f"Expected a parameter of the flow ({', '.join(sorted(known))}), got {name!r}.")
    about: dict[str, Any] = known.get(name) or {}
    kinds = [about, *(about.get("anyOf") or ())]
    formats = {one.get("format") for one in kinds if one.get("type") == "string"}
    if "date-time" in formats:
        return _Giver(name, "date-time")
    if "date" in formats:
        return _Giver(name, "date")
    if None not in formats and any("type" in one for one in kinds):
        fail(f"Expected {name!r} to be a date, a datetime or a text, got {about.get('type') or kinds[1:]}.")
    return _Giver(name, "text")


def _show(wanted: list[Slot], give: _Giver, output: str | None) -> None:
    if output:
        shown = [
            {"slot": to_datetime(one.moment), "schedule_id": one.schedule.id, "parameters": give(one)}
            for one in wanted
        ]
        print_json(shown)
        return
    for one in wanted:
        given = give(one)
        click.echo(f"{one.local.isoformat()}  {described(one.schedule)}{f'  {given}' if given else ''}")
    click.echo(f"{_runs(len(wanted))} would be made.")


class _Backfill:
    """Makes the runs, so many at once, and waits for their ends."""

    def __init__(
        self,
        client: SyncPrefectClient,
        deployment: DeploymentResponse,
        give: _Giver,
        limit: int,
        *,
        quiet: bool,
    ) -> None:
        self._client = client
        self._deployment = deployment
        self._give = give
        self._limit = limit
        self._quiet = quiet
        self._going: dict[UUID, Slot] = {}
        self.counts = {"made": 0, "before": 0, "completed": 0, "failed": 0}

    def run(self, wanted: list[Slot]) -> dict[str, int]:
        """How many were made, were there before, and how those that were waited for have ended."""
        by_key = {
            key_of(self._deployment.id.bytes, slot.schedule.id.bytes, slot.moment): slot for slot in wanted
        }
        before = self._before(list(by_key))
        self.counts["before"] = len(before)
        self._going = {run.id: by_key[key] for key, run in before.items() if not _has_ended(run)}
        for key, slot in by_key.items():
            if key in before:
                continue
            while len(self._going) >= self._limit:
                self._wait()
            self._make(key, slot)
        while self._going:
            self._wait()
        return self.counts

    def _before(self, keys: list[str]) -> dict[str, FlowRun]:
        """The runs that slots have had already."""
        from prefect.model.requests.flow_runs import FlowRunFilter  # only a command that makes runs

        found: dict[str, FlowRun] = {}
        for start in range(0, len(keys), _MANY):
            some = keys[start : start + _MANY]
            asked = FlowRunFilter.model_validate({"idempotency_key": {"any_": some}})
            runs = self._client.read_flow_runs(flow_run_filter=asked, limit=len(some))
            found |= {run.idempotency_key: run for run in runs if run.idempotency_key is not None}
        return found

    def _make(self, key: str, slot: Slot) -> None:
        from prefect.states import Scheduled  # only a command that makes runs

        run = self._client.create_flow_run_from_deployment(
            self._deployment.id,
            parameters=self._give(slot),
            state=Scheduled(scheduled_time=to_datetime(slot.moment)),
            tags=[TAG],
            idempotency_key=key,
        )
        self.counts["made"] += 1
        self._going[run.id] = slot

    def _wait(self) -> None:
        clock().sleep(_LOOK_SECONDS)
        for run in self._read():
            if run.state is not None and _has_ended(run):
                slot = self._going.pop(run.id)
                self.counts["completed" if run.state.is_completed() else "failed"] += 1
                if not self._quiet:
                    click.echo(f"{slot.local.isoformat()}  '{run.name}' is {run.state.name}")

    def _read(self) -> list[FlowRun]:
        from prefect.model.requests.flow_runs import FlowRunFilter  # only a command that waits

        asked = FlowRunFilter.model_validate({"id": {"any_": list(self._going)}})
        return self._client.read_flow_runs(flow_run_filter=asked, limit=len(self._going))


def _has_ended(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _report(counts: dict[str, int], output: str | None) -> None:
    if output:
        print_json(counts)
        return
    before = f"; {_runs(counts['before'])} there before" if counts["before"] else ""
    click.echo(
        f"{_runs(counts['made'])} made{before}: {counts['completed']} completed, {counts['failed']} not."
    )


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"
