"""A bulk run in a process of its own, to be killed: its registry is a file that is appended to."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from clientcert import RegistryRecord
from pki.bulk.issuance import provision_all
from pki.bulk.requests import Batch
from pki.bulk.workers import Workbench, Workers
from pki.issuing import CertificateAuthority
from pki.keys import KeyType, generate
from pki.packaging import Packaging
from pki.signer import FileSigner
from tests.pki.bulk_support import DEV, MemoryRegistry, bulk_in, bulk_request, pem_request
from tests.pki.support import NOW, Hierarchy, build_hierarchy, pem_of

COUNT = 40


class FileRegistry(MemoryRegistry):
    """Remembers what was added across processes, as far as a resumed run asks for it."""

    file: Path

    def add(self, record: RegistryRecord, *args: Any, **kwargs: Any) -> None:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        known = dict(line.split() for line in lines)
        line = f"{record.client_id} {record.fingerprint}"
        if known.get(record.client_id, record.fingerprint) != record.fingerprint:
            raise AssertionError(f"two certificates of {record.client_id}")
        if record.client_id not in known:
            with self.file.open("a") as file:
                file.write(line + "\n")
        print("added", record.client_id, flush=True)


def material(folder: Path) -> tuple[Hierarchy, tuple[bytes, ...]]:
    """CA and requests: made by the first run, found by the others."""
    keys = folder / "keys.pem"
    if not (folder / "ready").exists():
        hierarchy = build_hierarchy()
        signers = [hierarchy.root.signer, hierarchy.issuing.signer]
        keys.write_bytes(b"".join(_pem(signer) for signer in signers))
        (folder / "cas.pem").write_bytes(
            pem_of(hierarchy.root.certificate, hierarchy.issuing.certificate)
        )
        for number in range(COUNT):
            request = pem_request(f"d-{number}", generate(KeyType.EC_P256))
            (folder / f"{number}.csr").write_bytes(request)
        (folder / "ready").touch()
    texts = keys.read_bytes().split(b"-----END PRIVATE KEY-----\n")
    root, issuing = x509.load_pem_x509_certificates((folder / "cas.pem").read_bytes())
    signers = [FileSigner.from_pem(text + b"-----END PRIVATE KEY-----\n") for text in texts[:2]]
    hierarchy = Hierarchy(
        CertificateAuthority(root, signers[0]), CertificateAuthority(issuing, signers[1])
    )
    return hierarchy, tuple((folder / f"{number}.csr").read_bytes() for number in range(COUNT))


def _pem(signer: Any) -> bytes:
    encoded: bytes = signer._private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return encoded


def main(folder: Path) -> None:
    hierarchy, requests = material(folder)
    print("ready", flush=True)
    registry = FileRegistry()
    registry.file = folder / "registry"
    bulk = bulk_in(folder / "run", hierarchy, registry)
    bench = Workbench(hierarchy.issuing, DEV, Packaging(), lambda: NOW)
    asked = tuple(bulk_request(f"d-{number}", csr) for number, csr in enumerate(requests))
    with Workers.hired(bench, processes=2, threads=1) as workers:
        outcome = provision_all(replace(bulk, workers=workers), Batch(asked, ()))
    print(f"delivered {len(outcome.delivered)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
