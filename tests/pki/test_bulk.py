"""A bulk run, whatever happens to it: each request gets exactly one certificate."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

from clientcert import RegistryRecord, RevocationReason, Status, fingerprint
from pki.bulk.issuance import Bulk, Outcome, provision_all
from pki.bulk.requests import Batch, BulkRequest, Refusal
from pki.bulk.run_file import RunFile
from pki.bulk.workers import Workbench, Workers
from pki.errors import AppClientError, FileError
from pki.issuing import CertificateAuthority
from pki.keys import KeyType, generate
from pki.packaging import Format, Packaging
from pki.registry import StoredRecord
from tests.pki.bulk_support import (
    DEV,
    MemoryRegistry,
    bulk_in,
    bulk_request,
    pem_request,
)
from tests.pki.support import NOW, Hierarchy, KilledError, build_hierarchy

NAMES = ("a", "b", "c")
REQUESTS = tuple(bulk_request(name) for name in NAMES)


def batch(*requests: BulkRequest) -> Batch:
    return Batch(requests or REQUESTS, ())


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def bulk(tmp_path: Path, hierarchy: Hierarchy, registry: MemoryRegistry) -> Bulk:
    return bulk_in(tmp_path / "run", hierarchy, registry)


def certificates(folder: Path) -> dict[str, x509.Certificate]:
    return {
        path.stem: x509.load_pem_x509_certificate(path.read_bytes())
        for path in (folder / "certificates").glob("*.crt")
    }


def assert_whole(folder: Path, registry: MemoryRegistry, names: tuple[str, ...]) -> None:
    """Exactly one certificate each: the same in the registry as on disk."""
    on_disk = {
        name: fingerprint(certificate.public_bytes(Encoding.DER))
        for name, certificate in certificates(folder).items()
    }
    registered = sorted((entry.record.client_id, fp) for fp, entry in registry.stored.items())
    assert registered == sorted(on_disk.items())
    assert set(on_disk) == set(names)


def reasons(outcome: Outcome) -> dict[str | None, str]:
    return {refusal.client_id: refusal.reason for refusal in outcome.refusals}


def test_each_request_gets_its_certificate(
    bulk: Bulk, registry: MemoryRegistry, hierarchy: Hierarchy
) -> None:
    outcome = provision_all(bulk, batch())

    assert [entry.record.client_id for entry in outcome.delivered] == list(NAMES)
    assert (outcome.new, outcome.refusals, outcome.stopped) == (3, (), False)
    assert_whole(bulk.folder, registry, NAMES)
    chain = x509.load_pem_x509_certificates((bulk.folder / "chain.pem").read_bytes())
    assert chain == [hierarchy.issuing.certificate, hierarchy.root.certificate]
    (entry,) = [e for e in registry.stored.values() if e.record.client_id == "a"]
    assert entry.record.cognito_client_id == "cognito-id"
    assert entry.certificate_der is not None


def test_a_run_that_is_complete_does_nothing_when_run_again(
    bulk: Bulk, registry: MemoryRegistry
) -> None:
    provision_all(bulk, batch())
    before = dict(registry.stored)

    outcome = provision_all(bulk, batch())

    assert (outcome.new, len(outcome.delivered)) == (0, 3)
    assert registry.stored == before


def test_requests_may_be_added_to_a_run(bulk: Bulk, registry: MemoryRegistry) -> None:
    provision_all(bulk, batch())

    outcome = provision_all(bulk, batch(*REQUESTS, bulk_request("d")))

    assert outcome.new == 1
    assert_whole(bulk.folder, registry, (*NAMES, "d"))


def test_keys_are_made_where_they_are_asked_for(bulk: Bulk) -> None:
    provision_all(bulk, batch(bulk_request("a", KeyType.EC_P384)))

    path = bulk.folder / "certificates" / "a.key"
    key = load_pem_private_key(path.read_bytes(), None)
    assert key.public_key() == certificates(bulk.folder)["a"].public_key()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not (bulk.folder / "certificates" / ".a.key").exists()


def test_keys_may_be_handed_over_as_pkcs12(
    tmp_path: Path, hierarchy: Hierarchy, registry: MemoryRegistry
) -> None:
    packaging = Packaging(format=Format.PKCS12, passphrase=b"correct horse battery")
    bulk = bulk_in(tmp_path / "run", hierarchy, registry, packaging=packaging)

    provision_all(bulk, batch(bulk_request("a", KeyType.EC_P256), bulk_request("b")))

    folder = bulk.folder / "certificates"
    assert {path.name for path in folder.iterdir()} == {"a.crt", "a.p12", "b.crt", "b.p12"}
    assert pkcs12.load_pkcs12((folder / "a.p12").read_bytes(), packaging.passphrase).key
    assert provision_all(bulk, batch(bulk_request("a", KeyType.EC_P256), REQUESTS[1])).refusals


def test_nothing_is_issued_while_one_is_refused(bulk: Bulk, registry: MemoryRegistry) -> None:
    forged = bulk_request("b", pem_request("other"))

    outcome = provision_all(bulk, batch(REQUESTS[0], forged, REQUESTS[2]))

    assert outcome.stopped
    assert reasons(outcome) == {"b": "the request's subject is 'CN=other'"}
    assert registry.stored == {}


def test_a_corrected_request_completes_what_was_stopped(
    bulk: Bulk, registry: MemoryRegistry
) -> None:
    provision_all(bulk, batch(REQUESTS[0], bulk_request("b", b"nonsense"), REQUESTS[2]))

    assert provision_all(bulk, batch()).refusals == ()
    assert_whole(bulk.folder, registry, NAMES)


def test_the_good_requests_are_served_when_that_is_asked_for(
    bulk: Bulk, registry: MemoryRegistry
) -> None:
    unread = Refusal("fleet.csv, line 9", None, "unreadable", None)
    mixed = Batch((REQUESTS[0], bulk_request("b", b"nonsense")), (unread,))

    outcome = provision_all(bulk, mixed, partial=True)

    assert set(reasons(outcome)) == {"b", None}
    assert_whole(bulk.folder, registry, ("a",))


def test_one_key_for_two_clients_is_refused(bulk: Bulk) -> None:
    key = generate(KeyType.EC_P256)
    same = [bulk_request(name, pem_request(name, key)) for name in ("a", "b")]

    assert reasons(provision_all(bulk, batch(*same))) == {"b": "the key is the one of a.csr"}


def test_what_the_registry_knows_is_refused(
    bulk: Bulk, tmp_path: Path, registry: MemoryRegistry
) -> None:
    key = generate(KeyType.EC_P256)
    provision_all(bulk, batch(bulk_request("a", pem_request("a", key))))
    elsewhere = replace(bulk, folder=tmp_path / "second")

    outcome = provision_all(elsewhere, batch(REQUESTS[0], bulk_request("b", pem_request("b", key))))

    found = reasons(outcome)
    assert "a has an active certificate until 2027-11-24" in found["a"]
    assert found["b"] == "a already has, or had, a certificate for this key"


def test_an_additional_certificate_is_given_when_it_is_meant(
    bulk: Bulk, tmp_path: Path, registry: MemoryRegistry
) -> None:
    provision_all(bulk, batch(bulk_request("a")))
    elsewhere = replace(bulk, folder=tmp_path / "second", additional=True)

    assert provision_all(elsewhere, batch(bulk_request("a"))).new == 1
    assert len(registry.client("a").records) == 2


def test_an_unknown_app_client_is_told_for_its_request(bulk: Bulk) -> None:
    def unknown(name: str) -> str:
        raise AppClientError(f"no app client {name!r}")

    outcome = provision_all(replace(bulk, app_client_id=unknown), batch(REQUESTS[0]))

    assert reasons(outcome) == {"a": "no app client 'default'"}


def test_a_run_is_not_completed_for_other_requests(bulk: Bulk) -> None:
    provision_all(bulk, batch())

    outcome = provision_all(bulk, batch(REQUESTS[0], REQUESTS[1], bulk_request("c")))

    assert reasons(outcome) == {"c": "this run has a certificate for c, asked for otherwise"}


def test_a_run_belongs_to_one_environment_and_one_ca(bulk: Bulk) -> None:
    provision_all(bulk, batch())
    other = build_hierarchy(generation="G2").issuing

    with pytest.raises(FileError, match="began with environment dev, not stage"):
        provision_all(replace(bulk, environment=replace(DEV, name="stage")), batch())
    with pytest.raises(FileError, match=r"began with issuing CA .*G1.*, not .*G2"):
        provision_all(replace(bulk, issuer=other), batch())


def test_two_runs_in_one_folder_exclude_each_other(bulk: Bulk) -> None:
    with RunFile.opened(bulk.folder), pytest.raises(FileError, match="another run is at work"):
        provision_all(bulk, batch())


def test_a_run_file_that_is_none_is_refused(bulk: Bulk) -> None:
    bulk.folder.mkdir()
    (bulk.folder / "run.sqlite").write_bytes(b"no database" * 100)

    with pytest.raises(FileError, match="cannot be used"):
        provision_all(bulk, batch())


class Watched:
    """Counts what happens through every collaborator, and kills before or after one effect."""

    def __init__(self, left: int) -> None:
        self.left = left

    def strike(self) -> None:
        if self.left == 0:
            raise KilledError
        self.left -= 1

    def around[**P, R](self, effect: Callable[P, R]) -> Callable[P, R]:
        def struck(*args: P.args, **kwargs: P.kwargs) -> R:
            self.strike()
            result = effect(*args, **kwargs)
            self.strike()
            return result

        return struck


class DyingRegistry(MemoryRegistry):
    watched: Watched

    def records(self) -> Iterator[StoredRecord]:
        self.watched.strike()
        return super().records()

    def add(self, *args: Any, **kwargs: Any) -> None:
        self.watched.around(super().add)(*args, **kwargs)


def dying(bulk: Bulk, watched: Watched) -> tuple[Bulk, list[Any]]:
    """Every write of the run file, file, signature and registration, each before and after."""
    signer = bulk.issuer.signer

    class DyingSigner:
        def public_key(self) -> Any:
            return signer.public_key()

        def sign_digest(self, *args: Any) -> Any:
            return watched.around(signer.sign_digest)(*args)

    issuer = CertificateAuthority(bulk.issuer.certificate, DyingSigner())
    bench = Workbench(issuer, DEV, bulk.packaging, lambda: NOW, lambda _: None)
    patches = [
        mock.patch.object(RunFile, name, watched.around(getattr(RunFile, name)))
        for name in ("add", "signed", "advanced", "refused", "drop", "reconsider", "require_fact")
    ]
    patches += [
        mock.patch("os.fsync", watched.around(os.fsync)),
        mock.patch("os.replace", watched.around(os.replace)),
        mock.patch.object(Path, "write_bytes", watched.around(Path.write_bytes)),
    ]
    dying_bulk = replace(bulk, issuer=issuer, workers=Workers.here(bench))
    return dying_bulk, patches


def test_a_run_killed_at_any_step_ends_the_same_when_run_again(
    tmp_path: Path, hierarchy: Hierarchy
) -> None:
    asked = batch(REQUESTS[0], REQUESTS[1], bulk_request("made", KeyType.EC_P256))
    effects = 0
    while True:
        registry = DyingRegistry()
        registry.watched = watched = Watched(effects)
        bulk = bulk_in(tmp_path / str(effects), hierarchy, registry)
        killed, patches = dying(bulk, watched)
        try:
            for patch in patches:
                patch.start()
            provision_all(killed, asked)
            survived = True
        except KilledError:
            survived = False
        finally:
            for patch in patches:
                patch.stop()
        watched.left = 10_000
        drafted = serials_of(bulk)
        assert provision_all(bulk, asked).refusals == (), f"killed after {effects}"
        assert_whole(bulk.folder, registry, ("a", "b", "made"))
        for name, certificate in certificates(bulk.folder).items():
            assert drafted.get(name, certificate.serial_number) == certificate.serial_number
        key = load_pem_private_key((bulk.folder / "certificates/made.key").read_bytes(), None)
        assert key.public_key() == certificates(bulk.folder)["made"].public_key()
        if survived:
            break
        effects += 1

    assert effects > 2 * (3 + 3 + len(("add", "signed", "registered", "delivered")))


def serials_of(bulk: Bulk) -> dict[str, int]:
    """The serial numbers that were drafted: nothing may be signed under others."""
    with RunFile.opened(bulk.folder) as run:
        return {row.client_id: int(json.loads(row.draft)["serial_number"]) for row in run.rows()}


@pytest.mark.parametrize("seed", range(4))
def test_a_process_that_is_killed_at_a_random_moment_is_completed(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 (a moment, not a secret)
    command = [sys.executable, "-m", "tests.pki.bulk_process", str(tmp_path)]
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 60)):
            if not process.stdout.readline():
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "delivered 40"
    on_disk = certificates(tmp_path / "run")
    registered = dict(line.split() for line in (tmp_path / "registry").read_text().splitlines())
    assert len(on_disk) == len(registered) == 40
    for name, certificate in on_disk.items():
        assert registered[name] == fingerprint(certificate.public_bytes(Encoding.DER))


class LimitedSigner:
    """A remote keeper that says now and then that it is asked too often."""

    def __init__(self, signer: Any, code: str, refusals: int) -> None:
        self._signer, self._code, self.left = signer, code, refusals

    def public_key(self) -> Any:
        return self._signer.public_key()

    def sign_digest(self, *args: Any) -> Any:
        if self.left:
            self.left -= 1
            raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "Sign")
        return self._signer.sign_digest(*args)


def limited(bulk: Bulk, code: str, refusals: int) -> tuple[Bulk, Workbench]:
    signer = LimitedSigner(bulk.issuer.signer, code, refusals)
    issuer = CertificateAuthority(bulk.issuer.certificate, signer)
    bench = Workbench(issuer, DEV, bulk.packaging, lambda: NOW, lambda _: None)
    return replace(bulk, issuer=issuer), bench


def test_a_keeper_that_is_asked_too_often_is_asked_again(
    bulk: Bulk, registry: MemoryRegistry
) -> None:
    remote, bench = limited(bulk, "ThrottlingException", 5)

    with (
        Workers.hired(bench, processes=1, threads=4) as workers,
        ThreadPoolExecutor(4) as registrars,
    ):
        provision_all(replace(remote, workers=workers, registrars=registrars), batch())

    assert_whole(bulk.folder, registry, NAMES)


def test_a_keeper_that_fails_is_not_asked_again_and_what_it_signed_is_kept(
    bulk: Bulk, registry: MemoryRegistry
) -> None:
    remote, bench = limited(bulk, "KMSInternalException", 1)

    with (
        Workers.hired(bench, processes=1, threads=1) as workers,
        pytest.raises(ClientError, match="KMSInternalException"),
    ):
        provision_all(replace(remote, workers=workers), batch())

    assert registry.stored == {}
    assert provision_all(bulk, batch()).new == 3
    assert_whole(bulk.folder, registry, NAMES)


def test_more_processes_do_the_same(
    bulk: Bulk, registry: MemoryRegistry, hierarchy: Hierarchy
) -> None:
    requests = tuple(bulk_request(f"d-{number}") for number in range(60))
    bench = Workbench(hierarchy.issuing, DEV, Packaging(), lambda: NOW)

    with Workers.hired(bench, processes=2, threads=1) as workers:
        outcome = provision_all(replace(bulk, workers=workers), batch(*requests))

    assert [entry.record.client_id for entry in outcome.delivered] == [
        request.client_id for request in requests
    ]
    assert_whole(bulk.folder, registry, tuple(request.client_id for request in requests))


class TakenMeanwhile(MemoryRegistry):
    """Somebody else gives a client a certificate just before ours is added."""

    taken: RegistryRecord | None = None

    def add(self, record: RegistryRecord, *args: Any, **kwargs: Any) -> None:
        if record.client_id == "b" and self.taken is None:
            self.taken = replace(record, fingerprint="0" * 64)
            self.stored[self.taken.fingerprint] = StoredRecord(self.taken, "1" * 64, None, None)
        super().add(record, *args, **kwargs)


def test_a_client_that_got_another_certificate_meanwhile_is_refused_alone(
    tmp_path: Path, hierarchy: Hierarchy
) -> None:
    registry = TakenMeanwhile()
    bulk = bulk_in(tmp_path / "run", hierarchy, registry)

    outcome = provision_all(bulk, batch())

    assert outcome.new == 2
    assert "b has an active certificate" in reasons(outcome)["b"]
    taken = registry.stored["0" * 64]
    revoked = replace(
        taken.record,
        status=Status.REVOKED,
        revoked_at=NOW,
        revocation_reason=RevocationReason.SUPERSEDED,
    )
    registry.stored["0" * 64] = replace(taken, record=revoked)
    assert provision_all(bulk, batch()).new == 1
