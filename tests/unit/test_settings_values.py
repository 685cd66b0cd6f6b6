"""What settings may hold, and what follows from them."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from pathlib import Path

import pytest
from settings_isolation import isolated_home  # noqa: F401 - the fixture `home`

from prefect._base.settings.kinds import to_text
from prefect._base.settings.table import BY_ENV, TABLE, SettingsError, find
from prefect.settings import Settings

pytestmark = pytest.mark.usefixtures("home")


def value(env, text):
    spec = find(env)
    return spec.kind.parse(text)


@pytest.mark.parametrize(
    ("env", "text", "expected"),
    [
        ("PREFECT_DEBUG_MODE", "1", True),
        ("PREFECT_DEBUG_MODE", "Yes", True),
        ("PREFECT_DEBUG_MODE", "off", False),
        ("PREFECT_DEBUG_MODE", True, True),
        ("PREFECT_TASKS_DEFAULT_RETRIES", "3", 3),
        ("PREFECT_TASKS_DEFAULT_RETRIES", "3.0", 3),
        ("PREFECT_TASKS_DEFAULT_RETRIES", 3.0, 3),
        ("PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "1.5", 1.5),
        ("PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "1, 2", [1.0, 2.0]),
        ("PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "[1, 2]", [1.0, 2.0]),
        ("PREFECT_API_URL", "", None),
        ("PREFECT_API_URL", "none", None),
        ("PREFECT_API_URL", "http://x", "http://x"),
        ("PREFECT_TASKS_DEFAULT_PERSIST_RESULT", "false", False),
        ("PREFECT_TASKS_DEFAULT_PERSIST_RESULT", None, None),
        ("PREFECT_HOME", "~/x", Path("~/x").expanduser()),
        ("PREFECT_LOGGING_LEVEL", "debug", "DEBUG"),
        ("PREFECT_LOGGING_EXTRA_LOGGERS", "b, a,", ["b", "a"]),
        ("PREFECT_LOGGING_EXTRA_LOGGERS", ["b"], ["b"]),
        ("PREFECT_CLIENT_RETRY_EXTRA_CODES", "500,501", {500, 501}),
        ("PREFECT_CLIENT_RETRY_EXTRA_CODES", 500, {500}),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", '{"a": "b"}', {"a": "b"}),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", {"a": "b"}, {"a": "b"}),
        ("PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS", "60", timedelta(minutes=1)),
        ("PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS", "01:00:01.5", timedelta(seconds=3601.5)),
        ("PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED", "true", True),
        ("PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED", "events,flow_runs", {"events", "flow_runs"}),
        ("PREFECT_WORKER_QUERY_SECONDS", timedelta(seconds=2), 2.0),
    ],
)
def test_values_are_read_by_their_kind(env, text, expected):
    got = value(env, text)

    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ("PREFECT_DEBUG_MODE", "perhaps"),
        ("PREFECT_DEBUG_MODE", "2"),
        ("PREFECT_TASKS_DEFAULT_RETRIES", "-1"),
        ("PREFECT_TASKS_DEFAULT_RETRIES", "1.5"),
        ("PREFECT_TASKS_DEFAULT_RETRIES", True),
        ("PREFECT_TASKS_DEFAULT_RETRIES", None),
        ("PREFECT_TASKS_DEFAULT_RETRIES", "inf"),
        ("PREFECT_API_REQUEST_TIMEOUT", "nan"),
        ("PREFECT_API_REQUEST_TIMEOUT", "-1"),
        ("PREFECT_SERVER_API_PORT", "65536"),
        ("PREFECT_SERVER_API_PORT", ""),
        ("PREFECT_API_URL", 3),
        ("PREFECT_HOME", ""),
        ("PREFECT_LOGGING_LEVEL", "LOUD"),
        ("PREFECT_LOGGING_LEVEL", 10),
        ("PREFECT_CLIENT_RETRY_EXTRA_CODES", "500,x"),
        ("PREFECT_CLIENT_RETRY_EXTRA_CODES", "99"),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", "[1]"),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", '{"a": 1}'),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", "{"),
        ("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "3"),
        ("PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS", "1:2"),
        ("PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED", "everything"),
        ("PREFECT_RUNS_LEASE_SECONDS", "0"),
    ],
)
def test_other_values_are_refused(env, text):
    with pytest.raises((ValueError, TypeError)):
        value(env, text)


def test_every_default_is_of_its_kind_and_survives_the_environment():
    settings = Settings()
    for spec in TABLE:
        default = settings.values[spec.path]
        assert spec.kind.parse(default) == default, spec.path
        if default is not None:
            assert spec.kind.parse(to_text(default)) == default, spec.path


def test_names_and_aliases_are_unique():
    names = [spec.env for spec in TABLE] + [spec.alias for spec in TABLE if spec.alias]

    assert len(names) == len(set(names)) == len(BY_ENV)
    assert len({spec.path for spec in TABLE}) == len(TABLE)


def test_debug_mode_forces_the_log_levels():
    settings = Settings(debug_mode=True, logging={"level": "ERROR"})

    assert settings.logging.level == settings.internal.logging_level == "DEBUG"


def test_the_ui_follows_the_api():
    assert Settings(api={"url": "http://x:1/api/"}).ui_url == "http://x:1"
    assert Settings(api={"url": "http://x:1/api"}).server.ui.api_url == "http://x:1/api"
    assert (
        Settings(server={"api": {"port": 5, "base_path": "/p/api"}}).server.ui.api_url
        == "http://127.0.0.1:5/p/api"
    )


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        (
            {
                "driver": "postgresql+asyncpg",
                "host": "h",
                "port": 5,
                "user": "u",
                "password": "p@:/w",
                "name": "n",
            },
            "postgresql+asyncpg://u:p%40%3A%2Fw@h:5/n",
        ),
        ({"host": "h", "name": "n"}, "postgresql://h/n"),
        ({"driver": "sqlite", "name": "/x.db"}, "sqlite:////x.db"),
        ({"driver": "sqlite", "name": "/x.db", "connection_url": "sqlite:///y"}, "sqlite:///y"),
    ],
)
def test_a_database_can_be_given_in_parts(parts, url):
    assert Settings(server={"database": parts}).server.database.connection_url == url


def test_secrets_work_as_texts_and_hide_in_reprs():
    settings = Settings(api={"key": "hush-hush"})

    assert settings.api.key == "hush-hush"
    assert f"Bearer {settings.api.key}" == "Bearer hush-hush"
    assert type(settings.api.key.get_secret_value()) is str
    assert "hush" not in repr(settings)
    assert "hush" not in repr(settings.model_dump())


def test_settings_are_immutable_and_say_what_to_do_instead():
    settings = Settings()

    with pytest.raises(AttributeError, match="temporary_settings"):
        settings.api.url = "x"
    with pytest.raises(AttributeError, match="temporary_settings"):
        settings.home = "x"


def test_a_wrong_attribute_names_the_right_ones():
    with pytest.raises(AttributeError, match=r"no setting 'ulr' here, but: url, key"):
        Settings().api.ulr  # noqa: B018


def test_default_collections_are_not_shared():
    Settings().logging.extra_loggers.append("mine")

    assert Settings().logging.extra_loggers == []


def test_unknown_arguments_are_errors():
    with pytest.raises(SettingsError, match="Unknown setting: 'api.ulr'. Did you mean 'api.url'"):
        Settings(api={"ulr": "x"})
    with pytest.raises(SettingsError, match="Unknown setting: 'nope'"):
        Settings(nope=1)


def test_copy_with_update_takes_every_kind_of_key():
    from prefect.settings import PREFECT_API_URL, PREFECT_TASK_DEFAULT_RETRIES

    changed = Settings().copy_with_update(
        {PREFECT_API_URL: "http://u", "PREFECT_SERVER_API_PORT": "80", "logging.level": "debug"},
        set_defaults={"api.url": "http://d", "api.key": "d"},
    )
    assert (changed.api.url, changed.server.api.port, changed.logging.level) == ("http://u", 80, "DEBUG")
    assert changed.api.key == "d"
    again = changed.copy_with_update(
        {PREFECT_TASK_DEFAULT_RETRIES: 2}, restore_defaults=[PREFECT_API_URL, "api.key"]
    )
    assert (again.api.url, again.api.key, again.tasks.default_retries) == (None, None, 2)


def test_the_environment_of_settings_gives_another_process_the_same(monkeypatch):
    settings = Settings().copy_with_update(
        {
            "api.key": "k",
            "client.retry_extra_codes": {500, 501},
            "logging.extra_loggers": ["a", "b"],
            "client.custom_headers": {"a": "b"},
            "server.services.late_runs.after_seconds": timedelta(seconds=7.5),
            "debug_mode": True,
        }
    )
    variables = settings.to_environment_variables(exclude_unset=True)
    assert variables["PREFECT_CLIENT_RETRY_EXTRA_CODES"] == "500,501"
    assert "PREFECT_RUNNER_PROCESS_LIMIT" not in variables
    assert "PREFECT_API_KEY" not in settings.to_environment_variables(include_secrets=False)
    assert "PREFECT_API_URL" not in settings.to_environment_variables()
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert Settings() == settings
    assert Settings().hash_key() == settings.hash_key()
    assert Settings().copy_with_update({"api.key": "other"}).hash_key() != settings.hash_key()


def test_settings_survive_pickling():
    settings = Settings(api={"url": "http://x"})

    again = pickle.loads(pickle.dumps(settings))
    assert again == settings
    assert again.api.url == "http://x"
    assert again.copy_with_update({"logging.level": "DEBUG"}).api.url == "http://x"


def test_model_dump_is_nested_plain_data():
    dumped = Settings().model_dump()

    assert dumped["logging"]["to_api"]["enabled"] is True
    assert json.dumps(dumped, default=str)
