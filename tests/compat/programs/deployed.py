"""Registers a flow of this file with a work pool, as a user's script does."""

from __future__ import annotations

import sys
from pathlib import Path

from prefect import flow


@flow(name="deployed", log_prints=True)
def deployed(x: int = 1) -> int:
    print(f"said by a worker's run: {x}")
    return x * 3


if __name__ == "__main__":
    here = Path(__file__)
    flow.from_source(source=str(here.parent), entrypoint=f"{here.name}:deployed").deploy(
        name=sys.argv[1], work_pool_name=sys.argv[2], build=False, print_next_steps=False
    )
