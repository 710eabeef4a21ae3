"""Which environments are brought up, and what of live/ is left out for it."""

from dataclasses import replace
from pathlib import Path

import pytest

from local import selection
from local.errors import LocalError, UsageError
from local.settings import StateDirectory
from pki.organization import Environment, Organization


@pytest.fixture
def organization() -> Organization:
    accounts = {"security": "1" * 12, "non-prod": "2" * 12, "prod": "3" * 12}
    homes = (("dev", "non-prod"), ("prod", "prod"), ("sandbox", "non-prod"), ("stage", "non-prod"))
    return Organization(
        name="example",
        domain="example.com",
        github_repository="example-org/example",
        region="eu-west-1",
        accounts=accounts,
        environments=tuple(
            Environment("example", name, account, accounts[account], "eu-west-1")
            for name, account in homes
        ),
        promotion=("dev", "stage", "prod"),
    )


def names(chosen: tuple[Environment, ...]) -> list[str]:
    return [environment.name for environment in chosen]


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        ([], [], ["dev"]),
        ([], ["stage"], ["stage"]),
        (["prod", "dev"], [], ["dev", "prod"]),
        (["stage"], ["dev"], ["dev", "stage"]),
        (["sandbox", "prod"], [], ["prod", "sandbox"]),
        (["stage"], ["gone"], ["stage"]),
    ],
)
def test_what_is_wanted_joins_what_is_held_in_the_order_of_promotion(
    wanted: list[str], held: list[str], expected: list[str], organization: Organization
) -> None:
    assert names(selection.choose(organization, wanted, held)) == expected


def test_without_an_order_of_promotion_the_first_that_is_found_is_taken(
    organization: Organization,
) -> None:
    assert names(selection.choose(replace(organization, promotion=()), [], [])) == ["dev"]


def test_an_environment_that_is_none_is_refused_with_those_that_are(
    organization: Organization,
) -> None:
    with pytest.raises(UsageError, match="no environment 'production'") as refused:
        selection.choose(organization, ["dev", "production"], [])
    assert refused.value.hint == "choose from dev, stage, prod, sandbox"


def test_a_tree_without_environments_is_refused(organization: Organization) -> None:
    with pytest.raises(UsageError, match="has no environment"):
        selection.choose(replace(organization, environments=(), promotion=()), [], [])


def test_accounts_that_nothing_needs_are_left_out(organization: Organization) -> None:
    chosen = selection.choose(organization, ["dev"], [])
    assert selection.account_names(organization, chosen) == ["security", "non-prod"]
    assert selection.filters(organization, chosen) == [
        *("--filter", "!./prod/**"),
        *("--filter", "!./non-prod/eu-west-1/sandbox/**"),
        *("--filter", "!./non-prod/eu-west-1/stage/**"),
    ]


def test_all_environments_leave_nothing_out(organization: Organization) -> None:
    chosen = selection.choose(organization, ["dev", "stage", "prod", "sandbox"], [])
    assert selection.filters(organization, chosen) == []
    assert selection.left_out(organization, chosen) == []


def test_what_is_held_is_noted(organization: Organization, tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    assert selection.read(state) == ()
    selection.write(state, selection.choose(organization, ["stage", "dev"], []))
    assert selection.read(state) == ("dev", "stage")


@pytest.mark.parametrize("text", ["{", "{}", "[1]"])
def test_a_damaged_note_is_named(text: str, tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    state.environments.write_text(text)
    with pytest.raises(LocalError, match=r"environments\.json is damaged") as refused:
        selection.read(state)
    assert refused.value.hint == "make down, then make up"
