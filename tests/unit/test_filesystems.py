"""File systems: what is written can be read, whole or not at all, and nothing leads out of the base path."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import fsspec
import pydantic
import pytest

from prefect._base.ignore import IgnoreRules
from prefect.filesystems import (
    LocalFileSystem,
    NullFileSystem,
    PathNotFound,
    ReadableFileSystem,
    RemoteFileSystem,
    WritableFileSystem,
)

SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture(params=["local", "memory", "file"])
def storage(request, tmp_path):
    if request.param == "local":
        yield LocalFileSystem(basepath=tmp_path / "base")
    elif request.param == "file":
        yield RemoteFileSystem(basepath=f"file://{tmp_path}/base")
    else:
        yield RemoteFileSystem(basepath="memory://bucket/base")
        fsspec.filesystem("memory").store.clear()


def test_what_is_written_can_be_read(storage):
    written = storage.write_path("folder/file", b"content")
    assert written.endswith("/base/folder/file")
    assert storage.read_path("folder/file") == b"content"
    assert storage.read_path(written) == b"content"
    storage.write_path("folder/file", b"other")
    assert storage.read_path("folder/file") == b"other"


def test_the_awaited_forms(storage):
    async def both():
        await storage.awrite_path("a", b"1")
        await storage.write_path("b", b"2")  # under a loop, the plain name gives an awaitable too
        return await storage.aread_path("a") + await storage.read_path("b")

    assert asyncio.run(both()) == b"12"


def test_what_is_not_there_is_an_error_of_both_kinds(storage):
    with pytest.raises(ValueError, match="nothing.* does not exist"):
        storage.read_path("nothing")
    with pytest.raises(FileNotFoundError):
        storage.read_path("folder/nothing")


@pytest.mark.parametrize("path", ["../out", "a/../../out", "..", "/etc/passwd"])
def test_nothing_leads_out_of_the_base_path(storage, path):
    with pytest.raises(ValueError, match="is outside of the base path"):
        storage.write_path(path, b"")
    with pytest.raises(ValueError, match="is outside of the base path"):
        storage.read_path(path)


def test_the_home_folder_is_outside_too(tmp_path):
    with pytest.raises(ValueError, match="is outside of the base path"):
        LocalFileSystem(basepath=tmp_path).write_path("~/out", b"")


def test_a_link_does_not_lead_out_either(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "link").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="is outside of the base path"):
        LocalFileSystem(basepath=tmp_path / "base").write_path("link/file", b"")


def test_the_base_path_may_be_the_home_or_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    LocalFileSystem(basepath="~/sub").write_path("a", b"1")
    assert LocalFileSystem().read_path("sub/a") == b"1"


def test_a_folder_is_not_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    storage = LocalFileSystem(basepath=tmp_path)
    with pytest.raises(ValueError, match="folder is not a file"):
        storage.read_path("folder")
    with pytest.raises(OSError, match="cannot write 1 bytes"):
        storage.write_path("folder", b"1")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_name_that_is_too_long_is_an_error_that_says_so(tmp_path):
    with pytest.raises(
        OSError, match="the name is too long for the file system; choose a shorter key"
    ) as caught:
        LocalFileSystem(basepath=tmp_path).write_path("x" * 300, b"")
    assert caught.value.errno == errno.ENAMETOOLONG
    assert os.listdir(tmp_path) == []


def python(script, *args, env=None):
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, args)],
        env={**os.environ, "PYTHONPATH": SOURCE, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_killed_writer_leaves_no_half_file(tmp_path):
    storage = LocalFileSystem(basepath=tmp_path)
    storage.write_path("key", b"old")
    script = (
        "import sys; from prefect.filesystems import LocalFileSystem\n"
        "LocalFileSystem(basepath=sys.argv[1]).write_path('key', b'new' * 1000)"
    )
    run = python(script, tmp_path, env={"PLUPERFECT_FAULTPOINT": "result.temporary_written"})
    assert run.returncode == -signal.SIGKILL
    assert storage.read_path("key") == b"old"
    assert python(script, tmp_path).returncode == 0
    assert storage.read_path("key") == b"new" * 1000


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    script = (
        "import resource, signal, sys; from prefect.filesystems import LocalFileSystem\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # as near to a full disk as a test can come\n"
        "try: LocalFileSystem(basepath=sys.argv[1]).write_path('key', b'x' * 100_000)\n"
        "except OSError as exc: print(exc)"
    )
    run = python(script, tmp_path)
    assert "cannot write 100000 bytes: " in run.stdout, run.stderr
    assert os.listdir(tmp_path) == []


def test_a_read_only_folder_is_a_clear_error(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir(mode=0o555)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    script = (
        "import os, sys; from prefect.filesystems import LocalFileSystem\n"
        "storage = LocalFileSystem(basepath=sys.argv[1])\n"
        "if os.getuid() == 0: os.setuid(65534)  # root may write anywhere\n"
        "try: storage.write_path('key', b'x')\n"
        "except PermissionError as exc: print(exc)"
    )
    run = python(script, folder)
    assert "permission denied; make the folder writable or choose another one" in run.stdout, run.stderr
    assert os.listdir(folder) == []


def test_many_writers_of_one_file_leave_one_whole_content(tmp_path):
    storage = LocalFileSystem(basepath=tmp_path)
    contents = [bytes([letter]) * 50_000 for letter in b"abcdefgh"]
    threads = [threading.Thread(target=storage.write_path, args=("key", content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.read_path("key") in contents
    assert os.listdir(tmp_path) == ["key"]


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for name in ("a.py", "a.pyc", "sub/b.py", "sub/c.pyc", "node/x", "sub/node/y", "keep.log", "other.log"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / ".prefectignore").write_text("# comment\n\n*.pyc\n/node/\n*.log\n!keep.log\n.prefectignore\n")
    return root


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_folders_go_there_and_back(storage, tree, tmp_path):
    storage.put_directory(str(tree), "there", ignore_file=str(tree / ".prefectignore"))
    storage.get_directory("there", str(tmp_path / "back"))
    assert names(tmp_path / "back") == ["a.py", "keep.log", "sub/b.py", "sub/node/y"]


def test_folders_without_an_ignore_file(storage, tree, tmp_path):
    async def there_and_back():
        await storage.aput_directory(str(tree))
        await storage.aget_directory(None, str(tmp_path / "back"))

    asyncio.run(there_and_back())
    assert names(tmp_path / "back") == names(tree)


def test_remote_files_are_not_overwritten_unless_asked(tree):
    storage = RemoteFileSystem(basepath="memory://bucket/two")
    assert storage.put_directory(str(tree)) == 9
    assert storage.put_directory(str(tree), overwrite=False) == 0
    fsspec.filesystem("memory").store.clear()


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("*.py", "a/b.py", True),
        ("/*.py", "a/b.py", False),
        ("a/*.py", "a/b.py", True),
        ("a/*.py", "c/a/b.py", False),
        ("**/x", "a/b/x", True),
        ("a/**/x", "a/x", True),
        ("a/**", "a/b/c", True),
        ("?.py", "ab.py", False),
        ("[ab].py", "b.py", True),
        ("a.b", "axb", False),
        ("folder/", "folder", False),
    ],
)
def test_ignore_patterns(pattern, path, ignored):
    assert IgnoreRules([pattern]).ignores(path, is_folder=False) is ignored


@pytest.mark.parametrize(
    ("basepath", "message"),
    [
        ("root", "Base path must start with a scheme. Got 'root'."),
        ("s3://", "Base path must include a location after the scheme. Got 's3://'."),
        ("file://relative", "must be absolute"),
    ],
)
def test_a_base_path_that_is_no_url(basepath, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        RemoteFileSystem(basepath=basepath)


def test_another_scheme_is_refused():
    with pytest.raises(ValueError, match="must use the same scheme as the base path 'memory'"):
        RemoteFileSystem(basepath="memory://a").read_path("s3://a/b")


def test_a_url_of_an_unknown_kind_or_without_its_package():
    with pytest.raises(ValueError, match="fsspec does not know 'nonsense'"):
        RemoteFileSystem(basepath="nonsense://x").filesystem  # noqa: B018
    with pytest.raises(ImportError, match="Cannot use 's3://x': Install s3fs"):
        RemoteFileSystem(basepath="s3://x").filesystem  # noqa: B018


def test_the_null_file_system_keeps_nothing():
    async def use():
        null = NullFileSystem()
        return await null.write_path("a", b"1"), await null.read_path("a")

    assert asyncio.run(use()) == (None, None)


def test_capabilities_and_slugs():
    assert LocalFileSystem.get_block_type_slug() == "local-file-system"
    assert RemoteFileSystem.get_block_type_slug() == "remote-file-system"
    assert LocalFileSystem.get_block_capabilities() == {
        "read-path",
        "write-path",
        "get-directory",
        "put-directory",
    }
    assert ReadableFileSystem.get_block_capabilities() == {"read-path"}
    with pytest.raises(TypeError, match="abstract"):
        WritableFileSystem()
    assert issubclass(PathNotFound, FileNotFoundError)
