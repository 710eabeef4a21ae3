from datetime import timedelta

import pytest

from pki.ceremony.planning import plan_bootstrap, plan_root_renewal, plan_rotation
from pki.errors import AlreadyBootstrappedError, CaStoreError, KeyKeeperError, UsageError
from tests.pki.ceremony.support import ORGANIZATION, Account, days
from tests.pki.support import RecordedProgress, build_hierarchy

ROOT, ROOT_2 = ORGANIZATION.root("g1"), ORGANIZATION.root("g2")
DEV, DEV_2 = ORGANIZATION.issuing("dev", "g1"), ORGANIZATION.issuing("dev", "g2")
STAGE = ORGANIZATION.issuing("stage", "g1")


@pytest.fixture
def bootstrapped(account: Account) -> Account:
    account.execute(plan_bootstrap(account.planner(), ["dev"]))
    for authority in (ROOT_2, DEV_2, STAGE):
        account.kms.make(authority.key_alias)
    return account


def test_planning_signs_and_stores_nothing(account: Account) -> None:
    plan_bootstrap(account.planner(), ["dev"])

    assert account.s3.objects == {}
    assert account.signatures_of(ROOT) == account.signatures_of(DEV) == []


def test_planning_leaves_the_root_key_locked(account: Account) -> None:
    plan_bootstrap(account.planner(), ["dev"])

    assert account.is_locked(ROOT)


def test_the_first_plan_is_for_a_root_and_an_issuing_ca_for_each_environment(
    account: Account,
) -> None:
    account.kms.make(STAGE.key_alias)

    plan = plan_bootstrap(account.planner(), ["dev", "stage"])

    assert [entry.authority for entry in plan.certificates] == [ROOT, DEV, STAGE]
    assert {entry.signed_by for entry in plan.certificates} == {ROOT}
    assert plan.existing == {}


def test_an_environment_added_later_gets_its_ca_from_the_newest_root(bootstrapped: Account) -> None:
    bootstrapped.execute(plan_root_renewal(bootstrapped.planner()))

    plan = plan_bootstrap(bootstrapped.planner(), ["dev", "stage"])

    assert [(entry.authority, entry.signed_by) for entry in plan.certificates] == [(STAGE, ROOT_2)]


def test_what_exists_is_not_planned_again(bootstrapped: Account) -> None:
    with pytest.raises(AlreadyBootstrappedError, match=r"root/g1\.pem until 2036-11-23"):
        plan_bootstrap(bootstrapped.planner(), ["dev"])


def test_no_environment_is_wrong_usage(account: Account) -> None:
    with pytest.raises(UsageError, match="no environment to bootstrap"):
        plan_bootstrap(account.planner(), [])


def test_a_missing_key_stops_the_plan(account: Account) -> None:
    with pytest.raises(KeyKeeperError, match="alias/example-stage-issuing-ca-g1"):
        plan_bootstrap(account.planner(), ["dev", "stage"])


def test_a_rotation_is_the_next_generation_under_the_newest_root(bootstrapped: Account) -> None:
    bootstrapped.execute(plan_root_renewal(bootstrapped.planner()))

    plan = plan_rotation(bootstrapped.planner(), "dev")

    assert [(entry.authority, entry.signed_by) for entry in plan.certificates] == [(DEV_2, ROOT_2)]


def test_a_rotation_needs_no_unlocked_root_to_be_planned(bootstrapped: Account) -> None:
    assert bootstrapped.is_locked(ROOT)

    plan = plan_rotation(bootstrapped.planner(), "dev")

    assert bootstrapped.is_locked(ROOT)
    assert plan.unlocks == (ROOT,)


def test_a_rotation_under_an_older_root_has_to_be_asked_for(bootstrapped: Account) -> None:
    bootstrapped.execute(plan_root_renewal(bootstrapped.planner()))

    plan = plan_rotation(bootstrapped.planner(), "dev", root_generation="g1")

    assert plan.unlocks == (ROOT,)
    with pytest.raises(CaStoreError, match="there is no root of generation g7"):
        plan_rotation(bootstrapped.planner(), "dev", root_generation="g7")


def test_a_generation_may_be_left_out_and_none_is_made_twice(bootstrapped: Account) -> None:
    bootstrapped.kms.make(ORGANIZATION.issuing("dev", "g4").key_alias)
    bootstrapped.execute(plan_rotation(bootstrapped.planner(), "dev", "g4"))

    for generation in ("g3", "g4"):
        with pytest.raises(CaStoreError, match="is of generation g4 already") as caught:
            plan_rotation(bootstrapped.planner(), "dev", generation)
        assert caught.value.hint == "a successor is g5"


@pytest.mark.parametrize("environment", ["dev", "stage"])
def test_nothing_is_rotated_before_it_exists(account: Account, environment: str) -> None:
    with pytest.raises(CaStoreError, match=f"no issuing CA of {environment} to succeed"):
        plan_rotation(account.planner(), environment)


def test_a_root_is_not_renewed_before_it_exists(account: Account) -> None:
    with pytest.raises(CaStoreError, match="there is no root to succeed"):
        plan_root_renewal(account.planner())


def test_a_renewed_root_is_the_next_generation_and_signs_itself(bootstrapped: Account) -> None:
    (entry,) = plan_root_renewal(bootstrapped.planner()).certificates

    assert (entry.authority, entry.signed_by) == (ROOT_2, ROOT_2)
    assert bootstrapped.is_locked(ROOT_2)


def test_a_ca_that_no_root_issued_stops_every_plan(bootstrapped: Account) -> None:
    stranger = build_hierarchy(generation="G9").issuing.certificate
    bootstrapped.store().put(ORGANIZATION.issuing("prod", "g1"), stranger)

    with pytest.raises(CaStoreError, match=r"no root in .* issued CN=example dev Issuing CA G9"):
        plan_rotation(bootstrapped.planner(), "dev")


@pytest.mark.parametrize("lifetime", [timedelta(0), days(-1), days(8)])
def test_a_plan_for_no_time_or_more_than_seven_days_is_wrong_usage(
    account: Account, lifetime: timedelta
) -> None:
    with pytest.raises(UsageError, match="at most 7 days"):
        account.planner(lifetime=lifetime)


def test_a_found_key_is_told(account: Account) -> None:
    planner = account.planner()
    plan_bootstrap(planner, ["dev"])

    assert isinstance(planner.progress, RecordedProgress)
    assert planner.progress.steps == [
        "found key alias/example-root-ca-g1",
        "found key alias/example-dev-issuing-ca-g1",
    ]
