"""Ceremonies with keys that are not KMS's: made with the plan, so that the plan names them."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import boto3
import pytest

from pki.ceremony.execution import execute
from pki.ceremony.plan import CeremonyPlan
from pki.ceremony.planning import plan_bootstrap, plan_rotation
from pki.errors import KeyKeeperError
from pki.issuing import was_issued_by
from pki.keepers import Keepers
from pki.keys import KeyType, classify
from pki.organization import KeeperChoice, KeeperKind
from tests.pki.ceremony.support import ORGANIZATION, Account
from tests.pki.softhsm import SoftHsm

IN_FILES = KeeperChoice(KeeperKind.FILE, KeyType.EC_P384)
WITH_FILES = replace(ORGANIZATION, root_keys=IN_FILES, issuing_keys=IN_FILES)


class FileAccount(Account):
    """Its keys are encrypted files, in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.environ = {
            "PKI_KEY_DIR": str(folder),
            "PKI_ROOT_PASSPHRASE": "correct horse battery staple",
            "PKI_ISSUING_PASSPHRASE": "another long passphrase",
        }

    def keys(self) -> Keepers:
        return Keepers(cast("boto3.Session", self), WITH_FILES, environ=self.environ, ask=None)

    def plan(self) -> CeremonyPlan:
        return plan_bootstrap(replace(self.planner(), organization=WITH_FILES), ["dev"])


@pytest.fixture
def files(tmp_path: Path) -> FileAccount:
    return FileAccount(tmp_path / "keys")


def test_a_plan_makes_the_keys_that_it_names_and_signs_nothing(files: FileAccount) -> None:
    plan = files.plan()

    assert [entry.keeper for entry in plan.certificates] == ["file", "file"]
    assert {classify(entry.draft.public_key) for entry in plan.certificates} == {KeyType.EC_P384}
    assert files.s3.objects == {}


def test_a_second_plan_finds_the_keys_that_the_first_made(files: FileAccount) -> None:
    first, second = files.plan(), files.plan()

    assert [entry.public_key_sha256 for entry in first.certificates] == [
        entry.public_key_sha256 for entry in second.certificates
    ]
    assert first.digest != second.digest


def test_a_ceremony_is_held_with_them_and_the_ca_followed(files: FileAccount) -> None:
    plan = files.plan()
    ceremony = replace(files.ceremony(), organization=WITH_FILES)
    root, _ = execute(ceremony, plan, files.approve(plan))
    rotation = plan_rotation(replace(files.planner(), organization=WITH_FILES), "dev")

    (issuing,) = execute(ceremony, rotation, files.approve(rotation))

    assert issuing.authority.generation == "g2"
    assert was_issued_by(issuing.certificate, root.certificate)


def test_a_wrong_passphrase_is_told_and_makes_no_other_key(files: FileAccount) -> None:
    files.plan()
    files.environ["PKI_ROOT_PASSPHRASE"] = "something else entirely"

    with pytest.raises(
        KeyKeeperError, match="passphrase of the root CA's key does not open"
    ) as told:
        files.plan()

    assert "nor can one be made" not in str(told.value)


def test_a_missing_key_that_cannot_be_made_is_told_with_both_reasons(files: FileAccount) -> None:
    files.environ["PKI_ROOT_PASSPHRASE"] = "too short"

    with pytest.raises(KeyKeeperError, match=r"there is no .*; nor can one be made: .* shorter"):
        files.plan()


def test_a_wrong_pin_is_tried_once(account: Account, hsm: SoftHsm) -> None:
    """A token counts them, and locks itself."""
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "wrong-pin"

    on_token = KeeperChoice(KeeperKind.PKCS11, KeyType.EC_P256)
    organization = replace(ORGANIZATION, root_keys=on_token, issuing_keys=on_token)
    keys = Keepers(cast("boto3.Session", account), organization, environ=hsm.environ, ask=ask)

    with pytest.raises(KeyKeeperError, match="PIN of the root CA's token is wrong"):
        plan_bootstrap(replace(account.planner(), organization=organization, keys=keys), ["dev"])

    assert asked == ["PIN of the root CA's token: "]


def test_a_missing_kms_key_is_not_made(account: Account) -> None:
    with pytest.raises(KeyKeeperError, match="there is no KMS key alias/example-stage"):
        plan_bootstrap(account.planner(), ["stage"])
