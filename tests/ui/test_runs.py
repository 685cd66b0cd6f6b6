"""The lists of runs: what filters find, pages both ways, what is done with many, what is saved."""

from __future__ import annotations

import csv
import io
import re

import pytest

from prefect import flow, get_run_logger, task
from prefect.settings import temporary_settings


@task(tags=["small"])
def piece(n: int) -> int:
    return n


@flow
def loading(day: str = "monday", parts: int = 1) -> int:
    get_run_logger().info("read the green ledger of %s", day)
    return piece(parts)


@flow
def breaking() -> None:
    raise RuntimeError("no disk left")


@pytest.fixture
def some(server_url, reader):
    """Three runs that completed and one that failed."""
    names = []
    with temporary_settings({"PREFECT_API_URL": f"{server_url}/api"}):
        for parts in (1, 2, 12):
            loading.with_options(flow_run_name=f"load-{parts}")(day="friday", parts=parts)
            names.append(f"load-{parts}")
        breaking.with_options(flow_run_name="broke")(return_state=True)
    yield [*names, "broke"]
    ids = re.findall(r'id="run-([0-9a-f-]{36})"', reader.get("/runs").text)
    reader.post("/runs/bulk", data={"csrf": reader.cookies["prefect-csrf"], "do": "delete", "run": ids})


def shown(reader, query: str) -> list[str]:
    answer = reader.get(f"/runs?{query}")
    assert answer.status_code == 200, answer.text
    rows = re.findall(r'<tr id="(?:run|task)-.*?</tr>', answer.text, re.DOTALL)
    return [re.search(r'class="run-name"><a[^>]*>([^<]*)', row)[1] for row in rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["broke", "load-12", "load-2", "load-1"]),
        ("state=FAILED", ["broke"]),
        ("flow=loading&sort=START_TIME_ASC", ["load-1", "load-2", "load-12"]),
        ("param=parts%3D1", ["load-1"]),
        ("param=day%3Dfriday&param=parts%3D2", ["load-2"]),
        ("q=LOAD-1", ["load-12", "load-1"]),
        ("q=green+ledger", []),
        ("q=green+ledger&logs=1", ["load-12", "load-2", "load-1"]),
        ("range=1h&name=Failed", ["broke"]),
        ("until=2020-01-01T00:00", []),
        ("min=86400", []),
        ("tag=none", []),
        ("tab=tasks&state=COMPLETED", ["piece-", "piece-", "piece-"]),
        ("tab=tasks&flow=breaking", []),
    ],
)
def test_filters_find(reader, some, query, found):
    assert [one if one in some else one[:6] for one in shown(reader, query)] == found


def test_a_filter_that_cannot_be_read_says_so(reader):
    answer = reader.get("/runs?param=parts")
    assert answer.status_code == 422
    assert "expected name=value, got &#39;parts&#39;" in answer.text
    assert reader.get("/runs?after=x").status_code == 422


def test_pages_go_both_ways(reader, some, monkeypatch):
    monkeypatch.setattr("prefect.server.ui.views.runs.PAGE", 2)

    def step(page: str, way: str) -> str:
        (address,) = re.findall(rf'<a rel="{way}" href="/runs\?([^"]*)"', page)
        return address.replace("&amp;", "&")

    first = reader.get("/runs").text
    assert 'rel="prev"' not in first
    second = step(first, "next")
    assert shown(reader, second) == ["load-2", "load-1"]
    page = reader.get(f"/runs?{second}").text
    assert 'rel="next"' not in page
    assert shown(reader, step(page, "prev")) == ["broke", "load-12"]


def test_many_are_deleted_after_they_are_counted(reader, some):
    asked = reader.get("/runs/bulk?do=delete&all=1&of=flow%3Dloading")
    assert "Delete 3 runs?" in asked.text
    assert shown(reader, "")[0] == "broke"  # looking has done nothing
    answer = reader.send_form("/runs/bulk?do=delete&all=1&of=flow%3Dloading", "/runs/bulk")
    assert "3 runs deleted." in answer.text
    assert shown(reader, "") == ["broke"]


def test_steps_go_on_where_the_last_one_stopped(reader, some, monkeypatch):
    monkeypatch.setattr("prefect.server.ui.views.runs_bulk.STEP", 2)
    monkeypatch.setattr("prefect.server.ui.views.runs_bulk.MOST_AT_ONCE", 2)
    first = reader.send_form("/runs/bulk?do=delete&all=1&of=flow%3Dloading", "/runs/bulk")
    assert "2 runs deleted." in first.text
    assert "Delete 1 run?" in first.text


def test_what_cannot_be_cancelled_is_left_alone_and_said(reader, some):
    (id,) = re.findall(r'id="run-([0-9a-f-]{36})"', reader.get("/runs?state=FAILED").text)
    answer = reader.post(
        "/runs/bulk", data={"csrf": reader.cookies["prefect-csrf"], "do": "cancel", "run": [id], "of": ""}
    )
    assert "0 runs cancelled. 1 run left alone: The run has ended (Failed)" in answer.text
    retried = reader.post(
        "/runs/bulk", data={"csrf": reader.cookies["prefect-csrf"], "do": "retry", "run": [id], "of": ""}
    )
    assert f"prefect flow-run retry {id}" in retried.text


def test_what_matches_is_saved_as_csv_and_json(reader, some):
    answer = reader.get("/runs/export.csv?flow=loading")
    assert "runs.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["load-12", "load-2", "load-1"]
    assert rows[0]["parameters"] == '{"day": "friday", "parts": 12}'
    assert [one["name"] for one in reader.get("/runs/export.json?state=FAILED").json()] == ["broke"]
    assert reader.get("/runs/export.json?tag=none").json() == []


def test_no_cell_is_a_formula(reader, server_url, some):
    with temporary_settings({"PREFECT_API_URL": f"{server_url}/api"}):
        breaking.with_options(flow_run_name="=1+1")(return_state=True)
    rows = list(csv.DictReader(io.StringIO(reader.get("/runs/export.csv?state=FAILED").text)))
    assert rows[0]["name"] == "'=1+1"


def test_a_filter_is_saved_and_forgotten(reader, some):
    page = reader.send_form("/runs?state=FAILED", "/runs/saved", name="broken ones")
    assert "Saved as broken ones." in page.text
    assert '<a href="/runs?state=FAILED">broken ones</a>' in reader.get("/runs").text
    (action,) = re.findall(r'action="(/runs/saved/[^"]*/delete)"', page.text)
    assert "broken ones</a>" not in reader.send_form("/runs", action).text


def test_the_chart_has_a_dot_for_each_run(reader, some):
    page = reader.get("/runs?flow=loading").text
    (path,) = re.findall(r'class="dots state-completed[^"]*" d="([^"]*)"', page)
    assert path.count("M") == 3
    assert "run-chart" not in reader.get("/runs?tag=none").text
