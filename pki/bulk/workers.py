"""Who does the work of a bulk run: this process, more processes, or threads.

Judging requests and signing with a key in memory keep a core busy: processes share that, since
threads would wait for each other. A remote keeper's signature is a wait on the network: threads.
"""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched, chain
from multiprocessing import connection, get_context, parent_process
from time import sleep
from typing import Self, override

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.aws import error_code
from pki.bulk.requests import BulkRequest, Refusal
from pki.csr import accept_csr, parse_alternative_names, require_permitted_name
from pki.errors import IssuanceError, PkiError
from pki.issuing import CertificateAuthority, Draft, IssuerFacts, draft_client, sign
from pki.keepers.encrypted_pem import EncryptedPemSigner
from pki.keys import KeyType, PublicKey, generate, public_key_sha256
from pki.organization import Environment
from pki.packaging import Packaging
from pki.signer import FileSigner

_SLICE = 25
"""Tasks that a process takes at once: fewer would be spent on handing over."""

_THROTTLED = {"ThrottlingException", "LimitExceededException", "RequestLimitExceeded"}
_PATIENCE = tuple(0.25 * 2**attempt for attempt in range(6))
"""Seconds between attempts when a keeper says that it is asked too often."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A request that may have a certificate.

    Attributes:
        request: what was asked for.
        draft: the certificate's draft as JSON.
        public_key_sha256: of the key that it certifies.
        sealed_key: the private key as PKCS #8, when it was made here.
    """

    request: BulkRequest
    draft: str
    public_key_sha256: str
    sealed_key: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedDraft:
    """A certificate of the run.

    Attributes:
        client_id: whose.
        certificate: DER.
        signature_request_id: what the key keeper's log calls the signature.
    """

    client_id: str
    certificate: bytes
    signature_request_id: str | None


@dataclass(frozen=True, slots=True)
class DraftRefusal:
    """A draft that may not be signed, or not be registered.

    Attributes:
        client_id: whose.
        reason: why.
        hint: what to do, or None.
    """

    client_id: str
    reason: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a worker has at hand.

    Attributes:
        issuer: the environment's issuing CA.
        environment: what the certificates are for.
        packaging: how a key made here is sealed.
        now: the clock, UTC.
        sleep: waits for a keeper that is asked too often.
    """

    issuer: CertificateAuthority
    environment: Environment
    packaging: Packaging
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = sleep


def examine(bench: Workbench, request: BulkRequest) -> Examined | Refusal:
    """Judge one request, and draft its certificate."""
    try:
        require_permitted_name(bench.environment, request.client_id)
        names = parse_alternative_names(request.alternative_names)
        sealed, key = _key(bench, request, names)
        issuer, lifetime = IssuerFacts.of(bench.issuer.certificate), request.terms.lifetime
        draft = draft_client(issuer, key, request.client_id, lifetime, bench.now(), names)
    except PkiError as error:
        return Refusal.of(request.origin, request.client_id, error)
    return Examined(request, json.dumps(draft.to_document()), public_key_sha256(key), sealed)


def sign_draft(bench: Workbench, task: tuple[str, str]) -> SignedDraft | DraftRefusal:
    """Sign one client's draft; asked again only when the keeper said that it had not signed."""
    client_id, document = task
    draft = Draft.from_document(json.loads(document))
    for pause in _PATIENCE:
        try:
            return _signed(bench, client_id, draft)
        except ClientError as error:
            if error_code(error) not in _THROTTLED:
                raise
            bench.sleep(pause)
    return _signed(bench, client_id, draft)


class InlineExecutor(Executor):
    """Does each task when it is handed in, here."""

    @override
    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (the future tells it)
            future.set_exception(error)
        return future


class Pool:
    """An executor, and how tasks reach the workbench in it."""

    def __init__(self, executor: Executor, bench: Workbench | None, slice_size: int = 1) -> None:
        """Keep the executor, the workbench (None: each process has it), and the tasks at once."""
        self._executor = executor
        self._bench = bench
        self._slice_size = slice_size

    def do[T, R](self, job: Callable[[Workbench, T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Do a job for each task; the results come as they are ready.

        When one fails, those that are under way are finished and told before the error is raised.
        """
        slices = batched(tasks, self._slice_size, strict=False)
        yield from chain.from_iterable(
            completed([self._executor.submit(_work, self._bench, job, part) for part in slices])
        )


@dataclass(frozen=True, slots=True)
class Workers:
    """Who judges requests, and who signs drafts."""

    judges: Pool
    signers: Pool

    @classmethod
    def here(cls, bench: Workbench) -> Self:
        """This process alone."""
        pool = Pool(InlineExecutor(), bench)
        return cls(pool, pool)

    @classmethod
    @contextmanager
    def hired(cls, bench: Workbench, *, processes: int, threads: int) -> Iterator[Self]:
        """More processes where a core is kept busy, threads where a keeper is waited for.

        Args:
            bench: what they have at hand.
            processes: how many judge, and sign when the key is in memory.
            threads: how many sign when it is not.
        """
        with ExitStack() as stack:
            judges = Pool(InlineExecutor(), bench)
            if processes > 1:
                judges = Pool(stack.enter_context(_processes(bench, processes)), None, _SLICE)
            if isinstance(bench.issuer.signer, FileSigner | EncryptedPemSigner):  # in memory
                yield cls(judges, judges)
                return
            executor = stack.enter_context(ThreadPoolExecutor(threads, "sign"))
            yield cls(judges, Pool(executor, bench))


def completed[R](futures: Sequence[Future[R]]) -> Iterator[R]:
    """The results as they come; after an error nothing is begun, and what was begun is told.

    Raises:
        BaseException: the first one that a future had.
    """
    failure: BaseException | None = None
    try:
        for future in as_completed(futures):
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                yield future.result()
            elif failure is None:
                failure = error
                _cancel(futures)
    finally:
        _cancel(futures)
    if failure is not None:
        raise failure


def _cancel[R](futures: Sequence[Future[R]]) -> None:
    for future in futures:
        future.cancel()


def _key(
    bench: Workbench, request: BulkRequest, names: Sequence[x509.GeneralName]
) -> tuple[bytes | None, PublicKey]:
    if isinstance(request.source, KeyType):
        private_key = generate(request.source)
        return bench.packaging.seal(private_key), private_key.public_key()
    accepted = accept_csr(
        request.source, request.client_id, names, subject_required=request.names_itself
    )
    return None, accepted.public_key


def _signed(bench: Workbench, client_id: str, draft: Draft) -> SignedDraft | DraftRefusal:
    try:
        signed = sign(draft, bench.issuer.signer, bench.now())
    except IssuanceError as error:
        return DraftRefusal(client_id, str(error), error.hint)
    der = signed.certificate.public_bytes(Encoding.DER)
    return SignedDraft(client_id, der, signed.signature_request_id)


def _work[T, R](
    bench: Workbench | None, job: Callable[[Workbench, T], R], tasks: Sequence[T]
) -> list[R]:
    at_hand = bench or _bench_of_this_process[0]
    return [job(at_hand, task) for task in tasks]


_bench_of_this_process: list[Workbench] = []


@contextmanager
def _processes(bench: Workbench, count: int) -> Iterator[Executor]:
    """Processes that inherit the workbench: its key is never written anywhere to reach them."""
    executor = ProcessPoolExecutor(
        count, get_context("fork"), initializer=_move_in, initargs=(bench,)
    )
    with executor:
        executor.submit(os.getpid).result()  # all are forked now, before there are threads
        yield executor


def _move_in(bench: Workbench) -> None:
    _bench_of_this_process.append(bench)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A killed parent tells nobody: its processes would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
