"""A server on the store of PREFECT_HOME, on the port that is given, until somebody ends it."""

from __future__ import annotations

import sys

import uvicorn

from prefect.server.app import create_app

if __name__ == "__main__":
    uvicorn.run(create_app(), port=int(sys.argv[1]), log_level="warning")
