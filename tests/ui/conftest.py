"""What the tests of the pages lean on: a server of each module, and browsers without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from server.conftest import backend, server_url, store_kind

__all__ = ["backend", "server_url", "store_kind"]


class Reader(httpx.Client):
    """Looks at pages as a browser without scripts does: it keeps cookies and sends forms with what is hidden in them."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=60, follow_redirects=True)

    def send_form(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Send the form with that action which stands on a page."""
        shown = self.get(page).text
        forms = re.findall(r"<form[^>]*>.*?</form>", shown, re.DOTALL)
        (form,) = [one for one in forms if f'action="{action}"' in one][:1] or [""]
        assert form, f"{page} has no form that leads to {action}"
        hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form))
        return self.post(action, data={**hidden, **fields})


@pytest.fixture
def reader(server_url: str) -> Iterator[Reader]:
    """A browser that has seen nothing yet."""
    with Reader(server_url) as asking:
        yield asking
