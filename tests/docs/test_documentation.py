"""What the documentation tells people to type exists, and where it sends them is there."""

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from local.story import SCENES, Scene
from mtls_authorizer.refusal import Refusal as AuthorizerRefusal
from mtls_est.refusal import ANSWERS
from mtls_est.refusal import Refusal as EstRefusal
from mtls_issuer.refusal import Refusal as IssuerRefusal
from mtls_token.refusal import ERRORS
from mtls_token.refusal import Refusal as TokenRefusal
from mtls_token_binding.binding import Refusal as BindingRefusal
from pki.gateway.chain import Refusal as EdgeRefusal
from tests.support import REPOSITORY

PAGES = [
    REPOSITORY / name
    for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=REPOSITORY, text=True, capture_output=True, check=True
    ).stdout.splitlines()
]
FLOW = REPOSITORY / "docs" / "mTLS-flow.md"

PROGRAMS = {
    "aws",
    "cd",
    "curl",
    "docker",
    "export",
    "git",
    "go",
    "mise",
    "mkdir",
    "node",
    "opa",
    "openssl",
    "pytest",
    "python",
    "read_connection",
    "terraform",
    "terragrunt",
    "umask",
    "uv",
}
"""What a reader has, or what a script that was sourced before provides."""

PROJECT_FOLDERS = ("docs/", "examples/", "functions/", "modules/", "pki/", "tests/", "tools/")
"""Not ``live/``: an adopter's accounts and regions have other names."""

_BLOCK = re.compile(r"^ *```(bash|sh|console)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PROMPTED = re.compile(r"^ *\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"<[a-z][a-z ]*>")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_INLINE_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_HEADING = re.compile(r"^#{1,6} +(.*)$", re.MULTILINE)
_TARGET = re.compile(r"^([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*):(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    page: Path
    words: tuple[str, ...]

    @property
    def in_environment(self) -> tuple[str, ...]:
        """The words, without the `uv run` that makes the environment."""
        words = list(self.words)
        if words[:2] == ["uv", "run"]:
            del words[:2]
            while words[0].startswith("--"):
                del words[0]
        return tuple(words)

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}: {' '.join(self.words)}"


def parse(text: str) -> Iterator[tuple[str, ...]]:
    """The simple commands of a shell block, without comments, assignments and placeholders."""
    bare = _PLACEHOLDER.sub("x", _COMMENT.sub("", text).replace("\\\n", " "))
    lexer = shlex.shlex(bare, posix=True, punctuation_chars="();|&<>\n")
    lexer.commenters = ""
    lexer.whitespace = " \t"
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, "\n"]:
        if set(word) <= set("();|&\n"):
            if words:
                yield tuple(words)
            words = []
        elif words or not re.match(r"[A-Z_]+=", word):
            words.append(word)


def commands() -> list[Command]:
    """Every command in a shell block, and every `make ...` and the like in running text."""
    beginnings = (
        "make ",
        "uv run ",
        "node ",
        "go run ",
        "examples/",
        *(f"{name} " for name in console_scripts()),
    )
    found: list[Command] = []
    for page in PAGES:
        text = page.read_text()
        blocks = [
            "\n".join(_PROMPTED.findall(block)) if language == "console" else block
            for language, block in _BLOCK.findall(text)
        ]
        inline = [code for code in _INLINE_CODE.findall(text) if code.startswith(beginnings)]
        for block in [*blocks, *inline]:
            found += [Command(page, words) for words in parse(block)]
    return found


@cache
def make_targets() -> frozenset[str]:
    files = [REPOSITORY / "Makefile", *(REPOSITORY / "makefiles").glob("*.mk")]
    return frozenset(
        target
        for file in files
        for names in _TARGET.findall(file.read_text())
        for target in names.split()
    )


@cache
def console_scripts() -> frozenset[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return frozenset(project["scripts"])


@cache
def help_of(script: str) -> str:
    completed = subprocess.run(
        [Path(sys.executable).parent / script, "--help"],
        text=True,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return completed.stdout


@pytest.mark.parametrize("command", commands(), ids=str)
def test_a_documented_command_exists(command: Command) -> None:
    program, *arguments = command.in_environment
    if program == "make":
        targets = [word for word in arguments if "=" not in word]
        assert set(targets) <= make_targets()
    elif program == "python" and arguments[0] == "-m":
        assert importlib.util.find_spec(arguments[1]), arguments[1]
    elif program == "source":
        (file,) = arguments
        assert file.startswith(".local/") or (REPOSITORY / file).is_file()
    elif "/" in program:
        assert (REPOSITORY / program).stat().st_mode & 0o111, "not an executable file"
    else:
        assert program in PROGRAMS | console_scripts()


@pytest.mark.parametrize("command", commands(), ids=str)
def test_a_documented_path_exists(command: Command) -> None:
    for word in command.words:
        if word.startswith(PROJECT_FOLDERS):
            assert (REPOSITORY / word).exists(), word


@pytest.mark.parametrize(
    "command",
    [command for command in commands() if command.in_environment[0] in console_scripts()],
    ids=str,
)
def test_a_documented_option_is_in_the_commands_help(command: Command) -> None:
    script, *arguments = command.in_environment
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")}

    assert options <= set(re.findall(r"--[a-z][a-z-]*", help_of(script)))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"[`*]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in {slug(title) for title in _HEADING.findall(target.read_text())}, link


def test_the_index_lists_every_page() -> None:
    index = REPOSITORY / "docs" / "README.md"
    listed = {(index.parent / link).resolve() for link in _LINK.findall(index.read_text())}

    assert set(index.parent.rglob("*.md")) - {index} <= listed


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_readme_shows_what_the_demo_tries_and_expects(scene: Scene) -> None:
    row = rf"^{re.escape(scene.title)} +{re.escape(scene.expected)} "

    assert re.search(row, (REPOSITORY / "README.md").read_text(), re.MULTILINE)


def section(title: str) -> str:
    """The text under a third-level heading of the flow page."""
    _, _, rest = FLOW.read_text().partition(f"\n### {title}")
    return rest.partition("\n### ")[0].partition("\n## ")[0]


def reasons(text: str) -> set[str]:
    """What is set as code and looks like a reason code."""
    return set(re.findall(r"`([a-z][a-z_]*)`", text))


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Before any function runs", set(EdgeRefusal)),
        ("`/token`", set(TokenRefusal)),
        ("Inside a token request", set(BindingRefusal)),
        ("A call with a token", set(AuthorizerRefusal)),
        ("Renewal: the functions", set(EstRefusal) | set(IssuerRefusal)),
    ],
)
def test_every_reason_code_is_explained(title: str, codes: set[str]) -> None:
    assert codes <= reasons(section(title))


def test_every_reason_of_a_renewal_stands_beside_its_status() -> None:
    rows = [line.split("|") for line in section("Renewal: the functions").splitlines()]
    documented = {
        code: statuses
        for _, statuses, *codes, _ in (row for row in rows if len(row) == 4)
        for code in reasons(codes[0])
    }

    for reason, (status, _) in ANSWERS.items():
        assert str(status) in documented[reason.value]


def test_every_reason_of_the_token_endpoint_stands_beside_its_oauth_error() -> None:
    rows = [line.split("|") for line in section("`/token`").splitlines() if line.startswith("|")]
    documented = {
        code: error.strip().strip("`") for _, _, error, codes, _ in rows for code in reasons(codes)
    }

    assert documented == {reason.value: error.value for reason, error in ERRORS.items()}
