"""`prefect variable`, `concurrency-limit`, `global-concurrency-limit`, `artifact` and `block`, on a store without a server."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from cli_runs import prefect
from pydantic import SecretStr

from prefect.artifacts import create_markdown_artifact
from prefect.blocks.core import Block
from prefect.testing.utilities import prefect_test_harness
from prefect.variables import Variable


@pytest.fixture(autouse=True)
def own_store():
    with prefect_test_harness():
        yield


def as_json(*words):
    return json.loads(prefect(*words, "-o", "json").stdout)


class Token(Block):
    """What opens doors."""

    user: str
    token: SecretStr


class TestVariable:
    @pytest.mark.parametrize(
        ("typed", "value", "printed"),
        [
            ("3", 3, "3"),
            ('{"a": [1]}', {"a": [1]}, '{"a": [1]}'),
            ("plain text", "plain text", "plain text"),
            ("null", None, "null"),
        ],
    )
    def test_a_value_is_json_or_a_text(self, typed, value, printed):
        prefect("variable", "set", "x", typed)
        assert Variable.get("x", default="unset") == value
        assert prefect("variable", "get", "x").stdout.strip() == printed

    def test_a_value_is_replaced_only_on_purpose(self):
        prefect("variable", "set", "x", "1", "--tag", "t")
        assert "--overwrite" in prefect("variable", "set", "x", "2", code=1).stderr
        prefect("variable", "set", "x", "2", "--overwrite", "--tag", "a", "--tag", "b")
        assert as_json("variable", "inspect", "x")["tags"] == ["a", "b"]
        assert [one["value"] for one in as_json("variable", "ls")] == [2]
        assert "Tags     a, b" in prefect("variable", "inspect", "x").stdout

    @pytest.mark.parametrize("word", ["unset", "delete"])
    def test_it_is_forgotten(self, word):
        prefect("variable", "set", "x", "1")
        prefect("variable", word, "x")
        assert prefect("variable", "ls").stdout == "There are no variables yet.\n"
        for words in (["get", "x"], ["inspect", "x"], [word, "x"]):
            assert "'x'" in prefect("variable", *words, code=1).stderr

    def test_a_name_that_is_none_is_refused(self):
        assert "lowercase" in prefect("variable", "set", "Bad Name", "1", code=1).stderr


class TestGlobalConcurrencyLimit:
    def test_a_limit_from_its_making_to_its_end(self, tmp_path):
        prefect("gcl", "create", "db", "--limit", "5", "--active-slots", "2")
        assert "update" in prefect("gcl", "create", "db", "-l", "1", code=1).stderr
        one = as_json("gcl", "inspect", "db")
        assert (one["limit"], one["active_slots"], one["active"]) == (5, 2, True)
        prefect("gcl", "update", "db", "--limit", "7", "--slot-decay-per-second", "0.5", "--disable")
        one = as_json("gcl", "ls")[0]
        assert (one["limit"], one["slot_decay_per_second"], one["active"]) == (7, 0.5, False)
        prefect("gcl", "enable", "db")
        assert prefect("gcl", "ls").stdout.splitlines()[1].split()[:3] == ["db", "yes", "7"]
        prefect("gcl", "disable", "db")
        prefect("gcl", "inspect", "db", "--file", str(tmp_path / "db.json"))
        assert json.loads((tmp_path / "db.json").read_text())["active"] is False
        prefect("gcl", "delete", "db")
        assert prefect("gcl", "ls").stdout == "There are no limits yet.\n"

    def test_what_is_wrong_is_said(self):
        assert "'nobody'" in prefect("gcl", "inspect", "nobody", code=1).stderr
        assert "'nobody'" in prefect("gcl", "enable", "nobody", code=1).stderr
        assert "nothing" in prefect("gcl", "update", "nobody", code=1).stderr
        assert "both" in prefect("gcl", "update", "nobody", "--enable", "--disable", code=1).stderr
        assert "a/b" in prefect("gcl", "create", "a/b", "-l", "1", code=1).stderr


class TestConcurrencyLimit:
    def test_a_limit_from_its_making_to_its_end(self):
        prefect("concurrency-limit", "create", "gpu", "2")
        prefect("concurrency-limit", "create", "gpu", "3")
        assert as_json("concurrency-limit", "inspect", "gpu")["concurrency_limit"] == 3
        assert [one["tag"] for one in as_json("concurrency-limit", "ls")] == ["gpu"]
        assert as_json("concurrency-limit", "ls", "--offset", "1") == []
        assert prefect("concurrency-limit", "inspect", "gpu").stdout.splitlines()[1].split()[:3] == [
            "gpu",
            "3",
            "0",
        ]
        prefect("concurrency-limit", "reset", "gpu")
        prefect("concurrency-limit", "delete", "gpu")
        assert "'gpu'" in prefect("concurrency-limit", "reset", "gpu", code=1).stderr
        assert prefect("concurrency-limit", "ls").stdout == "No tag is limited.\n"


class TestArtifact:
    def test_versions_of_a_key(self):
        first, second = (create_markdown_artifact(f"# {n}", key="report") for n in (1, 2))
        keyless = create_markdown_artifact("# none")
        assert [one["latest_id"] for one in as_json("artifact", "ls")] == [str(second)]
        assert [one["id"] for one in as_json("artifact", "ls", "--all")] == [
            str(keyless),
            str(second),
            str(first),
        ]
        assert [one["data"] for one in as_json("artifact", "inspect", "report")] == ["# 2", "# 1"]
        assert "Data         # 2" in prefect("artifact", "inspect", "report", "--limit", "1").stdout
        prefect("artifact", "delete", "--id", str(second))
        assert prefect("artifact", "ls").stdout.splitlines()[1].split()[0] == str(first)
        prefect("artifact", "delete", "report")
        assert prefect("artifact", "ls").stdout == "There are no artifacts yet.\n"

    def test_what_is_missing_is_said(self):
        assert "'none'" in prefect("artifact", "inspect", "none", code=1).stderr
        assert "id of an artifact" in prefect("artifact", "delete", "--id", str(uuid4()), code=1).stderr
        assert "--id" in prefect("artifact", "delete", code=1).stderr


class TestBlock:
    def test_a_block_and_its_type(self):
        id = Token(user="u", token="hush").save("mine")
        assert [one["id"] for one in as_json("block", "ls")] == [str(id)]
        assert prefect("block", "ls").stdout.splitlines()[1].split()[1:] == ["Token", "mine", "token/mine"]
        shown = prefect("block", "inspect", "token/mine").stdout
        assert "user = u" in shown
        assert "hush" not in shown
        assert as_json("block", "inspect", "--id", str(id))["data"]["token"] == "********"
        assert [one["slug"] for one in as_json("block", "type", "ls")] == ["token"]
        assert "token: string" in prefect("block", "type", "inspect", "token").stdout
        prefect("block", "delete", "token/mine")
        assert prefect("block", "ls").stdout == "There are no blocks yet.\n"
        prefect("block", "type", "delete", "token")
        assert as_json("block", "type", "ls") == []

    def test_what_is_missing_is_said(self):
        assert "'token/none'" in prefect("block", "inspect", "token/none", code=1).stderr
        assert "'none'" in prefect("block", "type", "inspect", "none", code=1).stderr
        assert "--id" in prefect("block", "delete", code=1).stderr
