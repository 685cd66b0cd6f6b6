"""DBOS on SQLite: a durable step, and an empty workflow."""

from __future__ import annotations

import tempfile

from dbos import DBOS
from timing import per_call, report


@DBOS.step()
def step(number: int) -> int:
    return number


@DBOS.workflow()
def steps() -> float:
    return per_call(step)


@DBOS.workflow()
def empty(_: int) -> None:
    """A workflow that does nothing."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        DBOS(
            config={
                "name": "benchmark",
                "system_database_url": f"sqlite:///{folder}/dbos.sqlite",
                "run_admin_server": False,
                "log_level": "ERROR",
            }
        )
        DBOS.launch()
        report(durable_us=steps(), flow_ms=per_call(empty) / 1000)
        DBOS.destroy()
