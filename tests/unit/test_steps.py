"""Steps: what stands in `{{ … }}`, one after the other, pulling code, running commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from prefect._base.notset import NotSet
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.deployments._pull import prepare
from prefect.deployments._templates import filled
from prefect.deployments.steps import (
    git_clone,
    pull_from_remote_storage,
    pull_with_block,
    set_working_directory,
)
from prefect.deployments.steps.core import StepExecutionError, run_step, run_steps
from prefect.deployments.steps.utility import pip_install_requirements, run_shell_script
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.filesystems import LocalFileSystem
from prefect.variables import Variable

MINE = f"{__name__}"


def echo(**given):
    return {"got": given, "k": 5}


async def echo_later(**given):
    return {"later": given}


def nothing():
    return None


def boom():
    raise ValueError("it does not work")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def known():
    """What templates may name: a secret, a block with structure, variables."""

    class Nested(Block):
        _block_type_slug = "nested"
        value: dict

    Secret(value="s3cret").save("tok", overwrite=True)
    Nested(value={"a": {"b": 7}}).save("n", overwrite=True)
    Variable.set("v1", {"x": [1, 2]}, overwrite=True)
    Variable.set("v2", "txt", overwrite=True)


UPSTREAM = {"a": 1, "st": {"out": {"deep": "d"}, "n": 3}}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ a }}", 1),
        ("x{{ a }}y", "x1y"),
        ("{{ missing }}", NotSet),
        ("x{{ missing }}y", "xy"),
        ("{{ st.n }}", 3),
        ("{{ st.out.deep }}", "d"),
        ("{{ st.out }}", {"deep": "d"}),
        ("{{st.n}}-{{a}}", "3-1"),
        ("{{ $STEPS_FOO }}", "foo-value"),
        ("x{{ $STEPS_FOO }}", "xfoo-value"),
        ("x{{ $STEPS_NOPE }}y", "xy"),
        ("{{ prefect.blocks.secret.tok }}", "s3cret"),
        ("x{{ prefect.blocks.secret.tok }}", "xs3cret"),
        ("{{ prefect.blocks.secret.tok.value }}", "s3cret"),
        ("{{ prefect.blocks.nested.n.a.b }}", 7),
        ("{{ prefect.variables.v1 }}", {"x": [1, 2]}),
        ("x{{ prefect.variables.v2 }}", "xtxt"),
        ("x{{ prefect.variables.nope }}y", "xy"),
        (["{{ a }}", {"b": "{{ st.n }}", "c": "{{ missing }}"}], [1, {"b": 3}]),
        ("a {{ unclosed", "a {{ unclosed"),
        (5, 5),
        (None, None),
    ],
    ids=str,
)
def test_what_a_template_becomes(known, monkeypatch, template, value):
    monkeypatch.setenv("STEPS_FOO", "foo-value")
    assert filled(template, UPSTREAM) == value


def test_a_block_that_is_not_there_is_named():
    with pytest.raises(ObjectNotFound, match="block 'secret/nope'"):
        filled("{{ prefect.blocks.secret.nope }}", {})


def test_some_names_are_left_to_who_comes_later():
    template = "{{ a }} {{ prefect.blocks.secret.tok }} {{ later.x }}"
    left = "1 {{ prefect.blocks.secret.tok }} {{ later.x }}"
    assert filled(template, UPSTREAM, keep_unknown=True, late=("prefect.",)) == left


class TestOrder:
    async def test_each_sees_what_those_before_it_gave(self):
        told = []
        outputs = await run_steps(
            [
                {f"{MINE}.echo": {"id": "one", "q": 1}},
                {
                    f"{MINE}.echo_later": {
                        "z": "{{ one.k }} {{ k }} {{ one.got.q }} {{ up }}",
                        "w": "{{ nope }}",
                    }
                },
                {f"{MINE}.nothing": None},
            ],
            {"up": 1},
            print_function=told.append,
        )
        assert outputs["later"] == {"z": "5 5 1 1"}
        assert (outputs["up"], outputs["one"]["k"]) == (1, 5)
        assert [one.split()[2] for one in told] == ["echo", "echo_later", "nothing"]

    @pytest.mark.parametrize(
        ("step", "error"),
        [
            ({f"{MINE}.nothing": {}, f"{MINE}.echo": {}}, ValueError),
            ({}, ValueError),
            ({"no_such_module.f": {}}, ModuleNotFoundError),
            ({f"{MINE}.nope": {}}, AttributeError),
            ({f"{MINE}.boom": {}}, ValueError),
        ],
        ids=["two", "none", "no-module", "no-function", "it-raises"],
    )
    async def test_what_cannot_run(self, step, error):
        with pytest.raises(error):
            await run_step(step)

    async def test_a_failure_says_which(self):
        with pytest.raises(StepExecutionError, match=r"boom: it does not work") as caught:
            await run_steps([{f"{MINE}.boom": {}}, {f"{MINE}.echo": {}}], print_function=lambda _: None)
        assert isinstance(caught.value.__cause__, ValueError)

    async def test_what_is_installed_is_not_installed_again(self, monkeypatch):
        monkeypatch.setattr(sys, "executable", "/no/such/python")  # pip would need it
        assert await run_step({f"{MINE}.echo": {"requires": ["pydantic>=2"]}}) == {"got": {}, "k": 5}


class TestPull:
    def test_set_working_directory(self, own_folder):
        (own_folder / "there").mkdir()
        assert set_working_directory("there") == {"directory": "there"}
        assert Path.cwd() == own_folder / "there"

    async def test_files_at_a_url_or_of_a_block(self, own_folder):
        code = own_folder / "src"
        code.mkdir()
        (code / "f.py").write_text("1")
        given = await pull_from_remote_storage(code.as_uri())
        assert (own_folder / given["directory"] / "f.py").exists()
        await LocalFileSystem(basepath=str(code)).asave("pulled", overwrite=True)
        given = await pull_with_block("pulled", "local-file-system")
        assert given == {"directory": "local-file-system-pulled"}
        assert (own_folder / given["directory"] / "f.py").exists()
        with pytest.raises(ValueError, match="nope"):
            await pull_with_block("nope", "local-file-system")

    def test_git_clone_takes_a_token_or_credentials(self):
        with pytest.raises(ValueError, match="not both"):
            git_clone("https://h/a.git", access_token="a", credentials={"token": "b"})

    @pytest.mark.parametrize("where", ["absolute", "relative", "none"])
    def test_the_folder_of_a_deployment(self, own_folder, where):
        (own_folder / "there").mkdir()
        named = {"absolute": str(own_folder / "there"), "relative": "there"}.get(where)
        steps = [{"prefect.deployments.steps.set_working_directory": {"directory": named}}] if named else []
        found = prepare(SimpleNamespace(name="d", pull_steps=steps))
        assert found == (own_folder / "there" if named else None)

    def test_a_deployment_whose_code_cannot_be_fetched(self):
        steps = [{"prefect.deployments.steps.git_clone": {"repository": "file:///nowhere.git"}}]
        with pytest.raises(PrefectException, match=r"code of deployment 'd' could not be fetched.*git_clone"):
            prepare(SimpleNamespace(name="d", pull_steps=steps))


class TestShell:
    @pytest.mark.parametrize(
        ("script", "options", "stdout"),
        [
            ("echo hi\necho two $HOME", {}, "hi\ntwo $HOME"),
            ("echo hi; echo x", {}, "hi; echo x"),
            ('echo "two  words"', {}, "two  words"),
            ("echo two $FOOX ${FOOX}", {"env": {"FOOX": "a b"}, "expand_env_vars": True}, "two a b a b"),
            ("echo $FOOX | cat", {"env": {"FOOX": "a b"}, "shell": True}, "a b"),
            ("pwd", {"directory": "/"}, "/"),
        ],
        ids=["lines", "no-shell", "quotes", "variables", "shell", "folder"],
    )
    async def test_what_it_writes(self, capfd, script, options, stdout):
        given = await run_shell_script(script, **options)
        assert given == {"stdout": stdout, "stderr": ""}
        assert capfd.readouterr().out.strip() == stdout

    async def test_the_first_failure_ends_it(self, own_folder):
        with pytest.raises(RuntimeError, match="error code 3: sorry"):
            await run_shell_script("sh -c 'echo sorry >&2; exit 3'\ntouch after", stream_output=False)
        assert not (own_folder / "after").exists()
        with pytest.raises(FileNotFoundError):
            await run_shell_script("no-such-command-at-all")

    @pytest.mark.slow  # pip takes its time
    async def test_requirements(self, own_folder, capfd):
        (own_folder / "r.txt").write_text("# none\n")
        given = await pip_install_requirements(requirements_file="r.txt", stream_output=False)
        assert given["stderr"] == "" or "notice" in given["stderr"]
        with pytest.raises(RuntimeError, match=r"nope\.txt"):
            await pip_install_requirements(requirements_file="nope.txt", stream_output=False)
        assert capfd.readouterr().out == ""
        assert os.getcwd() == str(own_folder)
