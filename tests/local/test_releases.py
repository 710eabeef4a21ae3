"""Pins are tags of a repository that is made here, each with what it should hold."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local import releases
from local.errors import LocalError
from local.releases import Pin
from tests.support import LIVE
from tools.paths import ROOT

ADDRESS = "https://github.com/example-org/example.git"


def git(folder: Path, *arguments: str, **environ: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        cwd=folder,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working tree with one module, at 0.2.0, and a tag for its 0.1.0."""
    folder = tmp_path / "a project"
    module = folder / "modules" / "registry"
    module.mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / ".gitignore").write_text(".terraform/\n")
    (module / "main.tf").write_text("# old\n")
    (module / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    git(folder, "tag", "modules/registry/v0.1.0")
    (module / "main.tf").write_text("# new\n")
    (module / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 0.2.0\n\n## 0.1.0\n")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "state" / "modules.git"


def pin(version: str, module: str = "registry") -> Pin:
    return Pin("non-prod/eu-west-1/stage", module, version)


def content(repository: Path, tag: str, path: str = "modules/registry/main.tf") -> str:
    return git(repository, "show", f"{tag}:{path}")


def test_the_current_version_is_the_working_tree_and_an_older_one_the_project_s_tag(
    project: Path, repository: Path
) -> None:
    assert releases.build(repository, project, [pin("0.1.0"), pin("0.2.0")]) == []
    assert content(repository, "modules/registry/v0.2.0") == "# new"
    assert content(repository, "modules/registry/v0.1.0") == "# old"


def test_a_version_that_is_nowhere_is_told_and_leaves_no_tag(
    project: Path, repository: Path
) -> None:
    releases.build(repository, project, [pin("0.2.0")])
    changelog = project / "modules" / "registry" / "CHANGELOG.md"
    changelog.write_text("## 0.3.0\n")
    assert releases.build(repository, project, [pin("0.2.0"), pin("0.3.0")]) == [pin("0.2.0")]
    assert git(repository, "tag") == "modules/registry/v0.3.0"


def test_a_pin_that_is_nowhere_matters_where_it_is_brought_up_only() -> None:
    missing = [pin("0.9.0")]
    releases.require(missing, ["non-prod/eu-west-1/dev"])
    with pytest.raises(LocalError, match=r"stage/versions\.hcl pins registry 0\.9\.0") as refused:
        releases.require(missing, ["non-prod/eu-west-1/dev", "non-prod/eu-west-1/stage"])
    assert "git fetch --tags" in refused.value.hint
    assert "modules/registry/v0.9.0" in refused.value.hint


def test_a_module_without_a_changelog_has_no_version(project: Path, repository: Path) -> None:
    assert releases.build(repository, project, [pin("0.1.0", "unknown")]) == [
        pin("0.1.0", "unknown")
    ]


def test_new_files_are_in_it_and_ignored_ones_are_not(project: Path, repository: Path) -> None:
    module = project / "modules" / "registry"
    (module / "new.tf").touch()
    (module / ".terraform").mkdir()
    (module / ".terraform" / "provider").touch()
    releases.build(repository, project, [pin("0.2.0")])
    files = git(repository, "ls-tree", "-r", "--name-only", "modules/registry/v0.2.0").splitlines()
    assert files == [f"modules/registry/{name}" for name in ("CHANGELOG.md", "main.tf", "new.tf")]
    assert git(project, "status", "--short", "modules/registry/new.tf").startswith("??")


def test_the_same_files_make_the_same_commit(project: Path, repository: Path) -> None:
    assert releases.commit_of(repository) == ""
    releases.build(repository, project, [pin("0.2.0")])
    first = releases.commit_of(repository)
    releases.build(repository, project, [pin("0.2.0")])
    assert releases.commit_of(repository) == first
    (project / "modules" / "registry" / "main.tf").write_text("# newer\n")
    releases.build(repository, project, [pin("0.2.0")])
    assert releases.commit_of(repository) != first


def test_the_project_s_address_leads_to_it(project: Path, repository: Path, tmp_path: Path) -> None:
    releases.build(repository, project, [pin("0.2.0")])
    config = releases.git_config(repository, "example-org/example")
    git(tmp_path, "clone", "--quiet", ADDRESS, "clone", **config)
    git(tmp_path / "clone", "checkout", "--quiet", "modules/registry/v0.2.0")
    assert (tmp_path / "clone/modules/registry/main.tf").read_text() == "# new\n"


def test_copies_of_releases_are_forgotten_and_those_of_the_working_tree_kept(
    tmp_path: Path,
) -> None:
    units = tmp_path / ".terragrunt-cache" / "apply" / "unit"
    (units / "release" / "modules" / "registry").mkdir(parents=True)
    (units / "tree" / "registry").mkdir(parents=True)
    releases.forget_copies(tmp_path)
    assert [path.name for path in units.iterdir()] == ["tree"]


def test_without_git_it_is_said(
    project: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LocalError, match="git cannot be run") as refused:
        releases.build(repository, project, [])
    assert "install git" in refused.value.hint


def test_a_damaged_repository_is_named(project: Path, repository: Path) -> None:
    releases.build(repository, project, [pin("0.2.0")])
    shutil.rmtree(repository / "objects")
    with pytest.raises(LocalError, match="failed: ") as refused:
        releases.build(repository, project, [pin("0.2.0")])
    assert "remove the folder" in refused.value.hint


def test_every_pin_of_live_can_be_found(repository: Path) -> None:
    pins = releases.find_pins(LIVE)
    assert {found.folder.split("/")[-1] for found in pins} == {"account", "ca", "stage", "prod"}
    assert releases.build(repository, ROOT, pins) == []
