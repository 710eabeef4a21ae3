"""CA keys in a hardware security module, through its PKCS#11 library.

https://docs.oasis-open.org/pkcs11/pkcs11-spec/v3.1/pkcs11-spec-v3.1.html; SoftHSM stands for the
hardware in the tests. The binding, python-pkcs11, is the optional dependency ``pkcs11``: this
module is imported only where an organisation chose it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pkcs11
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from pki.errors import KeyKeeperError, MissingKeyError
from pki.keepers.secret import SecretSource
from pki.keys import KeyType, PublicKey
from pki.organization import Authority
from pki.signer import KeptSignature

_RSA_BITS = {KeyType.RSA_2048: 2048, KeyType.RSA_4096: 4096}
_CURVES = {KeyType.EC_P256: "secp256r1", KeyType.EC_P384: "secp384r1"}

_DIGEST_INFO = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
}
"""What stands before the digest in RSASSA-PKCS1-v1_5: DER of DigestInfo (RFC 8017, section 9.2)."""

_KEPT = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.MODIFIABLE: False,
}
_SIGNS = MechanismFlag.SIGN | MechanismFlag.VERIFY


class Pkcs11Keeper:
    """The keys of one token, labelled like their KMS aliases: ``example-root-ca-g1``.

    Each operation logs in and out again: the token is open only while it is used.
    """

    def __init__(self, module: Path, token: str, pin: SecretSource) -> None:
        """Keep what names the token; the library is loaded when a key is first asked for.

        Args:
            module: the HSM's PKCS#11 library.
            token: the token's label.
            pin: where the user's PIN comes from.
        """
        self._module = module
        self._token = token
        self._pin = pin
        self._good_pin: str | None = None

    def signer_of(self, authority: Authority) -> "Pkcs11Signer":
        """See :meth:`pki.keepers.Keeper.signer_of`."""
        return Pkcs11Signer(self, authority.key_name)

    def create(self, authority: Authority, key_type: KeyType) -> PublicKey:
        """See :meth:`pki.keepers.Keeper.create`; the token will neither export nor wrap the key."""
        label = authority.key_name
        with self.session(rw=True) as session:
            if list(session.get_objects({Attribute.LABEL: label})):
                raise KeyKeeperError(
                    f"{self.location(label)} exists: it was not replaced",
                    hint="a CA keeps its key for life: a new key is a new generation",
                )
            _generate(session, label, key_type)
            # A token takes a label twice: who finds two had company.
            self.find(session, label, ObjectClass.PRIVATE_KEY)
            return _public_key(self.find(session, label, ObjectClass.PUBLIC_KEY))

    def unlocked(self, _: Authority) -> AbstractContextManager[None]:
        """See :meth:`pki.keepers.Keeper.unlocked`; here the PIN is the lock."""
        return nullcontext()

    @contextmanager
    def session(self, *, rw: bool = False) -> Iterator[pkcs11.Session]:
        """A session of the token, logged in until the end of the block.

        Raises:
            KeyKeeperError: the HSM's library or its token is missing, the PIN is wrong, or the HSM
                refuses what the block asks for.
        """
        try:
            token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
            pin = self._good_pin or self._pin.read()
            with token.open(rw=rw, user_pin=pin) as session:
                self._good_pin = pin
                yield session
        except pkcs11.NoSuchToken as error:
            raise KeyKeeperError(
                f"{self._module} has no token {self._token}",
                hint="is the HSM connected, and is this the token's label?",
            ) from error
        except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinInvalid) as error:
            raise KeyKeeperError(
                f"the {self._pin.what} is wrong",
                hint=f"check {self._pin.variable}: a token locks itself after a few wrong ones",
            ) from error
        except pkcs11.PKCS11Error as error:
            raise KeyKeeperError(
                f"the PKCS#11 token {self._token} of {self._module} refused: "
                f"{type(error).__name__} {error}".rstrip()
            ) from error

    def find(self, session: pkcs11.Session, label: str, object_class: ObjectClass) -> pkcs11.Key:
        """The one key of a label and class.

        Raises:
            MissingKeyError: there is none.
            KeyKeeperError: there is more than one.
        """
        wanted = {Attribute.LABEL: label, Attribute.CLASS: object_class}
        found = [entry for entry in session.get_objects(wanted) if isinstance(entry, pkcs11.Key)]
        if not found:
            raise MissingKeyError(
                f"there is no {self.location(label)}",
                hint="a ceremony makes it: plan one (bootstrap-ca, rotate-issuing-ca, renew-root)",
            )
        if len(found) > 1:
            raise KeyKeeperError(
                f"there is more than one {self.location(label)}",
                hint="keep the one that the CA's certificate names, and delete the others",
            )
        return found[0]

    def location(self, label: str) -> str:
        """What a person calls the place of a key."""
        return f"key {label} on the PKCS#11 token {self._token}"


class Pkcs11Signer:
    """One CA's key on a token."""

    def __init__(self, keeper: Pkcs11Keeper, label: str) -> None:
        """Keep which key, and where."""
        self._keeper = keeper
        self._label = label
        self._public_key: PublicKey | None = None

    def public_key(self) -> PublicKey:
        """See :meth:`pki.signer.Signer.public_key`; asked once."""
        if self._public_key is None:
            with self._keeper.session() as session:
                key = self._keeper.find(session, self._label, ObjectClass.PUBLIC_KEY)
                self._public_key = _public_key(key)
        return self._public_key

    def sign_digest(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> KeptSignature:
        """See :meth:`pki.signer.Signer.sign_digest`."""
        location = self._keeper.location(self._label)
        if algorithm.name not in _DIGEST_INFO:
            raise KeyKeeperError(f"{location} does not sign with {algorithm.name}")
        is_rsa = isinstance(self.public_key(), rsa.RSAPublicKey)
        with self._keeper.session() as session:
            key = self._keeper.find(session, self._label, ObjectClass.PRIVATE_KEY)
            if not isinstance(key, pkcs11.SignMixin):
                raise KeyKeeperError(f"{location} may not sign")
            if is_rsa:
                encoded = _DIGEST_INFO[algorithm.name] + digest
                return KeptSignature(key.sign(encoded, mechanism=Mechanism.RSA_PKCS))
            return KeptSignature(_der(key.sign(digest, mechanism=Mechanism.ECDSA)))


def _generate(session: pkcs11.Session, label: str, key_type: KeyType) -> None:
    if key_type in _CURVES:
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVES[key_type])}
        session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(
            store=True, label=label, id=label.encode(), capabilities=_SIGNS, private_template=_KEPT
        )
        return
    session.generate_keypair(
        pkcs11.KeyType.RSA,
        _RSA_BITS[key_type],
        store=True,
        label=label,
        id=label.encode(),
        capabilities=_SIGNS,
        private_template=_KEPT,
    )


def _public_key(key: pkcs11.Key) -> PublicKey:
    if key.key_type == pkcs11.KeyType.RSA:
        modulus, exponent = key[Attribute.MODULUS], key[Attribute.PUBLIC_EXPONENT]
        numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent), int.from_bytes(modulus))
        return numbers.public_key()
    if key.key_type == pkcs11.KeyType.EC and isinstance(key, pkcs11.PublicKey):
        public_key = load_der_public_key(encode_ec_public_key(key))
        if isinstance(public_key, ec.EllipticCurvePublicKey):
            return public_key
    raise KeyKeeperError(f"the key {key.label} of the PKCS#11 token is neither RSA nor EC")


def _der(signature: bytes) -> bytes:
    """ECDSA as PKCS#11 gives it, r and s in halves (section 6.3.1), in X.509's form (RFC 3279)."""
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
    return utils.encode_dss_signature(r, s)
