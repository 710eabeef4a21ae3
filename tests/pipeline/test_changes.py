"""Which units a change affects: real commits, and a finder that reads as Terragrunt does."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.changes import Affected, affected_by, everything_of
from pipeline.errors import PipelineError, UsageError
from pipeline.git import Git
from pipeline.pins import Pins
from pipeline.tree import Layout
from tests.pipeline.plans import ACCOUNT, DEV, PROD, Repository, versions

ALL_OF_DEV = {f"{DEV}/api", f"{DEV}/authorizer", f"{DEV}/registry"}
ALL_OF_PROD = {f"{PROD}/api", f"{PROD}/authorizer", f"{PROD}/registry"}
ZONES = {f"{ACCOUNT}/dns-zone", "prod/eu-west-1/account/dns-zone"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("template") / "repository")


@pytest.fixture
def repository(template: Repository, tmp_path: Path) -> Repository:
    return template.copy(tmp_path / "repository")


def look(repository: Repository, base: str | None = None) -> Affected:
    git = repository.own
    since = git.merge_base(base or repository.first, "HEAD")
    layout = Layout.here(repository.root)
    return affected_by(git, since, git.working_tree(), layout, repository.find)


def test_a_unit_of_its_own_and_what_depends_on_it(repository: Repository) -> None:
    repository.unit(f"{DEV}/authorizer", "authorizer", ("../registry", "../nothing-else"))
    repository.commit()

    found = look(repository)

    assert found.reasons == {
        f"{DEV}/api": ("depends on ../authorizer",),
        f"{DEV}/authorizer": ("terragrunt.hcl changed",),
    }
    assert not found.removed


def test_cost_grows_with_the_change_and_not_with_the_organisation(repository: Repository) -> None:
    repository.write(f"live/{DEV}/registry/terragrunt.hcl", "# another\n")
    repository.commit()

    look(repository)

    assert repository.asked == [DEV]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("live/root.hcl", ALL_OF_DEV | ALL_OF_PROD | ZONES),
        ("live/organization.yaml", ALL_OF_DEV | ALL_OF_PROD | ZONES),
        ("live/non-prod/account.hcl", ALL_OF_DEV | {f"{ACCOUNT}/dns-zone"}),
        ("live/non-prod/eu-west-1/region.hcl", ALL_OF_DEV | {f"{ACCOUNT}/dns-zone"}),
        (f"live/{DEV}/env.hcl", ALL_OF_DEV),
        (f"live/{DEV}/images.hcl", ALL_OF_DEV),
        # Nobody knows what reads them: all units of the narrowest folder that has any.
        (f"live/{DEV}/something.json", ALL_OF_DEV),
        ("live/_shared/policy.json", ALL_OF_DEV | ALL_OF_PROD | ZONES),
        (f"live/{DEV}/registry/policy.json", ALL_OF_DEV),
        # A lock file decides which provider plans.
        (f"live/{DEV}/authorizer/.terraform.lock.hcl", {f"{DEV}/authorizer", f"{DEV}/api"}),
    ],
)
def test_a_file_of_live(repository: Repository, file: str, expected: set[str]) -> None:
    path = repository.root / file
    repository.write(file, (path.read_text() if path.is_file() else "") + "# another line\n")
    repository.commit()

    assert set(look(repository).reasons) == expected


@pytest.mark.parametrize(
    "file",
    [
        "README.md",
        "live/README.md",
        "policies/plan/x.rego",
        "policies/waivers.yaml",
        "docs/gitops.md",
        "modules/registry/README.md",
        "modules/registry/CHANGELOG.md",
        "modules/registry/tests/table.tftest.hcl",
        "modules/registry/examples/one/main.tf",
    ],
)
def test_pitfall_4_what_no_plan_depends_on_affects_nothing_and_asks_for_nothing(
    repository: Repository, file: str
) -> None:
    """Pitfall 4: an empty list must not become all units."""
    repository.write(file, "words\n")
    repository.commit()

    found = look(repository)

    assert found.is_empty
    assert found.scopes == ()
    assert not getattr(repository, "asked", [])


def test_a_module_affects_who_takes_it_from_the_working_tree(repository: Repository) -> None:
    repository.write("modules/registry/main.tf", "# another\n")
    repository.commit()

    found = look(repository)

    assert set(found.reasons) == ALL_OF_DEV
    assert found.reasons[f"{DEV}/registry"] == ("the module registry differs in this working tree",)


def test_a_module_that_another_one_calls(repository: Repository) -> None:
    repository.write("modules/function/main.tf", "# another\n")
    repository.commit()

    found = look(repository)

    assert found.reasons == {
        f"{DEV}/api": ("depends on ../authorizer",),
        f"{DEV}/authorizer": ("the module function differs in this working tree",),
    }


def test_one_pin_affects_its_modules_units_alone(repository: Repository) -> None:
    repository.pins(PROD, authorizer="1.1.0")
    repository.commit()

    found = look(repository)

    assert found.reasons == {
        f"{PROD}/api": ("depends on ../authorizer",),
        f"{PROD}/authorizer": (f"the pin of authorizer in live/{PROD}/versions.hcl",),
    }
    assert [scope.name for scope in found.scopes] == ["prod"]


def test_a_comment_in_the_pins_affects_nothing(repository: Repository) -> None:
    path = repository.root / f"live/{PROD}/versions.hcl"
    path.write_text(f"// 1.0.0 it is\n{path.read_text()}")
    repository.commit()

    assert look(repository).is_empty


def test_pins_that_are_not_understood_affect_all(repository: Repository) -> None:
    repository.write(f"live/{PROD}/versions.hcl", "locals { versions = merge({}, {}) }\n")
    repository.commit()

    assert set(look(repository).reasons) == ALL_OF_PROD


def test_a_unit_that_hides_its_module_is_affected_by_any_pin(repository: Repository) -> None:
    repository.write(f"live/{PROD}/registry/terragrunt.hcl", "terraform { source = local.x }\n")
    base = repository.commit()
    repository.pins(PROD, authorizer="1.1.0")
    repository.commit()

    assert f"{PROD}/registry" in look(repository, base).reasons


def test_the_accounts_own_folders_affect_its_environments(repository: Repository) -> None:
    repository.write(f"live/{ACCOUNT}/dns-zone/terragrunt.hcl", "# another\n")
    repository.commit()

    found = look(repository)

    assert found.reasons[f"{DEV}/api"] == (f"depends on {ACCOUNT}/dns-zone",)
    assert [scope.name for scope in found.scopes] == ["non-prod/account", "dev"]


def test_pitfall_3_the_scopes_of_a_change_are_only_what_it_is_about(repository: Repository) -> None:
    """Pitfall 3: a job for production must never plan development."""
    repository.write(f"live/{DEV}/env.hcl", "# another\n")
    repository.write(f"live/{PROD}/env.hcl", "# another\n")
    repository.commit()

    found = look(repository)

    assert [scope.name for scope in found.scopes] == ["dev", "prod"]
    assert set(found.only("prod").reasons) == ALL_OF_PROD
    assert set(found.only("dev").reasons) == ALL_OF_DEV


def test_pitfall_5_a_unit_that_is_gone_is_told(repository: Repository) -> None:
    """Pitfall 5: a unit that was removed must not be left out in silence."""
    repository.remove(f"live/{DEV}/api")
    repository.commit()

    found = look(repository)

    assert found.removed == {f"{DEV}/api": (f"live/{DEV}/api is gone",)}
    assert not found.reasons
    assert [scope.name for scope in found.scopes] == ["dev"]


def test_a_unit_that_was_moved_is_gone_and_new(repository: Repository) -> None:
    repository.git("mv", f"live/{DEV}/api", f"live/{DEV}/gateway")
    repository.commit()

    found = look(repository)

    assert set(found.removed) == {f"{DEV}/api"}
    assert set(found.reasons) == {f"{DEV}/gateway"}


def test_an_environment_that_is_gone_keeps_its_name(repository: Repository) -> None:
    repository.remove(f"live/{PROD}")
    repository.write("live/organization.yaml", "accounts: {}\n")
    repository.commit()

    found = look(repository)

    assert set(found.removed) == ALL_OF_PROD
    assert "prod" in {scope.name for scope in found.scopes}


def test_pitfall_6_a_change_is_seen_from_where_it_left(repository: Repository) -> None:
    """Pitfall 6: what others merged meanwhile is no part of the change."""
    repository.git("switch", "--quiet", "--create", "feature")
    repository.write(f"live/{DEV}/api/terragrunt.hcl", "# another\n")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.write(f"live/{PROD}/env.hcl", "# merged meanwhile\n")
    repository.commit()
    repository.git("switch", "--quiet", "feature")

    assert set(look(repository, "main").reasons) == {f"{DEV}/api"}


def test_pitfall_6_a_shallow_clone_is_refused(repository: Repository, tmp_path: Path) -> None:
    """Pitfall 6: without the base there is no telling what changed."""
    repository.commit("second")
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", f"file://{repository.root}", shallow], check=True
    )

    with pytest.raises((PipelineError, UsageError)) as caught:
        Git(shallow).merge_base(repository.first, "HEAD")

    assert "fetch-depth: 0" in caught.value.hint


def test_what_is_not_committed_counts(repository: Repository) -> None:
    repository.write(f"live/{DEV}/api/terragrunt.hcl", "# another\n")

    assert set(look(repository).reasons) == {f"{DEV}/api"}
    assert repository.own.working_tree() != repository.own.tree("HEAD")


def test_a_clean_checkout_is_its_commits_tree(repository: Repository) -> None:
    assert repository.own.working_tree() == repository.own.tree("HEAD")


def test_all_units_of_a_scope(repository: Repository) -> None:
    layout = Layout.here(repository.root)

    found = everything_of(layout.scope("dev"), layout, repository.find)

    assert set(found.reasons) == ALL_OF_DEV


def test_scopes_come_in_the_order_of_application(repository: Repository) -> None:
    repository.unit("security/eu-west-1/ca/pki", "pki")
    repository.unit("security/eu-west-1/account/state-bucket", "state-bucket")

    names = [scope.name for scope in Layout.here(repository.root).scopes()]

    assert names == [
        "security/account",
        "security/ca",
        "non-prod/account",
        "prod/account",
        "dev",
        "prod",
    ]


def test_an_unknown_scope_names_the_known_ones(repository: Repository) -> None:
    with pytest.raises(UsageError) as caught:
        Layout.here(repository.root).scope("development")

    assert "dev" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        (versions({"a": "1.0.0", "b-c": "local"}), {"a": "1.0.0", "b-c": "local"}),
        ('locals {\n  versions = { "a" = "1.0.0", b : "local" }\n}', {"a": "1.0.0", "b": "local"}),
        ("locals { versions = { /* none */ } }", {}),
        ('locals { versions = { a = "1.0.0" // x\n # a = "2.0.0"\n } }', {"a": "1.0.0"}),
        ('locals { versions = { a = "x#1" } }', {"a": "x#1"}),
    ],
)
def test_pins_are_read(text: str, pins: Mapping[str, str]) -> None:
    parsed = Pins.parse(text)

    assert parsed is not None
    assert parsed.versions == pins


@pytest.mark.parametrize(
    "text",
    [
        "locals {}",
        'locals { versions = { a = "1", a = "2" } }',
        "locals { versions = { a = local.b } }",
        'locals { versions = { a = "${local.b}" } }',
        'locals { versions = { a = { b = "1" } } }',
        'locals { versions = merge({ a = "1" }) }',
        'locals { versions = { a = "1" } }\nlocals { versions = { a = "2" } }',
    ],
)
def test_pins_of_another_form_are_not_guessed(text: str) -> None:
    assert Pins.parse(text) is None
