"""A bulk run: everything is judged first, then signed, registered and delivered, step by step.

Order, and why: drafts are written down before one is signed, certificates before one is
registered, and files are written last. Whatever ends the process, the next run with the same input
goes on: each request gets one certificate, under the serial number that was drafted first.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, fingerprint
from pki import files
from pki.bulk.requests import Batch, BulkRequest, Refusal
from pki.bulk.run_file import Row, RunFile, Stage
from pki.bulk.workers import (
    DraftRefusal,
    Examined,
    SignedDraft,
    Workers,
    completed,
    examine,
    sign_draft,
)
from pki.errors import FileError, PkiError, RegistryError
from pki.issuing import CertificateAuthority, Signed
from pki.organization import Environment
from pki.packaging import Format, Packaging
from pki.progress import BulkProgress
from pki.registration import (
    ClientRegistry,
    Grant,
    key_reused,
    record_of,
    register,
    require_admissible,
)
from pki.registry import ClientState, StoredRecord

CERTIFICATES = "certificates"
CHAIN = "chain.pem"
_CHUNK = 500
"""Rows between two commits: as much as a dying process may leave to be signed again."""


class FleetRegistry(ClientRegistry, Protocol):
    """What a bulk run needs of :class:`pki.registry.Registry`."""

    def records(self) -> Iterator[StoredRecord]:
        """Every certificate of the environment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """The collaborators.

    Attributes:
        environment: what the certificates are for.
        issuer: its issuing CA.
        root: that one's root.
        registry: the environment's registry.
        app_client_id: an app client's Cognito id by its name; raises AppClientError.
        folder: the run's: its memory, and what it hands over.
        workers: who judges and signs.
        registrars: registers concurrently.
        packaging: how keys made here are handed over.
        progress: told of each step.
        now: the clock, UTC.
        additional: whether active certificates beside the new ones are meant.
        sync: makes files survive a power cut.
    """

    environment: Environment
    issuer: CertificateAuthority
    root: x509.Certificate
    registry: FleetRegistry
    app_client_id: Callable[[str], str]
    folder: Path
    workers: Workers
    registrars: Executor
    packaging: Packaging
    progress: BulkProgress
    now: Callable[[], datetime]
    additional: bool = False
    sync: Callable[[], None] = os.sync

    def certificate_file(self, client_id: str) -> Path:
        """Where a client's certificate goes."""
        return self.folder / CERTIFICATES / f"{client_id}.crt"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A request that has its certificate."""

    origin: str
    record: RegistryRecord
    key_made: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the requests.

    Attributes:
        delivered: those that have their certificates, by this run or by one before it.
        refusals: those that have none, and why.
        new: how many certificates this run delivered.
        stopped: whether nothing was begun because of the refusals.
    """

    delivered: tuple[Delivered, ...]
    refusals: tuple[Refusal, ...]
    new: int
    stopped: bool


def provision_all(bulk: Bulk, batch: Batch, *, partial: bool = False) -> Outcome:
    """Issue, register and deliver a certificate for each request, or go on with that.

    Args:
        bulk: the collaborators.
        batch: what is asked for; the same one again goes on where the run was interrupted.
        partial: whether the good requests are served although others are refused.

    Raises:
        FileError: the folder is another run's, or cannot be written.
        KeyKeeperError: the CA key cannot be used.
        RegistryError: the registry cannot be read or written.
    """
    with RunFile.opened(bulk.folder) as run:
        _hold_to_its_facts(bulk, run)
        fleet = _Fleet.of(bulk.registry)
        examined, refusals = _admit(bulk, run, fleet, batch)
        refusals = [*batch.refusals, *refusals, *_judge_again(bulk, run, fleet)]
        if refusals and not partial:
            return _outcome(run, refusals, new=0, stopped=True)
        _write_down(bulk, run, examined)
        before = run.count(Stage.DELIVERED)
        _work_off(bulk, run, fleet)
        new = run.count(Stage.DELIVERED) - before
        return _outcome(run, refusals, new=new, stopped=False)


@dataclass(frozen=True, slots=True)
class _Fleet:
    """The registry as it was when the run began: one scan instead of three reads a client.

    Attributes:
        registry: the registry itself.
        by_client: records by client.
        owner_of_key: fingerprint by SHA-256 of the public key.
        clients: client by fingerprint.
    """

    registry: ClientRegistry
    by_client: Mapping[str, tuple[RegistryRecord, ...]]
    owner_of_key: Mapping[str, str]
    clients: Mapping[str, str]

    @classmethod
    def of(cls, registry: FleetRegistry) -> "_Fleet":
        by_client: dict[str, tuple[RegistryRecord, ...]] = {}
        owners: dict[str, str] = {}
        clients: dict[str, str] = {}
        for stored in registry.records():
            record = stored.record
            by_client[record.client_id] = (*by_client.get(record.client_id, ()), record)
            clients[record.fingerprint] = record.client_id
            if stored.public_key_sha256 is not None:
                owners[stored.public_key_sha256] = record.fingerprint
        return cls(registry, by_client, owners, clients)

    def seen(self, client_id: str) -> ClientState:
        """Good enough to refuse; whoever is registered is looked at again by the registry."""
        return ClientState(client_id, self.by_client.get(client_id, ()), 0)

    def current(self, client_id: str) -> ClientState:
        """Good enough to write: a client that never had a certificate is at revision 0."""
        if client_id in self.by_client:
            return self.registry.client(client_id)
        return ClientState(client_id, (), 0)


def _hold_to_its_facts(bulk: Bulk, run: RunFile) -> None:
    elsewhere = "choose another --output-dir for another run"
    run.require_fact("environment", bulk.environment.name, elsewhere)
    issuer = bulk.issuer.certificate.subject.rfc4514_string()
    run.require_fact("issuing CA", issuer, "complete it with --generation of that CA")


def _admit(
    bulk: Bulk, run: RunFile, fleet: _Fleet, batch: Batch
) -> tuple[list[tuple[Examined, Grant]], list[Refusal]]:
    """Judge what is new; compare the rest with what was written down."""
    known = run.known()
    refusals: list[Refusal] = []
    new: list[BulkRequest] = []
    replaced: list[str] = []
    for request in batch.requests:
        match known.get(request.client_id):
            case None:
                new.append(request)
            case (digest, _, _) if digest == request.digest():
                pass
            case (_, _, True):
                new.append(request)
                replaced.append(request.client_id)
            case _:
                refusals.append(_asked_otherwise(bulk, request))
    asked = {request.client_id for request in batch.requests}
    asked |= {refusal.client_id for refusal in batch.refusals if refusal.client_id}
    gone = [name for name in known if name not in asked]
    _require_finished(bulk, known, gone)
    run.drop([*replaced, *(name for name in gone if known[name][2])])
    run.reconsider()
    keys = {row.public_key_sha256: row.origin for row in run.rows()}
    examined: list[tuple[Examined, Grant]] = []
    position = {request.client_id: place for place, request in enumerate(batch.requests)}
    verdicts: list[Examined | Refusal] = []
    with _track(bulk, "judging", len(new)) as advance:
        for verdict in bulk.workers.judges.do(examine, new):
            advance(1)
            verdicts.append(verdict)
    for verdict in sorted(verdicts, key=lambda entry: position[_name(entry)]):
        admitted = _admitted(bulk, fleet, keys, verdict)
        if isinstance(admitted, Refusal):
            refusals.append(admitted)
        else:
            examined.append(admitted)
    return examined, refusals


def _track(bulk: Bulk, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Show a long step, unless there is nothing to do in it."""
    return bulk.progress.track(label, total) if total else nullcontext(lambda _: None)


def _name(verdict: Examined | Refusal) -> str:
    return verdict.request.client_id if isinstance(verdict, Examined) else verdict.client_id or ""


def _admitted(
    bulk: Bulk, fleet: _Fleet, keys: dict[str, str], verdict: Examined | Refusal
) -> tuple[Examined, Grant] | Refusal:
    if isinstance(verdict, Refusal):
        return verdict
    request, key = verdict.request, verdict.public_key_sha256
    if (other := keys.setdefault(key, request.origin)) != request.origin:
        reason = f"the key is the one of {other}"
        return Refusal(request.origin, request.client_id, reason, "every client has its own key")
    now = bulk.now()
    try:
        grant = Grant(
            client_id=request.client_id,
            scopes=request.terms.scopes,
            cognito_client_id=bulk.app_client_id(request.terms.app_client),
            issued_at=now.replace(microsecond=0),
            additional=bulk.additional,
        )
        require_admissible(grant, fleet.seen(request.client_id), now)
        if (owner := fleet.owner_of_key.get(key)) is not None:
            raise key_reused(fleet.clients[owner])
    except PkiError as error:
        return Refusal.of(request.origin, request.client_id, error)
    return verdict, grant


def _judge_again(bulk: Bulk, run: RunFile, fleet: _Fleet) -> list[Refusal]:
    """Judge what an earlier run wrote down and did not register: others may have been at work."""
    refusals: list[Refusal] = []
    for row in run.rows():
        if row.stage not in {Stage.DRAFTED, Stage.SIGNED}:
            continue
        ours = None if row.certificate is None else fingerprint(row.certificate)
        owner = fleet.owner_of_key.get(row.public_key_sha256)
        if owner is not None and owner == ours:
            continue
        try:
            if owner is not None:
                raise key_reused(fleet.clients[owner])
            require_admissible(row.grant, fleet.seen(row.client_id), bulk.now())
        except RegistryError as error:
            refusals.append(Refusal.of(row.origin, row.client_id, error))
    run.refused([(entry.client_id or "", entry.reason, entry.hint) for entry in refusals])
    return refusals


def _asked_otherwise(bulk: Bulk, request: BulkRequest) -> Refusal:
    return Refusal(
        request.origin,
        request.client_id,
        f"this run has a certificate for {request.client_id}, asked for otherwise",
        f"restore the row, or choose another --output-dir than {bulk.folder}",
    )


def _require_finished(
    bulk: Bulk, known: Mapping[str, tuple[str, Stage, bool]], gone: Iterable[str]
) -> None:
    for name in gone:
        _, stage, refused = known[name]
        if not refused and stage is not Stage.DELIVERED:
            raise FileError(
                f"the run in {bulk.folder} has begun a certificate for {name}, which is not asked "
                "for any more",
                hint="put it back and complete the run; then revoke what is not wanted",
            )


def _write_down(bulk: Bulk, run: RunFile, examined: Sequence[tuple[Examined, Grant]]) -> None:
    """Keys made here first: a draft whose key is lost would be of no use."""
    _make_folder(bulk.folder / CERTIFICATES)
    for entry, _ in examined:
        if entry.sealed_key is not None:
            staged = _staged_key(bulk, entry.request.client_id)
            files.write_durably(staged, entry.sealed_key, files.PRIVATE)
    run.add(
        Row(
            client_id=entry.request.client_id,
            origin=entry.request.origin,
            digest=entry.request.digest(),
            public_key_sha256=entry.public_key_sha256,
            draft=entry.draft,
            grant=grant,
            key_made=entry.sealed_key is not None,
        )
        for entry, grant in examined
    )


def _work_off(bulk: Bulk, run: RunFile, fleet: _Fleet) -> None:
    """Advance chunk after chunk; what is furthest goes first."""
    steps = 2 * run.count(Stage.DRAFTED) + run.count(Stage.SIGNED)
    with _track(bulk, "issuing", steps) as advance:
        while True:
            if rows := run.next_rows(Stage.REGISTERED, _CHUNK):
                _deliver(bulk, run, rows)
            elif rows := run.next_rows(Stage.SIGNED, _CHUNK):
                _register(bulk, run, fleet, rows, advance)
            elif rows := run.next_rows(Stage.DRAFTED, _CHUNK):
                _sign(bulk, run, rows, advance)
            else:
                return


def _sign(bulk: Bulk, run: RunFile, rows: Sequence[Row], advance: Callable[[int], None]) -> None:
    signed: list[SignedDraft] = []
    refused: list[DraftRefusal] = []
    tasks = [(row.client_id, row.draft) for row in rows]
    try:
        for done in bulk.workers.signers.do(sign_draft, tasks):
            if isinstance(done, SignedDraft):
                signed.append(done)
            else:
                refused.append(done)
            advance(1)
    finally:  # whatever was signed is written down
        run.signed((done.client_id, done.certificate, done.signature_request_id) for done in signed)
        run.refused([(done.client_id, done.reason, done.hint) for done in refused])


def _register(
    bulk: Bulk,
    run: RunFile,
    fleet: _Fleet,
    rows: Sequence[Row],
    advance: Callable[[int], None],
) -> None:
    registered: list[str] = []
    refused: list[DraftRefusal] = []
    handed = [bulk.registrars.submit(_register_one, bulk, fleet, row) for row in rows]
    try:
        for done in completed(handed):
            if isinstance(done, DraftRefusal):
                refused.append(done)
            else:
                registered.append(done)
            advance(1)
    finally:
        run.advanced(registered, Stage.REGISTERED)
        run.refused([(done.client_id, done.reason, done.hint) for done in refused])


def _register_one(bulk: Bulk, fleet: _Fleet, row: Row) -> str | DraftRefusal:
    """The name of the client that is registered now, or why it is not."""
    certificate, now = _certificate(row), bulk.now()
    signed = Signed(certificate, row.signature_request_id)
    if certificate.not_valid_after_utc <= now:
        reason = f"the certificate drafted on {row.grant.issued_at:%Y-%m-%d} has ended meanwhile"
        return DraftRefusal(row.client_id, reason, "begin another run, in another --output-dir")
    try:
        register(bulk.registry, signed, row.grant, fleet.current(row.client_id), now)
    except RegistryError as error:
        return DraftRefusal(row.client_id, str(error), error.hint)
    return row.client_id


def _deliver(bulk: Bulk, run: RunFile, rows: Sequence[Row]) -> None:
    """Write the files; one flush for all of them, since the run file can write them again."""
    chain = (bulk.issuer.certificate, bulk.root)
    pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    _make_folder(bulk.folder / CERTIFICATES)
    _write(bulk.folder / CHAIN, pem)
    for row in rows:
        certificate = _certificate(row)
        _write(bulk.certificate_file(row.client_id), certificate.public_bytes(Encoding.PEM))
        _deliver_key(bulk, row, certificate, chain)
    bulk.sync()
    run.advanced([row.client_id for row in rows], Stage.DELIVERED)


def _deliver_key(
    bulk: Bulk, row: Row, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]
) -> None:
    """Move a key that was made here into place, or pack it, or find that this was done."""
    staged = _staged_key(bulk, row.client_id)
    target = bulk.certificate_file(row.client_id)
    if bulk.packaging.format is Format.PKCS12:
        bundle = target.with_suffix(".p12")
        if row.key_made and not staged.exists():
            _require(bundle, row)
            return
        key = bulk.packaging.open(staged.read_bytes()) if row.key_made else None
        files.write_atomically(
            bundle, bulk.packaging.bundle(row.client_id, certificate, chain, key)
        )
        staged.unlink(missing_ok=True)
    elif row.key_made:
        key_file = target.with_suffix(".key")
        if staged.exists():
            staged.replace(key_file)
        _require(key_file, row)


def _require(path: Path, row: Row) -> None:
    if not path.exists():
        raise FileError(
            f"{path} is gone, and with it the key of {row.client_id}",
            hint="revoke its certificate, and provision it again",
        )


def _staged_key(bulk: Bulk, client_id: str) -> Path:
    return bulk.folder / CERTIFICATES / f".{client_id}.key"


def _certificate(row: Row) -> x509.Certificate:
    if row.certificate is None:
        raise FileError(f"the run file has no certificate for {row.client_id}, though it is signed")
    return x509.load_der_x509_certificate(row.certificate)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make {path}: {error.strerror or error}") from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def _outcome(run: RunFile, refusals: Iterable[Refusal], *, new: int, stopped: bool) -> Outcome:
    delivered: list[Delivered] = []
    late: list[Refusal] = []
    for row in run.rows():
        if row.refusal is not None:
            late.append(Refusal(row.origin, row.client_id, row.refusal, row.hint))
        elif row.stage is Stage.DELIVERED:
            record = record_of(_certificate(row), row.grant)
            delivered.append(Delivered(row.origin, record, row.key_made))
    told = {entry.client_id for entry in late}
    others = [entry for entry in refusals if entry.client_id is None or entry.client_id not in told]
    return Outcome(tuple(delivered), (*others, *late), new, stopped)
