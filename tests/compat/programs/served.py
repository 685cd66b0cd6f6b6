"""Serves a flow under a name, as a user's script does: ends when it is told to."""

from __future__ import annotations

import sys

from prefect import flow


@flow(name="served", log_prints=True)
def served(x: int = 1) -> int:
    print(f"said by a served run: {x}")
    return x * 2


if __name__ == "__main__":
    served.serve(name=sys.argv[1], tags=["compat"], parameters={"x": 5}, print_starting_message=False)
