"""A cable between two machines, which can be pulled: two network namespaces of Linux. Only root can have them."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEVICE = "cable"


class Cable:
    """`here` and `there` stand before commands that are to run at either end; `address` is that of the other end."""

    address = "10.11.12.2"

    def __init__(self) -> None:
        name = uuid.uuid4().hex[:8]
        self._names = [f"pluperfect-{name}-{end}" for end in ("here", "there")]
        self.here, self.there = [("ip", "netns", "exec", one) for one in self._names]

    def lay(self) -> None:
        """Make both ends and what is between them."""
        for name in self._names:
            _ip("netns", "add", name)
        here, there = self._names
        _ip("link", "add", _DEVICE, "netns", here, "type", "veth", "peer", "name", _DEVICE, "netns", there)
        for number, name in enumerate(self._names, 1):
            _ip("-n", name, "address", "add", f"10.11.12.{number}/24", "dev", _DEVICE)
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", _DEVICE, "up")

    def cut(self) -> None:
        """Nothing arrives at the other end, and nobody is told."""
        _ip("-n", self._names[1], "link", "set", _DEVICE, "down")

    def mend(self) -> None:
        """Everything arrives again."""
        _ip("-n", self._names[1], "link", "set", _DEVICE, "up")

    def remove(self) -> None:
        """Leave nothing behind."""
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@contextmanager
def cable() -> Iterator[Cable]:
    """A cable of this test alone; skips the test where none can be had."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("no network to cut: that needs root, and the command ip of iproute2")
    made = Cable()
    try:
        try:
            made.lay()
        except subprocess.CalledProcessError as exc:
            pytest.skip(f"no network to cut: the kernel refuses namespaces ({exc.stderr.strip()})")
        yield made
    finally:
        made.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
