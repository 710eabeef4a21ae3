"""Units that are gone: destroyed only where that was allowed, and where nothing needs them."""

from pathlib import Path

import pytest

from pipeline.changes import Affected, affected_by
from pipeline.destroying import backwards, checkout, kept, kept_resources, needed_by, refusals
from pipeline.errors import PipelineError, RefusedError
from pipeline.model import FindingKind
from pipeline.tree import Layout, Unit
from tests.pipeline.plans import DEV, Repository

REGISTRY, AUTHORIZER, API = (f"{DEV}/{name}" for name in ("registry", "authorizer", "api"))
PREVENTED = """\
Error: Instance cannot be destroyed

  on main.tf line 12:
  12: resource "aws_dynamodb_table" "this" {

Resource aws_dynamodb_table.this has
lifecycle.prevent_destroy set, but the plan calls for this resource to be destroyed.

Error: Instance cannot be destroyed

Resource module.x.aws_s3_bucket.this["a"] has lifecycle.prevent_destroy set, but
the plan calls for this resource to be destroyed.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def look(repository: Repository) -> Affected:
    git = repository.own
    layout = Layout.here(repository.root)
    return affected_by(git, repository.first, git.working_tree(), layout, repository.find)


def test_pitfall_5_a_unit_that_is_gone_is_refused_unless_allowed(repository: Repository) -> None:
    """Pitfall 5: a removed unit is left out with exit 0; here it is a refusal."""
    repository.remove(f"live/{API}")
    affected = look(repository)

    (finding,) = refusals(affected, {API: True}, allowed=False)

    assert (finding.rule, finding.kind, finding.unit) == ("PIPELINE-001", FindingKind.DENY, API)
    assert not finding.waivable
    assert "--allow-destroy" in finding.remedy
    assert refusals(affected, {API: True}, allowed=True) == ()


def test_pitfall_5_what_others_depend_on_is_refused_even_if_allowed(
    repository: Repository,
) -> None:
    """Pitfall 5: check first that no remaining dependency points at it."""
    repository.remove(f"live/{REGISTRY}")
    affected = look(repository)

    (finding,) = refusals(affected, {REGISTRY: True}, allowed=True)

    assert needed_by(affected) == {REGISTRY: (AUTHORIZER,)}
    assert (finding.rule, finding.message) == (
        "PIPELINE-002",
        f"{AUTHORIZER} still depends on it",
    )


def test_what_goes_together_is_not_in_its_own_way(repository: Repository) -> None:
    repository.remove(f"live/{REGISTRY}")
    repository.remove(f"live/{AUTHORIZER}")
    repository.remove(f"live/{API}")
    affected = look(repository)

    assert refusals(affected, dict.fromkeys(affected.removed, True), allowed=True) == ()


def test_what_holds_nothing_needs_no_leave(repository: Repository) -> None:
    repository.remove(f"live/{API}")

    assert refusals(look(repository), {API: False}, allowed=False) == ()


def test_the_administrators_units_are_not_destroyed_by_the_pipeline(
    repository: Repository,
) -> None:
    repository.unit("security/eu-west-1/ca/pki", "pki")
    repository.first = repository.commit()
    repository.remove("live/security/eu-west-1/ca/pki")
    affected = look(repository)

    (finding,) = refusals(affected, {"security/eu-west-1/ca/pki": True}, allowed=True)

    assert finding.rule == "PIPELINE-001"


def test_units_are_destroyed_after_what_depends_on_them() -> None:
    units = {
        path: Unit(path, needs)
        for path, needs in ((REGISTRY, ()), (AUTHORIZER, (REGISTRY,)), (API, (AUTHORIZER,)))
    }

    assert backwards(units, [REGISTRY, AUTHORIZER, API]) == {
        REGISTRY: (AUTHORIZER,),
        AUTHORIZER: (API,),
        API: (),
    }
    assert backwards(units, [REGISTRY]) == {REGISTRY: ()}


def test_what_is_gone_is_planned_from_the_commit_that_had_it(repository: Repository) -> None:
    repository.remove(f"live/{API}")
    repository.commit()

    with checkout(repository.own, repository.first, [API]) as root:
        assert (root / "live" / API / "terragrunt.hcl").is_file()
        assert root != repository.root
    assert not root.exists()
    assert len(repository.git("worktree", "list").splitlines()) == 1


def test_what_is_there_is_planned_here(repository: Repository) -> None:
    with checkout(repository.own, "", [API]) as root:
        assert root == repository.root


def test_what_no_commit_had_cannot_be_planned(repository: Repository) -> None:
    with pytest.raises(RefusedError), checkout(repository.own, "", [f"{DEV}/never"]):
        pass
    with (
        pytest.raises(PipelineError, match="has no"),
        checkout(repository.own, repository.first, [f"{DEV}/never"]),
    ):
        pass


def test_what_keeps_its_data_is_named() -> None:
    addresses = kept_resources(PREVENTED)

    assert addresses == ("aws_dynamodb_table.this", 'module.x.aws_s3_bucket.this["a"]')
    assert [finding.address for finding in kept(REGISTRY, addresses)] == list(addresses)
    assert kept_resources("Error: something else") == ()
