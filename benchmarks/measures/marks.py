"""A flow that writes down when its first line ran; served where this is a program. Public names only."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from prefect import flow


@flow
def mark(path: str) -> None:
    """Write the time, by a clock that all processes have, to a file that is whole once it is there."""
    came = time.perf_counter()
    Path(f"{path}.new").write_text(repr(came))
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    limit = int(sys.argv[1]) or None
    mark.serve(name="bench", limit=limit, print_starting_message=False)
