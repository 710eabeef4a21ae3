"""What can go wrong in the certificate authority.

::

    PkiError                     exit code 1
    ├── UsageError               exit code 2: the arguments make no sense
    ├── OrganizationError        live/organization.yaml or the tree around it
    ├── AccountError             a role led into another account than expected
    ├── KeyKeeperError           a signing key is missing, disabled, or not the expected one
    │   └── MissingKeyError      the keeper was asked, and has no such key
    ├── IssuanceError            the certificate would break its profile or outlive its issuer
    ├── CsrError                 a certificate signing request that is refused
    ├── CaStoreError             the bucket of CA certificates
    │   └── AlreadyBootstrappedError
    ├── CeremonyError            a ceremony that is refused, or cannot go on
    │   ├── PlanError            a plan that is malformed, out of date, or not of this world
    │   ├── ApprovalError        an approval of something else, or by the wrong person
    │   └── TranscriptError      a transcript that is not whole, or that another run writes
    ├── RegistryError            the environment's registry
    │   ├── UnknownClientError
    │   ├── KeyReusedError
    │   ├── ConcurrentChangeError
    │   └── ActiveCertificateError
    ├── AppClientError           the client's OAuth app client
    ├── CrlError                 a revocation list, or the bucket of them
    ├── TruststoreError          a bundle that is refused, or the bucket it goes to
    │   └── RolloutError         a version that the domain does not take, or that fails its callers
    │       └── CanaryError      a client of ours that is not let in
    ├── DiagnosisError           what a call is judged by cannot be had
    ├── RefusedRequestsError     some of the requests of a bulk run
    └── FileError                files that cannot be read or written

Only ``pki.console`` turns these into words and an exit code.
"""

from typing import ClassVar

__all__ = [
    "AccountError",
    "ActiveCertificateError",
    "AlreadyBootstrappedError",
    "AppClientError",
    "ApprovalError",
    "CaStoreError",
    "CanaryError",
    "CeremonyError",
    "ConcurrentChangeError",
    "CrlError",
    "CsrError",
    "DiagnosisError",
    "FileError",
    "IssuanceError",
    "KeyKeeperError",
    "KeyReusedError",
    "MissingKeyError",
    "OrganizationError",
    "PkiError",
    "PlanError",
    "RefusedRequestsError",
    "RegistryError",
    "RolloutError",
    "TranscriptError",
    "TruststoreError",
    "UnknownClientError",
    "UsageError",
]


class PkiError(Exception):
    """Something was refused or failed.

    Attributes:
        hint: what the reader can do about it, one sentence, or None.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PkiError):
    """The arguments are malformed or contradict each other."""

    exit_code: ClassVar[int] = 2


class OrganizationError(PkiError):
    """The organisation's facts are missing or wrong."""


class AccountError(PkiError):
    """A role led into another account than expected."""


class KeyKeeperError(PkiError):
    """A signing key is missing, cannot be used, or is not the expected one."""


class MissingKeyError(KeyKeeperError):
    """The keeper let us in, looked, and has no such key: one may be made."""


class IssuanceError(PkiError):
    """The certificate would break its profile, or outlive its issuer."""


class CsrError(PkiError):
    """The certificate signing request is refused."""


class CaStoreError(PkiError):
    """The CA certificates are missing, unreadable, or contradict the keys."""


class AlreadyBootstrappedError(CaStoreError):
    """Everything that was asked for exists."""


class CeremonyError(PkiError):
    """A ceremony is refused, or cannot go on."""


class PlanError(CeremonyError):
    """A plan is malformed, older than its limit, or made for another state of the CA."""


class ApprovalError(CeremonyError):
    """An approval is malformed, of another plan, or by somebody who may not give it."""


class TranscriptError(CeremonyError):
    """A transcript is not whole, or cannot be continued."""


class RegistryError(PkiError):
    """The registry refused, or holds what it should not."""


class UnknownClientError(RegistryError):
    """The registry holds no such certificate."""


class KeyReusedError(RegistryError):
    """A certificate of the environment has, or had, this key."""


class ConcurrentChangeError(RegistryError):
    """Somebody else changed the client meanwhile."""


class ActiveCertificateError(RegistryError):
    """The client already has a certificate that may be used."""


class AppClientError(PkiError):
    """The environment has no such app client."""


class CrlError(PkiError):
    """A revocation list cannot be published, or is not what it should be."""


class TruststoreError(PkiError):
    """The bundle is refused, or its bucket is."""


class RolloutError(TruststoreError):
    """A version of the truststore is not in force, or fails those who call."""


class CanaryError(RolloutError):
    """A client of ours is not let in."""


class RefusedRequestsError(PkiError):
    """Some of the requests of a bulk run got no certificate; each was told why."""


class FileError(PkiError):
    """A file cannot be read, or must not be overwritten."""


class DiagnosisError(PkiError):
    """What a call is judged by cannot be had."""
