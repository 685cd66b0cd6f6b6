"""What a server's refusal means to the asker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

if TYPE_CHECKING:
    import httpx


def raise_for(response: httpx.Response) -> None:
    """Raise what a refusal means; nothing for an answer.

    Raises:
        ObjectNotFound: 404.
        ObjectAlreadyExists: 409.
        PrefectHTTPStatusError: any other status from 400 on; the message holds what the server said.
    """
    if response.status_code < 400:
        return
    from prefect.exceptions import PrefectHTTPStatusError  # it imports httpx, which has been loaded by now

    said = _said(response)
    request = response.request
    text = f"{request.method} {request.url} was answered {response.status_code}: {said}"
    error = PrefectHTTPStatusError(text, request=request, response=response)
    if response.status_code == 404:
        raise ObjectNotFound(error, str(said)) from error
    if response.status_code == 409:
        raise ObjectAlreadyExists(error, str(said)) from error
    raise error


def _said(response: httpx.Response) -> Any:
    try:
        body: Any = response.json()
    except ValueError:
        return response.text
    fields: dict[str, Any] = body if hasattr(body, "keys") else {}
    return fields.get("detail", fields.get("exception_message", body))
