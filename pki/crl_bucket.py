"""The bucket of revocation lists: ``<environment>/<generation>.crl`` is DER, ``.crl.pem`` is PEM.

The DER object is the list; the other is made from it, and again when it was lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pki.aws import error_code
from pki.crl import Crl, SignedCrl
from pki.errors import CrlError
from pki.organization import Authority

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SIGNATURE_REQUEST_ID = "signature-request-id"
"""Object metadata by which a signature in the key keeper's log is found again."""

PEM_SUFFIX = ".pem"
"""Of the copy's key, after that of the list."""

MAXIMUM_AGE = timedelta(hours=1)
"""How long a cache may keep a list: a new one may come with each run of the schedule."""

_DER, _PEM = "application/pkix-crl", "application/x-pem-file"  # RFC 2585, section 4


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the bucket holds.

    Attributes:
        content: the object.
        etag: for the precondition of the next write.
    """

    content: bytes
    etag: str


class CrlBucket:
    """The bucket ``<organization>-crl-<security account>``."""

    def __init__(self, s3: "S3Client", name: str) -> None:
        """Keep the client, which acts in the security account, and the bucket's name."""
        self._s3 = s3
        self._name = name

    def location(self, authority: Authority) -> str:
        """The URI of an issuing CA's list."""
        return f"s3://{self._name}/{authority.crl_key}"

    def find(self, authority: Authority) -> StoredObject | None:
        """An issuing CA's list in DER, or None when none was published.

        Raises:
            CrlError: the bucket does not exist.
        """
        return self._get(authority.crl_key)

    def put(
        self, authority: Authority, new: SignedCrl, replaces: StoredObject | None, now: datetime
    ) -> None:
        """Publish a list, provided that the bucket still holds the one that it replaces.

        Raises:
            CrlError: somebody else published meanwhile, or the bucket does not exist.
        """
        try:
            self._put(authority, new, replaces, now)
        except ClientError as error:
            if error_code(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise self._translated(error) from error
            present = self.find(authority)
            if present is None or present.content != new.crl.der:  # else: a lost answer, repeated
                raise CrlError(
                    f"{self.location(authority)} was published by somebody else meanwhile; the "
                    f"list that signature request {new.signature_request_id} signed was dropped",
                    hint="run it again: it goes on from the list that is there",
                ) from error
        self.put_pem(authority, new.crl, now)

    def put_pem(self, authority: Authority, crl: Crl, now: datetime) -> None:
        """Write a published list in PEM, unless it is there.

        Raises:
            CrlError: the bucket does not exist.
        """
        key = f"{authority.crl_key}{PEM_SUFFIX}"
        present = self._get(key)
        if present is not None and present.content == crl.pem:
            return
        try:
            self._s3.put_object(
                Bucket=self._name,
                Key=key,
                Body=crl.pem,
                ContentType=_PEM,
                CacheControl=_cache_control(crl, now),
            )
        except ClientError as error:
            raise self._translated(error) from error

    def _put(
        self, authority: Authority, new: SignedCrl, replaces: StoredObject | None, now: datetime
    ) -> None:
        arguments = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces.etag}
        request_id = new.signature_request_id
        self._s3.put_object(
            Bucket=self._name,
            Key=authority.crl_key,
            Body=new.crl.der,
            ContentType=_DER,
            CacheControl=_cache_control(new.crl, now),
            Metadata={"crl-number": str(new.crl.number)}
            | ({} if request_id is None else {SIGNATURE_REQUEST_ID: request_id}),
            **arguments,  # type: ignore[arg-type]
        )

    def _get(self, key: str) -> StoredObject | None:
        try:
            answer = self._s3.get_object(Bucket=self._name, Key=key)
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return None
            raise self._translated(error) from error
        return StoredObject(answer["Body"].read(), answer["ETag"])

    def _translated(self, error: ClientError) -> Exception:
        if error_code(error) == "NoSuchBucket":
            return CrlError(
                f"bucket {self._name} does not exist in the security account",
                hint="apply the unit ca/crl of the security account first",
            )
        return error


def _cache_control(crl: Crl, now: datetime) -> str:
    seconds = min(MAXIMUM_AGE, crl.next_update - now).total_seconds()
    return f"max-age={max(0, int(seconds))}"
