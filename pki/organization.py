"""The organisation's facts, and every name that follows from them.

``live/organization.yaml`` holds the facts; where an environment lives is the path
``live/<account>/<region>/<environment>/``. Nothing here talks to AWS.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from pki import profiles
from pki.errors import OrganizationError, UsageError
from pki.keys import KeyType

ORGANIZATION_FILE = "organization.yaml"
SECURITY_ACCOUNT = "security"
MOCK_ACCOUNT_ID = "000000000000"
"""Stands in Terragrunt's mock outputs; never a real account."""

_ORGANIZATION = re.compile(r"[a-z][a-z0-9-]{1,14}")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,14}")
_ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_GENERATION = re.compile(r"g([1-9][0-9]{0,2})")
_AUTHORITY_MARK = f"{SECURITY_ACCOUNT}/*/*/pki/terragrunt.hcl"
_ENVIRONMENT_MARK = "*/*/*/registry/terragrunt.hcl"
"""Below the live folder: an environment is what has a registry (root.hcl reads the tree alike)."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment, and the names of what its workload account holds for it.

    Attributes:
        organization: the organisation's name.
        name: the environment's.
        account_name: its account's, as the tree has it.
        account_id: twelve digits.
        region: where it lives.
        client_names: what a new client's name must match; None for any name.
    """

    organization: str
    name: str
    account_name: str
    account_id: str
    region: str
    client_names: re.Pattern[str] | None = None

    @property
    def prefix(self) -> str:
        """First part of every name: ``example-dev``."""
        return f"{self.organization}-{self.name}"

    @property
    def registry_table(self) -> str:
        """The DynamoDB table of certificates."""
        return f"{self.prefix}-registry"

    @property
    def truststore_bucket(self) -> str:
        """The versioned bucket that API Gateway reads the truststore from."""
        return f"{self.prefix}-truststore-{self.account_id}"

    @property
    def pki_writer_role_arn(self) -> str:
        """The role that may write registry and truststore, for the certificate authority alone."""
        return f"arn:aws:iam::{self.account_id}:role/{self.prefix}-pki-writer"

    @property
    def pki_reader_role_arn(self) -> str:
        """The role that may read the registry, for the certificate authority alone."""
        return f"arn:aws:iam::{self.account_id}:role/{self.prefix}-pki-reader"

    def folder(self, live_dir: Path) -> Path:
        """Where its units lie."""
        return live_dir / self.account_name / self.region / self.name

    def app_client_parameter(self, app_client: str) -> str:
        """The SSM parameter that holds an app client's Cognito id."""
        return f"/{self.organization}/{self.name}/app-clients/{app_client}"


class KeeperKind(StrEnum):
    """Who can hold a CA's private key."""

    KMS = "kms"
    SSM = "ssm"
    SECRETS_MANAGER = "secretsmanager"
    PKCS11 = "pkcs11"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class KeeperChoice:
    """Where the keys of one level of the hierarchy are kept, and what a new one is.

    A key keeps its type for life: another choice is for the next generation.
    """

    keeper: KeeperKind = KeeperKind.KMS
    key_type: KeyType = KeyType.RSA_4096


@dataclass(frozen=True, slots=True)
class Authority:
    """One CA by name: the root, or an environment's issuing CA, of one generation.

    A renewed CA is a new generation with a new subject, since API Gateway refuses two entries
    of one subject in a truststore.
    """

    organization: str
    environment: str | None
    generation: str

    @property
    def is_root(self) -> bool:
        """Whether it is the root, which belongs to no environment."""
        return self.environment is None

    @property
    def number(self) -> int:
        """The generation as a number: 1 for ``g1``."""
        return int(self.generation[1:])

    @property
    def common_name(self) -> str:
        """``example Root CA G1`` or ``example dev Issuing CA G1``."""
        role = "Root CA" if self.environment is None else f"{self.environment} Issuing CA"
        return f"{self.organization} {role} {self.generation.upper()}"

    @property
    def object_key(self) -> str:
        """Where its certificate lies in the CA bucket."""
        folder = "root" if self.environment is None else f"issuing/{self.environment}"
        return f"{folder}/{self.generation}.pem"

    @property
    def key_name(self) -> str:
        """What its key is called: ``example-root-ca-g1`` or ``example-dev-issuing-ca-g1``."""
        role = "root-ca" if self.environment is None else f"{self.environment}-issuing-ca"
        return f"{self.organization}-{role}-{self.generation}"

    @property
    def crl_key(self) -> str:
        """Where an issuing CA's revocation list lies in the CRL bucket: DER, and PEM beside it."""
        return f"{self.environment}/{self.generation}.crl"

    @property
    def key_alias(self) -> str:
        """The KMS alias of its key, in the security account."""
        return f"alias/{self.key_name}"

    @property
    def key_path(self) -> str:
        """Name of its encrypted key as a parameter or a secret: ``/example/ca/root/g1``."""
        return f"/{self.organization}/ca/{self.object_key.removesuffix('.pem')}"


@dataclass(frozen=True, slots=True)
class Organization:
    """What ``live/organization.yaml`` says, and the environments found beside it."""

    name: str
    domain: str
    github_repository: str
    region: str
    accounts: Mapping[str, str]
    environments: tuple[Environment, ...]
    root_keys: KeeperChoice = KeeperChoice()
    issuing_keys: KeeperChoice = KeeperChoice()
    promotion: tuple[str, ...] = ()
    """The environments that a module's version moves through, in this order."""

    @property
    def security_account_id(self) -> str:
        """The account that holds the CA."""
        return self.accounts[SECURITY_ACCOUNT]

    @property
    def ceremony_role_arn(self) -> str:
        """The role that alone may sign, and may write the CA bucket."""
        return f"arn:aws:iam::{self.security_account_id}:role/{self.name}-ceremony"

    @property
    def ca_bucket(self) -> str:
        """The bucket of CA certificates, in the security account."""
        return f"{self.name}-ca-{self.security_account_id}"

    @property
    def ceremony_log_bucket(self) -> str:
        """The object-locked bucket of the ceremonies' transcripts, in the security account."""
        return f"{self.name}-ceremony-log-{self.security_account_id}"

    @property
    def transcript_key_alias(self) -> str:
        """The KMS alias of the key that signs transcripts, in the security account."""
        return f"alias/{self.name}-transcript"

    @property
    def crl_bucket(self) -> str:
        """The bucket of certificate revocation lists, in the security account."""
        return f"{self.name}-crl-{self.security_account_id}"

    def api_domain_name(self, environment: Environment) -> str:
        """The custom domain of an environment's API, as ``live/root.hcl`` makes it."""
        return f"api.{environment.name}.{self.domain}"

    @property
    def ca_storage_key_alias(self) -> str:
        """The KMS key over CA keys that are stored as encrypted PEM, in the security account."""
        return f"alias/{self.name}-ca-storage"

    def keeper_for(self, authority: Authority) -> KeeperChoice:
        """Where a CA's key is kept, and of what type a new one is."""
        return self.root_keys if authority.is_root else self.issuing_keys

    def key_id(self, authority: Authority) -> str:
        """What the keeper of a CA's key calls it."""
        if self.keeper_for(authority).keeper is KeeperKind.KMS:
            return authority.key_alias
        return authority.key_path

    def root(self, generation: str) -> Authority:
        """The root CA of a generation."""
        return Authority(self.name, None, generation)

    def issuing(self, environment: str, generation: str) -> Authority:
        """An environment's issuing CA of a generation."""
        return Authority(self.name, environment, generation)

    def environment(self, name: str) -> Environment:
        """Find an environment by name.

        Raises:
            UsageError: the tree has no such environment.
        """
        for environment in self.environments:
            if environment.name == name:
                return environment
        known = ", ".join(environment.name for environment in self.environments) or "none"
        raise UsageError(
            f"no environment {name!r} under live/",
            hint=f"environments (folders with a registry unit) found: {known}",
        )


def parse_generation(text: str) -> str:
    """A CA generation: ``g1`` to ``g999``.

    Raises:
        UsageError: anything else.
    """
    if not _GENERATION.fullmatch(text):
        raise UsageError(f"{text!r} is no CA generation", hint="write g1, g2, ...")
    return text


def find_live_dir(start: Path) -> Path:
    """The live folder of the repository that ``start`` lies in.

    Raises:
        OrganizationError: no folder from ``start`` upward has ``live/organization.yaml``.
    """
    for folder in (start, *start.parents):
        if (folder / "live" / ORGANIZATION_FILE).is_file():
            return folder / "live"
    raise OrganizationError(
        f"no live/{ORGANIZATION_FILE} in {start} or any folder above it",
        hint="run from inside the repository, or name the folder with --live-dir",
    )


def load_organization(live_dir: Path) -> Organization:
    """Read and check the organisation's facts and its environments.

    Raises:
        OrganizationError: the file is missing, is no YAML, a fact in it is wrong, or a folder
            contradicts it; the message names the fact.
    """
    path = live_dir / ORGANIZATION_FILE
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise OrganizationError(
            f"{path} does not exist", hint="--live-dir names the folder that holds it"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise OrganizationError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise OrganizationError(f"{path} is not YAML: {error}") from error
    facts = _Facts(path, document)
    name = facts.text("organization", _ORGANIZATION, "a lower-case name of 2 to 15 characters")
    region = facts.text("region", _REGION, "a region such as eu-west-1")
    domain = facts.text("domain", _DOMAIN, "a domain name")
    repository = facts.text("github_repository", _REPOSITORY, "<owner>/<repository>")
    accounts = facts.accounts()
    client_names = facts.client_names()
    root_keys, issuing_keys = facts.key_keepers()
    promotion = facts.promotion()
    facts.nothing_else()
    _check_region(live_dir, region)
    environments = _find_environments(live_dir, name, accounts, client_names)
    facts.only_of(environments, "client_names", client_names)
    facts.only_of(environments, "promotion", promotion)
    return Organization(
        name=name,
        domain=domain,
        github_repository=repository,
        region=region,
        accounts=accounts,
        environments=environments,
        root_keys=root_keys,
        issuing_keys=issuing_keys,
        promotion=promotion,
    )


class _Facts:
    """The file's mapping, read fact by fact."""

    def __init__(self, path: Path, document: object) -> None:
        if not isinstance(document, dict):
            raise OrganizationError(f"{path}: expected a mapping of facts")
        self._path = path
        self._document: dict[Any, Any] = document
        self._read: set[str] = set()

    def text(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        value = self._value(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise OrganizationError(f"{self._path}: {name}: expected {expected}, found {value!r}")
        return value

    def accounts(self) -> dict[str, str]:
        value = self._value("accounts")
        if not isinstance(value, dict):
            raise OrganizationError(f"{self._path}: accounts: expected a mapping of name to id")
        for name, account_id in value.items():
            self._check_account(name, account_id)
        if SECURITY_ACCOUNT not in value:
            raise OrganizationError(
                f"{self._path}: accounts: {SECURITY_ACCOUNT} is missing",
                hint="the certificate authority lives in an account of its own",
            )
        if len(set(value.values())) != len(value):
            raise OrganizationError(f"{self._path}: accounts: two names share one account id")
        return dict(value)

    def client_names(self) -> dict[str, re.Pattern[str]]:
        """Optional: environment to the pattern that its clients' names must match."""
        self._read.add("client_names")
        value = self._document.get("client_names", {})
        if not isinstance(value, dict):
            raise OrganizationError(
                f"{self._path}: client_names: expected a mapping of environment to pattern"
            )
        return {name: self._pattern(name, text) for name, text in value.items()}

    def promotion(self) -> tuple[str, ...]:
        """Optional: environments, in the order of promotion."""
        self._read.add("promotion")
        value = self._document.get("promotion", [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise OrganizationError(
                f"{self._path}: promotion: expected a list of environments",
                hint="write promotion: [dev, stage, prod]",
            )
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise OrganizationError(f"{self._path}: promotion: named twice: {', '.join(twice)}")
        return tuple(value)

    def only_of(
        self, environments: tuple[Environment, ...], fact: str, named: Iterable[str]
    ) -> None:
        unknown = sorted(set(named) - {environment.name for environment in environments})
        if unknown:
            raise OrganizationError(
                f"{self._path}: {fact}: no environment {', '.join(unknown)} under live/"
            )

    def key_keepers(self) -> tuple[KeeperChoice, KeeperChoice]:
        """The choice for root keys, and the one for issuing keys."""
        name = "certificate_authority"
        self._read.add(name)
        block = self._mapping(name, self._document.get(name, {}), ("root", "issuing"))
        return (
            self._choice(f"{name}: root", block.get("root", {}), profiles.ROOT),
            self._choice(f"{name}: issuing", block.get("issuing", {}), profiles.ISSUING),
        )

    def nothing_else(self) -> None:
        unknown = sorted(str(name) for name in set(self._document) - self._read)
        if unknown:
            raise OrganizationError(f"{self._path}: unknown: {', '.join(unknown)}")

    def _choice(self, name: str, value: object, profile: profiles.Profile) -> KeeperChoice:
        fields = self._mapping(name, value, ("keeper", "key_type"))
        keeper = fields.get("keeper", KeeperChoice().keeper)
        key_type = fields.get("key_type", KeeperChoice().key_type)
        return KeeperChoice(
            self._one_of(f"{name}: keeper", keeper, tuple(KeeperKind)),
            self._one_of(f"{name}: key_type", key_type, sorted(profile.key_types)),
        )

    def _one_of[E: StrEnum](self, name: str, value: object, known: Sequence[E]) -> E:
        for entry in known:
            if entry == value:
                return entry
        raise OrganizationError(
            f"{self._path}: {name}: expected one of {', '.join(known)}, found {value!r}"
        )

    def _mapping(self, name: str, value: object, known: Sequence[str]) -> dict[str, object]:
        if not isinstance(value, dict):
            raise OrganizationError(f"{self._path}: {name}: expected a mapping")
        unknown = sorted(str(key) for key in value if key not in known)
        if unknown:
            raise OrganizationError(f"{self._path}: {name}: unknown: {', '.join(unknown)}")
        return value

    def _value(self, name: str) -> object:
        self._read.add(name)
        if name not in self._document:
            raise OrganizationError(f"{self._path}: {name} is missing")
        value: object = self._document[name]
        return value

    def _pattern(self, name: object, text: object) -> re.Pattern[str]:
        if not isinstance(name, str) or not isinstance(text, str):
            raise OrganizationError(
                f"{self._path}: client_names: {name!r}: expected a regular expression in quotes"
            )
        try:
            return re.compile(text, re.ASCII)
        except re.error as error:
            raise OrganizationError(
                f"{self._path}: client_names: {name}: no regular expression: {error}"
            ) from error

    def _check_account(self, name: object, account_id: object) -> None:
        if not isinstance(name, str) or not _ACCOUNT_NAME.fullmatch(name):
            raise OrganizationError(f"{self._path}: accounts: {name!r} is no account name")
        if not isinstance(account_id, str):
            raise OrganizationError(
                f"{self._path}: accounts: {name}: expected a string of 12 digits",
                hint=f'write {name}: "123456789012" with quotes: YAML drops leading zeros',
            )
        if not _ACCOUNT_ID.fullmatch(account_id):
            raise OrganizationError(
                f"{self._path}: accounts: {name}: expected 12 digits, found {account_id!r}"
            )
        if account_id == MOCK_ACCOUNT_ID:
            raise OrganizationError(
                f"{self._path}: accounts: {name}: {MOCK_ACCOUNT_ID} stands for a mock, "
                "never for an account"
            )


def _check_region(live_dir: Path, region: str) -> None:
    """Commands look for the CA where the fact says, Terraform makes it where its folder says."""
    for unit in live_dir.glob(_AUTHORITY_MARK):
        folder = unit.parent
        if folder.parts[-3] != region:
            raise OrganizationError(
                f"{live_dir / ORGANIZATION_FILE}: region: {region}, but the CA lies in {folder}",
                hint="edit the region, or rename the region's folder: both must say the same",
            )


def _find_environments(
    live_dir: Path,
    organization: str,
    accounts: Mapping[str, str],
    client_names: Mapping[str, re.Pattern[str]],
) -> tuple[Environment, ...]:
    found: dict[str, Environment] = {}
    for unit in sorted(live_dir.glob(_ENVIRONMENT_MARK)):
        folder = unit.parent.parent
        account, region, name = folder.parts[-3:]
        if account not in accounts:
            raise OrganizationError(f"{folder}: {ORGANIZATION_FILE} knows no account {account!r}")
        if not _REGION.fullmatch(region) or not _ENVIRONMENT.fullmatch(name):
            raise OrganizationError(f"{folder}: expected live/<account>/<region>/<environment>")
        if name in found:
            other = found[name]
            raise OrganizationError(
                f"environment {name} lies in {account}/{region} and in "
                f"{other.account_name}/{other.region}",
                hint="an environment has one home; rename one of the folders",
            )
        found[name] = Environment(
            organization, name, account, accounts[account], region, client_names.get(name)
        )
    return tuple(found.values())
