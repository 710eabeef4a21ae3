"""A module's version moves on by one line: what is written, shown and refused; in real git."""

import json
from pathlib import Path

import pytest

from pipeline import promotion
from pipeline.__main__ import main
from pipeline.errors import PipelineError, RefusedError, UsageError
from pipeline.promotion import Promotion
from pipeline.tree import Layout
from tests.pipeline import repositories
from tests.pipeline.repositories import ENVIRON, Repository

STAGE = "live/non-prod/eu-west-1/stage/versions.hcl"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """`api` 0.1.0 everywhere, 0.2.0 released, and the working tree is 0.2.0."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("VERSION", raising=False)
    made = repositories.make(tmp_path)
    for name in ("api", "function"):
        made.release(name, "0.1.0")
    made.write(
        "modules/api/CHANGELOG.md",
        "# Changelog\n\n## 0.2.0 - 2026-11-24\n\n### Added\n- A window.\n\n## 0.1.0\n\n- All.\n",
    )
    made.touch("api", "feat(api): open a window")
    made.release("api", "0.2.0")
    return made


def prepare(repository: Repository, **fields: str) -> Promotion:
    given = {"module": "api", "source": "dev", "target": "stage"} | fields
    return promotion.prepare(repository.git, Layout.here(repository.root), **given)


def test_one_line_is_written_and_the_rest_is_kept(repository: Repository) -> None:
    before = repository.read(STAGE)

    promotion.write(repository.root, prepare(repository))

    assert repository.read(STAGE) == before.replace(
        'api      = "0.1.0"   # what answers', 'api      = "0.2.0"   # what answers'
    )
    assert repository.run("diff", "--numstat").split() == ["1", "1", STAGE]


def test_it_shows_the_changelog_and_the_difference_between_the_two(repository: Repository) -> None:
    step = prepare(repository)

    assert step.changelog == "## 0.2.0 - 2026-11-24\n\n### Added\n- A window."
    assert "modules/api/main.tf" in step.stat
    assert "+# more" in step.patch


def test_what_the_module_uses_is_part_of_the_difference(repository: Repository) -> None:
    repository.touch("function", "fix(function): x")
    repository.write(
        "modules/api/CHANGELOG.md", "## 0.2.1\n\n- Of function.\n\n## 0.2.0\n\n## 0.1.0\n"
    )
    repository.commit("chore(api): release")
    repository.release("api", "0.2.1")

    assert "modules/function/main.tf" in prepare(repository).stat


def test_dev_at_the_working_tree_promotes_the_release_that_equals_it(
    repository: Repository,
) -> None:
    assert str(prepare(repository).new) == "0.2.0"


@pytest.mark.parametrize("module", ["api", "function"])
def test_a_working_tree_that_was_not_released_says_so(repository: Repository, module: str) -> None:
    repository.touch(module, "feat: more")

    with pytest.raises(RefusedError, match=f"modules/{module} is no longer what") as raised:
        prepare(repository)

    assert "make release first" in raised.value.hint


def test_changes_that_are_not_committed_are_part_of_the_working_tree(
    repository: Repository,
) -> None:
    repository.write("modules/api/main.tf", "# other\n")

    with pytest.raises(RefusedError, match="no longer what"):
        prepare(repository)


def test_a_day_written_into_the_changelog_is_no_difference(repository: Repository) -> None:
    repository.write("modules/api/CHANGELOG.md", "## 0.2.0 - 2026-11-25\n\n## 0.1.0\n")
    repository.commit("docs(api): x")

    assert str(prepare(repository).new) == "0.2.0"


def test_a_version_may_be_named(repository: Repository) -> None:
    repository.touch("api", "feat: more")

    assert str(prepare(repository, version="0.2.0").new) == "0.2.0"


def test_prod_takes_what_stage_has(repository: Repository) -> None:
    repository.pins("stage", api="0.2.0", function="0.1.0")
    repository.commit("Promote")

    step = prepare(repository, source="stage", target="prod")

    assert (str(step.old), str(step.new)) == ("0.1.0", "0.2.0")
    assert step.file == Path("live/prod/eu-west-1/prod/versions.hcl")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"module": "none"}, "there is no module 'none'"),
        ({"module": "../api"}, "there is no module"),
        ({"target": "moon"}, "'moon' is no environment of promotion"),
        ({"source": "moon"}, "'moon' is no environment of promotion"),
        ({"target": "prod"}, "from dev to prod is not one step"),
        ({"source": "prod", "target": "stage"}, "from prod to stage is not one step"),
        ({"target": "dev"}, "from dev to dev is not one step"),
        ({"version": "latest"}, "'latest' is no version"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    repository: Repository, fields: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        prepare(repository, **fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"version": "0.9.0"}, r"api 0\.9\.0 was never released"),
        ({"version": "0.1.0"}, r"stage has api 0\.1\.0 already"),
        ({"source": "stage", "target": "prod"}, r"prod has api 0\.1\.0 already"),
        ({"source": "stage", "target": "prod", "version": "0.2.0"}, "was never tried there"),
        ({"module": "function", "version": "0.1.0"}, "already"),
    ],
)
def test_what_may_not_be_is_refused(
    repository: Repository, fields: dict[str, str], said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        prepare(repository, **fields)


def test_a_step_back_is_refused(repository: Repository) -> None:
    repository.pins("stage", api="0.2.0", function="0.1.0")
    repository.commit("Promote")

    with pytest.raises(RefusedError, match=r"stage has api 0\.2\.0: 0\.1\.0 would take it back"):
        prepare(repository, version="0.1.0")


def test_a_file_with_changes_that_are_not_committed_is_refused(repository: Repository) -> None:
    repository.write(STAGE, repository.read(STAGE) + "# mine\n")

    with pytest.raises(RefusedError, match="changes that are not committed"):
        prepare(repository)


def test_a_module_that_was_never_released_is_refused(repository: Repository) -> None:
    for tag in repository.tags():
        repository.run("tag", "--delete", tag)

    with pytest.raises(RefusedError, match="no version of it was released"):
        prepare(repository)


def test_a_module_that_the_target_does_not_use_is_wrong_usage(repository: Repository) -> None:
    repository.write("modules/other/main.tf", "")

    with pytest.raises(UsageError, match="stage uses no module other"):
        prepare(repository, module="other")


@pytest.mark.parametrize(
    "text",
    [
        'locals {\n  versions = {\n    apis = "0.1.0"\n  }\n}\n',
        'locals {\n  versions = { api = "0.1.0" }\n}\n',
        "",
    ],
)
def test_a_pin_that_is_no_line_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(PipelineError, match="the pin of api is not one plain line"):
        promotion.repinned(text, "api", "0.2.0", Path("versions.hcl"))


def test_lines_end_as_they_did(repository: Repository) -> None:
    text = 'locals {\r\n  versions = {\r\n    api = "0.1.0"\r\n  }\r\n}\r\n'

    assert promotion.repinned(text, "api", "0.2.0", Path("x")) == text.replace("0.1.0", "0.2.0")


# The command.


def run(repository: Repository, *arguments: str) -> int:
    given = ["--module", "api", "--from", "dev", "--to", "stage"]
    return main(["promote", "--root", str(repository.root), *given, *arguments])


def test_the_command_writes_the_line_and_prints_what_lies_between(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(repository) == 0

    out = capsys.readouterr()
    assert "A window." in out.out
    assert "diff --git a/modules/api/main.tf" in out.out
    assert "api in stage is now 0.2.0 (0.1.0 before)" in out.err
    assert run(repository) == 1  # not committed yet


def test_a_dry_run_writes_nothing(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(repository, "--dry-run", "--json") == 0

    assert json.loads(capsys.readouterr().out)["new"] == "0.2.0"
    assert repository.run("status", "--porcelain") == ""
