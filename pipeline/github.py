"""The parts of GitHub's REST API that the pipeline uses, and nothing of what it decides.

https://docs.github.com/en/rest
"""

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import urllib3

from pipeline.approval import Run
from pipeline.errors import PipelineError, UsageError
from pipeline.model import COMMIT

BOT = "github-actions[bot]"
"""Who writes with the token of a job."""

_TIMEOUT_SECONDS = 10.0
_PAGE = 100
_MAXIMUM_PAGES = 50
_MAXIMUM_FILES = 300
"""More than these a comparison does not list."""
_API_VERSION = "2022-11-28"
_TOKEN_VARIABLE = "GITHUB_TOKEN"  # noqa: S105 # its name
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on an issue or pull request.

    Attributes:
        number: its id.
        author: who wrote it.
        body: what it says.
    """

    number: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue.

    Attributes:
        number: its number.
        author: who opened it.
        title: its title.
        body: what it says.
        is_open: whether it is open.
    """

    number: int
    author: str
    title: str
    body: str
    is_open: bool


class GitHub:
    """One repository on GitHub, with the permissions of a token."""

    def __init__(self, api_url: str, repository: str, token: str, *, author: str = BOT) -> None:
        """Keep where, and as whom.

        Args:
            api_url: such as ``https://api.github.com``.
            repository: owner and name.
            token: that of the job.
            author: whose comments and issues are this token's own: no other is ever changed.
        """
        if not _REPOSITORY.fullmatch(repository):
            raise UsageError(f"{repository!r} is no repository", hint="<owner>/<name>")
        self.repository = repository
        self.author = author
        self._base = f"{api_url.rstrip('/')}/repos/{repository}"
        self._token = token
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT_SECONDS, retries=_RETRIES)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """From the environment of a job.

        Raises:
            UsageError: this is no job of GitHub Actions, or it has no token.
        """
        names = ("GITHUB_API_URL", "GITHUB_REPOSITORY", _TOKEN_VARIABLE)
        return cls(*(require(environ, name) for name in names))

    def comments(self, issue: int) -> Iterator[Comment]:
        """The comments of an issue or pull request, the oldest first."""
        for entry in self._pages(f"issues/{issue}/comments"):
            yield Comment(int(entry["id"]), _login(entry.get("user")), str(entry.get("body") or ""))

    def add_comment(self, issue: int, body: str) -> None:
        """Comment on an issue or pull request."""
        self._send("POST", f"issues/{issue}/comments", {"body": body})

    def edit_comment(self, number: int, body: str) -> None:
        """Replace what a comment says."""
        self._send("PATCH", f"issues/comments/{number}", {"body": body})

    def delete_comment(self, number: int) -> None:
        """Delete a comment."""
        self._send("DELETE", f"issues/comments/{number}")

    def head_of(self, pull_request: int) -> str:
        """The newest commit of a pull request."""
        return str(self._get(f"pulls/{pull_request}")["head"]["sha"])

    def issues(self, label: str) -> Iterator[Issue]:
        """The issues with a label, open and closed; no pull requests."""
        query = urllib.parse.urlencode({"labels": label, "state": "all"})
        for entry in self._pages(f"issues?{query}"):
            if "pull_request" not in entry:
                yield Issue(
                    int(entry["number"]),
                    _login(entry.get("user")),
                    str(entry["title"]),
                    str(entry.get("body") or ""),
                    entry["state"] == "open",
                )

    def open_issue(self, title: str, body: str, label: str) -> int:
        """Open an issue and return its number."""
        content = {"title": title, "body": body, "labels": [label]}
        return int(self._send("POST", "issues", content)["number"])

    def edit_issue(self, number: int, **fields: str) -> None:
        """Change an issue: ``title``, ``body``, ``state``, ``state_reason``."""
        self._send("PATCH", f"issues/{number}", fields)

    def propose(self, branch: str, base: str, title: str, body: str) -> int:
        """Open a pull request for a branch of this repository, or update the one that is open.

        Returns:
            Its number.
        """
        owner = self.repository.partition("/")[0]
        query = urllib.parse.urlencode({"state": "open", "head": f"{owner}:{branch}", "base": base})
        for found in self._pages(f"pulls?{query}"):
            number = int(found["number"])
            self._send("PATCH", f"pulls/{number}", {"title": title, "body": body})
            return number
        content = {"title": title, "body": body, "head": branch, "base": base}
        return int(self._send("POST", "pulls", content)["number"])

    def ensure_label(self, name: str, colour: str, description: str) -> None:
        """Make a label where there is none."""
        path = f"labels/{urllib.parse.quote(name, safe='')}"
        if self._request("GET", path, allow=(HTTPStatus.NOT_FOUND,)).status == HTTPStatus.NOT_FOUND:
            self._send(
                "POST", "labels", {"name": name, "color": colour, "description": description}
            )

    def default_branch(self) -> str:
        """The branch that is merged into."""
        return self._text(self._get(""), "default_branch")

    def tip_of(self, branch: str) -> str:
        """The newest commit of a branch; a tag of the same name is another thing."""
        answer = self._get(f"git/ref/heads/{urllib.parse.quote(branch)}")
        return self._text(answer.get("object") if isinstance(answer, dict) else None, "sha")

    def files_since(self, base: str, head: str) -> tuple[str, ...]:
        """The files in which a commit differs from one before it, a renamed one by both names.

        Raises:
            PipelineError: it does not come after the other, or GitHub does not list all files.
        """
        # Files stand on the first page alone, however short that is.
        answer = self._get(f"compare/{base}...{head}?per_page=1&page=1")
        if self._text(answer, "status") not in ("ahead", "identical"):
            raise PipelineError(f"{head} does not come after {base}: history was rewritten")
        entries = answer.get("files")
        if not isinstance(entries, list) or len(entries) >= _MAXIMUM_FILES:
            raise PipelineError(f"GitHub does not list all files between {base} and {head}")
        names = ("filename", "previous_filename")
        return tuple(str(entry[name]) for entry in entries for name in names if entry.get(name))

    def run(self, server: str, run_id: str, *, commit: str, base: str = "") -> Run:
        """A run of a workflow, its reviews, and who wrote what it applies.

        Args:
            server: where people see it, such as ``https://github.com``.
            run_id: its number.
            commit: what it applies.
            base: where the change began; empty when only the commit's own pull requests are known.

        Raises:
            PipelineError: GitHub does not answer as its documentation says.
        """
        if not run_id.isdigit():
            raise UsageError(f"{run_id!r} is no run of a workflow")
        path = f"actions/runs/{run_id}"
        run, reviews = self._get(path), self._get(f"{path}/approvals")
        if not isinstance(reviews, list):
            raise PipelineError("GitHub's review history of the run is no list")
        try:
            accounts = [run[name] for name in ("actor", "triggering_actor")]
            starters = tuple((str(entry["login"]), str(entry["type"])) for entry in accounts)
        except (KeyError, TypeError) as error:
            raise PipelineError("GitHub does not say who started the run") from error
        return Run(
            f"{server}/{self.repository}/actions/runs/{run_id}",
            starters,
            frozenset(self._authors(commit, base)),
            reviews,
        )

    def _authors(self, commit: str, base: str) -> Iterator[str]:
        """Who opened the pull requests of a commit, and who wrote the commits since the base."""
        for name in filter(None, (commit, base)):
            if not COMMIT.fullmatch(name):
                raise UsageError(f"{name!r} is no commit")
        for pull_request in self._pages(f"commits/{commit}/pulls"):
            yield _login(pull_request.get("user"))
        if base:
            entries = self._pages(f"compare/{base}...{commit}", below="commits")
        else:
            entries = iter([self._get(f"commits/{commit}")])
        for entry in entries:
            for who in ("author", "committer"):
                # GitHub itself commits what somebody merged in the browser.
                if (login := _login(entry.get(who))) not in ("", "web-flow"):
                    yield login

    def _pages(self, path: str, below: str | None = None) -> Iterator[dict[str, Any]]:
        separator = "&" if "?" in path else "?"
        for page in range(1, _MAXIMUM_PAGES + 1):
            answer = self._get(f"{path}{separator}per_page={_PAGE}&page={page}")
            entries = answer.get(below) if below and isinstance(answer, dict) else answer
            if not isinstance(entries, list):
                raise PipelineError(f"GitHub's answer to {path} is no list")
            yield from entries
            if len(entries) < _PAGE:
                return
        raise PipelineError(f"GitHub has more than {_MAXIMUM_PAGES * _PAGE} entries at {path}")

    def _text(self, answer: object, key: str) -> str:
        value = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(value, str) or not value:
            raise PipelineError(f"GitHub's answer has no {key}")
        return value

    def _get(self, path: str) -> Any:
        return self._decoded("GET", path, None)

    def _send(self, method: str, path: str, content: Mapping[str, object] | None = None) -> Any:
        return self._decoded(method, path, content)

    def _decoded(self, method: str, path: str, content: Mapping[str, object] | None) -> Any:
        answer = self._request(method, path, content)
        if answer.status == HTTPStatus.NO_CONTENT:
            return None
        try:
            return json.loads(answer.data)
        except ValueError as error:
            raise PipelineError(f"GitHub's answer to {method} {path} is not JSON") from error

    def _request(
        self,
        method: str,
        path: str,
        content: Mapping[str, object] | None = None,
        *,
        allow: tuple[int, ...] = (),
    ) -> urllib3.BaseHTTPResponse:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "User-Agent": "aws-api-gateway-mtls",
            "X-GitHub-Api-Version": _API_VERSION,
        }
        body = None
        if content is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(content).encode()
        try:
            url = f"{self._base}/{path}".rstrip("/")
            answer = self._pool.request(method, url, headers=headers, body=body)
        except urllib3.exceptions.HTTPError as error:
            raise PipelineError(
                f"GitHub cannot be reached: {type(error).__name__}", hint="run the job again"
            ) from error
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in allow:
            raise PipelineError(
                f"GitHub answers {answer.status} to {method} {path.partition('?')[0]}",
                hint=_HINTS.get(answer.status, ""),
            )
        return answer


_RETRIES = urllib3.Retry(
    total=3,
    backoff_factor=0.5,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("GET", "PATCH"),  # a POST that was answered late would be there twice
    raise_on_status=False,
)
_HINTS: dict[int, str] = {
    401: "the token is none, or has ended: run the job again",
    403: "the job lacks a permission: compare `permissions:` with docs/gitops.md",
    404: "there is no such thing, or the job may not see it: compare `permissions:`",
    422: "GitHub did not like what it was sent",
}


def require(environ: Mapping[str, str], name: str) -> str:
    """A variable of a job.

    Raises:
        UsageError: it is not set.
    """
    if value := environ.get(name):
        return value
    raise UsageError(f"{name} is not set", hint="this is for a job of GitHub Actions")


def _login(account: object) -> str:
    """The login of an account; empty for one that is gone, or that a commit has none of."""
    return str(account.get("login", "")) if isinstance(account, dict) else ""
