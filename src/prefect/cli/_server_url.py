"""Where the server is that a command asks."""

from __future__ import annotations

from prefect.server.background import Running
from prefect.settings import get_current_settings


def api_url() -> str:
    """Where the settings say that the API is; else of the server in the background; else where one would start."""
    settings = get_current_settings()
    if settings.api.url:
        return settings.api.url
    running = Running.find()
    base = running.url if running else f"http://{settings.server.api.host}:{settings.server.api.port}"
    return base + (settings.server.api.base_path or "/api")
