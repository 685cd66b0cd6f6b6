"""What an endpoint may raise besides `ObjectNotFound` (404) and `ObjectAlreadyExists` (409)."""

from __future__ import annotations

from prefect.exceptions import ObjectNotFound, PrefectException


class Refused(PrefectException):
    """The request cannot be done, for a reason that is the asker's to mend.

    Args:
        detail: what was expected, what came, what to do.
        status: of HTTP: 422 unless another fits better.
        retry_after: the seconds after which the same request may be granted.
    """

    def __init__(self, detail: str, *, status: int = 422, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.retry_after = retry_after


def missing(noun: str) -> ObjectNotFound:
    """`<Noun> not found`, as clients expect to read it."""
    return ObjectNotFound(help_message=f"{noun} not found")
