"""A plan: everything that a ceremony will do, before anybody approves it.

It holds the drafts of the certificates themselves, serial numbers included, so that what is
approved is what is signed, however often the execution is interrupted. Its digest is the SHA-256
of its canonical form, which is the file's content.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from pki import profiles
from pki.ceremony import documents
from pki.errors import PkiError, PlanError, UsageError
from pki.issuing import Draft
from pki.keys import public_key_sha256
from pki.organization import Authority, Organization, parse_generation

VERSION = 1
DEFAULT_LIFETIME = timedelta(hours=24)
MAXIMUM_LIFETIME = timedelta(days=7)
MAXIMUM_BYTES = 1_000_000
CLOCK_SKEW = timedelta(minutes=5)
"""How far two machines' clocks may differ."""

_FIELDS = frozenset(
    {
        *("version", "operation", "organization", "account_id"),
        *("requester", "created_at", "expires_at", "certificates", "existing"),
    }
)
_CERTIFICATE_FIELDS = frozenset(
    {"authority", "signed_by", "keeper", "key_id", "public_key_sha256", "draft"}
)
_AUTHORITY_FIELDS = frozenset({"environment", "generation"})
_EXISTING_FIELDS = frozenset({"authority", "fingerprint"})


class Operation(StrEnum):
    """What a ceremony is held for; each signs with a root's key, so each takes two people."""

    BOOTSTRAP = "bootstrap"
    ROTATE_ISSUING_CA = "rotate-issuing-ca"
    RENEW_ROOT = "renew-root"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCertificate:
    """A certificate that the ceremony will sign.

    Attributes:
        authority: whose certificate it is.
        signed_by: whose key signs it; the authority itself for a root.
        keeper: what keeps the new CA's key, such as ``kms``.
        key_id: what the keeper calls that key.
        draft: the certificate before its signature.
    """

    authority: Authority
    signed_by: Authority
    keeper: str
    key_id: str
    draft: Draft

    @property
    def public_key_sha256(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo of the new CA's key."""
        return public_key_sha256(self.draft.public_key)

    @property
    def draft_sha256(self) -> str:
        """Digest of the draft."""
        return documents.digest_of(self.draft.to_document())


@dataclass(frozen=True, kw_only=True)
class CeremonyPlan:
    """What will be done, by whose wish, until when, and in which world.

    Attributes:
        operation: what for.
        organization: prefix of every name.
        account_id: the security account.
        requester: who asked.
        created_at: when, UTC, to the second.
        expires_at: nothing is signed afterwards.
        certificates: what will be signed, in this order.
        existing: CA to fingerprint: every CA certificate that there was.
    """

    operation: Operation
    organization: str
    account_id: str
    requester: str
    created_at: datetime
    expires_at: datetime
    certificates: tuple[PlannedCertificate, ...]
    existing: Mapping[Authority, str]

    @cached_property
    def digest(self) -> str:
        """``sha256:<hex>`` of the canonical form."""
        return documents.digest_of(self.to_document())

    @property
    def unlocks(self) -> tuple[Authority, ...]:
        """The authorities whose keys sign, each once."""
        return tuple(dict.fromkeys(entry.signed_by for entry in self.certificates))

    def require_home(self, organization: Organization) -> None:
        """Refuse a plan of another organisation or account.

        Raises:
            PlanError: it is one.
        """
        here = (organization.name, organization.security_account_id)
        if (self.organization, self.account_id) != here:
            raise PlanError(
                f"the plan is for {self.organization} in account {self.account_id}, "
                f"not for {here[0]} in account {here[1]}",
                hint="make a plan where it is to be executed",
            )

    def require_fresh(self, now: datetime) -> None:
        """Refuse a plan that is older than its limit, or from the future.

        Raises:
            PlanError: it is one.
        """
        if now > self.expires_at:
            raise PlanError(
                f"the plan expired at {documents.timestamp(self.expires_at)}",
                hint="make a new plan, and have it approved",
            )
        if now < self.created_at - CLOCK_SKEW:
            raise PlanError(
                f"the plan is from {documents.timestamp(self.created_at)}, which is yet to come",
                hint="set the clock right, here or where the plan was made",
            )

    def to_document(self) -> dict[str, Any]:
        """The plan in JSON's types."""
        return {
            "version": VERSION,
            "operation": self.operation.value,
            "organization": self.organization,
            "account_id": self.account_id,
            "requester": self.requester,
            "created_at": documents.timestamp(self.created_at),
            "expires_at": documents.timestamp(self.expires_at),
            "certificates": [_certificate_document(entry) for entry in self.certificates],
            "existing": [
                {"authority": authority_document(authority), "fingerprint": fingerprint}
                for authority, fingerprint in _in_order(self.existing)
            ],
        }

    def to_bytes(self) -> bytes:
        """The canonical form: what a plan's file holds."""
        return documents.encode(self.to_document())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote, and judge it.

        Raises:
            PlanError: it is anything else; the message names what is wrong.
        """
        if len(data) > MAXIMUM_BYTES:
            raise _malformed(f"it is larger than {MAXIMUM_BYTES} bytes")
        plan = cls._read(documents.decode(data, _malformed))
        # What reads alike and is written otherwise has another digest for whoever hashes the file.
        if plan.to_bytes() != data:
            raise _malformed("it is not as it was written")
        return plan

    @classmethod
    def _read(cls, document: object) -> Self:
        values = documents.fields(document, _FIELDS, "the plan", _malformed)
        if values["version"] != VERSION:
            raise _malformed(f"version {VERSION} expected, found {values['version']!r}")
        organization = documents.text(values["organization"], "organization", _malformed)
        plan = cls(
            operation=_operation(values["operation"]),
            organization=organization,
            account_id=documents.text(values["account_id"], "account_id", _malformed),
            requester=_shown(values["requester"], "requester"),
            created_at=documents.moment(values["created_at"], "created_at", _malformed),
            expires_at=documents.moment(values["expires_at"], "expires_at", _malformed),
            certificates=tuple(
                _planned(entry, organization)
                for entry in _list(values["certificates"], "certificates")
            ),
            existing=dict(
                _existing(entry, organization) for entry in _list(values["existing"], "existing")
            ),
        )
        _judge(plan)
        return plan


def subject_of(authority: Authority) -> x509.Name:
    """The subject that a CA's certificate carries."""
    return profiles.ca_name(authority.organization, authority.common_name)


def authority_document(authority: Authority) -> dict[str, Any]:
    """A CA by name, in JSON's types."""
    return {"environment": authority.environment, "generation": authority.generation}


def _judge(plan: CeremonyPlan) -> None:
    """Refuse a plan that says one thing and does another."""
    lifetime = plan.expires_at - plan.created_at
    if not timedelta(0) < lifetime <= MAXIMUM_LIFETIME:
        raise _malformed(
            f"it is valid for {lifetime}, and {MAXIMUM_LIFETIME.days} days is the most"
        )
    if not plan.certificates:
        raise _malformed("it plans no certificate")
    authorities = [entry.authority for entry in plan.certificates]
    if len(set(authorities)) != len(authorities):
        raise _malformed("it plans two certificates for one authority")
    if not _allowed(plan.operation, [authority.is_root for authority in authorities]):
        names = ", ".join(authority.common_name for authority in authorities)
        raise _malformed(f"{plan.operation} does not sign {names}")
    planned: dict[Authority, Draft] = {}
    for entry in plan.certificates:
        planned[entry.authority] = entry.draft
        _judge_certificate(plan, entry, planned)


def _allowed(operation: Operation, roots: Collection[bool]) -> bool:
    """Whether an operation signs these, each a root or not: else its approval is too easy."""
    match operation:
        case Operation.BOOTSTRAP:
            return not any(list(roots)[1:])
        case Operation.ROTATE_ISSUING_CA:
            return list(roots) == [False]
        case Operation.RENEW_ROOT:
            return list(roots) == [True]


def _judge_certificate(
    plan: CeremonyPlan, entry: PlannedCertificate, planned: Mapping[Authority, Draft]
) -> None:
    authority, issuer, draft = entry.authority, entry.signed_by, entry.draft
    name = authority.common_name
    profile = profiles.ROOT if authority.is_root else profiles.ISSUING
    if authority in plan.existing:
        raise _malformed(f"{name} exists already")
    if draft.profile is not profile or draft.alternative_names:
        raise _malformed(f"the draft for {name} is not that of {profile.name}")
    if draft.subject != subject_of(authority):
        raise _malformed(f"the draft for {name} is for {draft.subject.rfc4514_string()}")
    if not issuer.is_root or (authority.is_root and issuer != authority):
        raise _malformed(f"{name} is not to be signed by {issuer.common_name}")
    if draft.issuer.name != subject_of(issuer):
        raise _malformed(f"the draft for {name} names another issuer than {issuer.common_name}")
    if issuer in planned:
        if draft.issuer != planned[issuer].as_issuer():
            raise _malformed(f"the draft for {name} has other facts of {issuer.common_name}")
    elif issuer not in plan.existing:
        raise _malformed(f"{issuer.common_name} is to sign {name}, and there is none")


def _certificate_document(entry: PlannedCertificate) -> dict[str, Any]:
    return {
        "authority": authority_document(entry.authority),
        "signed_by": authority_document(entry.signed_by),
        "keeper": entry.keeper,
        "key_id": entry.key_id,
        "public_key_sha256": entry.public_key_sha256,
        "draft": entry.draft.to_document(),
    }


def _planned(document: object, organization: str) -> PlannedCertificate:
    values = documents.fields(document, _CERTIFICATE_FIELDS, "a certificate", _malformed)
    if not isinstance(values["draft"], dict):
        raise _malformed("a draft is no JSON object")
    try:
        draft = Draft.from_document(values["draft"])
    except (PkiError, OverflowError, UnsupportedAlgorithm) as error:
        raise _malformed(str(error)) from error
    planned = PlannedCertificate(
        authority=_authority(values["authority"], organization),
        signed_by=_authority(values["signed_by"], organization),
        keeper=_shown(values["keeper"], "keeper"),
        key_id=_shown(values["key_id"], "key_id"),
        draft=draft,
    )
    if values["public_key_sha256"] != planned.public_key_sha256:
        raise _malformed(f"public_key_sha256 of {planned.authority.common_name} is another key's")
    return planned


def _authority(document: object, organization: str) -> Authority:
    values = documents.fields(document, _AUTHORITY_FIELDS, "an authority", _malformed)
    environment = values["environment"]
    if environment is not None:
        environment = documents.text(environment, "environment", _malformed)
    generation = documents.text(values["generation"], "generation", _malformed)
    try:
        return Authority(organization, environment, parse_generation(generation))
    except UsageError as error:
        raise _malformed(str(error)) from error


def _existing(document: object, organization: str) -> tuple[Authority, str]:
    values = documents.fields(document, _EXISTING_FIELDS, "an existing CA", _malformed)
    fingerprint = documents.text(values["fingerprint"], "fingerprint", _malformed)
    return _authority(values["authority"], organization), fingerprint


def _shown(value: object, name: str) -> str:
    """Text that is shown to the approver as it is: a line of its own could say anything."""
    text = documents.text(value, name, _malformed)
    if not text.isprintable():
        raise _malformed(f"{name} holds characters that cannot be shown: {text!r}")
    return text


def _operation(value: object) -> Operation:
    try:
        return Operation(str(value))
    except ValueError as error:
        known = ", ".join(Operation)
        raise _malformed(f"operation: {value!r} is none of {known}") from error


def _list(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise _malformed(f"{name} is no JSON array")
    return value


def _in_order(existing: Mapping[Authority, str]) -> Iterable[tuple[Authority, str]]:
    return sorted(existing.items(), key=lambda entry: entry[0].object_key)


def _malformed(message: str) -> PlanError:
    return PlanError(
        f"the plan is malformed: {message}",
        hint="a plan is never edited: make a new one, and have it approved",
    )
