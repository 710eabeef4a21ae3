"""Clears a lock that nobody holds any more.

Terraform locks a state with an object beside it; a run that was killed leaves it behind. Whether
it is lost nobody but its holder can tell, so it is cleared by its id alone, which the message of
whoever met it tells.

https://developer.hashicorp.com/terraform/language/backend/s3#state-locking
"""

import json
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.accounts import PLAN, Accounts
from pipeline.errors import PipelineError, RefusedError

_MISSING = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that is there.

    Attributes:
        id: what it is cleared by.
        who: user and machine.
        operation: what they did.
        created: since when.
    """

    id: str
    who: str
    operation: str
    created: str


def holder(accounts: Accounts, unit: str) -> Held | None:
    """Who holds the lock of a unit's state; None when it is free.

    Raises:
        PipelineError: the account's state bucket cannot be read.
    """
    account, region, _, _ = unit.split("/")
    bucket, key = accounts.facts.state_bucket(account), f"{unit}/terraform.tfstate.tflock"
    try:
        answer = accounts.s3(account, region, PLAN).get_object(Bucket=bucket, Key=key)
        found = json.loads(answer["Body"].read())
        return Held(
            id=str(found["ID"]),
            who=str(found.get("Who", "somebody")),
            operation=str(found.get("Operation", "")).removeprefix("OperationType").lower(),
            created=str(found.get("Created", "")),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return None
        raise PipelineError(f"s3://{bucket}/{key} cannot be read: {error}") from error
    except (BotoCoreError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PipelineError(f"s3://{bucket}/{key} cannot be read: {error}") from error


def require_lock(found: Held | None, unit: str, lock: str) -> Held:
    """Refuse to clear another lock than the one that was named.

    Raises:
        RefusedError: the state is free, or locked by another run.
    """
    if found is None:
        raise RefusedError(f"{unit}: the state is not locked")
    if found.id != lock:
        raise RefusedError(
            f"{unit}: the lock is another one by now: {found.id}, held by {found.who} "
            f"since {found.created}",
            hint="that run may well be alive: look before you clear its lock",
        )
    return found
