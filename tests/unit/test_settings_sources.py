"""Where settings come from, who wins, and what a wrong one says."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from settings_isolation import isolated_home  # noqa: F401 - the fixture `home`

from prefect._base.settings.load import load_assignments, warn_of_misspelt_variables
from prefect._base.settings.profiles import BUILT_IN, read_profiles
from prefect._base.settings.table import SettingsError
from prefect.exceptions import ConfigurationError, MissingProfileError
from prefect.settings import DEFAULT_PROFILES_PATH, Settings

pytestmark = pytest.mark.usefixtures("home")


def profiles(home, text):
    (home / "profiles.toml").write_text(text)


def test_nothing_set_gives_the_defaults(home):
    settings = Settings()

    assert settings.logging.level == "INFO"
    assert settings.api.url is None
    assert settings.home == home
    assert settings.results.local_storage_path == home / "storage"
    assert settings.server.database.connection_url == f"sqlite:///{home}/pluperfect.db"


def test_each_source_beats_the_next(home, monkeypatch):
    """The order of the specification: arguments, environment, .env, prefect.toml, pyproject.toml, profile."""

    def level():
        return Settings().logging.level, load_assignments().assignments["logging.level"].source

    profiles(home, 'active = "mine"\n[profiles.mine]\nPREFECT_LOGGING_LEVEL = "DEBUG"\n')
    assert level() == ("DEBUG", "profile")
    Path("pyproject.toml").write_text('[tool.prefect.logging]\nlevel = "WARNING"\n')
    assert level() == ("WARNING", "pyproject.toml")
    Path("prefect.toml").write_text('[logging]\nlevel = "ERROR"\n')
    assert level() == ("ERROR", "prefect.toml")
    Path(".env").write_text("OTHER=1\nexport PREFECT_LOGGING_LEVEL='critical'\n")
    assert level() == ("CRITICAL", ".env file")
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "INFO")
    assert level() == ("INFO", "env")
    assert Settings(logging={"level": "DEBUG"}).logging.level == "DEBUG"


def test_a_name_beats_its_alias_whatever_their_order(monkeypatch):
    monkeypatch.setenv("PREFECT_TASKS_DEFAULT_RETRIES", "1")
    monkeypatch.setenv("PREFECT_TASK_DEFAULT_RETRIES", "2")
    monkeypatch.setenv("PREFECT_FLOW_DEFAULT_RETRIES", "2")
    monkeypatch.setenv("PREFECT_FLOWS_DEFAULT_RETRIES", "1")

    assert Settings().tasks.default_retries == 1
    assert Settings().flows.default_retries == 1


def test_the_home_decides_where_profiles_are(tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "profiles.toml").write_text(
        'active = "there"\n[profiles.there]\nPREFECT_API_URL = "http://there/api"\n'
    )
    monkeypatch.delenv("PREFECT_HOME")
    Path("prefect.toml").write_text(f'home = "{other}"\n')

    assert Settings().api.url == "http://there/api"
    assert Settings().profiles_path == other / "profiles.toml"


@pytest.mark.parametrize(
    "pyproject",
    [
        "[tool.prefect]\ntasks.default_retries = 3",
        "[tool . prefect.tasks]\ndefault_retries = 3",
        '[tool."prefect"]\ntasks = {default_retries = 3}',
        "[tool]\nprefect.tasks.default_retries = 3",
        "tool = {prefect = {tasks = {default_retries = 3}}}",
    ],
)
def test_every_way_to_write_our_table_in_pyproject_is_read(pyproject):
    Path("pyproject.toml").write_text(pyproject)

    assert Settings().tasks.default_retries == 3


def test_a_pyproject_without_our_table_is_not_parsed():
    Path("pyproject.toml").write_text('[project]\ndependencies = ["prefect"\n')  # not even TOML

    assert Settings().tasks.default_retries == 0


def test_prefect_profile_chooses_the_profile(home, monkeypatch):
    profiles(home, 'active = "a"\n[profiles.a]\nPREFECT_UI_URL = "a"\n[profiles.b]\nPREFECT_UI_URL = "b"\n')
    monkeypatch.setenv("PREFECT_PROFILE", "b")

    assert Settings().ui_url == "b"


def test_built_in_profiles_need_no_file(monkeypatch):
    monkeypatch.setenv("PREFECT_PROFILE", "local")

    assert Settings().api.url == "http://127.0.0.1:4200/api"


def test_the_packaged_file_of_built_in_profiles_is_true():
    assert read_profiles(DEFAULT_PROFILES_PATH) == ("ephemeral", BUILT_IN)


def test_a_missing_profile_is_an_error_that_says_who_asked_for_it(home, monkeypatch):
    profiles(home, 'active = "gone"\n[profiles.kept]\n')
    with pytest.raises(
        MissingProfileError, match=r"'gone' not found, asked for by `active` in .*profiles.toml. .*kept"
    ):
        Settings()
    monkeypatch.setenv("PREFECT_PROFILE", "nope")
    with pytest.raises(MissingProfileError, match="'nope' not found, asked for by PREFECT_PROFILE"):
        Settings()


def test_an_ill_typed_variable_names_setting_expectation_value_and_origin(monkeypatch):
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "abc")

    with pytest.raises(ConfigurationError) as caught:
        Settings()
    assert str(caught.value) == (
        "PREFECT_SERVER_API_PORT: expected a whole number from 0 to 65535, got 'abc', "
        "from environment variable PREFECT_SERVER_API_PORT."
    )
    assert isinstance(caught.value, ValueError)


def test_an_ill_typed_value_of_a_file_names_file_and_key(home):
    Path("prefect.toml").write_text("[server.api]\nport = 'x'\n")
    profiles(home, '[profiles.ephemeral]\nPREFECT_DEBUG_MODE = "perhaps"\n')

    with pytest.raises(SettingsError) as caught:
        Settings()
    lines = str(caught.value).splitlines()
    assert f"from PREFECT_DEBUG_MODE of profile 'ephemeral' in {home / 'profiles.toml'}." in lines[0]
    assert f"from key server.api.port of {Path('prefect.toml').absolute()}." in lines[1]


def test_a_wrong_secret_is_not_shown():
    with pytest.raises(SettingsError) as caught:
        Settings(api={"key": 1234567})
    assert "1234567" not in str(caught.value)


def test_a_wrong_value_that_a_stronger_source_overrides_does_no_harm(home, monkeypatch):
    profiles(home, '[profiles.ephemeral]\nPREFECT_SERVER_API_PORT = "x"\n')
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "80")

    assert Settings().server.api.port == 80


@pytest.mark.parametrize("name", ["prefect.toml", "pyproject.toml"])
def test_an_unknown_key_of_a_file_is_an_error_that_names_the_closest(name):
    prefix = "tool.prefect." if name == "pyproject.toml" else ""
    Path(name).write_text(f'[{prefix}logging]\nlevle = "DEBUG"\n')

    with pytest.raises(SettingsError, match=rf"'logging.levle', in .*{name}. Did you mean 'logging.level'\?"):
        Settings()


def test_an_unknown_key_of_the_profile_is_an_error(home):
    profiles(home, '[profiles.ephemeral]\nPREFECT_API_ULR = "x"\n')

    with pytest.raises(
        SettingsError, match=r"'PREFECT_API_ULR', in profile 'ephemeral'.*Did you mean 'PREFECT_API_URL'"
    ):
        Settings()


def test_an_unknown_key_of_another_profile_does_no_harm(home):
    profiles(home, '[profiles.other]\nPREFECT_NOPE = "x"\n')

    assert Settings().api.url is None


def test_a_profile_cannot_move_the_profiles(home):
    profiles(home, '[profiles.ephemeral]\nPREFECT_HOME = "/elsewhere"\n')

    with pytest.raises(
        SettingsError, match=r"PREFECT_HOME cannot be set in profile 'ephemeral'.*environment"
    ):
        Settings()


def test_settings_that_only_prefect_has_are_accepted_everywhere(home, monkeypatch):
    profiles(home, '[profiles.ephemeral]\nPREFECT_CLOUD_API_URL = "x"\n')
    Path("prefect.toml").write_text("[server.flow_run_graph]\nmax_nodes = 5\n")
    monkeypatch.setenv("PREFECT_CLI_WRAP_LINES", "0")

    assert Settings().api.url is None
    warn_of_misspelt_variables()  # a warning would fail here


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("prefect.toml", "[logging", "Expected TOML in .*prefect.toml, got: "),
        ("pyproject.toml", "[tool.prefect", "Expected TOML in .*pyproject.toml, got: "),
        ("pyproject.toml", "[tool]\nprefect = 3", "Expected a table of settings in .*pyproject.toml, got 3"),
        ("../home/profiles.toml", "active = 3", "Expected `active` in .* to be the name of a profile, got 3"),
        ("../home/profiles.toml", "[profile.x]", "Expected `active` and .* got 'profile'"),
        ("../home/profiles.toml", "[profiles]\nx = 3", r"Expected a table `\[profiles.x\]` in .*, got 3"),
    ],
)
def test_a_malformed_file_is_named(file, text, complaint):
    Path(file).write_text(text)

    with pytest.raises(SettingsError, match=complaint):
        Settings()


def test_a_file_that_cannot_be_read_is_named():
    Path("prefect.toml").mkdir()

    with pytest.raises(SettingsError, match=r"Cannot read prefect.toml: .*directory"):
        Settings()


def test_an_almost_known_variable_is_warned_about_once_with_the_closest(monkeypatch):
    monkeypatch.setenv("PREFECT_API_ULR", "x")
    monkeypatch.setenv("PREFECT_SERVER_API_PROT", "x")

    with pytest.warns(UserWarning, match="but are none") as caught:
        warn_of_misspelt_variables()
    assert len(caught) == 1
    text = str(caught[0].message)
    assert "PREFECT_API_ULR (did you mean PREFECT_API_URL?)" in text
    assert "PREFECT_SERVER_API_PROT (did you mean PREFECT_SERVER_API_PORT?)" in text


@pytest.mark.parametrize(
    "name",
    [
        "PREFECT_PROFILE",
        "PREFECT__FLOW_RUN_ID",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL",
        "PREFECT_TESTING_UNIT_TEST_MODE",
        "PREFECT_API_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE",
        "PREFECT_OF_ANOTHER_PROGRAM",
    ],
)
def test_other_variables_are_left_alone(name, monkeypatch):
    monkeypatch.setenv(name, "x")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_misspelt_variables()
