"""What taking slots may raise."""

from __future__ import annotations


class ConcurrencySlotAcquisitionError(Exception):
    """The slots cannot be had, however long one waits; or were refused as often as was allowed."""


class AcquireConcurrencySlotTimeoutError(TimeoutError):
    """The slots could not be had in time."""
