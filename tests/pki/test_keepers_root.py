"""The root's key outside a ceremony, and during one."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from pki.errors import KeyKeeperError
from pki.keepers import Keepers
from pki.organization import Authority
from pki.sessions import ceremony_session
from tests.pki.support import Cloud, kill_at_every_step

_CRYPTOGRAPHIC = {"GetPublicKey", "Sign"}


class Kms:
    """moto's KMS, which uses a disabled key as if it were enabled, made to refuse it as AWS does.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.still_disabled = 0
        """How many uses are refused after a key was enabled: KMS is eventually consistent."""
        self.fails: dict[str, BaseException] = {}
        self._make_api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self, client: BaseClient, operation: str, parameters: Any) -> Any:
        if client.meta.service_model.service_name != "kms":
            return self._make_api_call(client, operation, parameters)
        self.calls.append(operation)
        if operation in self.fails:
            raise self.fails[operation]
        if operation in _CRYPTOGRAPHIC and self._refuses(client, parameters):
            error = {"Error": {"Code": "DisabledException", "Message": "is disabled"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]
        return self._make_api_call(client, operation, parameters)

    def _refuses(self, client: BaseClient, parameters: Any) -> bool:
        key = self._make_api_call(client, "DescribeKey", {"KeyId": parameters["KeyId"]})
        if key["KeyMetadata"]["Enabled"] and self.still_disabled:
            self.still_disabled -= 1
            return True
        return not key["KeyMetadata"]["Enabled"]


@pytest.fixture
def root(cloud: Cloud) -> Authority:
    """A root whose key was made as Terraform makes it: disabled."""
    root = cloud.organization.root("g1")
    disable(cloud, root)
    return root


@pytest.fixture
def keepers(cloud: Cloud) -> Keepers:
    return Keepers(
        ceremony_session(boto3.Session(), cloud.organization, "alice"), cloud.organization
    )


@pytest.fixture
def kms(root: Authority, keepers: Keepers) -> Iterator[Kms]:
    kms = Kms()

    def call(client: BaseClient, operation: str, parameters: Any) -> Any:
        return kms.call(client, operation, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", call):
        yield kms


def key_of(cloud: Cloud, authority: Authority) -> str:
    key: str = cloud.security("kms").describe_key(KeyId=authority.key_alias)["KeyMetadata"]["KeyId"]
    return key


def disable(cloud: Cloud, authority: Authority) -> None:
    cloud.security("kms").disable_key(KeyId=key_of(cloud, authority))


def is_enabled(cloud: Cloud, authority: Authority) -> bool:
    answer = cloud.security("kms").describe_key(KeyId=authority.key_alias)
    return bool(answer["KeyMetadata"]["Enabled"])


@pytest.mark.usefixtures("kms")
def test_a_root_key_is_unusable_outside_a_ceremony(keepers: Keepers, root: Authority) -> None:
    with pytest.raises(KeyKeeperError, match="cannot be used now") as caught:
        keepers.signer_of(root).public_key()

    assert caught.value.hint == "a CA key is enabled for its ceremony only: enable it and run again"


@pytest.mark.usefixtures("kms")
def test_a_root_key_is_enabled_for_the_ceremony_and_disabled_after_it(
    keepers: Keepers, root: Authority, cloud: Cloud
) -> None:
    with keepers.unlocked(root):
        keepers.signer_of(root).public_key()
        assert is_enabled(cloud, root)

    assert not is_enabled(cloud, root)


@pytest.mark.parametrize("reason", [KeyKeeperError("no"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.usefixtures("kms")
def test_a_root_key_is_disabled_however_the_ceremony_ends(
    reason: BaseException, keepers: Keepers, root: Authority, cloud: Cloud
) -> None:
    with pytest.raises(type(reason)), keepers.unlocked(root):
        raise reason

    assert not is_enabled(cloud, root)


def test_the_ceremony_begins_when_kms_shows_the_key_enabled(
    keepers: Keepers, root: Authority, kms: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("pki.keepers.sleep", waited.append)
    kms.still_disabled = 3

    with keepers.unlocked(root):
        keepers.signer_of(root).public_key()

    assert waited == [1, 1, 1]


def test_a_key_that_never_becomes_usable_is_disabled_again(
    keepers: Keepers, root: Authority, kms: Kms, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pki.keepers.sleep", lambda _: None)
    kms.still_disabled = 1_000_000

    with (
        pytest.raises(KeyKeeperError, match="could not be used within 60 seconds"),
        keepers.unlocked(root),
    ):
        pytest.fail("the ceremony began")

    assert not is_enabled(cloud, root)


def test_an_answer_lost_while_enabling_leaves_the_key_disabled(
    keepers: Keepers, root: Authority, kms: Kms, cloud: Cloud
) -> None:
    cloud.security("kms").enable_key(KeyId=key_of(cloud, root))
    kms.fails["EnableKey"] = EndpointConnectionError(endpoint_url="https://kms.example")

    with pytest.raises(EndpointConnectionError), keepers.unlocked(root):
        pytest.fail("the ceremony began")

    assert not is_enabled(cloud, root)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (EndpointConnectionError(endpoint_url="https://kms.example"), "Could not connect"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_key_that_stays_enabled_is_told_loudly_with_what_to_type(
    error: BaseException, words: str, keepers: Keepers, root: Authority, kms: Kms, cloud: Cloud
) -> None:
    kms.fails["DisableKey"] = error

    with pytest.raises(KeyKeeperError, match="STILL ENABLED") as caught, keepers.unlocked(root):
        pass

    assert words in str(caught.value)
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(
        f"aws kms disable-key --region eu-west-1 --key-id {key_of(cloud, root)}"
    )


def test_why_a_ceremony_failed_is_told_too_when_the_key_stays_enabled(
    keepers: Keepers, root: Authority, kms: Kms
) -> None:
    kms.fails["DisableKey"] = EndpointConnectionError(endpoint_url="https://kms.example")

    with (
        pytest.raises(KeyKeeperError, match=r"STILL ENABLED.*had failed: the ink is dry"),
        keepers.unlocked(root),
    ):
        raise KeyKeeperError("the ink is dry")


def test_an_inner_ceremony_does_not_end_the_outer_one(
    keepers: Keepers, root: Authority, kms: Kms, cloud: Cloud
) -> None:
    with keepers.unlocked(root):
        with keepers.unlocked(root):
            pass
        assert is_enabled(cloud, root)

    assert not is_enabled(cloud, root)
    assert kms.calls.count("EnableKey") == kms.calls.count("DisableKey") == 1


def test_a_second_ceremony_enables_the_key_again(
    keepers: Keepers, root: Authority, kms: Kms
) -> None:
    for _ in range(2):
        with keepers.unlocked(root):
            pass

    assert kms.calls.count("EnableKey") == kms.calls.count("DisableKey") == 2


def test_keys_of_issuing_cas_are_left_as_they_are(keepers: Keepers, kms: Kms, cloud: Cloud) -> None:
    issuing = cloud.organization.issuing("dev", "g1")

    with keepers.unlocked(issuing):
        keepers.signer_of(issuing).public_key()

    assert kms.calls == ["GetPublicKey"]


@pytest.mark.usefixtures("kms")
def test_the_first_root_is_disabled_when_the_second_cannot_be_enabled(
    keepers: Keepers, root: Authority, cloud: Cloud
) -> None:
    missing = cloud.organization.root("g7")

    with (
        pytest.raises(KeyKeeperError, match="there is no KMS key alias/example-root-ca-g7"),
        keepers.unlocked(root, missing),
    ):
        pytest.fail("the ceremony began")

    assert not is_enabled(cloud, root)


def test_a_ceremony_after_a_killed_one_ends_with_the_key_disabled(
    keepers: Keepers, root: Authority, cloud: Cloud
) -> None:
    def ceremony() -> None:
        keeper = Keepers(vars(keepers)["_session"], cloud.organization)
        with keeper.unlocked(root):
            pass

    def after_death(_: int) -> None:
        ceremony()
        assert not is_enabled(cloud, root)

    # Told to disable the key and killed in that, a process can do nothing more: the next one does.
    effects = kill_at_every_step(ceremony, after_death)

    assert effects >= 8
    assert not is_enabled(cloud, root)
