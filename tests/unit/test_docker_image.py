"""Images for deployments: their names, their Dockerfile, and what is said where docker cannot do it."""

from __future__ import annotations

import io
import sys

import pytest

from prefect.docker import DockerImage
from prefect.docker.docker_image import BuildError, PushError, dockerfile_of
from prefect.settings import PREFECT_DEPLOYMENTS_DEFAULT_DOCKER_BUILD_NAMESPACE, temporary_settings


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A command of that name that writes what it is told, and the Dockerfile; it fails for an image called `bad`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = 'echo "$@"\nwhile [ $# -gt 0 ]; do [ "$1" = --file ] && cat "$2"; case "$1" in *bad:*) exit 7;; esac; shift; done\n'
    (folder / "docker").write_text("#!/bin/sh\n" + script)
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "tag", "reference"),
    [
        ("me/flows", "1", "me/flows:1"),
        ("me/flows:2", None, "me/flows:2"),
        ("localhost:5000/flows", "3", "localhost:5000/flows:3"),
        ("localhost:5000/flows:4", None, "localhost:5000/flows:4"),
    ],
)
def test_its_name(name, tag, reference):
    assert DockerImage(name, tag).reference == reference


def test_a_tag_is_given_once_and_a_namespace_goes_before():
    with pytest.raises(ValueError, match="Only one tag"):
        DockerImage("a:1", "2")
    with temporary_settings({PREFECT_DEPLOYMENTS_DEFAULT_DOCKER_BUILD_NAMESPACE: "team"}):
        assert DockerImage("flows", "1").reference == "team/flows:1"
        assert DockerImage("other/flows", "1").reference == "other/flows:1"
    with pytest.raises(TypeError, match="'colour'"):
        DockerImage("a", "1", colour="red")


def test_docker_is_told_what_to_build(docker, tmp_path):
    (tmp_path / "requirements.txt").write_text("pandas\n")
    out = io.StringIO()
    image = DockerImage(
        "me/flows", "1", stream_progress_to=out, platform="linux/amd64", buildargs={"A": "b"}, nocache=True
    )
    image.build()
    image.push()
    said = out.getvalue()
    words = "build --tag me/flows:1 --platform linux/amd64 --build-arg A=b --no-cache --file "
    assert said.startswith(words)
    assert f"python:{sys.version_info.major}.{sys.version_info.minor}-slim" in said
    assert f"WORKDIR /opt/prefect/{tmp_path.name}/" in said
    assert "push me/flows:1" in said


def test_requirements_are_installed_before_the_code_is_copied(tmp_path):
    (tmp_path / "requirements.txt").write_text("pandas\n")
    lines = dockerfile_of(tmp_path)
    assert lines.index("pip install --no-cache-dir -r") < lines.index("COPY . ")


@pytest.mark.parametrize(
    ("act", "error"), [("build", BuildError), ("push", PushError)], ids=["build", "push"]
)
def test_docker_fails(docker, act, error):
    with pytest.raises(error, match=r"exit code 7"):
        getattr(DockerImage("bad", "1", stream_progress_to=None), act)()


@pytest.mark.parametrize(
    ("act", "error"), [("build", BuildError), ("push", PushError)], ids=["build", "push"]
)
def test_there_is_no_docker(tmp_path, monkeypatch, act, error):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(error, match=r"Install Docker"):
        getattr(DockerImage("me/flows", "1"), act)()


def test_a_dockerfile_that_is_not_there(docker):
    with pytest.raises(BuildError, match="found none"):
        DockerImage("me/flows", "1", dockerfile="nope/Dockerfile").build()
