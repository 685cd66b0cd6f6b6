"""Markdown that users have written, as HTML that can do nothing.

HTML in the text is shown as text, links lead nowhere but to pages (no `javascript:`), and nothing is loaded from other
hosts: an image becomes a link to it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

MOST = 200_000  # characters that are shown of a text


def html_of_markdown(text: str) -> Markup:
    """The text, rendered."""
    parser = _parser()
    tokens = parser.parse(text[:MOST])
    for token in tokens:
        token.attrs.pop("style", None)  # how a table's column is aligned: no page may carry style of its own
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - made with HTML off


@cache
def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.add_render_rule("image", _link_to_image)
    made.add_render_rule("link_open", _link)
    return made


def _link_to_image(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    del renderer, options, env
    token = tokens[place]
    where = str(token.attrs.get("src", ""))
    return str(Markup('<a rel="noopener noreferrer" href="{}">{}</a>').format(where, token.content or where))


def _link(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    tokens[place].attrs["rel"] = "noopener noreferrer"
    return str(renderer.renderToken(tokens, place, options, env))
