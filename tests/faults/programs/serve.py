"""A server on the store of PREFECT_HOME, on the port (and the address) that is given, until somebody ends it."""

from __future__ import annotations

import sys

import uvicorn

from prefect.server.app import create_app

if __name__ == "__main__":
    uvicorn.run(
        create_app(services=True),
        port=int(sys.argv[1]),
        host=(*sys.argv, "127.0.0.1")[2],
        log_level="warning",
    )
