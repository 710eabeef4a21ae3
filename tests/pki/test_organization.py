from pathlib import Path

import pytest

from pki.errors import OrganizationError, UsageError
from pki.keys import KeyType
from pki.organization import (
    KeeperChoice,
    KeeperKind,
    find_live_dir,
    load_organization,
    parse_generation,
)
from tests.pki.support import ORGANIZATION_YAML, write_live


def test_names_follow_from_the_facts(live_dir: Path) -> None:
    organization = load_organization(live_dir)
    dev = organization.environment("dev")

    assert organization.ceremony_role_arn == "arn:aws:iam::111111111111:role/example-ceremony"
    assert organization.ca_bucket == "example-ca-111111111111"
    assert organization.root("g1").key_alias == "alias/example-root-ca-g1"
    assert organization.root("g1").object_key == "root/g1.pem"
    assert organization.issuing("dev", "g2").key_alias == "alias/example-dev-issuing-ca-g2"
    assert organization.issuing("dev", "g2").object_key == "issuing/dev/g2.pem"
    assert organization.issuing("dev", "g2").common_name == "example dev Issuing CA G2"
    assert dev.pki_writer_role_arn == "arn:aws:iam::222222222222:role/example-dev-pki-writer"
    assert dev.registry_table == "example-dev-registry"
    assert dev.truststore_bucket == "example-dev-truststore-222222222222"
    assert dev.app_client_parameter("default") == "/example/dev/app-clients/default"


def test_a_key_is_found_by_one_name_in_every_keeper(live_dir: Path) -> None:
    organization = load_organization(live_dir)
    root, issuing = organization.root("g1"), organization.issuing("dev", "g2")

    assert (root.key_name, root.key_path) == ("example-root-ca-g1", "/example/ca/root/g1")
    assert issuing.key_name == "example-dev-issuing-ca-g2"
    assert issuing.key_path == "/example/ca/issuing/dev/g2"
    assert organization.ca_storage_key_alias == "alias/example-ca-storage"


def test_keys_are_rsa_4096_in_kms_unless_the_organisation_says_otherwise(live_dir: Path) -> None:
    organization = load_organization(live_dir)

    assert organization.keeper_for(organization.root("g1")) == KeeperChoice(
        KeeperKind.KMS, KeyType.RSA_4096
    )
    assert organization.keeper_for(organization.issuing("dev", "g1")) == KeeperChoice(
        KeeperKind.KMS, KeyType.RSA_4096
    )


def test_the_organisation_says_who_keeps_the_keys_of_each_level(tmp_path: Path) -> None:
    block = """\
certificate_authority:
  root: {keeper: pkcs11}
  issuing: {keeper: ssm, key_type: ec-p256}
"""
    organization = load_organization(write_live(tmp_path, ORGANIZATION_YAML + block))

    assert organization.keeper_for(organization.root("g1")) == KeeperChoice(KeeperKind.PKCS11)
    assert organization.keeper_for(organization.issuing("dev", "g1")) == KeeperChoice(
        KeeperKind.SSM, KeyType.EC_P256
    )


def test_an_environment_is_a_folder_with_a_registry(live_dir: Path) -> None:
    organization = load_organization(live_dir)

    assert [environment.name for environment in organization.environments] == ["dev"]


def test_an_environment_takes_account_and_region_from_its_path(live_dir: Path) -> None:
    unit = live_dir / "prod" / "us-east-1" / "prod" / "registry"
    unit.mkdir(parents=True)
    (unit / "terragrunt.hcl").touch()

    prod = load_organization(live_dir).environment("prod")

    assert (prod.account_id, prod.region) == ("333333333333", "us-east-1")


def test_a_region_that_is_not_the_folder_of_the_ca_is_refused(tmp_path: Path) -> None:
    live = write_live(tmp_path, ORGANIZATION_YAML.replace("eu-west-1", "us-east-1"))

    with pytest.raises(OrganizationError) as caught:
        load_organization(live)

    assert str(live / "organization.yaml") in str(caught.value)
    assert "region: us-east-1" in str(caught.value)
    assert str(live / "security" / "eu-west-1" / "ca" / "pki") in str(caught.value)


def test_an_environment_with_two_homes_is_refused(live_dir: Path) -> None:
    unit = live_dir / "prod" / "eu-west-1" / "dev" / "registry"
    unit.mkdir(parents=True)
    (unit / "terragrunt.hcl").touch()

    with pytest.raises(OrganizationError, match="environment dev lies in prod/eu-west-1 and in"):
        load_organization(live_dir)


def test_an_environment_of_an_unknown_account_is_refused(live_dir: Path) -> None:
    unit = live_dir / "sandbox" / "eu-west-1" / "play" / "registry"
    unit.mkdir(parents=True)
    (unit / "terragrunt.hcl").touch()

    with pytest.raises(OrganizationError, match="knows no account 'sandbox'"):
        load_organization(live_dir)


def test_an_unknown_environment_is_wrong_usage_and_names_the_known(live_dir: Path) -> None:
    with pytest.raises(UsageError, match="no environment 'stage'") as caught:
        load_organization(live_dir).environment("stage")

    assert caught.value.hint == "environments (folders with a registry unit) found: dev"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("organization: example", "organization: Example", "organization: expected a lower-case"),
        ("organization: example", "", "organization is missing"),
        ("region: eu-west-1", "region: Ireland", "region: expected a region"),
        ("domain: example.com", "domain: localhost", "domain: expected a domain name"),
        ("example-org/aws-api-gateway-mtls", "aws", "github_repository: expected <owner>"),
        ('"222222222222"', "222222222222", "non-prod: expected a string of 12 digits"),
        ('"222222222222"', '"2222"', "non-prod: expected 12 digits, found '2222'"),
        ('"222222222222"', '"000000000000"', "stands for a mock"),
        ('"222222222222"', '"111111111111"', "two names share one account id"),
        ("security:", "vault:", "security is missing"),
        ("region:", "colour: red\nregion:", "unknown: colour"),
        ("accounts:", "accounts: none\nx:", "accounts: expected a mapping"),
        ("  non-prod:", "  Non Prod:", "'Non Prod' is no account name"),
        ("region:", "certificate_authority: kms\nregion:", "certificate_authority: expected a map"),
        (
            "region:",
            "certificate_authority: {leaf: {}}\nregion:",
            "certificate_authority: unknown: leaf",
        ),
        (
            "region:",
            "certificate_authority: {root: {keeper: vault}}\nregion:",
            "root: keeper: expected one of kms, ssm, secretsmanager, pkcs11, file, found 'vault'",
        ),
        (
            "region:",
            "certificate_authority: {issuing: {key_type: rsa-1024}}\nregion:",
            "issuing: key_type: expected one of ec-p256, .*, rsa-4096, found 'rsa-1024'",
        ),
        (
            "region:",
            "certificate_authority: {root: {keeper: [kms]}}\nregion:",
            "root: keeper: expected one of",
        ),
    ],
)
def test_a_wrong_fact_is_refused_by_name(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    live = write_live(tmp_path, ORGANIZATION_YAML.replace(before, after, 1))

    with pytest.raises(OrganizationError, match=message):
        load_organization(live)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "example"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    live = write_live(tmp_path, text)

    with pytest.raises(OrganizationError, match="expected a mapping of facts"):
        load_organization(live)


def test_an_environment_may_say_what_its_clients_are_called(tmp_path: Path) -> None:
    rule = "client_names:\n  dev: 'device-[0-9]{3}'\n"
    live = write_live(tmp_path, ORGANIZATION_YAML + rule)

    names = load_organization(live).environment("dev").client_names

    assert names is not None
    assert names.fullmatch("device-001")
    assert not names.fullmatch("device-0012")


def test_without_a_rule_any_name_is_a_clients(live_dir: Path) -> None:
    assert load_organization(live_dir).environment("dev").client_names is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("device-.*", "expected a mapping of environment to pattern"),
        ("{dev: '('}", "dev: no regular expression"),
        ("{dev: 1}", "expected a regular expression in quotes"),
        ("{1: a}", "expected a regular expression in quotes"),
        ("{moon: 'a.*'}", "no environment moon under live/"),
    ],
)
def test_a_rule_of_names_that_cannot_be_kept_is_refused(
    tmp_path: Path, rule: str, message: str
) -> None:
    live = write_live(tmp_path, f"{ORGANIZATION_YAML}client_names: {rule}\n")

    with pytest.raises(OrganizationError, match=f"client_names: .*{message}"):
        load_organization(live)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    live = write_live(tmp_path, "organization: [")

    with pytest.raises(OrganizationError, match="is not YAML"):
        load_organization(live)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OrganizationError, match="does not exist"):
        load_organization(tmp_path)


def test_the_live_folder_is_found_from_any_folder_of_the_repository(live_dir: Path) -> None:
    below = live_dir.parent / "modules" / "pki"
    below.mkdir(parents=True)

    assert find_live_dir(below) == live_dir


def test_outside_a_repository_there_is_no_live_folder(tmp_path: Path) -> None:
    with pytest.raises(OrganizationError, match=r"no live/organization\.yaml"):
        find_live_dir(tmp_path)


def test_the_repositorys_own_facts_are_valid() -> None:
    live = find_live_dir(Path(__file__).parent)

    assert load_organization(live).environment("dev").account_name == "non-prod"


@pytest.mark.parametrize("text", ["1", "g0", "g01", "G1", "g1000", "", "g1\n"])
def test_what_is_no_generation_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is no CA generation"):
        parse_generation(text)


def test_the_order_of_promotion_names_environments(tmp_path: Path) -> None:
    live = write_live(tmp_path, f"{ORGANIZATION_YAML}promotion: [dev]\n")

    assert load_organization(live).promotion == ("dev",)


def test_without_an_order_nothing_is_promoted(live_dir: Path) -> None:
    assert load_organization(live_dir).promotion == ()


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("[dev, prod]", "no environment prod under live/"),
        ("[dev, dev]", "named twice: dev"),
        ("dev", "expected a list of environments"),
        ("[1]", "expected a list of environments"),
    ],
)
def test_an_order_of_promotion_that_cannot_be_is_refused(
    order: str, message: str, tmp_path: Path
) -> None:
    live = write_live(tmp_path, f"{ORGANIZATION_YAML}promotion: {order}\n")

    with pytest.raises(OrganizationError, match=f"promotion: {message}"):
        load_organization(live)
