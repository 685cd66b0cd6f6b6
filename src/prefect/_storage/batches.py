"""The SQL of the numbered batches that other processes send: the last number of each, and what was answered to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._storage.protocol import Transaction

_KEPT = 30 * 86_400_000_000  # a batch that comes again later than this is taken for a new one


def claim(cx: Transaction, process_id: bytes, number: int, now: int) -> bool:
    """Take a number for the caller's transaction; False if it, or a later one, was taken before."""
    done = cx.execute(
        "INSERT INTO batch (process_id, number, answer, updated) VALUES (?,?,NULL,?) "
        "ON CONFLICT (process_id) DO UPDATE "
        "SET number = excluded.number, answer = NULL, updated = excluded.updated "
        "WHERE batch.number < excluded.number",
        (process_id, number, now),
    )
    if done.rowcount == 1 and number == 1:
        cx.execute("DELETE FROM batch WHERE updated < ?", (now - _KEPT,))
    return done.rowcount == 1


def keep_answer(cx: Transaction, process_id: bytes, answer: str) -> None:
    """Keep what was answered to the last number."""
    cx.execute("UPDATE batch SET answer = ? WHERE process_id = ?", (answer, process_id))


def answer(cx: Transaction, process_id: bytes, number: int) -> str:
    """What was answered to a number, as JSON; `{}` where nothing was, or the answer must have arrived."""
    row = cx.row("SELECT answer FROM batch WHERE process_id = ? AND number = ?", (process_id, number))
    return row[0] if row and row[0] is not None else "{}"
