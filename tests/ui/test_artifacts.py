"""The pages of artifacts: what users have written is shown, and can do nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from prefect._api.api import Api
from prefect._api.artifacts import create_artifact
from prefect.model.requests.artifacts import ArtifactCreate
from prefect.server.ui.markdown import html_of_markdown


def made(backend, **values) -> str:
    body = ArtifactCreate(**{"key": f"key-{uuid4().hex[:8]}", **values})
    return f"/artifacts/artifact/{create_artifact(Api(backend), body).id}"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "![x](http://evil.example/x.png)",
        '![x" onerror="alert(1)](http://evil.example/x.png)',
        "| a |\n|--:|\n| 1 |",
    ],
    ids=["script", "img", "javascript", "data", "image", "attribute", "style"],
)
def test_markdown_can_do_nothing(text):
    shown = str(html_of_markdown(text))
    for bad in ("<script", "<img", 'href="javascript', 'href="data', "style=", '" onerror'):
        assert bad not in shown


def test_markdown_is_rendered(reader, backend):
    at = made(backend, type="markdown", data="# Title\n\n**bold** <b>raw</b>")
    shown = reader.get(at).text
    assert "<strong>bold</strong>" in shown
    assert "&lt;b&gt;raw" in shown
    assert "**bold**" in reader.get(f"{at}?tab=raw").text


@pytest.mark.parametrize(
    "data", ['[{"a": 1, "b": "<i>"}]', [{"a": 1, "b": "<i>"}], {"a": [1], "b": ["<i>"]}], ids=str
)
def test_a_table_has_its_rows(reader, backend, data):
    shown = reader.get(made(backend, type="table", data=data)).text
    assert '<th scope="col">b</th>' in shown
    assert "<td>1</td><td>&lt;i&gt;</td>" in shown


def test_progress_images_and_what_is_none_of_these(reader, backend):
    assert "62.5 %" in reader.get(made(backend, type="progress", data=62.5)).text
    assert "data:image/png" in reader.get(made(backend, type="image", data="data:image/png;base64,AAAA")).text
    other = reader.get(made(backend, type="image", data="javascript:alert(1)")).text
    assert 'href="javascript' not in other
    assert "&#34;x&#34;" in reader.get(made(backend, type="own", data={"x": 1})).text


def test_versions_are_compared(reader, backend):
    key = f"key-{uuid4().hex[:8]}"
    for rows in (1, 2):
        made(backend, key=key, type="markdown", data=f"same\nrows: {rows}")
    shown = reader.get(f"/artifacts/key/{key}").text
    for line in ('class="went">- rows: 1', 'class="came">+ rows: 2', 'class="same">  same'):
        assert line in shown
    assert reader.get(f"/artifacts/key/{key}-none").status_code == 404
    assert key in reader.get(f"/artifacts?q={key}&type=markdown").text


def test_an_artifact_is_deleted(reader, backend):
    at = made(backend, type="markdown", data="x")
    assert "was deleted" in reader.send_form(at, f"{at}/delete").text
    assert reader.get(at).status_code == 404
