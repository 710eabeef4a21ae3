"""The CA certificates, public and written once, in a bucket of the security account."""

import re
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import MalformedCertificateError, der_from_pem
from pki import pem
from pki.aws import error_code
from pki.errors import CaStoreError
from pki.issuing import was_issued_by
from pki.organization import Authority, Organization

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_OBJECT_NAME = re.compile(r"(g[1-9][0-9]{0,2})\.pem")
_OBJECT_KEY = re.compile(
    r"(root|issuing/(?P<environment>[a-z][a-z0-9-]{0,14}))/(?P<generation>g[1-9][0-9]{0,2})\.pem"
)


class CaStore:
    """Reads and writes ``root/<generation>.pem`` and ``issuing/<environment>/<generation>.pem``."""

    def __init__(self, s3: "S3Client", organization: Organization) -> None:
        """Keep the client, which acts in the security account, and the organisation's names."""
        self._s3 = s3
        self._organization = organization
        self._bucket = organization.ca_bucket

    def location(self, authority: Authority) -> str:
        """The URI of a CA's certificate."""
        return f"s3://{self._bucket}/{authority.object_key}"

    def find(self, authority: Authority) -> x509.Certificate | None:
        """The certificate of a CA, or None when it was never issued.

        Raises:
            CaStoreError: the object is not one certificate, or the bucket does not exist.
        """
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=authority.object_key)
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return None
            raise self._translated(error) from error
        try:
            text = answer["Body"].read().decode("ascii")
            return x509.load_der_x509_certificate(der_from_pem(text))
        except (MalformedCertificateError, *pem.MALFORMED) as error:
            raise CaStoreError(f"{self.location(authority)} is not one certificate") from error

    def get(self, authority: Authority) -> x509.Certificate:
        """The certificate of a CA that must exist.

        Raises:
            CaStoreError: it does not, or as :meth:`find`.
        """
        certificate = self.find(authority)
        if certificate is None:
            raise CaStoreError(
                f"there is no certificate {self.location(authority)}", hint="run bootstrap-ca first"
            )
        return certificate

    def put(self, authority: Authority, certificate: x509.Certificate) -> None:
        """Store a new CA's certificate; what is there stays there.

        Raises:
            CaStoreError: somebody else stored one meanwhile, or the bucket does not exist.
        """
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=authority.object_key,
                Body=certificate.public_bytes(Encoding.PEM),
                ContentType="application/x-pem-file",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error_code(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise self._translated(error) from error
            if self.find(authority) != certificate:  # else: ours, repeated after a lost answer
                raise self._lost_race(authority, certificate) from error

    def authorities(self) -> tuple[Authority, ...]:
        """Every CA that has a certificate: of every environment that ever had one."""
        found = (_OBJECT_KEY.fullmatch(key) for key in self._keys(""))
        return tuple(
            Authority(self._organization.name, match["environment"], match["generation"])
            for match in found
            if match
        )

    def roots(self) -> tuple[Authority, ...]:
        """Every generation of the root, oldest first."""
        return tuple(map(self._organization.root, self._generations("root/")))

    def issuing(self, environment: str) -> tuple[Authority, ...]:
        """Every generation of an environment's issuing CA, oldest first."""
        return tuple(
            self._organization.issuing(environment, generation)
            for generation in self._generations(f"issuing/{environment}/")
        )

    def newest_issuing(self, environment: str, generation: str | None) -> Authority:
        """An environment's issuing CA: of the generation asked for, or the newest.

        Raises:
            CaStoreError: there is none.
        """
        authorities = self.issuing(environment)
        chosen = [entry for entry in authorities if generation in {None, entry.generation}]
        if not chosen:
            missing = "" if generation is None else f" of generation {generation}"
            raise CaStoreError(
                f"{environment} has no issuing CA{missing}", hint="run bootstrap-ca first"
            )
        return chosen[-1]

    def root_of(self, certificate: x509.Certificate) -> x509.Certificate:
        """The root that issued a CA's certificate.

        Raises:
            CaStoreError: none of the roots did.
        """
        for authority in self.roots():
            root = self.get(authority)
            if was_issued_by(certificate, root):
                return root
        raise CaStoreError(
            f"no root in s3://{self._bucket}/root/ issued {certificate.subject.rfc4514_string()}",
            hint="find out where it came from before anything trusts it",
        )

    def _keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        try:
            return [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        except ClientError as error:
            raise self._translated(error) from error

    def _generations(self, prefix: str) -> list[str]:
        names = (_OBJECT_NAME.fullmatch(key.removeprefix(prefix)) for key in self._keys(prefix))
        return sorted((match.group(1) for match in names if match), key=lambda name: int(name[1:]))

    def _lost_race(self, authority: Authority, certificate: x509.Certificate) -> CaStoreError:
        return CaStoreError(
            f"{self.location(authority)} appeared meanwhile; "
            f"{certificate.subject.rfc4514_string()} was not stored",
            hint="another ceremony is running: wait for it, then run again",
        )

    def _translated(self, error: ClientError) -> Exception:
        if error_code(error) == "NoSuchBucket":
            return CaStoreError(
                f"bucket {self._bucket} does not exist in the security account",
                hint="apply the unit ca/pki of the security account first",
            )
        return error
