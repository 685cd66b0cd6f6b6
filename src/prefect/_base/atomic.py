"""Files that appear whole or not at all, whatever happens to the process that writes them."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from prefect._base.faultpoint import reach
from prefect._base.ids import new_id

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EACCES: "permission denied; make the folder writable or choose another one",
    errno.EPERM: "permission denied; make the folder writable or choose another one",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENAMETOOLONG: "the name is too long for the file system; choose a shorter key",
}
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def write_atomically(path: str, content: bytes | bytearray | memoryview) -> None:
    """Write a file so that every reader sees the old one or the whole new one; folders are made.

    The content goes to a temporary file in the same folder, which then takes the name. A killed writer
    leaves at most a `.….tmp` file that nothing reads. Power cuts are not provided for: that would cost a
    disk flush a file.

    Raises:
        OSError: it cannot be written; the message says why and what to do. Nothing is left behind.
    """
    folder = path.rpartition("/")[0]
    temporary = f"{folder}/.{new_id().hex()}.tmp"
    try:
        try:
            descriptor = os.open(temporary, _FLAGS, 0o666)
        except FileNotFoundError:
            Path(folder).mkdir(parents=True, exist_ok=True)
            descriptor = os.open(temporary, _FLAGS, 0o666)
        try:
            _fill(descriptor, content)
            reach("result.temporary_written")
            os.replace(temporary, path)  # noqa: PTH105 - a Path object costs as much as the renaming
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as exc:
        reason = _ADVICE.get(exc.errno or 0, exc.strerror)
        raise OSError(exc.errno, f"cannot write {len(content)} bytes: {reason}", path) from exc


def _fill(descriptor: int, content: bytes | bytearray | memoryview) -> None:
    try:
        written = os.write(descriptor, content)
        while written < len(content):  # a large content is taken in parts
            written += os.write(descriptor, memoryview(content)[written:])
    finally:
        os.close(descriptor)
