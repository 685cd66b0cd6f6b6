"""The command line as a person and a script meet it: its frame, `version`, `config` and `profile`."""

from __future__ import annotations

import http.server
import json
import os
import pty
import subprocess
import sys
import threading

import pytest
import tomlkit

from prefect import __version__
from prefect.cli._app import COMMANDS
from prefect.settings import in_force, temporary_settings
from prefect.testing.cli import CycloptsCliRunner, check_contains, invoke_and_assert


@pytest.fixture(name="home", autouse=True)
def isolated_home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.chdir(work)
    monkeypatch.setattr(in_force, "_of_process", None)
    token = in_force._of_context.set(None)  # else the session's own store would be in force
    yield home
    in_force._of_context.reset(token)


@pytest.fixture
def prefect(monkeypatch):
    """Run a command line as a new process would: nothing in force from the command before."""

    def run(*words, code=0, **options):
        monkeypatch.setattr(in_force, "_of_process", None)
        return invoke_and_assert(list(words), expected_code=code, **options)

    return run


def profiles(home, text):
    (home / "profiles.toml").write_text(text)


class TestFrame:
    def test_the_module_is_the_command(self):
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--version"], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == __version__
        assert done.stderr == ""

    def test_help_lists_every_command_and_its_aliases_and_imports_none(self):
        script = (
            "import sys\nfrom prefect.cli._app import run\nassert run(['--help']) == 0\n"
            "print(sorted(m for m in sys.modules if m.startswith('prefect.cli.') and not m.startswith('prefect.cli._')))\n"
            "print([m for m in ('pydantic', 'rich', 'asyncio', 'sqlite3', 'prefect.flows') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        *shown, commands, heavy = done.stdout.splitlines()
        text = " ".join(" ".join(shown).split())  # what is long goes on in the next line
        for name, entry in COMMANDS.items():
            assert any(line.split()[0].rstrip(",") == name for line in shown if line.strip())
            assert entry.help in text
        assert any("profile, profiles" in line for line in shown)
        assert (commands, heavy) == ("[]", "[]")

    def test_every_command_can_be_imported_and_describes_itself_as_the_list_does(self, prefect):
        for name, entry in COMMANDS.items():
            for alias in (name, *entry.aliases):
                prefect(alias, "--help", expected_output_contains=entry.help)

    def test_a_group_without_a_word_shows_its_help(self, prefect):
        prefect(expected_output_contains=["Usage: prefect ", "config", "version"])
        prefect("config", expected_output_contains=["Usage: prefect config", "view"])

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (["frobnicate"], "Expected a command of `prefect`, got 'frobnicate': there are "),
            (["config", "veiw"], "Expected a command of `prefect config`, got 'veiw': did you mean 'view'?"),
            (["config", "view", "--frob"], "No such option"),
            (["config", "set"], "Missing argument 'NAME=VALUE...'. See `prefect config set --help`."),
            (["config", "view", "-o", "yaml"], "'yaml' is not"),
            (["--profile", "nope", "version"], "Profile 'nope' not found. Known profiles: cloud, ephemeral"),
        ],
    )
    def test_a_mistake_is_one_line_on_stderr_and_exit_code_1(self, prefect, words, complaint):
        result = prefect(*words, code=1)
        assert complaint in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert result.stdout == ""

    def test_a_wrong_setting_is_a_mistake_too(self, prefect, monkeypatch):
        monkeypatch.setenv("PREFECT_SERVER_API_PORT", "x")
        result = prefect("version", code=1)
        assert result.stderr.startswith(
            "PREFECT_SERVER_API_PORT: expected a whole number from 0 to 65535, got 'x'"
        )

    def test_a_bug_is_not_hidden(self, monkeypatch):
        monkeypatch.setattr("prefect.cli.version._facts", lambda: 1 / 0)
        result = CycloptsCliRunner().invoke("version")
        assert isinstance(result.exception, ZeroDivisionError)
        assert result.exit_code == 1

    def test_a_misspelt_variable_is_a_warning(self, prefect, monkeypatch):
        monkeypatch.setenv("PREFECT_API_ULR", "x")
        result = prefect("version")
        assert result.stderr.startswith("Warning: ")
        assert "PREFECT_API_ULR (did you mean PREFECT_API_URL?)" in result.stderr

    def test_positionals_can_be_given_by_name(self, prefect):
        prefect("profile", "create", "--name", "a")
        prefect("profile", "rename", "--name=a", "b")
        prefect("profile", "rename", "--new-name", "c", "b")
        prefect(
            "--profile",
            "c",
            "config",
            "set",
            "--settings",
            "PREFECT_UI_URL=u",
            "--settings",
            "PREFECT_CLI_PROMPT=0",
        )
        prefect("profile", "inspect", "c", expected_output="PREFECT_UI_URL='u'\nPREFECT_CLI_PROMPT='0'")

    def test_a_reader_that_stops_early_gets_no_traceback(self):
        command = f"{sys.executable} -m prefect config view --show-defaults | head -1"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.stdout.startswith("PREFECT_PROFILE=")
        assert done.stderr == ""

    def test_tables_are_drawn_on_a_terminal(self, home):
        """In the plain output of a pipe nothing is drawn and nothing is coloured."""
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        environment.pop("NO_COLOR", None)
        with subprocess.Popen(
            [sys.executable, "-m", "prefect", "profile", "ls"], stdout=theirs, env=environment
        ) as process:
            process.wait()
        os.close(theirs)
        drawn = os.read(ours, 100_000).decode()
        os.close(ours)
        plain = subprocess.run(
            [sys.executable, "-m", "prefect", "profile", "ls"], capture_output=True, text=True, check=True
        )
        assert "┃" in drawn
        assert "\x1b[32mephemeral" in drawn
        assert plain.stdout.splitlines()[0].split() == ["Active", "Profile", "Settings"]
        assert "\x1b" not in plain.stdout
        assert "┃" not in plain.stdout


class TestVersion:
    def test_it_says_which_distribution_this_is(self, prefect, home):
        facts = json.loads(prefect("version", "-o", "json").stdout)
        assert facts["version"] == __version__
        assert facts["distribution"].startswith("Pluperfect ")
        assert facts["server_type"] == "embedded"
        assert facts["database"]["file"] == f"{home}/pluperfect.db"
        shown = prefect("version").stdout
        for key in ("version", "distribution", "python_version", "profile"):
            assert facts[key] in shown

    def test_it_names_the_server_instead_of_the_database(self, prefect):
        facts = json.loads(prefect("-p", "local", "version", "-o", "json").stdout)
        assert (facts["profile"], facts["server_type"]) == ("local", "server")
        assert facts["api_url"] == "http://127.0.0.1:4200/api"
        assert "database" not in facts

    def test_integrations_are_listed_unless_they_are_omitted(self, prefect, tmp_path, monkeypatch):
        (tmp_path / "prefect_aws-0.5.0.dist-info").mkdir()
        monkeypatch.syspath_prepend(str(tmp_path))
        prefect("version", expected_output_contains="prefect-aws:")
        prefect("version", "--omit-integrations", expected_output_does_not_contain="prefect-aws")

    def test_the_password_of_a_database_is_not_shown(self, prefect, monkeypatch):
        monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql://u:hush@h/n")
        prefect("version", expected_output_contains="postgresql", expected_output_does_not_contain="hush")


class TestConfig:
    def test_view_shows_what_is_set_and_from_where(self, prefect, home, monkeypatch):
        profiles(home, '[profiles.ephemeral]\nPREFECT_API_KEY = "hush"\n')
        monkeypatch.setenv("PREFECT_TASK_DEFAULT_RETRIES", "3")
        (home.parent / "work" / "prefect.toml").write_text("[logging]\nlevel = 'debug'\n")
        prefect(
            "config",
            "view",
            expected_output=f"""
            PREFECT_PROFILE='ephemeral'
            PREFECT_API_KEY='********' (from profile)
            PREFECT_HOME='{home}' (from env)
            PREFECT_LOGGING_LEVEL='DEBUG' (from prefect.toml)
            PREFECT_TASKS_DEFAULT_RETRIES='3' (from env)
            """,
        )
        prefect("config", "view", "--hide-sources", expected_output_does_not_contain="(from")
        prefect("config", "view", "--show-secrets", expected_output_contains="PREFECT_API_KEY='hush'")
        prefect(
            "config",
            "view",
            "--show-defaults",
            expected_output_contains="PREFECT_RUNNER_PROCESS_LIMIT='5' (from defaults)",
        )

    def test_view_as_json(self, prefect, home):
        shown = json.loads(prefect("--profile", "local", "config", "view", "-o", "json").stdout)
        assert shown == {
            "profile": "local",
            "settings": [
                {"name": "PREFECT_API_URL", "value": "http://127.0.0.1:4200/api", "source": "profile"},
                {"name": "PREFECT_HOME", "value": str(home), "source": "env"},
            ],
            "ui_url": "http://127.0.0.1:4200",
        }

    def test_set_and_unset_change_the_active_profile(self, prefect):
        prefect(
            "config",
            "set",
            "PREFECT_LOGGING_LEVEL=DEBUG",
            "PREFECT_API_KEY=hush",
            "PREFECT_UI_URL=http://x?a=b",
            expected_output="""
            Set 'PREFECT_LOGGING_LEVEL' to 'DEBUG'.
            Set 'PREFECT_API_KEY' to '********'.
            Set 'PREFECT_UI_URL' to 'http://x?a=b'.
            Updated profile 'ephemeral'.
            """,
        )
        prefect(
            "config",
            "view",
            expected_output_contains=["PREFECT_LOGGING_LEVEL='DEBUG'", "PREFECT_UI_URL='http://x?a=b'"],
        )
        prefect("config", "unset", "PREFECT_LOGGING_LEVEL", "PREFECT_API_KEY", "-y")
        prefect(
            "config", "view", expected_output_does_not_contain=["PREFECT_LOGGING_LEVEL", "PREFECT_API_KEY"]
        )

    def test_set_goes_to_the_profile_of_the_command_line(self, prefect, home):
        profiles(home, "[profiles.mine]\n")
        prefect(
            "-p",
            "mine",
            "config",
            "set",
            "PREFECT_UI_URL=u",
            expected_output_contains="Updated profile 'mine'.",
        )
        assert tomlkit.parse((home / "profiles.toml").read_text()) == {
            "active": "ephemeral",
            "profiles": {"mine": {"PREFECT_UI_URL": "u"}},
        }

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ("PREFECT_LOGGING_LEVEL=LOUD", "Expected PREFECT_LOGGING_LEVEL to be one of DEBUG, "),
            (
                "PREFECT_LOGING_LEVEL=INFO",
                "Unknown setting name 'PREFECT_LOGING_LEVEL'. Did you mean 'PREFECT_LOGGING_LEVEL'?",
            ),
            ("PREFECT_LOGGING_LEVEL", "Expected NAME=VALUE, got 'PREFECT_LOGGING_LEVEL'."),
            ("PREFECT_HOME=/x", "'PREFECT_HOME' says where profiles are"),
        ],
    )
    def test_a_refused_change_changes_nothing(self, prefect, home, change, complaint):
        prefect("config", "set", "PREFECT_UI_URL=u", change, code=1, expected_output_contains=complaint)
        assert not (home / "profiles.toml").exists()

    def test_what_the_environment_overrides_is_said(self, prefect, monkeypatch):
        monkeypatch.setenv("PREFECT_TASKS_DEFAULT_RETRIES", "5")
        prefect(
            "config",
            "set",
            "PREFECT_TASKS_DEFAULT_RETRIES=2",
            expected_output_contains="Run `unset PREFECT_TASKS_DEFAULT_RETRIES`",
        )
        prefect(
            "config",
            "unset",
            "PREFECT_TASKS_DEFAULT_RETRIES",
            expected_output_contains="Run `unset PREFECT_TASKS_DEFAULT_RETRIES`",
        )

    def test_unset_refuses_what_is_not_set(self, prefect):
        prefect(
            "config",
            "unset",
            "PREFECT_API_KEY",
            code=1,
            expected_output_contains="'PREFECT_API_KEY', which is not set there",
        )
        prefect(
            "config",
            "unset",
            "PREFECT_NOPE",
            code=1,
            expected_output_contains="Unknown setting name 'PREFECT_NOPE'",
        )

    def test_unset_asks_a_person(self, prefect):
        prefect("config", "set", "PREFECT_UI_URL=u")
        asked = [("Unset PREFECT_UI_URL in profile 'ephemeral'?", "n")]
        prefect(
            "config",
            "unset",
            "PREFECT_UI_URL",
            prompts_and_responses=asked,
            code=1,
            expected_output_contains="Aborted.",
        )
        prefect("config", "view", expected_output_contains="PREFECT_UI_URL")
        prefect("--no-prompt", "config", "unset", "PREFECT_UI_URL", user_input="n")
        prefect("config", "view", expected_output_does_not_contain="PREFECT_UI_URL")

    def test_a_broken_profile_can_be_mended(self, prefect, home):
        profiles(home, '[profiles.ephemeral]\nPREFECT_NOPE = "1"\nPREFECT_SERVER_API_PORT = "x"\n')
        result = prefect("config", "validate", code=1)
        assert "Unknown setting: 'PREFECT_NOPE', in profile 'ephemeral'" in result.stderr
        assert "PREFECT_SERVER_API_PORT: expected a whole number" in result.stderr
        prefect("version", code=1)
        prefect("config", "unset", "PREFECT_NOPE", "-y")
        prefect("config", "set", "PREFECT_SERVER_API_PORT=80")
        prefect("config", "validate", expected_output="Configuration valid!")
        prefect("version")

    def test_validate_looks_at_all_sources(self, prefect, monkeypatch, home):
        monkeypatch.setenv("PREFECT_API_ULR", "x")
        prefect(
            "config",
            "validate",
            code=1,
            expected_output_contains="PREFECT_API_ULR in the environment is no setting",
        )
        monkeypatch.delenv("PREFECT_API_ULR")
        (home.parent / "work" / "prefect.toml").write_text("nope = 1")
        prefect("config", "validate", code=1, expected_output_contains="Unknown setting: 'nope'")

    def test_settings_of_a_test_are_seen_by_commands_it_runs(self, tmp_path):
        with temporary_settings({"PREFECT_PROFILES_PATH": tmp_path / "p.toml", "PREFECT_UI_URL": "u"}):
            invoke_and_assert("config set PREFECT_LOGGING_LEVEL=DEBUG")
            invoke_and_assert("config view", expected_output_contains="PREFECT_UI_URL='u' (from init)")
        assert "DEBUG" in (tmp_path / "p.toml").read_text()


class TestProfile:
    def test_the_life_of_a_profile(self, prefect, home):
        prefect(
            "profile",
            "create",
            "a",
            expected_output_contains=["Created profile 'a'.", "prefect profile use 'a'"],
        )
        prefect("-p", "a", "config", "set", "PREFECT_LOGGING_LEVEL=DEBUG")
        prefect("profile", "create", "b", "--from", "a", expected_output_contains="from 'a'")
        prefect(
            "profile",
            "use",
            "b",
            expected_output_contains=["Profile 'b' is active.", f"sqlite:///{home}/pluperfect.db"],
        )
        assert {"name": "b", "active": True} in json.loads(prefect("profiles", "ls", "-o", "json").stdout)
        prefect("profile", "rename", "b", "c", expected_output="Renamed profile 'b' to 'c'.")
        prefect("profile", "inspect", expected_output="PREFECT_LOGGING_LEVEL='DEBUG'")
        prefect(
            "profile",
            "delete",
            "c",
            code=1,
            expected_output_contains="is the active profile. Switch to another first",
        )
        prefect("profile", "delete", "a", expected_output="Removed profile 'a'.")
        names = [found["name"] for found in json.loads(prefect("profile", "ls", "-o", "json").stdout)]
        assert names == ["ephemeral", "local", "test", "cloud", "c"]

    @pytest.mark.parametrize(
        "words",
        [
            ["create", "x", "--from", "nope"],
            ["use", "nope"],
            ["delete", "nope"],
            ["rename", "nope", "x"],
            ["inspect", "nope"],
        ],
    )
    def test_a_missing_profile_is_named(self, prefect, words):
        prefect(
            "profile",
            *words,
            code=1,
            expected_output="Profile 'nope' not found. Known profiles: cloud, ephemeral, local, test.",
        )

    def test_a_taken_name_is_refused(self, prefect):
        prefect(
            "profile", "create", "local", code=1, expected_output_contains="Profile 'local' already exists."
        )
        prefect(
            "profile",
            "rename",
            "local",
            "test",
            code=1,
            expected_output_contains="Profile 'test' already exists.",
        )

    def test_delete_asks_a_person(self, prefect):
        prefect("profile", "create", "a")
        prefect("profile", "delete", "a", prompts_and_responses=[("Delete profile 'a'?", "n")], code=1)
        prefect("profile", "delete", "a", prompts_and_responses=[("Delete profile 'a'?", "y")])

    def test_inspect_hides_secrets_until_asked(self, prefect):
        prefect("config", "set", "PREFECT_API_KEY=hush")
        prefect("profile", "inspect", expected_output_does_not_contain="hush")
        shown = json.loads(prefect("profile", "inspect", "ephemeral", "--show-secrets", "-o", "json").stdout)
        assert shown == {"PREFECT_SERVER_EPHEMERAL_ENABLED": "true", "PREFECT_API_KEY": "hush"}

    def test_populate_defaults_writes_the_built_in_profiles_once(self, prefect, home):
        profiles(home, 'active = "mine"\n\n[profiles.mine]\n')
        prefect(
            "profile", "populate-defaults", expected_output_contains="Added ephemeral, local, test, cloud to "
        )
        assert 'active = "mine"' in (home / "profiles.toml").read_text()
        assert "[profiles.local]" in (home / "profiles.toml").read_text()
        prefect("profile", "populate-defaults", expected_output_contains="No changes needed.")

    def test_use_says_that_a_server_cannot_be_reached(self, prefect, home):
        profiles(home, '[profiles.away]\nPREFECT_API_URL = "http://127.0.0.1:1/api"\n')
        prefect(
            "profile",
            "use",
            "away",
            code=1,
            expected_output_contains=["Profile 'away' is active", "cannot be reached", "refused"],
        )
        assert 'active = "away"' in (home / "profiles.toml").read_text()

    def test_use_says_that_a_server_answers(self, prefect, home):
        asked = []

        class Healthy(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Healthy) as server:
            thread = threading.Thread(target=server.handle_request, daemon=True)
            thread.start()
            profiles(
                home, f'[profiles.here]\nPREFECT_API_URL = "http://127.0.0.1:{server.server_port}/api"\n'
            )
            prefect("profile", "use", "here", expected_output_contains="answers.")
            thread.join()
        assert asked == ["/api/health"]

    def test_a_profile_that_is_gone_does_not_hinder_repairs(self, prefect, home):
        profiles(home, 'active = "gone"\n[profiles.kept]\n')
        prefect(
            "version", code=1, expected_output_contains="Profile 'gone' not found, asked for by `active` in"
        )
        prefect("profile", "ls", expected_output_contains="kept")
        prefect("-p", "kept", "version", expected_output_contains="kept")
        prefect("profile", "use", "kept")
        prefect("version", expected_output_contains="kept")


class TestTestingHelp:
    def test_expectations_that_fail_say_so(self):
        result = CycloptsCliRunner().invoke("config --help")
        with pytest.raises(AssertionError, match="Expected in the output"):
            check_contains(result, "nowhere", should_contain=True)
        with pytest.raises(AssertionError, match="Did not expect in the output"):
            check_contains(result, "Usage", should_contain=False)
        for wrong in (
            {"expected_code": 1},
            {"expected_output": "x"},
            {"expected_line_count": 1},
            {"expected_output_contains": ["Usage", "nowhere"]},
            {"expected_output_does_not_contain": "Usage"},
            {"prompts_and_responses": [("Really?", "y")]},
        ):
            with pytest.raises(AssertionError):
                invoke_and_assert("config --help", **wrong)

    def test_it_can_run_elsewhere(self, tmp_path, home):
        (tmp_path / "prefect.toml").write_text("ui_url = 'elsewhere'")
        invoke_and_assert("config view", temp_dir=str(tmp_path), expected_output_contains="elsewhere")
        assert os.getcwd() == str(home.parent / "work")
