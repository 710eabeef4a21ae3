"""How many certificates a second: a bulk run beside `openssl` and `step`, in one run.

    python -m tools.bench.issuance
    python -m tools.bench.issuance --certificates 5000 --rounds 5 --json

Everybody signs the same requests with the same CA key. A bulk run does more for each than its
peers: it checks the request, writes the draft down before signing, verifies what it signed,
registers it (in memory here) and delivers a file. The peers are run once for each certificate, as
their users do, by as many processes at once as there are cores in the second half.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console
from rich.table import Table

from pki.bulk.issuance import CERTIFICATES, Bulk, provision_all
from pki.bulk.requests import Terms, read_folder
from pki.bulk.workers import InlineExecutor, Workbench, Workers
from pki.issuing import CertificateAuthority, issue_issuing_ca, issue_root
from pki.keys import KeyType, generate
from pki.organization import Environment
from pki.packaging import Packaging
from pki.profiles import ca_name, client_name
from pki.signer import FileSigner
from tools.bench.registry import MemoryRegistry
from tools.errors import ToolsError, exit_code
from tools.install import ensure

_ENVIRONMENT = Environment("bench", "bench", "bench", "222222222222", "eu-west-1")
_TERMS = Terms(scopes=frozenset({"api/read"}), days=365, app_client="default")
_KEY_TYPES = (KeyType.EC_P256, KeyType.RSA_2048)
_PEER_SHARE = 20
"""A peer signs one of so many requests: it takes as long for each, however many there are."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA whose key lies in a file, for tools that want one.

    Attributes:
        authority: the issuing CA.
        root: its root.
        certificate: its certificate's file.
        key: its private key's file.
    """

    authority: CertificateAuthority
    root: x509.Certificate
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Round:
    """What one contestant is given, and where it works."""

    authority: Authority
    requests: Path
    names: Sequence[str]
    folder: Path
    processes: int


type Contestant = Callable[[Round], Sequence[Path]]
"""Issues a certificate for each name; returns the files."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One line of the result.

    Attributes:
        key_type: of the CA's and the clients' keys.
        processes: at work at once.
        contestant: who.
        certificates_per_second: median of the rounds.
        ratio: to `openssl` with as many processes.
    """

    key_type: str
    processes: int
    contestant: str
    certificates_per_second: float
    ratio: float


def bulk_run(given: Round) -> Sequence[Path]:
    """This project's bulk run, whole."""
    bench = Workbench(
        given.authority.authority, _ENVIRONMENT, Packaging(), lambda: datetime.now(UTC)
    )
    with Workers.hired(bench, processes=given.processes, threads=1) as workers:
        outcome = provision_all(
            Bulk(
                environment=_ENVIRONMENT,
                issuer=given.authority.authority,
                root=given.authority.root,
                registry=MemoryRegistry(),
                app_client_id=lambda _: "bench",
                folder=given.folder,
                workers=workers,
                registrars=InlineExecutor(),
                packaging=bench.packaging,
                progress=_Quiet(),
                now=bench.now,
            ),
            read_folder(given.requests, _TERMS),
        )
    if outcome.refusals:
        raise ToolsError(f"the bulk run refused: {outcome.refusals[0].reason}")
    return [given.folder / CERTIFICATES / f"{name}.crt" for name in given.names]


def openssl(given: Round) -> Sequence[Path]:
    """`openssl x509 -req`, once for each certificate."""
    extensions = given.folder / "extensions.cnf"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=clientAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    return _for_each(
        given,
        lambda request, certificate: [
            *("openssl", "x509", "-req", "-in", str(request), "-out", str(certificate)),
            *("-CA", str(given.authority.certificate), "-CAkey", str(given.authority.key)),
            *("-days", "365", "-sha256", "-extfile", str(extensions)),
        ],
    )


def step(given: Round) -> Sequence[Path]:
    """`step certificate sign`, once for each certificate."""
    template = given.folder / "leaf.tpl"
    template.write_text(
        '{"subject": {{ toJson .Subject }}, "keyUsage": ["digitalSignature"], '
        '"extKeyUsage": ["clientAuth"]}'
    )
    return _for_each(
        given,
        lambda request, _: [
            *("step", "certificate", "sign", str(request)),
            *(str(given.authority.certificate), str(given.authority.key)),
            *("--template", str(template), "--not-after", "8760h"),
        ],
        to_file=True,
    )


CONTESTANTS: dict[str, Contestant] = {"openssl": openssl, "step": step, "bulk run": bulk_run}


def measure(
    contestants: Mapping[str, Contestant],
    *,
    certificates: int,
    rounds: int,
    console: Console,
    now: datetime,
) -> Iterator[Rate]:
    """Let the contestants take turns, round after round.

    Args:
        contestants: by name; `openssl` is what the others are measured by.
        certificates: for a bulk run in one round; a peer issues fewer.
        rounds: how often each has its turn.
        console: where progress is shown.
        now: the CA's birth.

    Raises:
        ToolsError: a contestant failed, or what it issued does not verify.
    """
    for key_type in _KEY_TYPES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            authority = _authority(folder, key_type, now)
            all_requests, peers = folder / "requests", folder / "peers"
            with console.status(f"{key_type}: making {certificates} keys and requests"):
                names = _requests(all_requests, key_type, certificates)
            few = names[::_PEER_SHARE]
            peers.mkdir()
            for name in few:
                shutil.copy(all_requests / f"{name}.csr", peers)
            for processes in sorted({1, os.cpu_count() or 1}):
                rates: dict[str, list[float]] = {name: [] for name in contestants}
                for turn, (name, run) in product(range(rounds), contestants.items()):
                    requests, asked = (all_requests, names) if run is bulk_run else (peers, few)
                    with (
                        console.status(f"{key_type}, {processes} at once: {name}"),
                        _workplace(folder) as place,
                    ):
                        given = Round(authority, requests, asked, place, processes)
                        rates[name].append(_rate(run, given, check=turn == 0))
                yield from _lines(key_type, processes, rates)


def _lines(
    key_type: KeyType, processes: int, rates: Mapping[str, Sequence[float]]
) -> Iterator[Rate]:
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    for name, median in medians.items():
        yield Rate(key_type.value, processes, name, median, median / medians["openssl"])


def _rate(run: Contestant, given: Round, *, check: bool) -> float:
    start = time.perf_counter()
    files = run(given)
    seconds = time.perf_counter() - start
    if check:
        _verify(given.authority, files)
    return len(files) / seconds


def _verify(authority: Authority, files: Sequence[Path]) -> None:
    for path in (files[0], files[-1]):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.verify_directly_issued_by(authority.authority.certificate)


def _for_each(
    given: Round, command: Callable[[Path, Path], list[str]], *, to_file: bool = False
) -> Sequence[Path]:
    def issue(name: str) -> Path:
        certificate = given.folder / f"{name}.crt"
        arguments = command(given.requests / f"{name}.csr", certificate)
        done = subprocess.run(arguments, capture_output=True, check=False)
        if done.returncode != 0:
            raise ToolsError(f"{arguments[0]} failed: {done.stderr.decode(errors='replace')}")
        if to_file:
            certificate.write_bytes(done.stdout)
        return certificate

    with ThreadPoolExecutor(given.processes) as pool:
        return list(pool.map(issue, given.names))


def _authority(folder: Path, key_type: KeyType, now: datetime) -> Authority:
    root_signer = FileSigner(generate(key_type))
    root = CertificateAuthority(
        issue_root(root_signer, ca_name("bench", "bench Root CA G1"), now), root_signer
    )
    key = generate(key_type)
    name = ca_name("bench", "bench Issuing CA G1")
    certificate = issue_issuing_ca(root, key.public_key(), name, now)
    paths = folder / "ca.crt", folder / "ca.key"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Authority(CertificateAuthority(certificate, FileSigner(key)), root.certificate, *paths)


def _requests(folder: Path, key_type: KeyType, count: int) -> list[str]:
    """Requests with a key each: an RSA key takes long, so every core makes some."""
    folder.mkdir()
    names = [f"device-{number:05}" for number in range(1, count + 1)]

    def request(name: str) -> None:
        builder = x509.CertificateSigningRequestBuilder().subject_name(client_name(name))
        csr = builder.sign(generate(key_type), hashes.SHA256())
        (folder / f"{name}.csr").write_bytes(csr.public_bytes(Encoding.PEM))

    with ThreadPoolExecutor() as pool:
        list(pool.map(request, names))
    return names


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield Path(name)


class _Quiet:
    """Progress that nobody watches."""

    def step(self, message: str) -> None:
        """Say nothing."""

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002
        """Count nothing."""
        yield lambda _: None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.issuance",
        description="Measures certificates a second: a bulk run from certificate signing requests "
        "beside openssl x509 -req and step certificate sign, in turns.",
        epilog="Exit codes: 0 measured, 1 failed, 2 wrong usage.",
    )
    parser.add_argument(
        "--certificates",
        type=int,
        default=1000,
        metavar="N",
        help=f"in each bulk run; a peer issues one in {_PEER_SHARE} (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="turns of each (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args(arguments)
    if options.certificates < 1 or options.rounds < 1:
        parser.error("--certificates and --rounds are positive")
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    os.environ.update(ensure(["step"]))
    console = Console(stderr=True)
    rates = list(
        measure(
            CONTESTANTS,
            certificates=options.certificates,
            rounds=options.rounds,
            console=console,
            now=datetime.now(UTC) - timedelta(minutes=1),
        )
    )
    if options.json:
        sys.stdout.write(json.dumps([asdict(rate) for rate in rates], indent=2) + "\n")
        return 0
    table = Table("keys", "processes", "", "certificates/s", "to openssl", box=None)
    for rate in rates:
        table.add_row(
            rate.key_type,
            str(rate.processes),
            rate.contestant,
            f"{rate.certificates_per_second:,.0f}",
            f"{rate.ratio:.1f}",
        )
    Console(soft_wrap=True).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
