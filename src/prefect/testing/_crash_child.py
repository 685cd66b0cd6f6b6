"""The process that a crash test kills: it runs a flow by its entrypoint, with pickled parameters.

`python -m prefect.testing._crash_child ENTRYPOINT FILE` prints `started` when the flow is about to be called.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect.flows import load_flow_from_entrypoint

if TYPE_CHECKING:
    from prefect.flows import Flow


def main(entrypoint: str, parameters_file: str) -> None:
    """Run the flow to its end."""
    flow = load_flow_from_entrypoint(entrypoint)
    parameters = pickle.loads(Path(parameters_file).read_bytes())
    sys.stdout.write("started\n")
    sys.stdout.flush()
    _run(flow, parameters)


def _run(flow: Flow[..., Any], parameters: dict[str, Any]) -> None:
    answer = cast("Any", flow)(**parameters)
    if flow.isasync:
        asyncio.run(_exhausted(answer) if flow.isgenerator else _awaited(answer))
    elif flow.isgenerator:
        for _ in answer:
            pass


async def _exhausted(items: Any) -> None:
    async for _ in items:
        pass


async def _awaited(answer: Any) -> None:
    await answer


if __name__ == "__main__":
    main(*sys.argv[1:])
