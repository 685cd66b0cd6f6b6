"""A fuzz of the websockets: whole conversations of frames, some as the protocol has them and most not.

Each conversation is made from a seed, with what the server is to do about it: how it closes, or that it stays open.
`spoken.py` says what is said, `wire.py` puts it into bytes, so that frames can be cut, forged and left out.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from fuzz import spoken
from fuzz.wire import OPEN, REFUSED, Wire, WireError

PATHS = ("/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled")


class Found(NamedTuple):
    """A conversation that has ended otherwise than it should."""

    seed: str
    path: str
    wanted: frozenset[object]
    got: object
    said: str


class Fuzz:
    """Talks to one server.

    Args:
        address: host and port.
        token: that the server asks for.
        seed: of everything that is said.
    """

    def __init__(self, address: tuple[str, int], token: str, seed: int) -> None:
        self._address = address
        self._token = token
        self._seed = seed
        self._talks = 0
        self.frames = 0
        self.endings: Counter[object] = Counter()
        self.found: list[Found] = []

    def talk(self, frames: int) -> None:
        """Go on until so many frames were sent."""
        until = self.frames + frames
        while self.frames < until:
            self._one(f"{self._seed}.{self._talks}")
            self._talks += 1

    def _one(self, seed: str) -> None:
        chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
        path = chance.choice(PATHS)
        talk = spoken.conversation(chance, path, self._token)
        with Wire(self._address) as wire:
            try:
                got = wire.open(f"/api{path}", talk.handshake)
                if got is None:
                    for piece in talk.pieces:
                        wire.send(piece)
                        self.frames += 1
                    got = OPEN if talk.breaks_off else wire.ending(may_stay_open=not talk.closes)
            except WireError as exc:
                got = str(exc)
            self.frames += got == REFUSED
            wire.leave(chance)
        self.endings[got] += 1
        # what is sent to a server that has closed already may make the system throw its last frame away
        if got not in talk.wanted and not (got == "dropped" and wire.was_cut and talk.closes):
            said = b" ".join(piece[:60] for piece in talk.pieces[:6])
            self.found.append(Found(seed, path, talk.wanted, got, repr(said)))
