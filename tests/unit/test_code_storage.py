"""Code from real git repositories, from fsspec URLs and folders; credentials that are seen nowhere."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest
from pydantic import SecretStr

from prefect import flow
from prefect.blocks.core import Block, BlockNotSavedError
from prefect.exceptions import MissingFlowError
from prefect.filesystems import LocalFileSystem
from prefect.flows import Flow
from prefect.runner._git import login_of, split_login
from prefect.runner.storage import (
    BlockStorageAdapter,
    GitRepository,
    LocalStorage,
    RemoteStorage,
    create_storage_from_source,
)

TOKEN = "s3cr3t/token@1"  # noqa: S105 - of these tests
FLOWS = "from prefect import flow\nfrom helper import K\n\n@flow\ndef etl(n: int = 1):\n    return n + K\n"


def git(*words: str, folder: Path) -> str:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"]
    return subprocess.run(
        ["git", *own, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


class Upstream:
    """A repository that others clone: `main`, and a branch `dev` in which K is another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        git("init", "--quiet", "--initial-branch=main", folder=folder)
        (folder / "flows.py").write_text(FLOWS)
        (folder / "sub").mkdir()
        (folder / "sub" / "more.txt").write_text("more")
        self.first = self.commit(K=1)
        git("checkout", "--quiet", "-b", "dev", folder=folder)
        self.commit(K=100)
        git("checkout", "--quiet", "main", folder=folder)

    def commit(self, **values: int) -> str:
        (self.folder / "helper.py").write_text("".join(f"{k} = {v}\n" for k, v in values.items()))
        git("add", "-A", folder=self.folder)
        git("commit", "--quiet", "-m", "x", folder=self.folder)
        return git("rev-parse", "HEAD", folder=self.folder)

    @property
    def url(self) -> str:
        return self.folder.as_uri()


@pytest.fixture
def upstream(tmp_path):
    return Upstream(tmp_path / "up")


def helper_of(source) -> str:
    return (source.destination / "helper.py").read_text().strip()


def cloned(tmp_path, url, **options) -> GitRepository:
    source = GitRepository(url, **options)
    source.set_base_path(tmp_path / "clones")
    source.pull()
    return source


class TestGit:
    def test_a_clone_is_made_and_brought_up_to_date(self, upstream, tmp_path):
        source = cloned(tmp_path, upstream.url)
        assert (source.destination.name, helper_of(source)) == ("up", "K = 1")
        upstream.commit(K=2)
        (source.destination / "helper.py").write_text("K = 'changed here'")
        source.pull()
        assert helper_of(source) == "K = 2"
        assert [one.name for one in (tmp_path / "clones").iterdir()] == ["up"]

    def test_a_branch_and_a_tag(self, upstream, tmp_path):
        git("tag", "-a", "v1", "-m", "x", "main", folder=upstream.folder)
        upstream.commit(K=3)
        assert helper_of(cloned(tmp_path, upstream.url, branch="v1")) == "K = 1"
        source = cloned(tmp_path, upstream.url, branch="dev")
        assert (source.destination.name, helper_of(source)) == ("up-dev", "K = 100")

    @pytest.mark.parametrize("length", [40, 8])
    async def test_a_commit(self, upstream, tmp_path, length):
        upstream.commit(K=4)
        source = cloned(tmp_path, upstream.url, commit_sha=upstream.first[:length])
        assert helper_of(source) == "K = 1"
        assert await source.is_current_commit()

    async def test_some_folders(self, upstream, tmp_path):
        (upstream.folder / "big").mkdir()
        (upstream.folder / "big" / "x").write_text("x")
        upstream.commit(K=5)
        source = cloned(tmp_path, upstream.url, directories=["sub"])
        assert (source.destination / "sub" / "more.txt").exists()
        assert not (source.destination / "big").exists()
        assert await source.is_sparsely_checked_out()
        assert await source.is_shallow_clone()

    def test_what_is_not_there_is_said(self, upstream, tmp_path):
        with pytest.raises(RuntimeError, match=r"branch nope"):
            cloned(tmp_path, upstream.url, branch="nope")
        assert list((tmp_path / "clones").iterdir()) == []
        with pytest.raises(RuntimeError, match="Check the URL"):
            cloned(tmp_path, "file:///nowhere/at/all.git")

    def test_a_folder_with_something_else_is_left_alone(self, upstream, tmp_path):
        (tmp_path / "clones" / "up").mkdir(parents=True)
        (tmp_path / "clones" / "up" / "mine.txt").write_text("mine")
        with pytest.raises(ValueError, match="found a folder with something else"):
            cloned(tmp_path, upstream.url)
        assert (tmp_path / "clones" / "up" / "mine.txt").exists()
        other = Upstream(tmp_path / "other")
        cloned(tmp_path, upstream.url, name="same")
        with pytest.raises(ValueError, match="does not match"):
            cloned(tmp_path, other.url, name="same")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"branch": "a", "commit_sha": "abcdef"}, "both a branch and a commit"),
            ({"commit_sha": "main"}, "Invalid commit SHA"),
            ({"credentials": {"username": "u"}}, "access token or password"),
        ],
        ids=["both", "no-commit", "no-secret"],
    )
    def test_what_makes_no_sense(self, options, message):
        with pytest.raises(ValueError, match=message):
            GitRepository("https://h/a.git", **options)

    def test_an_option_in_the_place_of_a_url_or_branch_is_none(self, tmp_path):
        for url, branch in (
            ("--upload-pack=touch pwned", None),
            ("file:///x.git", "--upload-pack=touch pwned"),
        ):
            with pytest.raises(RuntimeError):
                cloned(tmp_path, url, branch=branch, name="n")
        assert not list(tmp_path.rglob("pwned"))


class TestPullStep:
    @pytest.mark.parametrize(
        ("options", "step"),
        [
            ({}, {"branch": None}),
            ({"branch": "dev", "name": "nm"}, {"branch": "dev", "clone_directory_name": "nm"}),
            (
                {"include_submodules": True, "directories": ["a"]},
                {"branch": None, "directories": ["a"], "include_submodules": True},
            ),
        ],
        ids=["plain", "named", "parts"],
    )
    def test_it_says_the_same(self, options, step):
        made = GitRepository("https://h/a/b.git", **options).to_pull_step()
        assert made == {"prefect.deployments.steps.git_clone": {"repository": "https://h/a/b.git", **step}}

    @pytest.mark.parametrize(
        ("url", "credentials"),
        [("https://u:p@h/b.git", None), ("https://h/b.git", {"access_token": TOKEN})],
        ids=["in-the-url", "apart"],
    )
    def test_a_secret_is_not_stored_with_a_deployment(self, url, credentials):
        with pytest.raises(ValueError, match="Secret block"):
            GitRepository(url, credentials=credentials).to_pull_step()

    def test_a_saved_block_stands_for_its_secret(self):
        class Keys(Block):
            value: SecretStr

        keys = Keys(value=SecretStr(TOKEN))
        with pytest.raises(BlockNotSavedError):
            GitRepository("https://h/b.git", credentials=keys).to_pull_step()
        keys.save("mine")
        for credentials, shown in (
            (keys, "{{ prefect.blocks.keys.mine }}"),
            (
                {"username": "u", "access_token": keys},
                {"username": "u", "access_token": "{{ prefect.blocks.keys.mine }}"},
            ),
        ):
            step = GitRepository("https://h/b.git", credentials=credentials).to_pull_step()
            assert step["prefect.deployments.steps.git_clone"]["credentials"] == shown

    def test_of_other_sources(self, tmp_path):
        remote = RemoteStorage("s3://bucket/code", key="k")
        assert remote.to_pull_step() == {
            "prefect.deployments.steps.pull_from_remote_storage": {
                "url": "s3://bucket/code",
                "key": "k",
                "requires": "s3fs",
            }
        }
        block = LocalFileSystem(basepath=str(tmp_path))
        with pytest.raises(BlockNotSavedError):
            BlockStorageAdapter(block).to_pull_step()
        block.save("here")
        assert BlockStorageAdapter(block).to_pull_step() == {
            "prefect.deployments.steps.pull_with_block": {
                "block_type_slug": "local-file-system",
                "block_document_name": "here",
            }
        }


# --- over HTTP, with a password -----------------------------------------------------------------------


class Guarded(SimpleHTTPRequestHandler):
    """A folder, for who knows the password."""

    root = ""
    wanted = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, directory=self.root, **kwargs)

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == self.wanted:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Curious(BaseHTTPRequestHandler):
    """Asks everybody for a password, and notes what it is given."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization") or "nothing")
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listening():
    servers: list[ThreadingHTTPServer] = []

    def listen(handler: type[BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    yield listen
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def guarded(upstream, tmp_path, listening):
    """The host of a server that has the repository as /up.git."""
    bare = tmp_path / "www" / "up.git"
    git("clone", "--quiet", "--bare", str(upstream.folder), str(bare), folder=tmp_path)
    git("update-server-info", folder=bare)
    return listening(type("Served", (Guarded,), {"root": str(bare.parent)}))


@pytest.fixture
def watched_git(tmp_path, monkeypatch):
    """A git that notes its arguments, and then is the real one; the file of the notes."""
    folder, notes = tmp_path / "bin", tmp_path / "arguments"
    folder.mkdir()
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    (folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {notes}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return notes


class TestCredentials:
    @pytest.mark.parametrize("apart", [True, False], ids=["apart", "in-the-url"])
    def test_they_open_the_door_and_are_seen_nowhere(self, guarded, watched_git, tmp_path, caplog, apart):
        secret = TOKEN.replace("/", "%2F").replace("@", "%40")
        source = (
            cloned(tmp_path, f"http://{guarded}/up.git", credentials={"access_token": TOKEN})
            if apart
            else cloned(tmp_path, f"http://x-access-token:{secret}@{guarded}/up.git")
        )
        source.pull()
        assert helper_of(source) == "K = 1"
        kept = b"".join(one.read_bytes() for one in (source.destination / ".git").rglob("*") if one.is_file())
        for place in (watched_git.read_text(), kept.decode("latin-1"), caplog.text, repr(source)):
            assert TOKEN not in place
            assert secret not in place
        assert "PREFECT__GIT_PASSWORD" not in os.environ

    def test_wrong_ones_end_at_once_and_are_not_told(self, guarded, tmp_path):
        with pytest.raises(
            RuntimeError, match="Check the URL, the branch, and that the credentials"
        ) as caught:
            cloned(tmp_path, f"http://{guarded}/up.git", credentials={"token": "wr0ng-one"})
        chain: BaseException | None = caught.value
        while chain is not None:
            assert "wr0ng-one" not in f"{chain} {chain.args} {vars(chain)}"
            chain = chain.__context__

    def test_another_host_does_not_get_them(self, upstream, guarded, listening, tmp_path):
        seen: list[str] = []
        elsewhere = listening(type("Noting", (Curious,), {"seen": seen}))
        bare = tmp_path / "www" / "up.git"
        (upstream.folder / ".gitmodules").write_text(
            f'[submodule "m"]\n\tpath = m\n\turl = http://{elsewhere}/m.git\n'
        )
        git("add", ".gitmodules", folder=upstream.folder)
        git("update-index", "--add", "--cacheinfo", f"160000,{upstream.first},m", folder=upstream.folder)
        git("commit", "--quiet", "-m", "m", folder=upstream.folder)
        git("fetch", "--quiet", str(upstream.folder), "+main:main", folder=bare)
        git("update-server-info", folder=bare)
        with pytest.raises(RuntimeError):
            cloned(
                tmp_path, f"http://{guarded}/up.git", credentials={"token": TOKEN}, include_submodules=True
            )
        assert set(seen) == {"nothing"}

    @pytest.mark.parametrize(
        ("url", "credentials", "login"),
        [
            ("https://github.com/a/b", "tok", ("x-access-token", "tok")),
            ("https://gitlab.com/a/b", {"token": "tok"}, ("oauth2", "tok")),
            ("https://bitbucket.org/a/b", {"access_token": "me:tok"}, ("me", "tok")),
            ("https://h/b", {"username": "u", "password": SecretStr("p")}, ("u", "p")),
            ("https://h/b", SecretStr("p"), ("x-access-token", "p")),
            ("https://h/b", {}, None),
        ],
        ids=["github", "gitlab", "bitbucket", "password", "secret", "none"],
    )
    def test_who_asks(self, url, credentials, login):
        assert login_of(url, credentials) == login

    @pytest.mark.parametrize(
        ("url", "clean"),
        [
            ("https://u:p@h/b.git", "https://h/b.git"),
            ("https://tok@h:8443/b.git", "https://h:8443/b.git"),
            ("ssh://git:p@h/b.git", "ssh://git@h/b.git"),
            ("git@h:a/b.git", "git@h:a/b.git"),
            ("file:///a@b/c.git", "file:///a@b/c.git"),
        ],
        ids=["password", "token", "ssh", "scp", "file"],
    )
    def test_a_url_is_shown_without_them(self, url, clean):
        assert split_login(url)[0] == clean


# --- other sources, and flows from them ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "kind", "folder"),
    [
        ("https://github.com/a/b.git", GitRepository, "b"),
        ("git@github.com:a/b.git", GitRepository, "b"),
        ("ssh://git@h/a/b.git", GitRepository, "b"),
        ("git://h/a", GitRepository, "a"),
        ("file:///x/y.git", GitRepository, "y"),
        ("https://github.com/a/b", RemoteStorage, "github.com/a/b"),
        ("s3://bucket/x", RemoteStorage, "bucket/x"),
        ("memory://x", RemoteStorage, "x"),
        ("file:///x/y", LocalStorage, "/x/y"),
        ("/x/y", LocalStorage, "/x/y"),
        ("x", LocalStorage, "x"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_a_source_means(source, kind, folder):
    made = create_storage_from_source(source)
    assert isinstance(made, kind)
    assert made.destination == Path.cwd() / folder
    assert made.pull_interval == 60


async def test_a_folder_at_a_url(tmp_path):
    files = fsspec.filesystem("memory")
    files.pipe({"/code/a.py": b"1", "/code/in/b.py": b"2"})
    source = RemoteStorage("memory://code")
    source.set_base_path(tmp_path)
    await source.pull_code()
    assert (source.destination / "a.py").read_bytes() == b"1"
    assert (source.destination / "in" / "b.py").read_bytes() == b"2"


async def test_a_folder_of_a_block(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1")
    source = BlockStorageAdapter(LocalFileSystem(basepath=str(tmp_path / "code")))
    source.set_base_path(tmp_path / "there")
    await source.pull_code()
    assert (source.destination / "a.py").read_text() == "1"
    with pytest.raises(ValueError, match="get_directory"):
        BlockStorageAdapter("no block")


class TestFromSource:
    def test_a_flow_of_a_repository_can_be_called_and_deployed(self, upstream):
        found = flow.from_source(GitRepository(upstream.url, branch="dev"), "flows.py:etl")
        assert (found.name, found(1), found.entrypoint) == ("etl", 101, "flows.py:etl")
        made = found.to_deployment("nightly")
        assert made.entrypoint == "flows.py:etl"
        assert made.storage == GitRepository(upstream.url, branch="dev")

    async def test_from_asynchronous_code(self, upstream):
        found = await Flow.from_source(f"{upstream.url}/.git", "flows.py:etl")
        assert found.name == "etl"
        assert (await Flow.afrom_source(upstream.folder, "flows.py:etl")).name == "etl"

    def test_a_path_is_used_where_it_is(self, upstream):
        found = Flow.from_source(str(upstream.folder), "flows.py:etl")
        assert found._storage == LocalStorage(upstream.folder)
        (upstream.folder / "pkg_of_source.py").write_text(FLOWS.replace("from helper import K", "K = 5"))
        assert Flow.from_source(upstream.folder, "pkg_of_source:etl")(2) == 7

    def test_what_is_no_source_or_holds_no_flow(self, upstream):
        with pytest.raises(TypeError, match="source of a flow, got int"):
            Flow.from_source(3, "flows.py:etl")
        with pytest.raises(MissingFlowError):
            Flow.from_source(upstream.folder, "flows.py:nope")
