"""A ceremony that dies, or is refused, at every call that it makes: then it is run again."""

from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

from pki.ceremony.execution import Established
from pki.ceremony.plan import CeremonyPlan
from pki.ceremony.planning import plan_bootstrap, plan_root_renewal, plan_rotation
from pki.ceremony.transcript import Event
from pki.errors import KeyKeeperError
from pki.issuing import was_issued_by
from tests.pki.ceremony.support import (
    ORGANIZATION,
    Account,
    DiedError,
    digest_to_sign,
    refused,
)

type Prepare = Callable[[Account], CeremonyPlan]


def to_bootstrap(account: Account) -> CeremonyPlan:
    return plan_bootstrap(account.planner(), ["dev"])


def to_rotate(account: Account) -> CeremonyPlan:
    account.execute(to_bootstrap(account))
    account.kms.make(ORGANIZATION.issuing("dev", "g2").key_alias)
    return plan_rotation(account.planner(), "dev")


def to_renew(account: Account) -> CeremonyPlan:
    account.execute(to_bootstrap(account))
    account.kms.make(ORGANIZATION.root("g2").key_alias)
    return plan_root_renewal(account.planner())


OPERATIONS = pytest.mark.parametrize("prepare", [to_bootstrap, to_rotate, to_renew])


def deaths(account: Account, plan: CeremonyPlan) -> Iterator[int]:
    """Execute from nothing, dying one moment later each time; at the end the run survives."""
    before = dict(account.s3.objects)
    moment = 0
    while True:
        account.restore(before)
        account.fate.moments_left = moment
        try:
            account.execute(plan)
        except DiedError:
            account.fate.moments_left = None
            yield moment
            moment += 1
        else:
            return


def require_end_state(
    account: Account, plan: CeremonyPlan, established: tuple[Established, ...]
) -> None:
    """What an execution leaves that was never interrupted, and nothing beside it."""
    certificates = account.certificates()
    planned = {entry.authority: entry for entry in plan.certificates}
    expected = {authority.object_key for authority in (*plan.existing, *planned)}
    assert set(certificates) == expected
    for entry in established:
        assert certificates[entry.authority.object_key] == entry.certificate
        assert planned[entry.authority].draft.matches(entry.certificate)
        issuer = certificates[planned[entry.authority].signed_by.object_key]
        assert was_issued_by(entry.certificate, issuer)
    assert all(account.is_locked(authority) for authority in plan.unlocks)


def require_nothing_else_signed(account: Account, plan: CeremonyPlan) -> None:
    """Nobody has a certificate of another serial number: it would have had to be signed."""
    drafts = {entry.signed_by: set[bytes]() for entry in plan.certificates}
    for entry in plan.certificates:
        drafts[entry.signed_by].add(digest_to_sign(entry.draft))
    for authority, digests in drafts.items():
        assert set(account.signatures_of(authority)) == digests


def signed_entries(account: Account, plan: CeremonyPlan) -> list[str]:
    entries = account.transcript(plan.digest).entries
    return [entry.facts["draft_sha256"] for entry in entries if entry.event is Event.SIGNED]


@OPERATIONS
def test_a_ceremony_that_died_at_any_call_is_completed_by_running_it_again(
    account: Account, prepare: Prepare
) -> None:
    plan = prepare(account)
    drafts = [entry.draft_sha256 for entry in plan.certificates]
    count = 0
    for _ in deaths(account, plan):
        established = account.execute(plan)

        require_end_state(account, plan, established)
        require_nothing_else_signed(account, plan)
        assert signed_entries(account, plan) == drafts
        count += 1
    assert count > 2 * len(Event) * len(drafts)


@OPERATIONS
def test_a_certificate_that_was_recorded_is_never_signed_again(
    account: Account, prepare: Prepare
) -> None:
    plan = prepare(account)
    for _ in deaths(account, plan):
        recorded = len(signed_entries(account, plan))
        made = sum(len(account.signatures_of(authority)) for authority in plan.unlocks)

        account.execute(plan)

        again = sum(len(account.signatures_of(authority)) for authority in plan.unlocks)
        assert again - made == len(plan.certificates) - recorded
        assert made - recorded in {0, 1}


@OPERATIONS
def test_a_ceremony_that_died_twice_at_any_two_calls_in_a_row_is_completed(
    account: Account, prepare: Prepare
) -> None:
    plan = prepare(account)
    for moment in deaths(account, plan):
        account.fate.moments_left = moment // 2
        with pytest.raises(DiedError):
            account.execute(plan)
        account.fate.moments_left = None

        require_end_state(account, plan, account.execute(plan))
        require_nothing_else_signed(account, plan)


@OPERATIONS
def test_a_call_that_aws_refuses_once_leaves_a_root_key_locked_and_is_completed(
    account: Account, prepare: Prepare
) -> None:
    plan = prepare(account)
    before = dict(account.s3.objects)
    moment = 0
    while True:
        account.restore(before)
        account.fate.lasts = False
        account.fate.raises = lambda: refused("ThrottlingException", "Any")
        account.fate.moments_left = moment
        try:
            established = account.execute(plan)
        except (ClientError, KeyKeeperError) as error:
            is_told = "STILL ENABLED" in str(error)
            was_told_nothing = not account.transcript(plan.digest).entries
            is_locked = all(account.is_locked(authority) for authority in plan.unlocks)
            assert is_locked or is_told or was_told_nothing
            established = account.execute(plan)
        else:
            if account.fate.moments_left is not None:
                return
        require_end_state(account, plan, established)
        require_nothing_else_signed(account, plan)
        moment += 1


@OPERATIONS
def test_a_ceremony_that_is_done_changes_nothing_when_it_is_run_again(
    account: Account, prepare: Prepare
) -> None:
    plan = prepare(account)
    account.restore(account.s3.objects)
    first = account.execute(plan)
    before = dict(account.s3.objects)

    again = account.execute(plan)

    assert account.s3.objects == before
    assert [entry.created for entry in first] == [True] * len(first)
    assert [(entry.certificate, entry.created) for entry in again] == [
        (entry.certificate, False) for entry in first
    ]
    require_nothing_else_signed(account, plan)
