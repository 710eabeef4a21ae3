"""Releases of modules: versions from commits, changelogs, tags; in real git."""

import base64
import json
from datetime import date
from pathlib import Path

import pytest

from pipeline import modules, releasing
from pipeline.__main__ import main
from pipeline.commands.release import job_environ
from pipeline.errors import RefusedError, UsageError
from pipeline.modules import Version
from pipeline.releasing import Bump, Commit, Release
from tests.pipeline import github_server, repositories
from tests.pipeline.repositories import ENVIRON, Repository
from tools.paths import ROOT

TODAY = date(2026, 11, 24)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_ACTIONS", "MODULE", "VERSION"):
        monkeypatch.delenv(name, raising=False)
    return repositories.make(tmp_path)


@pytest.fixture
def released(repository: Repository) -> Repository:
    """Both modules at 0.1.0."""
    for name in ("api", "function"):
        repository.release(name, "0.1.0")
    repository.run("push", "--quiet", "origin", "--tags")
    return repository


def look(repository: Repository, name: str = "api") -> Release | None:
    found = releasing.look(repository.git, [name]).releases
    return found[0] if found else None


def version(repository: Repository, name: str = "api") -> str | None:
    release = look(repository, name)
    return None if release is None else str(release.version)


def test_the_first_release_is_what_the_changelog_says(repository: Repository) -> None:
    release = look(repository)

    assert release == Release("api", None, Version(0, 1, 0), written=True)


def test_nothing_new_is_no_release(released: Repository) -> None:
    assert look(released) is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("fix(api): answer", "0.1.1"),
        ("perf: answer sooner", "0.1.1"),
        ("feat(api): answer more", "0.2.0"),
        ("feat!: answer otherwise", "0.2.0"),
        ("fix(api): x\n\nBREAKING CHANGE: y", "0.2.0"),
        ("docs(api): say how", None),
        ("refactor: turn round", None),
        ("Answer more", None),
        ("note: this is no type", None),
    ],
)
def test_a_commit_asks_for_a_version(
    released: Repository, message: str, expected: str | None
) -> None:
    released.touch("api", message)

    assert version(released) == expected


def test_after_one_what_breaks_is_a_major_version(released: Repository) -> None:
    released.release("api", "1.4.2")
    released.write(
        "modules/api/CHANGELOG.md",
        repositories.CHANGELOG.format(name="api").replace("0.1.0", "1.4.2"),
    )
    released.commit("chore: write")
    released.touch("api", "feat(api)!: answer otherwise")

    assert version(released) == "2.0.0"


def test_the_largest_of_several_counts_once(released: Repository) -> None:
    for message in ("fix: a", "feat: b", "fix: c"):
        released.touch("api", message)

    assert version(released) == "0.2.0"


def test_commits_that_are_not_conventional_are_listed_as_not_counted(released: Repository) -> None:
    released.touch("api", "Answer more")
    released.touch("api", "fix: x")

    found = releasing.look(released.git, ["api"])

    assert [commit.subject for commit in found.uncounted["api"]] == ["Answer more"]
    assert [str(release.version) for release in found.releases] == ["0.1.1"]


def test_a_commit_elsewhere_is_none_of_the_modules(released: Repository) -> None:
    released.write("docs/x.md", "x")
    released.commit("feat: write")

    assert look(released) is None


def test_a_module_is_released_when_what_it_uses_changed(released: Repository) -> None:
    released.touch("function", "feat(function): start sooner")

    release = look(released)

    assert release is not None
    assert str(release.version) == "0.1.1"
    assert list(release.through or {}) == ["function"]
    assert version(released, "function") == "0.2.0"


def test_a_version_that_somebody_wrote_is_taken(released: Repository) -> None:
    released.touch("api", "fix: x")
    released.write(
        "modules/api/CHANGELOG.md", "# Changelog\n\n## 0.3.0\n\n### Added\n- By hand.\n\n## 0.1.0\n"
    )
    released.commit("docs: write")

    release = look(released)

    assert release is not None
    assert (str(release.version), release.written) == ("0.3.0", True)


def test_a_version_that_is_too_small_is_refused(released: Repository) -> None:
    released.touch("api", "feat: x")
    released.write("modules/api/CHANGELOG.md", "## 0.1.1\n\n- x\n\n## 0.1.0\n")
    released.commit("docs: write")

    with pytest.raises(RefusedError, match=r"says 0\.1\.1, but .* since 0\.1\.0 takes 0\.2\.0"):
        look(released)


def test_a_changelog_behind_the_tags_is_refused(released: Repository) -> None:
    released.release("api", "0.5.0")

    with pytest.raises(RefusedError, match=r"ends at 0\.1\.0, and 0\.5\.0 was released"):
        look(released)


def test_a_tag_of_another_branch_is_no_release_of_this_one(released: Repository) -> None:
    released.run("switch", "--quiet", "--create", "other")
    released.touch("api", "feat: x")
    released.release("api", "0.9.0")
    released.run("switch", "--quiet", "main")

    assert look(released) is None


# The changelog.


def release_of(*commits: Commit) -> Release:
    return Release("api", Version(0, 1, 0), Version(0, 2, 0), written=False, commits=commits)


def test_a_section_is_written_as_a_changelog_has_it(released: Repository) -> None:
    for message in ("fix(api): close the door", "feat: open a window.", "feat!: drop `x`"):
        released.touch("api", message)
    released.touch("function", "fix: start sooner")
    release = look(released)
    assert release is not None

    files = releasing.write(released.root, [release], TODAY)

    assert released.read("modules/api/CHANGELOG.md") == (
        "# Changelog: api\n\nThe format is that of Keep a Changelog.\n\n"
        "## 0.2.0 - 2026-11-24\n\n"
        "### Changed\n- **Breaking:** Drop `x`.\n- Of `function`, which it uses: start sooner.\n\n"
        "### Added\n- Open a window.\n\n"
        "### Fixed\n- Close the door.\n\n"
        "## 0.1.0\n\n### Added\n- All of it.\n"
    )
    assert released.read("modules/api/README.md").endswith("?ref=refs/tags/modules/api/v0.2.0")
    assert [str(path) for path in files] == ["modules/api/CHANGELOG.md", "modules/api/README.md"]


def test_writing_twice_is_writing_once(released: Repository) -> None:
    released.touch("api", "feat: x")
    for _ in range(2):
        release = look(released)
        assert release is not None
        files = releasing.write(released.root, [release], TODAY)

    assert files == ()
    assert released.read("modules/api/CHANGELOG.md").count("## 0.2.0") == 1


@pytest.mark.parametrize("heading", ["## Unreleased", "## [Unreleased]"])
def test_what_people_wrote_as_unreleased_becomes_the_section(heading: str) -> None:
    text = f"# Changelog\n\n{heading}\n\n### Added\n- By hand.\n\n## 0.1.0\n\n- x\n"

    after = releasing.changelog(text, release_of(Commit.parse("a", "feat: y", "")), TODAY)

    assert after == text.replace(heading, "## 0.2.0 - 2026-11-24")


def test_an_empty_unreleased_section_is_replaced() -> None:
    text = "# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- x\n"

    after = releasing.changelog(text, release_of(Commit.parse("a", "feat: y", "")), TODAY)

    assert after == "# Changelog\n\n## 0.2.0 - 2026-11-24\n\n### Added\n- Y.\n\n## 0.1.0\n\n- x\n"


def test_a_written_version_gets_its_day() -> None:
    text = "# Changelog\n\n## 0.2.0\n\n- By hand.\n"

    assert "## 0.2.0 - 2026-11-24\n\n- By hand." in releasing.changelog(text, release_of(), TODAY)


def test_a_changelog_without_any_version_gets_its_first() -> None:
    after = releasing.changelog("# Changelog\n", release_of(Commit.parse("", "fix: z", "")), TODAY)

    assert after == "# Changelog\n\n## 0.2.0 - 2026-11-24\n\n### Fixed\n- Z.\n"


# Tags.


def tag(repository: Repository) -> tuple[str, ...]:
    entries = releasing.to_tag(repository.git, ["api", "function"])
    return releasing.make_tags(repository.git, entries)


def test_each_version_without_a_tag_gets_one_with_its_notes(repository: Repository) -> None:
    assert tag(repository) == ("modules/api/v0.1.0", "modules/function/v0.1.0")

    shown = repository.run(
        "for-each-ref", "--format=%(objecttype) %(contents)", "refs/tags/modules/api"
    )
    assert shown.startswith("tag api 0.1.0\n")
    assert "All of it." in shown
    assert tag(repository) == ()


def test_what_nobody_wrote_into_a_changelog_gets_no_tag(released: Repository) -> None:
    released.touch("api", "feat: x")

    assert tag(released) == ()


def test_modules_with_changes_that_are_not_committed_are_not_tagged(repository: Repository) -> None:
    repository.write("modules/api/main.tf", "# other\n")

    with pytest.raises(RefusedError, match="not committed"):
        tag(repository)


def test_a_tag_that_is_there_is_refused(repository: Repository) -> None:
    entries = releasing.to_tag(repository.git, ["api"])
    repository.release("api", "0.1.0")

    with pytest.raises(RefusedError, match=r"modules/api/v0\.1\.0 cannot be made"):
        releasing.make_tags(repository.git, entries)


def test_of_two_that_release_at_once_one_is_refused_whole(
    repository: Repository, tmp_path: Path
) -> None:
    second = Repository(tmp_path / "second", repository.remote)
    repository.run("clone", "--quiet", "--branch=main", str(repository.remote), str(second.root))
    second.commit("docs: later")
    first_tags, second_tags = tag(repository), tag(second)
    releasing.push(repository.git, first_tags[:1])  # the other has one that is new, too

    with pytest.raises(RefusedError, match="the tags were not pushed"):
        releasing.push(second.git, second_tags)

    there = repository.run("ls-remote", "--tags", "origin")
    assert "modules/function" not in there
    assert second.tags() == []


# The command.


def run(repository: Repository, *arguments: str) -> int:
    return main(["release", "--root", str(repository.root), *arguments])


def test_without_an_option_nothing_is_written(
    released: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    released.touch("api", "feat: x")
    released.touch("api", "By hand")
    capsys.readouterr()

    assert run(released) == 0

    out = capsys.readouterr()
    assert "api" in out.out
    assert "0.2.0" in out.out
    assert "not counted for api" in out.err
    assert released.run("status", "--porcelain") == ""
    assert len(released.tags()) == 2


def test_write_then_commit_then_tag_is_a_release(
    released: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    released.touch("api", "feat: x")

    assert run(released, "--write") == 0
    released.commit("chore(api): release")
    capsys.readouterr()
    assert run(released, "--tag", "--push") == 0

    assert capsys.readouterr().out == "modules/api/v0.2.0\n"
    assert "modules/api/v0.2.0" in released.run("ls-remote", "--tags", "origin")
    assert look(released) is None


def test_json_names_the_tag(released: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    released.touch("api", "feat: x")
    capsys.readouterr()

    assert run(released, "--json", "--module", "api") == 0

    (entry,) = json.loads(capsys.readouterr().out)["releases"]
    assert (entry["tag"], entry["last"]) == ("modules/api/v0.2.0", "0.1.0")


@pytest.mark.parametrize("arguments", [["--module", "none"], ["--module", "../x"], ["--push"]])
def test_wrong_usage(released: Repository, arguments: list[str]) -> None:
    assert run(released, *arguments) == 2


def test_a_job_proposes_the_release_as_one_pull_request(
    released: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    released.touch("api", "feat: x")
    with github_server.running() as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GITHUB_SERVER_URL", server.url)

        assert [run(released, "--pull-request") for _ in range(2)] == [0, 0]

    (proposed,) = server.proposals
    assert proposed["title"] == "chore(modules): release api 0.2.0"
    assert proposed["head"] == "release/modules"
    branch = released.run("show", "--stat", "--format=%an %s", "origin/release/modules")
    assert "modules/api/CHANGELOG.md" in branch
    assert released.run("status", "--porcelain") == ""


def test_a_jobs_token_reaches_git_by_the_environment_alone() -> None:
    found = job_environ(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_TOKEN": "t0ken",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "a.b",
            "GIT_CONFIG_VALUE_0": "c",
        }
    )

    assert found["GIT_CONFIG_COUNT"] == "2"
    assert found["GIT_CONFIG_KEY_1"] == "http.https://github.com/.extraheader"
    assert base64.b64decode(found["GIT_CONFIG_VALUE_1"].split()[-1]) == b"x-access-token:t0ken"
    assert job_environ({"A": "b"}) == {"A": "b"}


# The parts.


@pytest.mark.parametrize("text", ["1.0", "1.0.0-rc1", "v1.0.0", "01.0.0", "", "local"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no version"):
        Version.parse(text)


def test_versions_are_ordered_as_numbers() -> None:
    assert Version.parse("0.10.0") > Version.parse("0.9.9")


def test_a_bump_of_nothing_is_none() -> None:
    assert Bump.NONE.after(Version(1, 2, 3)) == Version(1, 2, 3)


def test_the_projects_own_modules_have_changelogs_with_a_version() -> None:
    for name in modules.names(ROOT):
        text = (ROOT / "modules" / name / "CHANGELOG.md").read_text()
        assert any(section.version for section in modules.sections(text)), name


def test_the_projects_own_modules_that_use_function_are_known() -> None:
    assert {name for name in modules.names(ROOT) if modules.used_by(ROOT, name)} >= {
        "authorizer",
        "watch",
    }
