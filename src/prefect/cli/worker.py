"""`prefect worker`: execute the runs of a work pool."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prefect.cli._command import Group
from prefect.cli._objects import asking
from prefect.cli._output import fail
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from prefect.workers.base import BaseWorker

_POLICIES = ("always", "if-not-present", "never", "prompt")


@click.group("worker", cls=Group)
def worker() -> None:
    """Execute the runs of a work pool."""


@worker.command("start")
@click.option("--name", "-n", metavar="NAME", help="Of the worker.")
@click.option("--pool", "-p", metavar="POOL", required=True, help="The work pool.")
@click.option(
    "--work-queue", "-q", metavar="QUEUE", multiple=True, help="Only this queue of the pool. Repeatable."
)
@click.option("--type", "-t", "kind", metavar="TYPE", help="Of the worker; the pool's unless given.")
@click.option("--prefetch-seconds", type=click.IntRange(0), help="Take runs so long before their time.")
@click.option("--run-once/--no-run-once", default=False, help="Execute what is due now, and end.")
@click.option("--limit", "-l", type=click.IntRange(1), help="So many runs at once.")
@click.option("--with-healthcheck/--no-with-healthcheck", default=False, help="Answer GET /health over HTTP.")
@click.option(
    "--install-policy",
    type=click.Choice(_POLICIES, case_sensitive=False),
    default="prompt",
    help="Accepted; packages are never installed: a missing one is named.",
)
@click.option(
    "--base-job-template",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON: the template of the pool, should it be made.",
)
@click.option(
    "--create-pool-if-not-found/--no-create-pool-if-not-found", default=True, help="Make a missing pool."
)
def start(
    *,
    name: str | None,
    pool: str,
    work_queue: tuple[str, ...],
    kind: str | None,
    run_once: bool,
    with_healthcheck: bool,
    install_policy: str,
    base_job_template: Path | None,
    **options: Any,
) -> None:
    """Execute the runs of a work pool until SIGTERM or SIGINT; runs then have time to end, a second one interrupts."""
    _ = install_policy
    made = _class_for(pool, kind)(
        pool,
        list(work_queue) or None,
        name,
        base_job_template=_template_in(base_job_template),
        **options,
    )
    try:
        asyncio.run(_work(made, run_once, with_healthcheck))
    except ObjectNotFound:
        fail(f"Expected the name of a work pool, got {pool!r}. Make it: prefect work-pool create {pool}")


def _class_for(pool: str, kind: str | None) -> type[BaseWorker[Any, Any, Any]]:
    from prefect.workers.base import BaseWorker  # 400 ms of import

    if kind is None:
        missing = (
            f"Expected the name of a work pool, got {pool!r}, and no --type of one to be made. "
            f"Make it: prefect work-pool create {pool} --type process"
        )
        with asking(missing) as client:
            kind = client.read_work_pool(pool).type
    found = BaseWorker.get_worker_class_from_type(kind)
    if found is None:
        known = ", ".join(BaseWorker.get_all_available_worker_types())
        fail(
            f"Expected a type of workers that is installed here ({known}), got {kind!r}. Install the package that "
            f"has it, without its dependency on another distribution: pip install --no-deps prefect-{kind}"
        )
    return found


def _template_in(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as exc:
        fail(f"Expected JSON in {file}: {exc}.")


async def _work(made: BaseWorker[Any, Any, Any], run_once: bool, with_healthcheck: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, made.stop)
    try:
        await made.start(run_once, with_healthcheck, click.echo)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
