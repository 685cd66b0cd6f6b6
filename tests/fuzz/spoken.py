"""What the fuzz of the websockets says, and what a server is to do about it."""

from __future__ import annotations

import json
import random
import struct
from typing import Any, NamedTuple

from fuzz.wire import BINARY, CLOSE, OPEN, PING, REFUSED, TEXT, frame

TOO_BIG = 17 * 2**20  # bytes: more than the 16 MiB that a message may hold
_MOST_IN_A_BURST = 3000
_TALKS_TASKS = "/task_runs/subscriptions/scheduled"


class Conversation(NamedTuple):
    """`pieces` are sent after the handshake; `wanted` are the endings that are right."""

    handshake: dict[str, str | None]
    pieces: list[bytes]
    wanted: frozenset[object]
    breaks_off: bool = False  # in the middle of a frame: nothing is answered

    @property
    def closes(self) -> bool:
        """Whether the server is to close it."""
        return OPEN not in self.wanted


def conversation(chance: random.Random, path: str, token: str) -> Conversation:
    """One conversation with the endpoint at `path`."""
    kinds = (_refused, _unknown, _forged, _cut, _talks)
    (kind,) = chance.choices(kinds, (1, 2, 4, 1, 12))
    return kind(chance, path, token)


_PREFECT: dict[str, str | None] = {"Sec-WebSocket-Protocol": "prefect"}


def _refused(chance: random.Random, path: str, token: str) -> Conversation:
    """A handshake that is none, or offers another sub-protocol."""
    handshake: dict[str, str | None] = chance.choice(
        [
            {},
            {"Sec-WebSocket-Protocol": chance.choice(["graphql-ws", "Prefect", "prefect2", "soap, mqtt"])},
            {**_PREFECT, "Sec-WebSocket-Key": chance.choice([None, "", "short", "=" * 500])},
            {**_PREFECT, "Sec-WebSocket-Version": chance.choice([None, "12", "x", "-1"])},
        ]
    )
    return Conversation(handshake, [], frozenset((REFUSED,)))


def _unknown(chance: random.Random, path: str, token: str) -> Conversation:
    """Nobody that the server knows, or something else than who it is."""
    first: Any = chance.choice(
        [
            {"type": "auth"},
            {
                "type": "auth",
                "token": chance.choice([None, "", 7, [token], {"a": token}, True, "x" * 10_000, "\x00"]),
            },
            {"type": chance.choice(["filter", "subscribe", "ack", "quit", "AUTH", None, 7])},
            {"token": token},
            _junk(chance),
        ]
    )
    return Conversation(
        _PREFECT, [_said(chance, first), *_many(chance)[: chance.randrange(4)]], frozenset((1008,))
    )


def _talks(chance: random.Random, path: str, token: str) -> Conversation:
    """Somebody who may, and says what it likes: in one piece, in several, with pings between."""
    said = [] if chance.random() < 0.05 else _messages(chance, path)
    auth = frame(TEXT, json.dumps({"type": "auth", "token": token}).encode())
    wanted = _wanted(path, said)
    pieces = [auth]
    for content in said:
        pieces += _framed(chance, content)
    return Conversation(_PREFECT, pieces, wanted)


def _forged(chance: random.Random, path: str, token: str) -> Conversation:
    """Frames that RFC 6455 does not allow, at some place of a conversation that it does."""
    piece, wanted = chance.choice(
        [
            ([frame(TEXT, b"{}", masked=False)], {1002}),
            ([frame(TEXT, b"{}", rsv=chance.randrange(1, 8))], {1002}),
            ([frame(chance.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), b"x")], {1002}),
            ([frame(PING, b"x", fin=False)], {1002}),
            ([frame(PING, b"x" * chance.choice([126, 5000]))], {1002}),
            ([frame(0, b"goes on")], {1002}),
            ([frame(TEXT, b"{", fin=False), frame(TEXT, b"}")], {1002}),
            ([frame(TEXT, chance.choice([b"\xff\xfe", b'{"a": "\xc3\x28"}', b"\xed\xa0\x80"]))], {1007}),
            ([frame(TEXT, b"\xf0\x9f", fin=False), frame(0, b"\x98")], {1007}),
            ([frame(BINARY, b"{", length=2**63 + chance.randrange(9))], {1002, 1009}),
            ([frame(BINARY, b"{", length=TOO_BIG)], {1009}),
            ([frame(TEXT, b" " * 2**20, fin=False), *[frame(0, b" " * 2**20, fin=False)] * 16], {1009}),
            ([frame(CLOSE, b"x")], {1002}),
            (
                [frame(CLOSE, struct.pack("!H", chance.choice([0, 999, 1004, 1005, 1006, 1015, 2999])))],
                {1002},
            ),
            ([frame(CLOSE, struct.pack("!H", 1000) + b"\xff\xff")], {1002, 1007}),
            ([frame(CLOSE, struct.pack("!H", chance.choice([1000, 1001, 3000, 4999])) + b"bye")], None),
            ([frame(CLOSE, b"")], None),
        ]
    )
    anything: frozenset[object] = frozenset(wanted or {1000, 1001, 1005, 3000, 4999})
    before = [frame(TEXT, json.dumps({"type": "auth", "token": token}).encode())] * (chance.random() < 0.7)
    return Conversation(_PREFECT, [*before, *piece], anything)


def _cut(chance: random.Random, path: str, token: str) -> Conversation:
    """A conversation that ends in the middle of a frame."""
    whole = _talks(chance, path, token)
    pieces = whole.pieces[: chance.randrange(1, len(whole.pieces) + 1)]
    last = pieces.pop()
    return Conversation(_PREFECT, [*pieces, last[: chance.randrange(len(last))]], frozenset((OPEN,)), True)


def _framed(chance: random.Random, content: bytes) -> list[bytes]:
    opcode = BINARY if chance.random() < 0.2 or not _is_text(content) else TEXT
    if chance.random() < 0.85 or len(content) < 2:
        return [frame(opcode, content)]
    middle = chance.randrange(1, len(content))
    ping = [frame(PING, b"between")] * chance.randrange(3)
    return [frame(opcode, content[:middle], fin=False), *ping, frame(0, content[middle:])]


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- messages -----------------------------------------------------------------------------------------------


def _messages(chance: random.Random, path: str) -> list[bytes]:
    first = {
        "/events/in": _event,
        "/events/out": _filter,
        "/logs/out": _filter,
        _TALKS_TASKS: _subscription,
    }[path]
    found = [_encoded(chance, first(chance) if chance.random() < 0.8 else _junk(chance))]
    if path == "/events/in" and chance.random() < 0.02:
        return [_encoded(chance, _event(chance)) for _ in range(chance.randrange(1000, _MOST_IN_A_BURST))]
    for _ in range(chance.choice([0, 0, 1, 2, 5, 20, 60])):
        made = first(chance) if chance.random() < 0.5 else _junk(chance)
        found.append(_encoded(chance, made))
    return found


def _many(chance: random.Random) -> list[bytes]:
    return [_said(chance, _junk(chance)) for _ in range(3)]


def _said(chance: random.Random, made: Any) -> bytes:
    return b"".join(_framed(chance, _encoded(chance, made)))


def _encoded(chance: random.Random, made: Any) -> bytes:
    return made if isinstance(made, bytes) else json.dumps(made).encode()


def _event(chance: random.Random) -> Any:
    """An event, or the report of a task run, mostly with something wrong in it."""
    run = chance.randrange(2**32)
    state = chance.choice(["Pending", "Running", "Completed", "Failed", "Odd", ""])
    kind = chance.choice(["task-run", "flow-run", "thing"])
    event: dict[str, Any] = {
        "id": f"{chance.randrange(2**128):032x}",
        "occurred": "2026-01-01T00:00:00+00:00",
        "event": f"prefect.{kind}.{state}",
        "resource": {
            "prefect.resource.id": f"prefect.{kind}.{run:032x}",
            "prefect.state-type": state.upper(),
            "prefect.state-name": state,
            "prefect.state-timestamp": "2026-01-01T00:00:00+00:00",
            "prefect.run-count": "1",
        },
        "related": [{"prefect.resource.id": "prefect.flow-run.x", "prefect.resource.role": "flow-run"}],
        "payload": {"task_run": {"task_key": "k", "dynamic_key": "d", "name": "n"}, "validated_state": {}},
        "follows": None,
    }
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        where = event
        while True:
            key = chance.choice(list(where) or ["x"])
            inner = where.get(key)
            if not isinstance(inner, dict) or chance.random() < 0.4:
                break
            where = inner
        where[key] = _odd(chance)
        if chance.random() < 0.2:
            del where[key]
    return event


def _filter(chance: random.Random) -> Any:
    names = [
        "event",
        "occurred",
        "resource",
        "related",
        "any_resource",
        "id",
        "order",
        "level",
        "timestamp",
        "text",
    ]
    inner = {
        "prefix": ["a"],
        "since": "2026-01-01T00:00:00Z",
        "any_": [],
        "ge_": 10,
        "name": ["x"],
        "query": "a b -c",
    }
    asked: dict[str, Any] = {}
    for name in chance.sample(names, chance.randrange(3)):
        chosen = chance.sample(sorted(inner), chance.randrange(3))
        asked[name] = {key: inner[key] if chance.random() < 0.5 else _odd(chance) for key in chosen}
        if chance.random() < 0.2:
            asked[name] = _odd(chance)
    message: dict[str, Any] = {"type": "filter", "filter": asked}
    if chance.random() < 0.3:
        message["backfill"] = _odd(chance)
    return message


def _subscription(chance: random.Random) -> Any:
    if chance.random() < 0.4:
        return {"type": chance.choice(["ack", "quit", "auth", "subscribe"])}
    keys = chance.choice(
        [["a.b"], ["a", "b"], [], [7], "a", None, {"a": 1}, ["x"] * 1000, ["x"] * 1001, [""], ["\x00"]]
    )
    return {"type": "subscribe", "keys": keys, "client_id": _odd(chance)}


def _odd(chance: random.Random) -> Any:
    return chance.choice(
        [
            None,
            True,
            0,
            -1,
            2**63,
            2**200,
            1e308,
            "",
            "x",
            "\x00",
            "\ud83d\ude00",
            "x" * 3000,
            [],
            [None],
            {},
            {"": 0},
        ]
        + [
            ["x"] * 300,
            {"a": {"b": {"c": []}}},
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59+14:00",
            "%",
            "'",
        ]
    )


def _junk(chance: random.Random) -> Any:
    return chance.choice(
        [
            b"",
            b"nonsense",
            b"{",
            b'{"type": "filter"',
            b"[1, 2]",
            b"null",
            b"NaN",
            b'{"a": NaN}',
            b'{"a": "\\ud800"}',
            b"[" * chance.choice([10, 300, 100_000]),
            b'{"a":' * 2000 + b"1" + b"}" * 2000,
            b"1" * 6000,
            bytes(chance.randrange(256) for _ in range(chance.randrange(40))),
            {"type": _odd(chance)},
            {"type": chance.choice(["ping", "event", "log", "auth_success", "filter", "ack", "quit"])},
        ]
    )


# --- what is right --------------------------------------------------------------------------------------------


def _wanted(path: str, said: list[bytes]) -> frozenset[object]:
    """The endings that are right for messages after a good handshake."""
    read = [_object(content) for content in said]
    if not read:
        return frozenset((OPEN,))
    if path == "/events/in":
        return frozenset((1002,)) if None in read else frozenset((OPEN,))
    if path == _TALKS_TASKS:
        return frozenset((_of_subscription(read),))
    first = read[0]
    if first is None or first.get("type") != "filter":
        return frozenset((1002,))
    return frozenset((1002, OPEN))  # whether a filter is one, its schema says


def _of_subscription(read: list[dict[str, Any] | None]) -> object:
    first = read[0]
    keys = first.get("keys") if first is not None and first.get("type") == "subscribe" else None
    if (
        not isinstance(keys, list)
        or not 0 < len(keys) <= 1000
        or not all(isinstance(one, str) for one in keys)
    ):
        return 4001
    if len(read) == 1:
        return OPEN
    return 1000 if read[1] is not None and read[1].get("type") == "quit" else 4001


def _object(content: bytes) -> dict[str, Any] | None:
    """A JSON object as a strict reader takes it: no NaN, no half characters, not nested without end."""

    def refuse(_: str) -> Any:
        raise ValueError

    try:
        found = json.loads(content.decode(), parse_constant=refuse)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and content.count(b'{"a":') < 200 else None
