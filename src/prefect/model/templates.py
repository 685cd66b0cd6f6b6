"""What is wrong with a template."""

from __future__ import annotations

from pydantic import BaseModel


class TemplateError(BaseModel):
    """Where, and what. `line` is 0 where it is in all of it."""

    line: int
    message: str
    source: str


class WrongTemplate(BaseModel):
    """A template that cannot be read."""

    error: TemplateError
