"""A whole rotation of the issuing CA under traffic: nobody is refused, not once."""

import base64
import json
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from cryptography.x509.oid import NameOID

from clientcert import RevocationReason, fingerprint
from local.story import Stage
from pki.ca_store import CaStore
from pki.domain import DomainName
from pki.registry import Registry
from pki.rotation import observe
from pki.truststore_bucket import TruststoreBucket
from tests.support import DEV, ORGANIZATION, REPOSITORY, Platform

pytestmark = pytest.mark.platform

BY_ITSELF, BY_OPERATOR = DEVICES = ("rotating-by-est", "rotating-by-hand")
"""The one renews its certificate through EST; the other gets its next one from an operator."""

RENEWABLE_DAYS = "20"
"""A certificate of so few days is within dev's window of renewal from its first day."""

CALLS_PER_TOKEN = 4


@dataclass
class Traffic:
    """Devices that call without a pause, each with the certificate that it holds at the time."""

    platform: Platform
    folders: dict[str, Path]
    answers: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)
    in_use: dict[str, Path] = field(default_factory=dict)
    round_began: threading.Condition = field(default_factory=threading.Condition)

    def run(self, name: str) -> None:
        while not self.ended.is_set():
            with self.round_began:
                folder = self.in_use[name] = self.folders[name]
                self.round_began.notify_all()
            # A connection for each round: what is trusted is judged anew.
            with self.platform.client(folder) as client:
                answer = self._answer(client, "POST", "/token", data=GRANT)
                if answer is None:
                    continue
                bearer = {"Authorization": f"Bearer {answer['access_token']}"}
                for _ in range(CALLS_PER_TOKEN):
                    self._answer(client, "GET", "/whoami", headers=bearer)

    def _answer(self, client: httpx.Client, method: str, path: str, **further: Any) -> Any:
        try:
            answer = client.request(method, path, **further)
        except httpx.HTTPError as error:
            self.answers[f"{path}: {error!r}"] += 1
            return None
        self.answers[f"{path} {answer.status_code}"] += 1
        return answer.json() if answer.status_code == httpx.codes.OK else None

    def wait_until_switched(self) -> None:
        """Until no device uses a certificate that it has replaced."""
        with self.round_began:
            switched = self.round_began.wait_for(lambda: self.in_use == self.folders, timeout=120)
        assert switched, "a device did not come to its next round"

    @property
    def refused(self) -> dict[str, int]:
        return {text: n for text, n in self.answers.items() if not text.endswith(" 200")}

    @contextmanager
    def flowing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.run, args=(name,)) for name in self.folders]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.ended.set()
            for thread in threads:
                thread.join()


GRANT = {"grant_type": "client_credentials"}


@dataclass(frozen=True)
class Operator:
    """Types the commands of docs/rotation.md."""

    platform: Platform

    def status(self) -> str:
        done = self.platform.run("rotation", "status", "--environment", "dev", "--json")
        return told_state(done)

    def change_trust(
        self, *command: str, canary: Path, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        pin = self.platform.state_dir / "pins" / "dev" / "truststore.json"
        return self.platform.run(
            *(*command, "--environment", "dev", "--pin-file", str(pin), "--settle", "3"),
            *("--endpoints", str(self.platform.state_dir / "endpoints.json")),
            *("--canary", str(canary), "--json"),
            check=check,
        )

    def issue(self, generation: str, folder: Path) -> None:
        """The ceremony: planned by one person, approved by another."""
        plan, approval = folder / "plan.json", folder / "approval.json"
        planned = self.platform.run(
            *("rotate-issuing-ca", "--environment", "dev", "--generation", generation),
            *("--operator", "requester", "--plan", str(plan), "--json"),
        )
        digest = json.loads(planned.stdout)["digest"]
        subprocess.run(
            ["approve-ceremony", plan, "--digest", digest, "--approval", approval],
            input=f"approver\n{digest}\n",
            env=self.platform.environment,
            cwd=REPOSITORY,
            text=True,
            capture_output=True,
            check=True,
        )
        self.platform.run("rotate-issuing-ca", "--execute", str(plan), "--approval", str(approval))

    def provision(self, name: str, folder: Path) -> Path:
        self.platform.run(
            *("provision-client", name, "--environment", "dev", "--generate-key"),
            *("--additional", "--days", RENEWABLE_DAYS, "--output-dir", str(folder)),
        )
        return folder / name

    def rekey(self, device: Path, folder: Path) -> Path:
        self.platform.run(
            *("rekey-client", device.name, "--environment", "dev"),
            *("--fingerprint", fingerprint_of(device), "--output-dir", str(folder)),
        )
        return folder / device.name

    def revoke(self, devices: Iterable[Path], folder: Path) -> None:
        listed = folder / "replaced.csv"
        listed.write_text("".join(f"{fingerprint_of(device)}\n" for device in devices))
        self.platform.run(
            *("revoke-client", "--environment", "dev", "--from", str(listed)),
            *("--reason", RevocationReason.SUPERSEDED),
        )


def renew_by_est(platform: Platform, device: Path, folder: Path) -> Path:
    """What a device does by itself: a new key, and a request for it at EST's simplereenroll."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device.name)])
    request = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
    with platform.client(device) as client:
        answer = client.post(
            "/.well-known/est/simplereenroll",
            content=base64.encodebytes(request.public_bytes(Encoding.DER)),
            headers={"Content-Type": "application/pkcs10"},
        )
    assert answer.status_code == httpx.codes.OK, answer.text
    (renewed,) = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer.content))
    new = folder / device.name
    new.mkdir(parents=True)
    (new / "client.crt").write_bytes(renewed.public_bytes(Encoding.PEM))
    (new / "client.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return new


def told_state(done: subprocess.CompletedProcess[str]) -> str:
    state: str = json.loads(done.stdout)["state"]
    return state


@contextmanager
def keys_of(platform: Platform, generation: str, tree: Path) -> Iterator[None]:
    """The unit ca/pki with one more generation, applied by the account's administrator.

    Terraform forgets it afterwards, so that a plan of the repository's own live/ shows no change.
    """
    for name in ("live", "modules"):
        shutil.copytree(
            REPOSITORY / name,
            tree / name,
            ignore=shutil.ignore_patterns(".terragrunt-cache", ".terraform*"),
        )
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    unit = tree / "live/security" / ORGANIZATION.region / "ca/pki"
    generations = unit.parent / "env.hcl"
    text = generations.read_text()
    more, count = re.subn(r"(dev\s*=\s*\[[^\]]*)\]", rf'\1, "{generation}"]', text)
    assert count == 1
    generations.write_text(more)
    environment = platform.environment | {
        "AWS_ACCESS_KEY_ID": ORGANIZATION.security_account_id,
        "MTLS_BOOTSTRAP": "1",
    }

    def terraform(*command: str) -> str:
        done = subprocess.run(
            [
                *("terragrunt", "run", "--non-interactive", "--no-color"),
                *("--working-dir", str(unit), "--tf-forward-stdout", "--", *command),
            ],
            env=environment,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # What is there already is as `make up` left it a moment ago.
    terraform("apply", "-auto-approve", "-input=false", "-refresh=false")
    try:
        yield
    finally:
        resources = terraform("state", "list").split()
        terraform("state", "rm", *(name for name in resources if f'-{generation}"]' in name))


@contextmanager
def others_on_hold(registry: Registry, devices: Iterable[Path]) -> Iterator[None]:
    """Certificates that other tests left in use would keep their CA from being retired."""
    now = datetime.now(UTC)
    kept = {fingerprint_of(device) for device in devices}
    held = [
        stored.record.fingerprint
        for stored in list(registry.records())
        if stored.record.fingerprint not in kept and stored.record.is_usable(now)
    ]
    for entry in held:
        registry.revoke(entry, RevocationReason.CERTIFICATE_HOLD, now)
    try:
        yield
    finally:
        for entry in held:
            record = registry.find(entry)
            if record and record.revocation_reason is RevocationReason.CERTIFICATE_HOLD:
                registry.release(entry)  # not what somebody revoked for good meanwhile


def test_no_call_is_refused_during_a_whole_rotation(
    platform: Platform, stage: Stage, tmp_path: Path
) -> None:
    operator = Operator(platform)
    registry = stage.registry
    store = CaStore(platform.aws("s3", ORGANIZATION.security_account_id), ORGANIZATION)
    bucket = TruststoreBucket(platform.aws("s3", DEV.account_id), DEV)
    domain = DomainName(
        platform.aws("apigatewayv2", DEV.account_id), ORGANIZATION.api_domain_name(DEV)
    )
    known = [authority.generation for authority in store.issuing(DEV.name)]
    generation = f"g{int(known[-1][1:]) + 1}"
    old = {name: operator.provision(name, tmp_path / "old") for name in DEVICES}
    traffic = Traffic(platform, dict(old))
    states: list[str] = []

    def observed() -> str:
        """What `rotation status` says, without starting it."""
        records = (stored.record for stored in registry.records())
        return observe(store, bucket, domain, records, DEV.name, datetime.now(UTC)).state

    with (
        keys_of(platform, generation, tmp_path / "tree"),
        others_on_hold(registry, old.values()),
    ):
        try:
            with traffic.flowing():
                operator.issue(generation, tmp_path)
                states.append(observed())
                trusted = operator.change_trust("rotation", "trust", canary=old[BY_ITSELF])
                states.append(told_state(trusted))
                traffic.folders[BY_ITSELF] = renew_by_est(
                    platform, old[BY_ITSELF], tmp_path / "new"
                )
                states.append(observed())
                traffic.folders[BY_OPERATOR] = operator.rekey(old[BY_OPERATOR], tmp_path / "new")
                states.append(operator.status())
                new = dict(traffic.folders)
                early = operator.change_trust(
                    "rotation", "retire", canary=new[BY_ITSELF], check=False
                )
                traffic.wait_until_switched()
                operator.revoke(old.values(), tmp_path)
                states.append(observed())
                retired = operator.change_trust("rotation", "retire", canary=new[BY_ITSELF])
                states.append(told_state(retired))
                with platform.client(old[BY_ITSELF]) as client:
                    of_old_ca = client.post("/token", data=GRANT).status_code
        finally:
            include = [option for name in [*known, generation] for option in ("--include", name)]
            platform.run("upload-truststore", "--environment", "dev", *include)
            operator.change_trust("truststore", "rollout", canary=traffic.folders[BY_ITSELF])

    assert traffic.refused == {}
    assert min(traffic.answers["/token 200"], traffic.answers["/whoami 200"]) > len(DEVICES)
    assert states == ["prepared", "trusted", "issuing", "draining", "drained", "retired"]
    assert early.returncode == 1, "retired although certificates of the old CA were in use"
    assert of_old_ca == httpx.codes.FORBIDDEN, "the edge refuses what an untrusted CA issued"
    for name in DEVICES:
        record = registry.find(fingerprint_of(new[name]))
        assert record is not None
        assert record.renewed_from == fingerprint_of(old[name])
        assert generation.upper() in record.issuer


def fingerprint_of(folder: Path) -> str:
    return fingerprint(certificate_of(folder).public_bytes(Encoding.DER))


def certificate_of(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "client.crt").read_bytes())
