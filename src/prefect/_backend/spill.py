"""Batches that wait on disk while the server is away: `$PREFECT_HOME/spill/<process>.spill`.

The file is appended to, an entry a line: number, weight (rows and log lines), length and CRC-32 of the content, and
the content, which is JSON. An entry is handed to the operating system before anybody goes on (it survives the death
of the process; a power cut may take the last ones, as with the store), and `fsync`ed when the file is closed. The
process that writes a file holds a lock on it; whoever gets the lock later delivers it. Numbers keep it idempotent.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prefect._base.clock import to_datetime
from prefect._base.ids import new_id
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Generator

SUFFIX = ".spill"
BATCHES, REPORTS = (
    "batches",
    "reports",
)  # what the entries of a file are: for a server of ours, for one of Prefect's
_READING = os.O_RDWR
_MAKING = _READING | os.O_CREAT | os.O_EXCL | os.O_APPEND
_HEAD = 256  # more than the four fields before a content take


class Entry(NamedTuple):
    """One batch in a file."""

    number: int
    weight: int
    content: bytes


class Waiting(NamedTuple):
    """What a file holds: for which server, since when (seconds since the epoch), batches, and rows in them."""

    path: Path
    url: str
    since: float
    batches: int
    rows: int


class SpillFile:
    """One file: entries go in at its end, and are taken from its front. Not for two threads at once."""

    def __init__(self, path: Path, descriptor: int, url: str) -> None:
        self.path = path
        self.speech = BATCHES
        self.url = url
        self._file = descriptor
        self._front = 0
        self._end = os.fstat(descriptor).st_size
        self._head: tuple[Entry, int] | None = None
        self.weight = 0  # of what was appended here and not dropped

    @classmethod
    def make(
        cls, folder: Path, name: str, url: str, suffix: str = SUFFIX, *, speech: str = BATCHES
    ) -> SpillFile:
        """A new file, for what is meant for the server at `url`. Raises StoreError where the disk refuses."""
        path = folder / f"{name}{suffix}"
        with _explained(path):
            folder.mkdir(parents=True, exist_ok=True)
            made = cls(path, os.open(path, _MAKING, 0o600), url)
        _try_lock(made._file)
        made.append(Entry(0, 0, json.dumps({"url": url, "speech": speech}).encode()))
        made.drop()
        return made

    @classmethod
    def take(cls, path: Path) -> SpillFile | None:
        """An existing file, to be delivered; None while another process has it, or when it is no such file."""
        try:
            descriptor = os.open(path, _READING)
        except OSError:
            return None
        if _try_lock(descriptor) and path.exists():
            taken = cls(path, descriptor, "")
            header = taken.first()
            if header is not None and header.number == 0:
                taken.drop()
                told = json.loads(header.content)
                taken.url, taken.speech = told["url"], told.get("speech", BATCHES)
                return taken
        os.close(descriptor)
        return None

    def append(self, entry: Entry) -> None:
        """Put an entry at the end. Raises StoreError where the disk refuses; the file is as it was then."""
        content = entry.content
        line = b"%d %d %d %d %b\n" % (entry.number, entry.weight, len(content), zlib.crc32(content), content)
        with _explained(self.path):
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError:
                os.ftruncate(self._file, self._end)
                raise
        self._end += len(line)
        self.weight += entry.weight

    def first(self) -> Entry | None:
        """The entry at the front; None where nothing is left. What a torn write has left at the end is nothing."""
        if self._head is None:
            self._head = self._read(self._front)
        return None if self._head is None else self._head[0]

    def drop(self) -> None:
        """The entry at the front is delivered."""
        if self.first() is not None and self._head is not None:
            self.weight -= self._head[0].weight
            self._front = self._head[1]
            self._head = None

    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return self.first() is None

    def abandon(self) -> None:
        """In a forked child: the parent goes on using the file, and keeps its lock."""
        os.close(self._file)

    def remove(self) -> None:
        """Everything is delivered."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self._file)

    def close(self) -> None:
        """Leave it to whoever comes next."""
        with contextlib.suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)

    def _read(self, start: int) -> tuple[Entry, int] | None:
        """The first whole entry from a place on, and where it ends. A damaged line is passed over."""
        while start < self._end:
            fields = os.pread(self._file, _HEAD, start).split(b" ", 4)
            try:
                number, weight, length, checksum = map(int, fields[:4])
                begin = start + sum(len(field) + 1 for field in fields[:4])
                content = os.pread(self._file, length, begin)
                if len(content) == length and zlib.crc32(content) == checksum:
                    return Entry(number, weight, content), begin + length + 1
            except (ValueError, OverflowError):
                pass
            start = self._next_line(start)
        return None

    def _next_line(self, start: int) -> int:
        while start < self._end:
            some = os.pread(self._file, 65536, start)
            found = some.find(b"\n")
            if found >= 0:
                return start + found + 1
            start += len(some)
        return self._end


def put_aside(folder: Path, entry: Entry, url: str) -> Path:
    """Keep a batch that the server refuses, for a person to look at; where it is."""
    kept = SpillFile.make(folder, new_id().hex(), url, suffix=".refused")
    kept.append(entry)
    kept.close()
    return kept.path


def files(folder: Path) -> list[Path]:
    """The files that wait, oldest first."""
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.name.endswith(SUFFIX)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]  # process ids grow with time


def waiting(folder: Path) -> list[Waiting]:
    """What waits in a folder, also what a living process has spilled."""
    return [found for path in files(folder) if (found := _look(path)) is not None]


def report(folder: Path, url: str | None = None) -> str | None:
    """What waits in a folder to be delivered (to the server at `url`), as a sentence; None where nothing does."""
    found = [one for one in waiting(folder) if one.batches and url in {None, one.url}]
    if not found:
        return None
    rows, since = sum(one.rows for one in found), to_datetime(round(min(one.since for one in found) * 1e6))
    return (
        f"Up to {rows} rows of {len(found)} process(es) on this machine wait in {folder} since "
        f"{since:%Y-%m-%d %H:%M:%S} UTC to be delivered to {found[0].url}."
    )


def _look(path: Path) -> Waiting | None:
    try:
        descriptor = os.open(path, _READING)
    except OSError:
        return None
    looking = SpillFile(path, descriptor, "")
    try:
        url, batches, rows = "", 0, 0
        while (entry := looking.first()) is not None:
            looking.drop()
            if entry.number == 0:
                url = json.loads(entry.content)["url"]
            else:
                batches, rows = batches + 1, rows + entry.weight
        return Waiting(path, url, path.stat().st_mtime, batches, rows)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    """Take the lock of a file; False while another process has it. The system gives it back when the holder dies."""
    import fcntl  # of Unix; nothing else here is

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _explained(path: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as exc:
        raise StoreError(
            f"The server is away, and {path} cannot be written ({exc.strerror}). Rows are kept in memory: free "
            "some space, or make the folder writable, before this process ends."
        ) from exc
