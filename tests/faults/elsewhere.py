"""Another machine, as far as a process can tell: other pids and another name. Needs no root, where the kernel agrees."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

NAME = "another-machine"
_USER = () if os.geteuid() == 0 else ("--user", "--map-root-user")
PREFIX = (
    *("unshare", *_USER, "--pid", "--fork", "--uts", "sh", "-c"),
    f'hostname {NAME} && exec "$@"',
    "sh",
)


def another_machine() -> tuple[str, ...]:
    """What stands before a command that is to run there; skips the test where there is no such thing."""
    if shutil.which("unshare") is None or shutil.which("hostname") is None:
        pytest.skip("no other machine to be had: the commands unshare and hostname are missing")
    tried = subprocess.run([*PREFIX, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no other machine to be had: the kernel refuses namespaces ({tried.stderr.strip()})")
    return PREFIX
