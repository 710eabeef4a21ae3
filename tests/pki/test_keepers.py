"""Every keeper, with every type of key: what it signs, what it refuses, what it never tells."""

import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pkcs11
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pki.errors import FileError, KeyKeeperError, MissingKeyError
from pki.issuing import CertificateAuthority, issue_issuing_ca, issue_root, was_issued_by
from pki.keepers import Keepers
from pki.keepers.pkcs11 import Pkcs11Keeper, _generate
from pki.keys import KeyType, classify, generate
from pki.organization import (
    Authority,
    KeeperChoice,
    KeeperKind,
    Organization,
    load_organization,
)
from pki.profiles import ca_name
from pki.sessions import ceremony_session
from tests.pki.softhsm import PIN, SoftHsm
from tests.pki.support import NOW, Cloud, lost_answer

PASSPHRASE = "a passphrase that nobody guesses"
CA_KEY_TYPES = (KeyType.RSA_4096, KeyType.RSA_2048, KeyType.EC_P384, KeyType.EC_P256)
STORED = (KeeperKind.SSM, KeeperKind.SECRETS_MANAGER, KeeperKind.FILE)
IN_AWS = (KeeperKind.KMS, KeeperKind.SSM, KeeperKind.SECRETS_MANAGER)
MADE_HERE = (*STORED, KeeperKind.PKCS11)
KEY_SPECS = {
    KeyType.RSA_4096: "RSA_4096",
    KeyType.RSA_2048: "RSA_2048",
    KeyType.EC_P384: "ECC_NIST_P384",
    KeyType.EC_P256: "ECC_NIST_P256",
}

Make = Callable[..., Keepers]
_generations = iter(range(10, 1000))


@pytest.fixture
def environ(tmp_path: Path, hsm: SoftHsm) -> dict[str, str]:
    return {
        **hsm.environ,
        "PKI_KEY_DIR": str(tmp_path / "keys"),
        "PKI_ROOT_PASSPHRASE": PASSPHRASE,
        "PKI_ISSUING_PASSPHRASE": PASSPHRASE,
        "PKI_ROOT_PIN": PIN,
        "PKI_ISSUING_PIN": PIN,
    }


@pytest.fixture
def organization(live_dir: Path) -> Organization:
    return load_organization(live_dir)


@pytest.fixture
def make(
    organization: Organization, environ: dict[str, str], request: pytest.FixtureRequest
) -> Make:
    """Keepers of an organisation that has this one for both levels; a cloud where it needs one."""

    def keepers(kind: KeeperKind, **changes: str | None) -> Keepers:
        settings = {**environ, **changes}
        given = {name: value for name, value in settings.items() if value is not None}
        choice = KeeperChoice(kind, KeyType.EC_P256)
        chosen = replace(organization, root_keys=choice, issuing_keys=choice)
        session = boto3.Session(region_name=organization.region)
        if kind in IN_AWS:
            session = request.getfixturevalue("session")
        return Keepers(session, chosen, environ=given, ask=None)

    return keepers


@pytest.fixture
def session(cloud: Cloud) -> boto3.Session:
    """As the ceremony role; its clients are made once, since that takes longer than using them."""
    return ceremony_session(boto3.Session(), cloud.organization, "alice")


@pytest.fixture
def root(organization: Organization) -> Authority:
    """A root of a generation of its own: the HSM is shared by all tests."""
    return organization.root(f"g{next(_generations)}")


@pytest.mark.parametrize("key_type", CA_KEY_TYPES)
@pytest.mark.parametrize("kind", KeeperKind)
def test_a_kept_key_issues_a_ca_certificate_that_verifies(
    kind: KeeperKind,
    key_type: KeyType,
    make: Make,
    root: Authority,
    request: pytest.FixtureRequest,
) -> None:
    keepers = make(kind)
    if kind is KeeperKind.KMS:
        request.getfixturevalue("cloud").make_key(root.key_alias, KEY_SPECS[key_type])
    else:
        keepers.create(root, key_type)
    name = ca_name("example", root.common_name)

    with keepers.unlocked(root):
        signer = keepers.signer_of(root)
        certificate = issue_root(signer, name, NOW)
        issuing = issue_issuing_ca(
            CertificateAuthority(certificate, signer),
            generate(KeyType.EC_P256).public_key(),
            ca_name("example", "example dev Issuing CA G1"),
            NOW,
        )

    assert classify(certificate.public_key()) is key_type
    assert was_issued_by(certificate, certificate)
    assert was_issued_by(issuing, certificate)


@pytest.mark.parametrize("kind", MADE_HERE)
def test_a_new_run_finds_the_key_that_another_made(
    kind: KeeperKind, make: Make, root: Authority
) -> None:
    public_key = make(kind).create(root)

    assert make(kind).signer_of(root).public_key() == public_key


@pytest.mark.parametrize("kind", MADE_HERE)
def test_a_new_key_is_of_the_type_that_the_organisation_chose(
    kind: KeeperKind, make: Make, root: Authority
) -> None:
    assert classify(make(kind).create(root)) is KeyType.EC_P256


@pytest.mark.parametrize("kind", MADE_HERE)
def test_an_existing_key_is_never_replaced(kind: KeeperKind, make: Make, root: Authority) -> None:
    first = make(kind).create(root)

    with pytest.raises(KeyKeeperError, match="exists: it was not replaced") as caught:
        make(kind).create(root)

    assert caught.value.hint == "a CA keeps its key for life: a new key is a new generation"
    assert make(kind).signer_of(root).public_key() == first


@pytest.mark.parametrize("kind", STORED)
def test_a_key_that_appears_meanwhile_is_not_replaced(
    kind: KeeperKind, make: Make, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = make(kind)
    made = []

    def too_late(key_type: KeyType) -> Any:
        monkeypatch.undo()
        made.append(rival.create(root))
        return generate(key_type)

    monkeypatch.setattr("pki.keepers.encrypted_pem.generate", too_late)
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    with pytest.raises(KeyKeeperError, match="exists: it was not replaced"):
        make(kind).create(root)

    assert [make(kind).signer_of(root).public_key()] == made


@pytest.mark.parametrize(
    ("kind", "operation"),
    [(KeeperKind.SSM, "PutParameter"), (KeeperKind.SECRETS_MANAGER, "CreateSecret")],
)
def test_a_key_whose_storing_was_repeated_after_a_lost_answer_is_ours(
    kind: KeeperKind, operation: str, make: Make, root: Authority
) -> None:
    keepers = make(kind)

    with lost_answer(operation):
        public_key = keepers.create(root)

    assert make(kind).signer_of(root).public_key() == public_key


def test_keys_of_kms_are_made_by_terraform(make: Make, root: Authority) -> None:
    with pytest.raises(KeyKeeperError, match=f"{root.key_alias} is for Terraform") as caught:
        make(KeeperKind.KMS).create(root)

    assert caught.value.hint is not None
    assert "make bootstrap-account ACCOUNT=security" in caught.value.hint


@pytest.mark.parametrize("kind", KeeperKind)
def test_a_missing_key_is_named_with_what_to_do(
    kind: KeeperKind, make: Make, root: Authority
) -> None:
    names = {KeeperKind.SSM: root.key_path, KeeperKind.SECRETS_MANAGER: root.key_path}

    with pytest.raises(MissingKeyError, match="there is no") as caught:
        make(kind).signer_of(root).public_key()

    assert names.get(kind, root.generation) in str(caught.value)
    assert caught.value.hint in {
        "a ceremony makes it: plan one (bootstrap-ca, rotate-issuing-ca, renew-root)",
        "apply the unit ca/pki of the security account first",
    }


@pytest.mark.parametrize("kind", STORED)
def test_a_wrong_passphrase_opens_nothing_and_is_not_told(
    kind: KeeperKind, make: Make, root: Authority
) -> None:
    make(kind).create(root)
    wrong = "another passphrase altogether"

    with pytest.raises(
        KeyKeeperError, match="passphrase of the root CA's key does not op"
    ) as caught:
        make(kind, PKI_ROOT_PASSPHRASE=wrong).signer_of(root).public_key()

    assert not isinstance(caught.value, MissingKeyError)
    assert caught.value.__cause__ is None
    assert wrong not in f"{caught.value} {caught.value.hint}"


def test_a_wrong_pin_is_refused_and_not_told(make: Make, root: Authority) -> None:
    make(KeeperKind.PKCS11).create(root)

    with pytest.raises(KeyKeeperError, match="PIN of the root CA's token is wrong") as caught:
        make(KeeperKind.PKCS11, PKI_ROOT_PIN="wrong-pin").signer_of(root).public_key()

    assert not isinstance(caught.value, MissingKeyError)
    assert "wrong-pin" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("kind", MADE_HERE)
def test_the_representation_of_a_keeper_tells_no_secret(
    kind: KeeperKind, make: Make, root: Authority
) -> None:
    keepers = make(kind)
    keepers.create(root)
    signer = keepers.signer_of(root)
    signer.public_key()

    told = f"{keepers!r} {vars(keepers)['_keepers']!r} {signer!r} {vars(signer)!r}"

    assert PASSPHRASE not in told
    assert PIN not in told
    assert "PRIVATE" not in told


@pytest.mark.parametrize("kind", STORED)
def test_a_key_that_is_stored_in_the_clear_is_refused(
    kind: KeeperKind, make: Make, root: Authority, request: pytest.FixtureRequest
) -> None:
    plain = generate(KeyType.EC_P256).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    store(kind, root, plain.decode(), request)

    with pytest.raises(KeyKeeperError, match="holds no encrypted PKCS#8 key"):
        make(kind).signer_of(root).public_key()


def store(kind: KeeperKind, root: Authority, text: str, request: pytest.FixtureRequest) -> None:
    if kind in IN_AWS:
        cloud: Cloud = request.getfixturevalue("cloud")
    if kind is KeeperKind.SSM:
        cloud.security("ssm").put_parameter(Name=root.key_path, Value=text, Type="SecureString")
    elif kind is KeeperKind.SECRETS_MANAGER:
        cloud.security("secretsmanager").create_secret(Name=root.key_path, SecretString=text)
    else:
        folder = Path(request.getfixturevalue("environ")["PKI_KEY_DIR"])
        path = folder / "root" / f"{root.generation}.key"
        path.parent.mkdir(parents=True)
        path.touch(0o600)
        path.write_text(text)


def test_a_parameter_is_a_secure_string_under_the_storage_key(
    make: Make, root: Authority, cloud: Cloud
) -> None:
    make(KeeperKind.SSM).create(root, KeyType.RSA_4096)

    (found,) = cloud.security("ssm").describe_parameters()["Parameters"]

    assert (found["Name"], found["Type"]) == (root.key_path, "SecureString")
    assert found["KeyId"] == "alias/example-ca-storage"


def test_a_secret_is_under_the_storage_key(make: Make, root: Authority, cloud: Cloud) -> None:
    make(KeeperKind.SECRETS_MANAGER).create(root)

    found = cloud.security("secretsmanager").describe_secret(SecretId=root.key_path)

    assert found["KmsKeyId"] == "alias/example-ca-storage"


def test_an_rsa_4096_key_fits_into_a_standard_parameter(
    make: Make, root: Authority, cloud: Cloud
) -> None:
    make(KeeperKind.SSM).create(root, KeyType.RSA_4096)

    stored = cloud.security("ssm").get_parameter(Name=root.key_path, WithDecryption=True)

    # https://docs.aws.amazon.com/general/latest/gr/ssm.html
    assert len(stored["Parameter"]["Value"]) <= 4096


def test_a_storage_key_that_cannot_be_used_is_named(
    make: Make, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    keepers = make(KeeperKind.SSM)
    refuse(monkeypatch, "PutParameter", "InvalidKeyId")

    with pytest.raises(KeyKeeperError, match="alias/example-ca-storage over the stored CA keys"):
        keepers.create(root)


def test_a_key_file_is_its_owners_alone(
    make: Make, root: Authority, environ: dict[str, str]
) -> None:
    make(KeeperKind.FILE).create(root)
    path = Path(environ["PKI_KEY_DIR"]) / "root" / f"{root.generation}.key"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]

    path.chmod(0o640)
    with pytest.raises(KeyKeeperError, match="open to others than its owner"):
        make(KeeperKind.FILE).signer_of(root).public_key()


def test_a_key_of_an_hsm_can_neither_be_read_nor_made_readable(
    make: Make, root: Authority, hsm: SoftHsm
) -> None:
    make(KeeperKind.PKCS11).create(root)

    token = pkcs11.lib(str(hsm.module)).get_token(token_label="example-ca")
    with token.open(rw=True, user_pin=PIN) as session:
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=root.key_name)
        assert key[pkcs11.Attribute.NEVER_EXTRACTABLE] is True
        assert key[pkcs11.Attribute.ALWAYS_SENSITIVE] is True
        with pytest.raises(pkcs11.AttributeSensitive):
            _ = key[pkcs11.Attribute.VALUE]
        with pytest.raises(pkcs11.PKCS11Error):
            key[pkcs11.Attribute.EXTRACTABLE] = True


def test_two_keys_of_one_label_are_refused(make: Make, root: Authority, hsm: SoftHsm) -> None:
    make(KeeperKind.PKCS11).create(root)
    token = pkcs11.lib(str(hsm.module)).get_token(token_label="example-ca")
    with token.open(rw=True, user_pin=PIN) as session:
        _generate(session, root.key_name, KeyType.EC_P256)

    with pytest.raises(KeyKeeperError, match=f"more than one key {root.key_name} on"):
        make(KeeperKind.PKCS11).signer_of(root).public_key()


def test_a_token_that_is_not_there_is_named(make: Make, root: Authority) -> None:
    with pytest.raises(KeyKeeperError, match="has no token elsewhere"):
        make(KeeperKind.PKCS11, PKI_PKCS11_TOKEN="elsewhere").signer_of(root).public_key()


def test_a_library_that_is_not_there_is_named(make: Make, root: Authority, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.so")

    with pytest.raises(KeyKeeperError, match=r"missing\.so"):
        make(KeeperKind.PKCS11, PKI_PKCS11_MODULE=missing).signer_of(root).public_key()


def test_without_the_binding_the_error_says_how_to_get_it(
    make: Make, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pki.keepers.pkcs11", None)

    with pytest.raises(KeyKeeperError, match="python-pkcs11 cannot be loaded") as caught:
        make(KeeperKind.PKCS11).signer_of(root)

    assert caught.value.hint == "uv sync --extra pkcs11"


@pytest.mark.parametrize(
    ("kind", "variable"),
    [(KeeperKind.FILE, "PKI_KEY_DIR"), (KeeperKind.PKCS11, "PKI_PKCS11_MODULE")],
)
def test_a_setting_that_is_missing_is_named(
    kind: KeeperKind, variable: str, make: Make, root: Authority
) -> None:
    with pytest.raises(KeyKeeperError, match=f"{variable} is not set"):
        make(kind, **{variable: None}).signer_of(root)


def test_each_level_has_its_own_passphrase(
    make: Make, root: Authority, organization: Organization
) -> None:
    issuing = organization.issuing("dev", root.generation)
    keepers = make(KeeperKind.FILE, PKI_ISSUING_PASSPHRASE="the passphrase of the issuing CAs")
    keepers.create(root)
    keepers.create(issuing)

    make(KeeperKind.FILE).signer_of(root).public_key()
    with pytest.raises(KeyKeeperError, match="passphrase of the issuing CA's key does not open"):
        make(KeeperKind.FILE).signer_of(issuing).public_key()


def test_each_level_has_its_own_keeper(
    organization: Organization, environ: dict[str, str], root: Authority
) -> None:
    mixed = replace(
        organization,
        root_keys=KeeperChoice(KeeperKind.PKCS11, KeyType.EC_P384),
        issuing_keys=KeeperChoice(KeeperKind.FILE, KeyType.EC_P256),
    )
    session = boto3.Session(region_name=organization.region)
    keepers = Keepers(session, mixed, environ=environ, ask=None)

    assert classify(keepers.create(root)) is KeyType.EC_P384
    keepers.create(organization.issuing("dev", root.generation))

    made = Path(environ["PKI_KEY_DIR"]).rglob("*.key")
    assert [path.name for path in made] == [f"{root.generation}.key"]


# --- A signature is asked for once ----------------------------------------------------------------


def refuse(monkeypatch: pytest.MonkeyPatch, operation: str, code: str) -> None:
    make_api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: BaseClient, name: str, parameters: Any) -> Any:
        if name == operation:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, name)
        return make_api_call(client, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def throttle(request: Any) -> AWSResponse:
    body = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
    raw = type("Raw", (), {"stream": lambda self, **_: iter((body,))})()
    headers = HeadersDict({"content-type": "application/x-amz-json-1.1"})
    return AWSResponse(request.url, 400, headers, raw)  # type: ignore[arg-type]


def lose(request: Any) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url=request.url)


@pytest.mark.parametrize(
    ("answer", "error"),
    [(throttle, ClientError), (lose, ReadTimeoutError)],
    ids=["throttled", "lost"],
)
def test_a_signature_that_kms_does_not_answer_is_not_asked_for_again(
    answer: Callable[[Any], AWSResponse],
    error: type[Exception],
    make: Make,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    signer = make(KeeperKind.KMS).signer_of(cloud.organization.root("g1"))
    signer.public_key()
    requests: list[Any] = []

    def send(request: Any, **_: object) -> AWSResponse:
        requests.append(request)
        return answer(request)

    vars(signer)["_kms"].meta.events.register_first("before-send.kms.Sign", send)

    with pytest.raises(error):
        signer.sign_digest(b"d" * 48, hashes.SHA384())

    assert len(requests) == 1


def test_a_signature_that_an_hsm_refuses_is_not_asked_for_again(
    make: Make, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    keepers = make(KeeperKind.PKCS11)
    keepers.create(root)
    signer = keepers.signer_of(root)
    signer.public_key()
    asked = []

    class Refusing(pkcs11.PrivateKey, pkcs11.SignMixin):
        def sign(self, data: Any, **options: Any) -> bytes:
            asked.append(data)
            raise pkcs11.DeviceError

    monkeypatch.setattr(Pkcs11Keeper, "find", lambda *_: Refusing())

    with pytest.raises(KeyKeeperError, match="refused: DeviceError"):
        signer.sign_digest(b"d" * 32, hashes.SHA256())

    assert len(asked) == 1


def test_an_hsm_signs_with_sha_2_of_256_and_384_bits_alone(make: Make, root: Authority) -> None:
    keepers = make(KeeperKind.PKCS11)
    keepers.create(root)

    with pytest.raises(KeyKeeperError, match="does not sign with sha1"):
        keepers.signer_of(root).sign_digest(b"d" * 20, hashes.SHA1())  # noqa: S303


def test_keys_of_both_levels_may_be_on_one_token(
    make: Make, root: Authority, organization: Organization
) -> None:
    keepers = make(KeeperKind.PKCS11)
    issuing = organization.issuing("dev", root.generation)
    keepers.create(root)
    keepers.create(issuing)

    for authority in (root, issuing):
        signer = keepers.signer_of(authority)
        signature = signer.sign_digest(b"d" * 32, hashes.SHA256()).signature
        key = signer.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert signature


def test_a_file_that_cannot_be_read_is_named_without_its_content(
    make: Make, root: Authority, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xff\xfe hush")

    with pytest.raises(FileError, match="PKI_ROOT_PASSPHRASE_FILE: cannot read") as caught:
        make(
            KeeperKind.FILE, PKI_ROOT_PASSPHRASE=None, PKI_ROOT_PASSPHRASE_FILE=str(secret)
        ).create(root)

    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
