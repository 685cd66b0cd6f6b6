"""`prefect flow-run`: what a person asks about runs, and does with them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from uuid import UUID

import pytest
from cli_runs import Workshop, made, newest, prefect

from prefect import flow, task
from prefect._backend.resolve import backend
from prefect.settings import temporary_settings
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(autouse=True)
def own_store():
    with prefect_test_harness():
        yield


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workshop(tmp_path)


def text(run):
    return str(UUID(bytes=run.id))


def state(run):
    return backend().read_flow_run(run.id).state


class TestNaming:
    def test_by_id_by_its_beginning_and_by_name(self, work):
        run = work.run("etl")
        for words in (text(run), text(run).upper(), run.id.hex(), text(run)[:20], run.name):
            assert text(run) in prefect("flow-run", "inspect", words).stdout

    def test_the_positional_can_be_named(self, work):
        assert "etl" in prefect("flow-run", "inspect", "--id", text(work.run("etl"))).stdout

    def test_of_several_of_a_name_it_takes_the_newest_and_says_so(self):
        runs = [made("PENDING") for _ in range(2)]
        for run in runs:
            backend().update_flow_run(run.id, {"name": "twin"})
        result = prefect("flow-run", "inspect", "twin")
        assert text(runs[1]) in result.stdout
        assert "several flow runs named 'twin'" in result.stderr

    def test_a_beginning_of_several_ids_is_refused_with_them(self):
        runs = [made("PENDING") for _ in range(2)]
        result = prefect("flow-run", "inspect", text(runs[0])[:6], code=1)
        assert all(text(run) in result.stderr for run in runs)

    def test_what_there_is_not(self):
        result = prefect("flow-run", "inspect", "nobody", code=1)
        assert result.stderr == (
            "Expected the id or the name of a flow run, got 'nobody': there is none. See `prefect flow-run ls`.\n"
        )


class TestLs:
    def test_it_lists_the_newest_first(self, work):
        first, second = work.run("etl"), work.fail("child")
        header, one, two = prefect("flow-run", "ls").stdout.splitlines()
        assert header.split() == ["ID", "Flow", "Name", "State", "When", "Duration"]
        assert one.split()[:4] == [text(second), "child", second.name, "Failed"]
        assert two.split()[:4] == [text(first), "etl", first.name, "Completed"]

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--flow-name", "a"], {"a"}),
            (["--flow-name", "a", "--flow-name", "b"], {"a", "b"}),
            (["--state", "TimedOut"], {"b"}),
            (["--state", "timedout", "--state", "Late"], {"b", "c"}),
            (["--state-type", "failed"], {"b"}),
            (["--state-type", "COMPLETED", "--state-type", "SCHEDULED"], {"a", "c"}),
            (["--limit", "1"], {"c"}),
        ],
    )
    def test_filters(self, words, expected):
        made("COMPLETED", flow="a")
        made("FAILED", "TimedOut", flow="b")
        made("SCHEDULED", "Late", flow="c")
        found = json.loads(prefect("flow-run", "ls", *words, "-o", "json").stdout)
        assert {run["flow_name"] for run in found} == expected

    def test_json_has_the_fields_of_the_public_model(self, work):
        run = work.run("etl", 1)
        (found,) = json.loads(prefect("flow-run", "ls", "-o", "json").stdout)
        assert found["id"] == text(run)
        assert found["parameters"] == {"n": 1}
        assert found["state"]["type"] == found["state_type"] == "COMPLETED"
        assert found["estimated_run_time"] > 0

    def test_nothing_to_list(self):
        assert prefect("flow-run", "ls").stdout == "There are no flow runs yet.\n"
        assert prefect("flow-run", "ls", "--state", "Late").stdout == "No flow runs match.\n"
        assert json.loads(prefect("flow-run", "ls", "-o", "json").stdout) == []

    def test_the_plural_is_an_alias(self):
        assert prefect("flow-runs", "ls").stdout == "There are no flow runs yet.\n"

    def test_text_needs_no_pydantic(self, work):
        work.run("etl")
        script = (
            "import sys\nfrom prefect.cli._app import run\nassert run(['flow-run', 'ls']) == 0\n"
            "print([m for m in ('pydantic', 'rich', 'asyncio', 'prefect.flows', 'prefect.logging') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


class TestInspect:
    def test_a_failed_run_with_the_command_that_resumes_it(self, work):
        run = work.fail("family")
        shown = prefect("flow-run", "inspect", run.name).stdout
        lines = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
        assert "Failed" in lines["State"]
        assert "ValueError: bad row 2" in lines["Cause"]
        assert lines["Entrypoint"].endswith("flows.py:family")
        assert lines["Attempts"].split(maxsplit=1)[1] == "1, entered Running once"
        assert "child" not in lines["Children"]
        assert text(newest("child")) in lines["Children"]
        assert lines["Task"].endswith("1: 1 failed")
        assert "  n = 1" in shown
        assert shown.endswith(f"Resume it:  prefect flow-run retry {text(run)}\n")
        below = prefect("flow-run", "inspect", text(newest("child"))).stdout
        assert f"Parent       {run.name}  {text(run)}" in below
        assert below.endswith(f"Resume it:  prefect flow-run retry {text(run)}\n")

    def test_a_completed_run_has_nothing_to_resume(self, work):
        assert "Resume" not in prefect("flow-run", "inspect", work.run("etl").name).stdout

    def test_json_is_complete(self, work):
        run = work.fail("family", 1)
        shown = json.loads(prefect("flow-run", "inspect", run.name, "-o", "json").stdout)
        assert (shown["id"], shown["name"], shown["flow_name"]) == (text(run), run.name, "family")
        assert [each["name"] for each in shown["states"]] == ["Pending", "Running", "Failed"]
        assert shown["children"][0]["id"] == text(newest("child"))
        assert shown["task_run_counts"] == {"FAILED": 1}
        assert shown["retry_command"] == f"prefect flow-run retry {text(run)}"
        assert (shown["attempt"], shown["parameters"]) == (1, {"n": 1})

    def test_the_web_page_needs_a_server(self, work):
        assert (
            "Leave --web out" in prefect("flow-run", "inspect", work.run("etl").name, "--web", code=1).stderr
        )


class TestLogs:
    @pytest.fixture
    def run(self, work):
        return work.run("etl", 25)

    def lines(self, *words):
        return prefect("flow-run", "logs", *words).stdout.splitlines()

    def test_they_look_as_on_the_console(self, run):
        first, second, *_, last = self.lines(run.name)
        assert (
            first.split(" | ", 1)[1]
            == f"INFO    | Flow run '{run.name}' - Beginning flow run '{run.name}' for flow 'etl'"
        )
        assert second.split(" - ")[0].split("| ")[2].startswith("Task run 'extract-")
        assert last.endswith(f"Flow run '{run.name}' - Finished in state Completed()")

    def test_all_of_them_by_default(self, run):
        assert len(self.lines(run.name)) == 27

    @pytest.mark.parametrize(
        ("words", "first", "last", "count"),
        [
            (["--head"], 0, 19, 20),
            (["--head", "-n", "3"], 0, 2, 3),
            (["-n", "3"], 0, 2, 3),
            (["--tail"], 7, 26, 20),
            (["-t", "-n", "3"], 24, 26, 3),
            (["-t", "-n", "3", "--reverse"], 26, 24, 3),
            (["-h", "-n", "3", "-r"], 2, 0, 3),
            (["-r"], 26, 0, 27),
        ],
    )
    def test_parts_of_them(self, run, words, first, last, count):
        everything, shown = self.lines(run.name), self.lines(run.name, *words)
        assert (shown[0], shown[-1], len(shown)) == (everything[first], everything[last], count)

    def test_not_both_ends(self, run):
        assert "--head or --tail" in prefect("flow-run", "logs", run.name, "-h", "-t", code=1).stderr

    def test_json(self, run):
        shown = json.loads(prefect("flow-run", "logs", run.name, "-n", "2", "-o", "json").stdout)
        assert [line["level"] for line in shown] == [20, 20]
        assert shown[1]["message"] == "extracting 0"
        assert shown[1]["flow_run_id"] == text(run)
        assert shown[1]["task_run_id"]


class TestRetry:
    def test_a_failed_run_goes_on_where_it_failed(self, work):
        run = work.fail("etl", 3)
        assert work.ran() == ["extract 0"]
        result = prefect("flow-run", "retry", text(run))
        assert f"Flow run '{run.name}' is Completed (attempt 2): 1 task run replayed, 5 run." in result.stdout
        assert work.ran() == ["extract 1", "extract 2"]
        again = backend().read_flow_run(run.id)
        assert (again.state.type, again.attempt, again.parameters) == ("COMPLETED", 2, {"n": 3})

    def test_the_exit_code_says_whether_it_completed(self, work):
        run = work.fail("etl")
        (work.folder / "bad").touch()
        result = prefect("flow-run", "retry", run.name, code=1)
        assert f"See why:  prefect flow-run why {text(run)}" in result.stdout
        assert state(run).type == "FAILED"

    @pytest.mark.parametrize("name", ["later", "stream"])
    def test_every_form_of_flow(self, work, name):
        (work.folder / "bad").touch()
        script = f"import asyncio, flows\nr = flows.{name}()\n" + (
            "asyncio.run(r)" if name == "later" else "list(r)"
        )
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        (work.folder / "bad").unlink()
        run = newest(name)
        assert (run.state.type, work.ran()) == ("FAILED", ["extract 0"])
        assert "1 task run replayed, 3 run." in prefect("flow-run", "retry", run.name).stdout
        assert work.ran() == ["extract 1"]

    def test_the_root_goes_on_with_its_subflows(self, work):
        run = work.fail("family", 1)
        child = newest("child")
        assert work.ran() == ["extract 1"]
        refused = prefect("flow-run", "retry", child.name, code=1)
        assert f"prefect flow-run retry {text(run)}" in refused.stderr
        result = prefect("flow-run", "retry", run.name)
        assert "1 task run replayed, 3 run." in result.stdout
        assert newest("child").attempt == 2
        assert work.ran() == ["extract 0"]

    def test_parameters_of_the_scripts_own_classes_come_back(self, work):
        (work.folder / "bad").touch()
        subprocess.run([sys.executable, str(work.script)], capture_output=True, check=False)
        (work.folder / "bad").unlink()
        prefect("flow-run", "retry", newest("pointed").name)
        assert work.ran() == ["extract 3"]

    def test_parameters_that_could_not_be_recorded_are_refused(self, work):
        with (work.folder / "flows.py").open() as unpicklable:
            run = work.run("handed", unpicklable)
        assert "connection" in prefect("flow-run", "retry", run.name, code=1).stderr

    def test_it_runs_in_the_runs_own_folder_from_anywhere(self, work, tmp_path_factory, monkeypatch):
        run = work.fail("etl", 1)
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        prefect("flow-run", "retry", run.name)
        assert os.getcwd() == str(work.folder)

    def test_the_flow_may_be_elsewhere_now(self, work):
        run = work.fail("etl", 1)
        (work.folder / "moved").mkdir()
        work.script.rename(work.folder / "moved" / "renamed.py")
        assert "found none" in prefect("flow-run", "retry", run.name, code=1).stderr
        prefect("flow-run", "retry", run.name, "-e", "moved/renamed.py:etl")
        assert state(run).type == "COMPLETED"

    def test_a_folder_that_is_gone_is_said(self, work):
        run = work.fail("etl", 1)
        backend().update_flow_run(run.id, {"working_dir": str(work.folder / "gone")})
        assert "which is gone" in prefect("flow-run", "retry", run.name, code=1).stderr
        result = prefect("flow-run", "retry", run.name, "-e", "flows.py:etl")
        assert "goes on in" in result.stderr

    def test_a_completed_run_is_run_again_only_on_purpose(self, work):
        run = work.run("etl", 1)
        assert "Add --yes" in prefect("flow-run", "retry", run.name, code=1).stderr
        assert "Aborted" in prefect("flow-run", "retry", run.name, code=1, typed="n\n").stderr
        work.ran()
        assert "2 task runs replayed, 0 run" in prefect("flow-run", "retry", run.name, "--yes").stdout
        assert work.ran() == []

    @pytest.mark.parametrize(
        ("entrypoint", "complaint"),
        [
            ("nothing.py:etl", "Expected a Python file"),
            ("flows.py:nothing", "found no such name"),
            ("flows.py:Point", "Expected a flow"),
            ("flows.py", "path/to/file.py:name"),
            ("no.such.module:etl", "found none"),
        ],
    )
    def test_entrypoints_that_lead_nowhere(self, work, entrypoint, complaint):
        run = work.fail("etl", 1)
        result = prefect("flow-run", "retry", run.name, "-e", entrypoint, code=1)
        assert complaint in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert state(run).type == "FAILED"

    def test_a_flow_without_entrypoint(self):
        run = made("FAILED")
        assert "--entrypoint" in prefect("flow-run", "retry", run.name, code=1).stderr

    def test_a_flow_that_is_not_at_top_level(self):
        @flow
        def inner():
            raise ValueError("no")

        inner(return_state=True)
        assert "top level" in prefect("flow-run", "retry", newest("inner").name, code=1).stderr

    def test_parameters_that_do_not_fit_any_more(self, work):
        run = work.fail("etl", 1)
        work.script.write_text("from prefect import flow\n@flow\ndef etl(other):\n    pass\n")
        assert "do not fit the flow 'etl'" in prefect("flow-run", "retry", run.name, code=1).stderr

    def test_a_parameter_that_is_new_takes_its_default(self, work):
        run = work.fail("etl", 1)
        work.script.write_text(
            "from prefect import flow\n@flow\ndef etl(n, new=5):\n    assert (n, new) == (1, 5)\n"
        )
        prefect("flow-run", "retry", run.name)

    def test_a_run_that_is_executed_elsewhere(self, work):
        process = work.start("waits")
        try:
            run = newest("waits")
            for command in (["retry"], ["execute"]):
                result = prefect("flow-run", *command, run.name, code=1)
                assert f"executed by pid {process.pid} on" in result.stderr
            assert "Stop it first" in prefect("flow-run", "delete", run.name, "--yes", code=1).stderr
        finally:
            process.kill()
            process.communicate()

    def test_a_run_whose_process_was_killed(self, work):
        process = work.start("waits")
        process.kill()
        process.communicate()
        shown = prefect("flow-run", "ls").stdout
        assert "Running" in shown or "Crashed" in shown
        backend().reap()
        assert f"pid {process.pid}" in prefect("flow-run", "inspect", newest("waits").name).stdout


class TestExecute:
    def test_a_run_that_nobody_has_taken_up(self, work, monkeypatch):
        run = made("SCHEDULED", entrypoint=f"{work.script}:etl", flow="etl")
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", text(run))
        assert (
            "is Completed (attempt 1): 0 task runs replayed, 4 run." in prefect("flow-run", "execute").stdout
        )

    def test_without_an_id(self):
        assert "PREFECT__FLOW_RUN_ID" in prefect("flow-run", "execute", code=1).stderr

    def test_a_run_that_has_ended(self):
        assert "flow-run retry" in prefect("flow-run", "execute", made("FAILED").name, code=1).stderr


class TestCancel:
    @pytest.mark.parametrize("state_type", ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"])
    def test_a_run_that_nobody_executes_is_cancelled_at_once(self, state_type):
        run = made(state_type)
        assert "no process was executing it" in prefect("flow-run", "cancel", run.name).stdout
        assert state(run).type == "CANCELLED"

    def test_a_run_that_has_ended(self):
        result = prefect("flow-run", "cancel", made("COMPLETED").name, code=1)
        assert "nothing to cancel" in result.stderr

    def test_a_run_stops_when_it_is_asked_to(self, work):
        process = work.start("waits", PREFECT_RUNS_CANCEL_POLL_SECONDS="0.01")
        result = prefect("flow-run", "cancel", newest("waits").name)
        process.communicate(timeout=30)
        assert "waiting up to 10 s" in result.stdout
        assert "SIGTERM" not in result.stdout
        assert "Cancelled 'waits'" not in result.stdout
        assert f"Cancelled '{newest('waits').name}', " in result.stdout
        assert state(newest("waits")).type == "CANCELLED"

    def test_a_run_that_does_not_stop_is_killed(self, work):
        process = work.start("deaf", PREFECT_RUNS_CANCEL_POLL_SECONDS="0.01")
        with temporary_settings({"PREFECT_RUNS_CANCEL_GRACE_SECONDS": "0.3"}):
            result = prefect("flow-run", "cancel", newest("waits").name)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
        said = [word for word in ("SIGTERM", "SIGKILL", "Cancelled") if word in result.stdout]
        assert said == ["SIGTERM", "SIGKILL", "Cancelled"]
        run = newest("waits")
        assert (run.state.type, run.owner) == ("CANCELLED", None)

    def test_it_may_be_asked_without_waiting(self, work):
        process = work.start("deaf", PREFECT_RUNS_CANCEL_POLL_SECONDS="0.01")
        try:
            run = newest("waits")
            result = prefect("flow-run", "cancel", run.name, "--no-wait")
            assert f"prefect flow-run watch {text(run)}" in result.stdout
            assert state(run).name == "Cancelling"
            assert "has not stopped yet" in prefect("flow-run", "why", run.name).stdout
        finally:
            process.kill()
            process.communicate()

    def test_children_are_cancelled_too(self):
        parent = made("RUNNING")
        child = made("RUNNING", parent_flow_run_id=parent.id)
        prefect("flow-run", "cancel", parent.name)
        assert state(child).type == "CANCELLED"


class TestWhy:
    def why(self, run):
        return prefect("flow-run", "why", run.name).stdout

    def test_failed_by_which_task(self, work):
        run = work.fail("etl")
        said = self.why(run)
        assert "ValueError: bad row 0" in said
        assert "The task run 'load-" in said
        assert said.endswith(f"Next:  prefect flow-run retry {text(run)}\n")

    def test_completed(self, work):
        run = work.run("etl")
        assert "with 4 task runs" in self.why(run)
        assert f"Next:  prefect flow-run logs {text(run)}" in self.why(run)

    def test_crashed_while_doing_what(self, work):
        process = work.start("waits")
        process.kill()
        process.communicate()
        backend().reap()
        assert f"pid {process.pid}" in self.why(newest("waits"))
        assert "flow-run retry" in self.why(newest("waits"))

    def test_running_where_and_doing_what(self):
        said = []

        @task(task_run_name="the-task")
        def ask(name):
            said.append(prefect("flow-run", "why", name).stdout)

        @flow
        def asks():
            from prefect._backend import journal
            from prefect.runtime import flow_run as running

            journal.commit()
            ask(running.name)

        asks()
        assert f"pid {os.getpid()} on this machine, lease for another" in said[0]

    @pytest.mark.parametrize(
        ("state_type", "name", "message", "details", "expected"),
        [
            ("SCHEDULED", "Scheduled", None, {"scheduled_time": 4_102_444_800_000_000}, "in "),
            ("SCHEDULED", "Late", None, {"scheduled_time": 1_600_000_000_000_000}, "It is late"),
            (
                "SCHEDULED",
                "AwaitingRetry",
                "boom",
                {"scheduled_time": 4_102_444_800_000_000},
                "waits for try 1 of 1",
            ),
            ("SCHEDULED", "AwaitingConcurrencySlot", None, {}, "free slot"),
            ("PENDING", "Pending", None, None, "for a process to execute it"),
            ("PENDING", "NotReady", "Upstream task run 'x' did not reach a 'COMPLETED' state", None, "'x'"),
            ("PAUSED", "Paused", None, {"pause_timeout": 4_102_444_800_000_000}, "somebody to resume it"),
            ("RUNNING", "Running", None, None, "no process executes it"),
            ("CANCELLED", "Cancelled", "by ann", None, "by ann."),
            ("CANCELLING", "Cancelling", None, None, "No process is known"),
        ],
    )
    def test_every_other_state_says_why_and_what_next(self, state_type, name, message, details, expected):
        said = self.why(made(state_type, name, message=message, details=details))
        assert expected in said
        assert "Next:  prefect flow-run " in said

    def test_json(self, work):
        run = work.fail("etl")
        shown = json.loads(prefect("flow-run", "why", run.name, "-o", "json").stdout)
        assert (shown["id"], shown["state_name"]) == (text(run), "Failed")
        assert "bad row 0" in shown["why"]
        assert shown["next"] == f"prefect flow-run retry {text(run)}"


class TestWatch:
    def test_a_run_that_has_ended_is_told_from_the_beginning(self, work):
        run = work.run("etl", 1)
        shown = prefect("flow-run", "watch", run.name).stdout
        assert [
            word for word in ("extracting 0", "Pending", "Running", "is Completed after") if word not in shown
        ] == []

    def test_the_exit_code_says_whether_it_completed(self, work):
        assert "flow-run why" in prefect("flow-run", "watch", work.fail("etl").name, code=1).stdout

    def test_it_stops_watching_in_time(self):
        result = prefect("flow-run", "watch", made("PENDING").name, "--timeout", "0", code=1)
        assert "Stopped watching after 0 s" in result.stderr

    def test_it_notices_a_death(self, work):
        process = work.start("waits")
        with subprocess.Popen(
            [sys.executable, "-m", "prefect", "flow-run", "watch", newest("waits").name],
            stdout=subprocess.PIPE,
            text=True,
        ) as watching:
            assert watching.stdout
            assert "Beginning" in watching.stdout.readline()
            process.kill()
            process.communicate()
            out, _ = watching.communicate(timeout=30)
        assert watching.returncode == 1
        assert "is Crashed" in out


class TestDelete:
    def test_it_asks_and_takes_all_that_belongs_to_the_run(self, work):
        run = work.run("family")
        assert "Aborted" in prefect("flow-run", "delete", run.name, code=1, typed="n\n").stderr
        result = prefect("flow-run", "delete", run.name, typed="y\n")
        assert "and the 2 flow runs below it" in result.stdout
        assert backend().find_flow_runs() == []
        assert backend().find_task_runs() == []
        assert backend().find_logs() == []

    def test_it_can_be_told_not_to_ask(self):
        run = made("COMPLETED")
        prefect("flow-run", "delete", run.name, "--yes")
        prefect("flow-run", "inspect", text(run), code=1)


def test_a_process_of_its_own_answers_the_same(work):
    run = work.fail("etl")
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "why", run.name],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Next:  prefect flow-run retry {text(run)}" in done.stdout
