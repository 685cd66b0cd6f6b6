"""The version, in one place.

`prefect.__version__` leads with the version of the API that this package is a drop-in for, so that user code
which compares versions goes on working; our own version follows as its local part (PEP 440).
"""

from __future__ import annotations

API_VERSION = "3.9.1"
PLUPERFECT_VERSION = "0.1.0"
__version__ = f"{API_VERSION}+pluperfect.{PLUPERFECT_VERSION}"
REST_VERSION = "0.8.4"  # of the HTTP API: `X-PREFECT-API-VERSION`
