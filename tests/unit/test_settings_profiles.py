"""Profiles: the collection, and the file they are kept in."""

from __future__ import annotations

import stat

import pytest
from settings_isolation import isolated_home  # noqa: F401 - the fixture `home`

from prefect.exceptions import MissingProfileError, ProfileSettingsValidationError
from prefect.settings import (
    PREFECT_API_KEY,
    PREFECT_API_URL,
    Profile,
    ProfilesCollection,
    Settings,
    load_current_profile,
    load_profile,
    load_profiles,
    save_profiles,
    temporary_settings,
    update_current_profile,
)

pytestmark = pytest.mark.usefixtures("home")


def test_a_fresh_home_has_the_built_in_profiles(home):
    profiles = load_profiles()

    assert list(profiles) == ["ephemeral", "local", "test", "cloud"]
    assert profiles.active_name == "ephemeral"
    assert list(load_profiles(include_defaults=False)) == []
    assert not (home / "profiles.toml").exists()


def test_updating_the_current_profile_writes_it(home):
    update_current_profile({PREFECT_API_URL: "http://q/api", "PREFECT_API_KEY": "k"})

    assert load_current_profile().to_environment_variables() == {
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
        "PREFECT_API_URL": "http://q/api",
        "PREFECT_API_KEY": "k",
    }
    assert list(load_profiles(include_defaults=False)) == ["ephemeral"]
    assert Settings().api.url == "http://q/api"
    update_current_profile({PREFECT_API_KEY: None})
    assert PREFECT_API_KEY not in load_current_profile().settings


def test_a_saved_file_is_for_its_owner_only(home):
    update_current_profile({PREFECT_API_KEY: "k"})

    assert stat.S_IMODE((home / "profiles.toml").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["profiles.toml"]


def test_comments_and_order_survive_a_change(home):
    (home / "profiles.toml").write_text(
        "# my profiles\n"
        'active = "work"\n\n'
        "[profiles.work]\n"
        'PREFECT_API_URL = "http://old" # the office\n'
        'PREFECT_API_KEY = "k"\n\n'
        "# for the train\n"
        "[profiles.offline]\n"
    )

    update_current_profile({PREFECT_API_URL: "http://new", PREFECT_API_KEY: None, "PREFECT_DEBUG_MODE": True})

    assert (home / "profiles.toml").read_text() == (
        "# my profiles\n"
        'active = "work"\n\n'
        "[profiles.work]\n"
        'PREFECT_API_URL = "http://new" # the office\n'
        'PREFECT_DEBUG_MODE = "True"\n\n'
        "# for the train\n"
        "[profiles.offline]\n"
    )


def test_a_setting_stored_under_its_alias_is_updated_not_doubled(home):
    (home / "profiles.toml").write_text('[profiles.ephemeral]\nPREFECT_TASK_DEFAULT_RETRIES = "1"\n')

    update_current_profile({"PREFECT_TASKS_DEFAULT_RETRIES": 2})

    assert load_current_profile().to_environment_variables() == {"PREFECT_TASK_DEFAULT_RETRIES": "2"}


def test_a_refused_update_changes_nothing(home):
    update_current_profile({PREFECT_API_URL: "http://a"})
    before = (home / "profiles.toml").read_text()

    with pytest.raises(
        ProfileSettingsValidationError, match="PREFECT_SERVER_API_PORT.*whole number"
    ) as caught:
        update_current_profile({PREFECT_API_URL: "http://b", "PREFECT_SERVER_API_PORT": "x"})
    assert [setting.name for setting, _ in caught.value.errors] == ["PREFECT_SERVER_API_PORT"]
    with pytest.raises(ProfileSettingsValidationError, match="PREFECT_NOPE"):
        update_current_profile({"PREFECT_NOPE": "x"})
    assert (home / "profiles.toml").read_text() == before


def test_saving_through_a_link_keeps_the_link(home, tmp_path):
    target = tmp_path / "dotfiles.toml"
    target.write_text("")
    (home / "profiles.toml").symlink_to(target)

    update_current_profile({PREFECT_API_URL: "http://a"})

    assert (home / "profiles.toml").is_symlink()
    assert "http://a" in target.read_text()


def test_a_failed_write_leaves_the_old_file_and_no_other(home, monkeypatch):
    update_current_profile({PREFECT_API_URL: "http://a"})
    before = (home / "profiles.toml").read_text()

    def full_disk(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        update_current_profile({PREFECT_API_URL: "http://b"})
    assert (home / "profiles.toml").read_text() == before
    assert [path.name for path in home.iterdir()] == ["profiles.toml"]


def test_load_profile_by_name():
    assert load_profile("local").settings == {PREFECT_API_URL: "http://127.0.0.1:4200/api"}
    with pytest.raises(MissingProfileError, match="Profile 'nope' not found. Known profiles: cloud, "):
        load_profile("nope")


def test_the_current_profile_is_the_one_of_the_environment(monkeypatch):
    monkeypatch.setenv("PREFECT_PROFILE", "local")

    assert load_current_profile().name == "local"
    update_current_profile({PREFECT_API_KEY: "k"})
    assert load_profiles().active_name == "ephemeral"  # the environment's choice is not written down


def test_temporary_settings_can_move_the_profiles(tmp_path, home):
    with temporary_settings({"PREFECT_PROFILES_PATH": tmp_path / "elsewhere" / "p.toml"}):
        update_current_profile({PREFECT_API_URL: "http://a"})

    assert (tmp_path / "elsewhere" / "p.toml").exists()
    assert not (home / "profiles.toml").exists()


def test_removing_a_profile_removes_its_table(home):
    profiles = ProfilesCollection([Profile("a", {"PREFECT_API_URL": "u"}), Profile("b")], active="b")
    save_profiles(profiles)
    profiles.remove_profile("a")
    save_profiles(profiles)

    assert (home / "profiles.toml").read_text() == 'active = "b"\n\n[profiles.b]\n'


def test_unknown_settings_of_a_profile_survive_and_are_reported(home):
    (home / "profiles.toml").write_text('[profiles.old]\nPREFECT_NOPE = "1"\n')
    profiles = load_profiles()
    profiles.update_profile("old", {PREFECT_API_URL: "u"})
    save_profiles(profiles)

    assert 'PREFECT_NOPE = "1"' in (home / "profiles.toml").read_text()
    with pytest.raises(ProfileSettingsValidationError, match="Unknown setting: 'PREFECT_NOPE'"):
        load_profile("old").validate_settings()


def test_reprs_hide_secrets():
    assert "hush" not in repr(Profile("a", {"PREFECT_API_KEY": "hush", "PREFECT_NOPE": "1"}))


def collection():
    a = Profile("a", {"PREFECT_API_URL": "u", "PREFECT_LOGGING_LEVEL": "DEBUG"})
    return ProfilesCollection([a, Profile("b", {"PREFECT_LOGGING_LEVEL": "ERROR"})], active="a")


def test_the_collection():
    profiles = collection()

    assert profiles.names == {"a", "b"}
    assert profiles.active_profile is profiles["a"]
    assert [name for name, _ in profiles.items()] == ["a", "b"]
    assert profiles == collection()
    profiles.set_active("b")
    assert profiles != collection()
    assert profiles.to_dict()["active"] == "b"
    assert profiles.to_dict()["profiles"]["b"] == {"PREFECT_LOGGING_LEVEL": "ERROR"}
    profiles.set_active("later", check=False)
    assert profiles.active_profile is None


def test_the_collection_merges_updates():
    profiles = collection()

    updated = profiles.update_profile("a", {"PREFECT_API_URL": None, "PREFECT_API_KEY": "k"})
    assert updated.to_environment_variables() == {"PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_API_KEY": "k"}
    assert profiles.update_profile("c", {"PREFECT_API_KEY": "k"}).name == "c"
    assert "c" in profiles


def test_the_collection_refuses_what_cannot_be():
    profiles = collection()

    with pytest.raises(ValueError, match="Unknown profile name 'zz'"):
        profiles.set_active("zz")
    with pytest.raises(ValueError, match="'a' already exists"):
        profiles.add_profile(Profile("a"))
    with pytest.raises(KeyError):
        profiles.remove_profile("zz")


def test_profiles_of_a_source_can_be_left_out(tmp_path):
    profiles = collection()
    profiles.add_profile(Profile("c", source=tmp_path))

    assert profiles.without_profile_source(tmp_path).names == {"a", "b"}
