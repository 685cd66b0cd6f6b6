"""Websocket frames by hand (RFC 6455): a client that may break every rule."""

from __future__ import annotations

import base64
import os
import random
import socket
import struct
from types import TracebackType

OPEN, DROPPED, REFUSED, SILENT = "open", "dropped", "refused", "silent"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_SECONDS = 20.0  # that an answer may take
_END = b"is anybody there"


class WireError(Exception):
    """The server said something that is no websocket frame, or nothing."""


def frame(
    opcode: int,
    content: bytes,
    *,
    fin: bool = True,
    masked: bool = True,
    rsv: int = 0,
    length: int | None = None,
) -> bytes:
    """A frame; `length` is what it claims to hold."""
    size = len(content) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | opcode])
    mask = b"\x5a\xa5\x3c\xc3" if masked else b""
    bit = masked << 7
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    if masked:
        size = len(content)
        key = (mask * (size // 4 + 1))[:size]
        content = (int.from_bytes(content, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return head + mask + content


class Wire:
    """One connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"{address[0]}:{address[1]}"
        self._read = b""
        self.was_cut = False

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        self._socket.close()

    def open(self, path: str, headers: dict[str, str | None]) -> str | None:
        """Ask for a websocket; None where there is one. Headers that are None are left out."""
        asked = {
            "Host": self._host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **headers,
        }
        lines = [f"{name}: {value}" for name, value in asked.items() if value is not None]
        self._socket.sendall("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1"))
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return DROPPED
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1]
        if status == b"101":
            return None
        return REFUSED if status.startswith(b"4") else f"HTTP {status.decode()}"

    def send(self, piece: bytes) -> None:
        """Send bytes, unless the server has hung up."""
        try:
            self._socket.sendall(piece)
        except TimeoutError:
            raise WireError(SILENT) from None
        except OSError:
            self.was_cut = True

    def ending(self, *, may_stay_open: bool) -> object:
        """How it has ended: the code of a close frame, dropped, or open (a ping is answered, if that is enough)."""
        if may_stay_open:
            self.send(frame(PING, _END))
        while True:
            got = self._frame()
            if got is None:
                return DROPPED
            opcode, content = got
            if opcode == CLOSE:
                return struct.unpack("!H", content[:2])[0] if len(content) > 1 else 1005
            if opcode == PONG and content == _END:
                return OPEN

    def leave(self, chance: random.Random) -> None:
        """Go: with a goodbye, without, or so that the server gets an error."""
        how = chance.random()
        if how < 0.4:
            self.send(frame(CLOSE, struct.pack("!H", 1000)))
        elif how < 0.6:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _frame(self) -> tuple[int, bytes] | None:
        head = self._take(2)
        if head is None:
            return None
        size = head[1] & 127
        if size > 125:
            longer = self._take(2 if size == 126 else 8)
            if longer is None:
                return None
            size = int.from_bytes(longer, "big")
        content = self._take(size)
        return None if content is None else (head[0] & 15, content)

    def _take(self, count: int) -> bytes | None:
        while len(self._read) < count:
            if not self._more():
                return None
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def _more(self) -> bool:
        try:
            some = self._socket.recv(65536)
        except TimeoutError:
            raise WireError(SILENT) from None
        except OSError:
            self.was_cut = True
            return False
        self._read += some
        return bool(some)
