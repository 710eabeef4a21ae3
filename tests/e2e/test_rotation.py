"""A whole rotation of the issuing CA under traffic: nobody is refused, not once."""

import json
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RevocationReason, fingerprint
from local.story import Stage
from pki.ca_store import CaStore
from pki.registry import Registry
from tests.support import DEV, ORGANIZATION, REPOSITORY, Platform

pytestmark = pytest.mark.platform

DEVICES = ("rotating-1", "rotating-2", "rotating-3")
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

    def json(self, *command: str) -> Any:
        return json.loads(self.platform.run(*command, "--json").stdout)

    def state(self) -> str:
        state: str = self.json("rotation", "status", "--environment", "dev")["state"]
        return state

    def change_trust(self, *command: str, canary: Path, check: bool = True) -> int:
        pin = self.platform.state_dir / "pins" / "dev" / "truststore.json"
        done = self.platform.run(
            *(*command, "--environment", "dev", "--pin-file", str(pin), "--settle", "3"),
            *("--endpoints", str(self.platform.state_dir / "endpoints.json")),
            *("--canary", str(canary)),
            check=check,
        )
        return done.returncode

    def issue(self, generation: str, folder: Path) -> None:
        """The ceremony: planned by one person, approved by another."""
        plan, approval = folder / "plan.json", folder / "approval.json"
        self.platform.run(
            *("rotate-issuing-ca", "--environment", "dev", "--generation", generation),
            *("--operator", "requester", "--plan", str(plan)),
        )
        shown = re.search(
            r"sha256:[0-9a-f]{64}", self._approve(plan, approval, "sha256:" + "0" * 64)
        )
        assert shown, "a refused approval names the plan's digest"
        self._approve(plan, approval, shown.group())
        self.platform.run("rotate-issuing-ca", "--execute", str(plan), "--approval", str(approval))

    def _approve(self, plan: Path, approval: Path, digest: str) -> str:
        done = subprocess.run(
            [
                *("approve-ceremony", str(plan), "--digest", digest),
                *("--approval", str(approval)),
            ],
            input=f"approver\n{digest}\n",
            env=self.platform.environment,
            cwd=REPOSITORY,
            text=True,
            capture_output=True,
            check=False,
        )
        return done.stderr

    def provision(self, name: str, folder: Path) -> Path:
        self.platform.run(
            *("provision-client", name, "--environment", "dev", "--generate-key"),
            *("--additional", "--output-dir", str(folder)),
        )
        return folder / name


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
    text = (unit / "terragrunt.hcl").read_text()
    more, count = re.subn(r"(dev\s*=\s*\[[^\]]*)\]", rf'\1, "{generation}"]', text)
    assert count == 1
    (unit / "terragrunt.hcl").write_text(more)
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

    before = set(terraform("state", "list").split())
    terraform("apply", "-auto-approve", "-input=false")
    try:
        yield
    finally:
        terraform("state", "rm", *sorted(set(terraform("state", "list").split()) - before))


@contextmanager
def others_on_hold(registry: Registry, names: tuple[str, ...]) -> Iterator[None]:
    """Certificates that other tests left in use would keep their CA from being retired."""
    now = datetime.now(UTC)
    held = [
        stored.record.fingerprint
        for stored in list(registry.records())
        if stored.record.client_id not in names and stored.record.is_usable(now)
    ]
    for entry in held:
        registry.revoke(entry, RevocationReason.CERTIFICATE_HOLD, now)
    try:
        yield
    finally:
        for entry in held:
            registry.release(entry)


def test_no_call_is_refused_during_a_whole_rotation(
    platform: Platform, stage: Stage, tmp_path: Path
) -> None:
    operator = Operator(platform)
    registry = stage.registry
    store = CaStore(platform.aws("s3", ORGANIZATION.security_account_id), ORGANIZATION)
    known = [authority.generation for authority in store.issuing(DEV.name)]
    generation = f"g{int(known[-1][1:]) + 1}"
    old = {name: operator.provision(name, tmp_path / "old") for name in DEVICES}
    traffic = Traffic(platform, dict(old))
    states: list[str] = []

    with (
        keys_of(platform, generation, tmp_path / "tree"),
        others_on_hold(registry, DEVICES),
    ):
        try:
            with traffic.flowing():
                operator.issue(generation, tmp_path)
                states.append(operator.state())
                operator.change_trust("rotation", "trust", canary=old[DEVICES[0]])
                states.append(operator.state())
                for name in DEVICES:
                    traffic.folders[name] = operator.provision(name, tmp_path / "new")
                    states.append(operator.state())
                new = dict(traffic.folders)
                early = operator.change_trust(
                    "rotation", "retire", canary=new[DEVICES[0]], check=False
                )
                traffic.wait_until_switched()
                revoke_all_but(registry, new)
                states.append(operator.state())
                operator.change_trust("rotation", "retire", canary=new[DEVICES[0]])
                states.append(operator.state())
                with platform.client(old[DEVICES[0]]) as client:
                    of_old_ca = client.post("/token", data=GRANT).status_code
        finally:
            include = [option for name in [*known, generation] for option in ("--include", name)]
            platform.run("upload-truststore", "--environment", "dev", *include)
            operator.change_trust("truststore", "rollout", canary=traffic.folders[DEVICES[0]])

    assert traffic.refused == {}
    assert min(traffic.answers["/token 200"], traffic.answers["/whoami 200"]) > len(DEVICES)
    assert states == [
        *("prepared", "trusted", "issuing", "issuing", "draining", "drained", "retired"),
    ]
    assert early == 1, "retired although certificates of the old CA were in use"
    assert of_old_ca == httpx.codes.FORBIDDEN, "the edge refuses what an untrusted CA issued"
    issuers = {certificate_of(folder).issuer.rfc4514_string() for folder in new.values()}
    assert len(issuers) == 1
    assert generation.upper() in issuers.pop()


def revoke_all_but(registry: Registry, folders: dict[str, Path]) -> None:
    """What an operator does with certificates that were replaced."""
    now = datetime.now(UTC)
    for name, folder in folders.items():
        kept = fingerprint(certificate_of(folder).public_bytes(Encoding.DER))
        for record in registry.of_client(name):
            if record.fingerprint != kept and record.is_usable(now):
                registry.revoke(record.fingerprint, RevocationReason.SUPERSEDED, now)


def certificate_of(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "client.crt").read_bytes())
