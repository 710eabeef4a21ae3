"""A GitHub of a few pages, over a real socket: as much of its REST API as the pipeline asks for."""

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from pipeline.github import BOT, GitHub
from tests.pipeline.reports import HEAD

REPOSITORY = "example-org/aws-api-gateway-mtls"
TOKEN = "ghs_a-token-of-a-job"
LIMIT = 65_536
"""Characters that GitHub takes in a comment."""


def person(login: str) -> dict[str, Any]:
    return {"login": login, "type": "User"}


def app(login: str) -> dict[str, Any]:
    return {"login": login, "type": "Bot"}


@dataclass
class Server:
    """What GitHub knows; a test fills it, and reads it again."""

    url: str = ""
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    reviews: Any = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    commits: list[dict[str, Any]] = field(default_factory=list)
    default_branch: str = "main"
    tips: dict[str, str] = field(default_factory=lambda: {"main": HEAD})
    files: Any = field(default_factory=list)
    status: str = "ahead"
    """Of the tip, seen from what is compared with it."""
    proposals: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    fails: list[int] = field(default_factory=list)
    """Statuses that the next requests are answered with."""

    def client(self) -> GitHub:
        return GitHub(self.url, REPOSITORY, TOKEN)

    @property
    def environ(self) -> dict[str, str]:
        """Of a job."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "30433642",
            "GITHUB_TOKEN": TOKEN,
        }

    def say(self, body: str, *, by: str = BOT, issue: int = 7) -> int:
        number = len(self.comments) + 100
        user = app(by) if by.endswith("[bot]") else person(by)
        self.comments[number] = {"id": number, "issue": issue, "user": user, "body": body}
        return number

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        for pattern, handle in _ROUTES:
            if (found := re.fullmatch(pattern, f"{method} {path}")) is not None:
                return handle(self, found, query, body)
        return 404, {"message": "Not Found"}


type Handler = Callable[[Server, re.Match[str], dict[str, str], Any], tuple[int, Any]]
_ROUTES: list[tuple[str, Handler]] = []


def route(pattern: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        _ROUTES.append((pattern, handler))
        return handler

    return register


def page(entries: list[Any], query: dict[str, str]) -> list[Any]:
    size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
    return entries[(number - 1) * size : number * size]


@route(r"GET issues/(\d+)/comments")
def list_comments(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    of_issue = [one for one in server.comments.values() if one["issue"] == int(found[1])]
    return 200, page(of_issue, query)


@route(r"POST issues/(\d+)/comments")
def add_comment(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    if len(body["body"]) > LIMIT:
        return 422, {"message": "body is too long (maximum is 65536 characters)"}
    return 201, {"id": server.say(body["body"], issue=int(found[1]))}


@route(r"PATCH issues/comments/(\d+)")
def edit_comment(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    if len(body["body"]) > LIMIT:
        return 422, {"message": "body is too long (maximum is 65536 characters)"}
    server.comments[int(found[1])]["body"] = body["body"]
    return 200, server.comments[int(found[1])]


@route(r"DELETE issues/comments/(\d+)")
def delete_comment(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    del server.comments[int(found[1])]
    return 204, None


@route(r"GET pulls/(\d+)")
def pull(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    return 200, {"head": {"sha": server.heads[int(found[1])]}}


@route(r"GET pulls")
def open_pulls(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    owner, _, branch = query["head"].partition(":")
    assert owner == REPOSITORY.partition("/")[0]
    return 200, page([one for one in server.proposals if one["head"] == branch], query)


@route(r"POST pulls")
def propose(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    server.proposals.append({**body, "number": 70 + len(server.proposals)})
    return 201, server.proposals[-1]


@route(r"PATCH pulls/(\d+)")
def edit_pull(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    server.proposals[int(found[1]) - 70] |= body
    return 200, server.proposals[int(found[1]) - 70]


@route(r"GET issues")
def list_issues(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    wanted = [one for one in server.issues.values() if query["labels"] in one["labels"]]
    return 200, page(wanted, query)


@route(r"POST issues")
def open_issue(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    number = len(server.issues) + 1
    server.issues[number] = {**body, "number": number, "user": app(BOT), "state": "open"}
    return 201, server.issues[number]


@route(r"PATCH issues/(\d+)")
def edit_issue(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    server.issues[int(found[1])] |= body
    return 200, server.issues[int(found[1])]


@route(r"GET labels/(.+)")
def label(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    name = urllib.parse.unquote(found[1])
    return (200, server.labels[name]) if name in server.labels else (404, {})


@route(r"POST labels")
def make_label(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    server.labels[body["name"]] = body
    return 201, body


@route(r"GET actions/runs/30433642")
def run(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    return 200, server.run


@route(r"GET actions/runs/30433642/approvals")
def approvals(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    return 200, server.reviews


@route(r"GET commits/([0-9a-f]+)/pulls")
def pulls(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    return 200, page(server.pulls, query)


@route(r"GET commits/([0-9a-f]+)")
def commit(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    return 200, server.commits[-1]


@route(r"GET compare/([0-9a-f]+)\.\.\.([0-9a-f]+)")
def compare(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    answer = {"status": server.status, "commits": page(server.commits, query)}
    return 200, answer | ({"files": server.files} if query.get("page", "1") == "1" else {})


@route(rf"GET /repos/{REPOSITORY}")
def repository(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    return 200, {"full_name": REPOSITORY, "default_branch": server.default_branch}


@route(r"GET git/ref/heads/(.+)")
def branch(server: Server, found: Any, query: Any, body: Any) -> tuple[int, Any]:
    name = urllib.parse.unquote(found[1])
    if name not in server.tips:
        return 404, {}
    return 200, {"ref": f"refs/heads/{name}", "object": {"sha": server.tips[name]}}


@contextmanager
def running() -> Iterator[Server]:
    """A server with nothing in it."""
    server = Server()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            address = urllib.parse.urlparse(self.path)
            path = address.path.removeprefix(f"/repos/{REPOSITORY}/")
            server.requests.append(f"{self.command} {path}")
            if server.fails:
                status, answer = server.fails.pop(0), {"message": "no"}
            elif self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, answer = 401, {"message": "Bad credentials"}
            else:
                query = dict(urllib.parse.parse_qsl(address.query))
                status, answer = server.answer(self.command, path, query, body)
            data = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 # as http.server calls them

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as door:
        door.daemon_threads = True
        Thread(target=door.serve_forever, args=(0.01,), daemon=True).start()
        server.url = f"http://127.0.0.1:{door.server_address[1]}"
        try:
            yield server
        finally:
            door.shutdown()
