"""Where encrypted PEM is kept: each place takes a new key once, and never replaces one."""

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from pki import files
from pki.aws import error_code
from pki.errors import FileError, KeyKeeperError
from pki.organization import Authority

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

_MAXIMUM_KEY_BYTES = 16 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_NO_STORAGE_KEY = {"InvalidKeyId", "EncryptionFailure", "DecryptionFailure"}


class Storage(Protocol):
    """A place of encrypted keys."""

    def location(self, authority: Authority) -> str:
        """What a person calls the place of a CA's key."""
        ...

    def read(self, authority: Authority) -> bytes | None:
        """A CA's encrypted key, or None where there is none."""
        ...

    def create(self, authority: Authority, pem: bytes) -> bool:
        """Keep a CA's new encrypted key; False where there is one already, which stays."""
        ...


class ParameterStorage:
    """SecureStrings of the SSM Parameter Store, under ``/<organization>/ca/``.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
    """

    def __init__(self, ssm: "SSMClient", storage_key: str) -> None:
        """Keep the client, which acts in the security account, and the KMS key's alias."""
        self._ssm = ssm
        self._storage_key = storage_key

    def location(self, authority: Authority) -> str:
        """See :meth:`Storage.location`."""
        return f"SSM parameter {authority.key_path}"

    def read(self, authority: Authority) -> bytes | None:
        """See :meth:`Storage.read`."""
        try:
            answer = self._ssm.get_parameter(Name=authority.key_path, WithDecryption=True)
        except ClientError as error:
            if error_code(error) == "ParameterNotFound":
                return None
            raise _translated(error, self._storage_key) from error
        return answer["Parameter"]["Value"].encode()

    def create(self, authority: Authority, pem: bytes) -> bool:
        """See :meth:`Storage.create`."""
        try:
            self._ssm.put_parameter(
                Name=authority.key_path,
                Description=f"Encrypted key of {authority.common_name}",
                Value=pem.decode("ascii"),
                Type="SecureString",
                KeyId=self._storage_key,
                Overwrite=False,
            )
        except ClientError as error:
            if error_code(error) == "ParameterAlreadyExists":
                return False
            raise _translated(error, self._storage_key) from error
        return True


class SecretStorage:
    """Secrets Manager, under ``/<organization>/ca/``."""

    def __init__(self, secrets: "SecretsManagerClient", storage_key: str) -> None:
        """Keep the client, which acts in the security account, and the KMS key's alias."""
        self._secrets = secrets
        self._storage_key = storage_key

    def location(self, authority: Authority) -> str:
        """See :meth:`Storage.location`."""
        return f"secret {authority.key_path}"

    def read(self, authority: Authority) -> bytes | None:
        """See :meth:`Storage.read`."""
        try:
            answer = self._secrets.get_secret_value(SecretId=authority.key_path)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise _translated(error, self._storage_key) from error
        return answer["SecretString"].encode()

    def create(self, authority: Authority, pem: bytes) -> bool:
        """See :meth:`Storage.create`."""
        try:
            self._secrets.create_secret(
                Name=authority.key_path,
                Description=f"Encrypted key of {authority.common_name}",
                SecretString=pem.decode("ascii"),
                KmsKeyId=self._storage_key,
            )
        except ClientError as error:
            if error_code(error) == "ResourceExistsException":
                return False
            raise _translated(error, self._storage_key) from error
        return True


class FileStorage:
    """Files of one folder: for tests and for disposable CAs."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder; it is made when a key is."""
        self._folder = folder

    def location(self, authority: Authority) -> str:
        """See :meth:`Storage.location`."""
        return str(self._path(authority))

    def read(self, authority: Authority) -> bytes | None:
        """See :meth:`Storage.read`.

        Raises:
            KeyKeeperError: others than the file's owner may read or change it.
            FileError: it cannot be read.
        """
        path = self._path(authority)
        if not path.exists():
            return None
        if path.stat().st_mode & _OTHERS:
            raise KeyKeeperError(
                f"{path} is open to others than its owner", hint=f"chmod 600 {path}"
            )
        return files.read(path, "CA key", at_most=_MAXIMUM_KEY_BYTES)

    def create(self, authority: Authority, pem: bytes) -> bool:
        """See :meth:`Storage.create`.

        Raises:
            FileError: the folder cannot be written.
        """
        path = self._path(authority)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Complete before it has its name, and a link takes no name that is taken.
            with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as folder:
                complete = Path(folder) / path.name
                files.write_durably(complete, pem)
                os.link(complete, path)
        except FileExistsError:
            return False
        except OSError as error:
            raise FileError(f"cannot write {path}: {error.strerror or error}") from error
        return True

    def _path(self, authority: Authority) -> Path:
        return self._folder / Path(authority.object_key).with_suffix(".key")


def _translated(error: ClientError, storage_key: str) -> Exception:
    if error_code(error) in _NO_STORAGE_KEY:
        return KeyKeeperError(
            f"the KMS key {storage_key} over the stored CA keys cannot be used "
            f"({error_code(error)})",
            hint="apply the unit ca/pki of the security account, which makes it, and enable it",
        )
    return error
