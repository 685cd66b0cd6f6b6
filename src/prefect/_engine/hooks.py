"""Run the user's hooks: in list order, sync or async; one that fails is logged and the rest run (behaviour 51)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._base.drive import Call

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Iterable


def hook_name(hook: Callable[..., Any]) -> str:
    """What a hook is called in the logs; a partial is called like its function."""
    inner = getattr(hook, "func", hook)
    return getattr(inner, "__name__", type(inner).__name__)


def run_hooks(
    hooks: Iterable[Callable[..., Any]],
    owner: Any,
    run: Any,
    state: Any,
    logger: logging.Logger | logging.LoggerAdapter[Any],
) -> Generator[Any, Any, None]:
    """Call each hook with `(flow or task, run, state)`."""
    for hook in list(hooks):
        name = hook_name(hook)
        logger.info("Running hook %r in response to entering state %r", name, state.name)
        try:
            yield Call(hook, (owner, run, state))
        except Exception:
            logger.exception("An error was encountered while running hook %r", name)
        else:
            logger.info("Hook %r finished running successfully", name)
