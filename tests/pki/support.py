"""What the tests of the certificate authority share: a small cloud, and a way to die in it."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest import mock

import boto3
import pytest
from botocore.client import BaseClient
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, Status
from pki.ca_store import CaStore
from pki.ceremony.approval import approve
from pki.ceremony.execution import Ceremony, Established, execute
from pki.ceremony.planning import Planner, plan_bootstrap
from pki.ceremony.transcript import Actor, Transcript
from pki.ceremony.transcript_store import TranscriptBucket
from pki.issuing import CertificateAuthority, issue_issuing_ca, issue_root
from pki.keepers import Keepers
from pki.keys import KeyType, generate
from pki.organization import Authority, Environment, Organization, load_organization
from pki.profiles import ca_name
from pki.registry import Registry
from pki.sessions import NO_RETRIES
from pki.signer import FileSigner, KmsSigner
from pki.truststore_bucket import TruststoreBucket

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

ORGANIZATION_YAML = """\
organization: example
domain: example.com
github_repository: example-org/aws-api-gateway-mtls
region: eu-west-1
accounts:
  security: "111111111111"
  non-prod: "222222222222"
  prod: "333333333333"
"""


def write_live(folder: Path, text: str = ORGANIZATION_YAML) -> Path:
    """A live folder with one environment, dev, and units that belong to no environment."""
    live = folder / "live"
    for unit in (
        "non-prod/eu-west-1/dev/registry",
        "non-prod/eu-west-1/dev/truststore",
        "non-prod/eu-west-1/account/dns-zone",
        "security/eu-west-1/ca/pki",
    ):
        (live / unit).mkdir(parents=True)
        (live / unit / "terragrunt.hcl").touch()
    (live / "organization.yaml").write_text(text)
    return live


@dataclass
class RecordedProgress:
    """Keeps what a function says of its steps."""

    steps: list[str] = field(default_factory=list)

    def step(self, message: str) -> None:
        self.steps.append(message)

    @contextmanager
    def track(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        self.steps.append(f"{label}: {total}")
        yield lambda _: None


@dataclass(frozen=True)
class Cloud:
    """What Terraform would have made, in moto's memory."""

    organization: Organization
    environment: Environment
    live_dir: Path

    sessions: dict[str, boto3.Session] = field(default_factory=dict)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, account_id: str, service: str) -> Any:
        """A client of the account; made once, since making one takes longer than using it."""
        if account_id not in self.sessions:
            self.sessions[account_id] = self._session(account_id)
        if (account_id, service) not in self.clients:
            session: Any = self.sessions[account_id]
            self.clients[account_id, service] = session.client(service, config=NO_RETRIES)
        return self.clients[account_id, service]

    def security(self, service: str) -> Any:
        return self.client(self.organization.security_account_id, service)

    def workload(self, service: str) -> Any:
        return self.client(self.environment.account_id, service)

    def _session(self, account_id: str) -> boto3.Session:
        sts = boto3.client("sts", region_name=self.organization.region)
        role = f"arn:aws:iam::{account_id}:role/anybody"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=self.organization.region,
        )

    def store(self) -> CaStore:
        return CaStore(self.security("s3"), self.organization)

    def registry(self) -> Registry:
        return Registry(self.workload("dynamodb"), self.environment)

    def truststore(self) -> TruststoreBucket:
        return TruststoreBucket(self.workload("s3"), self.environment)

    def signer_of(self, authority: Authority) -> KmsSigner:
        return KmsSigner(self.security("kms"), authority.key_alias)

    def make_key(self, alias: str, key_spec: Any = "ECC_NIST_P384") -> None:
        kms = self.security("kms")
        key = kms.create_key(KeySpec=key_spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=alias, TargetKeyId=key)


def build_cloud(live_dir: Path, key_spec: Any = "ECC_NIST_P384") -> Cloud:
    """Make keys, buckets, table and parameter by hand; must run inside ``mock_aws``."""
    organization = load_organization(live_dir)
    environment = organization.environment("dev")
    cloud = Cloud(organization, environment, live_dir)
    cloud.make_key(organization.root("g1").key_alias, key_spec)
    cloud.make_key(organization.issuing("dev", "g1").key_alias, key_spec)
    cloud.make_key(organization.transcript_key_alias, "ECC_NIST_P256")
    for bucket in (organization.ca_bucket, organization.ceremony_log_bucket):
        cloud.security("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    s3 = cloud.workload("s3")
    s3.create_bucket(
        Bucket=environment.truststore_bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    s3.put_bucket_versioning(
        Bucket=environment.truststore_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    cloud.workload("dynamodb").create_table(
        TableName=environment.registry_table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("fingerprint", "client_id", "issued_at", "serial_number")
        ],
        KeySchema=[{"AttributeName": "fingerprint", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-client-id",
                "KeySchema": [
                    {"AttributeName": "client_id", "KeyType": "HASH"},
                    {"AttributeName": "issued_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            },
            {
                "IndexName": "by-serial-number",
                "KeySchema": [{"AttributeName": "serial_number", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            },
        ],
    )
    cloud.workload("ssm").put_parameter(
        Name=environment.app_client_parameter("default"), Value="cognito-id", Type="String"
    )
    return cloud


@dataclass(frozen=True)
class SecuritySession:
    """As much of a session in the security account as keepers ask of it."""

    cloud: Cloud

    def client(self, service: str, config: object = None) -> Any:
        return self.cloud.security(service)


def keepers_of(cloud: Cloud) -> Keepers:
    return Keepers(cast("boto3.Session", SecuritySession(cloud)), cloud.organization)


def establish(
    cloud: Cloud, environments: Sequence[str] = ("dev",), *, now: datetime = NOW
) -> tuple[Established, ...]:
    """Hold the first ceremony: alice asks, bob approves, carol executes."""
    planner = Planner(
        organization=cloud.organization,
        store=cloud.store(),
        keys=keepers_of(cloud),
        progress=RecordedProgress(),
        requester="alice",
        now=now,
    )
    plan = plan_bootstrap(planner, environments)
    ceremony = Ceremony(
        organization=cloud.organization,
        store=cloud.store(),
        keys=keepers_of(cloud),
        open_transcript=lambda digest: Transcript.open(
            TranscriptBucket(cloud.security("s3"), cloud.organization),
            KmsSigner(cloud.security("kms"), cloud.organization.transcript_key_alias),
            digest,
            actor=Actor.of(cloud.security("sts"), "carol"),
            now=lambda: now,
        ),
        progress=RecordedProgress(),
        now=lambda: now,
    )
    return execute(ceremony, plan, approve(plan, approver="bob", digest=plan.digest, now=now))


@dataclass(frozen=True)
class Hierarchy:
    """A root and an issuing CA, whose keys are in memory."""

    root: CertificateAuthority
    issuing: CertificateAuthority


def build_hierarchy(
    key_type: KeyType = KeyType.EC_P256, *, now: datetime = NOW, generation: str = "G1"
) -> Hierarchy:
    root_signer = FileSigner(generate(key_type))
    root_name = ca_name("example", f"example Root CA {generation}")
    root = CertificateAuthority(issue_root(root_signer, root_name, now), root_signer)
    signer = FileSigner(generate(key_type))
    name = ca_name("example", f"example dev Issuing CA {generation}")
    certificate = issue_issuing_ca(root, signer.public_key(), name, now)
    return Hierarchy(root, CertificateAuthority(certificate, signer))


def client_record(fingerprint: str = "a" * 64, **changes: Any) -> RegistryRecord:
    """The record of a certificate that nobody issued."""
    usual = RegistryRecord(
        fingerprint=fingerprint,
        client_id="device-001",
        serial_number="1234",
        issuer="CN=issuer",
        not_before=NOW,
        not_after=NOW + timedelta(days=365),
        status=Status.ACTIVE,
        scopes=frozenset({"api/read"}),
        cognito_client_id="cognito-id",
        issued_at=NOW,
    )
    return replace(usual, **changes)


def register(registry: Registry, record: RegistryRecord, **beside: Any) -> None:
    """Add a record as the newest of its client; its fingerprint stands for its key."""
    seen = registry.client(record.client_id)
    registry.add(record, f"key of {record.fingerprint}", seen, **beside)


class Shell:
    """Runs commands as typed in the repository, and keeps what they said."""

    def __init__(
        self,
        capture: pytest.CaptureFixture[str],
        mains: Mapping[str, Callable[[Sequence[str]], int]],
        *always: str,
    ) -> None:
        """Keep the commands' entry points by name, and what each is always given."""
        self._capture = capture
        self._mains = mains
        self._always = always
        self.out = ""
        self.err = ""

    def run(self, command: str) -> int:
        name, *arguments = command.split()
        code = self._mains[name]([*arguments, *self._always])
        self.out, self.err = self._capture.readouterr()
        return code

    def json(self, command: str) -> Any:
        assert self.run(f"{command} --json") == 0, self.err
        return json.loads(self.out)


class KilledError(BaseException):
    """The process died: nothing it would have done afterwards happens."""


class Killer:
    """Lets a number of effects happen, and none after that."""

    def __init__(self, after: int) -> None:
        self._left = after

    def strike(self) -> None:
        if self._left == 0:
            raise KilledError
        self._left -= 1

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count each call to AWS twice (sent, answered), and each change of a file."""
        make_api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

        def call(client: BaseClient, operation: str, parameters: Any) -> Any:
            self.strike()
            answer = make_api_call(client, operation, parameters)
            self.strike()
            return answer

        with (
            mock.patch.object(BaseClient, "_make_api_call", call),
            mock.patch("os.replace", self._counted(os.replace)),
            mock.patch("os.unlink", self._counted(os.unlink)),
            mock.patch("os.fsync", self._counted(os.fsync)),
            mock.patch("os.fchmod", self._counted(os.fchmod)),
        ):
            yield

    def _counted[**P, R](self, effect: Callable[P, R]) -> Callable[P, R]:
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            self.strike()
            return effect(*args, **kwargs)

        return counted


def kill_at_every_step(run: Callable[[], object], between: Callable[[int], None]) -> int:
    """Run again and again, dying one effect later each time, until a run survives.

    Args:
        run: what is killed; starts from nothing each time.
        between: called after each death, with the number of effects that had happened.

    Returns:
        How many effects a whole run has.
    """
    effects = 0
    while True:
        try:
            with Killer(effects).at_work():
                run()
        except KilledError:
            between(effects)
            effects += 1
        else:
            return effects


@contextmanager
def lost_answer(operation: str) -> Iterator[None]:
    """Every call of an operation arrives twice, as when botocore repeats one unanswered."""
    make_api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: BaseClient, name: str, parameters: Any) -> Any:
        if name == operation:
            make_api_call(client, name, parameters)
        return make_api_call(client, name, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", call):
        yield


def pem_of(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
