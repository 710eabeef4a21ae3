"""A client's folder: certificate, chain, and the key when it was made here.

Files are staged under hidden names, then a journal says that they are complete, then they are
registered, then renamed into place, and the journal goes last. Whatever interrupts that, the next
run finds the journal and finishes: no certificate is registered whose key is lost.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from clientcert import MalformedRecordError, RegistryRecord, fingerprint
from pki import files
from pki.errors import FileError
from pki.keys import PrivateKey

CERTIFICATE = "client.crt"
PRIVATE_KEY = "client.key"
CHAIN = "chain.pem"
_JOURNAL = ".provisioning.json"
_MODES = {PRIVATE_KEY: files.PRIVATE, CHAIN: files.PUBLIC, CERTIFICATE: files.PUBLIC}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one provisioning hands over.

    Attributes:
        environment: where the certificate is registered.
        record: its registry record.
        certificate: the client certificate.
        chain: issuing CA, then root.
        private_key: when it was made here.
    """

    environment: str
    record: RegistryRecord
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    private_key: PrivateKey | None

    def contents(self) -> dict[str, bytes]:
        """File names and what goes into them."""
        contents = {
            CHAIN: b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain),
            CERTIFICATE: self.certificate.public_bytes(Encoding.PEM),
        }
        if self.private_key is not None:
            contents[PRIVATE_KEY] = self.private_key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
        return contents


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What an earlier run left complete on disk but not delivered.

    Attributes:
        environment: where it was, or was to be, registered.
        record: its registry record.
        certificate: the client certificate.
        has_private_key: whether its key was made here, too.
    """

    environment: str
    record: RegistryRecord
    certificate: x509.Certificate
    has_private_key: bool


class ClientFolder:
    """``<output-dir>/<client>/``."""

    def __init__(self, path: Path) -> None:
        """Keep the folder's path; it is made when something is staged."""
        self._path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out of the folder; the lock ends with the process, however that ends.

        Raises:
            FileError: another run holds it, or the folder cannot be made.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise FileError(f"cannot use {self._path}: {error.strerror or error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise FileError(
                f"another run is at work in {self._path}", hint="wait for it, then run again"
            ) from error
        finally:
            os.close(descriptor)

    def path(self, name: str) -> Path:
        """Where a file goes."""
        return self._path / name

    def refuse_to_overwrite(self, names: Iterable[str]) -> None:
        """Check that nothing is in the way.

        Raises:
            FileError: a file of that name exists.
        """
        for name in names:
            if self.path(name).exists():
                raise FileError(
                    f"{self.path(name)} exists",
                    hint="choose another --output-dir, or replace it with --force",
                )

    def stage(self, delivery: Delivery) -> None:
        """Write everything under hidden names, and the journal last.

        Raises:
            FileError: the folder cannot be written.
        """
        contents = delivery.contents()
        for name, content in contents.items():
            files.write_durably(self._staged(name), content, _MODES[name])
        journal = {
            "environment": delivery.environment,
            "record": delivery.record.to_item(),
            "has_private_key": PRIVATE_KEY in contents,
        }
        files.write_durably(self._staged(_JOURNAL), json.dumps(journal, indent=2).encode())
        files.move(self._staged(_JOURNAL), self._journal)

    def interrupted(self) -> Interrupted | None:
        """What an earlier run left, or None; leftovers of an unfinished staging do not count.

        Raises:
            FileError: the journal does not fit the files.
        """
        if not self._journal.exists():
            return None
        try:
            journal = json.loads(self._journal.read_bytes())
            record = RegistryRecord.from_item(journal["record"])
            certificate = x509.load_pem_x509_certificate(self._current(CERTIFICATE).read_bytes())
            left = Interrupted(
                str(journal["environment"]), record, certificate, bool(journal["has_private_key"])
            )
            if left.has_private_key:
                self._require_key(certificate)
        except (OSError, ValueError, KeyError, TypeError, MalformedRecordError) as error:
            raise self._unusable() from error
        if fingerprint(certificate.public_bytes(Encoding.DER)) != record.fingerprint:
            raise self._unusable()
        return left

    def publish(self) -> None:
        """Rename the staged files into place, the certificate last, then drop the journal.

        Raises:
            FileError: a rename failed.
        """
        for name in _MODES:
            if self._staged(name).exists():
                files.move(self._staged(name), self.path(name))
        self._journal.unlink()

    def discard(self) -> None:
        """Remove what is staged, journal first, so that nothing half-removed looks complete."""
        self._journal.unlink(missing_ok=True)
        for name in (*_MODES, _JOURNAL):
            self._staged(name).unlink(missing_ok=True)

    @property
    def _journal(self) -> Path:
        return self._path / _JOURNAL

    def _staged(self, name: str) -> Path:
        return self._path / f".{name}.staged"

    def _current(self, name: str) -> Path:
        staged = self._staged(name)
        return staged if staged.exists() else self.path(name)

    def _require_key(self, certificate: x509.Certificate) -> None:
        key = load_pem_private_key(self._current(PRIVATE_KEY).read_bytes(), None)
        if key.public_key() != certificate.public_key():
            raise ValueError("the key is another's")

    def _unusable(self) -> FileError:
        return FileError(
            f"{self._journal} tells of an interrupted run, but the files do not fit it",
            hint=f"move {self._path} away, and revoke the client's certificate if it has one",
        )
