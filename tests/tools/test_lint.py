"""The checks: a commit runs those that its files concern, and our own find what they look for."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tools import lint
from tools.lint import Check, Session
from tools.paths import ROOT
from tools.tasks import TaskFailedError

Script = Callable[[Path, str], Path]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty checkout."""
    folder = tmp_path / "checkout"
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


def session(checkout: Path, path: str = "") -> Session:
    return Session(checkout, {"PATH": path})


def test_the_hook_of_a_commit_checks_its_files_in_one_process() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    (hook,) = repository["hooks"]

    assert (repository["repo"], hook["language"]) == ("local", "system")
    assert hook["entry"] == "tools/bootstrap uv run --frozen python -m tools.lint --changed"
    assert hook["require_serial"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pki/errors.py", {"mypy", "ruff", "ruff-format"}),
        (
            "modules/registry/main.tf",
            {"checkov", "docs", "live", "terraform-fmt", "terraform-validate"},
        ),
        ("live/root.hcl", {"live", "terragrunt-fmt"}),
        ("policies/lib/plan.rego", {"opa-check", "opa-fmt", "policy-docs", "regal"}),
        (".github/workflows/ci.yml", {"actionlint", "zizmor"}),
        ("functions/Dockerfile", {"checkov", "hadolint", "shellcheck"}),
        ("tools/bootstrap", {"shellcheck"}),
        ("docs/rotation.md", set()),
    ],
)
def test_a_changed_file_is_looked_at_by_the_checks_that_it_concerns(
    path: str, expected: set[str]
) -> None:
    changed = frozenset({Path(path)})

    looking = {check.name for check in lint.CHECKS if check.scope(changed) == changed}

    assert looking >= expected | {"machine-paths"}
    assert looking - expected <= {"machine-paths", "shellcheck"}


def test_a_check_whose_rules_change_looks_at_every_file() -> None:
    changed = frozenset({Path("pyproject.toml")})

    assert {check.name for check in lint.CHECKS if check.scope(changed) is None} == {
        "mypy",
        "ruff",
        "ruff-format",
    }


def test_a_session_of_a_change_looks_at_its_files_alone(checkout: Path) -> None:
    for name in ("kept.py", "changed.py"):
        (checkout / name).touch()
    changed = frozenset({Path("changed.py"), Path("deleted.py")})

    assert Session(checkout, {}, changed).files == [Path("changed.py")]
    assert Session(checkout, {}).files == [Path("changed.py"), Path("kept.py")]


def test_a_change_of_one_module_looks_at_that_module(checkout: Path) -> None:
    for name in ("one", "other"):
        folder = checkout / "modules" / name
        folder.mkdir(parents=True)
        (folder / "versions.tf").touch()
    changed = frozenset({Path("modules/one/main.tf")})

    assert [it.name for it in Session(checkout, {}, changed).modules] == ["one"]
    assert [it.name for it in Session(checkout, {}).modules] == ["one", "other"]


@pytest.mark.parametrize("check", lint.CHECKS, ids=lambda check: check.name)
def test_every_check_says_what_it_makes_sure_of(check: Check) -> None:
    assert check.about.endswith(".")


def test_a_check_that_finds_something_fails_with_all_it_found(checkout: Path) -> None:
    def find_two(run: Session) -> None:
        run.findings += ["one", "two"]

    with pytest.raises(TaskFailedError, match="one\n\ntwo"):
        lint.perform(Check(find_two, ".*"), {}, checkout)


def test_a_check_that_finds_nothing_passes(checkout: Path) -> None:
    def find_nothing(run: Session) -> None:
        """All is well."""

    assert lint.perform(Check(find_nothing, ".*"), {}, checkout) == "All is well."


def test_a_failing_command_is_a_finding_with_its_output(checkout: Path, tmp_path: Path) -> None:
    run = session(checkout)

    run.run(sys.executable, "-c", "print('line 3 is wrong'); raise SystemExit(4)")
    run.run(sys.executable, "-c", "raise SystemExit(5)")

    assert len(run.findings) == 2
    assert run.findings[0].endswith("\nline 3 is wrong")
    assert run.findings[1].endswith("\nexit code 5")


def test_a_missing_command_is_a_finding(checkout: Path) -> None:
    run = session(checkout)

    run.run("no-such-linter", "--check")

    assert run.findings == ["no-such-linter is not on PATH: run this through make"]


def test_files_are_those_that_git_knows_or_would_add(checkout: Path) -> None:
    for name in (".gitignore", "kept", "dropped"):
        (checkout / name).write_text("dropped\n")

    assert session(checkout).files == [Path(".gitignore"), Path("kept")]


@pytest.mark.parametrize(
    "path",
    ["/root" + "/project/x", "/home" + "/ada/x", "/Users" + "/ada/x"],
)
def test_a_path_of_somebodys_machine_is_found(path: str, checkout: Path) -> None:
    (checkout / "notes.md").write_text(f"fine\nsee `{path}`\n")
    run = session(checkout)

    lint.machine_paths(run)

    assert run.findings == [f"notes.md:2: see `{path}`"]


def test_the_path_of_the_checkout_itself_is_found(checkout: Path) -> None:
    (checkout / "config").write_text(f"folder = {checkout}/build\n")
    run = session(checkout)

    lint.machine_paths(run)

    assert run.findings == [f"config:1: folder = {checkout}/build"]


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/root/g1.pem",
        "root/g1.pem",
        "https://example.com/home/index.html",
        "${HOME}/root/x",
        "/usr/share/terraform",
    ],
)
def test_other_paths_are_left_alone(text: str, checkout: Path) -> None:
    (checkout / "notes.md").write_text(text)
    (checkout / "image.png").write_bytes(b"\xff\xfe\x00/root/x")
    run = session(checkout)

    lint.machine_paths(run)

    assert run.findings == []


def test_hadolint_reads_dockerfiles_and_not_what_goes_with_them(
    checkout: Path, tmp_path: Path, script: Script
) -> None:
    for name in ("Dockerfile", "edge.Dockerfile", "Dockerfile.dockerignore"):
        (checkout / name).touch()
    script(tmp_path / "bin" / "hadolint", 'echo "$@"; exit 1')
    run = session(checkout, str(tmp_path / "bin"))

    lint.hadolint(run)

    assert run.findings == ["$ hadolint ...\nDockerfile edge.Dockerfile"]


def test_paths_inside_an_image_are_the_images(checkout: Path) -> None:
    (checkout / "Dockerfile").write_text("RUN --mount=type=cache,target=/root" + "/.cache/uv\n")
    run = session(checkout)

    lint.machine_paths(run)

    assert run.findings == []


def test_shellcheck_reads_every_file_with_a_shells_shebang(
    checkout: Path, tmp_path: Path, script: Script
) -> None:
    (checkout / "a").write_text("#!/usr/bin/env bash\n")
    (checkout / "b.sh").write_text("#!/bin/sh\n")
    (checkout / "c.py").write_text("#!/usr/bin/env python3\n")
    script(tmp_path / "bin" / "shellcheck", 'echo "$@"; exit 1')
    run = session(checkout, str(tmp_path / "bin"))

    lint.shellcheck(run)

    assert run.findings == ["$ shellcheck ...\na b.sh"]


def test_an_unknown_check_is_a_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        lint.main(["spelling"])

    assert caught.value.code == 2
    assert "no check is called 'spelling'" in capsys.readouterr().err
