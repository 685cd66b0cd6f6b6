"""Templates: how a view becomes HTML. Every value is escaped; one that is missing is an error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from prefect.server.ui import words
from prefect.server.ui.assets import address_of

if TYPE_CHECKING:
    from prefect.server.ui.page import Asked, View

SECTIONS = (
    ("/", "Home", "home"),
    ("/runs", "Runs", "runs"),
    ("/flows", "Flows", "flows"),
    ("/deployments", "Deployments", "deployments"),
    ("/work-pools", "Work pools", "pools"),
    ("/concurrency-limits", "Concurrency", "limits"),
    ("/variables", "Variables", "variables"),
    ("/artifacts", "Artifacts", "artifacts"),
    ("/events", "Events", "events"),
    ("/settings", "Settings", "settings"),
)
"""What the navigation leads to: path, label, icon."""


def html_of(view: View, asked: Asked) -> str:
    """The whole page."""
    return (
        environment()
        .get_template(view.template)
        .render(**view.values, asked=asked, frame=_frame(view, asked))
    )


class Frame(NamedTuple):
    """What stands around every page."""

    title: str
    section: str
    said: str
    said_failed: bool
    theme: str
    density: str
    sections: tuple[tuple[str, str, str], ...] = SECTIONS


def _frame(view: View, asked: Asked) -> Frame:
    said = asked.cookies.get("said", "")
    return Frame(
        title=view.title,
        section=_section(asked.path),
        said=said.removeprefix("!"),
        said_failed=said.startswith("!"),
        theme=asked.cookies.get("theme", "system"),
        density=asked.cookies.get("density", "dense"),
    )


@cache
def environment() -> Environment:
    """Where templates are found, and the words that they know."""
    made = Environment(
        loader=PackageLoader("prefect.server.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        duration=words.duration,
        exact=words.exact,
        time=words.time,
        machine_time=words.machine_time,
    )
    known: dict[str, Any] = made.globals
    known.update(asset=address_of, count=words.count, link=link)
    return made


def link(path: str, asked: Asked | None = None, **changes: object) -> str:
    """An address within the UI: the query of the page that is shown, with changes; None takes a name out of it."""
    kept = asked.query.multi_items() if asked else []
    pairs = [(name, value) for name, value in kept if name not in changes]
    pairs += [(name, str(value)) for name, value in changes.items() if value is not None]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _section(path: str) -> str:
    """The path of the section that a page belongs to."""
    first = "/" + path.lstrip("/").partition("/")[0]
    return first if first != "/dashboard" else "/"
