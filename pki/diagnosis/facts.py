"""What a call is judged by in one environment at one moment: to replay it now, or elsewhere later.

Nothing in it is secret: a truststore, public keys, settings without credentials, and the records of
one client's certificates.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from clientcert import MalformedRecordError, RegistryRecord, SettingsError
from mtls_authorizer.jwks import KeySetError, parse_key_set
from mtls_authorizer.settings import Settings
from pki import files
from pki.aws import error_code
from pki.domain import DomainName
from pki.errors import DiagnosisError
from pki.organization import Environment
from pki.registry import Registry
from pki.truststore_bucket import TruststoreBucket

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MAXIMUM_FACTS_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One environment's.

    Attributes:
        environment: its name.
        domain: its custom domain.
        truststore_version: the S3 version that the domain has pinned.
        truststore: that version's bytes.
        authorizer: the authorizer's settings, by environment variable.
        jwks: the issuer's JWK set, or None when it could not be had.
        records: the client's certificates, as the registry has them.
        taken_at: when.
    """

    environment: str
    domain: str
    truststore_version: str
    truststore: bytes
    authorizer: Mapping[str, str]
    jwks: bytes | None
    records: tuple[RegistryRecord, ...]
    taken_at: datetime

    def record(self, fingerprint: str) -> RegistryRecord | None:
        """The record of a certificate, or None when the environment does not know it."""
        return next((entry for entry in self.records if entry.fingerprint == fingerprint), None)

    def settings(self) -> Settings:
        """The authorizer's settings.

        Raises:
            DiagnosisError: the authorizer could not start with them.
        """
        try:
            return Settings.from_environment(self.authorizer)
        except SettingsError as error:
            raise DiagnosisError(
                f"the authorizer of {self.environment} is set up wrongly: {error}",
                hint=f"apply the unit {self.environment}/authorizer again",
            ) from error

    def write(self, path: Path) -> None:
        """Keep the facts in a file.

        Raises:
            FileError: it cannot be written.
        """
        document = {
            "environment": self.environment,
            "domain": self.domain,
            "truststore_version": self.truststore_version,
            "truststore": self.truststore.decode("utf-8", "replace"),
            "authorizer": dict(self.authorizer),
            "jwks": None if self.jwks is None else self.jwks.decode("utf-8"),
            "records": [record.to_item() for record in self.records],
            "taken_at": self.taken_at.isoformat(),
        }
        files.write_atomically(path, json.dumps(document, indent=2).encode(), files.PUBLIC)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote.

        Raises:
            FileError: the file cannot be read.
            DiagnosisError: it holds something else.
        """
        content = files.read(path, "facts", at_most=MAXIMUM_FACTS_BYTES)
        try:
            document: dict[str, Any] = json.loads(content)
            jwks = document["jwks"]
            return cls(
                environment=str(document["environment"]),
                domain=str(document["domain"]),
                truststore_version=str(document["truststore_version"]),
                truststore=str(document["truststore"]).encode(),
                authorizer={str(k): str(v) for k, v in document["authorizer"].items()},
                jwks=None if jwks is None else str(jwks).encode(),
                records=tuple(map(RegistryRecord.from_item, document["records"])),
                taken_at=datetime.fromisoformat(document["taken_at"]).astimezone(UTC),
            )
        except (
            *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
            MalformedRecordError,
        ) as error:
            raise DiagnosisError(
                f"{path} does not hold the facts of an environment: {type(error).__name__}",
                hint="make it with diagnose --environment ENV --save-facts FILE",
            ) from error


@dataclass(frozen=True, slots=True)
class Sources:
    """Where an environment's facts are read.

    Attributes:
        environment: the environment.
        domain: its custom domain.
        bucket: its truststore's bucket.
        registry: its registry.
        lambda_client: acts in its account.
        fetch: reads a URL.
        environ: of this process; ``AWS_ENDPOINT_URL`` in it leads to the local cloud.
        now: the clock, UTC.
    """

    environment: Environment
    domain: DomainName
    bucket: TruststoreBucket
    registry: Registry
    lambda_client: "LambdaClient"
    fetch: Callable[[str], bytes]
    environ: Mapping[str, str]
    now: Callable[[], datetime]


def gather(sources: Sources, fingerprint: str, client_id: str | None) -> Facts:
    """Read what a certificate is judged by in an environment.

    Args:
        sources: where to read.
        fingerprint: the certificate's.
        client_id: its common name, if it has one: the client's other certificates come along.

    Raises:
        DiagnosisError: there is no API yet.
        PkiError: the truststore or the registry cannot be read.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: refused or unreachable.
    """
    environment = sources.environment
    pinned = sources.domain.truststore()
    if pinned is None:
        raise DiagnosisError(
            f"{environment.name} has no domain {sources.domain.name} yet: nobody can call it",
            hint=f"make apply ENV={environment.name}",
        )
    variables = _authorizer_variables(sources)
    record = sources.registry.find(fingerprint)
    name = client_id if record is None else record.client_id
    records = sources.registry.of_client(name) if name else ()
    return Facts(
        environment=environment.name,
        domain=sources.domain.name,
        truststore_version=pinned.version,
        truststore=sources.bucket.stored(pinned.version).bundle,
        authorizer=variables,
        jwks=_key_set(sources, variables),
        records=records,
        taken_at=sources.now(),
    )


def _authorizer_variables(sources: Sources) -> dict[str, str]:
    name = f"{sources.environment.prefix}-authorizer"
    try:
        answer = sources.lambda_client.get_function_configuration(FunctionName=name)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise DiagnosisError(
                f"{sources.environment.name} has no function {name} yet: nobody can call it",
                hint=f"make apply ENV={sources.environment.name}",
            ) from error
        raise
    variables = dict(answer.get("Environment", {}).get("Variables", {}))
    variables.pop("AWS_ENDPOINT_URL", None)
    return variables


def _key_set(sources: Sources, variables: Mapping[str, str]) -> bytes | None:
    endpoint = sources.environ.get("AWS_ENDPOINT_URL")
    here = {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
    try:
        document = sources.fetch(Settings.from_environment({**variables, **here}).jwks_uri)
        parse_key_set(document)
    except (SettingsError, KeySetError):
        return None
    return document
