"""Key keepers: where the private keys of the CA are, as the organisation chose it for each level.

``live/organization.yaml`` says who keeps the root's keys and who the issuing CAs';
:class:`Keepers` hands out the :class:`~pki.signer.Signer` of a CA, makes a new key where Terraform
does not, and lets the root be used for as long as a ceremony lasts. No keeper repeats a signature.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Protocol

from pki.errors import KeyKeeperError
from pki.keepers.encrypted_pem import EncryptedPemKeeper
from pki.keepers.kms import KmsKeeper
from pki.keepers.secret import Ask, SecretSource, ask_at_the_terminal
from pki.keepers.storage import FileStorage, ParameterStorage, SecretStorage
from pki.keys import KeyType, PublicKey
from pki.organization import Authority, KeeperKind, Organization
from pki.sessions import NO_RETRIES
from pki.signer import Signer

if TYPE_CHECKING:
    import boto3

__all__ = ["KEY_FOLDER_VARIABLE", "MODULE_VARIABLE", "TOKEN_VARIABLE", "Keeper", "Keepers"]

KEY_FOLDER_VARIABLE = "PKI_KEY_DIR"
MODULE_VARIABLE = "PKI_PKCS11_MODULE"
TOKEN_VARIABLE = "PKI_PKCS11_TOKEN"  # noqa: S105 # the token's label


class Keeper(Protocol):
    """One way of keeping private keys."""

    def signer_of(self, authority: Authority) -> Signer:
        """The keeper of a CA's key; asks for nothing yet."""
        ...

    def create(self, authority: Authority, key_type: KeyType, /) -> PublicKey:
        """Make a CA's key, which never leaves the keeper in the clear; an existing one stays.

        Raises:
            KeyKeeperError: there is a key already, or the keeper will not make one.
        """
        ...

    def unlocked(self, authority: Authority, /) -> AbstractContextManager[None]:
        """Let a CA's key be used until the end of the block, however that ends.

        Raises:
            KeyKeeperError: it cannot be unlocked, or could not be locked again.
        """
        ...


class Keepers:
    """The keepers of an organisation's CA keys.

    Example:
        >>> session = ceremony_session(boto3.Session(), organization, "alice")
        >>> keepers = Keepers(session, organization)
        >>> with keepers.unlocked(organization.root("g1")):
        ...     keepers.signer_of(organization.root("g1")).public_key()
    """

    def __init__(
        self,
        ceremony_session: "boto3.Session",
        organization: Organization,
        *,
        environ: Mapping[str, str] = os.environ,
        ask: Ask | None = ask_at_the_terminal,
    ) -> None:
        """Keep the session, which acts as the ceremony role; nothing is asked for yet.

        Args:
            ceremony_session: acts in the security account.
            organization: which keeper each level has.
            environ: where settings, passphrases and PINs are looked for.
            ask: asks a person for a passphrase or a PIN that is not there; None never asks.
        """
        self._session = ceremony_session
        self._organization = organization
        self._environ = environ
        self._ask = ask
        self._keepers: dict[tuple[KeeperKind, bool], Keeper] = {}
        self._signers: dict[Authority, Signer] = {}
        self._unlocked: set[Authority] = set()

    def signer_of(self, authority: Authority) -> Signer:
        """The keeper of a CA's key; the same one each time, and nothing is asked of it yet.

        Raises:
            KeyKeeperError: a setting that the keeper needs is missing.
        """
        if authority not in self._signers:
            self._signers[authority] = self._keeper_of(authority).signer_of(authority)
        return self._signers[authority]

    def create(self, authority: Authority, key_type: KeyType | None = None) -> PublicKey:
        """Make a CA's key, of the type that the organisation chose unless another is given.

        Raises:
            KeyKeeperError: there is a key already (it stays), the keys are KMS's, which Terraform
                makes, or the keeper will not make one.
        """
        chosen = key_type or self._organization.keeper_for(authority).key_type
        return self._keeper_of(authority).create(authority, chosen)

    @contextmanager
    def unlocked(self, *authorities: Authority) -> Iterator[None]:
        """Let root keys be used until the end of the block, however that ends.

        A root's KMS key is disabled outside a ceremony: not even its public key can be read. It is
        enabled here and disabled again, also when the block raises or is interrupted. Keys of
        issuing CAs are not locked. Blocks may be nested.

        Raises:
            KeyKeeperError: a key cannot be enabled; or it could not be disabled, and the message
                says what to type.
        """
        with ExitStack() as stack:
            for authority in authorities:
                if authority.is_root and authority not in self._unlocked:
                    stack.enter_context(self._keeper_of(authority).unlocked(authority))
                    self._unlocked.add(authority)
                    stack.callback(self._unlocked.discard, authority)
            yield

    def _keeper_of(self, authority: Authority) -> Keeper:
        kind = self._organization.keeper_for(authority).keeper
        place = (kind, authority.is_root)
        if place not in self._keepers:
            self._keepers[place] = self._make(kind, "ROOT" if authority.is_root else "ISSUING")
        return self._keepers[place]

    def _make(self, kind: KeeperKind, level: str) -> Keeper:
        match kind:
            case KeeperKind.KMS:
                return self._kms()
            case KeeperKind.SSM:
                ssm = self._session.client("ssm")
                storage_key = self._organization.ca_storage_key_alias
                return EncryptedPemKeeper(
                    ParameterStorage(ssm, storage_key), self._passphrase(level)
                )
            case KeeperKind.SECRETS_MANAGER:
                secrets = self._session.client("secretsmanager")
                storage_key = self._organization.ca_storage_key_alias
                return EncryptedPemKeeper(
                    SecretStorage(secrets, storage_key), self._passphrase(level)
                )
            case KeeperKind.FILE:
                folder = Path(self._setting(KEY_FOLDER_VARIABLE, "the folder of the CA's keys"))
                return EncryptedPemKeeper(FileStorage(folder), self._passphrase(level))
            case KeeperKind.PKCS11:
                return self._pkcs11(level)

    def _kms(self) -> KmsKeeper:
        return KmsKeeper(
            signing=self._session.client("kms", config=NO_RETRIES),
            administering=self._session.client("kms"),
            sleep=sleep,
        )

    def _pkcs11(self, level: str) -> Keeper:
        try:
            from pki.keepers.pkcs11 import Pkcs11Keeper  # noqa: PLC0415 # an optional dependency
        except ImportError as error:
            raise KeyKeeperError(
                f"python-pkcs11 cannot be loaded: {error}", hint="uv sync --extra pkcs11"
            ) from error
        return Pkcs11Keeper(
            module=Path(self._setting(MODULE_VARIABLE, "the PKCS#11 module (.so) of the HSM")),
            token=self._environ.get(TOKEN_VARIABLE) or f"{self._organization.name}-ca",
            pin=self._secret(f"PKI_{level}_PIN", f"PIN of the {level.lower()} CA's token"),
        )

    def _passphrase(self, level: str) -> SecretSource:
        return self._secret(
            f"PKI_{level}_PASSPHRASE", f"passphrase of the {level.lower()} CA's key"
        )

    def _secret(self, variable: str, what: str) -> SecretSource:
        return SecretSource(variable, what, self._environ, self._ask)

    def _setting(self, variable: str, what: str) -> str:
        if value := self._environ.get(variable):
            return value
        raise KeyKeeperError(
            f"{variable} is not set", hint=f"it names {what}: live/organization.yaml chose them"
        )
