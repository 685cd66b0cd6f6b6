"""`prefect deploy`: register deployments of a prefect.yaml, or of an entrypoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prefect.cli import _pairs
from prefect.cli._command import Command, argument
from prefect.cli._output import fail
from prefect.cli._session import current_session

if TYPE_CHECKING:
    from prefect.deployments._project import Project

_STRATEGIES = ("ENQUEUE", "CANCEL_NEW")


@click.command("deploy", cls=Command)
@argument("entrypoint", required=False)
@click.option(
    "--name",
    "-n",
    "names",
    multiple=True,
    metavar="NAME",
    help="Which (of prefect.yaml), or its name. Repeatable.",
)
@click.option("--all/--no-all", "everything", default=False, help="All deployments of prefect.yaml.")
@click.option(
    "--prefect-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("prefect.yaml"),
    show_default=True,
    help="The project file.",
)
@click.option("--description", "-d", metavar="TEXT", help="For people.")
@click.option("--version", metavar="TEXT", help="Of the deployment.")
@click.option("--version-type", metavar="KIND", help="What kind of version that is.")
@click.option("--tag", "-t", multiple=True, metavar="TAG", help="Of its runs. Repeatable.")
@click.option("--concurrency-limit", type=click.IntRange(1), metavar="N", help="How many runs at once.")
@click.option(
    "--collision-strategy",
    type=click.Choice(_STRATEGIES, case_sensitive=False),
    help="What becomes of a run beyond the limit.",
)
@click.option("--pool", "-p", metavar="NAME", help="The work pool.")
@click.option("--work-queue", "-q", metavar="NAME", help="A queue of that pool.")
@click.option(
    "--job-variable", "-jv", multiple=True, metavar="NAME=VALUE", help="Of the infrastructure. Repeatable."
)
@click.option("--cron", multiple=True, metavar="CRON", help="A schedule. Repeatable.")
@click.option(
    "--interval", multiple=True, type=click.IntRange(1), metavar="SECONDS", help="A schedule. Repeatable."
)
@click.option("--anchor-date", metavar="WHEN", help="From which the intervals are counted.")
@click.option(
    "--rrule",
    multiple=True,
    metavar="RRULE",
    help="A schedule: a rule, or JSON with rrule and timezone. Repeatable.",
)
@click.option("--timezone", metavar="ZONE", help="Of the schedules, such as Europe/Paris.")
@click.option(
    "--trigger", multiple=True, metavar="JSON", help="A trigger: JSON, or a YAML or JSON file. Repeatable."
)
@click.option("--param", multiple=True, metavar="NAME=VALUE", help="A parameter: JSON or text. Repeatable.")
@click.option("--params", metavar="JSON", help="Parameters as a JSON object; - reads standard input.")
@click.option(
    "--enforce-parameter-schema/--no-enforce-parameter-schema",
    "enforce",
    default=None,
    help="Refuse runs with other parameters than the flow takes.",
)
@click.option("--sla", multiple=True, hidden=True)
def deploy(
    entrypoint: str | None, names: tuple[str, ...], everything: bool, prefect_file: Path, **given: Any
) -> None:
    """Register deployments of a project file, or of a flow.

    Those of prefect.yaml by --name or --all, or a flow by its ENTRYPOINT; with a work pool.
    """
    from prefect.deployments._project import read_project  # YAML and the engine: only for this command

    if given.pop("sla"):
        fail("Expected a server that keeps service level agreements for --sla: there is none. Leave it out.")
    project = read_project(prefect_file)
    overrides = _overrides(given)
    if everything:
        if names or entrypoint or overrides:
            fail("Expected --all alone: options, names and an entrypoint are of one deployment.")
        chosen = project.named() or fail(
            f"Expected deployments in {prefect_file}, found none. See `prefect init`."
        )
    else:
        chosen = _chosen(project, entrypoint, names, overrides)
    register(project, chosen)


def register(project: Project, chosen: list[dict[str, Any]]) -> None:
    """Register them, and say what to do next. One that cannot be is named; the others are registered."""
    from prefect.deployments._register import DeploymentApplyError, Registrar  # as above
    from prefect.deployments.steps.core import StepExecutionError
    from prefect.exceptions import PrefectException

    registrar = Registrar(project, click.echo)
    done: list[tuple[str, Any, str]] = []
    failed: list[str] = []
    for one in chosen:
        try:
            done.append(registrar.register(one))
        except (PrefectException, DeploymentApplyError, StepExecutionError, ValueError, TypeError) as exc:  # noqa: PERF203 - each for itself
            failed.append(f"Deployment {one.get('name')!r}: {exc}")
        else:
            click.echo(f"Deployed {done[-1][0]!r} to work pool {done[-1][2]!r} ({done[-1][1]}).")
    if done:
        click.echo(f"\nStart a worker:  prefect worker start --pool '{done[-1][2]}'")
        click.echo(f"Ask for a run:   prefect deployment run '{done[-1][0]}'")
    if failed:
        fail("\n".join(failed))


def _chosen(
    project: Project, entrypoint: str | None, names: tuple[str, ...], overrides: dict[str, Any]
) -> list[dict[str, Any]]:
    found, unknown = project.select(names)
    if entrypoint is None and unknown:
        known = ", ".join(one["name"] for one in project.named()) or "none"
        fail(f"Expected names of deployments in {project.path}, got {', '.join(unknown)}. There are {known}.")
    if not names and entrypoint is None:
        found = _asked_for(project)
    if entrypoint is not None:
        if len(names) > 1:
            fail(f"Expected one --name for {entrypoint}, got {len(names)}.")
        name = (
            names[0]
            if names
            else _ask("The name of the deployment", f"prefect deploy {entrypoint} --name NAME")
        )
        found = [{**(found[0] if found else {"name": name}), "entrypoint": entrypoint}]
    if overrides and len(found) > 1:
        fail(
            f"Expected one deployment with these options, got {len(found)}: name one, or write them to {project.path}."
        )
    return [_merged(one, overrides) for one in found]


def _asked_for(project: Project) -> list[dict[str, Any]]:
    """Nothing is named: a person may choose."""
    named = project.named()
    if not named:
        entrypoint = _ask(
            "The entrypoint of the flow (path/to/file.py:function)", "prefect deploy ENTRYPOINT --name NAME"
        )
        name = _ask("The name of the deployment", f"prefect deploy {entrypoint} --name NAME")
        return [{"name": name, "entrypoint": entrypoint}]
    known = ", ".join(one["name"] for one in named)
    if not current_session().may_ask():
        fail(f"Expected --name NAME or --all: there are {known} in {project.path}.")
    answer = click.prompt(f"Which deployment ({known})")
    found, _ = project.select([answer])
    return found or fail(f"Expected one of {known}, got {answer!r}.")


def _ask(question: str, instead: str) -> str:
    if not current_session().may_ask():
        fail(f"Expected {question[0].lower()}{question[1:]}, got none: {instead}")
    return click.prompt(question)


def _merged(one: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """A deployment with what the command line says: parameters and job variables one by one, the rest as a whole."""
    pool: dict[str, Any] = {**(one.get("work_pool") or {})}
    extra = dict(overrides)
    own = extra.pop("work_pool", {})
    variables: dict[str, Any] = {**(pool.get("job_variables") or {}), **own.pop("job_variables", {})}
    pool = {**pool, **own, "job_variables": variables}
    parameters: dict[str, Any] = {**(one.get("parameters") or {}), **extra.pop("parameters", {})}
    if "schedules" in extra:
        one = {key: value for key, value in one.items() if key != "schedule"}
    return {**one, **extra, "work_pool": pool, "parameters": parameters}


def _overrides(given: dict[str, Any]) -> dict[str, Any]:
    """What the command line says, in the form of prefect.yaml; only what is said."""
    pool = {
        "name": given["pool"],
        "work_queue_name": given["work_queue"],
        "job_variables": _pairs.pairs(given["job_variable"], "--job-variable"),
    }
    said = {
        "description": given["description"],
        "version": given["version"],
        "version_type": given["version_type"],
        "tags": list(given["tag"]),
        "concurrency_limit": _limit(given["concurrency_limit"], given["collision_strategy"]),
        "work_pool": {key: value for key, value in pool.items() if value},
        "schedules": _schedules(given),
        "triggers": [_trigger(one) for one in given["trigger"]],
        "parameters": _pairs.parameters(given["param"], given["params"]),
        "enforce_parameter_schema": given["enforce"],
    }
    return {key: value for key, value in said.items() if value not in (None, [], {})}


def _limit(limit: int | None, strategy: str | None) -> Any:
    if strategy is None:
        return limit
    if limit is None:
        fail("Expected --concurrency-limit N with --collision-strategy, got none.")
    return {"limit": limit, "collision_strategy": strategy.upper()}


def _schedules(given: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = [kind for kind in ("cron", "interval", "rrule") if given[kind]]
    if len(kinds) > 1:
        fail(f"Expected schedules of one kind, got {' and '.join('--' + kind for kind in kinds)}.")
    if given["anchor_date"] and kinds != ["interval"]:
        fail("Expected --interval with --anchor-date, got none.")
    zone = {"timezone": given["timezone"]} if given["timezone"] else {}
    anchor = {"anchor_date": given["anchor_date"]} if given["anchor_date"] else {}
    rules = [_rrule(one) for one in given["rrule"]]
    return [
        *({"cron": one, **zone} for one in given["cron"]),
        *({"interval": one, **anchor, **zone} for one in given["interval"]),
        *({**one, **zone} for one in rules),
    ]


def _rrule(text: str) -> dict[str, Any]:
    value = _pairs.json_or_text(text)
    return value if hasattr(value, "keys") else {"rrule": text}


def _trigger(text: str) -> dict[str, Any]:
    if text.endswith((".yaml", ".yml", ".json")):
        import yaml  # only for triggers in files

        try:
            value: Any = yaml.safe_load(Path(text).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as exc:
            fail(f"Expected a trigger in {text}, which cannot be read: {exc}.")
        return value
    try:
        return json.loads(text)
    except ValueError as exc:
        fail(f"Expected --trigger as JSON or as a file, got {text!r}: {exc}.")
