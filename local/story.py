"""The story: who gets in, and who does not. Each scene stands alone and can be a test.

Scenes are data; `SCENES` holds them in the order in which they are told.
"""

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from cryptography.x509.oid import NameOID

from clientcert import RevocationReason, der_from_pem, fingerprint
from local import emulator, endpoints, environment, selection
from local.caller import Answer, Caller, HandshakeRefusedError, Identity
from local.cloud import Cloud
from local.commands import Runner
from local.errors import LocalError, NotRunningError
from local.settings import Settings, StateDirectory
from local.up import script
from pki.ca_store import CaStore
from pki.issuing import CertificateAuthority, issue_client, issue_issuing_ca, issue_root
from pki.keys import KeyType, PrivateKey, generate
from pki.organization import Environment, Organization, load_organization
from pki.registry import Registry
from pki.signer import FileSigner, KmsSigner
from tools.bootstrap_account import LIVE

READ, WRITE = "api/read", "api/write"
REVOCATION_SECONDS = 2.0
"""A revoked certificate is refused within this time."""

_GIVE_UP_SECONDS = 15.0
_WATCH_SECONDS = 2.5
"""Longer than the edge takes to look at the control plane again."""

_LIFETIME = timedelta(days=1)
_RENEWABLE_DAYS = 20
"""A certificate of so few days is within dev's window of renewal from its first day."""
_GENERATION = "g1"


@dataclass(frozen=True)
class Seen:
    """What a scene showed.

    Attributes:
        text: in words.
        as_expected: whether it is what the scene expects.
    """

    text: str
    as_expected: bool


@dataclass(frozen=True)
class Stage:
    """The running platform, and what a scene may do with it."""

    state: StateDirectory
    organization: Organization
    environment: Environment
    cloud: Cloud
    caller: Caller
    runner: Runner

    @classmethod
    def connect(cls, settings: Settings, environ: Mapping[str, str], name: str = "dev") -> Self:
        """Find the running platform.

        Args:
            settings: whose state directory describes it.
            environ: for the commands that scenes run.
            name: the environment to call.

        Raises:
            NotRunningError: it is not up.
        """
        state = settings.state
        organization = load_organization(LIVE)
        found = endpoints.read(state.endpoints)
        running = emulator.daemon(state).running()
        if running is None:
            raise NotRunningError("the emulator is not running", hint="make up")
        url = emulator.endpoint_url(running.port)
        exported = environment.exports(
            state, url, organization, settings.architecture, selection.read(state)
        )
        return cls(
            state=state,
            organization=organization,
            environment=organization.environment(name),
            cloud=Cloud(url, organization.region),
            caller=Caller(found[name]),
            runner=Runner(environment.child_environment(environ, exported), state.logs),
        )

    @property
    def registry(self) -> Registry:
        """The environment's registry, through the role that may write it."""
        roles = (self.organization.ceremony_role_arn, self.environment.pki_writer_role_arn)
        return Registry(self.cloud.client_of_role("dynamodb", *roles), self.environment)

    def device(self, name: str, *scopes: str) -> Identity:
        """A device that `provision-client` let in; one that still may be used is taken again."""
        folder = self.state.clients / name
        identity = Identity(folder / "client.crt", folder / "client.key")
        if not self._is_usable(identity):
            options = [option for scope in scopes for option in ("--scope", scope)]
            self.runner.run(
                f"provision-{name}",
                [
                    *(script("provision-client"), name, "--environment", self.environment.name),
                    *("--generate-key", "--additional", "--force"),
                    *("--output-dir", str(self.state.clients), *options),
                ],
            )
        return identity

    def token(self, identity: Identity) -> str:
        """An access token of that device.

        Raises:
            LocalError: there is none for it.
        """
        answer = self.ask_for_token(identity)
        token = answer.field("access_token")
        if answer.status != 200 or not isinstance(token, str):
            raise LocalError(f"/token answered {_told(answer)}")
        return token

    def ask_for_token(self, identity: Identity | None, **fields: str) -> Answer:
        """What /token answers."""
        form = {"grant_type": "client_credentials", **fields}
        return self.caller.call("POST", "/token", identity, form=form)

    def renewable(self, name: str) -> Identity:
        """A new device whose certificate may be renewed already."""
        self.runner.run(
            f"provision-{name}",
            [
                *(script("provision-client"), name, "--environment", self.environment.name),
                *("--generate-key", "--days", str(_RENEWABLE_DAYS), "--scope", READ),
                *("--output-dir", str(self.state.clients)),
            ],
        )
        folder = self.state.clients / name
        return Identity(folder / "client.crt", folder / "client.key")

    def new_request(self, name: str) -> tuple[Path, bytes]:
        """What a device makes with openssl: a new key, and a request that proves it has it.

        Returns:
            The key's file, and the request in DER.
        """
        folder = self.state.clients / name
        key, request = folder / "next.key", folder / "next.csr"
        self.runner.run(
            f"request-{name}",
            [
                *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                *("-noenc", "-keyout", str(key), "-subj", f"/CN={name}"),
                *("-outform", "DER", "-out", str(request)),
            ],
        )
        return key, request.read_bytes()

    def renew(self, identity: Identity, request: bytes) -> Answer:
        """What EST's simplereenroll answers (RFC 7030, section 4.2.2)."""
        body = base64.encodebytes(request)
        path = "/.well-known/est/simplereenroll"
        return self.caller.call("POST", path, identity, content=("application/pkcs10", body))

    def renewed(self, answer: Answer, key: Path) -> Identity:
        """The device's next identity, from EST's answer.

        Raises:
            LocalError: the answer holds no certificate.
        """
        if answer.status != 200:
            raise LocalError(f"simplereenroll answered {answer.status}: {answer.body.strip()}")
        message = base64.b64decode(answer.body)
        (certificate,) = pkcs7.load_der_pkcs7_certificates(message)
        path = key.with_name("next.crt")
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        return Identity(path, key)

    def whoami(self, identity: Identity | None, token: str | None = None) -> Answer:
        """What /whoami answers."""
        return self.caller.call("GET", "/whoami", identity, token=token)

    def unregistered(self) -> Identity:
        """A certificate that the environment's own CA signed, and no registry knows."""
        role = self.organization.ceremony_role_arn
        store = CaStore(self.cloud.client_of_role("s3", role), self.organization)
        authority = self.organization.issuing(self.environment.name, _GENERATION)
        signer = KmsSigner(self.cloud.client_of_role("kms", role), authority.key_alias)
        issuer = CertificateAuthority(store.get(authority), signer)
        return self._issue("unregistered", issuer, [issuer.certificate])

    def stranger(self) -> tuple[Identity, x509.Certificate]:
        """A certificate of a CA that nobody here trusts, and that CA's root."""
        now = datetime.now(UTC)
        root_key, issuing_key = (FileSigner(generate(KeyType.EC_P256)) for _ in range(2))
        root = issue_root(root_key, _name("stranger Root CA"), now)
        issuing = issue_issuing_ca(
            CertificateAuthority(root, root_key),
            issuing_key.public_key(),
            _name("stranger Issuing CA"),
            now,
        )
        issuer = CertificateAuthority(issuing, issuing_key)
        return self._issue("stranger", issuer, [issuing, root]), root

    def _issue(
        self, name: str, issuer: CertificateAuthority, chain: list[x509.Certificate]
    ) -> Identity:
        key = generate(KeyType.EC_P256)
        certificate = issue_client(
            issuer, key.public_key(), f"device-{name}", _LIFETIME, datetime.now(UTC)
        )
        return _write(self.state.root / "story" / name, key, [certificate, *chain])

    def _is_usable(self, identity: Identity) -> bool:
        if not (identity.certificate.is_file() and identity.key.is_file()):
            return False
        der = der_from_pem(identity.certificate.read_text("ascii"))
        record = self.registry.find(fingerprint(der))
        return record is not None and record.is_usable(datetime.now(UTC))


@dataclass(frozen=True)
class Scene:
    """One thing that somebody tries.

    Attributes:
        name: identifies it, such as in a test's name.
        title: what is tried.
        expected: what should be seen.
        play: tries it.
    """

    name: str
    title: str
    expected: str
    play: Callable[[Stage], Seen]


def _known_device(stage: Stage) -> Seen:
    device = stage.device("device-001", READ)
    answer = stage.whoami(device, stage.token(device))
    who = answer.field("client_id")
    return Seen(f"{answer.status}, you are {who}", answer.status == 200 and who == "device-001")


def _no_certificate(stage: Stage) -> Seen:
    try:
        answer = stage.whoami(None)
    except HandshakeRefusedError:
        return Seen("connection reset", as_expected=True)
    return Seen(_told(answer), as_expected=False)


def _other_ca(stage: Stage) -> Seen:
    identity, _ = stage.stranger()
    return _both(stage.ask_for_token(identity), stage.whoami(identity, "any"), 403)


def _unregistered(stage: Stage) -> Seen:
    identity = stage.unregistered()
    token = stage.token(stage.device("device-001", READ))
    return _both(stage.ask_for_token(identity), stage.whoami(identity, token), 401)


def _stolen_token(stage: Stage) -> Seen:
    token = stage.token(stage.device("device-001", READ))
    thief = stage.device("device-002", READ)
    answer = stage.whoami(thief, token)
    return Seen(
        _told(answer),
        answer.status == 403 and stage.whoami(thief, stage.token(thief)).status == 200,
    )


def _no_token(stage: Stage) -> Seen:
    answer = stage.whoami(stage.device("device-001", READ))
    return Seen(_told(answer), answer.status == 401)


def _scope_not_granted(stage: Stage) -> Seen:
    answer = stage.ask_for_token(stage.device("device-001", READ), scope=WRITE)
    refused = answer.status == 400 and answer.field("error") == "invalid_scope"
    return Seen(_told(answer), refused)


def _wrong_scope(stage: Stage) -> Seen:
    device = stage.device("device-003", WRITE)
    answer = stage.whoami(device, stage.token(device))
    return Seen(_told(answer), answer.status == 403)


def _revoked(stage: Stage) -> Seen:
    device = stage.device(f"revoked-{secrets.token_hex(3)}", READ)
    token = stage.token(device)
    if stage.whoami(device, token).status != 200:
        return Seen("refused before it was revoked", as_expected=False)
    der = der_from_pem(device.certificate.read_text("ascii"))
    registry = stage.registry
    # What `revoke-client` does, without the start of a process in the measured time.
    start = time.monotonic()
    registry.revoke(fingerprint(der), RevocationReason.KEY_COMPROMISE, datetime.now(UTC))
    # Without a pause: the last call that got in says how long it took.
    while (answer := stage.whoami(device, token)).status == 200:
        if time.monotonic() - start > _GIVE_UP_SECONDS:
            break
    seconds = time.monotonic() - start
    again = stage.ask_for_token(device)
    return Seen(
        f"{_told(answer)} after {seconds:.2f} s, {_told(again)} at /token",
        (answer.status, again.status) == (403, 401) and seconds <= REVOCATION_SECONDS,
    )


def _renewed_by_itself(stage: Stage) -> Seen:
    name = f"renewing-{secrets.token_hex(3)}"
    device = stage.renewable(name)
    key, request = stage.new_request(name)
    renewed = stage.renewed(stage.renew(device, request), key)
    answers = [stage.whoami(each, stage.token(each)) for each in (renewed, device)]
    again = stage.renewed(stage.renew(device, request), key)
    same = again.certificate.read_bytes() == renewed.certificate.read_bytes()
    new, old = (answer.status for answer in answers)
    return Seen(
        f"{new} with the new one, {old} with the old one",
        same and all(answer.field("client_id") == name for answer in answers),
    )


def _renewal_refused(stage: Stage) -> Seen:
    """A thief's way to a longer life: renew what was revoked, or what retired."""
    seen = {}
    for what in ("revoked", "retired"):
        name = f"{what}-{secrets.token_hex(3)}"
        device = stage.renewable(name)
        presented = fingerprint(der_from_pem(device.certificate.read_text("ascii")))
        now = datetime.now(UTC)
        if what == "revoked":
            stage.registry.revoke(presented, RevocationReason.KEY_COMPROMISE, now)
        else:
            stage.registry.retire(presented, now - timedelta(seconds=1))
        _, request = stage.new_request(name)
        seen[what] = stage.renew(device, request).status
    told = ", ".join(f"{status} for the {what}" for what, status in seen.items()) + " one"
    return Seen(told, set(seen.values()) == {403})


def _truststore_overwritten(stage: Stage) -> Seen:
    device = stage.device("device-001", READ)
    token = stage.token(device)
    stranger, root = stage.stranger()
    storage = stage.cloud.client("s3", stage.environment.account_id)
    place = {"Bucket": stage.environment.truststore_bucket, "Key": "truststore.pem"}
    written = storage.put_object(**place, Body=root.public_bytes(Encoding.PEM))
    try:
        known, strange = set(), set()
        start = time.monotonic()
        while time.monotonic() - start < _WATCH_SECONDS:
            known.add(stage.whoami(device, token).status)
            strange.add(stage.whoami(stranger, token).status)
    finally:
        storage.delete_object(**place, VersionId=written["VersionId"])
    return Seen(
        f"known device {_list(known)}, stranger {_list(strange)}",
        (known, strange) == ({200}, {403}),
    )


def _default_endpoint(stage: Stage) -> Seen:
    host = endpoints.read(stage.state.endpoints)[stage.environment.name].default_endpoint
    answer = stage.caller.call("GET", "/whoami", None, host=host)
    return Seen(_told(answer), answer.status == 404)


SCENES = (
    Scene(
        "known_device",
        "A provisioned device asks for a token and calls",
        "200, you are device-001",
        _known_device,
    ),
    Scene(
        "no_certificate",
        "Somebody without a certificate",
        "connection reset",
        _no_certificate,
    ),
    Scene(
        "other_ca",
        "A certificate of another CA",
        "403 at /token, 403 at /whoami",
        _other_ca,
    ),
    Scene(
        "unregistered",
        "A certificate of the right CA, in no registry",
        "401 invalid_client at /token, 403 at /whoami",
        _unregistered,
    ),
    Scene("no_token", "A known device without a token", "401", _no_token),
    Scene(
        "stolen_token",
        "A stolen token, with another valid certificate",
        "403",
        _stolen_token,
    ),
    Scene(
        "scope_not_granted",
        "A device asks for a scope it was not granted",
        "400 invalid_scope",
        _scope_not_granted,
    ),
    Scene("wrong_scope", "A token without the route's scope", "403", _wrong_scope),
    Scene(
        "revoked",
        "A device whose certificate is revoked",
        f"403 within {REVOCATION_SECONDS:.0f} s, 401 invalid_client at /token",
        _revoked,
    ),
    Scene(
        "renewed_by_itself",
        "A device renews its own certificate",
        "200 with the new one, 200 with the old one",
        _renewed_by_itself,
    ),
    Scene(
        "renewal_refused",
        "A revoked certificate is renewed, and a retired one",
        "403 for the revoked, 403 for the retired one",
        _renewal_refused,
    ),
    Scene(
        "truststore_overwritten",
        "The truststore object is overwritten, and not rolled out",
        "known device 200, stranger 403",
        _truststore_overwritten,
    ),
    Scene(
        "default_endpoint",
        "The API's default endpoint, around the edge",
        "404",
        _default_endpoint,
    ),
)


def _both(token: Answer, whoami: Answer, token_status: int) -> Seen:
    error = token.field("error")
    refused = error == "invalid_client" if token_status == 401 else error is None
    return Seen(
        f"{_told(token)} at /token, {_told(whoami)} at /whoami",
        refused and (token.status, whoami.status) == (token_status, 403),
    )


def _told(answer: Answer) -> str:
    error = answer.field("error")
    return f"{answer.status} {error}" if isinstance(error, str) else str(answer.status)


def _list(statuses: set[int]) -> str:
    return ", ".join(str(status) for status in sorted(statuses))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _write(folder: Path, key: PrivateKey, chain: list[x509.Certificate]) -> Identity:
    identity = Identity(folder / "client.crt", folder / "client.key")
    folder.mkdir(parents=True, exist_ok=True)
    identity.key.touch(mode=0o600)
    identity.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    identity.certificate.write_bytes(pem)
    return identity
