"""A registry in memory: what a bulk run writes to when only the run itself is measured."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from clientcert import RegistryRecord
from pki.registry import ClientState, StoredRecord


@dataclass
class MemoryRegistry:
    """Takes what :class:`pki.registry.Registry` takes, of clients that are all new."""

    stored: dict[str, StoredRecord] = field(default_factory=dict)

    def records(self) -> Iterator[StoredRecord]:
        """Every certificate."""
        yield from self.stored.values()

    def client(self, client_id: str) -> ClientState:
        """A client that has no certificate yet."""
        return ClientState(client_id, (), 0)

    def find(self, fingerprint: str) -> RegistryRecord | None:
        """The certificate's record."""
        entry = self.stored.get(fingerprint)
        return None if entry is None else entry.record

    def owner_of_key(self, public_key_sha256: str) -> str | None:  # noqa: ARG002
        """Nobody: every key is new."""
        return None

    def add(
        self,
        record: RegistryRecord,
        public_key_sha256: str,
        seen: ClientState,  # noqa: ARG002
        *,
        retire_at: datetime | None = None,  # noqa: ARG002
        signature_request_id: str | None = None,
        certificate_der: bytes | None = None,
    ) -> None:
        """Keep a certificate."""
        self.stored[record.fingerprint] = StoredRecord(
            record, public_key_sha256, signature_request_id, certificate_der
        )
