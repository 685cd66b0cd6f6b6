"""A wire to Postgres that can be cut at a COMMIT: before the database has heard it, or before its answer is heard."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class Wire:
    """Passes on what a client and the database say. `url` leads through it; `cut` is what happens at the next COMMIT.

    `unheard`: the client is cut off, and the database waits for a client that is gone. `unanswered`: the database
    has done it, and the client is cut off. Each happens once. `meanwhile` is called before the client is cut off.
    """

    def __init__(self, url: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wire-")
        self._real = str(Path(parse_qs(urlsplit(url).query)["host"][0]) / ".s.PGSQL.5432")
        self.url = f"{url.partition('?')[0]}?host={self._folder.name}"
        self.cut: str | None = None
        self.cuts = 0
        self._cutting = threading.Lock()
        self.meanwhile: Callable[[], None] = lambda: None
        self._sockets: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(Path(self._folder.name) / ".s.PGSQL.5432"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        for each in (self._listening, *self._sockets):
            _hang_up(each)
        self._folder.cleanup()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                database = socket.socket(socket.AF_UNIX)
                database.connect(self._real)
                self._sockets += [client, database]
                threading.Thread(target=self._up, args=(client, database), daemon=True).start()
                threading.Thread(target=self._down, args=(client, database), daemon=True).start()

    def _up(self, client: socket.socket, database: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if b"COMMIT" in data and self.cut == "unheard":
                    self.cut, self.cuts = None, self.cuts + 1
                    with self._cutting:
                        self.meanwhile()
                    _hang_up(client)
                    return  # and the database is left waiting
                database.sendall(data)
                if b"COMMIT" in data and self.cut == "unanswered":
                    self.cut = "after the next answer"
            _hang_up(database)

    def _down(self, client: socket.socket, database: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            while data := database.recv(1 << 16):
                if b"COMMIT\x00" in data and self.cut is not None:
                    self.cut, self.cuts = None, self.cuts + 1
                    break
                client.sendall(data)
        with self._cutting:
            _hang_up(client)
        if not data:
            _hang_up(database)


def _hang_up(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
