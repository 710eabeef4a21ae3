"""What an execution does, and each thing that it refuses."""

from dataclasses import replace

import pytest

from pki.ceremony.approval import approve
from pki.ceremony.execution import execute
from pki.ceremony.plan import CeremonyPlan
from pki.ceremony.planning import plan_bootstrap, plan_rotation
from pki.ceremony.transcript import Event
from pki.errors import ApprovalError, CaStoreError, KeyKeeperError, PlanError, TranscriptError
from pki.issuing import CertificateAuthority, issue_issuing_ca, issue_root, was_issued_by
from pki.profiles import ca_name
from tests.pki.ceremony.support import ORGANIZATION, Account, DiedError, at
from tests.pki.support import build_hierarchy, pem_of

ROOT, DEV = ORGANIZATION.root("g1"), ORGANIZATION.issuing("dev", "g1")
DEV_2 = ORGANIZATION.issuing("dev", "g2")


@pytest.fixture
def plan(account: Account) -> CeremonyPlan:
    return plan_bootstrap(account.planner(), ["dev"])


@pytest.fixture
def rotation(account: Account, plan: CeremonyPlan) -> CeremonyPlan:
    account.execute(plan)
    account.kms.make(DEV_2.key_alias)
    return plan_rotation(account.planner(), "dev")


def untouched(account: Account) -> bool:
    return not account.s3.objects and not account.signatures_of(ROOT)


def test_the_plan_is_signed_and_stored(account: Account, plan: CeremonyPlan) -> None:
    root, issuing = account.execute(plan)

    assert root.certificate.subject.rfc4514_string() == "CN=example Root CA G1,O=example"
    assert account.store().get(ROOT) == root.certificate
    assert account.store().get(DEV) == issuing.certificate
    assert was_issued_by(issuing.certificate, root.certificate)
    assert (root.created, issuing.created) == (True, True)
    assert account.is_locked(ROOT)


def test_the_transcript_tells_what_happened_in_order(account: Account, plan: CeremonyPlan) -> None:
    account.execute(plan)

    entries = account.transcript(plan.digest).entries
    one = [Event.SIGNING, Event.SIGNED, Event.STORED]
    assert [entry.event for entry in entries] == [
        *(Event.OPENED, Event.APPROVED, Event.KEY_UNLOCKED),
        *(one + one),
        *(Event.KEY_LOCKED, Event.CLOSED),
    ]
    facts = {entry.event: entry.facts for entry in entries}
    assert facts[Event.OPENED]["plan"] == plan.to_document()
    assert facts[Event.APPROVED]["approval"]["approver"] == "bob"
    assert facts[Event.SIGNED]["signature_request_id"] == "alias/example-root-ca-g1#2"


def test_a_stale_plan_is_refused(account: Account, plan: CeremonyPlan) -> None:
    approval = account.approve(plan)
    account.now = at(plan.expires_at, seconds=1)

    with pytest.raises(PlanError, match="the plan expired at 2026-11-25T12:00:00Z"):
        execute(account.ceremony(), plan, approval)
    assert untouched(account)


def test_what_was_signed_in_time_is_stored_afterwards(account: Account, plan: CeremonyPlan) -> None:
    approval = account.approve(plan)
    before = dict(account.s3.objects)
    moment = 0
    while len(account.transcript(plan.digest).entries) < 8:
        account.restore(before)
        account.fate.moments_left = moment
        with pytest.raises(DiedError):
            account.execute(plan)
        account.fate.moments_left = None
        moment += 1
    assert account.store().find(DEV) is None
    account.now = at(plan.expires_at, days=30)

    execute(account.ceremony(), plan, approval)

    assert account.store().find(DEV) is not None
    assert len(account.signatures_of(ROOT)) == 2


def test_an_approval_of_another_plan_is_refused(account: Account, plan: CeremonyPlan) -> None:
    other = plan_bootstrap(account.planner(), ["dev"])

    with pytest.raises(ApprovalError, match=f"the approval is of {other.digest}"):
        execute(account.ceremony(), plan, account.approve(other))
    assert untouched(account)


def test_an_approval_by_who_asked_is_refused(account: Account, plan: CeremonyPlan) -> None:
    approval = replace(account.approve(plan), approver="Alice")

    with pytest.raises(ApprovalError, match="may not approve it"):
        execute(account.ceremony(), plan, approval)
    assert untouched(account)


def test_a_plan_of_another_account_is_refused(account: Account, plan: CeremonyPlan) -> None:
    other = replace(plan, account_id="999999999999")

    with pytest.raises(PlanError, match="is for example in account 999999999999"):
        account.execute(other)
    assert untouched(account)


def test_a_ca_that_appeared_since_is_refused(account: Account, rotation: CeremonyPlan) -> None:
    account.kms.make(ORGANIZATION.issuing("stage", "g1").key_alias)
    account.execute(plan_bootstrap(account.planner(), ["stage"]))

    with pytest.raises(PlanError, match=r"not those .*: s3://.*/issuing/stage/g1\.pem"):
        account.execute(rotation)
    assert account.store().find(DEV_2) is None


def test_a_ca_that_vanished_since_is_refused(account: Account, rotation: CeremonyPlan) -> None:
    del account.s3.objects[ORGANIZATION.ca_bucket, DEV.object_key]

    with pytest.raises(PlanError, match=r"not those .*: s3://.*/issuing/dev/g1\.pem"):
        account.execute(rotation)


def test_a_ca_that_was_replaced_since_is_refused(account: Account, rotation: CeremonyPlan) -> None:
    for key in (ROOT, DEV):
        del account.s3.objects[ORGANIZATION.ca_bucket, key.object_key]
    made = build_hierarchy()
    account.store().put(ROOT, made.root.certificate)
    account.store().put(DEV, made.issuing.certificate)

    with pytest.raises(PlanError, match=r"issuing/dev/g1\.pem, s3://[^ ]*root/g1\.pem"):
        account.execute(rotation)


def test_another_certificate_where_the_plans_would_go_is_refused(
    account: Account, rotation: CeremonyPlan
) -> None:
    keys = account.keys()
    with keys.unlocked(ROOT):
        root = CertificateAuthority(account.store().get(ROOT), keys.signer_of(ROOT))
        key = keys.signer_of(DEV_2).public_key()
        name = ca_name("example", DEV_2.common_name)
        account.store().put(DEV_2, issue_issuing_ca(root, key, name, account.now))

    with pytest.raises(PlanError, match=r"not those .*: s3://.*/issuing/dev/g2\.pem"):
        account.execute(rotation)


def test_the_plans_certificate_that_no_transcript_knows_is_refused(
    account: Account, plan: CeremonyPlan
) -> None:
    account.execute(plan)
    for place in [place for place in account.s3.objects if place[1].startswith("transcripts/")]:
        del account.s3.objects[place]

    with pytest.raises(PlanError, match="the transcript has no signature of it"):
        account.execute(plan)


def test_a_certificate_that_vanished_after_the_end_is_told(
    account: Account, plan: CeremonyPlan
) -> None:
    account.execute(plan)
    del account.s3.objects[ORGANIZATION.ca_bucket, DEV.object_key]

    with pytest.raises(PlanError, match=r"the ceremony ended, but .*/issuing/dev/g1\.pem is gone"):
        account.execute(plan)
    assert len(account.signatures_of(ROOT)) == 2


@pytest.mark.parametrize("authority", [ROOT, DEV])
def test_a_key_that_was_replaced_since_is_refused(
    account: Account, plan: CeremonyPlan, authority: object
) -> None:
    assert authority in (ROOT, DEV)
    alias = (ROOT if authority == ROOT else DEV).key_alias
    account.kms.make(alias)

    with pytest.raises(KeyKeeperError, match=f"the key {alias} is not the one that the plan names"):
        account.execute(plan)

    events = [entry.event for entry in account.transcript(plan.digest).entries]
    assert events[-2:] == [Event.KEY_LOCKED, Event.FAILED]
    assert Event.SIGNING not in events
    assert account.is_locked(ROOT)


def test_a_key_that_is_gone_is_refused(account: Account, plan: CeremonyPlan) -> None:
    del account.kms.keys[DEV.key_alias]

    with pytest.raises(KeyKeeperError, match=DEV.key_alias):
        account.execute(plan)
    assert account.signatures_of(ROOT) == []


def test_a_transcript_that_was_tampered_with_stops_the_ceremony(
    account: Account, rotation: CeremonyPlan
) -> None:
    account.execute(rotation)
    place = next(place for place in account.s3.objects if place[1].endswith("/000002.json"))
    account.s3.objects[place] = account.s3.objects[place].replace(b"bob", b"eve")
    digest = f"sha256:{place[1].split('/')[1]}"

    with pytest.raises(TranscriptError, match=r"not whole: 000002\.json"):
        account.transcript(digest)


def test_a_signature_in_the_transcript_that_is_not_the_plans_is_not_stored(
    account: Account, plan: CeremonyPlan
) -> None:
    """Whoever could write to the transcript could still not have another certificate stored."""
    stranger = issue_root(build_hierarchy().root.signer, ca_name("example", "other"), account.now)
    transcript = account.transcript(plan.digest)
    transcript.append(
        Event.SIGNED,
        authority={"environment": None, "generation": "g1"},
        key_id=ROOT.key_alias,
        draft_sha256=plan.certificates[0].draft_sha256,
        fingerprint="00",
        certificate=pem_of(stranger).decode(),
        signature_request_id=None,
    )

    root, _ = account.execute(plan)

    assert plan.certificates[0].draft.matches(root.certificate)


def test_a_ceremony_beside_another_stores_nothing_twice(
    account: Account, plan: CeremonyPlan
) -> None:
    late = account.ceremony()
    opened = late.open_transcript(plan.digest)
    account.execute(plan)
    behind = replace(late, open_transcript=lambda _: opened)

    with pytest.raises((TranscriptError, PlanError)):
        execute(behind, plan, account.approve(plan))
    assert len(account.signatures_of(ROOT)) == 2


def test_an_object_that_is_no_certificate_stops_the_ceremony(
    account: Account, plan: CeremonyPlan
) -> None:
    account.s3.objects[ORGANIZATION.ca_bucket, "root/g1.pem"] = b"not a certificate"

    with pytest.raises(CaStoreError, match=r"root/g1\.pem is not one certificate"):
        account.execute(plan)


def test_an_approval_at_the_last_moment_counts(account: Account, plan: CeremonyPlan) -> None:
    account.now = plan.expires_at
    approval = approve(plan, approver="bob", digest=plan.digest, now=account.now)

    assert len(execute(account.ceremony(), plan, approval)) == 2
