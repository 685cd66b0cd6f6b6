"""A git repository as the source of code: cloned once, then brought up to date."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from prefect._base.dual import in_thread
from prefect.runner._git import GitFailed, git, login_of, split_login

_COMMIT: Final = re.compile(r"^[0-9a-fA-F]{4,64}$")


class GitRepository:
    """A git repository.

    Args:
        url: any URL that git understands. Credentials in it are taken out, and given to git apart.
        credentials: a mapping or a block with `access_token`, `token` or `password`, and maybe `username`.
        name: of the folder; by default that of the repository, with the branch if one is named.
        branch: or a tag; the repository's default branch if None.
        commit_sha: instead of a branch, that commit and no other.
        include_submodules: fetch them too.
        pull_interval: seconds between two looks for news by who serves it; None: never.
        directories: check out these folders only.

    Raises:
        ValueError: a branch and a commit, a commit that is none, or a username without a secret.
    """

    def __init__(  # noqa: PLR0917 - a public signature
        self,
        url: str,
        credentials: Any = None,
        name: str | None = None,
        branch: str | None = None,
        commit_sha: str | None = None,
        include_submodules: bool = False,
        pull_interval: int | None = 60,
        directories: list[str] | None = None,
    ) -> None:
        if branch and commit_sha:
            raise ValueError("Cannot provide both a branch and a commit SHA. Please provide only one.")
        if commit_sha is not None and not _COMMIT.match(commit_sha):
            raise ValueError(
                f"Invalid commit SHA: expected 4 to 64 hexadecimal digits, got {commit_sha!r}. "
                "Name a branch or a tag with `branch`."
            )
        self._url, login = split_login(url)
        self._login = login_of(self._url, credentials) or login
        self._has_login_in_url = login is not None
        self._credentials = credentials
        self._given_name = name
        self._branch = branch
        self._commit_sha = commit_sha
        self._include_submodules = include_submodules
        self._directories = directories
        self._pull_interval = pull_interval
        self._base = Path.cwd()
        plain = _name_in(self._url)
        self._name = name or (f"{plain}-{branch.replace('/', '-')}" if branch else plain)

    @property
    def destination(self) -> Path:
        """The folder of the clone."""
        return self._base / self._name

    def set_base_path(self, path: Path) -> None:
        """Say in which folder the clone is to be."""
        self._base = path

    @property
    def pull_interval(self) -> int | None:
        """Seconds between two looks for news; None: never."""
        return self._pull_interval

    async def is_sparsely_checked_out(self) -> bool:
        """Whether only some folders are there."""
        return await in_thread(lambda: self._says("config", "--get", "core.sparsecheckout").lower() == "true")

    async def is_shallow_clone(self) -> bool:
        """Whether the history is not there."""
        return await in_thread(lambda: self._says("rev-parse", "--is-shallow-repository") == "true")

    async def is_current_commit(self) -> bool:
        """Whether the commit that is asked for is checked out.

        Raises:
            ValueError: none is asked for.
        """
        if not self._commit_sha:
            raise ValueError("No commit SHA provided")
        return await in_thread(self._is_current)

    async def pull_code(self) -> None:
        """Clone the repository, or bring the clone up to date.

        Raises:
            RuntimeError: git could not.
            ValueError: the folder holds something else.
        """
        await in_thread(self.pull)

    def pull(self) -> None:
        """`pull_code`, at once."""
        if not self.destination.exists():
            self._clone()
            return
        if not (self.destination / ".git").exists():
            if any(self.destination.iterdir()):
                raise ValueError(
                    f"Expected {self.destination} to be a clone of {self._url}, found a folder with something "
                    "else in it. Remove it, or choose another name."
                )
            self.destination.rmdir()
            self._clone()
            return
        known, _ = split_login(self._says("config", "--get", "remote.origin.url"))
        if known != self._url:
            raise ValueError(
                f"The existing repository at {self.destination} does not match the configured repository "
                f"{self._url}: it is a clone of {known or 'nothing'}. Remove it, or choose another name."
            )
        if not (self._commit_sha and self._is_current()):
            self._update(self.destination)

    def to_pull_step(self) -> dict[str, Any]:
        """The pull step of a deployment that does the same.

        Raises:
            ValueError: it would hold a secret in the clear.
            BlockNotSavedError: a secret is in a block that was not saved.
        """
        if self._has_login_in_url:
            raise ValueError(
                f"The URL of {self._url} holds credentials, which would be stored in the clear. Save them as a "
                "Secret block, and pass it: GitRepository(url, credentials={'access_token': Secret.load('name')})."
            )
        step: dict[str, Any] = {"repository": self._url, "branch": self._branch}
        if self._given_name:
            step["clone_directory_name"] = self._given_name
        if self._directories:
            step["directories"] = self._directories
        if self._include_submodules:
            step["include_submodules"] = True
        if self._commit_sha:
            step["commit_sha"] = self._commit_sha
        if self._credentials is not None:
            step["credentials"] = _without_secrets(self._credentials)
        return {"prefect.deployments.steps.git_clone": step}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GitRepository):
            return False
        return (self._url, self._branch, self._commit_sha, self._name) == (
            other._url,
            other._branch,
            other._commit_sha,
            other._name,
        )

    def __hash__(self) -> int:
        return hash((self._url, self._branch, self._commit_sha, self._name))

    def __repr__(self) -> str:
        return f"GitRepository(name={self._name!r} repository={self._url!r}, branch={self._branch!r})"

    def _git(self, *words: str, folder: Path | None = None) -> str:
        return git(*words, url=self._url, login=self._login, folder=folder)

    def _says(self, *words: str) -> str:
        """What git says in the clone; nothing, where it has nothing to say."""
        try:
            return self._git(*words, folder=self.destination)
        except GitFailed:
            return ""

    def _is_current(self) -> bool:
        assert self._commit_sha is not None
        return self._says("rev-parse", "HEAD").startswith(self._commit_sha.lower())

    def _clone(self) -> None:
        """Into a folder beside, which takes its place once it is whole."""
        folder = self.destination.parent
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".clone-", dir=folder))
        try:
            beside.chmod(0o755)
            self._git("init", "--quiet", folder=beside)
            self._git("remote", "add", "--", "origin", self._url, folder=beside)
            if self._directories:
                self._git("sparse-checkout", "set", "--", *self._directories, folder=beside)
            self._update(beside)
            self._take_place(beside)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _take_place(self, beside: Path) -> None:
        try:
            os.rename(beside, self.destination)  # noqa: PTH104 - fails where somebody else was faster
        except OSError:
            if not (self.destination / ".git").exists():
                raise

    def _update(self, folder: Path) -> None:
        try:
            self._fetch(folder)
            self._git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", folder=folder)
            if self._include_submodules:
                self._git("submodule", "update", "--init", "--recursive", "--force", folder=folder)
        except GitFailed as exc:
            what = f" (branch {self._branch})" if self._branch else ""
            raise RuntimeError(
                f"Failed to clone repository {self._url!r}{what}: {exc}\n"
                "Check the URL, the branch, and that the credentials may read it."
            ) from None

    def _fetch(self, folder: Path) -> None:
        """What is wanted, without its history where the other side gives it alone."""
        wanted = self._commit_sha or self._branch or "HEAD"
        shallow = ["fetch", "--quiet", "--depth=1", "--no-tags", "--", "origin", wanted]
        try:
            self._git(*shallow, folder=folder)
        except GitFailed as exc:
            if self._commit_sha is None:
                if "shallow" not in str(exc):
                    raise
                # files behind a plain web server, which cannot give a part of the history
                self._git(*(word for word in shallow if word != "--depth=1"), folder=folder)
                return
            # a shortened id, or a server that gives branches only: look for it in all there is
            self._git(
                "fetch", "--quiet", "--", "origin", "+refs/heads/*:refs/remotes/origin/*", folder=folder
            )
            full = self._git("rev-parse", "--verify", f"{self._commit_sha}^{{commit}}", folder=folder)
            (folder / ".git" / "FETCH_HEAD").write_text(f"{full}\t\t{self._url}\n", encoding="utf-8")


def _name_in(url: str) -> str:
    """The name of the repository, as git would call the folder of a clone."""
    last = urlsplit(url).path if "://" in url else url.rpartition(":")[2]
    name = last.rstrip("/").removesuffix("/.git").rstrip("/").rpartition("/")[2].removesuffix(".git")
    return "repository" if name in {"", ".", ".."} else name


def _without_secrets(credentials: Any) -> Any:
    """Credentials with a placeholder where a saved block is. Raises ValueError for a secret in the clear."""
    placeholder = getattr(credentials, "get_block_placeholder", None)
    if placeholder is not None:
        return "{{ %s }}" % placeholder()  # noqa: UP031 - braces
    if not hasattr(credentials, "keys"):
        raise ValueError(_IN_THE_CLEAR)
    shown = deepcopy({key: value for key, value in credentials.items() if key == "username"})
    for key, value in credentials.items():
        if key == "username" or value is None:
            continue
        if not hasattr(value, "get_block_placeholder"):
            raise ValueError(_IN_THE_CLEAR)
        shown[key] = "{{ %s }}" % value.get_block_placeholder()  # noqa: UP031 - braces
    return shown


_IN_THE_CLEAR: Final = (
    "Please save your access token as a Secret block before converting this storage object to a pull step: "
    "a deployment is stored in the clear."
)
