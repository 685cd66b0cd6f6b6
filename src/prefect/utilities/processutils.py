"""Commands as text and as lists of words, for packages written for Prefect 3."""

from __future__ import annotations

import shlex
import subprocess
import sys


def command_to_string(command: list[str]) -> str:
    """The words of a command as a shell would read them."""
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def command_from_string(command: str) -> list[str]:
    """The words of a command, as a shell would read it. Raises ValueError for quotes that are not closed."""
    return shlex.split(command, posix=sys.platform != "win32")
