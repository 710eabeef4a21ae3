"""Executing an approved plan: it and nothing else, however often it is interrupted.

The plan holds the drafts, so that a second run signs what the first would have. Each signature is
written to the transcript before the certificate is stored, so that a run that was killed in
between stores what was signed and signs it no second time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import MalformedCertificateError, der_from_pem, fingerprint
from pki import pem
from pki.ca_store import CaStore
from pki.ceremony.approval import Approval
from pki.ceremony.plan import CeremonyPlan, PlannedCertificate, authority_document
from pki.ceremony.planning import Keys, facts_of, survey
from pki.ceremony.transcript import Event, Transcript
from pki.errors import KeyKeeperError, PkiError, PlanError
from pki.issuing import IssuerFacts, sign, was_issued_by
from pki.organization import Authority, Organization
from pki.progress import Progress

_FAILURES = (PkiError, BotoCoreError, ClientError)


@dataclass(frozen=True, slots=True)
class Ceremony:
    """The collaborators of an execution.

    Attributes:
        organization: names of CAs and keys.
        store: the CA certificates.
        keys: the keepers of the CA keys.
        open_transcript: plan digest to its transcript, begun or continued.
        progress: told of each step.
            now: the clock, UTC.
    """

    organization: Organization
    store: CaStore
    keys: Keys
    open_transcript: Callable[[str], Transcript]
    progress: Progress
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Established:
    """A CA that exists after the ceremony, and whether this run stored it."""

    authority: Authority
    certificate: x509.Certificate
    created: bool


def execute(ceremony: Ceremony, plan: CeremonyPlan, approval: Approval) -> tuple[Established, ...]:
    """Sign and store what the plan says.

    Executed again, it goes on where it stopped; once everything is done it changes nothing, and
    nothing in what it returns was created.

    Raises:
        PlanError: of another organisation, older than its limit, or made for another state of the
            CA than there is now.
        ApprovalError: the approval is not of this plan, or not by somebody who may give it.
        CaStoreError: a certificate in the store is malformed, or of an unknown root.
        KeyKeeperError: a key is missing, will not sign, or is another than the plan names.
        IssuanceError: a draft breaks its profile, or the keeper's signature is wrong.
        TranscriptError: the transcript is damaged, or cannot be written.
    """
    plan.require_home(ceremony.organization)
    approval.require(plan)
    return _Execution.begin(ceremony, plan, approval).run()


@dataclass(frozen=True, slots=True)
class _Execution:
    """One run.

    Attributes:
        existing: CA certificates from before the plan.
        stored: what earlier runs of this plan stored.
        signed: what earlier runs of this plan signed.
    """

    ceremony: Ceremony
    plan: CeremonyPlan
    approval: Approval
    transcript: Transcript
    existing: Mapping[Authority, x509.Certificate]
    stored: Mapping[Authority, x509.Certificate]
    signed: Mapping[Authority, x509.Certificate]

    @classmethod
    def begin(cls, ceremony: Ceremony, plan: CeremonyPlan, approval: Approval) -> "_Execution":
        """Look at the world, and refuse what the plan was not made for."""
        transcript = ceremony.open_transcript(plan.digest)
        existing, stored = _compare_with_the_world(ceremony, plan)
        signed = _recorded(plan, transcript, existing)
        for authority, certificate in stored.items():
            if signed.get(authority) != certificate:
                raise PlanError(
                    f"{ceremony.store.location(authority)} is what the plan says, but the "
                    "transcript has no signature of it",
                    hint="find out who signed it before anything trusts it",
                )
        if len(signed) < len(plan.certificates):
            plan.require_fresh(ceremony.now())
        return cls(ceremony, plan, approval, transcript, existing, stored, signed)

    def run(self) -> tuple[Established, ...]:
        """Sign and store what is missing."""
        if self.transcript.is_closed:
            return tuple(self._as_closed())
        self.transcript.append(Event.OPENED, plan=self.plan.to_document())
        self.transcript.append(Event.APPROVED, approval=self.approval.to_document())
        try:
            done = self._while_unlocked()
            self.transcript.append(Event.CLOSED)
        except _FAILURES as error:
            with suppress(*_FAILURES):  # what failed may be the transcript itself
                self.transcript.append(Event.FAILED, error=str(error))
            raise
        return done

    def _as_closed(self) -> Iterator[Established]:
        for planned in self.plan.certificates:
            authority = planned.authority
            if authority not in self.stored:
                raise PlanError(
                    f"the ceremony ended, but {self._location(authority)} is gone",
                    hint="its certificate is in the transcript: find out who deleted it",
                )
            yield Established(authority, self.stored[authority], created=False)

    def _while_unlocked(self) -> tuple[Established, ...]:
        """Unlock, work, lock: also after a run that died before it could lock the key again."""
        failure: Exception | None = None
        done: tuple[Established, ...] = ()
        with self.ceremony.keys.unlocked(*self.plan.unlocks):
            try:
                self._record_keys(Event.KEY_UNLOCKED)
                self._require_keys()
                done = tuple(self._establish_all())
            except _FAILURES as error:
                failure = error
        if failure is not None:
            with suppress(*_FAILURES):
                self._record_keys(Event.KEY_LOCKED)
            raise failure
        self._record_keys(Event.KEY_LOCKED)
        return done

    def _record_keys(self, event: Event) -> None:
        for authority in self.plan.unlocks:
            self.transcript.append(
                event, authority=authority_document(authority), key_id=self._key_id(authority)
            )

    def _require_keys(self) -> None:
        """Every key is asked for before anything is signed."""
        for planned in self.plan.certificates:
            for authority, expected in (
                (planned.signed_by, planned.draft.issuer.public_key),
                (planned.authority, planned.draft.public_key),
            ):
                if self.ceremony.keys.signer_of(authority).public_key() != expected:
                    raise KeyKeeperError(
                        f"the key {self._key_id(authority)} is not the one that the plan names",
                        hint="a CA keeps its key for life: a new key is a new generation",
                    )

    def _key_id(self, authority: Authority) -> str:
        return self.ceremony.organization.key_id(authority)

    def _location(self, authority: Authority) -> str:
        return self.ceremony.store.location(authority)

    def _establish_all(self) -> Iterator[Established]:
        recorded = {
            entry.facts["fingerprint"]
            for entry in self.transcript.entries
            if entry.event is Event.STORED
        }
        for planned in self.plan.certificates:
            authority = planned.authority
            certificate = self.signed.get(authority) or self._sign(planned)
            if authority not in self.stored:
                self.ceremony.store.put(authority, certificate)
            if _fingerprint(certificate) not in recorded:
                self.transcript.append(
                    Event.STORED,
                    authority=authority_document(authority),
                    fingerprint=_fingerprint(certificate),
                    location=self._location(authority),
                )
            self.ceremony.progress.step(f"stored {self._location(authority)}")
            yield Established(authority, certificate, created=authority not in self.stored)

    def _sign(self, planned: PlannedCertificate) -> x509.Certificate:
        facts: dict[str, Any] = {
            "authority": authority_document(planned.authority),
            "key_id": self._key_id(planned.signed_by),
            "draft_sha256": planned.draft_sha256,
        }
        self.transcript.append(Event.SIGNING, **facts)
        signer = self.ceremony.keys.signer_of(planned.signed_by)
        signed = sign(planned.draft, signer, self.ceremony.now())
        self.transcript.append(
            Event.SIGNED,
            **facts,
            fingerprint=_fingerprint(signed.certificate),
            certificate=signed.certificate.public_bytes(Encoding.PEM).decode("ascii"),
            signature_request_id=signed.signature_request_id,
        )
        self.ceremony.progress.step(f"issued {planned.draft.subject.rfc4514_string()}")
        return signed.certificate


def _compare_with_the_world(
    ceremony: Ceremony, plan: CeremonyPlan
) -> tuple[dict[Authority, x509.Certificate], dict[Authority, x509.Certificate]]:
    """What was there before the plan, and what the plan itself put there.

    Raises:
        PlanError: there is anything else, or something is gone.
    """
    found = survey(ceremony.store)
    planned = {entry.authority: entry for entry in plan.certificates}
    stored = {
        authority: certificate
        for authority, certificate in found.items()
        if authority in planned and planned[authority].draft.matches(certificate)
    }
    existing = {
        authority: certificate
        for authority, certificate in found.items()
        if authority not in stored
    }
    if differing := _differing(plan.existing, facts_of(existing)):
        where = ", ".join(ceremony.store.location(authority) for authority in differing)
        raise PlanError(
            f"the CA certificates are not those that the plan was made for: {where}",
            hint="somebody held another ceremony since: make a new plan, and have it approved",
        )
    for entry in plan.certificates:
        issuer = existing.get(entry.signed_by)
        if issuer is not None and IssuerFacts.of(issuer) != entry.draft.issuer:
            raise PlanError(
                f"the plan has other facts of {entry.signed_by.common_name} than its certificate",
                hint="make a new plan, and have it approved",
            )
    return existing, stored


def _differing(
    planned: Mapping[Authority, str], actual: Mapping[Authority, str]
) -> list[Authority]:
    return sorted(
        (
            authority
            for authority in planned.keys() | actual.keys()
            if planned.get(authority) != actual.get(authority)
        ),
        key=lambda authority: authority.object_key,
    )


def _recorded(
    plan: CeremonyPlan, transcript: Transcript, existing: Mapping[Authority, x509.Certificate]
) -> dict[Authority, x509.Certificate]:
    """What the transcript says was signed, as far as it is what the plan says."""
    candidates = [
        certificate
        for entry in transcript.entries
        if entry.event is Event.SIGNED
        and (certificate := _parsed(entry.facts.get("certificate"))) is not None
    ]
    found: dict[Authority, x509.Certificate] = {}
    for planned in plan.certificates:
        for certificate in candidates:
            issuer = {**existing, **found, planned.authority: certificate}.get(planned.signed_by)
            if (
                issuer is not None
                and planned.draft.matches(certificate)
                and was_issued_by(certificate, issuer)
            ):
                found[planned.authority] = certificate
                break
    return found


def _parsed(text: object) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der_from_pem(str(text)))
    except (MalformedCertificateError, *pem.MALFORMED):
        return None


def _fingerprint(certificate: x509.Certificate) -> str:
    return fingerprint(certificate.public_bytes(Encoding.DER))
