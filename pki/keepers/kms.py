"""CA keys in KMS: Terraform makes them, nobody can export them, and a root's is disabled.

A ceremony enables the root's key and disables it again. Outside, it neither signs nor tells its
public key (https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from pki.aws import error_code
from pki.errors import KeyKeeperError, MissingKeyError, PkiError
from pki.keys import KeyType, PublicKey
from pki.organization import Authority
from pki.signer import KmsSigner

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_NOT_USABLE_YET = {"DisabledException", "KMSInvalidStateException"}
_LONGEST_WAIT = 60
"""Seconds: KMS shows a change of a key's state everywhere in less than a few seconds, mostly.

https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency
"""


class KmsKeeper:
    """The CA keys of the security account."""

    def __init__(
        self,
        signing: "KMSClient",
        administering: "KMSClient",
        sleep: Callable[[float], None],
    ) -> None:
        """Keep the collaborators.

        Args:
            signing: signs; must not retry.
            administering: enables and disables keys; should retry.
            sleep: waits a number of seconds.
        """
        self._signing = signing
        self._administering = administering
        self._sleep = sleep

    def signer_of(self, authority: Authority) -> KmsSigner:
        """See :meth:`pki.keepers.Keeper.signer_of`."""
        return KmsSigner(self._signing, authority.key_alias)

    def create(self, authority: Authority, _: KeyType) -> PublicKey:
        """Refuse: a key that nothing describes would be nobody's.

        Raises:
            KeyKeeperError: always.
        """
        raise KeyKeeperError(
            f"{authority.key_alias} is for Terraform to make",
            hint="add the generation to the unit ca/pki of the security account and apply that: "
            "make bootstrap-account ACCOUNT=security",
        )

    @contextmanager
    def unlocked(self, authority: Authority) -> Iterator[None]:
        """See :meth:`pki.keepers.Keeper.unlocked`: enabled before, disabled after."""
        key_id = self._key_id(authority)
        failure: BaseException | None = None
        try:
            # Inside: an answer that is lost may have enabled the key.
            self._enable(authority, key_id)
            yield
        except BaseException as error:
            failure = error
            raise
        finally:
            self._disable(authority, key_id, failure)

    def _key_id(self, authority: Authority) -> str:
        try:
            answer = self._administering.describe_key(KeyId=authority.key_alias)
        except ClientError as error:
            if error_code(error) == "NotFoundException":
                raise MissingKeyError(
                    f"there is no KMS key {authority.key_alias} in the security account",
                    hint="apply the unit ca/pki of the security account first",
                ) from error
            raise
        return answer["KeyMetadata"]["KeyId"]

    def _enable(self, authority: Authority, key_id: str) -> None:
        self._administering.enable_key(KeyId=key_id)
        for _ in range(_LONGEST_WAIT):
            # The public key is refused as long as a signature would be, and is no use of the key.
            try:
                self._administering.get_public_key(KeyId=key_id)
            except ClientError as error:
                if error_code(error) not in _NOT_USABLE_YET:
                    raise
            else:
                return
            self._sleep(1)
        raise KeyKeeperError(
            f"KMS enabled {authority.key_alias}, but it could not be used within "
            f"{_LONGEST_WAIT} seconds",
            hint="run it again; is the key's deletion scheduled?",
        )

    def _disable(self, authority: Authority, key_id: str, failure: BaseException | None) -> None:
        try:
            self._administering.disable_key(KeyId=key_id)
        except (BotoCoreError, ClientError, KeyboardInterrupt) as error:
            before = "" if failure is None else f"; the ceremony had failed: {_words(failure)}"
            region = self._administering.meta.region_name
            raise KeyKeeperError(
                f"THE ROOT'S KEY IS STILL ENABLED: {authority.key_alias} could not be disabled: "
                f"{_words(error)}{before}",
                hint="type, as an administrator of the security account: "
                f"aws kms disable-key --region {region} --key-id {key_id}",
            ) from error


def _words(error: BaseException) -> str:
    if isinstance(error, PkiError | BotoCoreError | ClientError):
        return str(error)
    return "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
