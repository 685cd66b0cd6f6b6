"""Names of images, for packages written for Prefect 3."""

from __future__ import annotations

import sys

COMPATIBLE = "3.9.1"  # the release of Prefect whose images execute the runs of a server of ours


def get_prefect_image_name(
    prefect_version: str | None = None, python_version: str | None = None, flavor: str | None = None
) -> str:
    """The public image in which Prefect executes runs; it reports to a server of ours as to one of its own.

    Args:
        prefect_version: of Prefect.
        python_version: such as 3.12; that of here unless given.
        flavor: a variant, such as kubernetes.
    """
    python = python_version or f"{sys.version_info.major}.{sys.version_info.minor}"
    more = f"-{flavor}" if flavor else ""
    return f"prefecthq/prefect:{prefect_version or COMPATIBLE}-python{python}{more}"


def parse_image_tag(name: str) -> tuple[str, str | None]:
    """The name of an image, and its tag or digest if it has one."""
    for mark in ("@", ":"):
        image, found, tag = name.rpartition(mark)
        if found and "/" not in tag:
            return image, tag
    return name, None


def format_outlier_version_name(version: str) -> str:
    """A version of Docker that Python can compare: without `-ce` and the like."""
    return version.replace("-ce", "").replace("-ee", "")
