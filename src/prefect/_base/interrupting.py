"""Stopping what another thread is doing."""

from __future__ import annotations


def raise_in_thread(ident: int, exception: type[BaseException] | None) -> None:
    """Have a thread raise `exception` at its next bytecode; None takes back one that has not been raised yet."""
    import ctypes  # 10 ms of import that only an expired deadline needs

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), ctypes.py_object(exception) if exception else None
    )
