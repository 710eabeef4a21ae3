"""A client's folder: certificate, chain, and the key when it was made here.

A journal goes through it: what will be issued is written there before it is signed, the
certificate before it is registered, and the journal goes away when every file is in place.
Whatever interrupts that, the next run finds the journal and finishes: it signs the same draft,
and no certificate is registered whose key is lost.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from pki import files
from pki.errors import FileError, IssuanceError
from pki.issuing import Draft, Signed
from pki.keys import PrivateKey
from pki.packaging import (
    BUNDLE,
    CERTIFICATE,
    CHAIN,
    MODES,
    PRIVATE_KEY,
    Packaging,
    PassphraseError,
)
from pki.registration import Grant

__all__ = ["BUNDLE", "CERTIFICATE", "CHAIN", "PRIVATE_KEY", "ClientFolder", "Journal"]

_JOURNAL = ".provisioning.json"
_KEY = ".client.key.staged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What one run issues, and how far it is.

    Attributes:
        environment: where the certificate is registered.
        draft: the certificate before its signature.
        grant: what it is registered with.
        chain: issuing CA, then root.
        has_private_key: whether the key was made here.
        signed: the certificate, once it is signed.
    """

    environment: str
    draft: Draft
    grant: Grant
    chain: tuple[x509.Certificate, ...]
    has_private_key: bool
    signed: Signed | None = None

    def to_document(self) -> dict[str, Any]:
        """The journal in JSON's types."""
        signed = None
        if self.signed is not None:
            signed = {
                "certificate": _pem(self.signed.certificate),
                "signature_request_id": self.signed.signature_request_id,
            }
        return {
            "environment": self.environment,
            "draft": self.draft.to_document(),
            "grant": self.grant.to_document(),
            "chain": [_pem(certificate) for certificate in self.chain],
            "has_private_key": self.has_private_key,
            "signed": signed,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what :meth:`to_document` wrote.

        Raises:
            IssuanceError, KeyError, TypeError, ValueError: it is not such a document, or its
                certificate is not the draft's.
        """
        journal = cls(
            environment=str(document["environment"]),
            draft=Draft.from_document(document["draft"]),
            grant=Grant.from_document(document["grant"]),
            chain=tuple(map(_certificate, document["chain"])),
            has_private_key=bool(document["has_private_key"]),
        )
        if (signed := document["signed"]) is None:
            return journal
        certificate = _certificate(signed["certificate"])
        if not journal.draft.matches(certificate):
            raise ValueError("the certificate is not the draft's")
        return replace(journal, signed=Signed(certificate, signed["signature_request_id"]))


class ClientFolder:
    """``<output-dir>/<client>/``."""

    def __init__(self, path: Path) -> None:
        """Keep the folder's path; it is made when it is locked."""
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

    def begin(self, journal: Journal, private_key: PrivateKey | None, packaging: Packaging) -> None:
        """Write down what will be signed; a key that was made here first.

        Raises:
            FileError: the folder cannot be written.
        """
        if private_key is not None:
            files.write_durably(self.path(_KEY), packaging.seal(private_key))
        self.note(journal)

    def note(self, journal: Journal) -> None:
        """Write down how far the run is.

        Raises:
            FileError: the folder cannot be written.
        """
        content = json.dumps(journal.to_document(), indent=2).encode()
        self._put(_JOURNAL, content, files.PRIVATE)

    def interrupted(self, packaging: Packaging) -> Journal | None:
        """What an earlier run left, or None; a key without a journal does not count.

        Raises:
            FileError: the journal does not fit the files, or the passphrase is another.
        """
        try:
            content = self.path(_JOURNAL).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable() from error
        try:
            journal = Journal.from_document(json.loads(content))
            if journal.has_private_key:
                self._key_of(journal, packaging)
        except PassphraseError as error:
            raise FileError(
                f"an interrupted run left a key in {self._path}: {error}",
                hint="complete it with the passphrase that it began with",
            ) from error
        except (OSError, ValueError, KeyError, TypeError, IssuanceError) as error:
            raise self._unusable() from error
        return journal

    def publish(self, journal: Journal, packaging: Packaging) -> None:
        """Put the files into place, the certificate last, then drop the journal.

        Raises:
            FileError: a file cannot be written, or the certificate is not signed yet.
        """
        if journal.signed is None:
            raise self._unusable()
        key = self._key_of(journal, packaging) if journal.has_private_key else None
        client_id, certificate = journal.grant.client_id, journal.signed.certificate
        contents = packaging.contents(client_id, certificate, journal.chain, key)
        for name in (name for name in MODES if name in contents):
            self._put(name, contents[name], MODES[name])
        self.path(_KEY).unlink(missing_ok=True)
        self.path(_JOURNAL).unlink()

    def discard(self) -> None:
        """Remove what an earlier run left, journal first, so that no rest looks complete."""
        self.path(_JOURNAL).unlink(missing_ok=True)
        self.path(_KEY).unlink(missing_ok=True)
        for name in (*MODES, _JOURNAL):
            self._new(name).unlink(missing_ok=True)

    def _put(self, name: str, content: bytes, mode: int) -> None:
        files.write_durably(self._new(name), content, mode)
        files.move(self._new(name), self.path(name))

    def _new(self, name: str) -> Path:
        return self._path / f".{name.removeprefix('.')}.new"

    def _key_of(self, journal: Journal, packaging: Packaging) -> PrivateKey:
        """The staged key; or, when a run died after that was removed, the one in place."""
        key = self._any_key(packaging)
        if key.public_key() != journal.draft.public_key:
            raise ValueError("the key is another's")
        return key

    def _any_key(self, packaging: Packaging) -> PrivateKey:
        for path in (self.path(_KEY), self.path(PRIVATE_KEY)):
            if path.exists():
                return packaging.open(path.read_bytes())
        content = self.path(BUNDLE).read_bytes()
        key = pkcs12.load_pkcs12(content, packaging.passphrase).key
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("no RSA or EC key")  # noqa: TRY004 (bad data)
        return key

    def _unusable(self) -> FileError:
        return FileError(
            f"{self.path(_JOURNAL)} tells of an interrupted run, but the files do not fit it",
            hint=f"move {self._path} away, and revoke the client's certificate if it has one",
        )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _certificate(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode("ascii"))
