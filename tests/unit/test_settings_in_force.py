"""Which settings are in force where, and the cost of asking."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextvars import copy_context

import pytest
from settings_isolation import isolated_home  # noqa: F401 - the fixture `home`

import prefect.settings as public
from prefect._base.settings.table import TABLE, SettingsError
from prefect.exceptions import MissingProfileError
from prefect.settings import (
    PREFECT_API_KEY,
    PREFECT_API_URL,
    PREFECT_LOGGING_LEVEL,
    Profile,
    get_current_settings,
    temporary_settings,
)
from prefect.settings.context import (
    SettingsContext,
    get_settings_context,
    refresh_global_settings_context,
    root_settings_context,
    use_profile,
)

pytestmark = pytest.mark.usefixtures("home")


def test_sources_are_read_once(monkeypatch):
    before = get_current_settings()
    monkeypatch.setenv("PREFECT_API_URL", "http://late")

    assert get_current_settings() is before
    assert root_settings_context().settings.api.url == "http://late"
    refresh_global_settings_context()
    assert get_current_settings().api.url == "http://late"


def test_temporary_settings_nest_and_end():
    with temporary_settings({PREFECT_API_URL: "http://a", PREFECT_API_KEY: "k"}) as outer:
        assert get_current_settings() is outer
        with temporary_settings({"api.url": "http://b"}, restore_defaults={PREFECT_API_KEY}):
            assert get_current_settings().api.url == "http://b"
            assert get_current_settings().api.key is None
        assert get_current_settings().api.url == "http://a"
    assert get_current_settings().api.url is None


def test_temporary_settings_end_with_an_exception():
    with pytest.raises(KeyError), temporary_settings({PREFECT_API_URL: "http://a"}):
        raise KeyError
    assert get_current_settings().api.url is None


def test_set_defaults_yield_to_any_source(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://env")

    with temporary_settings(set_defaults={PREFECT_API_URL: "http://d", PREFECT_API_KEY: "d"}) as settings:
        assert (settings.api.url, settings.api.key) == ("http://env", "d")


def test_none_overrides_a_set_value(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://env")

    with temporary_settings({PREFECT_API_URL: None}) as settings:
        assert settings.api.url is None


@pytest.mark.parametrize("key", ["url", "PREFECT_NOPE", "api"])
def test_an_unknown_key_is_an_error(key):
    with pytest.raises(ValueError, match=f"Unknown setting: {key!r}"), temporary_settings({key: 1}):
        pass


def test_an_ill_typed_update_is_an_error():
    with pytest.raises(SettingsError, match="PREFECT_LOGGING_LEVEL: expected one of DEBUG.*got 'LOUD'"):
        with temporary_settings({PREFECT_LOGGING_LEVEL: "LOUD"}):
            pass


def test_a_thread_sees_the_settings_of_the_context_it_was_given():
    seen = []
    with temporary_settings({PREFECT_API_URL: "http://a"}):
        for target in (copy_context().run, lambda read: read()):
            thread = threading.Thread(
                target=target, args=(lambda: seen.append(get_current_settings().api.url),)
            )
            thread.start()
            thread.join()

    assert seen == ["http://a", None]


def test_setting_objects():
    assert (PREFECT_API_URL.name, PREFECT_API_URL.accessor) == ("PREFECT_API_URL", "api.url")
    with temporary_settings({PREFECT_API_KEY: "k", PREFECT_LOGGING_LEVEL: "DEBUG"}):
        assert type(PREFECT_API_KEY.value()) is str
        assert PREFECT_API_KEY.value() == "k"
        assert PREFECT_LOGGING_LEVEL.value() == "DEBUG"
        assert PREFECT_LOGGING_LEVEL.default() == "INFO"
    assert not PREFECT_API_URL
    assert PREFECT_API_KEY.is_secret
    assert not PREFECT_API_URL.is_secret


def test_a_setting_is_the_same_by_any_of_its_names():
    name, alias = public.PREFECT_TASKS_DEFAULT_RETRIES, public.PREFECT_TASK_DEFAULT_RETRIES

    assert name == alias
    assert {name: 1}[alias] == 1
    assert name != PREFECT_API_URL
    assert alias.accessor == "tasks.default_retries"


def test_defaults_follow_the_home(home):
    assert public.PREFECT_RESULTS_LOCAL_STORAGE_PATH.default() == home / "storage"
    assert public.PREFECT_HOME.default() != home


def test_every_setting_has_an_object():
    for spec in TABLE:
        setting = getattr(public, spec.env)
        assert setting.value() == get_current_settings().values[spec.path]


def test_no_other_name_has_one():
    with pytest.raises(AttributeError, match="PREFECT_NOPE is not a Prefect setting"):
        public.PREFECT_NOPE  # noqa: B018
    with pytest.raises(ImportError):
        from prefect.settings import nope  # noqa: F401


def test_public_names_resolve():
    for name in public.__all__:
        assert getattr(public, name) is not None
    assert public.canonical_environment_prefix(get_current_settings()) == "PREFECT_"
    assert public.canonical_environment_prefix(get_current_settings().server.api) == "PREFECT_SERVER_API_"


A = Profile("a", {"PREFECT_API_KEY": "of-a", "PREFECT_LOGGING_LEVEL": "DEBUG"})
B = Profile("b", {"PREFECT_LOGGING_LEVEL": "ERROR"})


def shown(context):
    return context.profile.name, context.settings.api.key, context.settings.logging.level


def test_use_profile_builds_on_the_context_or_starts_anew():
    with use_profile(A):
        assert shown(get_settings_context()) == ("a", "of-a", "DEBUG")
        with use_profile(B) as inner:
            assert shown(inner) == ("b", "of-a", "ERROR")
            assert get_current_settings() is inner.settings
        with use_profile(B, include_current_context=False) as inner:
            assert shown(inner) == ("b", None, "ERROR")
        with temporary_settings({PREFECT_LOGGING_LEVEL: "CRITICAL"}), use_profile(B) as inner:
            assert shown(inner) == ("b", "of-a", "ERROR")
    assert get_settings_context().profile.name == "ephemeral"


def test_the_environment_beats_a_used_profile_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "WARNING")

    with use_profile(B) as context:
        assert context.settings.logging.level == "WARNING"
    with use_profile(B, override_environment_variables=True) as context:
        assert context.settings.logging.level == "ERROR"


def test_use_profile_takes_the_name_of_a_stored_profile():
    with use_profile("local"):
        assert get_current_settings().api.url == "http://127.0.0.1:4200/api"
    with pytest.raises(MissingProfileError, match="'nope' not found"), use_profile("nope"):
        pass


def test_a_used_profile_is_checked():
    with pytest.raises(SettingsError, match="PREFECT_NOPE"), use_profile(Profile("x", {"PREFECT_NOPE": "1"})):
        pass
    with (
        pytest.raises(SettingsError, match="whole number"),
        use_profile(Profile("x", {"PREFECT_SERVER_API_PORT": "y"})),
    ):
        pass


def test_a_settings_context_can_be_entered_again():
    with use_profile(A) as context:
        pass
    with context, context:
        assert get_current_settings().api.key == "of-a"
        assert SettingsContext.get() == context
    assert get_current_settings().api.key is None


def test_a_serialized_context_hides_secrets_on_request():
    with use_profile(A) as context:
        assert context.serialize()["settings"]["PREFECT_API_KEY"] == "of-a"
        assert "PREFECT_API_KEY" not in context.serialize(include_secrets=False)["settings"]
        assert context.serialize()["profile"]["name"] == "a"


def test_asking_for_settings_imports_no_parser_and_no_pydantic():
    script = """
import sys
from prefect.settings import get_current_settings
assert get_current_settings().logging.level == "INFO"
heavy = {"pydantic", "asyncio", "rich", "click", "yaml", "dotenv", "tomlkit", "tomllib", "tomli", "json", "difflib",
         "dataclasses", "inspect", "prefect.settings.profiles"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
