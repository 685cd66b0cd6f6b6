"""How pages look: theme and density, kept in the browser."""

from __future__ import annotations

from prefect._api.errors import Refused
from prefect.server.ui.page import Asked, Move, page

THEMES = ("system", "light", "dark")
DENSITIES = ("dense", "comfortable")


@page("/look", "POST")
def change_look(asked: Asked) -> Move:
    """Set the theme or the density. Raises Refused."""
    chosen = {name: str(asked.form[name]) for name in ("theme", "density") if name in asked.form}
    known = {"theme": THEMES, "density": DENSITIES}
    for name, value in chosen.items():
        if value not in known[name]:
            raise Refused(f"{name}: expected one of {', '.join(known[name])}, got {value!r}.")
    return Move(str(asked.form.get("back", "/")), cookies=chosen)
