"""Making a plan: look at the world, ask the keepers for their public keys, draft the certificates.

Nothing is signed here and no certificate is stored. A key that is not there yet is made now where
its keeper can (KMS keys are Terraform's), so that the plan names the very key that it certifies.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import fingerprint
from pki.ca_store import CaStore
from pki.ceremony.plan import (
    DEFAULT_LIFETIME,
    MAXIMUM_LIFETIME,
    CeremonyPlan,
    Operation,
    PlannedCertificate,
    subject_of,
)
from pki.errors import (
    AlreadyBootstrappedError,
    CaStoreError,
    KeyKeeperError,
    MissingKeyError,
    UsageError,
)
from pki.issuing import Draft, IssuerFacts, draft_issuing_ca, draft_root
from pki.keys import PublicKey
from pki.organization import Authority, KeeperKind, Organization
from pki.progress import Progress
from pki.signer import Signer


class Keys(Protocol):
    """The keepers of the CA keys; see :class:`pki.keepers.Keepers`."""

    def signer_of(self, authority: Authority) -> Signer:
        """The keeper of an authority's key."""
        ...

    def create(self, authority: Authority) -> PublicKey:
        """Make an authority's key."""
        ...

    def unlocked(self, *authorities: Authority) -> AbstractContextManager[None]:
        """Let root keys be used for a while."""
        ...


@dataclass(frozen=True, slots=True)
class Planner:
    """The collaborators of a plan.

    Attributes:
        organization: names of CAs and keys.
        store: the CA certificates.
        keys: the keepers of the CA keys.
        progress: told of each step.
        requester: who asks for the ceremony.
        now: when, UTC.
        lifetime: how long the plan may be executed.

    Raises:
        UsageError: the lifetime is not positive, or longer than seven days.
    """

    organization: Organization
    store: CaStore
    keys: Keys
    progress: Progress
    requester: str
    now: datetime
    lifetime: timedelta = DEFAULT_LIFETIME

    def __post_init__(self) -> None:
        if not timedelta(0) < self.lifetime <= MAXIMUM_LIFETIME:
            raise UsageError(f"a plan may be executed for at most {MAXIMUM_LIFETIME.days} days")


def plan_bootstrap(planner: Planner, environments: Sequence[str]) -> CeremonyPlan:
    """Plan the root, where there is none, and an issuing CA for each environment without one.

    Raises:
        UsageError: no environment was given.
        AlreadyBootstrappedError: everything exists.
        CaStoreError: a certificate exists that does not belong to its key or its root.
        KeyKeeperError: a key is missing and is not made here, or its keeper refuses.
        IssuanceError: a key is weak, or a CA would outlive the root.
    """
    if not environments:
        raise UsageError("no environment to bootstrap", hint="live/ holds none: add one first")
    existing = survey(planner.store)
    missing = [
        planner.organization.issuing(name, "g1")
        for name in environments
        if not any(authority.environment == name for authority in existing)
    ]
    roots = _roots(existing)
    if roots and not missing:
        raise _already(planner, existing)
    planned = [] if roots else [_plan_root(planner, planner.organization.root("g1"))]
    root, issuer = _issuer(existing, planned)
    planned += [_plan_issuing_ca(planner, authority, root, issuer) for authority in missing]
    return _plan(planner, Operation.BOOTSTRAP, planned, existing)


def plan_rotation(
    planner: Planner,
    environment: str,
    generation: str | None = None,
    root_generation: str | None = None,
) -> CeremonyPlan:
    """Plan the next generation of an environment's issuing CA, under the newest root.

    Args:
        planner: the collaborators.
        environment: whose issuing CA.
        generation: which one; by default the one after the newest.
        root_generation: the root that signs it; by default the newest.

    Raises:
        CaStoreError: there is none to succeed, or that generation or a later one exists.
        KeyKeeperError: a key is missing and is not made here, or its keeper refuses.
        IssuanceError: the key is weak, or the CA would outlive the root.
    """
    existing = survey(planner.store)
    predecessors = [entry for entry in existing if entry.environment == environment]
    authority = planner.organization.issuing(
        environment, _successor(planner, predecessors, f"issuing CA of {environment}", generation)
    )
    root, issuer = _issuer(existing, [], root_generation)
    planned = [_plan_issuing_ca(planner, authority, root, issuer)]
    return _plan(planner, Operation.ROTATE_ISSUING_CA, planned, existing)


def plan_root_renewal(planner: Planner, generation: str | None = None) -> CeremonyPlan:
    """Plan the next generation of the root: a new key and a new name.

    It issues nothing yet: each environment's next issuing CA is its work, by rotation. Until the
    last of the old root's issuing CAs is out of use, both roots are trusted.

    Raises:
        CaStoreError: there is no root to succeed, or that generation or a later one exists.
        KeyKeeperError: the key is missing and is not made here, or its keeper refuses.
        IssuanceError: the key is weak.
    """
    existing = survey(planner.store)
    following = _successor(planner, _roots(existing), "root", generation)
    planned = [_plan_root(planner, planner.organization.root(following))]
    return _plan(planner, Operation.RENEW_ROOT, planned, existing)


def survey(store: CaStore) -> dict[Authority, x509.Certificate]:
    """Every CA certificate that there is, each with a root that issued it.

    Raises:
        CaStoreError: a certificate is malformed, or no root issued it.
    """
    found = {authority: store.get(authority) for authority in store.authorities()}
    for certificate in found.values():
        store.root_of(certificate)
    return found


def facts_of(existing: Mapping[Authority, x509.Certificate]) -> dict[Authority, str]:
    """CA to fingerprint."""
    return {
        authority: fingerprint(certificate.public_bytes(Encoding.DER))
        for authority, certificate in existing.items()
    }


def _plan(
    planner: Planner,
    operation: Operation,
    planned: Sequence[PlannedCertificate],
    existing: Mapping[Authority, x509.Certificate],
) -> CeremonyPlan:
    created = planner.now.replace(microsecond=0)
    plan = CeremonyPlan(
        operation=operation,
        organization=planner.organization.name,
        account_id=planner.organization.security_account_id,
        requester=planner.requester,
        created_at=created,
        expires_at=created + planner.lifetime,
        certificates=tuple(planned),
        existing=facts_of(existing),
    )
    return CeremonyPlan.from_bytes(plan.to_bytes())  # judged as whoever receives it will


def _roots(existing: Iterable[Authority]) -> list[Authority]:
    return sorted((entry for entry in existing if entry.is_root), key=lambda entry: entry.number)


def _issuer(
    existing: Mapping[Authority, x509.Certificate],
    planned: Sequence[PlannedCertificate],
    generation: str | None = None,
) -> tuple[Authority, IssuerFacts]:
    """The root that signs: the one planned, the one asked for, or the newest."""
    if planned:
        return planned[0].authority, planned[0].draft.as_issuer()
    roots = [entry for entry in _roots(existing) if generation in {None, entry.generation}]
    if not roots:
        which = "root" if generation is None else f"root of generation {generation}"
        raise CaStoreError(f"there is no {which}", hint="run bootstrap-ca or renew-root first")
    root = roots[-1]
    return root, IssuerFacts.of(existing[root])


def _successor(
    planner: Planner, predecessors: Sequence[Authority], what: str, generation: str | None
) -> str:
    if not predecessors:
        raise CaStoreError(f"there is no {what} to succeed", hint="run bootstrap-ca first")
    newest = max(predecessors, key=lambda entry: entry.number)
    chosen = generation or f"g{newest.number + 1}"
    if Authority(newest.organization, newest.environment, chosen).number <= newest.number:
        raise CaStoreError(
            f"the {what} is of generation {newest.generation} already: "
            f"{planner.store.location(newest)}",
            hint=f"a successor is g{newest.number + 1}",
        )
    return chosen


def _plan_root(planner: Planner, authority: Authority) -> PlannedCertificate:
    # A locked key tells nobody its public half. Nothing trusts this one yet.
    with planner.keys.unlocked(authority):
        key = _key(planner, authority)
    draft = draft_root(key, subject_of(authority), planner.now)
    return _planned(planner, authority, authority, draft)


def _plan_issuing_ca(
    planner: Planner, authority: Authority, root: Authority, issuer: IssuerFacts
) -> PlannedCertificate:
    key = _key(planner, authority)
    draft = draft_issuing_ca(issuer, key, subject_of(authority), planner.now)
    return _planned(planner, authority, root, draft)


def _key(planner: Planner, authority: Authority) -> PublicKey:
    key_id = planner.organization.key_id(authority)
    try:
        key = planner.keys.signer_of(authority).public_key()
    except MissingKeyError as missing:  # a keeper that refused would count a second wrong PIN
        if planner.organization.keeper_for(authority).keeper is KeeperKind.KMS:
            raise
        key = _made(planner, authority, missing)
        planner.progress.step(f"made key {key_id}")
    else:
        planner.progress.step(f"found key {key_id}")
    return key


def _made(planner: Planner, authority: Authority, missing: MissingKeyError) -> PublicKey:
    try:
        return planner.keys.create(authority)
    except KeyKeeperError as refused:
        raise KeyKeeperError(
            f"{missing}; nor can one be made: {refused}", hint=refused.hint or missing.hint
        ) from refused


def _planned(
    planner: Planner, authority: Authority, signed_by: Authority, draft: Draft
) -> PlannedCertificate:
    return PlannedCertificate(
        authority=authority,
        signed_by=signed_by,
        keeper=planner.organization.keeper_for(authority).keeper.value,
        key_id=planner.organization.key_id(authority),
        draft=draft,
    )


def _already(
    planner: Planner, existing: Mapping[Authority, x509.Certificate]
) -> AlreadyBootstrappedError:
    found = "; ".join(
        f"{certificate.subject.rfc4514_string()} at {planner.store.location(authority)} "
        f"until {certificate.not_valid_after_utc:%Y-%m-%d}"
        for authority, certificate in sorted(
            existing.items(), key=lambda entry: not entry[0].is_root
        )
    )
    return AlreadyBootstrappedError(
        f"already bootstrapped: {found}",
        hint="a CA is issued once; its successor is rotate-issuing-ca's, a root's renew-root's",
    )
