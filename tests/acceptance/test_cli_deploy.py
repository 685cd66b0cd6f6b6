"""`prefect deploy`, `prefect init`, `prefect deployment apply`; and a run of what was deployed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import prefect

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.deployments import deploy, initialize_project
from prefect.deployments.runner import RunnerDeployment
from prefect.model.requests.work_pool_actions import WorkPoolCreate
from prefect.testing.utilities import prefect_test_harness
from prefect.variables import Variable

FLOWS = '''
from prefect import flow


@flow
def etl(n: int = 1, s: str = "x"):
    """Does it."""
    open("ran.txt", "a").write(f"{n} {s}\\n")


@flow
def other():
    pass
'''
PROJECT = """
name: proj
prefect-version: 3.9.1
build:
- prefect.deployments.steps.run_shell_script:
    id: v
    script: sh -c 'echo once >> built.txt; echo abc123'
    stream_output: false
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /tmp/{{ $DEPLOY_FOO }}/{{ v.stdout }}/{{ prefect.variables.v2 }}/{{ prefect.blocks.secret.tok }}
definitions:
  tags: &tags [one, "{{ v.stdout }}", "{{ prefect.variables.v2 }}"]
  pool: &pool {name: pool}
deployments:
- name: d1
  version: "{{ v.stdout }}"
  tags: *tags
  entrypoint: flows.py:etl
  description: null
  parameters: {n: 3, s: "{{ prefect.variables.v2 }}-{{ $DEPLOY_FOO }}"}
  work_pool:
    <<: *pool
    job_variables: {a: "{{ v.stdout }}", c: "{{ prefect.blocks.secret.tok }}", f: "{{ nope.x }}"}
  schedules:
  - {cron: "0 2 * * *", timezone: Europe/Paris}
  - {interval: 3600, slug: hourly, active: false, parameters: {n: 9}}
- name: d2
  entrypoint: flows.py:other
  work_pool: *pool
  build: []
  pull:
  - prefect.deployments.steps.set_working_directory: {directory: /x}
- name: d3
  entrypoint: flows.py:etl
  concurrency_limit: {limit: 3, collision_strategy: CANCEL_NEW}
  schedule: {cron: "1 1 * * *"}
  paused: true
  enforce_parameter_schema: false
  work_pool: *pool
  triggers:
  - {match: {prefect.resource.id: "x.*"}, expect: [a.b], parameters: {n: 2}}
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "flows.py").write_text(FLOWS)
    with prefect_test_harness():
        yield tmp_path
    for name in ("flows", "__prefect_script__"):
        sys.modules.pop(name, None)


@pytest.fixture
def client():
    with get_client(sync_client=True) as asking:
        asking.create_work_pool(WorkPoolCreate(name="pool", type="process"))
        yield asking


@pytest.fixture
def project(client, own_folder, monkeypatch):
    monkeypatch.setenv("DEPLOY_FOO", "foo")
    Variable.set("v2", "txt")
    (own_folder / "prefect.yaml").write_text(PROJECT)
    return client


class TestFile:
    def test_all_of_it(self, project, own_folder):
        shown = prefect("deploy", "--all").stdout
        assert [shown.count(f"'{name}'") >= 1 for name in ("etl/d1", "other/d2", "etl/d3")] == [True] * 3
        one = project.read_deployment_by_name("etl/d1")
        assert (one.version, one.tags, one.description) == ("abc123", ["one", "abc123", "txt"], "Does it.")
        assert one.parameters == {"n": 3, "s": "txt-foo"}
        assert (one.entrypoint, one.path, one.work_pool_name) == ("flows.py:etl", None, "pool")
        assert (own_folder / "built.txt").read_text() == "once\n"  # for two deployments

    def test_no_secret_is_stored(self, project):
        prefect("deploy", "-n", "d1")
        one = project.read_deployment_by_name("etl/d1")
        assert one.job_variables == {"a": "abc123", "c": "{{ prefect.blocks.secret.tok }}"}
        folder = "/tmp/foo/abc123/{{ prefect.variables.v2 }}/{{ prefect.blocks.secret.tok }}"  # noqa: S108 - a text
        assert one.pull_steps == [{"prefect.deployments.steps.set_working_directory": {"directory": folder}}]

    def test_schedules_limits_and_triggers(self, project):
        prefect("deploy", "--all")
        first, third = (project.read_deployment_by_name(f"etl/{name}") for name in ("d1", "d3"))
        hourly, nightly = sorted(first.schedules, key=lambda one: one.slug or "~")
        assert (hourly.slug, hourly.active, hourly.parameters) == ("hourly", False, {"n": 9})
        assert (nightly.schedule.cron, nightly.schedule.timezone) == ("0 2 * * *", "Europe/Paris")
        assert (third.paused, third.enforce_parameter_schema) == (True, False)
        assert third.concurrency_options.collision_strategy == "CANCEL_NEW"
        (automation,) = project.read_automations()
        assert automation.actions[0].deployment_id == third.id
        prefect("deploy", "-n", "d3")
        assert len(project.read_automations()) == 1

    def test_own_steps(self, project, own_folder):
        prefect("deploy", "-n", "other/d2")
        one = project.read_deployment_by_name("other/d2")
        assert one.pull_steps == [{"prefect.deployments.steps.set_working_directory": {"directory": "/x"}}]
        assert not (own_folder / "built.txt").exists()

    def test_the_same_by_apply(self, project):
        prefect("deployment", "apply")
        assert len(project.read_deployments()) == 3
        prefect("deployment", "apply", "nope.yaml", code=1)

    @pytest.mark.parametrize(
        ("words", "names"),
        [
            (["-n", "d1", "-n", "d2"], ["d1", "d2"]),
            (["-n", "d*"], ["d1", "d2", "d3"]),
            (["-n", "etl/*"], ["d1", "d3"]),
        ],
        ids=["names", "pattern", "flow"],
    )
    def test_some_of_it(self, project, words, names):
        prefect("deploy", *words)
        assert [one.name for one in project.read_deployments()] == names

    def test_the_command_line_has_the_last_word(self, project):
        prefect(
            *("deploy", "-n", "d1", "--version", "7", "-t", "mine", "--cron", "5 5 * * *", "--param", "n=8"),
            *("--job-variable", "b=1", "--concurrency-limit", "2", "--timezone", "Europe/Rome"),
        )
        one = project.read_deployment_by_name("etl/d1")
        assert (one.version, one.tags, one.parameters["n"]) == ("7", ["mine"], 8)
        assert [(each.schedule.cron, each.schedule.timezone) for each in one.schedules] == [
            ("5 5 * * *", "Europe/Rome")
        ]
        assert one.parameters["s"] == "txt-foo"
        assert (one.job_variables["a"], one.job_variables["b"]) == ("abc123", 1)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([], "There are d1, d2, d3|--name NAME or --all"),
            (["-n", "nope"], "There are d1, d2, d3"),
            (["-n", "d*", "--tag", "x"], "one deployment with these options, got 3"),
            (["--all", "--tag", "x"], "--all alone"),
            (["-n", "d2", "--pool", "nope"], "prefect work-pool create nope"),
            (["-n", "d1", "--param", "zz=1"], "takes n, s, got zz"),
            (["-n", "d1", "--param", "n=x"], "field 'n'"),
            (["-n", "d1", "--cron", "nonsense"], "nonsense"),
            (["-n", "d1", "--cron", "0 1 * * *", "--interval", "5"], "one kind"),
            (["-n", "d1", "--collision-strategy", "ENQUEUE"], "--concurrency-limit"),
            (["flows.py:nope", "-n", "x", "-p", "pool"], "nope"),
            (["flows.py:etl", "-p", "pool"], "--name NAME"),
            (["flows.py:etl", "-n", "x"], "A work pool is required"),
        ],
        ids=range(13),
    )
    def test_what_is_refused(self, project, words, said):
        told = prefect("deploy", *words, code=1).stderr
        assert any(each in told for each in said.split("|")), told
        assert project.read_deployments() == []

    def test_one_that_fails_does_not_keep_the_others(self, project, own_folder):
        text = (own_folder / "prefect.yaml").read_text()
        (own_folder / "prefect.yaml").write_text(text.replace("flows.py:other", "flows.py:gone"))
        assert "Deployment 'd2'" in prefect("deploy", "--all", code=1).stderr
        assert [one.name for one in project.read_deployments()] == ["d1", "d3"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("deployments: [", "Expected YAML"),
            ("- a", "names and values"),
            ("deployments: {a: 1}", "to be a list"),
            ("deployments: [{name: a, entry_point: x}]", "found entry_point in 'a'"),
            ("deployments: [{name: a, work_pool: p}]", "work_pool: {name: p}"),
            ("deployments: [{name: a, entrypoint: x}, {name: a, entrypoint: x}]", "twice"),
            ("build: docker", "list of steps"),
        ],
        ids=range(7),
    )
    def test_a_file_that_makes_no_sense(self, client, own_folder, text, said):
        (own_folder / "prefect.yaml").write_text(text)
        assert said in prefect("deploy", "--all", code=1).stderr


class TestEntrypoint:
    def test_without_a_file_a_run_finds_the_folder(self, client, own_folder, environment):
        prefect("deploy", "flows.py:etl", "-n", "new", "-p", "pool", "--param", "n=4")
        one = client.read_deployment_by_name("etl/new")
        (step,) = one.pull_steps
        assert step["prefect.deployments.steps.set_working_directory"]["directory"] == str(own_folder)

    def test_a_person_is_asked(self, client):
        prefect("deploy", typed="flows.py:etl\nasked\n", code=1)  # the pool is missing
        prefect("deploy", "flows.py:etl", "-p", "pool", typed="asked\n")
        assert client.read_deployment_by_name("etl/asked").name == "asked"


class TestInit:
    def test_it_begins_a_project_once(self, own_folder):
        assert "prefect.yaml" in prefect("init", "--name", "mine").stdout
        text = (own_folder / "prefect.yaml").read_text()
        assert "name: mine" in text
        assert str(own_folder) in text
        assert "nothing to create" in prefect("init").stdout
        assert (own_folder / "prefect.yaml").read_text() == text
        assert "found none" in prefect("deploy", "--all", code=1).stderr

    def test_in_a_clone_its_repository_is_pulled(self, own_folder):
        for words in (["init", "-q", "-b", "trunk"], ["remote", "add", "origin", "https://u:secret@h/a.git"]):
            subprocess.run(["git", *words], check=True)
        assert initialize_project() == [".prefectignore", "prefect.yaml"]
        text = (own_folder / "prefect.yaml").read_text()
        assert "https://h/a.git" in text
        assert "secret" not in text

    def test_a_recipe_that_is_not_there(self):
        assert "docker-git" in prefect("init", "--recipe", "nope", code=1).stderr


class TestFromCode:
    def test_a_flow_from_a_folder(self, client, own_folder, capsys):
        found = flow.from_source(own_folder, "flows.py:etl")
        made = found.deploy("code", work_pool_name="pool", parameters={"n": 2}, cron="0 1 * * *")
        one = client.read_deployment(made)
        assert (one.name, one.parameters, one.work_pool_name) == ("code", {"n": 2}, "pool")
        assert "prefect worker start --pool 'pool'" in capsys.readouterr().out

    async def test_several_from_asynchronous_code(self, client, own_folder):
        found = await flow.from_source(own_folder, "flows.py:etl")
        ids = await deploy(
            *[await found.to_deployment(name) for name in ("a", "b")],
            work_pool_name="pool",
            print_next_steps_message=False,
        )
        assert [client.read_deployment(one).name for one in ids] == ["a", "b"]
        assert client.read_deployment(await found.adeploy("c", "pool", print_next_steps=False)).name == "c"

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({}, "A work pool name must be provided"),
            ({"work_pool_name": "nope"}, "prefect work-pool create nope"),
            ({"work_pool_name": "pool"}, "Either an image or remote storage location"),
            ({"work_pool_name": "pool", "image": "a/b:1"}, "does not support custom Docker images"),
        ],
        ids=["no-pool", "other-pool", "no-code", "no-images"],
    )
    def test_what_workers_could_not_run(self, client, options, said):
        made = RunnerDeployment.from_entrypoint("flows.py:etl", "d")
        with pytest.raises(ValueError, match=said):
            deploy(made, **options)
        with pytest.raises(TypeError, match="to_deployment"):
            deploy("etl/d", work_pool_name="pool")
        assert client.read_deployments() == []


@pytest.mark.slow
def test_a_run_fetches_its_code_from_git(environment, own_folder):
    """From a repository to the end of a run, each in a process of its own, as a worker does it."""
    upstream = own_folder / "up"
    upstream.mkdir()
    (upstream / "flows.py").write_text(FLOWS)
    words = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for each in (["init", "-q"], ["add", "-A"], [*words, "commit", "-qm", "x"]):
        subprocess.run(["git", *each], cwd=upstream, check=True)
    script = f"""
from prefect import flow, get_client
from prefect.deployments import run_deployment
from prefect.model.requests.work_pool_actions import WorkPoolCreate

with get_client(sync_client=True) as client:
    client.create_work_pool(WorkPoolCreate(name="pool", type="process"))
found = flow.from_source("{upstream.as_uri()}/.git", "flows.py:etl")
found.deploy("d", work_pool_name="pool", print_next_steps=False)
print(run_deployment("etl/d", parameters={{"n": 5}}, timeout=0).id)
"""
    (own_folder / "flows.py").unlink()
    made = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    work = own_folder / "work"
    work.mkdir()
    command = [sys.executable, "-m", "prefect", "flow-run", "execute", made.stdout.strip()]
    subprocess.run(command, env=environment, cwd=work, check=True, capture_output=True)
    assert Path(work, "up", "ran.txt").read_text() == "5 x\n"
