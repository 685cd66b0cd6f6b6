"""What an endpoint may raise besides `ObjectNotFound` (404) and `ObjectAlreadyExists` (409)."""

from __future__ import annotations

from prefect.exceptions import ObjectNotFound, PrefectException


class Refused(PrefectException):
    """The request cannot be done, for a reason that is the asker's to mend.

    Args:
        detail: what was expected, what came, what to do.
        status: of HTTP: 422 unless another fits better.
    """

    def __init__(self, detail: str, *, status: int = 422) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


def missing(noun: str) -> ObjectNotFound:
    """`<Noun> not found`, as clients expect to read it."""
    return ObjectNotFound(help_message=f"{noun} not found")
