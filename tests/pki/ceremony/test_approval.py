import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.ceremony.approval import Approval, Channel, approve
from pki.ceremony.plan import CeremonyPlan
from pki.ceremony.planning import plan_bootstrap, plan_rotation
from pki.errors import ApprovalError, PlanError
from tests.pki.ceremony.support import ORGANIZATION, Account, at
from tests.pki.support import NOW


@pytest.fixture
def plan(account: Account) -> CeremonyPlan:
    return plan_bootstrap(account.planner("alice"), ["dev"])


def test_an_approval_names_the_plan_and_the_approver(plan: CeremonyPlan) -> None:
    approval = approve(plan, approver=" bob ", digest=f" {plan.digest}\n", now=NOW)

    assert (approval.plan, approval.approver) == (plan.digest, "bob")
    assert approval.channel is Channel.TERMINAL
    assert Approval.from_bytes(approval.to_bytes()) == approval


@pytest.mark.parametrize("digest", ["", "yes", "sha256:", "sha256:" + "0" * 64])
def test_another_digest_is_refused(plan: CeremonyPlan, digest: str) -> None:
    with pytest.raises(ApprovalError, match=f"the plan is {plan.digest}"):
        approve(plan, approver="bob", digest=digest, now=NOW)


@pytest.mark.parametrize("name", ["alice", "Alice", "ALICE ", "\uff41lice"])
def test_who_asked_for_a_root_may_not_approve_it(plan: CeremonyPlan, name: str) -> None:
    with pytest.raises(ApprovalError, match="asked for this ceremony and may not approve it"):
        approve(plan, approver=name, digest=plan.digest, now=NOW)


def test_a_rotation_takes_two_people_too(account: Account, plan: CeremonyPlan) -> None:
    account.execute(plan)
    account.kms.make(ORGANIZATION.issuing("dev", "g2").key_alias)
    rotation = plan_rotation(account.planner("alice"), "dev")

    with pytest.raises(ApprovalError, match="may not approve it"):
        approve(rotation, approver="alice", digest=rotation.digest, now=NOW)


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "bo\x1bb"])
def test_nobody_is_no_approver(plan: CeremonyPlan, name: str) -> None:
    with pytest.raises(ApprovalError, match="the approval names nobody"):
        approve(plan, approver=name, digest=plan.digest, now=NOW)


def test_a_stale_plan_is_not_approved(plan: CeremonyPlan) -> None:
    with pytest.raises(PlanError, match="the plan expired"):
        approve(plan, approver="bob", digest=plan.digest, now=at(NOW, hours=25))


def test_an_approval_from_before_its_plan_is_refused(plan: CeremonyPlan) -> None:
    approval = Approval(
        plan=plan.digest, approver="bob", at=at(NOW, minutes=-6), channel=Channel.TERMINAL
    )

    with pytest.raises(ApprovalError, match="older than the plan"):
        approval.require(plan)


@given(st.binary(max_size=100))
def test_other_bytes_are_no_approval(data: bytes) -> None:
    with pytest.raises(ApprovalError, match="the approval is malformed"):
        Approval.from_bytes(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"bob"', b'""'),
        (b'"terminal"', b'"telepathy"'),
        (b'"at": "2026', b'"at": "26'),
        (b'"evidence": null', b'"evidence": 1'),
        (b'"evidence": null', b'"other": null'),
        (b'"evidence": null', b'"evidence": null, "extra": 1'),
        (b"}", b" " * 10_000 + b"}"),
    ],
)
def test_a_changed_approval_is_malformed(plan: CeremonyPlan, old: bytes, new: bytes) -> None:
    data = approve(plan, approver="bob", digest=plan.digest, now=NOW).to_bytes()
    assert old in data

    with pytest.raises(ApprovalError, match="the approval is malformed"):
        Approval.from_bytes(data.replace(old, new))
