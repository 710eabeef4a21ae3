"""A registry in memory, and what else a bulk run is given in tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord
from pki.bulk.issuance import Bulk
from pki.bulk.requests import BulkRequest, Terms
from pki.bulk.workers import InlineExecutor, Workbench, Workers
from pki.errors import ConcurrentChangeError, KeyReusedError
from pki.keys import KeyType, PrivateKey, generate
from pki.organization import Environment
from pki.packaging import Packaging
from pki.profiles import client_name
from pki.registry import ClientState, StoredRecord
from tests.pki.support import NOW, Hierarchy, RecordedProgress

TERMS = Terms(scopes=frozenset({"api/read"}), days=365, app_client="default")
DEV = Environment("example", "dev", "non-prod", "222222222222", "eu-west-1")


@dataclass
class MemoryRegistry:
    """As :class:`pki.registry.Registry` behaves, without a table."""

    stored: dict[str, StoredRecord] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def records(self) -> Iterator[StoredRecord]:
        yield from list(self.stored.values())

    def client(self, client_id: str) -> ClientState:
        with self.lock:
            return self._client(client_id)

    def _client(self, client_id: str) -> ClientState:
        records = [entry.record for entry in self.stored.values()]
        mine = tuple(record for record in records if record.client_id == client_id)
        return ClientState(client_id, mine, len(mine))

    def find(self, fingerprint: str) -> RegistryRecord | None:
        entry = self.stored.get(fingerprint)
        return None if entry is None else entry.record

    def owner_of_key(self, public_key_sha256: str) -> str | None:
        return self.claims.get(public_key_sha256)

    def add(
        self,
        record: RegistryRecord,
        public_key_sha256: str,
        seen: ClientState,
        *,
        retire_at: datetime | None = None,
        signature_request_id: str | None = None,
        certificate_der: bytes | None = None,
    ) -> None:
        with self.lock:
            if record.fingerprint in self.stored:
                return
            if public_key_sha256 in self.claims:
                raise KeyReusedError("the key was certified meanwhile")
            if seen.revision != self._client(record.client_id).revision:
                raise ConcurrentChangeError("changed meanwhile")
            self.claims[public_key_sha256] = record.fingerprint
            self.stored[record.fingerprint] = StoredRecord(
                record, public_key_sha256, signature_request_id, certificate_der
            )


class RecordedBulkProgress(RecordedProgress):
    """Keeps how far each long step went."""

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count

        yield advance
        self.steps.append(f"{label} {done}/{total}")


def pem_request(name: str, key: PrivateKey | None = None) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(client_name(name))
    request = builder.sign(key or generate(KeyType.EC_P256), hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def bulk_request(name: str, source: bytes | KeyType | None = None) -> BulkRequest:
    given = pem_request(name) if source is None else source
    return BulkRequest(origin=f"{name}.csr", client_id=name, source=given, terms=TERMS)


def bulk_in(
    folder: Path,
    hierarchy: Hierarchy,
    registry: MemoryRegistry,
    *,
    packaging: Packaging | None = None,
    environment: Environment = DEV,
) -> Bulk:
    packed = packaging or Packaging()
    bench = Workbench(hierarchy.issuing, environment, packed, lambda: NOW, lambda _: None)
    return Bulk(
        environment=environment,
        issuer=hierarchy.issuing,
        root=hierarchy.root.certificate,
        registry=registry,
        app_client_id=lambda _: "cognito-id",
        folder=folder,
        workers=Workers.here(bench),
        registrars=InlineExecutor(),
        packaging=packed,
        progress=RecordedBulkProgress(),
        now=lambda: NOW,
        sync=lambda: None,
    )
