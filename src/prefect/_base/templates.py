"""Whether a template can be read. It is never filled in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_LOOPS = 2  # one in the other


class Mistake(NamedTuple):
    """What is wrong in a template, and in which line (0: in all of it)."""

    line: int
    message: str


def mistake_in(template: str) -> Mistake | None:
    """What is wrong with a template; None where nothing is."""
    from jinja2 import TemplateSyntaxError  # only who writes templates pays for it
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    try:
        read: Any = ImmutableSandboxedEnvironment().parse(template)
    except TemplateSyntaxError as exc:
        return Mistake(exc.lineno, exc.message or "")
    except RecursionError:
        return Mistake(0, "Expected a template, got one that is too deep.")
    depth = _loops(read.iter_child_nodes())
    if depth > MOST_LOOPS:
        return Mistake(
            0,
            f"Expected at most {MOST_LOOPS} loops in each other, got {depth}: it would take too long to fill in.",
        )
    return None


def _loops(nodes: Iterable[Any]) -> int:
    """How many loops stand in each other."""
    return max((_loops(one.iter_child_nodes()) + (type(one).__name__ == "For") for one in nodes), default=0)
