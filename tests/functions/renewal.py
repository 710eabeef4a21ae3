"""A fleet of one device, its CA in memory, its registry in moto: for the tests of renewal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import RegistryRecord, Status, fingerprint
from mtls_issuer.policy import RenewalPolicy
from mtls_issuer.renewal import Renewals
from pki.issuing import IssuerFacts, Signed, draft_client, sign
from pki.keys import KeyType, PrivateKey, generate, public_key_sha256
from pki.registry import Registry
from tests.pki.support import NOW, Cloud, Hierarchy, build_hierarchy

POLICY = RenewalPolicy(
    clients=("device-*",),
    window_days=30,
    lifetime_days=90,
    overlap_days=7,
    key_types=frozenset({KeyType.EC_P256, KeyType.RSA_2048}),
)
DEVICE = "device-001"
NAMES = (x509.UniformResourceIdentifier("spiffe://example.com/device-001"),)


def make_request(
    key: PrivateKey,
    client_id: str = DEVICE,
    names: Sequence[x509.GeneralName] = (),
) -> bytes:
    """A PKCS #10 request, DER."""
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, client_id)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass
class Fleet:
    """One environment, at a moment that the test moves."""

    cloud: Cloud
    hierarchy: Hierarchy = field(default_factory=build_hierarchy)
    now: datetime = NOW
    discarded: list[Signed] = field(default_factory=list)

    @property
    def registry(self) -> Registry:
        return self.cloud.registry()

    def renewals(
        self, policy: RenewalPolicy = POLICY, registry: Registry | None = None
    ) -> Renewals:
        issuing = self.hierarchy.issuing
        return Renewals(
            policy=policy,
            registry=registry or self.registry,
            own_issuers=lambda: (issuing.certificate,),
            authority=lambda: issuing,
            now=lambda: self.now,
            discarded=self.discarded.append,
        )

    def enroll(
        self,
        client_id: str = DEVICE,
        *,
        days: int = 20,
        names: Sequence[x509.GeneralName] = (),
        hierarchy: Hierarchy | None = None,
        retire_at: datetime | None = None,
    ) -> bytes:
        """Give a device its first certificate, which is valid for so many days; its DER."""
        key = generate(KeyType.EC_P256)
        issued = certify(hierarchy or self.hierarchy, key, client_id, days, names, self.now)
        der = issued.public_bytes(Encoding.DER)
        record = record_of(issued, client_id, self.now, retire_at)
        seen = self.registry.client(client_id)
        self.registry.add(record, public_key_sha256(key.public_key()), seen)
        return der


def certify(
    hierarchy: Hierarchy,
    key: PrivateKey | None = None,
    client_id: str = DEVICE,
    days: int = 20,
    names: Sequence[x509.GeneralName] = (),
    now: datetime = NOW,
) -> x509.Certificate:
    """A client certificate that no registry knows."""
    issuing = hierarchy.issuing
    public_key = (key or new_key()).public_key()
    facts, lifetime = IssuerFacts.of(issuing.certificate), timedelta(days=days)
    draft = draft_client(facts, public_key, client_id, lifetime, now, names)
    return sign(draft, issuing.signer, now).certificate


def record_of(
    certificate: x509.Certificate,
    client_id: str,
    issued_at: datetime,
    retires_at: datetime | None = None,
) -> RegistryRecord:
    return RegistryRecord(
        fingerprint=fingerprint(certificate.public_bytes(Encoding.DER)),
        client_id=client_id,
        serial_number=str(certificate.serial_number),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        status=Status.ACTIVE,
        scopes=frozenset({"api/read"}),
        cognito_client_id="cognito-id",
        issued_at=issued_at,
        retires_at=retires_at,
    )


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
