"""Registers the flows of this file with a work pool, as a user's script does."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from prefect import flow


@flow(name="deployed", log_prints=True)
def deployed(x: int = 1) -> int:
    print(f"said by a worker's run: {x}")
    return x * 3


@flow(name="goes-on")
def goes_on(mark: str) -> None:
    Path(mark).write_text("begun")
    for _ in range(1200):
        time.sleep(0.1)


if __name__ == "__main__":
    here = Path(__file__)
    for name in ("deployed", "goes_on"):
        flow.from_source(source=str(here.parent), entrypoint=f"{here.name}:{name}").deploy(
            name=sys.argv[1], work_pool_name=sys.argv[2], build=False, print_next_steps=False
        )
