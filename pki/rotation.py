"""Rotation of an environment's issuing CA without one refused call.

Trust arrives before the first certificate that needs it, and leaves after the last. Where a
rotation stands is never written down: it follows from what exists.
"""

from pki.ca_store import CaStore
from pki.domain import DomainName, DomainStatus
from pki.errors import CaStoreError
from pki.organization import Authority
from pki.truststore import read_bundle
from pki.truststore_bucket import TruststoreBucket


def issuing_authority(
    store: CaStore,
    bucket: TruststoreBucket,
    domain: DomainName,
    environment: str,
    generation: str | None = None,
) -> Authority:
    """The CA that issues an environment's client certificates now.

    That is the newest one which the domain trusts: what an untrusted CA issued would be refused.
    While a change of the domain still spreads, it is the oldest one instead, which the version
    before trusted too, for some callers still meet that one. Without a domain nobody calls yet,
    and it is the newest that there is.

    Args:
        store: the CA certificates.
        bucket: the environment's truststore.
        domain: the environment's custom domain.
        environment: its name.
        generation: the one to take instead, whatever the domain trusts.

    Raises:
        CaStoreError: there is none, or the domain trusts none of them.
        TruststoreError: the domain pins nothing, or a version that cannot be read.
    """
    if generation is not None:
        return store.newest_issuing(environment, generation)
    pinned = domain.truststore()
    if pinned is None:
        return store.newest_issuing(environment, None)
    certificates = read_bundle(bucket.bundle(pinned.version))
    trusted = [
        authority
        for authority in store.issuing(environment)
        if store.get(authority) in certificates
    ]
    if not trusted:
        raise CaStoreError(
            f"{domain.name} trusts none of {environment}'s issuing CAs",
            hint="roll out a truststore that holds one: truststore rollout",
        )
    return trusted[-1 if pinned.status is DomainStatus.AVAILABLE else 0]
