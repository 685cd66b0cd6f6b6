"""`python -m prefect.server`: the server that `prefect server start --background` starts."""

from __future__ import annotations

import os
import sys

from prefect.exceptions import PrefectException
from prefect.server.background import pid_file, write_pid_file
from prefect.server.serve import serve


def main() -> int:
    """Serve; the exit code. The arguments: a pipe that is told the URL once the server answers, and `services`."""
    ready = int(sys.argv[1])

    def announce(url: str) -> None:
        write_pid_file(url)
        os.write(ready, f"{url}\n".encode())
        os.close(ready)

    try:
        serve(announce, services=sys.argv[2] == "services")
    except PrefectException as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - into the file that the starter reads
        return 1
    pid_file().unlink(missing_ok=True)
    return 0


sys.exit(main())
