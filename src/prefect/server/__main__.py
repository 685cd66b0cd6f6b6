"""`python -m prefect.server FD PARTS WORKERS`: what `prefect server start --background` starts."""

from __future__ import annotations

import os
import sys
from typing import cast

from prefect.exceptions import PrefectException
from prefect.server.background import Parts, name_of, pid_file, write_pid_file
from prefect.server.run_services import run_services
from prefect.server.serve import serve
from prefect.server.workers import serve_workers


def main() -> int:
    """Serve; the exit code. FD is a pipe that gets a line once the process is ready, PARTS what it serves."""
    ready, parts, workers = int(sys.argv[1]), cast("Parts", sys.argv[2]), int(sys.argv[3])
    name = name_of(parts)

    def announce(url: str = "") -> None:
        write_pid_file(name, url)
        os.write(ready, b"ready\n")
        os.close(ready)

    try:
        if parts == "services":
            run_services(announce)
        elif workers > 1:
            serve_workers(announce, workers, services=parts == "all")
        else:
            serve(announce, services=parts == "all")
    except PrefectException as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - into the file that the starter reads
        return 1
    pid_file(name).unlink(missing_ok=True)
    return 0


sys.exit(main())
